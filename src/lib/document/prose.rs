//! Text in blocks: what the parsers of structured formats write paragraphs, tables and pages into.
//!
//! Blocks are parted by an empty line, rows of a table and items of a list by a line's end, cells by
//! a tab. What stands inside a paragraph without being part of it (a note, a text box) follows it.

use crate::document::{BoundedText, Document, Heading, Page, Table};
use crate::limits::Budget;

/// Cells of one row: what Excel allows.
const MAX_CELLS: usize = 16_384;

/// Notes and boxes inside each other that are told apart; deeper ones run together.
const MAX_ASIDES: usize = 64;

/// Headings that are listed.
const MAX_HEADINGS: usize = 20_000;

/// Bytes of a heading that are listed.
const MAX_TITLE: usize = 1_000;

/// What a paragraph is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Block {
    Paragraph,
    Item,
    /// Its level, from 1.
    Heading(u8),
}

/// White space that is due before the next block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    Line,
    Blank,
}

#[derive(Debug, Default)]
struct OpenTable {
    start: Option<usize>,
    rows: Vec<Vec<String>>,
    row: Vec<String>,
    /// Empty cells that are due before the next.
    blank: usize,
    /// Bytes of the open row.
    bytes: usize,
    cell: String,
}

/// A document's text as it grows.
#[derive(Debug)]
pub(crate) struct Prose<'b> {
    budget: &'b Budget,
    text: BoundedText,
    gap: Option<Gap>,
    line: String,
    /// Lines of paragraphs that are interrupted by a note or a box, outermost first.
    interrupted: Vec<String>,
    /// What such interruptions said, due after the paragraph.
    asides: Vec<String>,
    table: OpenTable,
    /// Tables that are open inside each other: only the outermost has rows.
    tables_open: usize,
    pages: Vec<Page>,
    outline: Vec<Heading>,
    tables: Vec<Table>,
    /// Cells of all tables.
    cells_kept: usize,
    truncated: bool,
}

impl<'b> Prose<'b> {
    pub(crate) fn new(budget: &'b Budget) -> Self {
        Self {
            budget,
            text: BoundedText::new(budget.limits.max_text),
            gap: None,
            line: String::new(),
            interrupted: Vec::new(),
            asides: Vec::new(),
            table: OpenTable::default(),
            tables_open: 0,
            pages: Vec::new(),
            outline: Vec::new(),
            tables: Vec::new(),
            cells_kept: 0,
            truncated: false,
        }
    }

    /// Whether a limit is reached: nothing that is written now counts.
    pub(crate) fn is_full(&self) -> bool {
        self.text.truncated() || self.truncated
    }

    /// Something was left out.
    pub(crate) fn cut(&mut self) {
        self.truncated = true;
    }

    /// Adds to the open paragraph.
    pub(crate) fn write(&mut self, text: &str) {
        let held = self.line.len() + self.table.bytes + self.table.cell.len();
        if held.saturating_add(text.len()) > self.budget.limits.max_text.saturating_add(MAX_TITLE) {
            let room = self.budget.limits.max_text.saturating_sub(held);
            self.line.push_str(crate::document::cut(text, room));
            self.truncated = true;
        } else {
            self.line.push_str(text);
        }
    }

    /// Ends the open paragraph; one without text is none.
    pub(crate) fn end(&mut self, block: Block) {
        let line = std::mem::take(&mut self.line);
        let said = line.trim_matches(|c: char| c.is_whitespace() && c != '\t');
        let said = if self.tables_open == 0 { said.trim_end() } else { said.trim() };
        if self.tables_open > 0 || !self.interrupted.is_empty() {
            self.inline(said);
            return;
        }
        if !said.trim().is_empty() {
            self.block(said, block);
        }
        for aside in std::mem::take(&mut self.asides) {
            self.block(&aside, Block::Paragraph);
        }
    }

    /// A paragraph's text where lines cannot end: in a cell, in a note.
    fn inline(&mut self, said: &str) {
        let into = match self.tables_open {
            0 => &mut self.line,
            _ => &mut self.table.cell,
        };
        if !said.is_empty() {
            if !into.is_empty() {
                into.push(' ');
            }
            into.extend(said.chars().map(|c| if c.is_whitespace() { ' ' } else { c }));
        }
        if self.tables_open == 0 && !said.is_empty() {
            into.push(' ');
        }
    }

    fn block(&mut self, said: &str, block: Block) {
        let before = match block {
            Block::Item => Gap::Line,
            _ => Gap::Blank,
        };
        self.part(before);
        let start = self.text.len();
        if block == Block::Item && !said.starts_with("- ") {
            self.text.push("- ");
        }
        self.text.push(said);
        self.gap = Some(before);
        if let Block::Heading(level) = block {
            self.heading(level, said, start);
        }
    }

    /// White space between the last block and the next.
    fn part(&mut self, before: Gap) {
        if let Some(after) = self.gap.take() {
            self.text.push(if after.max(before) == Gap::Line { "\n" } else { "\n\n" });
        }
    }

    fn heading(&mut self, level: u8, title: &str, start: usize) {
        if self.outline.len() < MAX_HEADINGS && start < self.text.len() {
            let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
            let title = crate::document::cut(&title, MAX_TITLE).to_owned();
            self.outline.push(Heading { level, title, start });
        }
    }

    /// Interrupts the open paragraph, if one is open, for a note or a box.
    pub(crate) fn begin_aside(&mut self) {
        if self.interrupted.len() < MAX_ASIDES {
            self.interrupted.push(std::mem::take(&mut self.line));
        }
    }

