//! `summarize`: a text becomes a short summary, by a small local model.
//!
//! A record with `text` in, the same record with `summary` and `coverage` out. A text that fits
//! the model's context is read in one pass. A longer one is split, each part is summarized, and
//! the summaries are summarized until one is left: nothing is dropped, and `coverage` says which
//! share of the text a model has read. Text is material for the model, never instructions.

#![forbid(unsafe_code)]

mod args;
mod chunk;
mod condense;
mod filter;
mod plan;
mod prompt;

pub use args::Summarize;
