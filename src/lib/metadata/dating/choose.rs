//! The choice among dates that are possible.

use jiff::tz::Offset;

use super::offset::{self, Resolved};
use super::{Options, Taken, conflict, plausible};
use crate::source::Source;
use crate::stamp::{Precision, Stamp};

/// How sure a date of each source is by itself.
fn trust(source: Source) -> f64 {
    match source {
        Source::Sidecar => 0.97,
        Source::ExifOriginal | Source::QuickTimeCreationDate => 0.95,
        Source::XmpOriginal | Source::Video => 0.9,
        Source::XmpDateCreated | Source::ExifDigitized | Source::Iptc | Source::Takeout => 0.85,
        Source::PngCreationTime
        | Source::QuickTimeHeader
        | Source::Gps
        | Source::XmpCreateDate
        | Source::NameTime => 0.8,
        Source::NameEpoch | Source::NameDate => 0.6,
        Source::NameWhatsapp => 0.5,
        Source::ExifModified => 0.4,
        Source::XmpModifyDate | Source::PngTime | Source::Folder => 0.3,
        Source::File => 0.1,
    }
}

/// The date that is taken, of those that can be true.
pub(super) fn choose(possible: &[Stamp], options: &Options<'_>) -> Option<Taken> {
    let believed = |s: &&Stamp| (plausible::is_reset(s), s.source);
    let first = possible.iter().min_by_key(believed)?;
    let chosen = finer(first, possible).unwrap_or(first);
    let others: Vec<&Stamp> = possible.iter().filter(|s| *s != chosen).collect();
    let resolved = offset::resolve(chosen, &others, options);
    let mut taken = Taken {
        local: resolved.local,
        offset: resolved.offset,
        precision: chosen.precision,
        from: chosen.source,
        confidence: trust(chosen.source),
        why: String::new(),
        conflicts: Vec::new(),
    };
    taken.conflicts = conflict::find(&taken, &others);
    taken.confidence = confidence(&taken, chosen, &others, &resolved);
    taken.why = why(first, chosen, possible, &resolved);
    Some(taken)
}

/// A moment within the day (month, year) that is all the first source tells.
fn finer<'a>(first: &Stamp, possible: &'a [Stamp]) -> Option<&'a Stamp> {
    if first.precision >= Precision::Minute {
        return None;
    }
    let within = |s: &&Stamp| {
        s.precision > first.precision
            && !conflict::is_of_change(s.source)
            && conflict::same_period(first.time, s.time, first.precision)
    };
    possible.iter().filter(within).max_by_key(|s| (s.precision, std::cmp::Reverse(s.source)))
}

fn confidence(taken: &Taken, chosen: &Stamp, others: &[&Stamp], resolved: &Resolved) -> f64 {
    let mut value = trust(chosen.source);
    let agreeing = others.iter().filter(|s| conflict::confirms(taken, s)).count().min(3);
    for _ in 0..agreeing {
        value = 1.0 - (1.0 - value) * 0.7;
    }
    for conflict in taken.conflicts.iter().take(2) {
        value *= if conflict.stamp.source < Source::NameDate { 0.8 } else { 0.9 };
    }
    if plausible::is_reset(chosen) {
        value *= 0.3;
    }
    if taken.precision >= Precision::Minute {
        value *= match (resolved.offset, resolved.sure) {
            (Some(_), true) => 1.0,
            (Some(_), false) => 0.9,
            (None, _) => 0.95,
        };
    } else if taken.precision < Precision::Day {
        value *= 0.7;
    }
    (value * 100.0).round() / 100.0
}

fn why(first: &Stamp, chosen: &Stamp, possible: &[Stamp], resolved: &Resolved) -> String {
    let mut text = match possible.len() {
        1 => format!("{}, the only date", chosen.source),
        count => format!("{}, the most believed of {count} dates", chosen.source),
    };
    if first != chosen {
        text =
            format!("{}, a moment within the {} of {}", chosen.source, period(first), first.source);
    }
    if plausible::is_reset(chosen) {
        text.push_str("; it looks like a clock that was never set");
    }
    if chosen.precision >= Precision::Minute {
        text.push_str("; ");
        text.push_str(&resolved.why);
    }
    text
}

fn period(stamp: &Stamp) -> &'static str {
    match stamp.precision {
        Precision::Year => "year",
        Precision::Month => "month",
        _ => "day",
    }
}

/// `+02:00`
pub(super) fn shown(offset: Offset) -> String {
    let minutes = offset.seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}
