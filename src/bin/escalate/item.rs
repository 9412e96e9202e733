//! A record that is to be asked about.

use std::borrow::Cow;

use records::{Code, Failure, Record, Text};

use crate::chain::Provider;
use crate::image;
use crate::leak::{Leaks, Names};
use crate::plan::Plan;
use crate::prompt::{Source, filled, messages};
use crate::provider::Message;
use crate::reach::Reach;
use crate::template::Part;

/// The record, what is asked with, and how far it may go.
pub(crate) struct Item {
    pub(crate) record: Record,
    pub(crate) id: String,
    /// The id as it is sent.
    shown_id: String,
    /// Its text as it is sent; empty where a prompt with placeholders says what is.
    pub(crate) text: String,
    /// What its placeholders stand for.
    pub(crate) names: Names,
    pub(crate) reach: Reach,
    /// What keeps it on this machine: something private that was found in it.
    found: Option<String>,
    /// Asked about for an audit only.
    pub(crate) sampled: bool,
}

impl Item {
    pub(crate) fn new(plan: &Plan, record: &Record, sampled: bool) -> Result<Self, Failure> {
        let text = match text(plan, record) {
            _ if plan.template.is_some() => String::new(),
            // A record of a picture need not have a text.
            Err(failure) if failure.code == Code::MissingField && plan.attach.is_some() => {
                String::new()
            }
            text => text?,
        };
        let reach = Reach::of_record(record, plan.reach)?;
        let id = record.id();
        let shown_id = id.clone();
        let names = Names::default();
        let record = record.clone();
        let item = Self { record, id, shown_id, text, names, reach, found: None, sampled };
        match &plan.leaks {
            Some(leaks) => item.guarded(plan, leaks),
            None => Ok(item),
        }
    }

    /// With placeholders, where that is asked for, and kept on this machine while there is
    /// something private in it.
    fn guarded(mut self, plan: &Plan, leaks: &Leaks) -> Result<Self, Failure> {
        let found = if plan.template.is_some() {
            let values = self.values(plan)?;
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            let (sent, names) = leaks.replaced(&values);
            self.names = names;
            leaks.found(sent.iter().map(String::as_str))
        } else {
            // An id that was made from the content says nothing.
            let own = self.record.has("id");
            let id = if own { self.id.as_str() } else { "" };
            let (mut sent, names) = leaks.replaced(&[id, &self.text]);
            self.names = names;
            self.text = sent.pop().unwrap_or_default();
            let id = sent.pop().unwrap_or_default();
            let found = leaks.found([id.as_str(), &self.text]);
            if own {
                self.shown_id = id;
            }
            found
        };
        let picture = plan.attach.as_ref().map(|_| "a picture, which is not searched".to_owned());
        let Some(found) = found.or(picture) else { return Ok(self) };
        if !plan.asks_here() {
            return Err(would_leave(&found));
        }
        self.reach = Reach::Local;
        self.found = Some(found);
        Ok(self)
    }

    /// Why it may go to nobody of `--to`, where that is for what was found in it.
    pub(crate) fn why_it_stays(&self, plan: &Plan) -> Option<Failure> {
        let near = |p: &Provider| p.endpoint.reach == Reach::Local;
        let nobody = !plan.asker.chain.providers.iter().any(near);
        self.found.as_deref().filter(|_| nobody).map(would_leave)
    }

    /// What a prompt's placeholders stand for.
    fn values(&self, plan: &Plan) -> Result<Vec<String>, Failure> {
        let Some(template) = &plan.template else { return Ok(Vec::new()) };
        let parts = template.fill(&self.record)?;
        let value = |part: Part<'_>| match part {
            Part::Value(value) => Some(value.into_owned()),
            Part::Said(_) => None,
        };
        Ok(parts.into_iter().filter_map(value).collect())
    }

    pub(crate) fn source(&self) -> Source<'_> {
        Source { id: &self.shown_id, text: &self.text }
    }

    /// The messages that ask about this record alone.
    pub(crate) fn messages(&self, plan: &Plan) -> Result<Vec<Message>, Failure> {
        let schema = plan.schema.as_ref().map(|schema| &**schema.source());
        let mut messages = match &plan.template {
            Some(template) => {
                let mut parts = template.fill(&self.record)?;
                if let Some(leaks) = &plan.leaks {
                    let values = self.values(plan)?;
                    let values: Vec<&str> = values.iter().map(String::as_str).collect();
                    let mut sent = leaks.replaced(&values).0.into_iter();
                    for part in parts.iter_mut().filter(|part| matches!(part, Part::Value(_))) {
                        *part = Part::Value(Cow::Owned(sent.next().unwrap_or_default()));
                    }
                }
                filled(&plan.fence, &parts, schema)
            }
            None => messages(&plan.fence, &plan.question, &[self.source()], schema),
        };
        if let (Some(field), Some(last)) = (&plan.attach, messages.last_mut()) {
            last.images.push(image::read(&self.record, field)?);
        }
        Ok(messages)
    }

    /// Bytes that it holds.
    pub(crate) fn bytes(&self) -> usize {
        self.record.as_str().len() + self.text.len()
    }
}

fn would_leave(found: &str) -> Failure {
    let message = format!(
        "something private would leave this machine: {found} (--redact replaces it, --allow-pii \
         sends it)"
    );
    Failure::new(Code::Refused, message)
}

/// Ids and texts of all items as they are sent in one request, with the same placeholders for the
/// same originals: what stands there must not mean two things.
pub(crate) fn together(
    plan: &Plan,
    items: &[Item],
) -> Result<(Vec<(String, String)>, Names), Failure> {
    let as_they_are = |item: &Item| (item.shown_id.clone(), item.text.clone());
    let Some(leaks) = &plan.leaks else {
        return Ok((items.iter().map(as_they_are).collect(), Names::default()));
    };
    let mut texts = Vec::new();
    for item in items {
        texts.push(if item.record.has("id") { item.id.clone() } else { String::new() });
        texts.push(text(plan, &item.record)?);
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (sent, names) = leaks.replaced(&texts);
    let pairs = sent.chunks_exact(2).zip(items).map(|(pair, item)| {
        let own = item.record.has("id");
        (if own { pair[0].clone() } else { item.id.clone() }, pair[1].clone())
    });
    Ok((pairs.collect(), names))
}

fn text(plan: &Plan, record: &Record) -> Result<String, Failure> {
    match plan.field.text(record) {
        Ok(Text::Utf8(text)) => Ok(text),
        Ok(Text::Bytes(_)) => Err(Failure::new(Code::Unsupported, "the text is not UTF-8")),
        Err(e) => Err(Failure::new(Code::MissingField, e)),
    }
}
