//! QuickTime and MPEG-4 movies, and Canon's CR3, which is one.
//!
//! Sources: ISO 14496-12, 8.2 and 8.3; QuickTime File Format, "Movie Atoms"; for CR3 ExifTool's
//! `Canon.pm` and github.com/lclevy/canon_cr3.

use std::io;

use jiff::{SignedDuration, civil::date};

use super::bmff::{self, Item, Walk};
use super::input::{Input, be16, be32, be64};
use super::{Found, exif, movie_text};
use crate::camera::Preview;
use crate::datetime::Written;
use crate::source::Source;
use crate::stamp::{Clock, Precision};

const CANON: [u8; 16] = *b"\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48";
const CANON_PREVIEW: [u8; 16] =
    *b"\xea\xf4\x2b\x5e\x1c\x98\x4b\x88\xb9\xfb\xb7\xdc\x40\x6e\x4d\x16";
const XMP: [u8; 16] = *b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac";

pub(super) fn read(found: &mut Found, input: &mut Input<'_>) -> io::Result<()> {
    let mut walk = Walk::new(0, input.length());
    let mut seen = false;
    while let Some(item) = walk.next(input)? {
        match &item.kind {
            b"moov" => {
                seen = true;
                movie(found, input, &item)?;
            }
            b"uuid" => uuid(found, input, &item)?,
            _ => {}
        }
    }
    found.warn_if(!seen, "the movie has no header: it was cut short");
    Ok(())
}

/// What the movie's own box tells.
pub(super) fn movie(found: &mut Found, input: &mut Input<'_>, movie: &Item) -> io::Result<()> {
    let mut walk = Walk::within(movie);
    while let Some(item) = walk.next(input)? {
        match &item.kind {
            b"mvhd" => header(found, input, &item)?,
            b"trak" => track(found, input, &item)?,
            b"udta" => movie_text::user_data(found, input, &item)?,
            b"meta" => movie_text::keyed(found, input, &item)?,
            b"uuid" => uuid(found, input, &item)?,
            _ => {}
        }
    }
    Ok(())
}

/// The movie header: seconds since 1904 in UTC, and the length.
fn header(found: &mut Found, input: &mut Input<'_>, item: &Item) -> io::Result<()> {
    let bytes = bmff::bytes(input, item, 36)?;
    let long = bytes.first() == Some(&1);
    let (created, scale, length) = match (long, bytes.len()) {
        (true, 32..) => (be64(&bytes[4..]), be32(&bytes[20..]), be64(&bytes[24..])),
        (false, 20..) => (be32(&bytes[4..]).into(), be32(&bytes[12..]), be32(&bytes[16..]).into()),
        _ => {
            found.warn("a damaged movie header");
            return Ok(());
        }
    };
    let unknown = length == u64::MAX || (!long && length == u64::from(u32::MAX));
    if scale > 0 && !unknown {
        found.metadata.duration = Some(length as f64 / f64::from(scale));
    }
    let day = date(1904, 1, 1).at(0, 0, 0, 0);
    // Some programs count from 1970: such a date lies before there were any movies.
    if created == 0 {
        found.refuse(Source::QuickTimeHeader, "0", "never set: 1904-01-01");
        return Ok(());
    }
    let (epoch, seconds) = if created < 2_082_844_800 {
        (date(1970, 1, 1).at(0, 0, 0, 0), created)
    } else {
        (day, created)
    };
    let seconds = i64::try_from(seconds).map(SignedDuration::from_secs);
    match seconds.ok().and_then(|s| epoch.checked_add(s).ok()) {
        Some(time) => {
            let (clock, precision) = (Clock::Utc, Precision::Second);
            found.stamp(Source::QuickTimeHeader, Written { time, clock, precision });
        }
        None => found.refuse(Source::QuickTimeHeader, &created.to_string(), "beyond the year 9999"),
    }
    Ok(())
}

/// The size of the first video track, and how it is turned.
fn track(found: &mut Found, input: &mut Input<'_>, track: &Item) -> io::Result<()> {
    let Some(header) = bmff::find(input, track.body, track.end, *b"tkhd")? else { return Ok(()) };
    let bytes = bmff::bytes(input, &header, 96)?;
    // The matrix and the size are the last 44 bytes.
    let tail = match bytes.first() {
        Some(1) => bytes.get(52..96),
        _ => bytes.get(40..84),
    };
    let Some(tail) = tail else { return Ok(()) };
    let (width, height) = (be32(&tail[36..]) >> 16, be32(&tail[40..]) >> 16);
    if width == 0 || height == 0 {
        return Ok(());
    }
    if found.metadata.width.is_none() {
        let matrix = (be16(tail) as i16, be16(&tail[4..]) as i16);
        let turn = match matrix {
            (0, 1) => Some(6),
            (-1, 0) => Some(3),
            (0, -1) => Some(8),
            (1, 0) => Some(1),
            _ => None,
        };
        exif::set(&mut found.metadata.orientation, turn);
    }
    found.size(width, height);
    Ok(())
}

fn uuid(found: &mut Found, input: &mut Input<'_>, item: &Item) -> io::Result<()> {
    let Some(id) = input.array::<16>(item.body)? else { return Ok(()) };
    let body = Item { body: (item.body + 16).min(item.end), ..*item };
    match id {
        XMP => {
            let bytes = bmff::bytes(input, &body, super::MAX_XMP)?;
            super::xmp(found, &bytes);
        }
        CANON => canon(found, input, &body)?,
        CANON_PREVIEW => {
            let inner = bmff::find(input, body.body + 8, body.end, *b"PRVW")?;
            if let Some(inner) = inner
                && let Some(head) = input.array::<16>(inner.body)?
            {
                let preview = Preview { offset: inner.body + 16, length: be32(&head[12..]).into() };
                if preview.offset + preview.length <= inner.end {
                    found.metadata.previews.push(preview);
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// Canon's boxes: CMT1 is the main EXIF directory, CMT2 the EXIF one, CMT4 GPS.
fn canon(found: &mut Found, input: &mut Input<'_>, item: &Item) -> io::Result<()> {
    let mut walk = Walk::within(item);
    while let Some(item) = walk.next(input)? {
        match &item.kind {
            b"CMT1" => {
                exif::read(found, input, item.body, item.end)?;
            }
            b"CMT2" => exif::read_part(found, input, item.body, item.end, false)?,
            b"CMT4" => exif::read_part(found, input, item.body, item.end, true)?,
            _ => {}
        }
    }
    Ok(())
}
