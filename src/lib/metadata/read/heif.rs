//! HEIF: HEIC and AVIF pictures, their EXIF and XMP items, size and turns.
//!
//! Source: ISO 23008-12; ISO 14496-12, 8.11.

use std::io;

use super::bmff::{self, Item, Walk};
use super::input::{Input, be16, be32, be64};
use super::{Found, exif, movie};

/// Items of one file that are looked at.
const MAX_ITEMS: usize = 10_000;

/// A stretch of the file.
#[derive(Clone, Copy)]
struct Extent {
    offset: u64,
    length: u64,
}

pub(super) fn read(found: &mut Found, input: &mut Input<'_>) -> io::Result<()> {
    let mut walk = Walk::new(0, input.length());
    let mut seen = false;
    while let Some(item) = walk.next(input)? {
        match &item.kind {
            b"meta" if !seen => {
                seen = true;
                meta(found, input, &item)?;
            }
            b"moov" => movie::movie(found, input, &item)?,
            _ => {}
        }
    }
    found.warn_if(!seen, "the file has no metadata box");
    Ok(())
}

fn meta(found: &mut Found, input: &mut Input<'_>, meta: &Item) -> io::Result<()> {
    let (start, end) = (meta.body + 4, meta.end);
    let data = bmff::find(input, start, end, *b"idat")?.map_or(0, |item| item.body);
    let (mut items, mut places, mut primary) = (Vec::new(), Vec::new(), 0);
    let mut properties = None;
    let mut walk = Walk::new(start, end);
    while let Some(item) = walk.next(input)? {
        match &item.kind {
            b"pitm" => primary = primary_item(input, &item)?,
            b"iinf" => items = item_kinds(input, &item)?,
            b"iloc" => {
                let bytes = bmff::bytes(input, &item, 1 << 20)?;
                places = locations(&bytes, data).unwrap_or_default();
            }
            b"iprp" => properties = Some(item),
            _ => {}
        }
    }
    if let Some(item) = properties {
        shape(found, input, &item, primary)?;
    }
    for (id, kind) in items {
        let Some((_, extent)) = places.iter().find(|(place, _)| *place == id) else { continue };
        match kind {
            Kind::Exif => exif_item(found, input, *extent)?,
            Kind::Xmp => {
                let size = usize::try_from(extent.length).unwrap_or(0).min(super::MAX_XMP);
                let bytes = input.up_to(extent.offset, size)?.to_vec();
                super::xmp(found, &bytes);
            }
        }
    }
    Ok(())
}

/// An EXIF item: four bytes that tell how far the TIFF header is, then the block.
fn exif_item(found: &mut Found, input: &mut Input<'_>, extent: Extent) -> io::Result<()> {
    let Some(skip) = input.array::<4>(extent.offset)? else {
        found.warn("EXIF lies beyond the end of the file");
        return Ok(());
    };
    let end = extent.offset.saturating_add(extent.length);
    let start = extent.offset + 4 + u64::from(be32(&skip));
    if exif::read(found, input, start, end)? {
        return Ok(());
    }
    // Some forget to count JPEG's name, or the four bytes.
    for start in [extent.offset + 10, extent.offset + 6, extent.offset + 4, extent.offset] {
        if exif::read(found, input, start, end)? {
            return Ok(());
        }
    }
    found.warn("EXIF without a TIFF header");
    Ok(())
}

fn primary_item(input: &mut Input<'_>, item: &Item) -> io::Result<u32> {
    let bytes = bmff::bytes(input, item, 8)?;
    Ok(match bytes.as_slice() {
        [0, _, _, _, rest @ ..] if rest.len() >= 2 => be16(rest).into(),
        [_, _, _, _, rest @ ..] if rest.len() >= 4 => be32(rest),
        _ => 0,
    })
}

#[derive(Clone, Copy)]
enum Kind {
    Exif,
    Xmp,
}

/// The items that are metadata.
fn item_kinds(input: &mut Input<'_>, item: &Item) -> io::Result<Vec<(u32, Kind)>> {
    let version = input.array::<1>(item.body)?.map_or(0, |b| b[0]);
    let start = item.body + if version == 0 { 6 } else { 8 };
    let mut walk = Walk::new(start, item.end);
    let mut kinds = Vec::new();
    while let Some(entry) = walk.next(input)? {
        let bytes = bmff::bytes(input, &entry, 256)?;
        if let Some(kind) = item_kind(&bytes)
            && kinds.len() < MAX_ITEMS
        {
            kinds.push(kind);
        }
    }
    Ok(kinds)
}

