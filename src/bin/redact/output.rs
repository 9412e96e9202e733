//! What `redact` writes under `redactions`.

use serde::{Deserialize, Serialize};

/// One replaced place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Redaction {
    pub(crate) kind: String,
    /// First byte, and the one after the last, in the text as it is written here.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The same in characters.
    pub(crate) char_start: usize,
    pub(crate) char_end: usize,
    /// What stands there now; absent where nothing was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) placeholder: Option<String>,
    /// The field, where it is not "text".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) field: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rule: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) score: Option<f32>,
}

/// Characters of a text, of which its bytes are known to be UTF-8.
pub(crate) fn characters(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}
