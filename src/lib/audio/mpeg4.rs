//! How long an MP4 file says it is.

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
