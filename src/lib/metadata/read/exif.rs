//! EXIF: what the directories of a TIFF structure tell.
//!
//! Source: EXIF 3.0 (CIPA DC-008-2023), tables 4 to 24. Apple's maker note: content and burst
//! identifiers, as ExifTool documents them.

use std::io;

use super::Found;
use super::tiff::{Directory, Tiff, decode};
use crate::camera::Preview;
use crate::datetime;
use crate::source::Source;
use crate::stamp::{Clock, Precision};

/// The dates of the EXIF directories: date, fraction of a second, offset.
const DATES: [(Source, u16, u16, u16); 3] = [
    (Source::ExifOriginal, 0x9003, 0x9291, 0x9011),
    (Source::ExifDigitized, 0x9004, 0x9292, 0x9012),
    (Source::ExifModified, 0x0132, 0x9290, 0x9010),
];

/// Reads the TIFF structure at `base`. Returns whether there is one.
pub(super) fn read(
    found: &mut Found,
    input: &mut super::Input<'_>,
    base: u64,
    end: u64,
) -> io::Result<bool> {
    let Some((mut tiff, first)) = Tiff::open(input, base, end)? else { return Ok(false) };
    let Some(main) = tiff.directory(first)? else {
        found.warn("EXIF without a directory");
        return Ok(true);
    };
    let exif = sub_directory(&mut tiff, &main, 0x8769)?;
    dates(found, &mut tiff, &main, exif.as_ref())?;
    found.warn_if(main.damaged, "damaged EXIF directory");
    image(found, &mut tiff, &main, true)?;
    described(found, &mut tiff, &main)?;
    if let Some(exif) = &exif {
        found.warn_if(exif.damaged, "damaged EXIF directory");
        exposure(found, &mut tiff, exif)?;
        maker_note(found, &mut tiff, exif)?;
    }
    if let Some(gps) = sub_directory(&mut tiff, &main, 0x8825)? {
        super::gps::read(found, &mut tiff, &gps)?;
    }
    embedded(found, &mut tiff, &main)?;
    pictures(found, &mut tiff, &main)?;
    Ok(true)
}

/// Reads a TIFF structure that is only an EXIF or GPS directory, as Canon's CR3 has them.
pub(super) fn read_part(
    found: &mut Found,
    input: &mut super::Input<'_>,
    base: u64,
    end: u64,
    gps: bool,
) -> io::Result<()> {
    let Some((mut tiff, first)) = Tiff::open(input, base, end)? else { return Ok(()) };
    let Some(directory) = tiff.directory(first)? else { return Ok(()) };
    if gps {
        return super::gps::read(found, &mut tiff, &directory);
    }
    dates(found, &mut tiff, &directory, Some(&directory))?;
    exposure(found, &mut tiff, &directory)
}

fn sub_directory(
    tiff: &mut Tiff<'_, '_>,
    parent: &Directory,
    tag: u16,
) -> io::Result<Option<Directory>> {
    let Some(entry) = parent.find(tag) else { return Ok(None) };
    match tiff.number(entry)? {
        Some(offset) => tiff.directory(offset.into()),
        None => Ok(None),
    }
}

fn dates(
    found: &mut Found,
    tiff: &mut Tiff<'_, '_>,
    main: &Directory,
    exif: Option<&Directory>,
) -> io::Result<()> {
    for (source, date, fraction, offset) in DATES {
        // Raw formats after TIFF/EP have the dates of the shutter in the main directory too.
        let mut find = |tag: u16| -> io::Result<Option<String>> {
            let entry = exif.and_then(|e| e.find(tag)).or_else(|| main.find(tag));
            entry.map_or(Ok(None), |entry| tiff.text(entry))
        };
        let Some(text) = find(date)? else { continue };
        let (fraction, offset) = (find(fraction)?, find(offset)?);
        let mut written = match datetime::parse(&text) {
            Ok(written) => written,
            Err(why) => {
                found.refuse(source, &text, why);
                continue;
            }
        };
        if written.precision == Precision::Second
            && let Some(nanoseconds) = fraction.as_deref().and_then(datetime::nanoseconds)
            && let Ok(time) = written.time.with().subsec_nanosecond(nanoseconds).build()
        {
            (written.time, written.precision) = (time, Precision::Fraction);
        }
        if let Some(offset) = offset.as_deref().and_then(datetime::offset) {
            written.clock = Clock::Offset(offset);
        }
        found.stamp(source, written);
    }
    Ok(())
}

