//! Formats without dates of their own: GIF, BMP; and JPEG XL in boxes.

use std::io;

use super::bmff::{self, Walk};
use super::input::{Input, be32, le32};
use super::{Found, exif};

/// Source: GIF89a, 18.
pub(super) fn gif(found: &mut Found, input: &mut Input<'_>) -> io::Result<()> {
    if let Some(b) = input.array::<4>(6)? {
        let side = |at: usize| u32::from(b[at]) | u32::from(b[at + 1]) << 8;
        found.size(side(0), side(2));
    }
    Ok(())
}

/// Source: `BITMAPINFOHEADER`.
pub(super) fn bmp(found: &mut Found, input: &mut Input<'_>) -> io::Result<()> {
    let Some(b) = input.array::<12>(14)? else { return Ok(()) };
    if le32(&b) == 12 {
        let side = |at: usize| u32::from(b[at]) | u32::from(b[at + 1]) << 8;
        found.size(side(4), side(6));
    } else {
        found.size(le32(&b[4..]), le32(&b[8..]).cast_signed().unsigned_abs());
    }
    Ok(())
}

/// Source: ISO/IEC 18181-2, boxes `Exif` and `xml `.
pub(super) fn jxl(found: &mut Found, input: &mut Input<'_>) -> io::Result<()> {
    let mut walk = Walk::new(0, input.length());
    while let Some(item) = walk.next(input)? {
        match &item.kind {
            b"Exif" => {
                let skip = input.array::<4>(item.body)?.map_or(0, |b| be32(&b));
                exif::read(found, input, item.body + 4 + u64::from(skip), item.end)?;
            }
            b"xml " => {
                let bytes = bmff::bytes(input, &item, super::MAX_XMP)?;
                super::xmp(found, &bytes);
            }
            _ => {}
        }
    }
    Ok(())
}
