use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a record could not be handled: a closed list, so that a pipeline can decide by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The line is not a record.
    BadJson,
    /// The record lacks the field that the filter reads, or it has the wrong type.
    MissingField,
    /// The file cannot be opened or read.
    Unreadable,
    /// The content is of a kind that the filter cannot handle.
    Unsupported,
    /// The line, text or file exceeds a limit or the model's context.
    TooLong,
    /// The model failed.
    Model,
    /// The time for the record was over.
    Timeout,
    /// The budget was spent.
    Budget,
    /// Another machine or service failed.
    Remote,
    /// The filter or a service declined to handle this content.
    Refused,
    /// A defect of the program.
    Bug,
}

impl Code {
    /// Every code, in the order of the documentation.
    pub const ALL: [Self; 11] = [
        Self::BadJson,
        Self::MissingField,
        Self::Unreadable,
        Self::Unsupported,
        Self::TooLong,
        Self::Model,
        Self::Timeout,
        Self::Budget,
        Self::Remote,
        Self::Refused,
        Self::Bug,
    ];

    /// The code as it stands in a record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadJson => "bad-json",
            Self::MissingField => "missing-field",
            Self::Unreadable => "unreadable",
            Self::Unsupported => "unsupported",
            Self::TooLong => "too-long",
            Self::Model => "model",
            Self::Timeout => "timeout",
            Self::Budget => "budget",
            Self::Remote => "remote",
            Self::Refused => "refused",
            Self::Bug => "bug",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The object under `error`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Failure {
    /// The program that failed; set by the driver.
    #[serde(default)]
    pub program: String,
    /// The kind of failure.
    pub code: Code,
    /// What happened, for people: lower case, no full stop.
    pub message: String,
    /// Whether the same record may succeed later, unchanged.
    pub retry: bool,
}

impl Failure {
    /// A failure that stays one however often it is tried.
    pub fn new(code: Code, message: impl fmt::Display) -> Self {
        Self { program: String::new(), code, message: message.to_string(), retry: false }
    }

    /// The same failure, marked as worth another try later.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retry = true;
        self
    }
}
