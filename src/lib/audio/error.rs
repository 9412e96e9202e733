use std::io;

/// Why an input gave no audio, or no more of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input cannot be opened or read.
    #[error("cannot read: {0}")]
    Unreadable(#[source] io::Error),
    /// The input has no bytes.
    #[error("empty input")]
    Empty,
    /// No known audio container was found: text, a picture, random bytes.
    #[error("not an audio file of a known format")]
    NotAudio,
    /// The container holds no audio, only pictures or subtitles.
    #[error("no audio track")]
    NoAudioTrack,
    /// Audio, but of a kind that cannot be decoded here.
    #[error("unsupported audio: {0}")]
    Unsupported(String),
    /// The input ends before its own header says. All blocks before were good.
    #[error("the input ends after {seconds:.1} s{}", of(*.declared))]
    Truncated {
        /// Seconds decoded before the end.
        seconds: f64,
        /// Seconds the header promised, where it did.
        declared: Option<f64>,
    },
    /// The input is damaged so that decoding cannot go on.
    #[error("damaged after {seconds:.1} s: {reason}")]
    Corrupt {
        /// Seconds decoded before the damage; 0 when nothing could be decoded.
        seconds: f64,
        /// What the decoder said.
        reason: String,
    },
}

fn of(declared: Option<f64>) -> String {
    declared.map(|s| format!(" of {s:.1} s")).unwrap_or_default()
}
