//! `summarize`: a text becomes a short summary, by a small local model or by none.
//!
//! A record with `text` in, the same record with `summary`, `coverage`, `evidence` and
//! `confidence` out. A text that fits the model's context is read in one pass. A longer one is
//! split, each part is summarized, and the summaries are summarized until one is left: nothing is
//! dropped, and `coverage` says which share of the text was read. Text is material for the model,
//! never instructions, and what the model writes is held against it: [`Evidence`](evidence) has
//! the span that each sentence rests on, and a sentence with a number or name that the text does
//! not have is replaced by the text's own. With `--extractive` all sentences are the text's own.
//! `--all` and `--group-by` make one record of many, after the last.

#![forbid(unsafe_code)]

mod args;
mod condense;
mod evidence;
mod extractive;
mod facts;
mod filter;
mod groups;
mod lexrank;
mod plan;
mod prompt;
mod prompt_file;
mod sentences;
mod style;
mod terms;

pub use args::Summarize;
pub use style::Style;