/// Size, orientation and camera of one picture's directory.
fn image(
    found: &mut Found,
    tiff: &mut Tiff<'_, '_>,
    directory: &Directory,
    main: bool,
) -> io::Result<()> {
    for entry in &directory.entries {
        let entry = *entry;
        match entry.tag {
            0x10F => set(&mut found.metadata.camera.make, tiff.text(entry)?),
            0x110 => set(&mut found.metadata.camera.model, tiff.text(entry)?),
            0x131 => set(&mut found.metadata.camera.software, tiff.text(entry)?),
            0x112 if main => {
                let value = tiff.number(entry)?.and_then(|v| u8::try_from(v).ok());
                set(&mut found.metadata.orientation, value.filter(|v| (1..=8).contains(v)));
            }
            0x10E => set(&mut found.metadata.description, tiff.text(entry)?),
            0x4746 => {
                let value = tiff.number(entry)?.and_then(|v| i8::try_from(v).ok());
                set(&mut found.metadata.rating, value.filter(|v| (0..=5).contains(v)));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Windows' own keywords, in UTF-16.
fn described(found: &mut Found, tiff: &mut Tiff<'_, '_>, directory: &Directory) -> io::Result<()> {
    let Some(entry) = directory.find(0x9C9E) else { return Ok(()) };
    let bytes = tiff.bytes(entry, 8192)?;
    let units = bytes.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]]));
    let text: Vec<u16> = units.take_while(|&u| u != 0).collect();
    let text = String::from_utf16_lossy(&text);
    text.split(';').for_each(|label| found.label(label));
    Ok(())
}

fn exposure(found: &mut Found, tiff: &mut Tiff<'_, '_>, directory: &Directory) -> io::Result<()> {
    for entry in &directory.entries {
        let entry = *entry;
        let positive =
            |values: Vec<f64>| values.first().copied().filter(|v| v.is_finite() && *v > 0.0);
        let metadata = &mut found.metadata;
        match entry.tag {
            0x829A => set(&mut metadata.exposure.seconds, positive(tiff.fractions(entry, 1)?)),
            0x829D => set(&mut metadata.exposure.aperture, positive(tiff.fractions(entry, 1)?)),
            0x8827 => set(&mut metadata.exposure.iso, tiff.number(entry)?.filter(|&v| v > 0)),
            0x920A => {
                set(&mut metadata.exposure.focal_length, positive(tiff.fractions(entry, 1)?));
            }
            0x9209 => set(&mut metadata.exposure.flash, tiff.number(entry)?.map(|v| v & 1 == 1)),
            0x9286 => {
                let bytes = tiff.bytes(entry, 4096)?;
                set(&mut metadata.comment, user_comment(&bytes));
            }
            0xA002 => found.exif_size.0 = tiff.number(entry)?,
            0xA003 => found.exif_size.1 = tiff.number(entry)?,
            0xA431 => set(&mut metadata.camera.serial, tiff.text(entry)?),
            0xA434 => set(&mut metadata.camera.lens, tiff.text(entry)?),
            _ => {}
        }
    }
    Ok(())
}

/// A user comment behind its eight bytes of character code.
fn user_comment(bytes: &[u8]) -> Option<String> {
    let (code, text) = bytes.split_at_checked(8)?;
    if code.starts_with(b"UNICODE") {
        let big = text.first() == Some(&0);
        let unit = |b: &[u8]| {
            if big { u16::from_be_bytes([b[0], b[1]]) } else { u16::from_le_bytes([b[0], b[1]]) }
        };
        let units: Vec<u16> = text.chunks_exact(2).map(unit).take_while(|&u| u != 0).collect();
        return decode(String::from_utf16_lossy(&units).as_bytes());
    }
    decode(text)
}

