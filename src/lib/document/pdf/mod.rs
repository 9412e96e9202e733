//! PDF (ISO 32000): lopdf reads the objects; text, its places and its order are worked out here.
//!
//! [`load`] opens, [`pages`] finds pages, [`interpreter`] draws them with [`font`]s into [`words`],
//! and [`layout`] puts those in reading order.

mod annotations;
mod cmap;
mod encoding;
mod font;
mod interpreter;
mod layout;
mod lexer;
mod load;
mod matrix;
mod metadata;
mod metrics;
mod objects;
mod outline;
mod pages;
mod rtl;
mod words;

use self::interpreter::{Fonts, Interpreter};
use self::matrix::Matrix;
use self::metadata::Metadata;
use self::pages::PageNode;
use crate::document::{BoundedText, Document, Page};
use crate::error::ExtractError;
use crate::guard;
use crate::limits::Budget;

/// A page with a picture and fewer letters than this is a scan.
const FEW_LETTERS: usize = 16;

/// Ends every page's text but the last.
const PAGE_BREAK: &str = "\n\n";

/// Reads a PDF.
///
/// # Errors
/// [`ExtractError::Encrypted`], [`ExtractError::Corrupt`], [`ExtractError::TooLarge`],
/// [`ExtractError::Timeout`].
pub(crate) fn extract(bytes: &[u8], budget: &Budget) -> Result<Document, ExtractError> {
    // The thread may outlive this call, so it needs bytes of its own.
    let (bytes, own_budget) = (bytes.to_vec(), budget.clone());
    guard::abandonable(budget, move || read(&bytes, &own_budget))
}

fn read(bytes: &[u8], budget: &Budget) -> Result<Document, ExtractError> {
    let source = load::load(bytes, budget)?;
    let metadata = Metadata::read(&source);
    let (nodes, mut truncated) = pages::pages(&source, budget.limits.max_pages);
    if nodes.is_empty() {
        return Err(ExtractError::corrupt("it has no pages"));
    }
    let mut fonts = Fonts::default();
    let mut text = BoundedText::new(budget.limits.max_text);
    let mut pages = Vec::with_capacity(nodes.len());
    let last = nodes.len();
    for (n, node) in (1u32..).zip(&nodes) {
        if budget.wanted.pages.is_some_and(|(first, last)| n < first || n > last) {
            continue;
        }
        let start = text.len();
        let (page_text, needs_ocr, full) = match read_page(&source, node, &mut fonts, budget) {
            Ok(page) => page,
            // What has been read is worth more than nothing.
            Err(ExtractError::Timeout(_)) if text.len() > 0 => {
                truncated = true;
                break;
            }
            Err(error) => return Err(error),
        };
        truncated |= full;
        let whole = text.push(&page_text) && (n as usize == last || text.push(PAGE_BREAK));
        pages.push(Page { n, start, end: text.len(), needs_ocr });
        if !whole {
            truncated = true;
            break;
        }
    }
    if pages.is_empty() {
        return Err(ExtractError::NoSuchPage { has: nodes.len() });
    }
    let ids = (1..).zip(&nodes).filter_map(|(n, node)| Some((node.id?, n))).collect();
    let outline = outline::outline(&source, &ids, &pages, text.as_str());
    Ok(Document {
        mime: "application/pdf",
        outline,
        title: metadata.title,
        authors: metadata.authors,
        created: metadata.created,
        language: metadata.language,
        needs_ocr: pages.iter().any(|page| page.needs_ocr),
        truncated,
        text: text.into_string(),
        pages,
        ..Document::default()
    })
}

/// A page's text, whether it is a picture with (nearly) none, and whether a limit cut it.
fn read_page(
    source: &lopdf::Document,
    node: &PageNode<'_>,
    fonts: &mut Fonts,
    budget: &Budget,
) -> Result<(String, bool, bool), ExtractError> {
    budget.check_time()?;
    let content = pages::content(source, node.dictionary, budget.limits.max_stream);
    let mut interpreter = Interpreter::new(source, budget, fonts);
    let turn = Matrix::page_rotation(node.rotate);
    interpreter.draw(&content, node.resources, turn)?;
    annotations::draw(source, node.dictionary, &mut interpreter, &turn)?;
    let (images, full) = (interpreter.images, interpreter.is_full());
    let text = layout::text(interpreter.words.into_vec());
    let letters = text.chars().filter(|char| char.is_alphanumeric()).take(FEW_LETTERS).count();
    Ok((text, images > 0 && letters < FEW_LETTERS, full))
}
