//! HEIF (ISO/IEC 23008-12): boxes that say where the primary picture's tiles are, and how they are
//! put together and turned.

use std::io::{Read as _, SeekFrom};

use crate::boxes::Cursor;
use crate::decode::{Decoded, LONGEST, Size, Source};
use crate::error::LookError;
use crate::look::Format;
use crate::meta::{Meta, Place, Property};
use crate::pixels::Rgb;
use crate::{av1, hevc};

/// Bytes of the box with the description: pictures of thousands of tiles need a few hundred
/// thousand.
const META: u64 = 8 << 20;
/// Bytes of one tile.
const TILE: u64 = 64 << 20;

/// Decodes the primary picture.
pub(crate) fn decode(
    source: &mut dyn Source,
    format: Format,
    memory: u64,
) -> Result<Decoded, LookError> {
    let description = find(source)?;
    let meta = Meta::parse(&description)?;
    let primary = meta.primary;
    let kind = meta.kind(primary).ok_or_else(|| damaged("it has no primary picture"))?;
    let size = meta.size(primary).ok_or_else(|| damaged("the picture has no size"))?;
    let reduced = reduction(size);
    let (width, height) = (size.width.div_ceil(reduced), size.height.div_ceil(reduced));
    // Reduced pixels, and beside them one tile of 16-bit planes with what the decoder keeps of it.
    let needed = u64::from(width) * u64::from(height) * 3;
    let too_large = LookError::TooLarge { width: size.width, height: size.height, memory };
    if needed > memory {
        return Err(too_large);
    }
    let mut canvas = Canvas { size, reduced, pixels: Rgb { width, height, bytes: Vec::new() } };
    canvas.pixels.bytes.resize(usize::try_from(needed).map_err(|_| too_large)?, 0);
    let left = memory - needed;
    match &kind {
        b"hvc1" | b"av01" => {
            let tile = decode_tile(source, &meta, primary, size, left)?;
            canvas.paste(&tile, 0, 0);
        }
        b"grid" => grid(source, &meta, primary, &mut canvas, left)?,
        other => {
            let kind = other.escape_ascii();
            return Err(LookError::Unsupported(format!("HEIF pixels of the kind '{kind}'")));
        }
    }
    let orientation = orientation(&meta.properties(primary));
    Ok(Decoded { orientation, ..Decoded::new(format, size, canvas.pixels) })
}

/// The bytes of the box `meta`.
fn find(source: &mut dyn Source) -> Result<Vec<u8>, LookError> {
    let mut at = 0u64;
    for _ in 0..64 {
        source.seek(SeekFrom::Start(at))?;
        let mut head = Vec::new();
        (&mut *source).take(16).read_to_end(&mut head)?;
        let mut cursor = Cursor::new(&head);
        let Some((kind, length)) = cursor.head() else { break };
        let body = 16 - cursor.left().len() as u64 - (16 - head.len() as u64);
        // A length of 0: to the end of the file.
        let length = if length == 0 { u64::MAX } else { length };
        if &kind == b"meta" {
            let length = length.saturating_sub(body);
            if length > META {
                return Err(damaged("its description is too long"));
            }
            source.seek(SeekFrom::Start(at + body))?;
            let mut bytes = Vec::new();
            (&mut *source).take(length).read_to_end(&mut bytes)?;
            return Ok(bytes);
        }
        if length < body {
            break;
        }
        let Some(next) = at.checked_add(length) else { break };
        at = next;
    }
    Err(damaged("it has no description"))
}

/// 1, 2, 4 or 8: a picture so many times smaller still has the pixels that are wanted.
fn reduction(size: Size) -> u32 {
    let longest = size.width.max(size.height);
    [8, 4, 2].into_iter().find(|by| longest / by >= LONGEST.into()).unwrap_or(1)
}

fn damaged(reason: &str) -> LookError {
    LookError::Damaged(reason.to_owned())
}

