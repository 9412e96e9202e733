use std::path::Path;

use engine::{DetectSpeech, Error, SpeechSpan};
use whisper::SileroVad;

/// Finds speech, or takes everything for it.
pub(crate) enum Detector {
    Silero(SileroVad),
    /// `--vad none`.
    Everything,
}

impl Detector {
    /// The detector in a file, or none.
    ///
    /// # Errors
    /// As [`SileroVad::load`].
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, Error> {
        path.map_or(Ok(Self::Everything), |path| SileroVad::load(path, 1).map(Self::Silero))
    }
}

impl DetectSpeech for Detector {
    fn detect(&mut self, samples: &[f32]) -> Result<Vec<SpeechSpan>, Error> {
        match self {
            Self::Silero(vad) => vad.detect(samples),
            Self::Everything => Ok(vec![SpeechSpan { start: 0, end: samples.len() }]),
        }
    }
}
