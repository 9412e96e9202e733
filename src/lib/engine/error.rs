use std::path::PathBuf;

use crate::Cancelled;

/// What can go wrong between a request and its answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model file cannot be used.
    #[error("{}: {reason}", path.display())]
    Load {
        /// The model file.
        path: PathBuf,
        /// What is wrong with it, or with this machine.
        reason: String,
    },
    /// The request does not fit the model's context.
    #[error("{needed} tokens do not fit a context of {context}")]
    TooLong {
        /// Prompt and answer together, in tokens.
        needed: usize,
        /// What the context holds, in tokens.
        context: usize,
    },
    /// The grammar or schema cannot be used.
    #[error("constraint: {0}")]
    Constraint(String),
    /// The request was given up.
    #[error("{}", match .0 { Cancelled::Stopping => "stopped", Cancelled::Timeout => "timed out" })]
    Cancelled(Cancelled),
    /// The engine failed.
    #[error("{0}")]
    Engine(String),
}