/// Tiles in rows and columns (section 6.6.2.3.2).
fn grid(
    source: &mut dyn Source,
    meta: &Meta<'_>,
    item: u32,
    canvas: &mut Canvas,
    memory: u64,
) -> Result<(), LookError> {
    let places = meta.places(item);
    let layout = data(source, meta, &places)?;
    // Version and flags come first.
    let [_, _, rows, columns, ..] = layout[..] else {
        return Err(damaged("the grid of tiles is not described"));
    };
    let (rows, columns) = (u32::from(rows) + 1, u32::from(columns) + 1);
    let tiles = meta.parts(item);
    if tiles.len() as u64 != u64::from(rows) * u64::from(columns) {
        return Err(damaged("the grid has other tiles than it says"));
    }
    for (number, &tile) in (0u32..).zip(&tiles) {
        let size = meta.size(tile).ok_or_else(|| damaged("a tile has no size"))?;
        let (row, column) = (number / columns, number % columns);
        let (x, y) =
            (u64::from(column) * u64::from(size.width), u64::from(row) * u64::from(size.height));
        let decoded = decode_tile(source, meta, tile, size, memory)?;
        canvas.paste(&decoded, x, y);
    }
    Ok(())
}

fn decode_tile(
    source: &mut dyn Source,
    meta: &Meta<'_>,
    item: u32,
    size: Size,
    memory: u64,
) -> Result<Tile, LookError> {
    let bytes = data(source, meta, &meta.places(item))?;
    let unclear = || damaged("parameters of a tile");
    for property in meta.properties(item) {
        match property {
            Property::Hevc(parameters) => {
                let parameters = hevc::Parameters::parse(parameters).ok_or_else(unclear)?;
                return hevc::decode(&parameters, &bytes, size, memory);
            }
            Property::Av1(parameters) => {
                let parameters = av1::Parameters::parse(parameters).ok_or_else(unclear)?;
                return av1::decode(&parameters, bytes, size, memory);
            }
            _ => {}
        }
    }
    Err(damaged("a tile without parameters"))
}

/// The bytes of an item.
fn data(source: &mut dyn Source, meta: &Meta<'_>, places: &[Place]) -> Result<Vec<u8>, LookError> {
    let mut bytes = Vec::new();
    for place in places {
        if place.in_meta {
            let inside = meta.data.get(usize::try_from(place.offset).unwrap_or(usize::MAX)..);
            let inside = inside.unwrap_or_default();
            let length = usize::try_from(place.length).unwrap_or(usize::MAX).min(inside.len());
            bytes.extend_from_slice(&inside[..length]);
        } else {
            source.seek(SeekFrom::Start(place.offset))?;
            let left = TILE.saturating_sub(bytes.len() as u64);
            let length = if place.length == 0 { left } else { place.length.min(left) };
            (&mut *source).take(length).read_to_end(&mut bytes)?;
        }
    }
    if bytes.is_empty() { Err(LookError::Truncated) } else { Ok(bytes) }
}

/// What rotations and mirrorings come to, as an EXIF orientation.
fn orientation(properties: &[Property<'_>]) -> u8 {
    let mark = Rgb { width: 3, height: 2, bytes: (0..18).collect() };
    let mut turned = mark.clone();
    for property in properties {
        turned = match property {
            // Quarter turns against the clock.
            Property::Rotation(quarters) => turned.turned([1, 8, 3, 6][usize::from(quarters % 4)]),
            Property::Mirror { sideways } => turned.turned(if *sideways { 2 } else { 4 }),
            _ => turned,
        };
    }
    (1..=8).find(|o| mark.clone().turned(*o) == turned).unwrap_or(1)
}

/// A decoded picture, or a part of one.
pub(crate) struct Tile {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// The mean colour of the square of pixels at a column and row, so many a side.
    pub(crate) planes: Box<dyn Fn(usize, usize, usize) -> [u8; 3]>,
}

/// The reduced picture.
struct Canvas {
    /// Before reduction.
    size: Size,
    reduced: u32,
    pixels: Rgb,
}

impl Canvas {
    /// Puts the mean colours of a tile's pixels where they belong: `x` and `y` are of its corner.
    fn paste(&mut self, tile: &Tile, x: u64, y: u64) {
        let by = u64::from(self.reduced);
        let right = (x + u64::from(tile.width)).min(self.size.width.into());
        let lower = (y + u64::from(tile.height)).min(self.size.height.into());
        let side = self.reduced as usize;
        for to_y in y.div_ceil(by)..lower.div_ceil(by) {
            for to_x in x.div_ceil(by)..right.div_ceil(by) {
                let (in_x, in_y) = ((to_x * by - x) as usize, (to_y * by - y) as usize);
                let at = (to_y * u64::from(self.pixels.width) + to_x) as usize * 3;
                if let Some(pixel) = self.pixels.bytes.get_mut(at..at + 3) {
                    pixel.copy_from_slice(&(tile.planes)(in_x, in_y, side));
                }
            }
        }
    }
}
