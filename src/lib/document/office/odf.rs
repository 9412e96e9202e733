//! OpenDocument (ISO/IEC 26300): texts, sheets (each a page) and slides (each a page).

use super::opc::dublin_core;
use super::package::Package;
use super::xml::{Event, Tag, Xml};
use crate::document::Document;
use crate::error::ExtractError;
use crate::limits::Budget;
use crate::prose::{Block, Prose};

/// What a document is, by the media type that its package starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Sheets,
    Slides,
}

impl Kind {
    /// The kind that a media type names, templates included.
    pub(crate) fn of(mime: &str) -> Option<Self> {
        let name = mime.trim().strip_prefix("application/vnd.oasis.opendocument.")?;
        match name.strip_suffix("-template").unwrap_or(name) {
            "text" | "text-master" | "text-web" => Some(Self::Text),
            "spreadsheet" => Some(Self::Sheets),
            "presentation" | "graphics" => Some(Self::Slides),
            _ => None,
        }
    }

    fn mime(self) -> &'static str {
        match self {
            Self::Text => "application/vnd.oasis.opendocument.text",
            Self::Sheets => "application/vnd.oasis.opendocument.spreadsheet",
            Self::Slides => "application/vnd.oasis.opendocument.presentation",
        }
    }
}

/// Reads an OpenDocument.
pub(crate) fn read(
    package: &mut Package<'_>,
    kind: Kind,
    budget: &Budget,
) -> Result<Document, ExtractError> {
    let manifest = package.text("META-INF/manifest.xml")?.unwrap_or_default();
    if manifest.contains("encryption-data") {
        return Err(ExtractError::Encrypted);
    }
    let source = package.required("content.xml")?;
    let mut reader = Reader { kind, prose: Prose::new(budget), lists: 0, open: Vec::new() };
    let whole = reader.content(&source, budget)?;
    if !whole {
        reader.prose.cut();
    }
    let mut document = reader.prose.finish(kind.mime());
    if let Some(meta) = package.text("meta.xml")? {
        dublin_core(&meta, &mut document, budget)?;
    }
    Ok(document)
}

struct Reader<'b> {
    kind: Kind,
    prose: Prose<'b>,
    /// Lists that are open.
    lists: usize,
    /// Paragraphs that are open, with the level of those that are headings.
    open: Vec<Option<u8>>,
}

impl Reader<'_> {
    /// Reads the content; whether it ended as it should.
    fn content(&mut self, source: &str, budget: &Budget) -> Result<bool, ExtractError> {
        let mut xml = Xml::new(source, budget);
        // How often the open row and cell count.
        let (mut rows, mut cells) = (1, 1);
        while let Some(event) = xml.next()? {
            if self.prose.is_full() {
                return Ok(true);
            }
            match event {
                Event::Start(tag) => match tag.name() {
                    "table:table-row" => rows = repeated(&tag, "table:number-rows-repeated"),
                    "table:table-cell" | "table:covered-table-cell" => {
                        cells = repeated(&tag, "table:number-columns-repeated");
                    }
                    _ if self.is_skipped(&tag, budget) => xml.skip()?,
                    _ => self.start(&tag),
                },
                Event::End(tag) => match tag.name() {
                    "table:table-cell" | "table:covered-table-cell" => self.prose.end_cells(cells),
                    "table:table-row" => self.prose.end_rows(rows),
                    name => self.end(name),
                },
                Event::Text(text) if !self.open.is_empty() => self.text(&text),
                Event::Text(_) => {}
            }
        }
        Ok(xml.is_whole())
    }

    /// Whether an element holds nothing that is part of the text.
    fn is_skipped(&self, tag: &Tag<'_>, budget: &Budget) -> bool {
        match tag.name() {
            "text:tracked-changes"
            | "svg:title"
            | "svg:desc"
            | "text:ruby-text"
            | "math:annotation"
            | "office:forms"
            | "text:sequence-decls"
            | "text:note-citation"
            | "table:tracked-changes" => true,
            "office:annotation" => !budget.wanted.full,
            // Ranges of other files, copied.
            "table:dde-links" => true,
            "table:table" => {
                !budget.wanted.full && tag.attribute("table:display").as_deref() == Some("false")
            }
            _ => false,
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag.name() {
            "text:p" => self.open.push(None),
            "text:h" => {
                let level = tag.attribute("text:outline-level");
                self.open.push(Some(level.and_then(|level| level.parse().ok()).unwrap_or(1)));
            }
            "text:list" => self.lists += 1,
            "text:s" => {
                let count = tag.attribute("text:c").and_then(|c| c.parse().ok()).unwrap_or(1);
                self.prose.write(&" ".repeat(usize::min(count, 1_000)));
            }
            "text:tab" => self.prose.write("\t"),
            "text:line-break" => self.prose.write("\n"),
            "text:note-body" | "draw:text-box" | "office:annotation" if !self.open.is_empty() => {
                self.prose.begin_aside();
            }
            "draw:page" if self.kind == Kind::Slides => self.prose.page(None),
            "table:table" => {
                if self.kind == Kind::Sheets {
                    self.prose.page(tag.attribute("table:name").as_deref());
                }
                self.prose.begin_table();
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "text:p" | "text:h" => {
                let block = match self.open.pop().flatten() {
                    Some(level) => Block::Heading(level),
                    None if self.lists > 0 => Block::Item,
                    None => Block::Paragraph,
                };
                self.prose.end(block);
            }
            "text:list" => self.lists = self.lists.saturating_sub(1),
            "text:note-body" | "draw:text-box" | "office:annotation" if !self.open.is_empty() => {
                self.prose.end_aside();
            }
            "table:table" => self.prose.end_table(),
            _ => {}
        }
    }

    /// White space runs count as one space (ODF 1.3 part 3, 6.1.2).
    fn text(&mut self, text: &str) {
        let mut space = false;
        let mut kept = String::with_capacity(text.len());
        for char in text.chars() {
            let blank = matches!(char, ' ' | '\t' | '\n' | '\r');
            if !blank || !space {
                kept.push(if blank { ' ' } else { char });
            }
            space = blank;
        }
        self.prose.write(&kept);
    }
}

fn repeated(tag: &Tag<'_>, attribute: &str) -> usize {
    tag.attribute(attribute).and_then(|count| count.parse().ok()).unwrap_or(1).max(1)
}
