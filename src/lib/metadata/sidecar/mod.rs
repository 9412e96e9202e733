//! XMP sidecars: read, and written so that nothing unknown is lost.

mod edit;
mod properties;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::camera::Gps;
use crate::datetime;
use crate::dating::Taken;
use crate::error::SidecarError;
use crate::read::xmp::{self, DC, EXIF, PHOTOSHOP, XMP};
use crate::source::Source;
use crate::stamp::Stamp;

/// The largest sidecar that is read.
const MAX: usize = 16 << 20;

/// The dates of a sidecar, the most believed first.
const DATES: [(&str, &str); 4] = [
    (EXIF, "DateTimeOriginal"),
    (PHOTOSHOP, "DateCreated"),
    (XMP, "CreateDate"),
    (EXIF, "DateTimeDigitized"),
];

/// What a sidecar tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sidecar {
    /// Its dates, as [`Source::Sidecar`](crate::Source::Sidecar), the most believed first.
    pub stamps: Vec<Stamp>,
    /// Rating, -1 to 5.
    pub rating: Option<i8>,
    /// Keywords.
    pub labels: Vec<String>,
    /// Position.
    pub gps: Option<Gps>,
    /// Caption.
    pub description: Option<String>,
}

/// What to write into a sidecar; what is `None` or empty is left as it is.
#[derive(Clone, Debug, Default)]
pub struct Edit<'a> {
    /// When it was taken.
    pub taken: Option<&'a Taken>,
    /// Position.
    pub gps: Option<Gps>,
    /// Keywords to add.
    pub labels: &'a [String],
    /// Rating, -1 to 5.
    pub rating: Option<i8>,
    /// City, region and country, and the country's ISO 3166-1 code.
    pub city: Option<&'a str>,
    /// State or region.
    pub region: Option<&'a str>,
    /// Country.
    pub country: Option<&'a str>,
    /// ISO 3166-1 alpha-2 code of the country.
    pub country_code: Option<&'a str>,
}

/// How a program names its sidecars and keywords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SidecarStyle {
    /// `IMG_1.JPG.xmp`, keywords in `dc:subject` and `digiKam:TagsList`.
    Digikam,
    /// `IMG_1.xmp`, keywords in `dc:subject` and `lr:hierarchicalSubject`.
    Lightroom,
}

impl SidecarStyle {
    /// Where the sidecar of a file is.
    #[must_use]
    pub fn path(self, file: &Path) -> PathBuf {
        match self {
            Self::Lightroom => file.with_extension("xmp"),
            Self::Digikam => {
                let mut name = file.as_os_str().to_owned();
                name.push(".xmp");
                name.into()
            }
        }
    }
}

impl Sidecar {
    /// Reads a sidecar.
    ///
    /// # Errors
    /// [`SidecarError`] when it is no XMP.
    pub fn parse(text: &[u8]) -> Result<Self, SidecarError> {
        let packet = xmp::parse(checked(text)?.as_bytes())
            .map_err(|why| SidecarError::Xmp(why.to_owned()))?;
        let date = |(namespace, name): (&str, &str)| {
            let written = datetime::parse(packet.get(namespace, name)?).ok()?;
            let datetime::Written { time, clock, precision } = written;
            Some(Stamp { source: Source::Sidecar, time, clock, precision })
        };
        Ok(Self {
            stamps: DATES.into_iter().filter_map(date).collect(),
            rating: packet.rating(),
            gps: packet.position().and_then(Result::ok),
            description: packet.get(DC, "description").map(ToOwned::to_owned),
            labels: packet.labels,
        })
    }

    /// The text of a sidecar with `edit` in it: `existing` with every property kept that the edit
    /// does not name, or a new one.
    ///
    /// # Errors
    /// [`SidecarError`] when `existing` is no XMP; it must not be overwritten then.
    pub fn merge(
        existing: Option<&[u8]>,
        edit: &Edit<'_>,
        style: SidecarStyle,
    ) -> Result<String, SidecarError> {
        let existing = existing.map(checked).transpose()?.unwrap_or(edit::EMPTY);
        edit::apply(existing, &properties::of(edit, style))
    }
}

/// The text of a sidecar, without the padding behind it.
fn checked(text: &[u8]) -> Result<&str, SidecarError> {
    if text.len() > MAX {
        return Err(SidecarError::TooLarge(MAX));
    }
    let text = std::str::from_utf8(text)
        .map_err(|_| SidecarError::Xmp("it is not UTF-8".to_owned()))?
        .trim_end_matches('\0');
    if !text.contains("RDF") {
        return Err(SidecarError::Xmp("it holds no rdf:RDF".to_owned()));
    }
    Ok(text)
}
