use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use engine::{DetectSpeech, Error, SpeechSpan};
use whisper::SileroVad;

/// Finds speech, or takes everything for it. Clones take turns at the same model: it remembers
/// nothing from one stretch of sound to the next, and needs a hundredth of the time.
#[derive(Clone)]
pub(crate) enum Detector {
    Silero(Arc<Mutex<SileroVad>>),
    /// `--vad none`.
    Everything,
}

impl Detector {
    /// The detector in a file.
    ///
    /// # Errors
    /// As [`SileroVad::load`].
    pub(crate) fn load(path: &Path) -> Result<Self, Error> {
        Ok(Self::Silero(Arc::new(Mutex::new(SileroVad::load(path, 1)?))))
    }
}

impl DetectSpeech for Detector {
    fn detect(&mut self, samples: &[f32]) -> Result<Vec<SpeechSpan>, Error> {
        match self {
            Self::Silero(vad) => vad.lock().unwrap_or_else(PoisonError::into_inner).detect(samples),
            Self::Everything => Ok(vec![SpeechSpan { start: 0, end: samples.len() }]),
        }
    }
}
