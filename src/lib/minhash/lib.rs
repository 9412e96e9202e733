//! Texts that are nearly the same, found by MinHash and verified by Jaccard similarity.
//!
//! A text is the set of its [shingles](Shingles): the word or character sequences of some length.
//! Sets with a large share in common have MinHash signatures (Broder, 1997) that agree in some
//! band with high probability (locality-sensitive hashing: Indyk and Motwani, 1998); those are
//! compared in full, so that every similarity given is the true one of the two sets, up to
//! collisions of their 32-bit hashes. What can be missed is a pair, never a difference.

#![forbid(unsafe_code)]

mod index;
mod shingles;
mod signature;

pub use index::{Index, Match};
pub use shingles::{Shingles, Unit};
pub use signature::Bands;
