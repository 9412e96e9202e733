//! Documents as records.

use cli::{Emit, Halt};
use document::{Child, Document, ExtractError};
use records::Record;
use serde::Serialize;

use crate::filter::Deliver;
use crate::load::failure;

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

/// Writes a document's record, and then those of the documents inside it.
pub(crate) fn write(
    before: Record,
    document: &Document,
    result: &str,
    deliver: &dyn Deliver,
    out: &mut Emit<'_>,
) -> Result<(), Halt> {
    let mut record = before.clone();
    let attachments = document.children.iter().filter_map(without_text).collect();
    record.set(result, &document.text);
    record.set("document", &DocumentKey { document, attachments });
    let parent = record.id();
    let base = record.clone();
    deliver.deliver(&before, record, &document.text, out)?;
    for child in &document.children {
        if without_text(child).is_none() {
            write_child(&base, &parent, child, result, deliver, out)?;
        }
    }
    Ok(())
}

fn write_child(
    base: &Record,
    parent: &str,
    child: &Child,
    result: &str,
    deliver: &dyn Deliver,
    out: &mut Emit<'_>,
) -> Result<(), Halt> {
    let mut record = inner(base, parent, &child.id, result);
    if let Some(name) = &child.name {
        record.set("name", name);
    }
    match &child.outcome {
        Ok(document) => write(record, document, result, deliver, out),
        Err(error) => Ok(out.fail(record, failure(error))?),
    }
}

/// The record of a document inside another: what the user wrote into the outer one, its own id,
/// and the outer one's as `parent`.
pub(crate) fn inner(base: &Record, parent: &str, id: &str, result: &str) -> Record {
    let mut record = base.clone();
    for key in [result, "document", "name"] {
        record.remove(key);
    }
    record.set("id", id);
    record.set("parent", parent);
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
