//! HTML: the main text as a reader sees it, or all of it.
//!
//! Text is rendered from the tokens, without a tree: time is linear in the input whatever its nesting.
//! The main text is found by dom_smoothie (Readability), which needs a tree; pages too large or too
//! deep for that are rendered whole, without their navigation.

mod render;

use dom_smoothie::{Config, Readability};
use encoding_rs::Encoding;

use self::render::{Rendered, render};
use crate::document::{BoundedText, Document, Heading};
use crate::error::ExtractError;
use crate::guard;
use crate::limits::Budget;
use crate::text;

/// Bytes of markup that are judged for their main text.
const MAX_JUDGED_BYTES: usize = 4 << 20;

/// Elements inside each other in a page that is judged; browsers stop at 512.
const MAX_JUDGED_DEPTH: usize = 256;

/// Elements of a page that is judged.
const MAX_JUDGED_ELEMENTS: usize = 50_000;

/// Attributes of one tag in a page that is judged: each is compared with all the others.
const MAX_JUDGED_ATTRIBUTES: usize = 256;

/// The main text holds at least this part of the page's text, or it was not found: short pages, lists.
const LEAST_PART: usize = 4;

/// Bytes at the start that may declare an encoding (the WHATWG standard asks for 1024).
const DECLARATION: usize = 4_096;

/// Reads an HTML page; `full` keeps navigation, headers and footers.
///
/// # Errors
/// [`ExtractError::Timeout`].
pub(crate) fn extract(bytes: &[u8], full: bool, budget: &Budget) -> Result<Document, ExtractError> {
    let (markup, encoding) = text::decode(bytes, declared_encoding(bytes));
    let mut document = extract_str(&markup, full, budget)?;
    document.encoding = Some(encoding.name());
    Ok(document)
}

/// Reads HTML that is text already.
///
/// # Errors
/// [`ExtractError::Timeout`].
pub(crate) fn extract_str(
    markup: &str,
    full: bool,
    budget: &Budget,
) -> Result<Document, ExtractError> {
    let page = render(markup, full, budget)?;
    let main = if full { None } else { main_text(markup, &page, budget) };
    let (said, mut outline) = main.unwrap_or((page.text, page.outline));
    let mut kept = BoundedText::new(budget.limits.max_text);
    kept.push(&said);
    outline.retain(|heading| heading.start < kept.len());
    Ok(Document {
        mime: "text/html",
        title: page.title,
        authors: page.author.into_iter().collect(),
        created: page.published,
        outline,
        language: page.language,
        truncated: kept.truncated(),
        text: kept.into_string(),
        ..Document::default()
    })
}

/// The page's main text, where it can be told from the rest.
fn main_text(markup: &str, page: &Rendered, budget: &Budget) -> Option<(String, Vec<Heading>)> {
    let elements = MAX_JUDGED_ELEMENTS.min(budget.limits.max_objects);
    if markup.len() > MAX_JUDGED_BYTES
        || page.depth > MAX_JUDGED_DEPTH
        || page.attributes > MAX_JUDGED_ATTRIBUTES
        || page.elements > elements
        || budget.expired()
    {
        return None;
    }
    let article = guard::contained(|| {
        let config = Config { max_elements_to_parse: elements, ..Config::default() };
        let article = Readability::new(markup, None, Some(config)).and_then(|mut r| r.parse());
        article.map(|article| article.content.to_string()).map_err(ExtractError::corrupt)
    });
    let main = render(&article.ok()?, true, budget).ok()?;
    (main.text.len() * LEAST_PART >= page.text.len()).then_some((main.text, main.outline))
}

/// The encoding that the page declares in a `meta` element or an XML declaration.
fn declared_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(DECLARATION)];
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let (_, rest) = head.split_once("charset=").or_else(|| head.split_once("encoding="))?;
    let label = rest.trim_start_matches(['"', '\'', ' ']);
    let end = label.find(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c)))?;
    let encoding = Encoding::for_label(&label.as_bytes()[..end])?;
    // The page was read as bytes to find the declaration, so it cannot be in UTF-16.
    Some(if encoding.is_ascii_compatible() { encoding } else { encoding_rs::UTF_8 })
}

#[cfg(test)]
#[path = "html_tests.rs"]
mod tests;
