//! Dates in folder names.

use std::path::{Component, Path};

use jiff::civil::Time;

use super::scan;
use crate::datetime::civil_date;
use crate::source::Source;
use crate::stamp::{Clock, Precision, Stamp};

/// What the folders down to here tell.
#[derive(Clone, Copy, Default)]
struct Told {
    year: Option<u32>,
    month: Option<u32>,
    day: Option<u32>,
}

/// The date in the names of a path's folders: `2019-07-21 Rome`, `2019/07/21`, `2019/07 July`,
/// `Photos from 2019`. The folder nearest to the file decides.
#[must_use]
pub fn folder_stamps(path: &Path) -> Vec<Stamp> {
    let Some(parent) = path.parent() else { return Vec::new() };
    let mut told = Told::default();
    for component in parent.components() {
        let Component::Normal(name) = component else { continue };
        told = read(&name.to_string_lossy().to_lowercase(), told);
    }
    stamp(told).into_iter().collect()
}

fn stamp(told: Told) -> Option<Stamp> {
    let precision = match (told.month, told.day) {
        (_, Some(_)) => Precision::Day,
        (Some(_), None) => Precision::Month,
        (None, None) => Precision::Year,
    };
    let date = civil_date(told.year?, told.month.unwrap_or(1), told.day.unwrap_or(1)).ok()?;
    let time = date.to_datetime(Time::midnight());
    Some(Stamp { source: Source::Folder, time, clock: Clock::Wall, precision })
}

/// What a folder adds to those above it.
fn read(name: &str, above: Told) -> Told {
    if let Some(found) = scan::find(name).or_else(|| scan::find_worded(name)) {
        let date = found.time.date();
        return Told {
            year: u32::try_from(date.year()).ok(),
            month: u32::try_from(date.month()).ok(),
            day: u32::try_from(date.day()).ok(),
        };
    }
    let mut words = name.split([' ', '-', '_', '.', ',']).filter(|w| !w.is_empty());
    let first = words.next().unwrap_or_default();
    if let Some(year) = year(first) {
        let month = words.next().and_then(month);
        return Told { year: Some(year), month, day: None };
    }
    // `201907`
    if let Some((four, two)) = first.split_at_checked(4)
        && let (Some(year), Some(month @ 1..=12)) = (year(four), two_digits(two))
    {
        return Told { year: Some(year), month: Some(month), day: None };
    }
    if above.year.is_some() && above.day.is_none() {
        let number = scan::month(first).or_else(|| two_digits(first));
        match (above.month, number) {
            (None, Some(month @ 1..=12)) => {
                let day = words.next().and_then(two_digits).filter(|d| (1..=31).contains(d));
                return Told { month: Some(month), day, ..above };
            }
            (Some(_), Some(day @ 1..=31)) => return Told { day: Some(day), ..above },
            _ => {}
        }
    }
    // `Photos from 2019`
    match name.rsplit(' ').next().and_then(year) {
        Some(year) => Told { year: Some(year), month: None, day: None },
        None => above,
    }
}

fn year(word: &str) -> Option<u32> {
    let digits = word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit());
    word.parse().ok().filter(|y| digits && (1826..2100).contains(y))
}

fn month(word: &str) -> Option<u32> {
    scan::month(word).or_else(|| two_digits(word)).filter(|m| (1..=12).contains(m))
}

fn two_digits(word: &str) -> Option<u32> {
    let sound = word.len() == 2 && word.bytes().all(|b| b.is_ascii_digit());
    if sound { word.parse().ok() } else { None }
}
