//! What an MP4 file says about itself: its length, and whether it is encrypted.

use std::io;

use crate::source::{ReadAt, read_full};

/// Boxes looked at: a file has a handful on its outermost level.
const MAX_BOXES: usize = 64;

/// Where the box with the sound ends, if it reaches over the end of the file, as in one that was
/// cut; otherwise `len`.
///
/// The demuxer refuses a box that reaches over the end of its source; told the length that the
/// file had, it reads up to where the bytes end. ISO/IEC 14496-12, section 4.2.
pub(crate) fn claimed_len(bytes: &dyn ReadAt, len: u64) -> io::Result<u64> {
    let mut at = 0;
    for n in 0..MAX_BOXES {
        let mut head = [0; 16];
        let read = read_full(bytes, &mut head, at)?;
        if read < 8 || (n == 0 && &head[4..8] != b"ftyp") {
            break;
        }
        let [a, b, c, d, _, _, _, _, large @ ..] = head;
        let size = match u32::from_be_bytes([a, b, c, d]) {
            1 if read == 16 => u64::from_be_bytes(large),
            size => u64::from(size),
        };
        // A size of 0 means up to the end; less than a header is damage.
        let Some(end) = at.checked_add(size).filter(|_| size >= 8) else { break };
        if end >= len {
            // Whatever else reaches over the end is not needed, or no box at all.
            return Ok(if &head[4..8] == b"mdat" { end } else { len });
        }
        at = end;
    }
    Ok(len)
}

/// The way from the outermost boxes to the descriptions of samples. ISO/IEC 14496-12, section 6.2.
const TO_SAMPLES: [&[u8]; 6] = [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"];
/// Descriptions of encrypted samples: sound of the standard (section 8.12), and of shops before it.
const ENCRYPTED: [&[u8]; 2] = [b"enca", b"drms"];

/// Whether there is a track whose sound is encrypted.
pub(crate) fn is_encrypted(bytes: &dyn ReadAt, len: u64) -> io::Result<bool> {
    let mut left = MAX_BOXES * TO_SAMPLES.len();
    search(bytes, (0, len), &TO_SAMPLES, &mut left)
}

/// Looks through the boxes from `at` to `end` for `way`, at `left` boxes at the most.
fn search(
    bytes: &dyn ReadAt,
    (mut at, end): (u64, u64),
    way: &[&[u8]],
    left: &mut usize,
) -> io::Result<bool> {
    while at + 8 <= end && *left > 0 {
        *left -= 1;
        let mut head = [0; 16];
        let read = read_full(bytes, &mut head, at)?;
        let [a, b, c, d, k, i, n, l, large @ ..] = head;
        let (size, header) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (end - at, 8),
            1 if read == 16 => (u64::from_be_bytes(large), 16),
            size => (u64::from(size), 8),
        };
        let Some(next) = at.checked_add(size).filter(|_| read >= 8 && size >= header) else {
            break;
        };
        let kind: &[u8] = &[k, i, n, l];
        match way.split_first() {
            None if ENCRYPTED.contains(&kind) => return Ok(true),
            Some((first, rest)) if *first == kind => {
                // The descriptions are counted before they are listed.
                let counted = if rest.is_empty() { 8 } else { 0 };
                if search(bytes, (at + header + counted, next.min(end)), rest, left)? {
                    return Ok(true);
                }
            }
            _ => {}
        }
        at = next;
    }
    Ok(false)
}
