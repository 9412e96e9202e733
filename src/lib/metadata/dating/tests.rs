use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::*;
use crate::stamp::Clock;

const NOW: &str = "2026-11-21T12:00:00Z";

fn options() -> Options<'static> {
    Options::at(NOW.parse().expect("a moment"))
}

fn stamp(source: Source, time: &str, clock: Clock) -> Stamp {
    let time: DateTime = time.parse().expect("a time");
    Stamp { source, time, clock, precision: Precision::Second }
}

fn wall(source: Source, time: &str) -> Stamp {
    stamp(source, time, Clock::Wall)
}

fn utc(source: Source, time: &str) -> Stamp {
    stamp(source, time, Clock::Utc)
}

fn plus(source: Source, time: &str, hours: i8) -> Stamp {
    stamp(source, time, Clock::Offset(Offset::constant(hours)))
}

fn day(source: Source, time: &str) -> Stamp {
    Stamp { precision: Precision::Day, ..wall(source, &format!("{time}T00:00:00")) }
}

fn taken(stamps: &[Stamp], options: &Options<'_>) -> Taken {
    date(stamps, options).taken.expect("a date")
}

/// A zone an hour east of Greenwich all year.
fn one_hour() -> TimeZone {
    TimeZone::fixed(Offset::constant(1))
}

#[test]
fn the_most_believed_source_is_taken_wherever_it_stands() {
    let mut stamps: Vec<Stamp> =
        Source::ALL.iter().map(|&source| wall(source, "2019-07-21T12:30:05")).collect();
    stamps.reverse();
    for wanted in Source::ALL {
        let options = Options { file_time: true, ..options() };
        assert_eq!(taken(&stamps, &options).from, *wanted);
        stamps.pop();
    }
}

#[test]
fn an_offset_comes_from_where_it_is_surest() {
    let original = wall(Source::ExifOriginal, "2019-07-21T12:30:05");
    let zone = one_hour();
    let home = TimeZone::fixed(Offset::constant(9));
    let place = Options { zone: Some(&zone), home: Some(&home), ..options() };
    let xmp = plus(Source::XmpCreateDate, "2019-07-21T12:30:05", 3);
    let gps = utc(Source::Gps, "2019-07-21T10:30:01");
    let text = |stamps: &[Stamp], options: &Options<'_>| taken(stamps, options).to_rfc3339();
    assert_eq!(text(&[original, gps, xmp], &place), "2019-07-21T12:30:05+03:00");
    assert_eq!(text(&[original, gps], &place), "2019-07-21T12:30:05+02:00");
    assert_eq!(text(&[original], &place), "2019-07-21T12:30:05+01:00");
    let only_home = Options { home: Some(&home), ..options() };
    assert_eq!(text(&[original], &only_home), "2019-07-21T12:30:05+09:00");
    assert_eq!(text(&[original], &options()), "2019-07-21T12:30:05");
    // A fix that is ten minutes old tells nothing.
    let stale = utc(Source::Gps, "2019-07-21T10:20:01");
    assert_eq!(text(&[original, stale], &options()), "2019-07-21T12:30:05");
}

#[test]
fn a_movie_in_utc_is_put_on_the_clock_of_the_place() {
    let header = utc(Source::QuickTimeHeader, "2019-07-21T23:30:05");
    let zone = one_hour();
    let at_place = Options { zone: Some(&zone), ..options() };
    assert_eq!(taken(&[header], &at_place).to_rfc3339(), "2019-07-22T00:30:05+01:00");
    let name = wall(Source::NameTime, "2019-07-22T01:28:40");
    assert_eq!(taken(&[header, name], &options()).to_rfc3339(), "2019-07-22T01:30:05+02:00");
    // A camera that writes its wall clock where UTC is due.
    let same = wall(Source::NameTime, "2019-07-21T23:30:04");
    assert_eq!(taken(&[header, same], &options()).to_rfc3339(), "2019-07-21T23:30:05");
    let alone = taken(&[header], &options());
    assert_eq!(alone.to_rfc3339(), "2019-07-21T23:30:05+00:00");
    assert!(alone.confidence < 0.8 && alone.why.contains("UTC"), "{alone:?}");
}

#[test]
fn impossible_dates_are_refused_with_the_reason() {
    for (stamp, why) in [
        (wall(Source::ExifOriginal, "2099-01-02T12:00:00"), "future"),
        (wall(Source::ExifOriginal, "2026-11-23T12:00:01"), "future"),
        (utc(Source::QuickTimeHeader, "1904-01-01T00:00:00"), "QuickTime"),
        (wall(Source::ExifModified, "1970-01-01T01:00:00"), "Unix"),
        (wall(Source::ExifOriginal, "1980-01-01T00:00:00"), "FAT"),
        (utc(Source::Gps, "1980-01-06T00:00:13"), "satellite"),
        (wall(Source::ExifOriginal, "1601-01-01T00:00:00"), "photographs"),
    ] {
        let dating = date(&[stamp], &options());
        assert_eq!(dating.taken, None, "{stamp:?}");
        assert_eq!(dating.refused.len(), 1, "{stamp:?}");
        assert!(dating.refused[0].why.contains(why), "{:?}", dating.refused);
    }
    let folder = day(Source::Folder, "1970-01-01");
    assert_eq!(taken(&[folder], &options()).to_rfc3339(), "1970-01-01");
    let tomorrow = wall(Source::ExifOriginal, "2026-11-22T11:00:00");
    assert!(date(&[tomorrow], &options()).taken.is_some());
}

