//! AVCHD: the recording time in the first H.264 picture's user data.
//!
//! Source: ExifTool, `H264.pm` (MDPM).

use std::io;

use jiff::tz::Offset;

use super::Found;
use super::input::Input;
use crate::datetime::{self, Written};
use crate::source::Source;
use crate::stamp::{Clock, Precision};

/// How much of the stream is looked at: the data is repeated twice a second.
const LOOK: usize = 2 << 20;
const MARK: &[u8] = b"\x17\xee\x8c\x60\xf8\x4d\x11\xd9\x8c\xd6\x08\x00\x20\x0c\x9a\x66MDPM";

pub(super) fn read(found: &mut Found, input: &mut Input<'_>) -> io::Result<()> {
    let bytes = input.up_to(0, LOOK)?;
    let packet = if bytes.first() == Some(&0x47) { 188 } else { 192 };
    let stream = payload(bytes, packet);
    // Three zero-like bytes are guarded by a 3 within H.264.
    let stream = unguarded(&stream);
    let Some(at) = stream.windows(MARK.len()).position(|w| w == MARK) else {
        found.warn("no recording time in the first two megabytes");
        return Ok(());
    };
    let entries = &stream[at + MARK.len()..];
    let count = usize::from(entries.first().copied().unwrap_or(0));
    let mut date = None;
    for entry in entries.get(1..).unwrap_or_default().chunks_exact(5).take(count) {
        match entry {
            [0x18, zone, century, year, month] => date = Some([*zone, *century, *year, *month]),
            [0x19, rest @ ..] => {
                if let Some(date) = date.take() {
                    recorded(found, date, [rest[0], rest[1], rest[2], rest[3]]);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// What the packets carry, of all streams one after another: the video's is by far the largest.
fn payload(bytes: &[u8], packet: usize) -> Vec<u8> {
    let mut stream = Vec::with_capacity(bytes.len());
    for packet in bytes.chunks_exact(packet) {
        let packet = &packet[packet.len() - 188..];
        if packet[0] != 0x47 {
            continue;
        }
        let start = match packet[3] >> 4 & 3 {
            1 => 4,
            3 => 5 + usize::from(packet[4]),
            _ => continue,
        };
        stream.extend_from_slice(packet.get(start..).unwrap_or_default());
    }
    stream
}

fn unguarded(stream: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(stream.len());
    let mut zeros = 0;
    for &byte in stream {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

/// Two digits in one byte.
fn digits(byte: u8) -> u32 {
    u32::from(byte >> 4) * 10 + u32::from(byte & 15)
}

fn recorded(found: &mut Found, date: [u8; 4], time: [u8; 4]) {
    let [zone, century, year, month] = date;
    let day =
        datetime::civil_date(digits(century) * 100 + digits(year), digits(month), digits(time[0]));
    let moment = day.and_then(|day| {
        datetime::civil_time(day, digits(time[1]), digits(time[2]), digits(time[3]), 0)
    });
    match moment {
        Ok(time) => {
            let minutes = i32::from(zone >> 1 & 15) * 60 + i32::from(zone & 1) * 30;
            let sign = if zone & 0x20 == 0 { 1 } else { -1 };
            // A camera that knows no zone writes ones.
            let offset = Offset::from_seconds(sign * minutes * 60).ok().filter(|_| zone != 0xFF);
            let clock = offset.map_or(Clock::Wall, Clock::Offset);
            found.stamp(Source::Video, Written { time, clock, precision: Precision::Second });
        }
        Err(why) => found.refuse(Source::Video, &format!("{date:02x?} {time:02x?}"), why),
    }
}
