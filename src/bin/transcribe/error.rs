//! Why a recording gave no transcript.

use std::io;

use engine::Cancelled;
use records::{Code, Failure};

/// What can go wrong between a recording and its transcript.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TranscribeError {
    /// The sound cannot be decoded.
    #[error(transparent)]
    Audio(#[from] audio::Error),
    /// The model failed, or was told to stop.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// More sound than a command has.
    #[error("a command lasts at most 30 s; with --stream they are taken one by one")]
    TooLong,
    /// The bytes after the sound, which are part of the id, cannot be read.
    #[error("cannot read: {0}")]
    Read(#[from] io::Error),
}

impl TranscribeError {
    fn code(&self) -> Code {
        match self {
            Self::Audio(audio::Error::Unreadable(e)) | Self::Read(e) => match e.kind() {
                io::ErrorKind::TimedOut => Code::Timeout,
                _ => Code::Unreadable,
            },
            Self::Audio(
                audio::Error::Empty
                | audio::Error::NotAudio
                | audio::Error::NoAudioTrack
                | audio::Error::Unsupported(_),
            ) => Code::Unsupported,
            Self::Audio(_) => Code::Unreadable,
            Self::Engine(engine::Error::Cancelled(Cancelled::Timeout)) => Code::Timeout,
            Self::TooLong => Code::TooLong,
            Self::Engine(_) => Code::Model,
        }
    }
}

impl From<TranscribeError> for Failure {
    fn from(error: TranscribeError) -> Self {
        Self::new(error.code(), error)
    }
}
