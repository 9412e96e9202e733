use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Tells an engine to give up a request: the program is stopping, or its time is over.
///
/// Engines look at it between decode steps, so a request ends within one step of its being set.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    stop: Arc<AtomicBool>,
    deadline: Option<Instant>,
}

/// Why a request was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// The program is stopping (signal, closed output).
    Stopping,
    /// The request's deadline has passed.
    Timeout,
}

impl Cancel {
    /// A token that is set when `stop` is.
    pub fn on(stop: Arc<AtomicBool>) -> Self {
        Self { stop, deadline: None }
    }

    /// The same token with a deadline `limit` from now.
    pub fn within(&self, limit: Duration) -> Self {
        Self { stop: Arc::clone(&self.stop), deadline: Instant::now().checked_add(limit) }
    }

    /// Sets the token for everybody who holds a clone of it.
    pub fn set(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether to give up, and why.
    pub fn reason(&self) -> Option<Cancelled> {
        if self.stop.load(Ordering::Relaxed) {
            Some(Cancelled::Stopping)
        } else if self.deadline.is_some_and(|at| Instant::now() >= at) {
            Some(Cancelled::Timeout)
        } else {
            None
        }
    }
}
