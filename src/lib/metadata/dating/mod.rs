//! The decision: which of many dates is the one at which the picture was taken.

mod choose;
mod conflict;
mod offset;
mod plausible;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use crate::source::Source;
use crate::stamp::{Precision, Stamp};

/// What the decision may use besides the stamps.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The time zone at the place where it was taken, from its coordinates.
    pub zone: Option<&'a TimeZone>,
    /// The time zone to assume where nothing else tells one.
    pub home: Option<&'a TimeZone>,
    /// Now: later dates (by more than a day) are refused.
    pub now: Timestamp,
    /// Years before this one are refused. The first photograph is of 1826.
    pub earliest: i16,
    /// Whether the file's own time may decide when nothing else does.
    pub file_time: bool,
}

impl Options<'_> {
    /// No zones, no file time, photographs since 1826.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { zone: None, home: None, now, earliest: 1826, file_time: false }
    }
}

/// The decision and what was refused on the way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dating {
    /// When it was taken; absent when no date is possible.
    pub taken: Option<Taken>,
    /// Dates that cannot be true.
    pub refused: Vec<Refused>,
}

/// When a picture was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// What the wall clock at the place showed, as well as it is known.
    pub local: DateTime,
    /// The clock's offset from UTC, where known.
    pub offset: Option<Offset>,
    /// How much of [`local`](Self::local) is known.
    pub precision: Precision,
    /// Where the date comes from.
    pub from: Source,
    /// How sure it is, 0 to 1.
    pub confidence: f64,
    /// Why this date and offset, in one sentence.
    pub why: String,
    /// Other dates that tell another moment.
    pub conflicts: Vec<Conflict>,
}

impl Taken {
    /// RFC 3339 with offset where it is known; else the local time without one; only as long as
    /// the [`precision`](Self::precision) allows (`2019-07`, `2019-07-21`).
    #[must_use]
    pub fn to_rfc3339(&self) -> String {
        let date = self.local.date();
        match self.precision {
            Precision::Year => return format!("{:04}", date.year()),
            Precision::Month => return format!("{:04}-{:02}", date.year(), date.month()),
            Precision::Day => return date.to_string(),
            Precision::Minute | Precision::Second | Precision::Fraction => {}
        }
        let local = self.local;
        match self.offset {
            None => local.to_string(),
            Some(Offset::UTC) => format!("{local}+00:00"),
            Some(offset) => {
                let seconds = offset.seconds();
                let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.abs() / 60);
                format!("{local}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }

    /// The moment, where the offset is known.
    #[must_use]
    pub fn instant(&self) -> Option<Timestamp> {
        self.offset?.to_timestamp(self.local).ok()
    }
}

/// A date that tells another moment than the one that was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// The date.
    pub stamp: Stamp,
    /// By how many seconds it is later (negative: earlier).
    pub seconds: i64,
    /// What the difference looks like, in a few words.
    pub why: String,
}

/// A date that cannot be true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where it was read.
    pub source: Source,
    /// As it was written.
    pub text: String,
    /// Why it is refused.
    pub why: &'static str,
}

/// Decides when a picture was taken.
///
/// Impossible dates are refused; of the others the one whose [`Source`] comes first is taken. A
/// day without a time gives way to a moment of that day from a later source. A midnight of New
/// Year, to which cameras fall back when their battery was empty, counts only when there is
/// nothing else.
///
/// The offset from UTC is the date's own; else that of another date that shows the same wall
/// clock; else the difference to a date in UTC (satellite time) in whole quarters of an hour; else
/// that of the zone at the place; else that of [`Options::home`].
///
/// The confidence is a rule, not a measured frequency: each source has its own value, dates that
/// agree raise it, conflicts and an unknown offset lower it.
#[must_use]
pub fn date(stamps: &[Stamp], options: &Options<'_>) -> Dating {
    let mut refused = Vec::new();
    let mut possible: Vec<Stamp> = Vec::new();
    for stamp in stamps {
        if stamp.source == Source::File && !options.file_time {
            continue;
        }
        match plausible::check(stamp, options) {
            Ok(()) => possible.push(*stamp),
            Err(why) => {
                refused.push(Refused { source: stamp.source, text: stamp.time.to_string(), why });
            }
        }
    }
    Dating { taken: choose::choose(&possible, options), refused }
}
