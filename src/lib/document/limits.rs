//! What one document may cost: every parser asks here before it allocates, descends or goes on.

use std::time::{Duration, Instant};

use crate::error::ExtractError;

/// Bounds on the work for one input document, its children included where that makes sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of input; a longer input is refused with [`ExtractError::TooLarge`].
    pub max_bytes: u64,
    /// Bytes of text in one document; the rest is cut and `truncated` is set.
    pub max_text: usize,
    /// Bytes that one compressed stream may expand to.
    pub max_stream: usize,
    /// Pages that are read; further ones are cut and `truncated` is set.
    pub max_pages: usize,
    /// Objects of a PDF, parts of a mail, elements of an HTML page that is judged for its main text.
    pub max_objects: usize,
    /// Nesting: forms within forms, mails within mails.
    pub max_depth: usize,
    /// Children (attachments) of one document.
    pub max_children: usize,
    /// Wall-clock time for one input, children included.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 512 << 20,
            max_text: 64 << 20,
            max_stream: 64 << 20,
            max_pages: 20_000,
            max_objects: 1_000_000,
            max_depth: 8,
            max_children: 1_000,
            time: Duration::from_secs(60),
        }
    }
}

/// The limits in force for one input, with the moment at which its time is over.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    pub(crate) limits: Limits,
    /// `None`: a time limit so long that the clock cannot represent its end.
    end: Option<Instant>,
    /// How deep this document sits in others (0 for the input itself).
    pub(crate) depth: usize,
}

impl Budget {
    /// Starts the clock for one input.
    pub(crate) fn start(limits: &Limits) -> Self {
        Self { limits: limits.clone(), end: Instant::now().checked_add(limits.time), depth: 0 }
    }

    /// The same clock, for a document inside this one.
    pub(crate) fn child(&self) -> Self {
        Self { depth: self.depth + 1, ..self.clone() }
    }

    /// Whether the time is over.
    pub(crate) fn expired(&self) -> bool {
        self.end.is_some_and(|end| Instant::now() >= end)
    }

    /// Time left; [`Duration::MAX`] where there is no end.
    pub(crate) fn left(&self) -> Duration {
        self.end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()))
    }

    /// # Errors
    /// [`ExtractError::Timeout`] when the time is over.
    pub(crate) fn check_time(&self) -> Result<(), ExtractError> {
        if self.expired() { Err(self.timeout()) } else { Ok(()) }
    }

    pub(crate) fn timeout(&self) -> ExtractError {
        ExtractError::Timeout(self.limits.time)
    }

    /// # Errors
    /// [`ExtractError::TooLarge`] when `bytes` is over the limit of input bytes.
    pub(crate) fn check_size(&self, bytes: u64) -> Result<(), ExtractError> {
        let limit = self.limits.max_bytes;
        if bytes > limit { Err(ExtractError::TooLarge { what: "bytes", limit }) } else { Ok(()) }
    }
}
