//! Documents that are ZIP files: OOXML, OpenDocument, EPUB.
//!
//! [`package`] opens the file, [`xml`] streams its parts, and a module for each format writes into
//! [`crate::prose`].

mod docx;
mod epub;
mod formats;
mod odf;
mod opc;
mod package;
mod pptx;
mod xlsx;
mod xml;

use self::package::Package;
pub(crate) use self::package::damage;
use self::xml::{Event, Xml};
use crate::document::Document;
use crate::error::ExtractError;
use crate::limits::Budget;

/// What a ZIP file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Odf(odf::Kind),
    Epub,
    /// The part that the document starts with.
    Ooxml(String),
}

/// The kind of the document that the package is; `None` where it is an archive of files.
pub(crate) fn kind(package: &mut Package<'_>, budget: &Budget) -> Option<Kind> {
    let mime = package.text("mimetype").ok().flatten().unwrap_or_default();
    if mime.trim() == epub::MIME || (mime.is_empty() && package.has("META-INF/container.xml")) {
        return Some(Kind::Epub);
    }
    if let Some(kind) = odf::Kind::of(&mime) {
        return Some(Kind::Odf(kind));
    }
    let relations = opc::relations(package, "", budget).ok()?;
    let main = relations.into_iter().find(|relation| relation.kind == "officeDocument");
    main.map(|relation| Kind::Ooxml(relation.target))
}

/// Opens what [`crate::sniff`] takes for a ZIP file.
pub(crate) fn open<'a>(bytes: &'a [u8], budget: &Budget) -> Result<Package<'a>, ExtractError> {
    Package::open(bytes, budget)
}

/// Reads the document that the package is.
///
/// # Errors
/// [`ExtractError::Corrupt`], [`ExtractError::Encrypted`], [`ExtractError::Timeout`],
/// [`ExtractError::Unsupported`] when it is of a kind that is not known.
pub(crate) fn read(
    package: &mut Package<'_>,
    kind: &Kind,
    budget: &Budget,
) -> Result<Document, ExtractError> {
    let mut document = match kind {
        Kind::Odf(kind) => odf::read(package, *kind, budget)?,
        Kind::Epub => epub::read(package, budget)?,
        Kind::Ooxml(main) => {
            let relations = opc::relations(package, main, budget)?;
            let source = package.required(main)?;
            let mut document = match root(&source, budget)?.as_str() {
                "document" => docx::read(package, &source, &relations, budget)?,
                "presentation" => pptx::read(package, &source, &relations, budget)?,
                "workbook" => xlsx::read(package, &source, &relations, budget)?,
                _ => return Err(ExtractError::Unsupported { mime: "application/zip" }),
            };
            let about = opc::relations(package, "", budget)?;
            opc::describe(package, &about, &mut document, budget)?;
            document
        }
    };
    document.truncated |= package.truncated;
    Ok(document)
}

/// The name of the outermost element: what kind of document it is.
fn root(source: &str, budget: &Budget) -> Result<String, ExtractError> {
    let mut xml = Xml::new(source, budget);
    while let Some(event) = xml.next()? {
        if let Event::Start(tag) = event {
            return Ok(tag.local().to_owned());
        }
    }
    Ok(String::new())
}
