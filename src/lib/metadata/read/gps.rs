//! Positions and satellite time: EXIF's GPS directory, ISO 6709 of movies.

use std::io;

use super::Found;
use super::tiff::{Directory, Tiff};
use crate::camera::Gps;
use crate::datetime::{self, Written};
use crate::source::Source;
use crate::stamp::{Clock, Precision};

/// Reads EXIF's GPS directory.
pub(super) fn read(
    found: &mut Found,
    tiff: &mut Tiff<'_, '_>,
    directory: &Directory,
) -> io::Result<()> {
    let latitude = degrees(tiff, directory, 1, b"Ss")?;
    let longitude = degrees(tiff, directory, 3, b"Ww")?;
    let altitude = match directory.find(6) {
        Some(entry) => tiff.fractions(entry, 1)?.first().copied().filter(|v| v.is_finite()),
        None => None,
    };
    let below = match directory.find(5) {
        Some(entry) => tiff.bytes(entry, 1)?.first() == Some(&1),
        None => false,
    };
    let altitude = altitude.map(|metres| if below { -metres } else { metres });
    if let (Some(latitude), Some(longitude)) = (latitude, longitude) {
        found.position(latitude, longitude, altitude);
    }
    time(found, tiff, directory)
}

fn degrees(
    tiff: &mut Tiff<'_, '_>,
    directory: &Directory,
    tag: u16,
    negative: &[u8],
) -> io::Result<Option<f64>> {
    let Some(entry) = directory.find(tag + 1) else { return Ok(None) };
    let parts = tiff.fractions(entry, 3)?;
    let reference = match directory.find(tag) {
        Some(entry) => tiff.bytes(entry, 1)?.first().copied(),
        None => None,
    };
    let part = |index: usize| match parts.get(index) {
        // Some write 0/0 for no minutes.
        Some(value) if value.is_nan() && index > 0 => 0.0,
        Some(value) => *value,
        None => 0.0,
    };
    let value = part(0) + part(1) / 60.0 + part(2) / 3600.0;
    let is_negative = reference.is_some_and(|r| negative.contains(&r));
    let sound = !parts.is_empty() && value.is_finite();
    Ok(sound.then_some(if is_negative { -value } else { value }))
}

fn time(found: &mut Found, tiff: &mut Tiff<'_, '_>, directory: &Directory) -> io::Result<()> {
    let (Some(day), Some(time)) = (directory.find(0x1D), directory.find(7)) else { return Ok(()) };
    let Some(day) = tiff.text(day)? else { return Ok(()) };
    let parts = tiff.fractions(time, 3)?;
    let &[hour, minute, second] = parts.as_slice() else { return Ok(()) };
    let day = match datetime::parse(&day) {
        Ok(written) => written.time.date(),
        Err(why) => {
            found.refuse(Source::Gps, &day, why);
            return Ok(());
        }
    };
    let seconds = hour * 3600.0 + minute * 60.0 + second;
    if !(0.0..86_400.0).contains(&seconds) {
        found.refuse(
            Source::Gps,
            &format!("{day} {hour}:{minute}:{second}"),
            datetime::NO_SUCH_TIME,
        );
        return Ok(());
    }
    let milliseconds = (seconds * 1000.0).round() as i64;
    let midnight = day.to_datetime(jiff::civil::Time::midnight());
    let Ok(time) = midnight.checked_add(jiff::SignedDuration::from_millis(milliseconds)) else {
        return Ok(());
    };
    let precision = match milliseconds % 1000 {
        0 => Precision::Second,
        _ => Precision::Fraction,
    };
    found.stamp(Source::Gps, Written { time, clock: Clock::Utc, precision });
    Ok(())
}

/// A position after ISO 6709, as movies have it: `+48.8577+002.2950+035.000/`.
pub(crate) fn iso_6709(text: &str) -> Option<Gps> {
    let text = text.trim().trim_end_matches('/');
    let starts: Vec<usize> =
        text.char_indices().filter(|(_, c)| matches!(c, '+' | '-')).map(|(i, _)| i).collect();
    let part = |index: usize| {
        let from = *starts.get(index)?;
        let to = starts.get(index + 1).copied().unwrap_or(text.len());
        Some(text[from..to].split("CRS").next().unwrap_or_default())
    };
    let latitude = angle(part(0)?, 2)?;
    let longitude = angle(part(1)?, 3)?;
    let altitude = part(2).and_then(|text| text.parse().ok());
    Some(Gps { latitude, longitude, altitude })
}

/// Degrees, or degrees and minutes, or degrees, minutes and seconds, as the digits before the
/// point tell.
fn angle(text: &str, degrees: usize) -> Option<f64> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", rest) => (1.0, rest),
        ("-", rest) => (-1.0, rest),
        _ => return None,
    };
    let whole = digits.split('.').next()?.len();
    let value: f64 = digits.parse().ok().filter(|v: &f64| v.is_finite())?;
    let value = match whole.checked_sub(degrees) {
        Some(2) => (value / 100.0).trunc() + value % 100.0 / 60.0,
        Some(4) => {
            let minutes = (value / 100.0).trunc() % 100.0;
            (value / 10_000.0).trunc() + minutes / 60.0 + value % 100.0 / 3600.0
        }
        _ => value,
    };
    Some(sign * value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_of_movies_are_read_in_degrees_minutes_or_seconds() {
        let eiffel = iso_6709("+48.8577+002.2950+035.000/").expect("a position");
        assert!((eiffel.latitude - 48.8577).abs() < 1e-9 && eiffel.altitude == Some(35.0));
        let minutes = iso_6709("-3352.5+15112.6/").expect("minutes");
        assert!((minutes.latitude + 33.875).abs() < 1e-9, "{minutes:?}");
        assert!((minutes.longitude - 151.21).abs() < 1e-9, "{minutes:?}");
        let seconds = iso_6709("+270512.0-0821500.0/").expect("seconds");
        assert!((seconds.latitude - 27.086_666).abs() < 1e-5, "{seconds:?}");
        for text in ["", "+", "48.1", "+x+y/", "+48.1"] {
            assert_eq!(iso_6709(text), None, "{text:?}");
        }
    }
}
