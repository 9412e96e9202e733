//! SpreadsheetML (ECMA-376 part 1, 18): each sheet is a page, each row a line.
//!
//! Rows are read as a stream: where a cell claims to stand costs nothing.

use super::formats::{Formats, formats};
use super::opc::Relation;
use super::package::Package;
use super::xml::{Event, Tag, Xml};
use crate::document::{Document, cut};
use crate::error::ExtractError;
use crate::limits::Budget;
use crate::prose::Prose;

pub(crate) const MIME: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Characters that a cell may hold, times the bytes of one.
const MAX_CELL: usize = 4 * 32_767;

/// Texts that cells share, one behind the other.
#[derive(Default)]
struct Strings {
    text: String,
    ends: Vec<usize>,
}

impl Strings {
    fn get(&self, index: usize) -> Option<&str> {
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.text.get(start..*self.ends.get(index)?)
    }
}

/// Reads the workbook whose main part says `main`; hidden sheets only with `full`.
pub(crate) fn read(
    package: &mut Package<'_>,
    main: &str,
    relations: &[Relation],
    budget: &Budget,
) -> Result<Document, ExtractError> {
    let mut of_kind = |kind: &str| match relations.iter().find(|r| r.kind == kind) {
        Some(relation) => package.text(&relation.target),
        None => Ok(None),
    };
    let strings = of_kind("sharedStrings")?.map(|source| strings(&source, budget)).transpose()?;
    let styles = of_kind("styles")?.unwrap_or_default();
    let mut formats = formats(&styles, budget)?;
    let strings = strings.unwrap_or_default();
    let mut prose = Prose::new(budget);
    let mut xml = Xml::new(main, budget);
    while let Some(event) = xml.next()? {
        let Event::Start(tag) = event else { continue };
        match tag.local() {
            "workbookPr" => {
                let value = tag.attribute("date1904");
                formats.since_1904 = matches!(value.as_deref(), Some("1" | "true"));
            }
            "sheet" if !prose.is_full() => {
                let hidden = tag.attribute("state").is_some_and(|state| state != "visible");
                if hidden && !budget.wanted.full {
                    continue;
                }
                let id = tag.local_attribute("id").unwrap_or_default();
                let sheet = relations.iter().find(|r| r.id == id && r.kind == "worksheet");
                let Some(sheet) = sheet else { continue };
                prose.page(tag.attribute("name").as_deref());
                match package.text(&sheet.target)? {
                    Some(source) => rows(&source, &strings, &formats, &mut prose, budget)?,
                    None => prose.cut(),
                }
            }
            _ => {}
        }
    }
    Ok(prose.finish(MIME))
}

fn strings(source: &str, budget: &Budget) -> Result<Strings, ExtractError> {
    let mut xml = Xml::new(source, budget);
    let mut strings = Strings::default();
    while let Some(event) = xml.next()? {
        match event {
            Event::Start(tag) => match tag.local() {
                "t" => strings.text.push_str(&xml.text(MAX_CELL)?),
                // How it is read aloud.
                "rPh" => xml.skip()?,
                _ => {}
            },
            Event::End(tag) if tag.local() == "si" => strings.ends.push(strings.text.len()),
            _ => {}
        }
    }
    Ok(strings)
}

/// What a cell's tag says.
#[derive(Default)]
struct CellTag {
    column: Option<usize>,
    kind: String,
    style: usize,
    value: String,
}

impl CellTag {
    fn read(tag: &Tag<'_>) -> Self {
        Self {
            column: tag.attribute("r").and_then(|place| column(&place)),
            kind: tag.attribute("t").unwrap_or_default(),
            style: tag.attribute("s").and_then(|s| s.parse().ok()).unwrap_or_default(),
            value: String::new(),
        }
    }
}

fn rows(
    source: &str,
    strings: &Strings,
    formats: &Formats,
    prose: &mut Prose<'_>,
    budget: &Budget,
) -> Result<(), ExtractError> {
    let mut xml = Xml::new(source, budget);
    let mut cell = CellTag::default();
    prose.begin_table();
    while let Some(event) = xml.next()? {
        if prose.is_full() {
            break;
        }
        match event {
            Event::Start(tag) => match tag.local() {
                "c" => cell = CellTag::read(&tag),
                "v" => cell.value = xml.text(MAX_CELL)?,
                "t" => cell.value.push_str(&xml.text(MAX_CELL)?),
                "rPh" | "f" => xml.skip()?,
                _ => {}
            },
            Event::End(tag) => match tag.local() {
                "c" => {
                    let cell = std::mem::take(&mut cell);
                    prose.blank_until(cell.column.unwrap_or_default());
                    prose.cells(1, shown(&cell, strings, formats));
                }
                "row" => prose.end_row(),
                _ => {}
            },
            Event::Text(_) => {}
        }
    }
    prose.end_table();
    Ok(())
}

/// A cell as it is shown, nearly: dates as ISO 8601 writes them, numbers without separators.
fn shown(cell: &CellTag, strings: &Strings, formats: &Formats) -> String {
    let value = cell.value.trim_matches(['\r', '\n']);
    let text = match cell.kind.as_str() {
        "s" => value.trim().parse().ok().and_then(|index| strings.get(index)).unwrap_or_default(),
        "b" => return if value == "1" { "TRUE" } else { "FALSE" }.to_owned(),
        "str" | "inlineStr" | "e" | "d" => value,
        _ => return formats.number(value, cell.style),
    };
    cut(text, MAX_CELL).chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect()
}

/// The column of a place such as `BC12`, from 0.
fn column(place: &str) -> Option<usize> {
    let letters = place.bytes().take_while(u8::is_ascii_alphabetic).take(4);
    let number = letters.fold(0, |n, b| n * 26 + usize::from(b.to_ascii_uppercase() - b'A' + 1));
    number.checked_sub(1).filter(|column| *column < 16_384)
}

#[cfg(test)]
mod tests {
    use super::column;

    #[test]
    fn columns_have_letters() {
        assert_eq!(column("A1"), Some(0));
        assert_eq!(column("Z9"), Some(25));
        assert_eq!(column("AA10"), Some(26));
        assert_eq!(column("XFD1"), Some(16_383));
        assert_eq!(column("ZZZZ1"), None);
        assert_eq!(column("7"), None);
    }
}
