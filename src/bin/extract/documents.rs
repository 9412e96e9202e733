//! Documents on their way to text: what a record names, and what is inside it.

use std::io::{BufReader, Cursor, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use cli::{Emit, Halt, Input, Origin};
use document::archive::{self, Allowance, Member};
use document::{Document, ExtractError, mbox};
use records::{Code, Failure, Record, Text, content_id};

use crate::load::{Loaded, Source, failure, file_id, load, open};
use crate::output::{self, Output};
use crate::plan::Plan;

/// What becomes of a record that has its text.
pub(crate) trait Deliver {
    /// Writes `record`, whose text is `text`; `before` is the record without it.
    ///
    /// # Errors
    /// As [`cli::Filter::apply`].
    fn deliver(
        &self,
        before: &Record,
        record: Record,
        text: &str,
        out: &mut Emit<'_>,
    ) -> Result<(), Halt>;
}

/// How documents are read and what becomes of them.
pub(crate) struct Documents<'p> {
    pub(crate) plan: &'p Plan,
    pub(crate) deliver: &'p dyn Deliver,
}

/// One thing that is being read, with its record.
struct Opened<'r> {
    record: &'r Record,
    /// Where its file is; a member of an archive has none.
    path: Option<&'r Path>,
    /// Archives that it sits in.
    depth: usize,
}

impl Documents<'_> {
    fn document(&self, bytes: &[u8], name: Option<&Path>) -> Result<Document, Failure> {
        let input = document::Input { bytes, wanted: self.plan.wanted };
        document::extract(input, name, &self.plan.limits).map_err(|e| failure(&e))
    }

    fn output(&self) -> Output<'_> {
        Output { plan: self.plan, deliver: self.deliver }
    }

    /// Reads the document that the input names, and those inside it.
    ///
    /// # Errors
    /// As [`cli::Filter::apply`].
    pub(crate) fn read(&self, input: &Input, out: &mut Emit<'_>) -> Result<(), Halt> {
        let path = match (input.origin, self.plan.field.text(&input.record)) {
            (Origin::Stdin, _) => None,
            (_, Ok(path)) => Some(path),
            (_, Err(e)) => return Err(Failure::new(Code::MissingField, e).into()),
        };
        let path = path.as_ref().map(Text::as_os).map(Path::new);
        let source = open(input.origin, path, self.plan)?;
        let mut allowance = Allowance::new(&self.plan.limits);
        let opened = Opened { record: &input.record, path, depth: 0 };
        self.opened(source, &opened, &mut allowance, out)
    }

    fn opened(
        &self,
        source: Source<'_>,
        this: &Opened<'_>,
        allowance: &mut Allowance,
        out: &mut Emit<'_>,
    ) -> Result<(), Halt> {
        match load(source, self.plan)? {
            Loaded::Whole { bytes, name } => {
                let document = self.document(&bytes, name.as_deref())?;
                let mut record = this.record.clone();
                if !record.has("id") {
                    record.set("id", &content_id(&bytes));
                }
                self.output().write(record, &document, out)
            }
            Loaded::Mailbox { from, again } => {
                let parent = self.id_of(this, again)?;
                self.mailbox(from, this.record, parent.as_deref(), out)
            }
            Loaded::Zip { bytes } => {
                let parent = this.record.get("id").ok().flatten();
                let parent = parent.unwrap_or_else(|| content_id(&bytes));
                self.members(Some(&parent), this, allowance, out, |allowance, each| {
                    archive::zip(Cursor::new(&bytes), allowance, each)
                })
            }
            Loaded::Tar { from, again } => {
                let parent = self.id_of(this, again)?;
                self.members(parent.as_deref(), this, allowance, out, |allowance, each| {
                    archive::tar(from, allowance, each)
                })
            }
        }
    }

    /// The id of what is read as a stream: known for a file before its parts are; for a stream only
    /// when it has ended, which is too late.
    fn id_of(&self, this: &Opened<'_>, again: bool) -> Result<Option<String>, Failure> {
        let given = this.record.get::<String>("id").ok().flatten();
        match (given, this.path) {
            (Some(id), _) => Ok(Some(id)),
            (None, Some(path)) if again => Ok(Some(file_id(path, self.plan)?)),
            (None, _) => Ok(None),
        }
    }

    /// The mails of a mailbox, one after another as they are read.
    fn mailbox(
        &self,
        from: Box<dyn Read + '_>,
        base: &Record,
        parent: Option<&str>,
        out: &mut Emit<'_>,
    ) -> Result<(), Halt> {
        for mail in mbox::Messages::new(BufReader::new(from), self.plan.limits.max_bytes) {
            let mail = mail.map_err(|e| failure(&e))?;
            let record = output::inner(base, parent, &content_id(&mail), &self.plan.result);
            match self.document(&mail, Some(Path::new("mail.eml"))) {
                Ok(document) => self.output().write(record, &document, out)?,
                Err(failure) => out.fail(record, failure)?,
            }
        }
        Ok(())
    }

    /// The files of an archive, one after another as they are read.
    fn members(
        &self,
        parent: Option<&str>,
        this: &Opened<'_>,
        allowance: &mut Allowance,
        out: &mut Emit<'_>,
        visit: impl FnOnce(
            &mut Allowance,
            &mut dyn FnMut(&mut Allowance, Member) -> ControlFlow<()>,
        ) -> Result<(), ExtractError>,
    ) -> Result<(), Halt> {
        let limit = self.plan.limits.max_depth;
        if this.depth >= limit {
            let what = "archives inside each other";
            return Err(failure(&ExtractError::TooLarge { what, limit: limit as u64 }).into());
        }
        let mut ended = Ok(());
        let visited = visit(allowance, &mut |allowance, member| {
            ended = self.member(member, parent, this, allowance, out);
            if ended.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        ended?;
        visited.map_err(|e| failure(&e).into())
    }

    fn member(
        &self,
        member: Member,
        parent: Option<&str>,
        this: &Opened<'_>,
        allowance: &mut Allowance,
        out: &mut Emit<'_>,
    ) -> Result<(), Halt> {
        let Member { name, content } = member;
        let id = content_id(content.as_deref().unwrap_or(name.as_bytes()));
        let mut record = output::inner(this.record, parent, &id, &self.plan.result);
        record.set("name", &name);
        if let Ok(path) = self.plan.field.text(this.record) {
            let path = [path.as_bytes(), b"!/", name.as_bytes()].concat();
            record.set("path", &Text::from_bytes(path));
        }
        let bytes = match content {
            Ok(bytes) => bytes,
            Err(error) => return Ok(out.fail(record, failure(&error))?),
        };
        let name = Some(PathBuf::from(name));
        let source = Source { from: Box::new(Cursor::new(bytes)), name, again: false };
        let inside = Opened { record: &record, path: None, depth: this.depth + 1 };
        match self.opened(source, &inside, allowance, out) {
            Err(Halt::Failed(failure)) => Ok(out.fail(record, failure)?),
            ended => ended,
        }
    }
}
