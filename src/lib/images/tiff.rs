//! The directories of a TIFF file (TIFF 6.0, section 2), as far as they tell of raw pictures.

use std::io::{self, Read as _, SeekFrom};

use crate::decode::{Size, Source};

/// Directories that are read, and entries of each: more are no camera's.
const DIRECTORIES: usize = 64;
const ENTRIES: usize = 1024;

/// Part of a file, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// What the directories say.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The pixels are a sensor's.
    pub(crate) is_raw: bool,
    /// Of the largest picture.
    pub(crate) size: Option<Size>,
    /// EXIF orientation.
    pub(crate) orientation: Option<u8>,
    /// Where JPEG pictures should be.
    pub(crate) previews: Vec<Stretch>,
}

mod tag {
    pub(super) const WIDTH: u16 = 0x100;
    pub(super) const HEIGHT: u16 = 0x101;
    pub(super) const COMPRESSION: u16 = 0x103;
    pub(super) const PHOTOMETRIC: u16 = 0x106;
    pub(super) const STRIP_OFFSETS: u16 = 0x111;
    pub(super) const ORIENTATION: u16 = 0x112;
    pub(super) const STRIP_LENGTHS: u16 = 0x117;
    pub(super) const SUB_DIRECTORIES: u16 = 0x14a;
    pub(super) const JPEG_OFFSET: u16 = 0x201;
    pub(super) const JPEG_LENGTH: u16 = 0x202;
    /// Panasonic's JpgFromRaw: the preview is the value.
    pub(super) const PANASONIC_JPEG: u16 = 0x2e;
    pub(super) const DNG_VERSION: u16 = 0xc612;
}

/// Photometric interpretations of a sensor's pixels: colour filter array, linear raw (DNG).
const SENSOR: [u32; 2] = [32803, 34892];
/// Compressions that only raw pictures have: Sony, Samsung (2), Nikon, Pentax.
const MAKERS: [u32; 5] = [32767, 32769, 32770, 34713, 65535];

struct Reader<'a> {
    source: &'a mut dyn Source,
    little: bool,
}

impl Reader<'_> {
    fn short(&self, bytes: [u8; 2]) -> u16 {
        if self.little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) }
    }

    fn long(&self, bytes: [u8; 4]) -> u32 {
        if self.little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
    }

    /// The bytes there, as far as the file has them.
    fn bytes(&mut self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.source.seek(SeekFrom::Start(offset))?;
        (&mut *self.source).take(length as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// An entry of a directory.
struct Entry {
    tag: u16,
    kind: u16,
    count: u32,
    value: [u8; 4],
}

impl Entry {
    /// The first value, of those that are whole numbers in the entry itself.
    fn number(&self, reader: &Reader<'_>) -> u32 {
        match self.kind {
            1 | 7 => self.value[0].into(),
            3 => reader.short([self.value[0], self.value[1]]).into(),
            _ => reader.long(self.value),
        }
    }

    /// Whole numbers, wherever they stand.
    fn numbers(&self, reader: &mut Reader<'_>) -> io::Result<Vec<u32>> {
        if self.count == 1 || self.kind != 4 {
            return Ok(vec![self.number(reader)]);
        }
        let count = (self.count as usize).min(DIRECTORIES);
        let bytes = reader.bytes(reader.long(self.value).into(), count * 4)?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|&word| reader.long(word)).collect())
    }
}

/// None for what is no TIFF file.
pub(crate) fn read(source: &mut dyn Source) -> io::Result<Option<Found>> {
    let mut reader = Reader { source, little: true };
    let head = reader.bytes(0, 8)?;
    let [a, b, _, _, offset @ ..] = &head[..] else { return Ok(None) };
    reader.little = match [*a, *b] {
        [b'I', b'I'] => true,
        [b'M', b'M'] => false,
        _ => return Ok(None),
    };
    let Ok(offset) = offset.try_into() else { return Ok(None) };
    let mut open = vec![reader.long(offset)];
    let mut found = Found::default();
    let mut seen = Vec::new();
    while let Some(offset) = open.pop() {
        if offset == 0 || seen.contains(&offset) || seen.len() >= DIRECTORIES {
            continue;
        }
        seen.push(offset);
        directory(&mut reader, offset.into(), &mut found, &mut open)?;
    }
    Ok(Some(found))
}

fn directory(
    reader: &mut Reader<'_>,
    offset: u64,
    found: &mut Found,
    open: &mut Vec<u32>,
) -> io::Result<()> {
    let count = reader.bytes(offset, 2)?;
    let Ok(count) = count.try_into() else { return Ok(()) };
    let count = usize::from(reader.short(count)).min(ENTRIES);
    let bytes = reader.bytes(offset + 2, count * 12 + 4)?;
    let (entries, next) = bytes.as_chunks::<12>();
    if let (Ok(next), true) = (next.try_into(), entries.len() == count) {
        open.push(reader.long(next));
    }
    let (mut width, mut height, mut compression) = (0, 0, 0);
    let (mut strips, mut jpeg) = ([None; 2], [None; 2]);
    for &[a, b, c, d, e, f, g, h, value @ ..] in entries {
        let entry = Entry {
            tag: reader.short([a, b]),
            kind: reader.short([c, d]),
            count: reader.long([e, f, g, h]),
            value,
        };
        let number = entry.number(reader);
        match entry.tag {
            tag::WIDTH => width = number,
            tag::HEIGHT => height = number,
            tag::COMPRESSION => compression = number,
            tag::PHOTOMETRIC => found.is_raw |= SENSOR.contains(&number),
            tag::STRIP_OFFSETS if entry.count == 1 => strips[0] = Some(number),
            tag::STRIP_LENGTHS if entry.count == 1 => strips[1] = Some(number),
            tag::ORIENTATION => {
                let told = u8::try_from(number).ok().filter(|n| (1..=8).contains(n));
                found.orientation = found.orientation.or(told);
            }
            tag::SUB_DIRECTORIES => open.extend(entry.numbers(reader)?),
            tag::JPEG_OFFSET => jpeg[0] = Some(number),
            tag::JPEG_LENGTH => jpeg[1] = Some(number),
            tag::PANASONIC_JPEG if entry.count > 4 => {
                found.is_raw = true;
                let offset = reader.long(value).into();
                found.previews.push(Stretch { offset, length: entry.count.into() });
            }
            tag::DNG_VERSION => found.is_raw = true,
            _ => {}
        }
    }
    found.is_raw |= MAKERS.contains(&compression);
    // 6 and 7: JPEG, as a whole file in one strip.
    let strips = if matches!(compression, 6 | 7) { strips } else { [None; 2] };
    for pair in [jpeg, strips] {
        if let [Some(offset), Some(length)] = pair {
            found.previews.push(Stretch { offset: offset.into(), length: length.into() });
        }
    }
    let area = |size: Size| u64::from(size.width) * u64::from(size.height);
    let size = Size { width, height };
    if area(size) > found.size.map_or(0, area) {
        found.size = Some(size);
    }
    Ok(())
}
