use cli::{Emit, Filter, Halt, Input, Operands, Origin, ResultKey, Results};
use engine::Error;
use records::{Code, Failure, Record, Text, Usage};

use super::filler::FillError;
use super::locate::Locator;
use super::plan::SchemaPlan;
use super::support::check;
use crate::documents::{Deliver, Documents};

/// Keys that are added besides the main one.
const KEYS: [&str; 6] = ["spans", "unsupported", "normalized", "confidence", "parts", "truncated"];

/// Fills a schema from texts, and from documents once they are texts.
pub(crate) struct SchemaFilter {
    plan: SchemaPlan,
}

impl SchemaFilter {
    pub(crate) fn new(plan: SchemaPlan) -> Self {
        Self { plan }
    }

    fn documents(&self) -> Documents<'_> {
        Documents { plan: &self.plan.documents, deliver: self }
    }

    fn text(&self, record: &Record) -> Result<String, Failure> {
        match self.plan.field.text(record) {
            Ok(Text::Utf8(text)) => Ok(text),
            Ok(Text::Bytes(_)) => {
                let message =
                    "the text is not UTF-8; extract without --schema reads other encodings";
                Err(Failure::new(Code::Unsupported, message))
            }
            Err(e) => Err(Failure::new(Code::MissingField, e)),
        }
    }

    /// Adds what the text says to the record.
    fn fill(&self, record: &mut Record, text: &str) -> Result<Usage, Failure> {
        let SchemaPlan { filler, policy, region, cancel, timeout, .. } = &self.plan;
        let cancel = timeout.map_or_else(|| cancel.clone(), |limit| cancel.within(limit));
        let locator = Locator::new(text, region);
        let supported = |value: &_, kind| locator.find(value, kind).is_some();
        let mut filled = filler.fill(text, &supported, &cancel).map_err(failure)?;
        let valid = |data: &_| filler.is_valid(data);
        let support = check(filler.shapes(), &mut filled.data, &locator, region, *policy, &valid);
        record.set(&self.plan.result, &filled.data);
        record.set("spans", &support.spans);
        if !support.unsupported.is_empty() {
            record.set("unsupported", &support.unsupported);
        }
        if !support.normalized.is_empty() {
            record.set("normalized", &support.normalized);
        }
        if let Some(share) = support.share {
            record.set("confidence", &share);
        }
        if filled.windows > 1 {
            record.set("parts", &filled.windows);
        }
        if filled.truncated {
            record.set("truncated", &true);
        }
        let model = filler.model();
        Ok(Usage {
            model: Some(model.name.clone()),
            model_sha: Some(model.sha256.clone()).filter(|sha| !sha.is_empty()),
            tokens_in: Some(filled.tokens_in),
            tokens_out: Some(filled.tokens_out),
            ..Usage::default()
        })
    }

    /// Whether the record names a document rather than holding a text.
    fn is_document(&self, input: &Input) -> bool {
        input.origin != Origin::Line
            || (!self.plan.field_given
                && self.plan.field.raw(&input.record).is_none()
                && input.record.has("path"))
    }
}

impl Deliver for SchemaFilter {
    fn deliver(
        &self,
        before: &Record,
        record: Record,
        text: &str,
        out: &mut Emit<'_>,
    ) -> Result<(), Halt> {
        let mut filled = record;
        match self.fill(&mut filled, text) {
            Ok(usage) => Ok(out.record(filled, usage)?),
            Err(_) if out.is_stopping() => Err(Halt::Stopped),
            // The documents inside it may do better.
            Err(failure) => Ok(out.fail(before.clone(), failure)?),
        }
    }
}

impl Filter for SchemaFilter {
    type Worker = ();

    const RESULT: &'static str = "data";
    const OPERANDS: Operands = Operands::Files;

    fn worker(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn apply(&self, (): &mut (), input: &Input, out: &mut Emit<'_>) -> Result<(), Halt> {
        if self.is_document(input) {
            return self.documents().read(input, out);
        }
        let text = self.text(&input.record)?;
        let mut record = input.record.clone();
        let usage = self.fill(&mut record, &text)?;
        Ok(out.record(record, usage)?)
    }

    /// What a record gets depends on its text; what is kept of that, on the keys it had before.
    fn kept(&self, input: &Input) -> Option<(&Results, ResultKey)> {
        let results = self.plan.results.as_ref()?;
        if self.is_document(input) {
            return None;
        }
        let Ok(Text::Utf8(text)) = self.plan.field.text(&input.record) else { return None };
        let mut parts = vec![text.as_bytes()];
        for key in [self.plan.result.as_str()].into_iter().chain(KEYS) {
            parts.push(input.record.raw(key).unwrap_or_default().as_bytes());
        }
        Some((results, results.key(&parts)))
    }
}

fn failure(error: FillError) -> Failure {
    let code = match &error {
        FillError::Engine(Error::TooLong { .. }) => Code::TooLong,
        FillError::Engine(Error::Cancelled(_)) => Code::Timeout,
        FillError::Blank => Code::Unsupported,
        _ => Code::Model,
    };
    Failure::new(code, error)
}
