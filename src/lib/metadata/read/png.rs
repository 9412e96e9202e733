//! PNG: eXIf, tIME and text chunks.
//!
//! Source: PNG (W3C, third edition), 11.3. ImageMagick's `Raw profile type exif` as it writes it.

use std::io::{self, Cursor, Read};

use flate2::read::ZlibDecoder;

use super::input::{Input, be16, be32};
use super::{Found, exif};
use crate::datetime::{self, Written};
use crate::source::Source;
use crate::stamp::{Clock, Precision};

/// The longest text chunk that is read.
const MAX_TEXT: usize = 8 << 20;

pub(super) fn read(found: &mut Found, input: &mut Input<'_>) -> io::Result<()> {
    let mut at = 8;
    while let Some(head) = input.array::<8>(at)? {
        let size = u64::from(be32(&head));
        let body = at + 8;
        match &head[4..] {
            b"IHDR" => {
                if let Some(size) = input.array::<8>(body)? {
                    found.size(be32(&size), be32(&size[4..]));
                }
            }
            b"eXIf" => {
                // Some write JPEG's name before it.
                let named = input.get(body, 4)?.is_some_and(|b| b == b"Exif");
                exif::read(found, input, body + if named { 6 } else { 0 }, body + size)?;
            }
            b"tIME" => modified(found, input, body)?,
            kind @ (b"tEXt" | b"zTXt" | b"iTXt") => {
                let chunk = input.up_to(body, usize::try_from(size).unwrap_or(0).min(MAX_TEXT))?;
                let chunk = chunk.to_vec();
                text(found, kind, &chunk)?;
            }
            b"IEND" => return Ok(()),
            _ => {}
        }
        at = body + size + 4;
    }
    found.warn("the PNG ends before its end");
    Ok(())
}

fn modified(found: &mut Found, input: &mut Input<'_>, body: u64) -> io::Result<()> {
    let Some(b) = input.array::<7>(body)? else { return Ok(()) };
    let year = be16(&b).into();
    let date = datetime::civil_date(year, b[2].into(), b[3].into());
    let time = date.and_then(|d| datetime::civil_time(d, b[4].into(), b[5].into(), b[6].into(), 0));
    match time {
        Ok(time) => {
            let precision = Precision::Second;
            found.stamp(Source::PngTime, Written { time, clock: Clock::Utc, precision });
        }
        Err(why) => found.refuse(Source::PngTime, &format!("{b:02x?}"), why),
    }
    Ok(())
}

/// The parts of a text chunk: keyword and text.
fn parts(kind: &[u8], chunk: &[u8]) -> Option<(String, Vec<u8>)> {
    let end = chunk.iter().position(|&b| b == 0)?;
    let (keyword, rest) = (String::from_utf8_lossy(&chunk[..end]).into_owned(), &chunk[end + 1..]);
    let text = match kind {
        b"zTXt" => inflate(rest.get(1..)?)?,
        b"iTXt" => {
            let (compressed, rest) = (rest.first()? == &1, rest.get(2..)?);
            let language = rest.iter().position(|&b| b == 0)? + 1;
            let rest = &rest[language..];
            let translated = rest.iter().position(|&b| b == 0)? + 1;
            let text = &rest[translated..];
            if compressed { inflate(text)? } else { text.to_vec() }
        }
        _ => rest.to_vec(),
    };
    Some((keyword, text))
}

fn inflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    ZlibDecoder::new(bytes).take(MAX_TEXT as u64).read_to_end(&mut text).ok()?;
    Some(text)
}

fn text(found: &mut Found, kind: &[u8], chunk: &[u8]) -> io::Result<()> {
    let Some((keyword, text)) = parts(kind, chunk) else {
        found.warn("a damaged text chunk");
        return Ok(());
    };
    let value = || super::tiff::decode(&text).unwrap_or_default();
    match keyword.as_str() {
        "XML:com.adobe.xmp" => super::xmp(found, &text),
        "Creation Time" | "create-date" | "creation_time" => {
            creation_time(found, &value());
        }
        "Raw profile type exif" | "Raw profile type APP1" => {
            if let Some(profile) = raw_profile(&text) {
                block(found, profile)?;
            }
        }
        "Raw profile type iptc" => {
            if let Some(profile) = raw_profile(&text) {
                super::iptc::read_resources(found, &profile);
            }
        }
        "Comment" => exif::set(&mut found.metadata.comment, Some(value())),
        "Description" => exif::set(&mut found.metadata.description, Some(value())),
        "Software" => exif::set(&mut found.metadata.camera.software, Some(value())),
        _ => {}
    }
    Ok(())
}

/// RFC 1123's form is what the specification suggests; most write ISO 8601 or EXIF's.
fn creation_time(found: &mut Found, text: &str) {
    if let Ok(zoned) = jiff::fmt::rfc2822::parse(text) {
        let time = zoned.datetime();
        let clock = match zoned.offset() {
            offset if offset == jiff::tz::Offset::UTC => Clock::Utc,
            offset => Clock::Offset(offset),
        };
        let precision = Precision::Second;
        found.stamp(Source::PngCreationTime, Written { time, clock, precision });
        return;
    }
    found.date(Source::PngCreationTime, text);
}

/// ImageMagick's profile: its name, its length, and its bytes in hexadecimal.
fn raw_profile(text: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(text);
    let mut lines = text.trim_start().splitn(3, '\n');
    let (_, length, hex) = (lines.next()?, lines.next()?, lines.next()?);
    let length: usize = length.trim().parse().ok()?;
    let digits: Vec<u8> =
        hex.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).take(length * 2).collect();
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// An EXIF or XMP block as of a JPEG's segment, in memory.
fn block(found: &mut Found, profile: Vec<u8>) -> io::Result<()> {
    let start = if profile.starts_with(b"Exif") { 6 } else { 0 };
    if let Some(packet) = profile.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0") {
        super::xmp(found, packet);
        return Ok(());
    }
    let length = profile.len() as u64;
    let mut memory = Cursor::new(profile);
    let mut input = Input::new(&mut memory)?;
    exif::read(found, &mut input, start, length)?;
    // They lie in the chunk, not in the file.
    found.metadata.previews.clear();
    Ok(())
}
