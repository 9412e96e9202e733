//! What one document may cost: every parser asks here before it allocates, descends or goes on.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
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
    /// Bytes that an archive's members, or what is compressed, may expand to in all.
    pub max_unpacked: u64,
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
            max_unpacked: 4 << 30,
            time: Duration::from_secs(60),
        }
    }
}

/// What of a document is asked for, beside its text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Keep what a reader would skip: a page's navigation, header and footer; comments; hidden
    /// sheets.
    pub full: bool,
    /// Tables as rows of cells.
    pub tables: bool,
    /// First and last page that is read, where a document has pages.
    pub pages: Option<(u32, u32)>,
}

/// The limits in force for one input, with the moment at which its time is over.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    pub(crate) limits: Limits,
    pub(crate) wanted: Wanted,
    /// `None`: a time limit so long that the clock cannot represent its end.
    end: Option<Instant>,
    /// Bytes that archives inside the input may still expand to, in all.
    pub(crate) unpacked: Arc<AtomicU64>,
    /// How deep this document sits in others (0 for the input itself).
    pub(crate) depth: usize,
}

impl Budget {
    /// Starts the clock for one input.
    pub(crate) fn start(limits: &Limits) -> Self {
        let end = Instant::now().checked_add(limits.time);
        let unpacked = Arc::new(AtomicU64::new(limits.max_bytes));
        Self { limits: limits.clone(), wanted: Wanted::default(), end, unpacked, depth: 0 }
    }

    /// The same, with what is asked for.
    pub(crate) fn wanting(self, wanted: Wanted) -> Self {
        Self { wanted, ..self }
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
    /// [`ExtractError::TooLarge`] when this document sits too deep in others.
    pub(crate) fn check_depth(&self) -> Result<(), ExtractError> {
        let limit = self.limits.max_depth;
        if self.depth > limit {
            let what = "documents inside each other";
            return Err(ExtractError::TooLarge { what, limit: limit as u64 });
        }
        Ok(())
    }

    /// # Errors
    /// [`ExtractError::TooLarge`] when `bytes` is over the limit of input bytes.
    pub(crate) fn check_size(&self, bytes: u64) -> Result<(), ExtractError> {
        let limit = self.limits.max_bytes;
        if bytes > limit { Err(ExtractError::TooLarge { what: "bytes", limit }) } else { Ok(()) }
    }
}
