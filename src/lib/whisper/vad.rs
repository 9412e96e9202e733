use std::path::Path;

use engine::{DetectSpeech, Error, SpeechSpan};
use whisper_rs::{WhisperVadContext, WhisperVadContextParams, install_logging_hooks};

use crate::check;

/// Samples that one probability stands for.
const STEP: usize = 512;
/// Speech begins at this probability and ends below the lower one (Silero's own defaults).
const BEGIN: f32 = 0.5;
const END: f32 = 0.35;
/// Speech shorter than this is a click: 64 ms.
const LEAST_SPEECH: usize = 2;
/// Silence shorter than this is a pause within a word: 96 ms.
const LEAST_SILENCE: usize = 3;

/// Silero's voice activity detector, run by whisper.cpp.
#[derive(Debug)]
pub struct SileroVad {
    context: WhisperVadContext,
}

impl SileroVad {
    /// Loads a Silero model in whisper.cpp's ggml format; one of the `threads` is
    /// enough for so small a network.
    ///
    /// # Errors
    /// [`Error::Load`] for a file that is not such a model.
    pub fn load(path: &Path, threads: u8) -> Result<Self, Error> {
        install_logging_hooks();
        let refuse = |reason: String| Error::Load { path: path.to_owned(), reason };
        check::vad_model(path).map_err(refuse)?;
        let text = path.to_str().ok_or_else(|| refuse("the path is not UTF-8".into()))?;
        let mut params = WhisperVadContextParams::new();
        params.set_n_threads(i32::from(threads.max(1)));
        params.set_use_gpu(false);
        let context = WhisperVadContext::new(text, params)
            .map_err(|_| refuse("whisper.cpp cannot load it".into()))?;
        Ok(Self { context })
    }
}

impl DetectSpeech for SileroVad {
    fn detect(&mut self, samples: &[f32]) -> Result<Vec<SpeechSpan>, Error> {
        if samples.is_empty() {
            return Ok(Vec::new());
        }
        self.context.detect_speech(samples).map_err(|e| Error::Engine(e.to_string()))?;
        Ok(spans(self.context.probabilities(), samples.len()))
    }
}

/// Spans of speech in probabilities of [`STEP`] samples each.
fn spans(probabilities: &[f32], len: usize) -> Vec<SpeechSpan> {
    let mut steps: Vec<(usize, usize)> = Vec::new();
    let mut since = None;
    let mut quiet = 0;
    for (i, &p) in probabilities.iter().chain([&0.0; LEAST_SILENCE]).enumerate() {
        match since {
            None if p >= BEGIN => (since, quiet) = (Some(i), 0),
            Some(_) if p >= END => quiet = 0,
            Some(start) => {
                quiet += 1;
                if quiet == LEAST_SILENCE {
                    steps.push((start, i + 1 - quiet));
                    since = None;
                }
            }
            None => {}
        }
    }
    steps.retain(|(start, end)| end - start >= LEAST_SPEECH);
    let span = |(a, b): (usize, usize)| SpeechSpan { start: a * STEP, end: (b * STEP).min(len) };
    steps.into_iter().map(span).filter(|s| s.start < s.end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(p: &[f32]) -> Vec<(usize, usize)> {
        spans(p, p.len() * STEP).iter().map(|s| (s.start / STEP, s.end / STEP)).collect()
    }

    #[test]
    fn speech_begins_high_and_ends_low() {
        assert_eq!(steps(&[0.4, 0.6, 0.4, 0.4, 0.1, 0.1, 0.1, 0.4]), [(1, 4)]);
        assert_eq!(steps(&[0.0, 0.9, 0.9, 0.1, 0.1, 0.9, 0.9]), [(1, 7)], "a short pause");
        assert_eq!(steps(&[0.9, 0.9, 0.0, 0.0, 0.0, 0.9, 0.9, 0.9]), [(0, 2), (5, 8)]);
        assert_eq!(steps(&[0.0, 0.9, 0.0, 0.0, 0.0]), [], "a click");
        assert_eq!(steps(&[]), []);
        assert_eq!(spans(&[0.9, 0.9], 700), [SpeechSpan { start: 0, end: 700 }]);
    }
}
