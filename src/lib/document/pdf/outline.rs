//! What a PDF lists as its contents (ISO 32000-1 §12.3.2, §12.3.3).

use std::collections::{HashMap, HashSet};

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::metadata::string;
use super::objects;
use crate::document::{Heading, Page};

/// Entries that are listed.
const MAX_ENTRIES: usize = 20_000;

/// Named places that are known.
const MAX_NAMES: usize = 100_000;

/// Levels of entries.
const MAX_LEVELS: u8 = 32;

/// The entries whose pages are among `pages`, in the order of the text. `ids` are the page objects of
/// the whole document, by page number from 1.
pub(crate) fn outline(
    document: &Document,
    ids: &HashMap<ObjectId, u32>,
    pages: &[Page],
    text: &str,
) -> Vec<Heading> {
    let Ok(catalog) = document.catalog() else { return Vec::new() };
    let Some(root) = objects::dictionary(document, catalog, b"Outlines") else { return Vec::new() };
    let names = names(document, catalog);
    let mut outline = Vec::new();
    let mut seen = HashSet::new();
    let mut open: Vec<(&Object, u8)> = root.get(b"First").into_iter().map(|o| (o, 1)).collect();
    while let Some((object, level)) = open.pop() {
        // Each entry once: a list with cycles ends.
        if object.as_reference().is_ok_and(|id| !seen.insert(id)) || outline.len() == MAX_ENTRIES {
            continue;
        }
        let Some(entry) = objects::resolve(document, object).and_then(objects::as_dictionary)
        else {
            continue;
        };
        open.extend(entry.get(b"Next").into_iter().map(|next| (next, level)));
        if level < MAX_LEVELS {
            open.extend(entry.get(b"First").into_iter().map(|first| (first, level + 1)));
        }
        let page = destination(document, entry, &names).and_then(|id| ids.get(&id));
        let page = page.and_then(|n| pages.iter().find(|page| page.n == *n));
        if let (Some(title), Some(page)) = (string(document, entry, b"Title"), page) {
            // The page is known; on it, its words show where it begins.
            let at = text[page.start..page.end].find(&title).unwrap_or(0);
            outline.push(Heading { level, title, start: page.start + at });
        }
    }
    outline.sort_by_key(|heading| heading.start);
    outline
}

/// The page that an entry leads to.
fn destination<'a>(
    document: &'a Document,
    entry: &'a Dictionary,
    names: &HashMap<&'a [u8], &'a Object>,
) -> Option<ObjectId> {
    let action = || objects::dictionary(document, entry, b"A");
    let mut place = objects::get(document, entry, b"Dest")
        .or_else(|| objects::get(document, action()?, b"D"))?;
    if let Object::Name(name) | Object::String(name, _) = place {
        place = objects::resolve(document, names.get(name.as_slice())?)?;
    }
    if let Some(dictionary) = objects::as_dictionary(place) {
        place = objects::get(document, dictionary, b"D")?;
    }
    place.as_array().ok()?.first()?.as_reference().ok()
}

/// The named places: in a dictionary, or in a tree of names (§7.9.6).
fn names<'a>(document: &'a Document, catalog: &'a Dictionary) -> HashMap<&'a [u8], &'a Object> {
    let mut names = HashMap::new();
    if let Some(old) = objects::dictionary(document, catalog, b"Dests") {
        names.extend(old.iter().take(MAX_NAMES).map(|(name, place)| (name.as_slice(), place)));
    }
    let tree = objects::dictionary(document, catalog, b"Names");
    let mut open: Vec<&Object> = tree.and_then(|t| t.get(b"Dests").ok()).into_iter().collect();
    let mut seen = HashSet::new();
    while let Some(object) = open.pop() {
        if object.as_reference().is_ok_and(|id| !seen.insert(id)) || names.len() >= MAX_NAMES {
            continue;
        }
        let Some(node) = objects::resolve(document, object).and_then(objects::as_dictionary) else {
            continue;
        };
        open.extend(objects::array(document, node, b"Kids").into_iter().flatten());
        for pair in objects::array(document, node, b"Names").unwrap_or_default().chunks_exact(2) {
            if let Some(Object::String(name, _)) = objects::resolve(document, &pair[0]) {
                names.insert(name.as_slice(), &pair[1]);
            }
        }
    }
    names
}
