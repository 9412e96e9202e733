//! Why a document gave no text.

use std::time::Duration;

/// Why a document gave no text; each variant is a different thing for the user to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// The input holds no bytes.
    #[error("the file is empty")]
    Empty,
    /// An archive holds no file.
    #[error("the archive holds no files")]
    NoMembers,
    /// None of the pages that were asked for is there.
    #[error("it has {has} pages, and none of those asked for")]
    NoSuchPage {
        /// Pages that it has.
        has: usize,
    },
    /// The input is not a document that this program reads; `mime` is what its content looks like.
    #[error("no text can be read from {mime}")]
    Unsupported {
        /// Media type guessed from the content.
        mime: &'static str,
    },
    /// The document is encrypted and the empty password does not open it.
    #[error("the document is encrypted and needs a password")]
    Encrypted,
    /// The document claims a format that it does not keep to.
    #[error("the document is damaged: {reason}")]
    Corrupt {
        /// What was wrong, in the parser's words.
        reason: String,
    },
    /// A limit on size was reached before any text could be read.
    #[error("the document is over the limit of {limit} {what}")]
    TooLarge {
        /// What was counted: `bytes`, `objects`, `levels of nesting`, …
        what: &'static str,
        /// The limit of that count.
        limit: u64,
    },
    /// The time allowed for one document ran out.
    #[error("the document took longer than {} s", .0.as_secs_f64())]
    Timeout(Duration),
    /// The bytes could not be read.
    #[error("cannot read the document: {0}")]
    Io(#[from] std::io::Error),
}

impl ExtractError {
    /// A [`ExtractError::Corrupt`] from anything that can say what was wrong.
    pub(crate) fn corrupt(reason: impl std::fmt::Display) -> Self {
        Self::Corrupt { reason: reason.to_string() }
    }
}
