//! `classify`: a text gets a label, by a small language model without training, or by a head
//! trained on records that somebody labelled.
//!
//! A record with `text` in, the same record with `label`, `scores` (a probability for each label)
//! and, where it is calibrated, `confidence` out. `unsure` is a label of its own. Labels of a
//! language model are scored, not generated: whatever a text says, it gets one of them. A text
//! that exceeds the model's context is read in parts, all of them.
//!
//! `--train` fits a [head](head), `--calibrate` a [calibration](calibration), `--merge` averages
//! heads, `--disagreements` finds the records to label next.

#![forbid(unsafe_code)]

mod args;
mod calibrate;
mod calibration;
mod classifier;
mod disagreements;
mod embedding;
mod file;
mod filter;
mod folds;
mod head;
mod labelled;
mod labels;
mod merge;
mod minimise;
mod multi;
mod output;
mod plan;
mod prompt;
mod regression;
mod reliability;
mod train;
mod validate;
mod zero_shot;

pub use args::{Classify, MeasureArg};
