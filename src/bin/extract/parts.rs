//! `--per`: a document in several records.

use std::num::NonZeroUsize;
use std::str::FromStr;

use document::Document;
use serde::Serialize;

/// What becomes a record of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Per {
    Page,
    Section,
    /// At most this many bytes.
    Chunk(NonZeroUsize),
}

impl FromStr for Per {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text, text.strip_prefix("chunk:")) {
            ("page", _) => Ok(Self::Page),
            ("section", _) => Ok(Self::Section),
            (_, Some(bytes)) => {
                bytes.parse().map(Self::Chunk).map_err(|_| "chunk:N needs a number of bytes")
            }
            _ => Err("expected page, section or chunk:N"),
        }
    }
}

/// A range of pages: `3`, `3-7`, `3-`, `-7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pages(pub(crate) u32, pub(crate) u32);

impl FromStr for Pages {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "expected pages such as 3, 3-7, 3- or -7";
        let number = |text: &str, open: u32| match text {
            "" => Ok(open),
            text => text.parse::<u32>().map_err(|_| FORM),
        };
        let (first, last) = match text.split_once('-') {
            Some(("", "")) => return Err(FORM),
            Some((first, last)) => (number(first, 1)?, number(last, u32::MAX)?),
            None => (number(text, 0)?, number(text, 0)?),
        };
        if first == 0 || last < first { Err(FORM) } else { Ok(Self(first, last)) }
    }
}

/// The `part` key: which part of its document a record is.
#[derive(Debug, Default, Serialize, PartialEq, Eq)]
pub(crate) struct Part {
    /// From 1.
    pub(crate) n: usize,
    pub(crate) of: usize,
    /// First byte in the document's text.
    pub(crate) start: usize,
    pub(crate) end: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) page: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
}

/// The parts of a document, which tile its text; a document that has no pages or headings is one.
pub(crate) fn parts(document: &Document, per: Per) -> Vec<Part> {
    let end = document.text.len();
    let mut parts: Vec<Part> = match per {
        Per::Page => {
            let named = |start| document.outline.iter().find(|h| h.start == start && h.level == 1);
            let page = |page: &document::Page| Part {
                start: page.start,
                end: page.end,
                page: Some(page.n),
                title: named(page.start).map(|heading| heading.title.clone()),
                ..Part::default()
            };
            document.pages.iter().map(page).collect()
        }
        Per::Section => sections(document),
        Per::Chunk(most) => {
            let mut start = 0;
            let piece = |text: &str| {
                let from = start;
                start += text.len();
                Part { start: from, end: start, ..Part::default() }
            };
            chunk::pieces(&document.text, most.get()).map(piece).collect()
        }
    };
    if parts.is_empty() {
        parts.push(Part { end, ..Part::default() });
    }
    parts
}

fn sections(document: &Document) -> Vec<Part> {
    let mut parts = vec![Part::default()];
    for heading in &document.outline {
        let last = parts.last_mut().expect("there is one at least");
        last.end = heading.start;
        // Headings at one place, or out of order, are those of one section.
        if heading.start > last.start {
            parts.push(Part {
                start: heading.start,
                title: Some(heading.title.clone()),
                ..Part::default()
            });
        } else {
            last.end = last.start;
            last.title.get_or_insert_with(|| heading.title.clone());
        }
    }
    let last = parts.last_mut().expect("there is one at least");
    last.end = document.text.len();
    for n in 1..parts.len() {
        parts[n - 1].end = parts[n].start;
    }
    parts
}

#[cfg(test)]
mod tests {
    use document::{Heading, Page};

    use super::*;

    fn document() -> Document {
        let heading = |title: &str, start| Heading { level: 1, title: title.into(), start };
        Document {
            text: "intro\n\nOne\n\ntext\n\nTwo\n\nmore".into(),
            outline: vec![heading("One", 7), heading("Two", 18)],
            pages: vec![
                Page { n: 3, start: 0, end: 18, needs_ocr: false },
                Page { n: 4, start: 18, end: 27, needs_ocr: false },
            ],
            ..Document::default()
        }
    }

    #[test]
    fn parts_tile_the_text() {
        let document = document();
        for per in ["page", "section", "chunk:10", "chunk:1"] {
            let parts = parts(&document, per.parse().expect("valid"));
            let mut at = 0;
            for part in &parts {
                assert_eq!(part.start, at, "{per}");
                at = part.end;
            }
            assert_eq!(at, document.text.len(), "{per}");
        }
        let titles: Vec<_> = sections(&document).into_iter().map(|p| p.title).collect();
        assert_eq!(titles, [None, Some("One".into()), Some("Two".into())]);
        assert_eq!(parts(&Document::default(), Per::Section).len(), 1);
    }

    #[test]
    fn ranges_of_pages() {
        assert_eq!("3-7".parse(), Ok(Pages(3, 7)));
        assert_eq!("3".parse(), Ok(Pages(3, 3)));
        assert_eq!("3-".parse(), Ok(Pages(3, u32::MAX)));
        assert_eq!("-7".parse(), Ok(Pages(1, 7)));
        for wrong in ["", "-", "0", "7-3", "a", "1-2-3"] {
            assert!(wrong.parse::<Pages>().is_err(), "{wrong}");
        }
        for wrong in ["", "chunk:", "chunk:0", "line"] {
            assert!(wrong.parse::<Per>().is_err(), "{wrong}");
        }
    }
}
