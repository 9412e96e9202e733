//! What pictures look like. Pixels only: dates, places and cameras are read elsewhere.
//!
//! [`look`] decodes a picture at the smallest size that serves (JPEG: by scaled inverse cosine
//! transforms), turned as its metadata says, and measures it: sharpness, exposure, contrast, a
//! [perceptual hash](Hash), a [likeness](Likeness) that stands shifts, [features](Features) that
//! tell photos from screenshots and documents. Raw pictures are looked at by the JPEG preview that
//! the camera put in. Memory is bounded: a picture that would need more than
//! [the limit](Options::memory) is refused.
//!
//! [`bursts`] groups shots by time, camera and likeness, and chooses the best of each group.

#![forbid(unsafe_code)]

mod av1;
mod boxes;
mod burst;
mod decode;
mod error;
mod features;
mod hash;
mod heif;
mod hevc;
mod index;
mod jpeg;
mod kind;
mod likeness;
mod look;
mod measure;
mod meta;
mod pixels;
mod planes;
mod raw;
mod sniff;
mod tiff;

pub use burst::{Burst, BurstOptions, Faces, Rating, Shot, bursts};
pub use error::LookError;
pub use hash::{Hash, Turn};
pub use index::Index;
pub use kind::{Features, Guess, Hints, Kind, kind};
pub use likeness::Likeness;
pub use look::{Exposure, Format, Look, Options, Seen, Shown, look, look_at};