/// Apple's maker note: a directory in big-endian order behind 14 bytes, counted from its start.
fn maker_note(found: &mut Found, tiff: &mut Tiff<'_, '_>, exif: &Directory) -> io::Result<()> {
    let Some(entry) = exif.find(0x927C) else { return Ok(()) };
    let head = tiff.bytes(entry, 14)?;
    if !head.starts_with(b"Apple iOS\0") || head.len() < 14 {
        return Ok(());
    }
    let end = (entry.at + entry.length()).min(tiff.end());
    let mut note = Tiff::new(tiff.input, entry.at, end, &head[12..14] == b"II");
    let Some(directory) = note.directory(14)? else { return Ok(()) };
    for entry in &directory.entries {
        match entry.tag {
            0x000B => set(&mut found.metadata.burst_id, note.text(*entry)?),
            0x0011 => set(&mut found.metadata.content_identifier, note.text(*entry)?),
            _ => {}
        }
    }
    Ok(())
}

/// XMP and IPTC inside a TIFF.
fn embedded(found: &mut Found, tiff: &mut Tiff<'_, '_>, main: &Directory) -> io::Result<()> {
    if let Some(entry) = main.find(0x2BC) {
        let bytes = tiff.bytes(entry, super::MAX_XMP)?;
        super::xmp(found, &bytes);
    }
    if let Some(entry) = main.find(0x83BB) {
        let bytes = tiff.bytes(entry, 1 << 16)?;
        super::iptc::read(found, &bytes);
    }
    if let Some(entry) = main.find(0x8649) {
        let bytes = tiff.bytes(entry, 1 << 20)?;
        super::iptc::read_resources(found, &bytes);
    }
    Ok(())
}

/// The pictures of all directories: the largest is the file's, JPEGs are previews.
fn pictures(found: &mut Found, tiff: &mut Tiff<'_, '_>, main: &Directory) -> io::Result<()> {
    picture(found, tiff, main)?;
    let mut next = main.next;
    while let Some(directory) = tiff.directory(next)? {
        picture(found, tiff, &directory)?;
        next = directory.next;
    }
    let Some(entry) = main.find(0x14A) else { return Ok(()) };
    for offset in tiff.numbers(entry, 16)? {
        if let Some(directory) = tiff.directory(offset.into())? {
            picture(found, tiff, &directory)?;
        }
    }
    Ok(())
}

fn picture(found: &mut Found, tiff: &mut Tiff<'_, '_>, directory: &Directory) -> io::Result<()> {
    let mut number = |tag: u16| match directory.find(tag) {
        Some(entry) => tiff.number(entry),
        None => Ok(None),
    };
    let size = (number(0x100)?, number(0x101)?);
    let jpeg = matches!(number(0x103)?, Some(6 | 7));
    let (thumb, thumb_length) = (number(0x201)?, number(0x202)?);
    let (strip, strip_length) = (number(0x111)?, number(0x117)?);
    let base = tiff.base();
    let mut preview = |offset: Option<u32>, length: Option<u32>| -> io::Result<()> {
        if let (Some(offset), Some(length)) = (offset, length) {
            let offset = base + u64::from(offset);
            let start = tiff.input.array::<3>(offset)?;
            let fits = offset + u64::from(length) <= tiff.input.length();
            if start == Some([0xFF, 0xD8, 0xFF]) && fits {
                found.metadata.previews.push(Preview { offset, length: length.into() });
            }
        }
        Ok(())
    };
    preview(thumb, thumb_length)?;
    if jpeg && directory.find(0x111).is_some_and(|e| e.length() <= 4) {
        preview(strip, strip_length)?;
    }
    // Panasonic's JpgFromRaw.
    if let Some(entry) = directory.find(0x2E) {
        preview(u32::try_from(entry.at - base).ok(), u32::try_from(entry.length()).ok())?;
    }
    if let (Some(width), Some(height)) = size {
        let area = |size: Option<(u32, u32)>| size.map_or(0, |(w, h)| u64::from(w) * u64::from(h));
        if area(Some((width, height))) > area(found.tiff_size) {
            found.tiff_size = Some((width, height));
        }
    }
    Ok(())
}

/// Keeps the first value that is there.
pub(super) fn set<T>(place: &mut Option<T>, value: Option<T>) {
    if place.is_none() {
        *place = value;
    }
}
