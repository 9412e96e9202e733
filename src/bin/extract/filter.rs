use std::io::{BufReader, Read};
use std::path::Path;

use cli::{Emit, Filter, Halt, Input, Operands, Origin};
use document::{Document, mbox};
use records::{Code, Failure, Record, Text, Usage, content_id};

use crate::load::{Loaded, failure, file_id, load};
use crate::output;
use crate::plan::Plan;

/// What becomes of a record that has its text.
pub(crate) trait Deliver {
    /// Writes `record`, whose text is `text`; `before` is the record without it.
    ///
    /// # Errors
    /// As [`Filter::apply`].
    fn deliver(
        &self,
        before: &Record,
        record: Record,
        text: &str,
        out: &mut Emit<'_>,
    ) -> Result<(), Halt>;
}

/// Documents on their way to text.
pub(crate) struct Documents<'p> {
    pub(crate) plan: &'p Plan,
}

impl Documents<'_> {
    fn document(&self, bytes: &[u8], name: Option<&Path>) -> Result<Document, Failure> {
        let input = document::Input { bytes, full: self.plan.full };
        document::extract(input, name, &self.plan.limits).map_err(|e| failure(&e))
    }

    /// Reads the document that the input names, and those inside it.
    ///
    /// # Errors
    /// As [`Filter::apply`].
    pub(crate) fn read(
        &self,
        input: &Input,
        deliver: &dyn Deliver,
        out: &mut Emit<'_>,
    ) -> Result<(), Halt> {
        let path = match (input.origin, self.plan.field.text(&input.record)) {
            (Origin::Stdin, _) => None,
            (_, Ok(path)) => Some(path),
            (_, Err(e)) => return Err(Failure::new(Code::MissingField, e).into()),
        };
        let path = path.as_ref().map(Text::as_os).map(Path::new);
        match load(input.origin, path, self.plan)? {
            Loaded::Whole(bytes) => {
                let document = self.document(&bytes, path)?;
                let mut record = input.record.clone();
                if !record.has("id") {
                    record.set("id", &content_id(&bytes));
                }
                output::write(record, &document, &self.plan.result, deliver, out)
            }
            Loaded::Mailbox { from, again } => {
                // Known for a file before its mails are; for a stream only when it has ended.
                let given = input.record.get::<String>("id").ok().flatten();
                let parent = match (given, path) {
                    (Some(id), _) => Some(id),
                    (None, Some(path)) if again => Some(file_id(path, self.plan)?),
                    (None, _) => None,
                };
                self.mailbox(from, &input.record, parent.as_deref(), deliver, out)
            }
        }
    }

    /// The mails of a mailbox, one after another as they are read.
    fn mailbox(
        &self,
        from: Box<dyn Read>,
        base: &Record,
        parent: Option<&str>,
        deliver: &dyn Deliver,
        out: &mut Emit<'_>,
    ) -> Result<(), Halt> {
        for mail in mbox::Messages::new(BufReader::new(from), self.plan.limits.max_bytes) {
            let mail = mail.map_err(|e| failure(&e))?;
            let mut record = output::inner(
                base,
                parent.unwrap_or_default(),
                &content_id(&mail),
                &self.plan.result,
            );
            if parent.is_none() {
                record.remove("parent");
            }
            match self.document(&mail, Some(Path::new("mail.eml"))) {
                Ok(document) => {
                    output::write(record, &document, &self.plan.result, deliver, out)?;
                }
                Err(failure) => out.fail(record, failure)?,
            }
        }
        Ok(())
    }
}

pub(crate) struct ExtractFilter {
    plan: Plan,
}

impl ExtractFilter {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan }
    }
}

impl Deliver for ExtractFilter {
    fn deliver(&self, _: &Record, record: Record, _: &str, out: &mut Emit<'_>) -> Result<(), Halt> {
        Ok(out.record(record, Usage::default())?)
    }
}

impl Filter for ExtractFilter {
    type Worker = ();

    const RESULT: &'static str = "text";
    const FIELD: &'static str = "path";
    const OPERANDS: Operands = Operands::Files;

    fn worker(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn apply(&self, (): &mut (), input: &Input, out: &mut Emit<'_>) -> Result<(), Halt> {
        Documents { plan: &self.plan }.read(input, self, out)
    }
}
