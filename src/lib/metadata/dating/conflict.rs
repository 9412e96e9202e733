//! Other dates beside the one that was taken: which confirm it, which contradict it.

use jiff::civil::DateTime;

use super::offset::{seconds_between, shifted};
use super::{Conflict, Taken};
use crate::source::Source;
use crate::stamp::{Clock, Precision, Stamp};

const DAY: i64 = 86_400;

/// Whether a source tells the last change of the file, which is later as a rule.
pub(super) fn is_of_change(source: Source) -> bool {
    matches!(source, Source::ExifModified | Source::XmpModifyDate | Source::PngTime | Source::File)
}

/// Whether two dates lie in the same day, month or year.
pub(super) fn same_period(a: DateTime, b: DateTime, precision: Precision) -> bool {
    let year = a.year() == b.year();
    let month = year && a.month() == b.month();
    match precision {
        Precision::Year => year,
        Precision::Month => month,
        _ => month && a.day() == b.day(),
    }
}

/// How many seconds later a date is than the one taken; 0 where they may be the same moment.
fn later_by(taken: &Taken, stamp: &Stamp) -> i64 {
    let wall = match (stamp.clock, taken.offset) {
        (Clock::Offset(from), Some(to)) => {
            let seconds = (to.seconds() - from.seconds()).into();
            let by = jiff::SignedDuration::from_secs(seconds);
            stamp.time.checked_add(by).unwrap_or(stamp.time)
        }
        (Clock::Utc, Some(to)) => shifted(stamp.time, to),
        _ => stamp.time,
    };
    let precision = stamp.precision.min(taken.precision);
    if precision < Precision::Minute {
        // A day in UTC may be the next or the last at the place.
        let near = seconds_between(taken.local, wall).abs() < DAY && stamp.clock == Clock::Utc;
        return if near || same_period(taken.local, wall, precision) {
            0
        } else {
            seconds_between(taken.local, wall)
        };
    }
    let seconds = seconds_between(taken.local, wall);
    let unknown = stamp.clock == Clock::Utc && taken.offset.is_none();
    if unknown && (-14 * 3600..=14 * 3600).contains(&seconds) { 0 } else { seconds }
}

/// Whether a date confirms the one taken.
pub(super) fn confirms(taken: &Taken, stamp: &Stamp) -> bool {
    stamp.source != taken.from
        && stamp.precision >= Precision::Day
        && later_by(taken, stamp).abs() <= 2
}

/// The dates that tell another moment.
pub(super) fn find(taken: &Taken, others: &[&Stamp]) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    for stamp in others {
        let seconds = later_by(taken, stamp);
        let tolerance = match stamp.source {
            // The end of a recording, the last fix, the name's own clock.
            Source::QuickTimeHeader | Source::Gps | Source::Takeout | Source::NameTime => 600,
            _ => 60,
        };
        let sent = matches!(stamp.source, Source::NameWhatsapp | Source::NameEpoch);
        let expected = if is_of_change(stamp.source) || sent {
            // Changed or sent later; a day earlier is what zones explain.
            seconds >= -DAY
        } else {
            seconds.abs() <= tolerance
        };
        if !expected {
            conflicts.push(Conflict { stamp: **stamp, seconds, why: looks_like(seconds) });
        }
    }
    conflicts.sort_by_key(|c| c.stamp.source);
    conflicts
}

/// What a difference looks like.
fn looks_like(seconds: i64) -> String {
    let (size, direction) = (seconds.abs(), if seconds < 0 { "earlier" } else { "later" });
    let hours = (size + 30) / 3600;
    let whole_hours = size % 3600 <= 30 || size % 3600 >= 3570;
    if size < 15 * 3600 && hours > 0 && whole_hours {
        let unit = if hours == 1 { "hour" } else { "hours" };
        return format!("{hours} {unit} {direction}: a time zone or daylight saving");
    }
    let years = (size + 2 * DAY) / (365 * DAY);
    if years > 0 && size - years * 365 * DAY <= (years / 4 + 2) * DAY {
        let unit = if years == 1 { "year" } else { "years" };
        return format!("{years} {unit} {direction}: a clock with a wrong year");
    }
    match size {
        0..3600 => format!("{} min {direction}", (size / 60).max(1)),
        3600..DAY => format!("{} h {direction}", size / 3600),
        _ => format!("{} days {direction}", size / DAY),
    }
}