    /// Goes on with the interrupted paragraph.
    pub(crate) fn end_aside(&mut self) {
        let Some(line) = self.interrupted.pop() else { return };
        let said = std::mem::replace(&mut self.line, line);
        let said = said.trim();
        if said.is_empty() {
            return;
        }
        if self.interrupted.is_empty() && self.tables_open == 0 {
            self.asides.push(said.to_owned());
        } else {
            self.inline(said);
        }
    }

    pub(crate) fn begin_table(&mut self) {
        if self.tables_open == 0 {
            if self.interrupted.is_empty() {
                self.end(Block::Paragraph);
            }
            self.table = OpenTable::default();
        }
        self.tables_open += 1;
    }

    /// Ends a cell of the outermost table, which counts for `count`.
    pub(crate) fn end_cells(&mut self, count: usize) {
        self.end(Block::Paragraph);
        if self.tables_open == 1 {
            let cell = std::mem::take(&mut self.table.cell);
            self.cells(count, cell);
        }
    }

    pub(crate) fn end_cell(&mut self) {
        self.end_cells(1);
    }

    /// Adds cells to the open row as they are.
    pub(crate) fn cells(&mut self, count: usize, cell: String) {
        let table = &mut self.table;
        if cell.is_empty() {
            table.blank = table.blank.saturating_add(count);
            return;
        }
        let length = table.row.len().saturating_add(table.blank).saturating_add(count);
        if length > MAX_CELLS || table.bytes > self.budget.limits.max_text {
            self.truncated = true;
            return;
        }
        table.row.resize(length - count, String::new());
        table.blank = 0;
        table.bytes = table.bytes.saturating_add(cell.len().saturating_mul(count));
        table.row.resize(length, cell);
    }

    /// The next cell is the one of this index, if it is not there already.
    pub(crate) fn blank_until(&mut self, column: usize) {
        self.table.blank = self.table.blank.max(column.saturating_sub(self.table.row.len()));
    }

    pub(crate) fn end_row(&mut self) {
        self.end_rows(1);
    }

    /// Ends a row of the outermost table, which counts for `count`; without text it is none.
    pub(crate) fn end_rows(&mut self, count: usize) {
        if self.tables_open != 1 {
            return;
        }
        self.table.bytes = 0;
        self.table.blank = 0;
        let row = std::mem::take(&mut self.table.row);
        if row.is_empty() {
            return;
        }
        for _ in 0..count {
            if self.is_full() {
                return;
            }
            self.row(&row);
        }
    }

    fn row(&mut self, row: &[String]) {
        self.part(if self.table.start.is_none() { Gap::Blank } else { Gap::Line });
        self.table.start.get_or_insert(self.text.len());
        for (n, cell) in row.iter().enumerate() {
            if n > 0 {
                self.text.push("\t");
            }
            self.text.push(cell);
        }
        self.gap = Some(Gap::Line);
        if self.budget.wanted.tables && !self.is_full() {
            self.cells_kept += row.len();
            if self.cells_kept > self.budget.limits.max_objects {
                self.truncated = true;
            } else {
                self.table.rows.push(row.to_vec());
            }
        }
    }

    pub(crate) fn end_table(&mut self) {
        if self.tables_open == 1 {
            if !self.line.is_empty() || !self.table.cell.is_empty() {
                self.end_cell();
            }
            self.end_row();
            let table = std::mem::take(&mut self.table);
            if let Some(start) = table.start {
                self.gap = Some(Gap::Blank);
                if self.budget.wanted.tables {
                    let (end, rows) = (self.text.len(), table.rows);
                    self.tables.push(Table { start, end, rows });
                }
            }
        }
        self.tables_open = self.tables_open.saturating_sub(1);
    }

    /// Starts a page; with a title, it is part of the outline.
    pub(crate) fn page(&mut self, title: Option<&str>) {
        self.end(Block::Paragraph);
        if self.pages.len() >= self.budget.limits.max_pages {
            self.truncated = true;
            return;
        }
        if let Some(last) = self.pages.last_mut() {
            if self.text.len() > last.start {
                self.text.push("\n\n");
            }
            last.end = self.text.len();
            self.gap = None;
        }
        // What stands before the first page is part of it.
        let start = if self.pages.is_empty() { 0 } else { self.text.len() };
        let n = self.pages.len() as u32 + 1;
        self.pages.push(Page { n, start, end: start, needs_ocr: false });
        if let Some(title) = title.filter(|title| !title.is_empty())
            && self.outline.len() < MAX_HEADINGS
        {
            let title = crate::document::cut(title, MAX_TITLE).to_owned();
            self.outline.push(Heading { level: 1, title, start });
        }
    }

    /// Adds text that has its blocks already, with its headings.
    pub(crate) fn append(&mut self, text: &str, outline: &[Heading]) {
        if text.is_empty() {
            return;
        }
        self.part(Gap::Blank);
        let start = self.text.len();
        self.text.push(text);
        self.gap = Some(Gap::Blank);
        for heading in outline {
            self.heading(heading.level, &heading.title, start + heading.start);
        }
    }

    /// The document; `mime` is its media type.
    pub(crate) fn finish(mut self, mime: &'static str) -> Document {
        while !self.interrupted.is_empty() {
            self.end_aside();
        }
        if self.tables_open > 0 {
            self.tables_open = 1;
            self.end_table();
        }
        self.end(Block::Paragraph);
        let length = self.text.len();
        if let Some(last) = self.pages.last_mut() {
            last.end = length;
        }
        Document {
            mime,
            truncated: self.is_full(),
            text: self.text.into_string(),
            pages: self.pages,
            outline: self.outline,
            tables: self.tables,
            ..Document::default()
        }
    }
}

#[cfg(test)]
#[path = "prose_tests.rs"]
mod tests;
