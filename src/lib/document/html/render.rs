//! Markup to text: blocks become paragraphs, tables rows, lists lines.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use html5ever::LocalName;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::{Rawtext, Rcdata, ScriptData};
use html5ever::tokenizer::{
    BufferQueue, CharacterTokens, StartTag, Tag, TagToken, Token, TokenSink, TokenSinkResult,
    Tokenizer, TokenizerOpts,
};

use crate::document::{Heading, cut};
use crate::error::ExtractError;
use crate::limits::Budget;

/// Bytes fed to the tokenizer between two looks at the clock.
///
/// The tokenizer compares each attribute of a tag with all before it: few fit into a chunk this small.
const CHUNK: usize = 16 << 10;

/// Open skipped elements are counted, not kept: this many at most.
const MAX_SKIPPED: usize = 1_000_000;

/// Headings that are listed.
const MAX_HEADINGS: usize = 20_000;

/// Bytes of a heading that are listed.
const MAX_TITLE: usize = 1_000;

/// A page as text.
#[derive(Debug, Default)]
pub(super) struct Rendered {
    pub(super) text: String,
    pub(super) outline: Vec<Heading>,
    pub(super) title: Option<String>,
    pub(super) author: Option<String>,
    pub(super) published: Option<String>,
    pub(super) language: Option<String>,
    /// Most elements that are open at once, as far as the tags tell.
    pub(super) depth: usize,
    pub(super) elements: usize,
    /// Most attributes of one tag.
    pub(super) attributes: usize,
}

/// Renders a page; without `full`, navigation and the like are left out.
///
/// # Errors
/// [`ExtractError::Timeout`].
pub(super) fn render(markup: &str, full: bool, budget: &Budget) -> Result<Rendered, ExtractError> {
    let sink = Sink { full, limit: budget.limits.max_text, ..Sink::default() };
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let queue = BufferQueue::default();
    let mut rest = markup;
    while !rest.is_empty() {
        budget.check_time()?;
        let (chunk, after) = rest.split_at(cut(rest, CHUNK).len());
        queue.push_back(StrTendril::from_slice(chunk));
        while !matches!(tokenizer.feed(&queue), html5ever::TokenizerResult::Done) {}
        rest = after;
    }
    tokenizer.end();
    Ok(tokenizer.sink.into_rendered())
}

/// White space that is due before the next character.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    #[default]
    Nothing,
    Space,
    Cell,
    Line,
    Paragraph,
}

