//! Dates that cannot be true, and dates that clocks fall back to.

use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};

use super::Options;
use crate::source::Source;
use crate::stamp::{Clock, Precision, Stamp};

/// Whether a date can be true.
pub(super) fn check(stamp: &Stamp, options: &Options<'_>) -> Result<(), &'static str> {
    let day = stamp.time.date();
    if stamp.time.year() < options.earliest {
        return Err("before there were photographs");
    }
    if later_than(stamp, options.now) {
        return Err("in the future");
    }
    // A folder may well be named for these days; a clock that shows them was never set.
    if stamp.precision <= Precision::Day {
        return Ok(());
    }
    let unix = [date(1969, 12, 31), date(1970, 1, 1)].contains(&day);
    let midnight = stamp.time.time() == jiff::civil::Time::midnight();
    if unix {
        return Err("the zero of a Unix clock");
    }
    if day == date(1904, 1, 1) {
        return Err("the zero of a QuickTime clock");
    }
    if day == date(1980, 1, 1) && midnight {
        return Err("the zero of a FAT file system's clock");
    }
    if day == date(1980, 1, 6) && stamp.source == Source::Gps {
        return Err("the zero of a satellite receiver's clock");
    }
    Ok(())
}

/// More than a day after now: zones and slow clocks explain less.
fn later_than(stamp: &Stamp, now: Timestamp) -> bool {
    let limit = now.checked_add(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX);
    let instant = stamp.instant().or_else(|| jiff::tz::Offset::UTC.to_timestamp(stamp.time).ok());
    instant.is_none_or(|instant| instant > limit)
}

/// Whether a clock falls back to this moment when it loses power: a midnight of New Year, or the
/// `2002:12:08 12:00:00` of some phones.
pub(super) fn is_reset(stamp: &Stamp) -> bool {
    if stamp.precision < Precision::Minute || stamp.clock == Clock::Utc {
        return false;
    }
    let (day, time) = (stamp.time.date(), stamp.time.time());
    let new_year = day.month() == 1 && day.day() == 1;
    let exact = time.minute() == 0 && time.second() == 0;
    (new_year && exact && time.hour() == 0)
        || (day == date(2002, 12, 8) && exact && time.hour() == 12)
}
