//! PresentationML (ECMA-376 part 1, 19): each slide is a page, its notes at its end.

use super::opc::{Relation, relations};
use super::package::Package;
use super::xml::{Event, Xml};
use crate::document::Document;
use crate::error::ExtractError;
use crate::limits::Budget;
use crate::prose::{Block, Prose};

pub(crate) const MIME: &str =
    "application/vnd.openxmlformats-officedocument.presentationml.presentation";

/// Reads the presentation whose main part says `main`.
pub(crate) fn read(
    package: &mut Package<'_>,
    main: &str,
    related: &[Relation],
    budget: &Budget,
) -> Result<Document, ExtractError> {
    let mut prose = Prose::new(budget);
    let mut xml = Xml::new(main, budget);
    while let Some(event) = xml.next()? {
        let Event::Start(tag) = event else { continue };
        if tag.local() != "sldId" {
            continue;
        }
        if prose.is_full() {
            break;
        }
        let Some(id) = tag.attribute("r:id") else { continue };
        let Some(slide) = related.iter().find(|r| r.id == id) else { continue };
        slide_text(package, &slide.target, &mut prose, budget)?;
    }
    Ok(prose.finish(MIME))
}

fn slide_text(
    package: &mut Package<'_>,
    part: &str,
    prose: &mut Prose<'_>,
    budget: &Budget,
) -> Result<(), ExtractError> {
    budget.check_time()?;
    prose.page(None);
    let Some(source) = package.text(part)? else {
        prose.cut();
        return Ok(());
    };
    shapes(&source, false, prose, budget)?;
    for relation in relations(package, part, budget)? {
        if matches!(relation.kind.as_str(), "diagramData" | "notesSlide")
            && let Some(source) = package.text(&relation.target)?
        {
            shapes(&source, relation.kind == "notesSlide", prose, budget)?;
        }
    }
    Ok(())
}

/// Reads the text of shapes; of notes, only what was written into them.
fn shapes(
    source: &str,
    notes: bool,
    prose: &mut Prose<'_>,
    budget: &Budget,
) -> Result<(), ExtractError> {
    let mut xml = Xml::new(source, budget);
    let (mut title, mut wanted) = (false, true);
    while let Some(event) = xml.next()? {
        if prose.is_full() {
            break;
        }
        match event {
            Event::Start(tag) => match tag.local() {
                "sp" => (title, wanted) = (false, !notes),
                "ph" => {
                    let kind = tag.attribute("type").unwrap_or_default();
                    title = matches!(kind.as_str(), "title" | "ctrTitle");
                    wanted = if notes { kind == "body" } else { kind != "sldNum" };
                }
                "t" if wanted => prose.write(&xml.text(budget.limits.max_text)?),
                "br" if wanted => prose.write("\n"),
                "tbl" => prose.begin_table(),
                "Fallback" => xml.skip()?,
                _ => {}
            },
            Event::End(tag) => match tag.local() {
                "p" => prose.end(if title { Block::Heading(1) } else { Block::Paragraph }),
                "tc" => prose.end_cell(),
                "tr" => prose.end_row(),
                "tbl" => prose.end_table(),
                _ => {}
            },
            Event::Text(_) => {}
        }
    }
    prose.end(Block::Paragraph);
    Ok(())
}