fn item_kind(entry: &[u8]) -> Option<(u32, Kind)> {
    let (id, rest) = match entry.first()? {
        2 => (u32::from(be16(entry.get(4..6)?)), entry.get(8..)?),
        3 => (be32(entry.get(4..8)?), entry.get(10..)?),
        _ => return None,
    };
    match rest.get(..4)? {
        b"Exif" => Some((id, Kind::Exif)),
        b"mime" => {
            let mut texts = rest[4..].split(|&b| b == 0).skip(1);
            (texts.next()? == b"application/rdf+xml").then_some((id, Kind::Xmp))
        }
        _ => None,
    }
}

/// Reads `count` bytes (0, 4 or 8) as a number.
fn sized(bytes: &mut &[u8], count: u8) -> Option<u64> {
    let (value, rest) = bytes.split_at_checked(count.into())?;
    *bytes = rest;
    Some(match count {
        0 => 0,
        2 => be16(value).into(),
        4 => be32(value).into(),
        8 => be64(value),
        _ => return None,
    })
}

/// Where the items lie; of an item in several pieces the first.
fn locations(mut bytes: &[u8], data: u64) -> Option<Vec<(u32, Extent)>> {
    let version = *bytes.first()?;
    let (sizes, rest) = bytes.get(4..)?.split_at_checked(2)?;
    bytes = rest;
    let (offset_size, length_size) = (sizes[0] >> 4, sizes[0] & 15);
    let (base_size, index_size) = (sizes[1] >> 4, if version == 0 { 0 } else { sizes[1] & 15 });
    let id_size = if version < 2 { 2 } else { 4 };
    let count = sized(&mut bytes, id_size)?;
    let mut places = Vec::new();
    for _ in 0..count.min(MAX_ITEMS as u64) {
        let id = u32::try_from(sized(&mut bytes, id_size)?).ok()?;
        let method = if version == 0 { 0 } else { sized(&mut bytes, 2)? & 15 };
        sized(&mut bytes, 2)?;
        let base = sized(&mut bytes, base_size)?;
        let pieces = sized(&mut bytes, 2)?;
        for piece in 0..pieces {
            sized(&mut bytes, index_size)?;
            let offset = sized(&mut bytes, offset_size)?;
            let length = sized(&mut bytes, length_size)?;
            let from = if method == 1 { data } else { 0 };
            let offset = from.saturating_add(base).saturating_add(offset);
            if piece == 0 && method < 2 {
                places.push((id, Extent { offset, length }));
            }
        }
    }
    Some(places)
}

/// Size and turn of the primary item, by its properties.
fn shape(found: &mut Found, input: &mut Input<'_>, item: &Item, primary: u32) -> io::Result<()> {
    let Some(container) = bmff::find(input, item.body, item.end, *b"ipco")? else { return Ok(()) };
    let Some(links) = bmff::find(input, item.body, item.end, *b"ipma")? else { return Ok(()) };
    let links = bmff::bytes(input, &links, 1 << 20)?;
    let wanted = associations(&links, primary).unwrap_or_default();
    let mut walk = Walk::within(&container);
    let mut index = 0;
    while let Some(property) = walk.next(input)? {
        index += 1;
        if property.kind == *b"ispe"
            && wanted.contains(&index)
            && let Some(size) = input.array::<12>(property.body)?
        {
            found.size(be32(&size[4..]), be32(&size[8..]));
        }
    }
    Ok(())
}

/// The properties of an item, counted from 1.
fn associations(mut bytes: &[u8], item: u32) -> Option<Vec<u32>> {
    let (version, wide) = (*bytes.first()?, bytes.get(3)? & 1 == 1);
    bytes = bytes.get(4..)?;
    let count = sized(&mut bytes, 4)?;
    for _ in 0..count.min(MAX_ITEMS as u64) {
        let id = sized(&mut bytes, if version == 0 { 2 } else { 4 })?;
        let (&links, rest) = bytes.split_first()?;
        let width = if wide { 2 } else { 1 };
        let (own, rest) = rest.split_at_checked(usize::from(links) * width)?;
        bytes = rest;
        if id == u64::from(item) {
            let index = |b: &[u8]| match b {
                [high, low] => u32::from(high & 0x7F) << 8 | u32::from(*low),
                _ => u32::from(b[0] & 0x7F),
            };
            return Some(own.chunks_exact(width).map(index).collect());
        }
    }
    None
}
