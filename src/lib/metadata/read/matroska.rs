//! Matroska and WebM: `DateUTC` and the size.
//!
//! Source: RFC 9559, 5.1; EBML (RFC 8794) for lengths.

use std::io;

use jiff::{SignedDuration, civil::date};

use super::Found;
use super::input::Input;
use crate::datetime::Written;
use crate::source::Source;
use crate::stamp::{Clock, Precision};

/// Elements that are looked at.
const MAX_ELEMENTS: usize = 500;
/// Segment, Info, Tracks, TrackEntry, Video: their children are read.
const ENTERED: [u64; 5] = [0x1853_8067, 0x1549_A966, 0x1654_AE6B, 0xAE, 0xE0];
/// Clusters hold pictures: everything told comes before the first.
const CLUSTER: u64 = 0x1F43_B675;

pub(super) fn read(found: &mut Found, input: &mut Input<'_>) -> io::Result<()> {
    let mut at = 0;
    let mut size = (None, None);
    for _ in 0..MAX_ELEMENTS {
        let bytes = input.up_to(at, 12)?;
        let Some((id, id_length)) = number(bytes, false) else { break };
        let Some((length, length_length)) = number(&bytes[id_length..], true) else { break };
        let body = at + (id_length + length_length) as u64;
        if id == CLUSTER {
            break;
        }
        match id {
            0x4461 => recorded(found, integer(input, body, length)?.cast_signed()),
            0xB0 => size.0 = u32::try_from(integer(input, body, length)?).ok(),
            0xBA => size.1 = u32::try_from(integer(input, body, length)?).ok(),
            _ => {}
        }
        at = if ENTERED.contains(&id) { body } else { body.saturating_add(length) };
    }
    if let (Some(width), Some(height)) = size {
        found.size(width, height);
    }
    Ok(())
}

/// A number of variable length: how many zero bits it starts with tells its length.
fn number(bytes: &[u8], masked: bool) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    let length = first.leading_zeros() as usize + 1;
    let rest = bytes.get(1..length)?;
    let start = if masked { first & (0xFF_u16 >> length) as u8 } else { first };
    Some((rest.iter().fold(start.into(), |sum, &b| sum << 8 | u64::from(b)), length))
}

fn integer(input: &mut Input<'_>, body: u64, length: u64) -> io::Result<u64> {
    let bytes = input.up_to(body, usize::try_from(length).unwrap_or(8).min(8))?;
    Ok(bytes.iter().fold(0, |sum, &b| sum << 8 | u64::from(b)))
}

/// Nanoseconds since 2001 in UTC.
fn recorded(found: &mut Found, nanoseconds: i64) {
    let epoch = date(2001, 1, 1).at(0, 0, 0, 0);
    match epoch.checked_add(SignedDuration::from_nanos(nanoseconds)) {
        Ok(_) if nanoseconds == 0 => {
            found.refuse(Source::Video, "2001-01-01", "never set: 2001-01-01");
        }
        Ok(time) => {
            let precision = Precision::Second;
            found.stamp(Source::Video, Written { time, clock: Clock::Utc, precision });
        }
        Err(_) => found.refuse(Source::Video, &nanoseconds.to_string(), "beyond the year 9999"),
    }
}
