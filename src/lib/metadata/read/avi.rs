//! AVI: the chunk `IDIT`, and the size.
//!
//! Source: AVI RIFF File Reference; ExifTool, `RIFF.pm`, for the forms of `IDIT`.

use std::io;

use super::Found;
use super::input::{Input, le32};
use super::tiff::decode;
use crate::source::Source;

/// Chunks that are looked at.
const MAX_CHUNKS: usize = 2_000;
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

pub(super) fn read(found: &mut Found, input: &mut Input<'_>) -> io::Result<()> {
    let mut at = 12;
    for _ in 0..MAX_CHUNKS {
        let Some(head) = input.array::<12>(at)? else { break };
        let size = u64::from(le32(&head[4..]));
        // Lists are entered, except that of the pictures.
        if head.starts_with(b"LIST") && &head[8..] != b"movi" {
            at += 12;
            continue;
        }
        match &head[..4] {
            b"avih" => {
                if let Some(b) = input.array::<40>(at + 8)? {
                    found.size(le32(&b[32..]), le32(&b[36..]));
                    let frames = f64::from(le32(&b[16..]));
                    found.metadata.duration = Some(frames * f64::from(le32(&b)) / 1e6);
                }
            }
            b"IDIT" | b"ICRD" => {
                let bytes = input.up_to(at + 8, usize::try_from(size).unwrap_or(0).min(64))?;
                if let Some(text) = decode(bytes) {
                    found.date(Source::Video, &reordered(&text).unwrap_or(text));
                }
            }
            _ => {}
        }
        at += 8 + size + (size & 1);
    }
    Ok(())
}

/// C's `Mon Mar 10 15:04:43 2003` in the order of ISO 8601.
fn reordered(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let &[_, month, day, time, year] = words.as_slice() else { return None };
    let month = MONTHS.iter().position(|m| month.to_lowercase().starts_with(m))? + 1;
    let day: u8 = day.parse().ok()?;
    Some(format!("{year}-{month:02}-{day:02} {time}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_in_the_order_of_c_are_turned_round() {
        assert_eq!(reordered("Mon Mar 10 15:04:43 2003").as_deref(), Some("2003-03-10 15:04:43"));
        assert_eq!(reordered("2003/03/10 15:04"), None);
    }
}
