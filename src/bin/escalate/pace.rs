//! How many requests one provider gets at a time, and when none: learned from what it answers.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::provider::ProviderError;

/// How often a wait looks whether it should stop.
const LOOK: Duration = Duration::from_millis(50);
/// How long a provider that failed is asked after the others; doubles with each failure.
const FIRST_REST: Duration = Duration::from_secs(30);
/// The longest such rest.
const LONGEST_REST: Duration = Duration::from_secs(600);
/// The longest wait that a server's headers impose before a request.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// One provider's pace.
pub(crate) struct Pace {
    most: f64,
    state: Mutex<State>,
    freed: Condvar,
}

struct State {
    /// Requests at a time: one more with each full round of answers, half after an overload.
    limit: f64,
    running: usize,
    not_before: Option<Instant>,
    failures: u32,
    resting_until: Option<SystemTime>,
}

impl Pace {
    /// Up to `most` at a time.
    #[expect(clippy::cast_precision_loss, reason = "a number of threads")]
    pub(crate) fn new(most: usize) -> Self {
        let limit = most.max(1) as f64;
        let state = State { limit, running: 0, not_before: None, failures: 0, resting_until: None };
        Self { most: limit, state: Mutex::new(state), freed: Condvar::new() }
    }

    /// What an earlier run learned.
    pub(crate) fn rest_until(&self, until: Option<SystemTime>) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).resting_until = until;
    }

    /// Waits for a turn; `None` when it should stop.
    pub(crate) fn enter(&self, stop: &dyn Fn() -> bool) -> Option<Permit<'_>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if stop() {
                return None;
            }
            let early = state.not_before.is_some_and(|at| Instant::now() < at);
            if !early
                && f64::from(u32::try_from(state.running).unwrap_or(u32::MAX)) + 1.0 <= state.limit
            {
                state.running += 1;
                return Some(Permit(self));
            }
            state = self.freed.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// It answered, and wants a pause or not.
    pub(crate) fn answered(&self, pause: Option<Duration>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.limit = (state.limit + 1.0 / state.limit).min(self.most);
        state.failures = 0;
        state.resting_until = None;
        if let Some(pause) = pause {
            state.not_before = Instant::now().checked_add(pause.min(LONGEST_PAUSE));
        }
    }

    /// It failed.
    pub(crate) fn failed(&self, error: &ProviderError) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let ProviderError::Status { status: 429 | 503 | 529, retry_after, .. } = error {
            state.limit = (state.limit / 2.0).max(1.0);
            if let Some(pause) = retry_after {
                state.not_before = Instant::now().checked_add((*pause).min(LONGEST_PAUSE));
            }
        }
        if error.is_outage() {
            let rest = FIRST_REST.saturating_mul(1 << state.failures.min(10)).min(LONGEST_REST);
            state.failures = state.failures.saturating_add(1);
            state.resting_until = SystemTime::now().checked_add(rest);
        }
    }

    /// When it may be asked before others again, if not now.
    pub(crate) fn resting_until(&self) -> Option<SystemTime> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.resting_until.filter(|until| *until > SystemTime::now())
    }
}

/// A turn, given back when dropped.
pub(crate) struct Permit<'a>(&'a Pace);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.running = state.running.saturating_sub(1);
        self.0.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overload() -> ProviderError {
        ProviderError::Status { status: 429, message: String::new(), retry_after: None }
    }

    #[test]
    fn an_overload_halves_the_pace_and_answers_raise_it_again() {
        let pace = Pace::new(8);
        let stopped = || true;
        let count = || {
            let mut permits = Vec::new();
            // A wait that would be needed is a stop here.
            let tries = std::cell::Cell::new(0);
            while let Some(permit) = pace.enter(&|| tries.replace(tries.get() + 1) > permits.len())
            {
                permits.push(permit);
                tries.set(0);
            }
            permits.len()
        };
        assert_eq!(count(), 8);
        pace.failed(&overload());
        assert_eq!(count(), 4);
        (0..5).for_each(|_| pace.failed(&overload()));
        assert_eq!(count(), 1);
        (0..60).for_each(|_| pace.answered(None));
        assert_eq!(count(), 8);
        assert!(pace.enter(&stopped).is_none());
    }

    #[test]
    fn an_outage_is_remembered_until_it_answers() {
        let pace = Pace::new(1);
        pace.failed(&ProviderError::Garbage(String::new()));
        assert_eq!(pace.resting_until(), None);
        pace.failed(&ProviderError::Connect(String::new()));
        let first = pace.resting_until().unwrap();
        pace.failed(&ProviderError::Connect(String::new()));
        assert!(pace.resting_until().unwrap() > first);
        pace.answered(None);
        assert_eq!(pace.resting_until(), None);
    }
}
