//! When to try again.

use std::time::{Duration, SystemTime};

use super::ProviderError;

/// How often and how patiently a request is tried again.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// Attempts in all, at least one.
    pub attempts: u32,
    /// Wait before the second attempt; doubles each time.
    pub first_wait: Duration,
    /// Longest wait. A server that asks for more by `Retry-After` is not asked again.
    pub longest_wait: Duration,
}

impl Default for RetryPolicy {
    /// Five attempts, half a second, one minute.
    fn default() -> Self {
        Self {
            attempts: 5,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(60),
        }
    }
}

/// What to do after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Wait so long, then try again.
    After(Duration),
    /// Give the error to the caller.
    No,
}

impl RetryPolicy {
    /// After `made` attempts, the last of which failed with `error`. `jitter` is any random
    /// number: of the computed wait, between half and the whole is used, so that many clients
    /// do not come back at the same moment. What `Retry-After` asks for is never shortened.
    #[must_use]
    pub fn next(&self, made: u32, error: &ProviderError, jitter: u64) -> Retry {
        if made >= self.attempts || !error.retry() {
            return Retry::No;
        }
        let doubled = self.first_wait.saturating_mul(1 << made.saturating_sub(1).min(20));
        let wait = doubled.min(self.longest_wait);
        let half = wait / 2;
        let spread = u64::try_from(half.as_millis()).unwrap_or(u64::MAX);
        let wait = half + Duration::from_millis(jitter % spread.saturating_add(1));
        match error {
            ProviderError::Status { retry_after: Some(asked), .. } => {
                if *asked > self.longest_wait { Retry::No } else { Retry::After(wait.max(*asked)) }
            }
            _ => Retry::After(wait),
        }
    }
}

/// Reads `Retry-After` (RFC 9110, 10.2.3): seconds, or an HTTP date seen from `now`.
pub(super) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(SystemTime::from(date).duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(
            retry_after("99999999999999999999999", now),
            Some(Duration::from_secs(u64::MAX))
        );
        let date = |s| retry_after(s, now);
        assert_eq!(date("Sun, 06 Nov 1994 08:49:57 GMT"), Some(Duration::from_secs(20)));
        assert_eq!(date("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        for bad in ["", "soon", "-1", "1.5"] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_the_server_asks_for_is_kept_or_refused() {
        let policy = RetryPolicy { longest_wait: Duration::from_secs(5), ..RetryPolicy::default() };
        let asked = |seconds| ProviderError::Status {
            status: 429,
            message: String::new(),
            retry_after: Some(Duration::from_secs(seconds)),
        };
        assert_eq!(policy.next(1, &asked(4), 0), Retry::After(Duration::from_secs(4)));
        assert_eq!(policy.next(1, &asked(6), 0), Retry::No);
        assert_eq!(policy.next(5, &asked(1), 0), Retry::No);
        assert_eq!(policy.next(1, &ProviderError::Redirect(302), 0), Retry::No);
    }

    proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

        #[test]
        fn waits_grow_and_stay_bounded(made in 1u32..100, jitter: u64) {
            let policy = RetryPolicy { attempts: u32::MAX, ..RetryPolicy::default() };
            let Retry::After(wait) = policy.next(made, &ProviderError::Connect(String::new()), jitter)
            else { panic!() };
            prop_assert!(wait <= policy.longest_wait);
            prop_assert!(wait >= policy.first_wait / 2);
        }

        #[test]
        fn no_header_breaks_it(value in ".*") {
            let _ = retry_after(&value, SystemTime::UNIX_EPOCH);
        }
    }
}
