//! Texts of movies: QuickTime's user data, its keyed metadata, and 3GPP's.
//!
//! Sources: QuickTime File Format, "User Data Atoms" and "Metadata Atoms"; 3GPP TS 26.244, 8.

use std::io;

use super::bmff::{self, Item, Walk};
use super::input::{Input, be16, be32};
use super::tiff::decode;
use super::{Found, exif, iso_6709};
use crate::source::Source;

/// The longest text that is read.
const MAX_TEXT: usize = 4096;

/// User data: `©` texts, XMP, and metadata with or without keys.
pub(super) fn user_data(found: &mut Found, input: &mut Input<'_>, item: &Item) -> io::Result<()> {
    let mut walk = Walk::within(item);
    while let Some(item) = walk.next(input)? {
        match &item.kind {
            b"meta" => keyed(found, input, &item)?,
            b"XMP_" => {
                let bytes = bmff::bytes(input, &item, super::MAX_XMP)?;
                super::xmp(found, &bytes);
            }
            kind if kind[0] == 0xA9 => {
                let kind = *kind;
                let bytes = bmff::bytes(input, &item, MAX_TEXT)?;
                if let Some(text) = international(&bytes) {
                    tell(found, &kind, &text);
                }
            }
            b"manu" | b"modl" => {
                let bytes = bmff::bytes(input, &item, MAX_TEXT)?;
                let text = bytes.get(6..).and_then(decode);
                let camera = &mut found.metadata.camera;
                let place =
                    if item.kind == *b"manu" { &mut camera.make } else { &mut camera.model };
                exif::set(place, text);
            }
            b"loci" => location(found, &bmff::bytes(input, &item, MAX_TEXT)?),
            _ => {}
        }
    }
    Ok(())
}

/// A text with its length and language before it.
fn international(bytes: &[u8]) -> Option<String> {
    let size = usize::from(be16(bytes.get(..2)?));
    let text = bytes.get(4..)?;
    decode(text.get(..size).unwrap_or(text))
}

/// 3GPP's location: language, name, role, then longitude, latitude and altitude as 16.16.
fn location(found: &mut Found, bytes: &[u8]) {
    let Some(rest) = bytes.get(6..) else { return };
    let Some(name) = rest.iter().position(|&b| b == 0) else { return };
    let Some(numbers) = rest.get(name + 2..name + 14) else { return };
    let value = |at: usize| f64::from(be32(&numbers[at..]).cast_signed()) / 65_536.0;
    found.position(value(4), value(0), Some(value(8)));
}

/// Metadata with a list of keys (`mdta`), or Apple's list of four-letter names (`mdir`).
pub(super) fn keyed(found: &mut Found, input: &mut Input<'_>, meta: &Item) -> io::Result<()> {
    // In MPEG-4 the box has a version before its boxes, in QuickTime it has none.
    let quicktime = input.array::<4>(meta.body + 4)? == Some(*b"hdlr");
    let start = meta.body + if quicktime { 0 } else { 4 };
    let names = match bmff::find(input, start, meta.end, *b"keys")? {
        Some(item) => keys(input, &item)?,
        None => Vec::new(),
    };
    let Some(list) = bmff::find(input, start, meta.end, *b"ilst")? else { return Ok(()) };
    let mut walk = Walk::within(&list);
    while let Some(item) = walk.next(input)? {
        let index = (be32(&item.kind) as usize).wrapping_sub(1);
        let name = names.get(index).map_or(&item.kind[..], Vec::as_slice).to_vec();
        let Some(data) = bmff::find(input, item.body, item.end, *b"data")? else { continue };
        let bytes = bmff::bytes(input, &data, MAX_TEXT)?;
        if let Some(text) = bytes.get(8..).and_then(decode) {
            tell(found, &name, &text);
        }
    }
    Ok(())
}

fn keys(input: &mut Input<'_>, item: &Item) -> io::Result<Vec<Vec<u8>>> {
    let mut walk = Walk::new(item.body + 8, item.end);
    let mut names = Vec::new();
    while let Some(key) = walk.next(input)? {
        names.push(bmff::bytes(input, &key, 256)?);
    }
    Ok(names)
}

/// What a named text tells.
fn tell(found: &mut Found, name: &[u8], text: &str) {
    let metadata = &mut found.metadata;
    let own = || Some(text.to_owned());
    match name {
        b"com.apple.quicktime.creationdate" | b"\xA9day" => {
            found.date(Source::QuickTimeCreationDate, text);
        }
        b"com.apple.quicktime.make" | b"\xA9mak" | b"com.android.manufacturer" => {
            exif::set(&mut metadata.camera.make, own());
        }
        b"com.apple.quicktime.model" | b"\xA9mod" | b"com.android.model" => {
            exif::set(&mut metadata.camera.model, own());
        }
        b"com.apple.quicktime.software" | b"\xA9swr" => {
            exif::set(&mut metadata.camera.software, own());
        }
        b"com.apple.quicktime.content.identifier" => {
            exif::set(&mut metadata.content_identifier, own());
        }
        b"com.apple.quicktime.description" | b"\xA9des" => {
            exif::set(&mut metadata.description, own());
        }
        b"com.apple.quicktime.location.ISO6709" | b"\xA9xyz" => match iso_6709(text) {
            Some(gps) => found.position(gps.latitude, gps.longitude, gps.altitude),
            None => found.warn("a position that cannot be read"),
        },
        _ => {}
    }
}
