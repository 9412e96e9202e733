//! Dates as programs write them: EXIF's `2019:07:21 12:30:05`, XMP's and QuickTime's ISO 8601.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

use crate::stamp::{Clock, Precision};

/// A date that was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) time: DateTime,
    pub(crate) clock: Clock,
    pub(crate) precision: Precision,
}

/// Why a date is none.
pub(crate) const BLANK: &str = "nothing is written there";
pub(crate) const ZERO: &str = "all zeros: the clock was not set";
pub(crate) const NO_DATE: &str = "not a date";
pub(crate) const NO_SUCH_DAY: &str = "there is no such day";
pub(crate) const NO_SUCH_TIME: &str = "there is no such time of day";

/// The digits at the start of a text, as a number, with how many there are and what follows.
fn number(text: &str) -> Option<(u32, usize, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let value = text.get(..digits)?.parse().ok()?;
    Some((value, digits, &text[digits..]))
}

fn after<'a>(text: &'a str, separators: &[char]) -> Option<(u32, usize, &'a str)> {
    number(text.strip_prefix(separators)?.trim_start())
}

/// Reads a date in EXIF's or ISO 8601's form, whole or cut short, with fraction and offset where
/// they are there.
pub(crate) fn parse(text: &str) -> Result<Written, &'static str> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    if text.chars().all(|c| matches!(c, ' ' | ':' | '-' | '/' | '.')) {
        return Err(BLANK);
    }
    if !text.contains(|c: char| matches!(c, '1'..='9')) && text.contains('0') {
        return Err(ZERO);
    }
    let (year, digits, rest) = number(text).ok_or(NO_DATE)?;
    if digits == 8 {
        // ISO 8601's basic form.
        let (date, time) = (year, rest.trim_start_matches(['T', ' ']));
        let date = civil_date(date / 10_000, date / 100 % 100, date % 100)?;
        return with_time(date, time);
    }
    if digits != 4 {
        return Err(NO_DATE);
    }
    let separators = [':', '-', '/', '.'];
    let Some((month, _, rest)) = after(rest, &separators) else {
        return shortened(civil_date(year, 1, 1)?, Precision::Year);
    };
    let Some((day, _, rest)) = after(rest, &separators) else {
        return shortened(civil_date(year, month, 1)?, Precision::Month);
    };
    with_time(civil_date(year, month, day)?, rest.trim_start_matches(['T', 't', ' ', ':']))
}

fn shortened(date: Date, precision: Precision) -> Result<Written, &'static str> {
    Ok(Written { time: date.to_datetime(Time::midnight()), clock: Clock::Wall, precision })
}

/// A day of the calendar.
pub(crate) fn civil_date(year: u32, month: u32, day: u32) -> Result<Date, &'static str> {
    if year == 0 {
        return Err("the year 0");
    }
    let (Ok(year), Ok(month), Ok(day)) = (year.try_into(), month.try_into(), day.try_into()) else {
        return Err(NO_SUCH_DAY);
    };
    Date::new(year, month, day).map_err(|_| NO_SUCH_DAY)
}

fn with_time(date: Date, text: &str) -> Result<Written, &'static str> {
    let Some((hour, digits, rest)) = number(text) else {
        return shortened(date, Precision::Day);
    };
    let (hour, minute, second, rest) = match digits {
        // ISO 8601's basic form.
        6 => (hour / 10_000, hour / 100 % 100, Some(hour % 100), rest),
        4 => (hour / 100, hour % 100, None, rest),
        _ => {
            let Some((minute, _, rest)) = after(rest, &[':', '.', '-']) else {
                return Err(NO_SUCH_TIME);
            };
            match after(rest, &[':']) {
                Some((second, _, rest)) => (hour, minute, Some(second), rest),
                None => (hour, minute, None, rest),
            }
        }
    };
    let (fraction, rest) = fraction_of(rest);
    let (hour, rest) = twelve_hours(hour, rest.trim());
    let time = civil_time(date, hour, minute, second.unwrap_or(0), fraction.unwrap_or(0))?;
    let precision = match (second, fraction) {
        (None, _) => Precision::Minute,
        (Some(_), None) => Precision::Second,
        (Some(_), Some(_)) => Precision::Fraction,
    };
    Ok(Written { time, clock: offset(rest).map_or(Clock::Wall, Clock::Offset), precision })
}

/// `AM` and `PM`, where a program wrote them into a field that has none.
fn twelve_hours(hour: u32, rest: &str) -> (u32, &str) {
    let mark = rest.get(..2).map(str::to_ascii_uppercase);
    match (mark.as_deref(), hour) {
        (Some("AM"), 12) => (0, &rest[2..]),
        (Some("AM"), _) => (hour, &rest[2..]),
        (Some("PM"), 1..12) => (hour + 12, &rest[2..]),
        (Some("PM"), _) => (hour, &rest[2..]),
        _ => (hour, rest),
    }
}

