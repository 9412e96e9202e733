//! Texts that exceed a model's context, in parts.
//!
//! [`split`] and [`windows`] count tokens beforehand; [`in_parts`] asks first and splits what is
//! refused as too long; [`pieces`] knows bytes only. Parts end where a reader would pause, and put
//! together they are the text: nothing is dropped.

#![forbid(unsafe_code)]

mod boundary;
mod fit;
mod refused;

pub use boundary::pieces;
pub use fit::{split, windows};
pub use refused::in_parts;

/// A token stands for fewer bytes than this in nearly every text: a longer one is split without
/// asking how many tokens it has.
pub const MOST_BYTES: usize = 16;

/// Bytes of a token in ordinary text.
pub const USUAL_BYTES: usize = 4;
