//! What can go wrong between us and a model.

use std::time::Duration;

/// A failed call. No variant holds the key: texts from the server are searched for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// The endpoint's address cannot be used.
    #[error("bad address: {0}")]
    Address(String),
    /// A local model could not be started.
    #[error("{0}")]
    Start(String),
    /// No connection: name not found, refused, no route, failed TLS handshake.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The connection broke after the request was sent, or the answer was cut off.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// No answer in time.
    #[error("no answer in time ({0})")]
    Timeout(&'static str),
    /// An HTTP status other than success.
    #[error("http status {status}: {message}")]
    Status {
        /// The status code.
        status: u16,
        /// The server's message, shortened.
        message: String,
        /// What `Retry-After` said.
        retry_after: Option<Duration>,
    },
    /// A redirect. None is followed: it could take the records to another host.
    #[error("the server redirects (status {0}), which is not followed")]
    Redirect(u16),
    /// The answer is larger than the limit.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(u64),
    /// The answer says that it is something else than JSON.
    #[error("the answer is not json but {0}")]
    ContentType(String),
    /// The answer is not JSON of the expected shape.
    #[error("the answer is not what was asked for: {0}")]
    Garbage(String),
    /// Success by status, an error by content.
    #[error("the server reports: {0}")]
    Reported(String),
    /// The answer holds no text.
    #[error("the answer is empty (finish reason: {0})")]
    Empty(String),
    /// The model declined to answer.
    #[error("the model declines: {0}")]
    Refused(String),
    /// Stopped from outside while waiting to try again.
    #[error("stopped")]
    Stopped,
    /// Stopped from outside while the request was on its way.
    #[error("stopped before the answer came")]
    Abandoned,
}

impl ProviderError {
    /// Whether the same request may succeed a little later.
    #[must_use]
    pub fn retry(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Broken(_) | Self::Timeout(_) => true,
            Self::Status { status, .. } => matches!(status, 408 | 409 | 425 | 429 | 500..=599),
            Self::ContentType(_) | Self::Garbage(_) | Self::Empty(_) => true,
            Self::Address(_)
            | Self::Start(_)
            | Self::Redirect(_)
            | Self::TooLarge(_)
            | Self::Reported(_)
            | Self::Refused(_)
            | Self::Stopped
            | Self::Abandoned => false,
        }
    }

    /// Whether it says more of the provider than of the request: there is no use in asking it
    /// something else at once.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Start(_) | Self::Connect(_) | Self::Timeout(_) | Self::Broken(_) => true,
            Self::Status { status, .. } => matches!(status, 401 | 402 | 403 | 429 | 500..=599),
            _ => false,
        }
    }

    /// Whether the request does not fit the model's context.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        match self {
            Self::Status { status: 413, .. } => true,
            Self::Status { status: 400..=499, message, .. } | Self::Reported(message) => {
                let message = message.to_ascii_lowercase();
                (message.contains("context") && message.contains("length"))
                    || message.contains("prompt is too long")
                    || message.contains("context size")
            }
            _ => false,
        }
    }

    /// Whether the provider may have done the work, and charge for it. Then the reservation
    /// must be settled at its worst case, and a further attempt needs one of its own.
    #[must_use]
    pub fn may_have_cost(&self) -> bool {
        match self {
            Self::Broken(_)
            | Self::TooLarge(_)
            | Self::ContentType(_)
            | Self::Garbage(_)
            | Self::Reported(_)
            | Self::Refused(_)
            | Self::Empty(_)
            | Self::Abandoned => true,
            Self::Timeout(phase) => *phase != CONNECT_PHASE,
            // A gateway's timeout: the model behind it may have gone on.
            Self::Status { status, .. } => matches!(status, 502 | 504 | 524),
            Self::Address(_)
            | Self::Start(_)
            | Self::Connect(_)
            | Self::Redirect(_)
            | Self::Stopped => false,
        }
    }
}

/// Name of the phase in which nothing was sent yet.
pub(super) const CONNECT_PHASE: &str = "connecting";
