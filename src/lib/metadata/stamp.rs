//! One date, with what is known of the clock that it was read from.

use std::time::SystemTime;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::source::Source;

/// One date that a file or its surroundings tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Where it was read.
    pub source: Source,
    /// The date and time as written. With [`Clock::Utc`] it is in UTC.
    pub time: DateTime,
    /// Which clock it was read from.
    pub clock: Clock,
    /// How much of [`time`](Self::time) is known.
    pub precision: Precision,
}

/// Which clock a date was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The wall clock at the place; its offset from UTC was not written.
    Wall,
    /// The wall clock, and its offset from UTC.
    Offset(Offset),
    /// UTC; what the wall clock showed was not written.
    Utc,
}

/// How much of a date is known; the rest is zero (or 1 for month and day).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    /// The year.
    Year,
    /// Year and month.
    Month,
    /// The day.
    Day,
    /// Hour and minute.
    Minute,
    /// The second.
    Second,
    /// A part of a second.
    Fraction,
}

impl Stamp {
    /// The moment, where the clock tells it.
    #[must_use]
    pub fn instant(&self) -> Option<Timestamp> {
        let offset = match self.clock {
            Clock::Wall => return None,
            Clock::Offset(offset) => offset,
            Clock::Utc => Offset::UTC,
        };
        offset.to_timestamp(self.time).ok()
    }
}

/// The date of a file system's time of last change; `None` beyond the years -9999 to 9999.
#[must_use]
pub fn file_stamp(modified: SystemTime) -> Option<Stamp> {
    let time = Offset::UTC.to_datetime(Timestamp::try_from(modified).ok()?);
    Some(Stamp { source: Source::File, time, clock: Clock::Utc, precision: Precision::Fraction })
}
