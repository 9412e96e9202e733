//! WordprocessingML (ECMA-376 part 1, 17): the text of a letter or a report.

use std::collections::{HashMap, HashSet};

use super::opc::Relation;
use super::package::Package;
use super::xml::{Event, Tag, Xml};
use crate::document::Document;
use crate::error::ExtractError;
use crate::limits::Budget;
use crate::prose::{Block, Prose};

pub(crate) const MIME: &str =
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// Styles that are based on each other are followed this far.
const MAX_BASES: usize = 16;

/// What a paragraph style makes of its paragraphs.
#[derive(Debug, Default, Clone)]
struct Style {
    base: Option<String>,
    /// Level of a heading, from 1.
    level: Option<u8>,
    item: bool,
}

/// Reads the document whose main part says `main`.
///
/// Headers come first and footers last, each text once; comments only with `full`.
pub(crate) fn read(
    package: &mut Package<'_>,
    main: &str,
    relations: &[Relation],
    budget: &Budget,
) -> Result<Document, ExtractError> {
    let styles = match relations.iter().find(|r| r.kind == "styles") {
        Some(relation) => package.text(&relation.target)?,
        None => None,
    };
    let styles = styles.map(|source| styles_of(&source, budget)).transpose()?.unwrap_or_default();
    let mut prose = Prose::new(budget);
    frame(package, relations, "header", &styles, &mut prose, budget)?;
    let whole = body(main, &styles, &mut prose, budget)?;
    for kind in ["footnotes", "endnotes", "comments"] {
        if kind == "comments" && !budget.wanted.full {
            continue;
        }
        for relation in relations.iter().filter(|r| r.kind == kind) {
            if let Some(source) = package.text(&relation.target)? {
                body(&source, &styles, &mut prose, budget)?;
            }
        }
    }
    frame(package, relations, "footer", &styles, &mut prose, budget)?;
    if !whole {
        prose.cut();
    }
    Ok(prose.finish(MIME))
}

/// Headers or footers: sections often repeat the same text.
fn frame(
    package: &mut Package<'_>,
    relations: &[Relation],
    kind: &str,
    styles: &HashMap<String, Style>,
    prose: &mut Prose<'_>,
    budget: &Budget,
) -> Result<(), ExtractError> {
    let mut seen = HashSet::new();
    for relation in relations.iter().filter(|r| r.kind == kind) {
        let Some(source) = package.text(&relation.target)? else { continue };
        let mut one = Prose::new(budget);
        body(&source, styles, &mut one, budget)?;
        let text = one.finish(MIME).text;
        if seen.insert(text.clone()) {
            prose.append(&text, &[]);
        }
    }
    Ok(())
}

fn styles_of(source: &str, budget: &Budget) -> Result<HashMap<String, Style>, ExtractError> {
    let mut xml = Xml::new(source, budget);
    let mut styles: HashMap<String, Style> = HashMap::new();
    let mut open = None;
    while let Some(event) = xml.next()? {
        let Event::Start(tag) = event else { continue };
        let value = || tag.local_attribute("val").unwrap_or_default();
        if tag.local() == "style" {
            open = tag.local_attribute("styleId");
            continue;
        }
        let Some(id) = &open else { continue };
        let style = styles.entry(id.clone()).or_default();
        match tag.local() {
            "basedOn" => style.base = Some(value()),
            "name" => style.level = style.level.or_else(|| named_level(&value())),
            "outlineLvl" => style.level = outline_level(&value()),
            "numPr" => style.item = true,
            _ => {}
        }
    }
    let resolved = styles.keys().map(|id| (id.clone(), inherited(&styles, id)));
    Ok(resolved.collect())
}

fn inherited(styles: &HashMap<String, Style>, id: &str) -> Style {
    let mut style = Style::default();
    let mut at = Some(id);
    for _ in 0..MAX_BASES {
        let Some(found) = at.and_then(|id| styles.get(id)) else { break };
        style.level = style.level.or(found.level);
        style.item |= found.item;
        at = found.base.as_deref();
    }
    style
}

/// Built-in names of headings are English in every language (17.7.4.9).
fn named_level(name: &str) -> Option<u8> {
    let name = name.to_ascii_lowercase();
    if name == "title" {
        return Some(1);
    }
    name.strip_prefix("heading ")?.parse().ok().filter(|level| (1..=9).contains(level))
}

