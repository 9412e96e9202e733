//! Audio files decoded and resampled to 16 kHz mono, block by block.
//!
//! ```no_run
//! # fn main() -> Result<(), audio::Error> {
//! let mut decoder = audio::Decoder::open("memo.m4a".as_ref())?;
//! while let Some(block) = decoder.next_block()? {
//!     assert!(block.len() <= audio::BLOCK);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Containers and codecs: WAV, AIFF and CAF with PCM (8 to 32 bits, float, µ-law, A-law) or ADPCM;
//! FLAC; MP1, MP2, MP3; Ogg, MKV and WebM with Vorbis, Opus or FLAC; MP4/M4A with AAC-LC or ALAC;
//! ADTS; raw samples ([`Pcm`]); and through [`Ffmpeg`], where it is installed, what that knows. Memory does not grow with the length of the input, and a source that cannot seek (a pipe)
//! will do. Bytes of any kind give audio or an [`Error`].

#![forbid(unsafe_code)]

mod blocks;
mod decoder;
mod error;
mod external;
mod formats;
mod mpeg4;
mod open;
mod pcm;
mod resample;
mod source;
mod wave;

pub use decoder::{Decoder, Info};
pub use error::Error;
pub use external::Ffmpeg;
pub use pcm::Pcm;
pub use source::{ReadAt, Stream};

/// Samples a second of everything that comes out of a [`Decoder`].
pub const SAMPLE_RATE: u32 = 16_000;

/// How the channels of a recording come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channels {
    /// As their mean.
    Mix,
    /// Each alone: the sides of a telephone call.
    Split,
}

/// The samples in a block where nothing else is asked for: one second.
pub const BLOCK: usize = SAMPLE_RATE as usize;
