//! What a pull tells its caller while it works.

use std::path::Path;
use std::time::Duration;

/// Something happened during a pull.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Another process pulls the same file: waiting for it.
    Waiting,
    /// The file is here already.
    AlreadyHere {
        /// Where.
        path: &'a Path,
    },
    /// A source is tried.
    Trying {
        /// URL or package.
        source: &'a str,
    },
    /// An unfinished download is continued.
    Resuming {
        /// Bytes that are here already.
        at: u64,
    },
    /// Bytes have arrived.
    Bytes {
        /// Bytes that are here.
        done: u64,
        /// Bytes in all, where known.
        total: Option<u64>,
    },
    /// The same source is tried again after a pause.
    Retrying {
        /// What went wrong.
        reason: &'a str,
        /// The pause.
        wait: Duration,
    },
    /// A source did not give the file.
    Failed {
        /// URL or package.
        source: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// Downloaded files are converted.
    Converting,
    /// The file's checksum is taken.
    Verifying,
    /// The model cannot be had; another one that does the same job is tried. To be said loudly.
    Alternative {
        /// The model that was asked for.
        wanted: &'a str,
        /// The one that is tried instead.
        instead: &'a str,
    },
    /// The file is in the store.
    Done {
        /// Where.
        path: &'a Path,
    },
}

/// Receives the events of a pull.
pub trait Progress {
    /// `model` is the name of the model that the event is about.
    fn event(&self, model: &str, event: Event<'_>);
}

impl<F: Fn(&str, Event<'_>)> Progress for F {
    fn event(&self, model: &str, event: Event<'_>) {
        self(model, event);
    }
}
