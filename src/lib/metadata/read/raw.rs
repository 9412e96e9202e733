//! TIFF files and the raw formats.

use std::io;

use super::input::{Input, be32};
use super::{Found, exif, jpeg};
use crate::camera::Preview;
use crate::format::Format;

/// TIFF and all raw formats that are TIFF.
pub(super) fn tiff(found: &mut Found, input: &mut Input<'_>) -> io::Result<()> {
    let end = input.length();
    exif::read(found, input, 0, end)?;
    if found.metadata.format == Format::Tiff {
        found.metadata.previews.clear();
    }
    // Panasonic keeps EXIF and the picture's size in the preview alone.
    if found.metadata.format == Format::Rw2
        && let Some(preview) = found.metadata.previews.iter().max_by_key(|p| p.length).copied()
    {
        jpeg::read(found, input, preview.offset)?;
    }
    Ok(())
}

/// Fujifilm: a header, then a JPEG with all metadata. Source: ExifTool, `FujiFilm.pm`.
pub(super) fn raf(found: &mut Found, input: &mut Input<'_>) -> io::Result<()> {
    let Some(place) = input.array::<8>(84)? else {
        found.warn("the file ends within its header");
        return Ok(());
    };
    let (offset, length) = (u64::from(be32(&place)), u64::from(be32(&place[4..])));
    if input.array::<2>(offset)? != Some([0xFF, 0xD8]) {
        found.warn("no preview where one is due");
        return Ok(());
    }
    jpeg::read(found, input, offset)?;
    found.metadata.previews.push(Preview { offset, length });
    Ok(())
}