#[derive(Default)]
struct Sink {
    full: bool,
    limit: usize,
    out: RefCell<Rendered>,
    due: Cell<Due>,
    /// Level of open elements.
    depth: Cell<usize>,
    /// How many of each name are open: an end tag that closes nothing does not count.
    open: RefCell<HashMap<LocalName, usize>>,
    /// Open elements whose text is left out, by name, with how many of that name.
    skipped: RefCell<Option<(String, usize)>>,
    title: RefCell<Option<String>>,
    preformatted: Cell<usize>,
    /// The open heading: its level, and where its text starts once there is some.
    heading: Cell<Option<(u8, Option<usize>)>>,
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        match token {
            CharacterTokens(text) => self.characters(&text),
            TagToken(tag) if tag.kind == StartTag => return self.start(&tag),
            TagToken(tag) => self.end_tag(&tag),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl Sink {
    fn into_rendered(self) -> Rendered {
        let mut out = self.out.into_inner();
        let title = self.title.into_inner().unwrap_or_default();
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        out.title = (!title.is_empty()).then_some(title).or(out.title);
        out
    }

    fn characters(&self, text: &str) {
        if let Some(title) = self.title.borrow_mut().as_mut()
            && self.skipped.borrow().as_ref().is_some_and(|(name, _)| name == "title")
        {
            if title.len() < 1_024 {
                title.push_str(text);
            }
            return;
        }
        if self.skipped.borrow().is_some() || self.out.borrow().text.len() > self.limit {
            return;
        }
        for char in text.chars() {
            let space = matches!(char, ' ' | '\t' | '\n' | '\r' | '\u{c}');
            if space && self.preformatted.get() == 0 {
                self.due(Due::Space);
            } else if char == '\n' {
                self.due(Due::Line);
            } else if !matches!(char, '\u{ad}' | '\u{200b}' | '\u{feff}') {
                self.put(if char == '\u{a0}' { ' ' } else { char });
            }
        }
    }

    fn due(&self, due: Due) {
        self.due.set(self.due.get().max(due));
    }

    fn put(&self, char: char) {
        let mut out = self.out.borrow_mut();
        let due = self.due.replace(Due::Nothing);
        if !out.text.is_empty() {
            out.text.push_str(match due {
                Due::Nothing => "",
                Due::Space => " ",
                Due::Cell => "\t",
                Due::Line => "\n",
                Due::Paragraph => "\n\n",
            });
        }
        if let Some((level, None)) = self.heading.get() {
            self.heading.set(Some((level, Some(out.text.len()))));
        }
        out.text.push(char);
    }

    /// Ends the open heading, if one is open.
    fn end_heading(&self) {
        let Some((level, Some(start))) = self.heading.take() else { return };
        let mut out = self.out.borrow_mut();
        if out.outline.len() < MAX_HEADINGS {
            let title = out.text[start..].split_whitespace().collect::<Vec<_>>().join(" ");
            let title = cut(&title, MAX_TITLE).to_owned();
            out.outline.push(Heading { level, title, start });
        }
    }

    fn start(&self, tag: &Tag) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        self.count(tag, name);
        if separator(name) == Due::Paragraph {
            self.end_heading();
        }
        let mut skipped = self.skipped.borrow_mut();
        if let Some((open, count)) = skipped.as_mut() {
            if open == name && !tag.self_closing && *count < MAX_SKIPPED {
                *count += 1;
            }
        } else if self.is_skipped(tag, name) {
            if !tag.self_closing {
                *skipped = Some((name.to_owned(), 1));
            }
            if name == "title" && self.title.borrow().is_none() {
                *self.title.borrow_mut() = Some(String::new());
            }
            self.due(separator(name));
        } else {
            self.due(separator(name));
            if name == "pre" {
                self.preformatted.set(self.preformatted.get() + 1);
            }
            self.heading.set(heading_level(name).map_or(self.heading.get(), |l| Some((l, None))));
            if name == "li" {
                drop(skipped);
                "- ".chars().for_each(|char| self.put(char));
            }
        }
        match name {
            "script" => TokenSinkResult::RawData(ScriptData),
            "style" | "xmp" | "iframe" | "noembed" | "noframes" => {
                TokenSinkResult::RawData(Rawtext)
            }
            "title" | "textarea" => TokenSinkResult::RawData(Rcdata),
            _ => TokenSinkResult::Continue,
        }
    }

    fn end_tag(&self, tag: &Tag) {
        let name: &str = &tag.name;
        if let Some(open) = self.open.borrow_mut().get_mut(&tag.name).filter(|open| **open > 0) {
            *open -= 1;
            self.depth.set(self.depth.get().saturating_sub(1));
        }
        let mut skipped = self.skipped.borrow_mut();
        if let Some((open, count)) = skipped.as_mut() {
            if open == name {
                *count -= 1;
                if *count == 0 {
                    *skipped = None;
                }
            }
            return;
        }
        if name == "pre" {
            self.preformatted.set(self.preformatted.get().saturating_sub(1));
        }
        if separator(name) == Due::Paragraph {
            self.end_heading();
        }
        self.due(separator(name));
    }

    /// Keeps count of elements, and what a page says about itself.
    fn count(&self, tag: &Tag, name: &str) {
        let mut out = self.out.borrow_mut();
        out.elements += 1;
        out.attributes = out.attributes.max(tag.attrs.len());
        if !tag.self_closing && !is_void(name) {
            self.depth.set(self.depth.get() + 1);
            *self.open.borrow_mut().entry(tag.name.clone()).or_default() += 1;
            out.depth = out.depth.max(self.depth.get());
        }
        let attribute = |key: &str| {
            let found = tag.attrs.iter().find(|a| &*a.name.local == key);
            found.map(|a| a.value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        match name {
            "html" if out.language.is_none() => out.language = attribute("lang"),
            "meta" => {
                let key = attribute("name").or_else(|| attribute("property")).unwrap_or_default();
                let slot = match key.to_ascii_lowercase().as_str() {
                    "author" => &mut out.author,
                    "article:published_time" | "date" | "dc.date" => &mut out.published,
                    "og:title" => &mut out.title,
                    _ => return,
                };
                *slot = slot.take().or_else(|| attribute("content"));
            }
            _ => {}
        }
    }

    fn is_skipped(&self, tag: &Tag, name: &str) -> bool {
        let hidden = || {
            tag.attrs.iter().any(|a| {
                let key: &str = &a.name.local;
                let style: String = a.value.chars().filter(|c| !c.is_whitespace()).collect();
                key == "hidden" || (key == "style" && style.contains("display:none"))
            })
        };
        match name {
            "script" | "style" | "title" | "template" | "svg" | "math" | "iframe" | "object"
            | "noembed" | "noframes" | "select" | "datalist" | "canvas" | "audio" | "video" => true,
            "nav" | "footer" | "aside" | "noscript" | "button" => !self.full,
            // Their end tags may be left out: what follows would be hidden too.
            "p" | "li" | "td" | "th" | "tr" | "dd" | "dt" => false,
            _ => !is_void(name) && hidden(),
        }
    }
}

/// The level of a heading's element.
fn heading_level(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [b'h', level @ b'1'..=b'6'] => Some(level - b'0'),
        _ => None,
    }
}

fn separator(name: &str) -> Due {
    match name {
        "br" | "li" | "tr" | "dt" | "dd" | "option" | "figcaption" | "caption" => Due::Line,
        "td" | "th" => Due::Cell,
        "p" | "div" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "dl" | "table"
        | "pre" | "blockquote" | "section" | "article" | "header" | "footer" | "main" | "aside"
        | "nav" | "hr" | "form" | "fieldset" | "address" | "figure" | "details" | "summary"
        | "body" | "center" => Due::Paragraph,
        _ => Due::Nothing,
    }
}

fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}
