//! WebP: the chunks VP8X, EXIF and XMP.
//!
//! Source: RFC 9649, section 2.

use std::io;

use super::input::{Input, be32, le32};
use super::{Found, exif};

pub(super) fn read(found: &mut Found, input: &mut Input<'_>) -> io::Result<()> {
    let mut at = 12;
    while let Some(head) = input.array::<8>(at)? {
        let size = u64::from(le32(&head[4..]));
        let body = at + 8;
        match &head[..4] {
            b"VP8X" => {
                if let Some(b) = input.array::<10>(body)? {
                    let size = |at: usize| (le32(&[b[at], b[at + 1], b[at + 2], 0])) + 1;
                    found.size(size(4), size(7));
                }
            }
            b"VP8 " => {
                if let Some(b) = input.array::<10>(body)? {
                    let size = |at: usize| u32::from(b[at]) | u32::from(b[at + 1] & 0x3F) << 8;
                    found.size(size(6), size(8));
                }
            }
            b"VP8L" => {
                if let Some(b) = input.array::<5>(body)? {
                    let bits = le32(&b[1..]);
                    found.size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1);
                }
            }
            b"EXIF" => {
                let named = input.array::<4>(body)?.is_some_and(|b| be32(&b) == be32(b"Exif"));
                exif::read(found, input, body + if named { 6 } else { 0 }, body + size)?;
            }
            b"XMP " => {
                let bytes =
                    input.up_to(body, usize::try_from(size).unwrap_or(0).min(super::MAX_XMP))?;
                let bytes = bytes.to_vec();
                super::xmp(found, &bytes);
            }
            _ => {}
        }
        at = body + size + (size & 1);
    }
    Ok(())
}
