//! Who may use the server, and how much.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde::Deserialize;

use crate::refusal::Refusal;
use crate::state::unix_seconds;
use crate::{ApiKey, ServeError};

/// Seconds of a day (UTC has no others).
const DAY: u64 = 86_400;

/// Somebody with a key, and what they may use. No limit where none is given.
#[derive(Debug)]
pub struct Member {
    pub(crate) name: String,
    key: Option<ApiKey>,
    limits: Quota,
    used: Mutex<Used>,
    running: Arc<AtomicUsize>,
    /// Tokens in and out since the start.
    tokens: [AtomicU64; 2],
}

/// What a member may use.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct Quota {
    /// Requests in any minute, about.
    pub(crate) requests_per_minute: Option<u32>,
    /// Requests in a day (UTC).
    pub(crate) requests_per_day: Option<u64>,
    /// Tokens of prompts and answers in a day (UTC). The request that exceeds it is still answered.
    pub(crate) tokens_per_day: Option<u64>,
    /// Requests at a time.
    pub(crate) parallel: Option<usize>,
}

#[derive(Deserialize)]
struct Entry {
    key_sha256: String,
    #[serde(flatten)]
    limits: Quota,
}

#[derive(Debug)]
struct Used {
    /// Requests that may still come now; refilled over time.
    requests: f64,
    refilled: Instant,
    day: u64,
    tokens: u64,
    today: u64,
}

/// One request of a member's; over when it is dropped.
#[derive(Debug)]
pub(crate) struct Right(Arc<AtomicUsize>);

impl Drop for Right {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Member {
    /// Reads a list of members: a TOML table for each, with `key_sha256` and what it may use.
    ///
    /// # Errors
    /// [`ServeError::Members`] for what is no such list, [`ServeError::BadKey`] for what is no
    /// SHA-256 in hexadecimal digits.
    pub fn list(text: &str) -> Result<Vec<Self>, ServeError> {
        let known =
            ["key_sha256", "requests_per_minute", "requests_per_day", "tokens_per_day", "parallel"];
        let tables: BTreeMap<String, toml::Table> =
            toml::from_str(text).map_err(|e| ServeError::Members(e.message().to_owned()))?;
        let read = |(name, table): (String, toml::Table)| {
            if let Some(other) = table.keys().find(|key| !known.contains(&key.as_str())) {
                return Err(ServeError::Members(format!("{name}: no such setting: {other}")));
            }
            let entry: Entry = table.try_into().map_err(|e: toml::de::Error| {
                ServeError::Members(format!("{name}: {}", e.message()))
            })?;
            let key = ApiKey::from_sha256(&entry.key_sha256)?;
            Ok(Self::new(name, Some(key), entry.limits))
        };
        tables.into_iter().map(read).collect()
    }

    /// Somebody without limits: whoever has one of the keys of the server, or anybody.
    pub(crate) fn unlimited(name: &str) -> Self {
        Self::new(name.to_owned(), None, Quota::default())
    }

    /// Somebody without a key here: another server, and what it gave us.
    pub(crate) fn with_quota(name: &str, limits: Quota) -> Self {
        Self::new(name.to_owned(), None, limits)
    }

    fn new(name: String, key: Option<ApiKey>, limits: Quota) -> Self {
        let used = Used {
            requests: f64::from(limits.requests_per_minute.unwrap_or(0)),
            refilled: Instant::now(),
            day: unix_seconds() / DAY,
            tokens: 0,
            today: 0,
        };
        Self {
            name,
            key,
            limits,
            used: Mutex::new(used),
            running: Arc::default(),
            tokens: Default::default(),
        }
    }

    /// Requests at a time, where that is limited.
    pub(crate) fn parallel(&self) -> Option<usize> {
        self.limits.parallel
    }

    pub(crate) fn has_key(&self, candidate: &[u8]) -> bool {
        self.key.as_ref().is_some_and(|key| key.matches(candidate))
    }

    /// Begins a request.
    ///
    /// # Errors
    /// 429, with the time after which it is worth asking again.
    pub(crate) fn enter(&self) -> Result<Right, Refusal> {
        let right = Right(Arc::clone(&self.running));
        let running = self.running.fetch_add(1, Ordering::AcqRel) + 1;
        if self.limits.parallel.is_some_and(|most| running > most) {
            return Err(Refusal::too_many("requests at a time", 1));
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let now = unix_seconds();
        if used.day != now / DAY {
            (used.day, used.tokens, used.today) = (now / DAY, 0, 0);
        }
        if self.limits.requests_per_day.is_some_and(|most| used.today >= most) {
            return Err(Refusal::too_many("requests a day", DAY - now % DAY));
        }
        if self.limits.tokens_per_day.is_some_and(|most| used.tokens >= most) {
            return Err(Refusal::too_many("tokens a day", DAY - now % DAY));
        }
        if let Some(most) = self.limits.requests_per_minute.map(f64::from) {
            let minutes = used.refilled.elapsed().as_secs_f64() / 60.0;
            used.requests = (used.requests + minutes * most).min(most);
            used.refilled = Instant::now();
            if used.requests < 1.0 {
                let wait = (1.0 - used.requests) * 60.0 / most.max(1e-3);
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "it saturates"
                )]
                return Err(Refusal::too_many("requests a minute", wait.ceil() as u64));
            }
            used.requests -= 1.0;
        }
        used.today += 1;
        Ok(right)
    }

    /// Counts what a request took.
    pub(crate) fn took(&self, tokens_in: usize, tokens_out: usize) {
        let [tokens_in, tokens_out] = [tokens_in, tokens_out].map(|n| n as u64);
        self.tokens[0].fetch_add(tokens_in, Ordering::Relaxed);
        self.tokens[1].fetch_add(tokens_out, Ordering::Relaxed);
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.tokens = used.tokens.saturating_add(tokens_in).saturating_add(tokens_out);
    }

    /// Tokens in and out since the start.
    pub(crate) fn tokens(&self) -> [u64; 2] {
        [0, 1].map(|n| self.tokens[n].load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

    #[test]
    fn limits_are_kept() {
        let text = format!(
            "[ann]\nkey_sha256 = \"{KEY}\"\nparallel = 1\n[bob]\nkey_sha256 = \"{KEY}\"\n\
             requests_per_minute = 2\n[eve]\nkey_sha256 = \"{KEY}\"\ntokens_per_day = 10\n"
        );
        let members = Member::list(&text).unwrap();
        let [ann, bob, eve] = &members[..] else { panic!("three") };
        assert!(ann.has_key(b"secret") && !ann.has_key(b"Secret"));
        let running = ann.enter().unwrap();
        assert!(ann.enter().is_err());
        drop(running);
        assert!(ann.enter().is_ok());
        assert!(bob.enter().is_ok() && bob.enter().is_ok() && bob.enter().is_err());
        eve.took(4, 5);
        assert!(eve.enter().is_ok());
        eve.took(1, 0);
        assert!(eve.enter().is_err());
        assert_eq!(eve.tokens(), [5, 5]);
    }

    #[test]
    fn what_is_no_list_is_said() {
        for bad in [
            "x",
            "[ann]\n",
            "[ann]\nkey_sha256 = \"secret\"\n",
            &format!("[ann]\nkey_sha256 = \"{KEY}\"\nquota = 1\n"),
            &format!("[ann]\nkey_sha256 = \"{KEY}\"\nparallel = -1\n"),
        ] {
            assert!(Member::list(bad).is_err(), "{bad}");
        }
    }
}
