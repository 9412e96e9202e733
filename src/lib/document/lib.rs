//! Documents of many kinds as text: plain text in any encoding, HTML, PDF, mail, office formats,
//! books, archives.
//!
//! [`extract`] decides by content what a document is ([`sniff`]) and reads it. Work is bounded by
//! [`Limits`] and a parser's failure stays with its document. Mailboxes and archives are many
//! documents: [`mbox::Messages`] and [`archive`] split them as streams, [`unpack`] opens what is
//! compressed. No engine is known here.

pub mod archive;
mod document;
mod error;
mod guard;
mod html;
mod limits;
mod mail;
mod markdown;
pub mod mbox;
mod office;
mod outlook;
mod pdf;
mod prose;
mod rtf;
pub mod sniff;
mod tabular;
mod text;
pub mod unpack;

use std::path::Path;

pub use self::document::{Child, Document, Headers, Heading, Page, Table};
pub use self::error::ExtractError;
use self::limits::Budget;
pub use self::limits::{Limits, Wanted};
use self::sniff::Format;

/// What to read.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The whole document; reading or mapping it is the caller's business.
    pub bytes: &'a [u8],
    /// What is asked for, beside the text.
    pub wanted: Wanted,
}

impl<'a> From<&'a [u8]> for Input<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self { bytes, wanted: Wanted::default() }
    }
}

/// Turns a document into text. `name_hint` helps only where the content leaves its kind open.
///
/// A mailbox or an archive given here as a whole becomes a document without text whose children are
/// what it holds.
///
/// # Errors
/// Every [`ExtractError`] but `Io` says something about the document; `Io` that no thread could be
/// started for its parser.
pub fn extract(
    input: Input<'_>,
    name_hint: Option<&Path>,
    limits: &Limits,
) -> Result<Document, ExtractError> {
    extract_within(input.bytes, name_hint, &Budget::start(limits).wanting(input.wanted))
}

fn extract_within(
    bytes: &[u8],
    name_hint: Option<&Path>,
    budget: &Budget,
) -> Result<Document, ExtractError> {
    budget.check_size(bytes.len() as u64)?;
    budget.check_time()?;
    budget.check_depth()?;
    if bytes.is_empty() {
        return Err(ExtractError::Empty);
    }
    let mut document = read(bytes, name_hint, budget)?;
    if let Some((first, last)) = budget.wanted.pages {
        document.keep_pages(first, last)?;
    }
    Ok(document)
}

fn read(bytes: &[u8], name_hint: Option<&Path>, budget: &Budget) -> Result<Document, ExtractError> {
    match sniff::sniff(bytes, name_hint) {
        Format::Text(mime) => Ok(text::extract(bytes, mime, budget)),
        Format::Html => html::extract(bytes, budget.wanted.full, budget),
        Format::Pdf => pdf::extract(bytes, budget),
        Format::Mail => guard::contained(|| mail::extract(bytes, budget)),
        Format::Mbox => guard::contained(|| mailbox(bytes, budget)),
        Format::Zip => guard::contained(|| zipped(bytes, budget)),
        Format::Tar => guard::contained(|| archive::children(bytes, Format::Tar, budget)),
        Format::Compressed(kind) => {
            let name = name_hint.map(unpack::inner_name);
            let whole = guard::contained(|| unpack::whole(kind, bytes, budget.limits.max_bytes))?;
            extract_within(&whole, name.as_deref(), &budget.child())
        }
        Format::Rtf => guard::contained(|| rtf::extract(bytes, budget)),
        Format::Ole => outlook::extract(bytes, budget),
        Format::Other(mime) => Err(ExtractError::Unsupported { mime }),
    }
}

fn zipped(bytes: &[u8], budget: &Budget) -> Result<Document, ExtractError> {
    let mut package = office::open(bytes, budget)?;
    match office::kind(&mut package, budget) {
        Some(kind) => office::read(&mut package, &kind, budget),
        None => archive::children(bytes, Format::Zip, budget),
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
mod office_tests;
#[cfg(test)]
mod tests;
