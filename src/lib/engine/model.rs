use serde::Serialize;

/// Which model answered: what a record's `via` and a cache key need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ModelInfo {
    /// The name it was asked for by, or the file's stem.
    pub name: String,
    /// SHA-256 of the file, in hex; empty when unknown.
    pub sha256: String,
    /// Context of one request, in tokens; 0 where it does not apply.
    pub context: usize,
}
