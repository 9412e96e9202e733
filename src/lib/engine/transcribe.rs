use serde::Serialize;

use crate::{Cancel, Error, ModelInfo};

/// Ask for the language to be detected.
pub const LANGUAGE_AUTO: &str = "auto";

/// One window of speech to write down.
#[derive(Clone, Debug)]
pub struct TranscribeRequest<'a> {
    /// 16 kHz mono, −1 to 1; at most 30 s (480,000 samples).
    pub samples: &'a [f32],
    /// ISO 639-1 code, or [`LANGUAGE_AUTO`].
    pub language: &'a str,
    /// Write English whatever is spoken.
    pub translate: bool,
    /// Times for words too.
    pub words: bool,
}

/// A word and its times.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Word {
    /// Seconds from the start.
    pub start: f64,
    /// Seconds from the start.
    pub end: f64,
    /// The word, without surrounding space.
    pub word: String,
    /// Mean token probability, 0 to 1.
    pub confidence: f64,
}

/// A stretch of speech and its text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Segment {
    /// Seconds from the start of the window (of the whole input in a record).
    pub start: f64,
    /// Seconds from the start.
    pub end: f64,
    /// What was said, without surrounding space.
    pub text: String,
    /// Mean token probability, 0 to 1.
    pub confidence: f64,
    /// Probability that nothing was said, 0 to 1.
    #[serde(skip)]
    pub no_speech: f64,
    /// Mean natural log-probability of the tokens.
    #[serde(skip)]
    pub mean_logprob: f64,
    /// Why the text is doubted, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspect: Option<String>,
    /// Words, when asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Word>,
}

/// What was said in a window.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Transcript {
    /// ISO 639-1 code.
    pub language: String,
    /// In order of time.
    pub segments: Vec<Segment>,
    /// Text tokens generated.
    #[serde(skip)]
    pub tokens: usize,
}

/// One worker's speech recogniser. The weights behind it are shared.
pub trait Transcribe: Send {
    /// Which model this is.
    fn model(&self) -> &ModelInfo;

    /// Writes down one window. Nothing of earlier windows is remembered.
    ///
    /// # Errors
    /// [`Error::TooLong`] for more than 30 s, [`Error::Cancelled`], [`Error::Engine`].
    fn transcribe(
        &mut self,
        request: &TranscribeRequest<'_>,
        cancel: &Cancel,
    ) -> Result<Transcript, Error>;
}

/// A half-open range of samples with speech in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpeechSpan {
    /// First sample.
    pub start: usize,
    /// One past the last sample.
    pub end: usize,
}

/// One worker's voice activity detector.
pub trait DetectSpeech: Send {
    /// Where speech is in `samples` (16 kHz mono), in order, without overlap.
    ///
    /// # Errors
    /// [`Error::Engine`].
    fn detect(&mut self, samples: &[f32]) -> Result<Vec<SpeechSpan>, Error>;
}
