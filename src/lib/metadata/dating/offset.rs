//! The offset from UTC of a date that does not tell its own, and the wall clock of one in UTC.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use super::Options;
use super::choose::shown;
use crate::source::Source;
use crate::stamp::{Clock, Precision, Stamp};

/// A date on the wall clock.
pub(super) struct Resolved {
    pub(super) local: DateTime,
    pub(super) offset: Option<Offset>,
    /// Whether the offset (or that there is none) is more than an assumption.
    pub(super) sure: bool,
    pub(super) why: String,
}

/// Puts a date on the wall clock, as well as the others and the zones allow.
pub(super) fn resolve(chosen: &Stamp, others: &[&Stamp], options: &Options<'_>) -> Resolved {
    if chosen.precision < Precision::Minute {
        return Resolved { local: chosen.time, offset: None, sure: true, why: String::new() };
    }
    match chosen.clock {
        Clock::Offset(offset) => own(chosen, offset, options),
        Clock::Wall => of_wall(chosen, others, options),
        Clock::Utc => of_utc(chosen, others, options),
    }
}

fn own(chosen: &Stamp, offset: Offset, options: &Options<'_>) -> Resolved {
    let mut why = format!("offset {} as written", shown(offset));
    if let Some(zone) = options.zone
        && let Some(there) = chosen.instant().map(|instant| zone.to_offset(instant))
        && there != offset
    {
        why.push_str(&format!(", though at the place it was {}", shown(there)));
    }
    Resolved { local: chosen.time, offset: Some(offset), sure: true, why }
}

fn of_wall(chosen: &Stamp, others: &[&Stamp], options: &Options<'_>) -> Resolved {
    let local = chosen.time;
    let known = |offset: Offset, sure: bool, why: String| Resolved {
        local,
        offset: Some(offset),
        sure,
        why: format!("offset {} {why}", shown(offset)),
    };
    for other in others {
        if let Clock::Offset(offset) = other.clock
            && other.precision >= Precision::Second
            && seconds_between(local, other.time).abs() <= 2
        {
            return known(offset, true, format!("from {}", other.source));
        }
    }
    for other in others.iter().filter(|s| tells_utc(s)) {
        if let Some(offset) = difference(local, other, false) {
            let why = format!("from the difference to {}", other.source);
            return known(offset, true, why);
        }
    }
    if let Some(offset) = options.zone.and_then(|zone| at_wall(zone, local)) {
        return known(offset, true, "of the zone at the place".into());
    }
    if let Some(offset) = options.home.and_then(|zone| at_wall(zone, local)) {
        return known(offset, false, "of the zone assumed".into());
    }
    let why = "the offset from UTC is not known".into();
    Resolved { local, offset: None, sure: true, why }
}

fn of_utc(chosen: &Stamp, others: &[&Stamp], options: &Options<'_>) -> Resolved {
    let at = |offset: Offset, sure: bool, why: String| Resolved {
        local: shifted(chosen.time, offset),
        offset: Some(offset),
        sure,
        why: format!("offset {} {why}", shown(offset)),
    };
    let instant = Offset::UTC.to_timestamp(chosen.time).ok();
    let in_zone = |zone: &TimeZone| instant.map(|instant| zone.to_offset(instant));
    for other in others {
        if let (Clock::Offset(offset), Some(there), Some(here)) =
            (other.clock, other.instant(), instant)
            && (there.as_second() - here.as_second()).abs() <= 600
        {
            return at(offset, true, format!("from {}", other.source));
        }
    }
    if let Some(offset) = options.zone.and_then(in_zone) {
        return at(offset, true, "of the zone at the place".into());
    }
    let walls = others.iter().filter(|s| {
        s.clock == Clock::Wall
            && s.precision >= Precision::Second
            && s.source < Source::ExifModified
    });
    for other in walls {
        match difference(other.time, chosen, true) {
            // Some cameras write the wall clock where UTC is due.
            Some(Offset::UTC) => {
                let why = format!("the wall clock, as {} tells", other.source);
                return Resolved { local: chosen.time, offset: None, sure: true, why };
            }
            Some(offset) => return at(offset, true, format!("from {}", other.source)),
            None => {}
        }
    }
    if let Some(offset) = options.home.and_then(in_zone) {
        return at(offset, false, "of the zone assumed".into());
    }
    let why = "in UTC: where it was taken the day may be another".into();
    Resolved { local: chosen.time, offset: Some(Offset::UTC), sure: false, why }
}

/// Dates in UTC that a clock other than the camera's wrote. Google takes a wall clock for UTC
/// where it does not know the zone, so its dates tell no offset.
fn tells_utc(stamp: &Stamp) -> bool {
    stamp.clock == Clock::Utc
        && stamp.precision >= Precision::Second
        && matches!(stamp.source, Source::Gps | Source::NameTime | Source::NameEpoch)
}

/// The offset that makes `wall` the moment `utc`: a quarter of an hour that is in use somewhere,
/// met within 90 seconds; where the two may be minutes apart (`loose`), a whole hour within ten
/// minutes.
fn difference(wall: DateTime, utc: &Stamp, loose: bool) -> Option<Offset> {
    let seconds = seconds_between(utc.time, wall);
    let nearest = |unit: i64| (seconds as f64 / unit as f64).round() as i64 * unit;
    let hour = nearest(3600);
    let quarter = nearest(900);
    let offset = if (seconds - hour).abs() <= if loose { 600 } else { 90 } {
        hour
    } else if (seconds - quarter).abs() <= 90 && in_use(quarter) {
        quarter
    } else {
        return None;
    };
    let offset = i32::try_from(offset).ok().filter(|o| (-12 * 3600..=14 * 3600).contains(o))?;
    Offset::from_seconds(offset).ok()
}

/// Offsets that are no whole hours: half hours, and Nepal, Eucla and the Chatham Islands.
fn in_use(seconds: i64) -> bool {
    const HALVES: [i64; 9] = [-570, -210, -150, 210, 270, 330, 390, 570, 630];
    const QUARTERS: [i64; 4] = [345, 525, 765, 825];
    let minutes = seconds / 60;
    HALVES.contains(&minutes) || QUARTERS.contains(&minutes)
}

/// Seconds from `a` to `b` on one clock.
pub(super) fn seconds_between(a: DateTime, b: DateTime) -> i64 {
    b.duration_since(a).as_secs()
}

/// A time in UTC on the clock with an offset.
pub(super) fn shifted(time: DateTime, offset: Offset) -> DateTime {
    let by = jiff::SignedDuration::from_secs(offset.seconds().into());
    time.checked_add(by).unwrap_or(time)
}

/// The offset of a zone when its wall clock shows `local`; the earlier of two where it shows it
/// twice.
fn at_wall(zone: &TimeZone, local: DateTime) -> Option<Offset> {
    zone.to_ambiguous_timestamp(local).compatible().ok().map(|instant| zone.to_offset(instant))
}
