//! `transcribe`: speech in audio and video files becomes text.
//!
//! A record with `path` in (or an operand, or a stream's bytes), the same record with `text`,
//! `transcript` and, where anything was said, `confidence` out. Sound is decoded block by block,
//! cut at silences into windows of at most 30 s, and each window is written down as soon as it is
//! complete: memory does not grow with the length of the recording. The bytes are hashed for the
//! record's `id` as they are decoded, so that a file is read once.
//!
//! One model is loaded for all files. Every worker has a single-threaded session of its own;
//! `--threads` gives it several, which then take the windows of one recording side by side.
//!
//! # Damaged recordings
//! A recording that ends early, or whose damage cannot be passed, is transcribed as far as it
//! goes. Its record has `transcript.truncated`, `transcript.problem` says what was found, and so
//! does a warning. It does not count as failed: an `error` would keep the text that is there from
//! every filter that follows. Only where no sound at all could be decoded is there an `error`.

#![forbid(unsafe_code)]

mod args;
mod calibrate;
mod command;
mod detector;
mod error;
mod filter;
mod folder;
mod format;
mod listen;
mod live;
mod output;
mod plan;
mod pool;
mod progress;
mod source;

#[cfg(test)]
mod tests;

pub use args::{ChannelsArg, Transcribe};
pub use format::Format;
