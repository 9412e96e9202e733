//! Documents as records.

use cli::{Emit, Halt};
use document::{Child, Document, ExtractError};
use records::{Record, content_id};
use serde::Serialize;

use crate::documents::Deliver;
use crate::load::failure;
use crate::parts::{Part, parts};
use crate::plan::Plan;

/// The `document` key: what the parser found, and the attachments that hold no text.
#[derive(Serialize)]
struct DocumentKey<'d> {
    #[serde(flatten)]
    document: &'d Document,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<Attachment<'d>>,
}

/// An attachment of a kind that has no text: named, not failed.
#[derive(Serialize)]
struct Attachment<'d> {
    id: &'d str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'d str>,
    mime: &'d str,
    bytes: usize,
}

/// Where documents go as records.
pub(crate) struct Output<'p> {
    pub(crate) plan: &'p Plan,
    pub(crate) deliver: &'p dyn Deliver,
}

impl Output<'_> {
    /// Writes a document's record, or one for each of its parts, and then those of the documents
    /// inside it.
    pub(crate) fn write(
        &self,
        before: Record,
        document: &Document,
        out: &mut Emit<'_>,
    ) -> Result<(), Halt> {
        let mut record = before.clone();
        // An archive or a mailbox inside something else has nothing to say but what is in it.
        let container = document.is_container();
        let named = document.children.iter().filter(|_| !container);
        let attachments = named.filter_map(without_text).collect();
        record.set(&self.plan.result, &document.text);
        record.set("document", &DocumentKey { document, attachments });
        let parent = record.id();
        let base = record.clone();
        if self.plan.per.is_some() {
            self.write_parts(&before, record, &parent, document, out)?;
        } else if !container {
            self.deliver.deliver(&before, record, &document.text, out)?;
        }
        for child in &document.children {
            if container || without_text(child).is_none() {
                self.write_child(&base, &parent, child, out)?;
            }
        }
        Ok(())
    }

    fn write_parts(
        &self,
        before: &Record,
        record: Record,
        parent: &str,
        document: &Document,
        out: &mut Emit<'_>,
    ) -> Result<(), Halt> {
        let Some(per) = self.plan.per else { return Ok(()) };
        let parts = parts(document, per);
        let of = parts.len();
        for (n, part) in (1..).zip(parts) {
            let text = &document.text[part.start..part.end];
            let mut one = record.clone();
            one.set("id", &content_id(format!("{parent} {n} {text}").as_bytes()));
            one.set("parent", parent);
            one.set(&self.plan.result, text);
            one.set("document", &about(document));
            one.set("part", &Part { n, of, ..part });
            self.deliver.deliver(before, one, text, out)?;
        }
        Ok(())
    }

    fn write_child(
        &self,
        base: &Record,
        parent: &str,
        child: &Child,
        out: &mut Emit<'_>,
    ) -> Result<(), Halt> {
        let mut record = inner(base, Some(parent), &child.id, &self.plan.result);
        if let Some(name) = &child.name {
            record.set("name", name);
        }
        match &child.outcome {
            Ok(document) => self.write(record, document, out),
            Err(error) => Ok(out.fail(record, failure(error))?),
        }
    }
}

/// What is known about a document as a whole: all but the places of things in it.
fn about(document: &Document) -> Document {
    Document {
        mime: document.mime,
        title: document.title.clone(),
        authors: document.authors.clone(),
        created: document.created.clone(),
        modified: document.modified.clone(),
        language: document.language.clone(),
        encoding: document.encoding,
        truncated: document.truncated,
        needs_ocr: document.needs_ocr,
        headers: document.headers.clone(),
        ..Document::default()
    }
}

/// The record of a document inside another: what the user wrote into the outer one, its own id,
/// and the outer one's as `parent`, where that is known.
pub(crate) fn inner(base: &Record, parent: Option<&str>, id: &str, result: &str) -> Record {
    let mut record = base.clone();
    for key in [result, "document", "name", "parent", "part"] {
        record.remove(key);
    }
    record.set("id", id);
    if let Some(parent) = parent {
        record.set("parent", parent);
    }
    record
}

fn without_text(child: &Child) -> Option<Attachment<'_>> {
    match &child.outcome {
        Err(ExtractError::Unsupported { mime }) => Some(Attachment {
            id: &child.id,
            name: child.name.as_deref(),
            mime,
            bytes: child.bytes,
        }),
        _ => None,
    }
}
