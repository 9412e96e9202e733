//! What is known of batches.

use super::{Refusal, Usage};

/// What all calls of a batch share.
#[derive(Clone, Copy, Debug)]
pub struct BatchHead<'a> {
    /// Name of the pipeline; may be empty.
    pub pipeline: &'a str,
    /// Who is asked.
    pub provider: &'a str,
    /// Which model.
    pub model: &'a str,
    /// A part of the calls' ids at the provider, so that no other batch's are taken for them.
    pub token: &'a str,
    /// How answers are read and written.
    pub settings: &'a str,
}

/// One call of a batch. Records with the same key share it.
#[derive(Clone, Copy, Debug)]
pub struct BatchCall<'a> {
    /// What is asked.
    pub key: &'a [u8; 32],
    /// The body of the request.
    pub body: &'a str,
    /// Whether money is set aside for it, as the request says.
    pub costs: bool,
}

/// A record that waits for a call.
#[derive(Clone, Copy, Debug)]
pub struct BatchRecord<'a> {
    /// Names the record with everything that decides on its answer.
    pub ident: &'a [u8; 32],
    /// Its line.
    pub record: &'a str,
    /// What is needed to write its answer.
    pub notes: &'a str,
}

/// What became of a record that was to be added.
#[derive(Debug, PartialEq, Eq)]
pub enum Added {
    /// It waits for a new call.
    New,
    /// It waits for a call that the batch has already.
    Shared,
    /// It waits already, from an earlier run.
    Known,
    /// There is no money for the call; nothing was written.
    OverBudget(Refusal),
}

/// How far a batch has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchState {
    /// Records are being added.
    Gathering,
    /// The provider may know it, or may not.
    Sending,
    /// The provider works on it.
    Sent,
    /// Every call has an outcome.
    Answered,
}

impl BatchState {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gathering => "gathering",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Answered => "answered",
        }
    }

    pub(super) fn of(name: &str) -> Self {
        match name {
            "gathering" => Self::Gathering,
            "sending" => Self::Sending,
            "sent" => Self::Sent,
            _ => Self::Answered,
        }
    }
}

/// A batch that this process works on.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Its row.
    pub id: i64,
    /// As [`BatchHead::token`].
    pub token: String,
    /// As [`BatchHead::model`].
    pub model: String,
    /// As [`BatchHead::settings`].
    pub settings: String,
    /// How far it has come.
    pub state: BatchState,
    /// The provider's id of the uploaded file.
    pub file: Option<String>,
    /// The provider's id of the batch.
    pub remote: Option<String>,
    /// The provider's ids of batches that were taken for this one by mistake.
    pub strange: Vec<String>,
    /// When it was begun, in milliseconds since 1970.
    pub created_ms: i64,
}

/// What a call cost.
#[derive(Clone, Copy, Debug)]
pub enum Charged<'a> {
    /// So much.
    Usage(Usage<'a>),
    /// Nothing.
    Nothing,
    /// Nobody knows: what was set aside goes on counting.
    Unknown,
}

/// The end of a call.
#[derive(Clone, Copy, Debug)]
pub struct Closed<'a> {
    /// As [`BatchCall::key`].
    pub key: &'a [u8; 32],
    /// What came of it.
    pub outcome: &'a str,
    /// What it cost.
    pub charged: Charged<'a>,
}

/// A record of a batch that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its place among all rows.
    pub id: i64,
    /// Its line.
    pub record: String,
    /// As [`BatchRecord::notes`].
    pub notes: String,
    /// Whether it is the first of the records that share its call.
    pub first: bool,
    /// As [`Closed::outcome`]; none where the batch ended without one.
    pub outcome: Option<String>,
}
