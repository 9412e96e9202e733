//! What a local model can be asked: complete a prompt, score answers to it, embed texts,
//! transcribe speech.
//!
//! The traits here are all that programs see. `llama` and `whisper` stand behind them with C++;
//! [`scripted`] stands behind them with replies from a file, for tests. Nothing in this crate
//! links an engine, so a program that only speaks to another process can use its types.

#![forbid(unsafe_code)]

mod cancel;
mod complete;
mod embed;
mod error;
mod model;
mod score;
pub mod scripted;
mod transcribe;

pub use cancel::{Cancel, Cancelled};
pub use complete::{
    Complete, Completion, CompletionRequest, Constraint, LikelyToken, Message, Prompt, Role,
    Sampling, StopReason, TokenChoice,
};
pub use embed::{Embed, Embedding};
pub use error::Error;
pub use model::ModelInfo;
pub use score::{Measure, Score, ScoreRequest, Scores};
pub use transcribe::{
    DetectSpeech, LANGUAGE_AUTO, Segment, SpeechSpan, Transcribe, TranscribeRequest, Transcript,
    Word,
};
