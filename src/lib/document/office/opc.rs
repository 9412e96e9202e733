//! Open Packaging Conventions (ECMA-376 part 2): how parts refer to each other, and what is known
//! about the document.

use super::package::{Package, resolve};
use super::xml::{Event, Xml};
use crate::document::Document;
use crate::error::ExtractError;
use crate::limits::Budget;

/// Relations of one part that are read.
const MAX_RELATIONS: usize = 100_000;

/// Bytes of a title, a name, a date.
const MAX_PROPERTY: usize = 4_096;

/// One relation of a part to another.
#[derive(Debug)]
pub(crate) struct Relation {
    pub(crate) id: String,
    /// The last part of its type: `footnotes`, `slide`, …
    pub(crate) kind: String,
    /// The part that is meant.
    pub(crate) target: String,
}

/// The relations of `part`, or of the package where it is empty; those to the outside left out.
pub(crate) fn relations(
    package: &mut Package<'_>,
    part: &str,
    budget: &Budget,
) -> Result<Vec<Relation>, ExtractError> {
    let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
    let slash = if folder.is_empty() { "" } else { "/" };
    let Some(source) = package.text(&format!("{folder}{slash}_rels/{name}.rels"))? else {
        return Ok(Vec::new());
    };
    let mut xml = Xml::new(&source, budget);
    let mut relations = Vec::new();
    while let Some(event) = xml.next()? {
        let Event::Start(tag) = event else { continue };
        if tag.local() != "Relationship" || relations.len() >= MAX_RELATIONS {
            continue;
        }
        if tag.attribute("TargetMode").as_deref() == Some("External") {
            continue;
        }
        if let (Some(id), Some(kind), Some(target)) =
            (tag.attribute("Id"), tag.attribute("Type"), tag.attribute("Target"))
        {
            let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
            relations.push(Relation { id, kind, target: resolve(part, &target) });
        }
    }
    Ok(relations)
}

/// Adds what the package says about its document: title, authors, dates, language.
pub(crate) fn describe(
    package: &mut Package<'_>,
    relations: &[Relation],
    document: &mut Document,
    budget: &Budget,
) -> Result<(), ExtractError> {
    let Some(core) = relations.iter().find(|r| r.kind == "core-properties") else { return Ok(()) };
    let Some(source) = package.text(&core.target)? else { return Ok(()) };
    dublin_core(&source, document, budget)
}

/// Reads the Dublin Core elements that office formats and books have in common.
pub(crate) fn dublin_core(
    source: &str,
    document: &mut Document,
    budget: &Budget,
) -> Result<(), ExtractError> {
    let mut xml = Xml::new(source, budget);
    let mut initial = None;
    while let Some(event) = xml.next()? {
        let Event::Start(tag) = event else { continue };
        let name = tag.name().to_owned();
        let wanted = matches!(
            name.as_str(),
            "dc:title"
                | "dc:creator"
                | "dc:language"
                | "dc:date"
                | "dcterms:created"
                | "dcterms:modified"
                | "meta:creation-date"
                | "meta:initial-creator"
        );
        if !wanted {
            continue;
        }
        let value = xml.text(MAX_PROPERTY)?;
        let value = value.trim();
        if value.is_empty() {
            continue;
        }
        let value = value.to_owned();
        match name.as_str() {
            "dc:title" => drop(document.title.get_or_insert(value)),
            "dc:creator" if document.authors.len() < 100 => document.authors.push(value),
            "dc:language" => drop(document.language.get_or_insert(value)),
            "dcterms:created" | "meta:creation-date" => document.created = Some(value),
            "dcterms:modified" | "dc:date" => document.modified = Some(value),
            "meta:initial-creator" => initial = Some(value),
            _ => {}
        }
    }
    // Who wrote it first is its author; `dc:creator` of ODF is who changed it last.
    if let Some(initial) = initial {
        document.authors = vec![initial];
    }
    Ok(())
}
