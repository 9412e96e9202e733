//! `embed`: a text becomes a vector, by a small local model.
//!
//! A record with `text` in, the same record with `embedding` out: an array of numbers with unit
//! length, so that the cosine of two texts is the sum of products; with `--binary` base64 (RFC
//! 4648, padded) of the same numbers as little-endian IEEE 754 binary16. A text that exceeds the
//! model's context is embedded in parts: the vector is their mean, weighted by tokens, at length
//! one, and `embedding_chunks` says how many parts there were. A text without a word has no
//! meaning to place, and fails.

#![forbid(unsafe_code)]

mod args;
mod filter;
mod plan;
mod pool;

pub use args::Embed;
