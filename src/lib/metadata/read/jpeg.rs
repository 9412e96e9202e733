//! JPEG: the segments before the picture.
//!
//! Sources: ITU-T T.81 annex B; EXIF 3.0, 4.7; XMP part 3, 1.1.3.

use std::io;

use super::input::{Input, be16};
use super::{Found, exif, iptc};

const EXIF: &[u8] = b"Exif\0";
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

/// Segments of one file that are looked at.
const MAX_SEGMENTS: usize = 1_000;

/// Reads the JPEG that starts at `start`.
pub(super) fn read(found: &mut Found, input: &mut Input<'_>, start: u64) -> io::Result<()> {
    let mut at = start + 2;
    let mut resources = Vec::new();
    let mut ended = false;
    for _ in 0..MAX_SEGMENTS {
        let Some(head) = input.array::<4>(at)? else { break };
        if head[0] != 0xFF {
            found.warn("no JPEG segment where one is due");
            break;
        }
        let marker = head[1];
        match marker {
            0xFF => {
                at += 1;
                continue;
            }
            0x01 | 0xD0..=0xD8 => {
                at += 2;
                continue;
            }
            0xD9 | 0xDA => {
                ended = true;
                break;
            }
            _ => {}
        }
        let length = u64::from(be16(&head[2..]));
        if length < 2 {
            found.warn("a JPEG segment without length");
            break;
        }
        let (body, body_length) = (at + 4, length - 2);
        match marker {
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => frame(found, input, body)?,
            0xE1 => application(found, input, body, body_length)?,
            0xED => photoshop(&mut resources, input, body, body_length)?,
            _ => {}
        }
        at += 2 + length;
    }
    iptc::read_resources(found, &resources);
    found.warn_if(!ended, "the JPEG ends before its picture");
    Ok(())
}

fn frame(found: &mut Found, input: &mut Input<'_>, body: u64) -> io::Result<()> {
    if let Some(frame) = input.array::<5>(body)? {
        found.size(be16(&frame[3..]).into(), be16(&frame[1..]).into());
    }
    Ok(())
}

fn application(found: &mut Found, input: &mut Input<'_>, body: u64, length: u64) -> io::Result<()> {
    let size = usize::try_from(length).unwrap_or(0);
    let bytes = input.up_to(body, size)?;
    if bytes.starts_with(EXIF) {
        // A NUL and a filler byte follow the name; some leave one out.
        let header = if bytes.get(5..7).is_some_and(|b| b == b"II" || b == b"MM") { 5 } else { 6 };
        if !exif::read(found, input, body + header, body + length)? {
            found.warn("EXIF without a TIFF header");
        }
    } else if let Some(packet) = bytes.strip_prefix(XMP) {
        let packet = packet.to_vec();
        super::xmp(found, &packet);
    }
    Ok(())
}

/// Photoshop's resources may be cut over several segments.
fn photoshop(
    resources: &mut Vec<u8>,
    input: &mut Input<'_>,
    body: u64,
    length: u64,
) -> io::Result<()> {
    let bytes = input.up_to(body, usize::try_from(length).unwrap_or(0))?;
    if let Some(bytes) = bytes.strip_prefix(PHOTOSHOP)
        && resources.len() < super::MAX_XMP
    {
        resources.extend_from_slice(bytes);
    }
    Ok(())
}
