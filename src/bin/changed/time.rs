//! When things happened, in nanoseconds since 1970.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::Value;

use crate::value::text;

/// Nanoseconds since 1970, or between two times.
pub(crate) type Nanos = i64;

/// Nanoseconds of a second.
pub(crate) const SECOND: Nanos = 1_000_000_000;

/// How a time is written in records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A date with its time and zone: RFC 3339.
    Date,
    /// A number since 1970, of which a second has so many.
    Number(i64),
}

/// The time that a JSON text says: a number of seconds, milliseconds, microseconds or nanoseconds
/// since 1970, told apart by its size, or a date with time and zone (RFC 3339).
pub(crate) fn parse(raw: &str) -> Option<(Nanos, Form)> {
    let text = text(raw);
    let text = text.trim();
    match text.as_bytes().first()? {
        b'-' | b'0'..=b'9' => {
            if let Some(time) = parse_number(text) {
                return Some(time);
            }
            let time: Timestamp = text.parse().ok()?;
            Some((time.as_nanosecond().try_into().ok()?, Form::Date))
        }
        _ => None,
    }
}

fn parse_number(text: &str) -> Option<(Nanos, Form)> {
    let scale = |size: f64| match size.abs() {
        // Up to the year 5138 in seconds; from 1973 on in milliseconds; and so on.
        size if size < 1e11 => 1,
        size if size < 1e14 => 1_000,
        size if size < 1e17 => 1_000_000,
        _ => SECOND,
    };
    if let Ok(whole) = text.parse::<i64>() {
        #[expect(clippy::cast_precision_loss, reason = "only its size counts")]
        let per_second = scale(whole as f64);
        return Some((whole.checked_mul(SECOND / per_second)?, Form::Number(per_second)));
    }
    if let Some((whole, part)) = text.split_once('.') {
        // Decimals are exact: as a float, a time now has no better than 200 ns.
        let seconds: i64 = whole.parse().ok()?;
        let digits = part.bytes().all(|b| b.is_ascii_digit());
        let per_second = scale(whole.parse().ok()?);
        let padded: i64 = format!("{part:0<9}").get(..9).filter(|_| digits)?.parse().ok()?;
        let part = padded / per_second;
        let part = if whole.starts_with('-') { -part } else { part };
        let nanos = seconds.checked_mul(SECOND / per_second)?.checked_add(part)?;
        return Some((nanos, Form::Number(per_second)));
    }
    None
}

/// A time in the form that the records have.
pub(crate) fn write(time: Nanos, form: Form) -> Value {
    match form {
        Form::Date => {
            let time = Timestamp::from_nanosecond(time.into()).unwrap_or(Timestamp::UNIX_EPOCH);
            Value::from(time.to_string())
        }
        Form::Number(per_second) => {
            let unit = SECOND / per_second;
            if time % unit == 0 {
                return Value::from(time / unit);
            }
            let width = usize::try_from(unit.ilog10()).unwrap_or(0);
            let (whole, part) = ((time / unit).abs(), (time % unit).abs());
            let sign = if time < 0 { "-" } else { "" };
            let text = format!("{sign}{whole}.{part:0width$}");
            let number = text.trim_end_matches('0').parse::<serde_json::Number>();
            number.map_or(Value::Null, Value::Number)
        }
    }
}

/// The time now.
pub(crate) fn now() -> Nanos {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    nanos(since)
}

/// A duration in nanoseconds; the longest there is for what does not fit.
pub(crate) fn nanos(duration: Duration) -> Nanos {
    Nanos::try_from(duration.as_nanos()).unwrap_or(Nanos::MAX)
}

/// A time span with its unit, such as `250ms`, `90s`, `5m`, `1.5h`, `30d`, `4w`.
pub(crate) fn span(text: &str) -> Result<Nanos, String> {
    const UNITS: [(&str, f64); 6] =
        [("ms", 1e6), ("s", 1e9), ("m", 6e10), ("h", 3.6e12), ("d", 8.64e13), ("w", 6.048e14)];
    let parse = || {
        let (number, unit) =
            UNITS.iter().find_map(|(unit, nanos)| Some((text.strip_suffix(unit)?, nanos)))?;
        let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let nanos = number.parse::<f64>().ok().filter(|_| plain)? * unit;
        #[expect(clippy::cast_possible_truncation, reason = "checked")]
        (nanos < 9e18).then_some(nanos as Nanos)
    };
    parse().ok_or_else(|| format!("'{text}' is not a time such as 250ms, 90s, 5m, 12h, 30d or 4w"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_of_all_forms() {
        let second = 1_700_000_000 * SECOND;
        for (raw, nanos) in [
            ("1700000000", second),
            ("1700000000000", second),
            ("\"1700000000000000\"", second),
            ("1700000000000000001", second + 1),
            ("1700000000.5", second + SECOND / 2),
            ("\"2023-11-14T22:13:20Z\"", second),
            ("\"2023-11-14T23:13:20.000000001+01:00\"", second + 1),
            ("1700000000.000000001", second + 1),
            ("0", 0),
            ("-1", -SECOND),
        ] {
            assert_eq!(parse(raw).map(|(time, _)| time), Some(nanos), "{raw}");
        }
        for raw in [
            "null",
            "\"\"",
            "\"soon\"",
            "1e300",
            "1.x",
            "1.2.3",
            "{}",
            "\"2023-11-14\"",
            "\"nan\"",
            "-",
        ] {
            assert_eq!(parse(raw), None, "{raw}");
        }
    }

    #[test]
    fn a_time_is_written_as_it_came() {
        for raw in [
            "1700000000",
            "1700000000.25",
            "1700000000.123456789",
            "-0.5",
            "1700000000123",
            "1700000000123.5",
            "\"2023-11-14T22:13:20.5Z\"",
        ] {
            let (time, form) = parse(raw).unwrap();
            assert_eq!(write(time, form).to_string(), raw);
        }
    }

    #[test]
    fn spans_have_units() {
        assert_eq!(span("250ms"), Ok(SECOND / 4));
        assert_eq!(span("1.5h"), Ok(5400 * SECOND));
        assert_eq!(span("0s"), Ok(0));
        for bad in ["5", "s", "-1s", "1y", "infs", "1e9s", "", "999999999999999w"] {
            assert!(span(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_time_panics(raw in "\"?[-+.:0-9TZeE ]{0,30}\"?") {
            if let Some((time, form)) = parse(&raw) {
                write(time, form);
            }
        }
    }
}
