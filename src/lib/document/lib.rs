//! Documents of many kinds as text: plain text in any encoding, HTML, PDF, mail.
//!
//! [`extract`] decides by content what a document is ([`sniff`]) and reads it. Work is bounded by
//! [`Limits`] and a parser's failure stays with its document. A mailbox is many documents:
//! [`mbox::Messages`] splits it as a stream. No engine is known here.

mod document;
mod error;
mod guard;
mod html;
mod limits;
mod mail;
pub mod mbox;
mod pdf;
pub mod sniff;
mod text;

use std::path::Path;

pub use self::document::{Child, Document, Headers, Page};
pub use self::error::ExtractError;
use self::limits::Budget;
pub use self::limits::Limits;
use self::sniff::Format;

/// What to read.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The whole document; reading or mapping it is the caller's business.
    pub bytes: &'a [u8],
    /// Keep what a reader would skip: a page's navigation, header and footer.
    pub full: bool,
}

impl<'a> From<&'a [u8]> for Input<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self { bytes, full: false }
    }
}

/// Turns a document into text. `name_hint` helps only where the content leaves its kind open.
///
/// A mailbox given here as a whole becomes a document without text whose children are its mails.
///
/// # Errors
/// Every [`ExtractError`] but `Io` says something about the document; `Io` that no thread could be
/// started for its parser.
pub fn extract(
    input: Input<'_>,
    name_hint: Option<&Path>,
    limits: &Limits,
) -> Result<Document, ExtractError> {
    extract_within(input.bytes, name_hint, input.full, &Budget::start(limits))
}

fn extract_within(
    bytes: &[u8],
    name_hint: Option<&Path>,
    full: bool,
    budget: &Budget,
) -> Result<Document, ExtractError> {
    budget.check_size(bytes.len() as u64)?;
    budget.check_time()?;
    if bytes.is_empty() {
        return Err(ExtractError::Empty);
    }
    match sniff::sniff(bytes, name_hint) {
        Format::Text(mime) => Ok(text::extract(bytes, mime, budget)),
        Format::Html => html::extract(bytes, full, budget),
        Format::Pdf => pdf::extract(bytes, budget),
        Format::Mail => guard::contained(|| mail::extract(bytes, budget)),
        Format::Mbox => guard::contained(|| mailbox(bytes, budget)),
        Format::Other(mime) => Err(ExtractError::Unsupported { mime }),
    }
}

fn mailbox(bytes: &[u8], budget: &Budget) -> Result<Document, ExtractError> {
    let mut document = Document { mime: "application/mbox", ..Document::default() };
    for mail in mbox::Messages::new(bytes, budget.limits.max_bytes) {
        if document.children.len() == budget.limits.max_children {
            document.truncated = true;
            break;
        }
        budget.check_time()?;
        let mail = mail?;
        document.children.push(Child {
            id: records::content_id(&mail),
            name: None,
            declared_mime: Some("message/rfc822".to_owned()),
            bytes: mail.len(),
            outcome: mail::extract(&mail, &budget.child()),
        });
    }
    Ok(document)
}

#[cfg(test)]
mod tests;
