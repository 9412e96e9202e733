//! whisper.cpp behind [`engine::Transcribe`] and [`engine::DetectSpeech`].
//!
//! [`Whisper`] is a loaded model, shared by all workers; [`Session`] is one worker's state.
//! [`SileroVad`] finds speech; [`Segmenter`] cuts an endless stream into windows that a session
//! takes, [`Utterances`] a live one into what was said between two pauses. [`Session::spot`] tells
//! which of a list of [`Phrases`] was said.
//!
//! A session uses one thread unless told otherwise: ggml's threads spin while they wait for each
//! other, so parallelism is across sessions, and a neighbour that wants the core does not stall them
//! all.

mod abort;
mod check;
mod context;
mod doubt;
mod load;
mod memory;
mod options;
mod pack;
mod parameters;
mod phrases;
mod result;
mod segment;
mod session;
mod suspect;
mod utterance;
mod vad;

pub use memory::give_back_large_blocks;
pub use options::{Decoding, Options};
pub use pack::parts;
pub use phrases::{Phrases, Spotted};
pub use segment::{Chunk, Seam, Segmenter};
pub use session::{Session, Whisper};
pub use suspect::SILENCE;
pub use utterance::Utterances;
pub use vad::SileroVad;

/// Samples a second that everything here takes.
pub const SAMPLE_RATE: usize = 16_000;

/// The most samples of a window: 30 s.
pub const WINDOW: usize = 30 * SAMPLE_RATE;

/// The most samples of what a [`Segmenter`] gives, and of [`parts`].
pub const LONGEST_CHUNK: usize = pack::MOST;
