//! Progress in seconds of sound, over all recordings that are open or done.

use std::sync::atomic::{AtomicU64, Ordering};

use cli::{Bar, GeneralArgs};
use whisper::SAMPLE_RATE;

/// What is drawn while the total is known.
const TEMPLATE: &str = "{spinner} {pos} of {len} s of sound, {elapsed}, {eta} left {msg}";

pub(crate) struct Progress {
    bar: Bar,
    /// Samples.
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    pub(crate) fn new(args: &GeneralArgs) -> Self {
        let (done, total) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { bar: Bar::new(args, Some(0), TEMPLATE), done, total }
    }

    /// A recording of so many seconds, as far as its header knows, is begun.
    pub(crate) fn begin(&self, seconds: Option<f64>) {
        let samples = (seconds.unwrap_or(0.0).max(0.0) * SAMPLE_RATE as f64) as u64;
        self.total.fetch_add(samples, Ordering::Relaxed);
    }

    /// So many samples more are transcribed.
    pub(crate) fn heard(&self, samples: usize) {
        let done = self.done.fetch_add(samples as u64, Ordering::Relaxed) + samples as u64;
        // Streams without a known length add to the total as they come.
        let total = self.total.load(Ordering::Relaxed).max(done);
        let seconds = |samples: u64| samples / SAMPLE_RATE as u64;
        self.bar.set(seconds(done), seconds(total));
    }

    pub(crate) fn finish(&self) {
        self.bar.finish();
    }
}
