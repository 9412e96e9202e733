//! What `dedupe` writes under `dup`.

use records::Text;
use serde::{Deserialize, Serialize};

/// How a record stands to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// No earlier one is the same; later ones may be.
    First,
    /// No other one is the same: known only of files, which are compared after the last.
    Unique,
    /// The same content as an earlier one.
    Exact,
    /// The same as an earlier one, unless it is one of the few that only seem so.
    Likely,
    /// Nearly the same text.
    Near,
    /// Another name of the same file.
    Link,
}

/// The object under `dup`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Dup {
    /// What the records of one group have in common; absent where there is no group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<String>,
    /// The record, by its id, or the file, by its path, that this one repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) of: Option<Text>,
    pub(crate) kind: Kind,
    /// 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) similarity: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    /// For a text that repeats none: the earlier one that comes nearest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) nearest: Option<Nearest>,
}

/// A text not similar enough.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Nearest {
    pub(crate) of: String,
    pub(crate) similarity: f64,
}

impl Dup {
    /// The first of its group.
    pub(crate) fn first(group: String) -> Self {
        Self {
            group: Some(group),
            of: None,
            kind: Kind::First,
            similarity: None,
            why: None,
            nearest: None,
        }
    }

    /// Whether there is something that it repeats.
    pub(crate) fn is_repeated(&self) -> bool {
        self.of.is_some() || self.kind == Kind::Likely
    }
}

/// A similarity with four decimals: more would pretend to something.
pub(crate) fn rounded(similarity: f64) -> f64 {
    (similarity * 1e4).round() / 1e4
}
