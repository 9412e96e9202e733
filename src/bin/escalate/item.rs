//! A record that is to be asked about.

use records::{Code, Failure, Record, Text};

use crate::plan::Plan;
use crate::prompt::{Source, filled, messages};
use crate::provider::Message;
use crate::reach::Reach;

/// The record, what is asked with, and how far it may go.
pub(crate) struct Item {
    pub(crate) record: Record,
    pub(crate) id: String,
    /// Its text; empty where a prompt with placeholders says what is sent.
    pub(crate) text: String,
    pub(crate) reach: Reach,
    /// Asked about for an audit only.
    pub(crate) sampled: bool,
}

impl Item {
    pub(crate) fn new(plan: &Plan, record: &Record, sampled: bool) -> Result<Self, Failure> {
        let text = if plan.template.is_some() { String::new() } else { text(plan, record)? };
        let reach = Reach::of_record(record, plan.reach)?;
        Ok(Self { record: record.clone(), id: record.id(), text, reach, sampled })
    }

    pub(crate) fn source(&self) -> Source<'_> {
        Source { id: &self.id, text: &self.text }
    }

    /// The messages that ask about this record alone.
    pub(crate) fn messages(&self, plan: &Plan) -> Result<Vec<Message>, Failure> {
        let schema = plan.schema.as_ref().map(|schema| &**schema.source());
        match &plan.template {
            Some(template) => Ok(filled(&plan.fence, &template.fill(&self.record)?, schema)),
            None => Ok(messages(&plan.fence, &plan.question, &[self.source()], schema)),
        }
    }

    /// Bytes that it holds.
    pub(crate) fn bytes(&self) -> usize {
        self.record.as_str().len() + self.text.len()
    }
}

fn text(plan: &Plan, record: &Record) -> Result<String, Failure> {
    match plan.field.text(record) {
        Ok(Text::Utf8(text)) => Ok(text),
        Ok(Text::Bytes(_)) => Err(Failure::new(Code::Unsupported, "the text is not UTF-8")),
        Err(e) => Err(Failure::new(Code::MissingField, e)),
    }
}
