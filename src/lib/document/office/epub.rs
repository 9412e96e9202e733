//! EPUB (W3C EPUB 3.3, OPF 2): the chapters of a book in the order of its spine.

use std::collections::HashMap;

use super::opc::dublin_core;
use super::package::{Package, resolve};
use super::xml::{Event, Xml};
use crate::document::Document;
use crate::error::ExtractError;
use crate::html;
use crate::limits::Budget;
use crate::prose::Prose;

pub(crate) const MIME: &str = "application/epub+zip";

/// Reads a book.
///
/// # Errors
/// [`ExtractError::Encrypted`] when its chapters are locked, and those of its parts.
pub(crate) fn read(package: &mut Package<'_>, budget: &Budget) -> Result<Document, ExtractError> {
    let container = package.required("META-INF/container.xml")?;
    let root = root_file(&container, budget)?
        .ok_or_else(|| ExtractError::corrupt("its container names no book"))?;
    let source = package.required(&root)?;
    let chapters = spine(&source, budget)?;
    let locks = package.text("META-INF/encryption.xml")?.unwrap_or_default();
    let locked = locked(&locks, budget)?;
    let mut prose = Prose::new(budget);
    for href in chapters {
        if prose.is_full() {
            break;
        }
        budget.check_time()?;
        let part = resolve(&root, &percent_decoded(&href));
        if locked.contains(&part) {
            return Err(ExtractError::Encrypted);
        }
        match package.part(&part)? {
            Some(bytes) => {
                let chapter = html::extract(&bytes, true, budget)?;
                prose.append(&chapter.text, &chapter.outline);
            }
            None => prose.cut(),
        }
    }
    let mut document = prose.finish(MIME);
    dublin_core(&source, &mut document, budget)?;
    // The date of a book is that of its publication.
    document.created = document.modified.take();
    Ok(document)
}

fn root_file(container: &str, budget: &Budget) -> Result<Option<String>, ExtractError> {
    let mut xml = Xml::new(container, budget);
    while let Some(event) = xml.next()? {
        if let Event::Start(tag) = event
            && tag.local() == "rootfile"
            && let Some(path) = tag.attribute("full-path")
        {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// The files of the spine.
fn spine(source: &str, budget: &Budget) -> Result<Vec<String>, ExtractError> {
    let mut xml = Xml::new(source, budget);
    let mut files = HashMap::new();
    let mut order = Vec::new();
    while let Some(event) = xml.next()? {
        let Event::Start(tag) = event else { continue };
        match tag.local() {
            "item" => {
                if let (Some(id), Some(href)) = (tag.attribute("id"), tag.attribute("href")) {
                    files.insert(id, href);
                }
            }
            "itemref" => order.extend(tag.attribute("idref")),
            _ => {}
        }
    }
    // A chapter counts once: a spine that repeats one a million times is no longer book.
    Ok(order.iter().filter_map(|id| files.remove(id)).collect())
}

/// The parts that are encrypted.
fn locked(source: &str, budget: &Budget) -> Result<Vec<String>, ExtractError> {
    let mut xml = Xml::new(source, budget);
    let mut parts = Vec::new();
    while let Some(event) = xml.next()? {
        if let Event::Start(tag) = event
            && tag.local() == "CipherReference"
            && let Some(part) = tag.attribute("URI")
        {
            parts.push(resolve("", &percent_decoded(&part)));
        }
    }
    Ok(parts)
}

/// A relative URL's path without its escapes (RFC 3986, 2.1).
fn percent_decoded(href: &str) -> String {
    let href = href.split('#').next().unwrap_or_default();
    let mut bytes = Vec::with_capacity(href.len());
    let mut rest = href.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let escaped = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        match (first, escaped) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