#[test]
fn a_clock_that_fell_back_counts_only_when_there_is_nothing_else() {
    let reset = wall(Source::ExifOriginal, "2005-01-01T00:00:00");
    let name = day(Source::NameWhatsapp, "2019-07-21");
    assert_eq!(taken(&[reset, name], &options()).from, Source::NameWhatsapp);
    let alone = taken(&[reset], &options());
    assert!(alone.confidence < 0.35 && alone.why.contains("never set"), "{alone:?}");
}

#[test]
fn a_day_gives_way_to_a_moment_within_it() {
    let iptc = day(Source::XmpOriginal, "2019-07-21");
    let moment = wall(Source::NameTime, "2019-07-21T12:30:05");
    let found = taken(&[iptc, moment], &options());
    assert_eq!((found.from, found.local), (Source::NameTime, moment.time));
    let other = wall(Source::NameTime, "2019-07-23T12:30:05");
    let found = taken(&[iptc, other], &options());
    assert_eq!((found.from, found.to_rfc3339()), (Source::XmpOriginal, "2019-07-21".into()));
    assert_eq!(found.conflicts.len(), 1);
    // The last change says nothing about when it was taken.
    let changed = wall(Source::ExifModified, "2019-07-21T18:00:00");
    assert_eq!(taken(&[iptc, changed], &options()).from, Source::XmpOriginal);
}

#[test]
fn conflicts_are_listed_and_told_apart_from_what_is_expected() {
    let original = wall(Source::ExifOriginal, "2019-07-21T12:30:05");
    for expected in [
        wall(Source::ExifModified, "2020-01-02T12:30:05"),
        day(Source::NameWhatsapp, "2019-08-01"),
        wall(Source::NameTime, "2019-07-21T12:30:06"),
        utc(Source::Takeout, "2019-07-21T10:30:05"),
        day(Source::Folder, "2019-07-21"),
    ] {
        let found = taken(&[original, expected], &options());
        assert_eq!(found.conflicts, [], "{expected:?}");
    }
    for (other, why) in [
        (wall(Source::NameTime, "2019-07-21T13:30:05"), "1 hour later"),
        (wall(Source::XmpOriginal, "2018-07-21T12:30:05"), "1 year earlier"),
        (wall(Source::ExifModified, "2019-07-01T12:30:05"), "20 days earlier"),
        (day(Source::NameWhatsapp, "2019-07-01"), "20 days earlier"),
        (utc(Source::Takeout, "2019-07-28T10:30:05"), "6 days later"),
    ] {
        let found = taken(&[original, other], &options());
        assert_eq!(found.conflicts.len(), 1, "{other:?}");
        assert!(found.conflicts[0].why.starts_with(why), "{:?}", found.conflicts);
        assert!(found.confidence < 0.95);
    }
}

#[test]
fn a_moment_in_another_zone_is_no_conflict() {
    let original = plus(Source::ExifOriginal, "2019-12-31T23:30:05", -5);
    let creation = plus(Source::QuickTimeCreationDate, "2020-01-01T05:30:05", 1);
    let found = taken(&[original, creation], &options());
    assert_eq!(found.to_rfc3339(), "2019-12-31T23:30:05-05:00");
    assert_eq!(found.conflicts, []);
    assert!(found.confidence > 0.95, "{}", found.confidence);
}

#[test]
fn the_files_own_time_counts_only_when_asked_for() {
    let file = utc(Source::File, "2019-07-21T12:30:05");
    assert_eq!(date(&[file], &options()).taken, None);
    let found = taken(&[file], &Options { file_time: true, ..options() });
    assert_eq!((found.from, found.confidence < 0.2), (Source::File, true));
}

#[test]
fn a_date_is_written_as_far_as_it_is_known() {
    let mut found = taken(&[plus(Source::ExifOriginal, "2019-07-21T12:30:05", -3)], &options());
    assert_eq!(found.to_rfc3339(), "2019-07-21T12:30:05-03:00");
    assert_eq!(found.instant().expect("a moment").to_string(), "2019-07-21T15:30:05Z");
    found.offset = Some(Offset::from_seconds(20_700).expect("an offset"));
    assert_eq!(found.to_rfc3339(), "2019-07-21T12:30:05+05:45");
    found.precision = Precision::Month;
    assert_eq!(found.to_rfc3339(), "2019-07");
    found.precision = Precision::Year;
    assert_eq!(found.to_rfc3339(), "2019");
}
