//! How whisper.cpp is asked.

use engine::{LANGUAGE_AUTO, TranscribeRequest};
use whisper_rs::{FullParams, SamplingStrategy, WhisperTokenId};

use crate::context;
use crate::session::Whisper;

/// Seconds into a window after which the first word may not begin, as far as the model is told.
const MAX_INITIAL: f32 = 1.0;

/// How a window is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Of the encoder.
    pub(crate) positions: usize,
    /// Texts followed side by side; 1 for the likeliest token always.
    pub(crate) beams: u8,
}

/// What whisper.cpp is told about a request.
pub(crate) fn parameters<'p>(
    whisper: &Whisper,
    request: &TranscribeRequest<'_>,
    language: Option<&'p str>,
    look: Look,
    prompt: &'p [WhisperTokenId],
) -> FullParams<'p, 'p> {
    let options = &whisper.options;
    let strategy = match look.beams {
        ..2 => SamplingStrategy::Greedy { best_of: 1 },
        beams => SamplingStrategy::BeamSearch { beam_size: beams.min(8).into(), patience: -1.0 },
    };
    let mut params = FullParams::new(strategy);
    params.set_n_threads(i32::from(options.threads.max(1)));
    params.set_audio_ctx(i32::try_from(look.positions).unwrap_or(0));
    params.set_no_context(true);
    // whisper.cpp takes the model's positions for those of 30 s when it reckons with this.
    params.set_max_initial_ts(MAX_INITIAL * context::FULL as f32 / whisper.positions() as f32);
    if !prompt.is_empty() {
        params.set_tokens(prompt);
    }
    params.set_translate(request.translate);
    // whisper-rs leaks the string; English is whisper.cpp's default.
    if language != Some("en") {
        params.set_language(language.or(Some(LANGUAGE_AUTO)));
    }
    params.set_suppress_blank(true);
    params.set_suppress_nst(true);
    params.set_token_timestamps(request.words);
    params.set_temperature(0.0);
    params.set_temperature_inc(if options.temperature_fallback { 0.2 } else { 0.0 });
    params.set_entropy_thold(2.4);
    params.set_logprob_thold(-1.0);
    // Out of reach: doubtful text is marked, not thrown away.
    params.set_no_speech_thold(2.0);
    params.set_print_special(false);
    params.set_print_progress(false);
    params.set_print_realtime(false);
    params.set_print_timestamps(false);
    params
}
