//! The page tree, and what pages inherit from it (ISO 32000-1 §7.7.3).

use std::collections::HashSet;

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::objects;

/// Page tree nodes inside each other.
const MAX_TREE_DEPTH: usize = 64;

/// A page with what it inherits.
pub(crate) struct PageNode<'a> {
    /// Absent where it is not an object of its own.
    pub(crate) id: Option<ObjectId>,
    pub(crate) dictionary: &'a Dictionary,
    pub(crate) resources: Option<&'a Dictionary>,
    /// Degrees clockwise.
    pub(crate) rotate: i64,
}

#[derive(Clone, Copy)]
struct Inherited<'a> {
    resources: Option<&'a Dictionary>,
    rotate: i64,
    depth: usize,
}

/// The pages in order, at most `max_pages`; true when there are more.
///
/// A node is visited once, so a tree with cycles ends. Without a usable tree the document's page
/// objects stand in, by their numbers.
pub(crate) fn pages(document: &Document, max_pages: usize) -> (Vec<PageNode<'_>>, bool) {
    let start = Inherited { resources: None, rotate: 0, depth: 0 };
    let mut pages = Vec::new();
    let mut seen = HashSet::new();
    let mut open: Vec<(&Object, Inherited<'_>)> = Vec::new();
    if let Some(root) = document.catalog().ok().and_then(|catalog| catalog.get(b"Pages").ok()) {
        open.push((root, start));
    }
    while let Some((object, inherited)) = open.pop() {
        if object.as_reference().is_ok_and(|id: ObjectId| !seen.insert(id)) {
            continue;
        }
        let Some(node) = objects::resolve(document, object).and_then(|o| o.as_dict().ok()) else {
            continue;
        };
        let inherited = inherited.over(document, node);
        match objects::array(document, node, b"Kids") {
            Some(kids) if inherited.depth <= MAX_TREE_DEPTH => {
                open.extend(kids.iter().rev().map(|kid| (kid, inherited)));
            }
            Some(_) => {}
            None if pages.len() == max_pages => return (pages, true),
            None => pages.push(inherited.page(object.as_reference().ok(), node)),
        }
    }
    if pages.is_empty() {
        let loose = document.objects.iter().filter_map(|(id, o)| Some((*id, o.as_dict().ok()?)));
        let loose = loose.filter(|(_, dictionary)| dictionary.has_type(b"Page")).take(max_pages);
        pages = loose.map(|(id, d)| start.over(document, d).page(Some(id), d)).collect();
    }
    (pages, false)
}

impl<'a> Inherited<'a> {
    fn over(self, document: &'a Document, node: &'a Dictionary) -> Self {
        Self {
            resources: objects::dictionary(document, node, b"Resources").or(self.resources),
            rotate: objects::number(document, node, b"Rotate").map_or(self.rotate, |d| d as i64),
            depth: self.depth + 1,
        }
    }

    fn page(self, id: Option<ObjectId>, dictionary: &'a Dictionary) -> PageNode<'a> {
        PageNode { id, dictionary, resources: self.resources, rotate: self.rotate }
    }
}

/// The page's content streams, one after the other; what is damaged or over `max_stream` is left out.
pub(crate) fn content(document: &Document, page: &Dictionary, max_stream: usize) -> Vec<u8> {
    let mut content = Vec::new();
    let mut append = |object: &Object| {
        let stream = objects::resolve(document, object).and_then(|o| o.as_stream().ok());
        let room = max_stream.saturating_sub(content.len());
        if let Some(Ok(part)) = stream.map(|stream| stream.get_plain_content_with_limit(room)) {
            content.extend_from_slice(&part);
            // Tokens do not run on from one stream to the next.
            content.push(b'\n');
        }
    };
    match objects::get(document, page, b"Contents") {
        Some(Object::Array(parts)) => parts.iter().for_each(append),
        Some(_) => page.get(b"Contents").ok().into_iter().for_each(&mut append),
        None => {}
    }
    content
}
