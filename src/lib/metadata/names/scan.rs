//! Finds a date, perhaps with a time behind it, anywhere in a name.

use jiff::civil::{Date, DateTime, Time};

use crate::datetime::{civil_date, civil_time, nanoseconds};
use crate::stamp::Precision;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// A date in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) time: DateTime,
    pub(super) precision: Precision,
}

/// A run of digits, and where it ends.
fn digits(text: &str, at: usize) -> &str {
    let rest = text.get(at..).unwrap_or_default();
    let count = rest.bytes().take_while(u8::is_ascii_digit).count();
    &rest[..count]
}

fn value(digits: &str) -> u32 {
    digits.parse().unwrap_or(u32::MAX)
}

/// The first date in a name (in lower case) that there is.
pub(super) fn find(name: &str) -> Option<Found> {
    let mut at = 0;
    while let Some(start) = name.get(at..)?.find(|c: char| c.is_ascii_digit()) {
        let start = at + start;
        let run = digits(name, start);
        let scanned = name.contains("scan");
        let found = match run.len() {
            8 => compact(run).map(|day| with_time(name, day, start + 8, scanned)),
            12 | 14.. => packed(run),
            4 => separated(name, start),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        at = start + run.len();
    }
    None
}

/// `20190721`: years in which there were digital cameras, or the number is something else.
fn compact(run: &str) -> Option<Date> {
    let year = value(&run[..4]);
    let day = civil_date(year, value(&run[4..6]), value(&run[6..8])).ok()?;
    (1990..2100).contains(&year).then_some(day)
}

/// `20190721123005`, with digits of a second behind it.
fn packed(run: &str) -> Option<Found> {
    let day = compact(run.get(..8)?)?;
    if run.len() > 17 {
        return None;
    }
    clock_time(day, &run[8..], run.len() == 12)
}

/// `123005`, `123005123` or `12300512`: hour, minute, second and parts of one.
fn clock_time(day: Date, run: &str, minutes: bool) -> Option<Found> {
    let part = |at: usize| run.get(at..at + 2).map(value);
    if minutes && run.len() == 4 {
        let time = civil_time(day, part(0)?, part(2)?, 0, 0).ok()?;
        return Some(Found { time, precision: Precision::Minute });
    }
    let fraction = match run.len() {
        6 => None,
        7..=9 => Some(nanoseconds(&run[6..])?),
        _ => return None,
    };
    let time = civil_time(day, part(0)?, part(2)?, part(4)?, fraction.unwrap_or(0)).ok()?;
    let precision = if fraction.is_some() { Precision::Fraction } else { Precision::Second };
    Some(Found { time, precision })
}

/// `2019-07-21`, and the time behind it.
fn separated(name: &str, start: usize) -> Option<Found> {
    let separator = name[start + 4..].chars().next().filter(|c| "-_. ".contains(*c))?;
    let month = digits(name, start + 5);
    let after = start + 5 + month.len();
    if month.len() != 2 || !name[after..].starts_with(separator) {
        return None;
    }
    let day = digits(name, after + 1);
    if day.len() != 2 {
        return None;
    }
    let year = value(&name[start..start + 4]);
    let date = civil_date(year, value(month), value(day)).ok()?;
    (1826..2100).contains(&year).then(|| with_time(name, date, after + 3, true))
}

/// The day, with the time where one follows.
fn with_time(name: &str, day: Date, end: usize, minutes: bool) -> Found {
    let rest = &name[end..];
    let gap = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
    let between = &rest[..gap];
    // ` at `, ` um `, ` à `, `_`, `-`, `t`: a word that stands alone, or punctuation.
    let words = between.split([' ', '_', '-', ',', '.', '\u{a0}', '\u{202f}']);
    let short = between.chars().count() <= 6 && words.clone().all(|w| w.chars().count() <= 3);
    let spaced =
        between == "t" || words.filter(|w| !w.is_empty()).count() == 0 || between.contains(' ');
    let time =
        if short && spaced && gap > 0 { time_at(name, day, end + gap, minutes) } else { None };
    time.unwrap_or(Found { time: day.to_datetime(Time::midnight()), precision: Precision::Day })
}

fn time_at(name: &str, day: Date, at: usize, minutes: bool) -> Option<Found> {
    let hour = digits(name, at);
    if hour.len() > 2 {
        return clock_time(day, hour, name.contains("scan"));
    }
    let separator = name[at + hour.len()..].chars().next().filter(|c| "-._:h ".contains(*c))?;
    let minute = digits(name, at + hour.len() + 1);
    let mut end = at + hour.len() + 1 + minute.len();
    if minute.len() != 2 {
        return None;
    }
    let mut second = None;
    let next = name[end..].strip_prefix(separator).map(|_| digits(name, end + 1));
    if let Some(run) = next.filter(|run| run.len() == 2) {
        second = Some(value(run));
        end += 3;
    }
    // More digits behind a dot or dash are parts of a second.
    let mut fraction = None;
    if second.is_some() && name[end..].starts_with(['-', '_', '.']) {
        let run = digits(name, end + 1);
        if run.len() == 3 {
            fraction = nanoseconds(run);
            end += 4;
        }
    }
    if second.is_none() && !(minutes && ".:h".contains(separator)) {
        return None;
    }
    let hour = half_day(value(hour), &name[end..]);
    let time =
        civil_time(day, hour, value(minute), second.unwrap_or(0), fraction.unwrap_or(0)).ok()?;
    let precision = match (second, fraction) {
        (None, _) => Precision::Minute,
        (_, None) => Precision::Second,
        _ => Precision::Fraction,
    };
    Some(Found { time, precision })
}

/// `am` and `pm` behind a time.
fn half_day(hour: u32, rest: &str) -> u32 {
    let rest = rest.trim_start_matches([' ', '_', '\u{a0}', '\u{202f}']);
    match hour {
        12 if rest.starts_with("am") => 0,
        1..12 if rest.starts_with("pm") => hour + 12,
        _ => hour,
    }
}

/// `21-Jul-2019` and `Jul 21, 2019`, in lower case.
pub(super) fn find_worded(name: &str) -> Option<Found> {
    let words: Vec<&str> =
        name.split([' ', '-', '_', ',', '.']).filter(|w| !w.is_empty()).collect();
    for three in words.windows(3) {
        let [a, b, c] = three else { continue };
        let (month, day) = match (month(a), month(b)) {
            (Some(month), _) => (month, b),
            (_, Some(month)) => (month, a),
            _ => continue,
        };
        let plain = |w: &str, size: usize| w.len() <= size && w.bytes().all(|b| b.is_ascii_digit());
        if plain(day, 2)
            && plain(c, 4)
            && c.len() == 4
            && let Ok(date) = civil_date(value(c), month, value(day))
            && (1826..2100).contains(&value(c))
        {
            let time = date.to_datetime(Time::midnight());
            return Some(Found { time, precision: Precision::Day });
        }
    }
    None
}

/// The number of a month's English name, whole or its first three letters.
pub(super) fn month(word: &str) -> Option<u32> {
    const REST: [&str; 12] =
        ["uary", "ruary", "ch", "il", "", "e", "y", "ust", "tember", "ober", "ember", "ember"];
    let index = MONTHS.iter().position(|m| word.starts_with(m))?;
    let rest = &word[3..];
    (rest.is_empty() || rest == REST[index]).then_some(index as u32 + 1)
}
