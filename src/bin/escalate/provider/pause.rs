//! How long a server wants not to be asked: `Retry-After`, and the headers of rate limits.

use std::time::{Duration, SystemTime};

use ureq::http::HeaderMap;

use super::retry::retry_after;

/// What limits are counted in.
const KINDS: [&str; 4] = ["requests", "tokens", "input-tokens", "output-tokens"];

/// What a response asks for: `retry-after-ms` and `Retry-After` as they are; else, where a limit
/// has nothing left, the time until it is filled again (`x-ratelimit-…` as OpenAI documents them,
/// with times such as `6m0s`; `anthropic-ratelimit-…` with dates).
pub(super) fn asked_for(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(wait) = text("retry-after-ms").and_then(milliseconds) {
        return Some(wait);
    }
    if let Some(wait) = text("retry-after").and_then(|value| retry_after(value, now)) {
        return Some(wait);
    }
    let resets = KINDS.iter().filter_map(|kind| {
        let used_up = |name: String| text(&name).is_some_and(|left| left.trim() == "0");
        if used_up(format!("x-ratelimit-remaining-{kind}")) {
            return text(&format!("x-ratelimit-reset-{kind}")).and_then(period);
        }
        if used_up(format!("anthropic-ratelimit-{kind}-remaining")) {
            let date = text(&format!("anthropic-ratelimit-{kind}-reset"))?;
            let until = SystemTime::from(date.trim().parse::<jiff::Timestamp>().ok()?);
            return Some(until.duration_since(now).unwrap_or_default());
        }
        None
    });
    resets.max()
}

fn milliseconds(text: &str) -> Option<Duration> {
    let seconds = text.trim().parse::<f64>().ok()? / 1000.0;
    Duration::try_from_secs_f64(seconds).ok()
}

/// A period such as `1s`, `6m0s`, `20ms`, `1h2m3.5s`, or a number of seconds.
fn period(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let number: f64 = number.parse().ok()?;
        let (scale, unit) = match after {
            "" => (1.0, 0),
            after if after.starts_with("ms") => (0.001, 2),
            after if after.starts_with('s') => (1.0, 1),
            after if after.starts_with('m') => (60.0, 1),
            after if after.starts_with('h') => (3600.0, 1),
            after if after.starts_with('d') => (86_400.0, 1),
            _ => return None,
        };
        sum = sum.checked_add(Duration::try_from_secs_f64(number * scale).ok()?)?;
        rest = &after[unit..];
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect()
    }

    #[test]
    fn every_published_form_is_read() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let ms = |lines: &[_]| asked_for(&headers(lines), now).map(|d| d.as_millis());
        assert_eq!(ms(&[("retry-after-ms", "250"), ("retry-after", "9")]), Some(250));
        assert_eq!(ms(&[("retry-after", "9")]), Some(9000));
        let openai = |left, reset| {
            ms(&[("x-ratelimit-remaining-requests", left), ("x-ratelimit-reset-requests", reset)])
        };
        assert_eq!(openai("0", "6m0s"), Some(360_000));
        assert_eq!(openai("0", "1h2m3.5s"), Some(3_723_500));
        assert_eq!(openai("0", "20ms"), Some(20));
        assert_eq!(openai("0", "2"), Some(2000));
        assert_eq!(openai("0", "soon"), None);
        assert_eq!(openai("59", "6m0s"), None);
        let anthropic = [
            ("anthropic-ratelimit-tokens-remaining", "0"),
            ("anthropic-ratelimit-tokens-reset", "2023-11-14T22:13:50Z"),
        ];
        assert_eq!(ms(&anthropic), Some(30_000));
        assert_eq!(ms(&[]), None);
    }

    proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

        #[test]
        fn no_period_breaks_it(text in ".*") {
            let _ = period(&text);
            let _ = milliseconds(&text);
        }
    }
}