/// 9 stands for text of the body.
fn outline_level(value: &str) -> Option<u8> {
    value.parse::<u8>().ok().filter(|level| *level < 9).map(|level| level + 1)
}

/// The state of one paragraph.
#[derive(Debug, Default)]
struct Paragraph {
    level: Option<u8>,
    item: Option<bool>,
}

/// Reads the paragraphs and tables of a part; whether it ended as it should.
fn body(
    source: &str,
    styles: &HashMap<String, Style>,
    prose: &mut Prose<'_>,
    budget: &Budget,
) -> Result<bool, ExtractError> {
    let mut xml = Xml::new(source, budget);
    let mut paragraphs: Vec<Paragraph> = Vec::new();
    let mut hidden = false;
    while let Some(event) = xml.next()? {
        if prose.is_full() {
            return Ok(true);
        }
        match event {
            Event::Start(tag) => match tag.local() {
                "p" => paragraphs.push(Paragraph::default()),
                "pPr" => properties(&mut xml, styles, paragraphs.last_mut())?,
                "r" => hidden = false,
                "rPr" => hidden = is_hidden(&mut xml)?,
                "t" if !hidden => prose.write(&xml.text(budget.limits.max_text)?),
                // The same once more for old readers, texts of fields and what was moved away.
                "Fallback" | "instrText" | "delText" | "moveFrom" => xml.skip()?,
                "footnote" | "endnote" if is_separator(&tag) => xml.skip()?,
                "txbxContent" if !paragraphs.is_empty() => prose.begin_aside(),
                "tbl" => prose.begin_table(),
                name => prose.write(inline(name)),
            },
            Event::End(tag) => match tag.local() {
                "p" => {
                    let paragraph = paragraphs.pop().unwrap_or_default();
                    prose.end(match paragraph {
                        Paragraph { level: Some(level), .. } => Block::Heading(level),
                        Paragraph { item: Some(true), .. } => Block::Item,
                        _ => Block::Paragraph,
                    });
                }
                "txbxContent" if !paragraphs.is_empty() => prose.end_aside(),
                "tc" => prose.end_cell(),
                "tr" => prose.end_row(),
                "tbl" => prose.end_table(),
                _ => {}
            },
            Event::Text(_) => {}
        }
    }
    Ok(xml.is_whole())
}

/// What an empty element inside a run stands for.
fn inline(name: &str) -> &'static str {
    match name {
        "tab" | "ptab" => "\t",
        "br" | "cr" => "\n",
        "noBreakHyphen" => "-",
        _ => "",
    }
}

fn is_separator(tag: &Tag<'_>) -> bool {
    tag.local_attribute("type").is_some_and(|kind| kind != "normal")
}

/// Reads a paragraph's properties to their end.
fn properties(
    xml: &mut Xml<'_>,
    styles: &HashMap<String, Style>,
    paragraph: Option<&mut Paragraph>,
) -> Result<(), ExtractError> {
    let mut read = Paragraph::default();
    let mut style = Style::default();
    while let Some(event) = xml.next()? {
        let tag = match event {
            Event::End(tag) if tag.local() == "pPr" => break,
            Event::Start(tag) => tag,
            _ => continue,
        };
        let value = tag.local_attribute("val").unwrap_or_default();
        match tag.local() {
            "pStyle" => style = styles.get(&value).cloned().unwrap_or_default(),
            "outlineLvl" => read.level = outline_level(&value),
            "numId" => read.item = Some(value != "0"),
            // What the paragraph was before a change.
            "pPrChange" | "rPr" => xml.skip()?,
            _ => {}
        }
    }
    if let Some(paragraph) = paragraph {
        paragraph.level = read.level.or(style.level);
        paragraph.item = read.item.or(Some(style.item));
    }
    Ok(())
}

/// Reads a run's properties to their end: whether it is hidden.
fn is_hidden(xml: &mut Xml<'_>) -> Result<bool, ExtractError> {
    let mut hidden = false;
    while let Some(event) = xml.next()? {
        match event {
            Event::End(tag) if tag.local() == "rPr" => break,
            Event::Start(tag) if tag.local() == "vanish" => {
                let value = tag.local_attribute("val");
                hidden = !matches!(value.as_deref(), Some("0" | "false" | "off"));
            }
            _ => {}
        }
    }
    Ok(hidden)
}
