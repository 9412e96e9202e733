//! Dates in the names of files and folders.
//!
//! | name | meaning |
//! |---|---|
//! | `IMG_20190721_123005.jpg`, `20190721_123005.jpg`, `DJI_20190721123005_0001_D.jpg` | wall clock (Android, Samsung, DJI) |
//! | `PXL_20210102_123456789.jpg` | UTC, with milliseconds (Google Pixel) |
//! | `IMG-20190721-WA0003.jpg`, `WhatsApp Image 2019-07-21 at 12.30.05.jpeg` | day or time of sending |
//! | `signal-2021-01-02-123456.jpg`, `photo_2021-01-02_12-34-56.jpg` | Signal, Telegram |
//! | `Screenshot_20190721-123005.png`, `Screenshot from 2019-07-21 12-30-05.png`, `Screen Shot 2019-07-21 at 12.30.05 PM.png`, `Screenshot 2019-07-21 123005.png` | Android, GNOME, macOS, Windows |
//! | `img20190721_12300512.jpg`, `Scan_20190721-1230.jpg`, `Adobe Scan 21-Jul-2019.jpg` | scanners |
//! | `FB_IMG_1563712205123.jpg`, `mmexport1563712205123.jpg`, `1563712205123.jpg` | milliseconds since 1970 |
//! | `RPReplay_Final1563712205.mp4` | seconds since 1970 (iOS screen recording) |

mod folder;
mod scan;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use folder::folder_stamps;
use jiff::Timestamp;
use jiff::tz::Offset;

use crate::source::Source;
use crate::stamp::{Clock, Precision, Stamp};

/// The dates in a file's name, as cameras, phones, messengers, screenshot programs and scanners
/// write them. Names that are not UTF-8 are read as far as they are.
#[must_use]
pub fn name_stamps(path: &Path) -> Vec<Stamp> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let lower = name.to_lowercase();
    if let Some(stamp) = epoch(&lower) {
        return vec![stamp];
    }
    let Some(found) = scan::find(&lower).or_else(|| scan::find_worded(&lower)) else {
        return Vec::new();
    };
    let whatsapp = lower.contains("whatsapp") || is_whatsapp(&lower);
    let source = match found.precision {
        _ if whatsapp => Source::NameWhatsapp,
        Precision::Minute | Precision::Second | Precision::Fraction => Source::NameTime,
        _ => Source::NameDate,
    };
    let clock = if lower.starts_with("pxl_") { Clock::Utc } else { Clock::Wall };
    vec![Stamp { source, time: found.time, clock, precision: found.precision }]
}

/// `img-20190721-wa0003`
fn is_whatsapp(name: &str) -> bool {
    let Some((_, rest)) = name.split_once("-wa") else { return false };
    let kind = name.split('-').next().unwrap_or_default();
    matches!(kind, "img" | "vid" | "aud" | "ptt" | "stk" | "doc")
        && rest.starts_with(|c: char| c.is_ascii_digit())
}

/// Thirteen digits that are milliseconds since 1970, or ten behind a name that is known to have
/// seconds.
fn epoch(name: &str) -> Option<Stamp> {
    let start = name.find(|c: char| c.is_ascii_digit())?;
    let (word, rest) = name.split_at(start);
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let value: i64 = rest[..digits].parse().ok()?;
    let instant = match digits {
        // 2001 to 2100.
        13 if (1_000_000_000_000..4_102_444_800_000).contains(&value) => {
            Timestamp::from_millisecond(value).ok()?
        }
        10 if word.ends_with("rpreplay_final") => Timestamp::from_second(value).ok()?,
        _ => return None,
    };
    let time = Offset::UTC.to_datetime(instant);
    let precision = if digits == 13 { Precision::Fraction } else { Precision::Second };
    Some(Stamp { source: Source::NameEpoch, time, clock: Clock::Utc, precision })
}
