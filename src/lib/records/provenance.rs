use serde::{Deserialize, Serialize};

/// One entry of `via`: a filter that handled the record, and at what price.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The filter's name.
    pub program: String,
    /// Its version.
    pub version: String,
    /// The machine it ran on.
    pub host: String,
    /// Wall-clock milliseconds for this record.
    pub ms: u64,
    /// What it used.
    #[serde(flatten)]
    pub usage: Usage,
}

/// What handling a record used: filled in by the filter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// The model that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// SHA-256 of its file, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_sha: Option<String>,
    /// Tokens read by the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_in: Option<u64>,
    /// Tokens written by the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_out: Option<u64>,
    /// Whether the answer came from a cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached: Option<bool>,
    /// Energy, in joules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joules: Option<f64>,
    /// Money, in US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
}
