//! IPTC-IIM in Photoshop's image resources.
//!
//! Sources: IPTC-NAA Information Interchange Model 4.2; Adobe Photoshop File Formats
//! Specification, Image Resource Blocks.

use super::Found;
use super::input::{be16, be32};
use super::tiff::decode;
use crate::source::Source;

/// The resource that holds IPTC.
const IPTC: u16 = 0x0404;

/// Reads Photoshop's resources.
pub(super) fn read_resources(found: &mut Found, mut bytes: &[u8]) {
    while let Some(rest) = bytes.strip_prefix(b"8BIM") {
        if rest.len() < 3 {
            break;
        }
        let id = be16(rest);
        // A Pascal string, padded to an even length with its length byte.
        let name = (usize::from(rest[2]) + 2) & !1;
        let Some(head) = rest.get(2 + name..).filter(|r| r.len() >= 4) else { break };
        let size = be32(head) as usize;
        let body = &head[4..];
        if id == IPTC {
            read(found, &body[..size.min(body.len())]);
        }
        let Some(next) = body.get(size.saturating_add(size & 1)..) else { break };
        bytes = next;
    }
}

/// Reads IPTC's records.
pub(super) fn read(found: &mut Found, mut bytes: &[u8]) {
    let mut date = None;
    let mut time = None;
    while let [0x1C, record, tag, high, low, rest @ ..] = bytes {
        let size = usize::from(*high) << 8 | usize::from(*low);
        // Lengths of lengths (above 32767 bytes) do not occur in the short fields read here.
        let Some((value, next)) = rest.split_at_checked(size) else { break };
        match (record, tag) {
            (2, 25) => {
                if let Some(label) = decode(value) {
                    found.label(&label);
                }
            }
            (2, 55) => date = decode(value),
            (2, 60) => time = decode(value),
            (2, 120) => super::exif::set(&mut found.metadata.description, decode(value)),
            _ => {}
        }
        bytes = next;
    }
    let Some(date) = date else { return };
    let text = match time {
        Some(time) => format!("{date} {time}"),
        None => date,
    };
    found.date(Source::Iptc, &text);
}
