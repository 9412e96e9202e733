//! Mending the clock of a camera that was set wrong.

use std::str::FromStr;

use jiff::Span;

use crate::camera::Metadata;
use crate::source::Source;
use crate::stamp::{Clock, Stamp};

/// How far a camera's clock is to be moved: `Canon EOS 70D=+1h`, `*=-1d 2h 30m`, `X100V=+1y`.
///
/// The name is compared without regard to case with the camera's [name](crate::Camera::name), its
/// model and its serial number; `*` in it stands for anything.
#[derive(Clone, Debug)]
pub struct Shift {
    camera: String,
    by: Span,
}

/// Why a shift cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is no shift: {why}")]
pub struct ShiftError {
    text: String,
    why: &'static str,
}

impl FromStr for Shift {
    type Err = ShiftError;

    fn from_str(text: &str) -> Result<Self, ShiftError> {
        let error = |why| ShiftError { text: text.to_owned(), why };
        let (camera, by) =
            text.rsplit_once('=').ok_or_else(|| error("CAMERA=DURATION is expected"))?;
        let camera = camera.trim().to_lowercase();
        if camera.is_empty() {
            return Err(error("name a camera, or * for all"));
        }
        let wanted = "a duration like +1h, '-1d 2h 30m' or +01:30:00 is expected";
        let by = duration(by.trim()).ok_or_else(|| error(wanted))?;
        if by.is_zero() {
            return Err(error("it moves nothing"));
        }
        Ok(Self { camera, by })
    }
}

/// A duration in jiff's friendly form, or hours, minutes and seconds with colons; a sign before
/// it is for all of it.
fn duration(text: &str) -> Option<Span> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let span = if text.contains(':') {
        let mut parts = text.split(':').map(|p| p.parse::<u32>().ok());
        let (hours, minutes) = (parts.next()??, parts.next()??);
        let seconds = parts.next().unwrap_or(Some(0))?;
        if parts.next().is_some() || minutes > 59 || seconds > 59 {
            return None;
        }
        let span = Span::new().try_hours(hours).ok()?;
        span.minutes(minutes).seconds(seconds)
    } else {
        text.parse().ok()?
    };
    Some(if negative { span.negate() } else { span })
}

impl Shift {
    /// Whether it is meant for this camera.
    #[must_use]
    pub fn applies(&self, metadata: &Metadata) -> bool {
        let camera = &metadata.camera;
        let names = [camera.name(), camera.model.clone(), camera.serial.clone()];
        if self.camera.chars().all(|c| c == '*') {
            return true;
        }
        names.into_iter().flatten().any(|name| matches(&self.camera, &name.to_lowercase()))
    }

    /// Moves the dates that the camera's clock wrote; satellite time, sidecars and names that
    /// other programs gave stay. Returns whether it applied.
    pub fn apply(&self, metadata: &mut Metadata) -> bool {
        let applies = self.applies(metadata);
        if applies {
            metadata.stamps.iter_mut().for_each(|stamp| self.shift(stamp));
        }
        applies
    }

    fn shift(&self, stamp: &mut Stamp) {
        let by_camera = match stamp.source {
            Source::ExifOriginal
            | Source::ExifDigitized
            | Source::QuickTimeCreationDate
            | Source::QuickTimeHeader
            | Source::Video
            | Source::XmpOriginal
            | Source::XmpDateCreated
            | Source::XmpCreateDate
            | Source::Iptc
            | Source::ExifModified => true,
            // The camera's own name; a phone's in UTC comes from the network.
            Source::NameTime | Source::NameDate => stamp.clock == Clock::Wall,
            _ => false,
        };
        if by_camera && let Ok(time) = stamp.time.checked_add(self.by) {
            stamp.time = time;
        }
    }
}

/// Whether a name is what a pattern with `*` stands for.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else { return false };
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(before) = last.replace(part) {
            match rest.find(before) {
                Some(at) => rest = &rest[at + before.len()..],
                None => return false,
            }
        }
    }
    match last {
        Some(last) => rest.ends_with(last),
        None => rest.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::datetime;

    use super::*;
    use crate::format::Format;
    use crate::stamp::Precision;

    fn canon() -> Metadata {
        let mut metadata = Metadata::new(Format::Jpeg);
        metadata.camera.make = Some("Canon".into());
        metadata.camera.model = Some("Canon EOS 70D".into());
        metadata.camera.serial = Some("0123".into());
        for (source, clock) in [(Source::ExifOriginal, Clock::Wall), (Source::Gps, Clock::Utc)] {
            let time = datetime(2019, 12, 31, 23, 30, 0, 0);
            metadata.stamps.push(Stamp { source, time, clock, precision: Precision::Second });
        }
        metadata
    }

    #[test]
    fn a_shift_moves_the_cameras_clock_and_no_other() {
        for (text, wanted) in [
            ("Canon EOS 70D=+1h", "2020-01-01T00:30:00"),
            ("canon*=+01:00:00", "2020-01-01T00:30:00"),
            ("*70d=-1d 30m", "2019-12-30T23:00:00"),
            ("0123=1y", "2020-12-31T23:30:00"),
            ("*=-00:30", "2019-12-31T23:00:00"),
        ] {
            let mut metadata = canon();
            let shift: Shift = text.parse().expect(text);
            assert!(shift.apply(&mut metadata), "{text}");
            assert_eq!(metadata.stamps[0].time.to_string(), wanted, "{text}");
            assert_eq!(metadata.stamps[1].time.to_string(), "2019-12-31T23:30:00", "{text}");
        }
        let mut metadata = canon();
        let other: Shift = "Nikon*=+1h".parse().expect("a shift");
        assert!(!other.apply(&mut metadata));
        assert_eq!(metadata, canon());
    }

    #[test]
    fn what_is_no_shift_is_an_error_that_says_why() {
        for text in
            ["", "Canon", "=1h", "Canon=", "Canon=soon", "Canon=0h", "Canon=1:99", "Canon=1:2:3:4"]
        {
            let error = text.parse::<Shift>().expect_err(text);
            assert!(error.to_string().contains("is no shift"), "{error}");
        }
    }
}