/// A moment of a day. Second 60 is taken for 59, and 24:00 for the next day's midnight.
pub(crate) fn civil_time(
    date: Date,
    hour: u32,
    minute: u32,
    second: u32,
    nanosecond: i32,
) -> Result<DateTime, &'static str> {
    if hour == 24 && minute == 0 && second == 0 {
        let next = date.tomorrow().map_err(|_| NO_SUCH_DAY)?;
        return Ok(next.to_datetime(Time::midnight()));
    }
    let second = if second == 60 { 59 } else { second };
    let (Ok(hour), Ok(minute), Ok(second)) =
        (hour.try_into(), minute.try_into(), second.try_into())
    else {
        return Err(NO_SUCH_TIME);
    };
    let time = Time::new(hour, minute, second, nanosecond).map_err(|_| NO_SUCH_TIME)?;
    Ok(date.to_datetime(time))
}

/// `.25` or `,25` at the start of a text, in nanoseconds.
fn fraction_of(text: &str) -> (Option<i32>, &str) {
    let Some(rest) = text.strip_prefix(['.', ',']) else { return (None, text) };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    (nanoseconds(&rest[..digits]), &rest[digits..])
}

/// Digits behind a decimal point, as EXIF's `SubSecTime` has them, in nanoseconds.
pub(crate) fn nanoseconds(digits: &str) -> Option<i32> {
    let digits = digits.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value = digits.bytes().chain(std::iter::repeat(b'0')).take(9);
    Some(value.fold(0, |sum, digit| sum * 10 + i32::from(digit - b'0')))
}

/// An offset from UTC: `Z`, `+02:00`, `-0530`, `+2`. None west of -12:59 or east of +14:59.
pub(crate) fn offset(text: &str) -> Option<Offset> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    if text.starts_with(['Z', 'z']) {
        return Some(Offset::UTC);
    }
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' | '\u{2212}' => -1,
        _ => return None,
    };
    let text = text.trim_start_matches(['+', '-', '\u{2212}']);
    let (value, digits, rest) = number(text)?;
    let (hours, minutes) = match digits {
        1 | 2 => (value, after(rest, &[':']).map_or(0, |(minutes, ..)| minutes)),
        3 | 4 => (value / 100, value % 100),
        _ => return None,
    };
    let limit = if sign > 0 { 14 } else { 12 };
    if hours > limit || minutes > 59 {
        return None;
    }
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    Offset::from_seconds(sign * seconds).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::datetime;

    use super::*;

    fn good(text: &str) -> Written {
        parse(text).unwrap_or_else(|why| panic!("{text:?}: {why}"))
    }

    #[test]
    fn dates_of_exif_and_of_iso_8601_are_read_whole_or_cut_short() {
        let moment = datetime(2019, 7, 21, 12, 30, 5, 0);
        for text in [
            "2019:07:21 12:30:05",
            "2019-07-21T12:30:05",
            "20190721T123005",
            "2019/07/21 12:30:05\0",
        ] {
            let wanted = Written { time: moment, clock: Clock::Wall, precision: Precision::Second };
            assert_eq!(good(text), wanted, "{text:?}");
        }
        assert_eq!(good("2019-07").precision, Precision::Month);
        assert_eq!(good("2019").precision, Precision::Year);
        assert_eq!(good("2019:07:21").precision, Precision::Day);
        assert_eq!(good("2019-07-21T12:30").precision, Precision::Minute);
        assert_eq!(good("2019:07:21 01:30:05 PM").time.hour(), 13);
        assert_eq!(good("2019:12:31 24:00:00").time, datetime(2020, 1, 1, 0, 0, 0, 0));
        assert_eq!(good("2016:12:31 23:59:60").time.second(), 59);
    }

    #[test]
    fn fractions_and_offsets_are_kept() {
        let written = good("2018-10-27T13:27:23.53-05:30");
        assert_eq!(written.time.subsec_nanosecond(), 530_000_000);
        assert_eq!(written.clock, Clock::Offset(Offset::from_seconds(-19_800).unwrap()));
        assert_eq!(written.precision, Precision::Fraction);
        assert_eq!(good("2018-10-27T13:27:23Z").clock, Clock::Offset(Offset::UTC));
        assert_eq!(good("2018-10-27T13:27:23+0200").clock, Clock::Offset(Offset::constant(2)));
        assert_eq!(offset("+25:00"), None);
        assert_eq!(offset("-13:00"), None);
        assert_eq!(nanoseconds("05 "), Some(50_000_000));
        assert_eq!(nanoseconds("1234567891"), Some(123_456_789));
        assert_eq!(nanoseconds("x"), None);
    }

    #[test]
    fn what_is_no_date_is_refused_with_the_reason() {
        for (text, why) in [
            ("    :  :     :  :  ", BLANK),
            ("", BLANK),
            ("0000:00:00 00:00:00", ZERO),
            ("2019:13:01 00:00:00", NO_SUCH_DAY),
            ("2019:02:29 00:00:00", NO_SUCH_DAY),
            ("2019:07:21 25:00:00", NO_SUCH_TIME),
            ("yesterday", NO_DATE),
            ("0000:01:01 00:00:00", "the year 0"),
            ("99999999999", NO_DATE),
        ] {
            assert_eq!(parse(text), Err(why), "{text:?}");
        }
    }
}
