use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use engine::{
    Cancel, Error, LANGUAGE_AUTO, ModelInfo, Segment, Transcribe, TranscribeRequest, Transcript,
};
use jobserver::Worker;
use whisper_rs::{
    FullParams, WhisperContext, WhisperContextParameters, WhisperState, WhisperTokenId,
    install_logging_hooks,
};

use crate::abort::{Watch, Watched};
use crate::context::Padding;
use crate::doubt::{is_doubtful, loops, surer};
use crate::load::Kept;
use crate::parameters::{Look, parameters};
use crate::result::{Reading, read};
use crate::{Decoding, Options, SAMPLE_RATE, check, context, load};

/// Clips shorter than 0.1 s hold no word; whisper.cpp refuses them.
const SHORTEST: usize = SAMPLE_RATE / 10;
/// Encoder runs over one window; a good one takes one or two.
const MAX_PASSES: u32 = 8;
/// The most tokens of a text that are made.
const MAX_TOKENS: usize = 4096;

/// A loaded model, shared by sessions.
#[derive(Clone, Debug)]
pub struct Whisper {
    pub(crate) context: Arc<WhisperContext>,
    info: ModelInfo,
    pub(crate) options: Options,
    /// Of the prompt.
    prompt: Arc<[WhisperTokenId]>,
    /// Sessions made so far.
    sessions: Arc<AtomicUsize>,
    /// Held while a session needs the memory of several beams: one at a time.
    beams: Arc<Mutex<()>>,
}

impl Whisper {
    /// Loads a model.
    ///
    /// # Errors
    /// [`Error::Load`] for a file that is not a complete Whisper model in ggml format, or that
    /// does not fit in memory; [`Error::Engine`] for a prompt that is too long.
    pub fn load(options: Options) -> Result<Self, Error> {
        install_logging_hooks();
        let refuse = |reason: String| Error::Load { path: options.path.clone(), reason };
        let layout = check::whisper_model(&options.path).map_err(refuse)?;
        let params = WhisperContextParameters { use_gpu: options.use_gpu, ..Default::default() };
        let Options { longest, prompt, .. } = &options;
        let (encoder, decoder) = (layout.encoder.count, layout.decoder.count);
        let kept = match options.cut_context {
            true => Kept {
                encoder: context::held(*longest, encoder),
                decoder: context::spoken(*longest, prompt, layout.vocabulary, decoder),
            },
            false => Kept { encoder, decoder },
        };
        let context = load::open(&options.path, &layout, kept, params).map_err(refuse)?;
        let info = ModelInfo {
            name: options.name.clone(),
            sha256: options.sha256.clone(),
            context: decoder,
        };
        let context = Arc::new(context);
        let (prompt, sessions, beams) = (Arc::default(), Arc::default(), Arc::default());
        let mut whisper = Self { context, info, options, prompt, sessions, beams };
        if !whisper.options.prompt.is_empty() {
            let prompt = whisper.tokens(&format!(" {}", whisper.options.prompt.trim()))?;
            // whisper.cpp gives half of the decoder's context to the prompt, less a token.
            let most = (whisper.info.context / 2).saturating_sub(1);
            if prompt.len() > most {
                let message =
                    format!("the prompt has {} tokens, the most are {most}", prompt.len());
                return Err(Error::Engine(message));
            }
            whisper.prompt = prompt.into();
        }
        Ok(whisper)
    }

    /// The tokens of a text.
    pub(crate) fn tokens(&self, text: &str) -> Result<Vec<WhisperTokenId>, Error> {
        self.context.tokenize(text, MAX_TOKENS).map_err(|e| Error::Engine(e.to_string()))
    }

    /// The tokens before a text in `language`.
    pub(crate) fn start_of_text(&self, language: &str) -> Vec<WhisperTokenId> {
        let mut tokens = vec![self.context.token_sot()];
        if self.is_multilingual()
            && let Some(id) = whisper_rs::get_lang_id(language)
        {
            tokens.extend([self.context.token_lang(id), self.context.token_transcribe()]);
        }
        tokens.push(self.context.token_not());
        tokens
    }

    /// The token after a text.
    pub(crate) fn end_of_text(&self) -> WhisperTokenId {
        self.context.token_eot()
    }

    /// Encoder positions that there are.
    pub(crate) fn positions(&self) -> usize {
        usize::try_from(self.context.n_audio_ctx()).unwrap_or(context::FULL).max(1)
    }

    /// Texts followed side by side when a window is looked at first.
    fn first_beams(&self) -> u8 {
        match self.options.decoding {
            Decoding::Greedy | Decoding::BeamInDoubt(_) => 1,
            Decoding::Beam(width) => width.max(2),
        }
    }

    /// Threads of a session.
    pub(crate) fn threads(&self) -> u8 {
        self.options.threads.max(1)
    }

    /// Which model this is.
    pub fn model(&self) -> &ModelInfo {
        &self.info
    }

    /// Whether the model knows languages other than English.
    pub fn is_multilingual(&self) -> bool {
        self.context.is_multilingual()
    }

    /// Whether sessions can be asked for `language`: a code of whisper's, or
    /// [`LANGUAGE_AUTO`].
    ///
    /// # Errors
    /// [`Error::Engine`] that says why not.
    pub fn check_language(&self, language: &str) -> Result<(), Error> {
        self.language(language).map(|_| ())
    }

    /// A state of one worker.
    ///
    /// # Errors
    /// [`Error::Engine`] when there is no memory for it.
    pub fn session(&self) -> Result<Session, Error> {
        let state = Some(self.state()?);
        let number = self.sessions.fetch_add(1, Ordering::Relaxed);
        Ok(Session { whisper: self.clone(), state, cpu: self.options.cpu_worker(number) })
    }

    fn state(&self) -> Result<WhisperState, Error> {
        self.context.create_state().map_err(|e| Error::Engine(e.to_string()))
    }

    /// The language to decode in; `None` to detect it.
    fn language<'a>(&self, asked: &'a str) -> Result<Option<&'a str>, Error> {
        let auto = asked.is_empty() || asked == LANGUAGE_AUTO;
        if !self.is_multilingual() {
            if auto || asked == "en" {
                return Ok(Some("en"));
            }
            let name = &self.info.name;
            return Err(Error::Engine(format!("{name} knows English only, not `{asked}`")));
        }
        let known = asked.bytes().all(|b| b.is_ascii_lowercase())
            && (2..=3).contains(&asked.len())
            && whisper_rs::get_lang_id(asked).is_some();
        match (auto, known) {
            (true, _) => Ok(None),
            (_, true) => Ok(Some(asked)),
            _ => Err(Error::Engine(format!("`{asked}` is not a language of whisper"))),
        }
    }
}

/// One worker's recogniser.
#[derive(Debug)]
pub struct Session {
    pub(crate) whisper: Whisper,
    /// None after beams, which leave it large.
    state: Option<WhisperState>,
    /// Held while a window is transcribed.
    cpu: Option<Worker>,
}

impl Transcribe for Session {
    fn model(&self) -> &ModelInfo {
        &self.whisper.info
    }

    fn transcribe(
        &mut self,
        request: &TranscribeRequest<'_>,
        cancel: &Cancel,
    ) -> Result<Transcript, Error> {
        let samples = request.samples;
        let language = self.admit(request)?;
        if samples.len() < SHORTEST {
            let language = language.unwrap_or_default().to_owned();
            return Ok(Transcript { language, ..Transcript::default() });
        }
        let positions = self.positions(samples, context::WRITING);
        self.computing(cancel, |session| session.decode(request, language, positions, cancel))
    }
}

impl Session {
    /// The language to decode in, of a request that can be fulfilled.
    fn admit<'r>(&self, request: &TranscribeRequest<'r>) -> Result<Option<&'r str>, Error> {
        let longest = self.whisper.options.longest;
        if request.samples.len() > longest {
            let (needed, context) = (request.samples.len(), longest);
            return Err(Error::TooLong {
                needed: needed / context::SAMPLES_PER_POSITION,
                context: context / context::SAMPLES_PER_POSITION,
            });
        }
        self.whisper.language(request.language)
    }

    /// Encoder positions for the samples, and all that there are.
    fn positions(&self, samples: &[f32], padding: Padding) -> (usize, usize) {
        let full = self.whisper.positions();
        match self.whisper.options.cut_context {
            true => (context::positions(samples.len(), padding, full), full),
            false => (full, full),
        }
    }

    /// Does something with a CPU slot held.
    pub(crate) fn computing<T>(
        &mut self,
        cancel: &Cancel,
        work: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if let Some(cpu) = &mut self.cpu {
            cpu.acquire(|| cancel.reason().is_some());
        }
        let result = work(self);
        if let Some(cpu) = &mut self.cpu {
            cpu.release();
        }
        result
    }

    /// Takes in a window of sound, for [`WhisperState::decode`] to be asked about; gives the
    /// language asked for, or detected.
    pub(crate) fn encode(
        &mut self,
        request: &TranscribeRequest<'_>,
        cancel: &Cancel,
    ) -> Result<String, Error> {
        let language = self.admit(request)?;
        let (positions, _) = self.positions(request.samples, context::SPOTTING);
        // whisper.cpp refuses what is too short to hold a word.
        let mut padded = request.samples.to_vec();
        padded.resize(request.samples.len().max(SHORTEST), 0.0);
        let request = TranscribeRequest { samples: &padded, words: false, ..request.clone() };
        // Only a whole run can be told the number of positions: it is given a token to write.
        let look = Look { positions, beams: 1 };
        let taken = self.run(&request, language, look, cancel, |params| {
            params.set_no_timestamps(true);
            params.set_single_segment(true);
            params.set_max_tokens(1);
        })?;
        Ok(taken.language)
    }

    /// Decodes with `cut` encoder positions. When the model began to loop, decodes once more: without
    /// the prompt, which makes short clips loop, or without one with the `full` number of positions.
    fn decode(
        &mut self,
        request: &TranscribeRequest<'_>,
        language: Option<&str>,
        (cut, full): (usize, usize),
        cancel: &Cancel,
    ) -> Result<Transcript, Error> {
        let look = Look { positions: cut, beams: self.whisper.first_beams() };
        let first = self.run(request, language, look, cancel, |_| ())?;
        let first = self.in_doubt(first, (request, language, cut), cancel)?;
        let prompted = !self.whisper.prompt.is_empty();
        if !loops(&first) || (cut == full && !prompted) {
            return Ok(first);
        }
        let second = if prompted {
            log::debug!("looped; again without the prompt");
            self.run(request, language, look, cancel, |params| params.set_tokens(&[]))?
        } else {
            log::debug!("{cut} of {full} positions looped; again with all");
            let look = Look { positions: full, ..look };
            self.run(request, language, look, cancel, |_| ())?
        };
        Ok(if loops(&second) && second.tokens >= first.tokens { first } else { second })
    }

    /// Writes once more with several beams what `first` is not sure of, where that is asked for.
    fn in_doubt(
        &mut self,
        first: Transcript,
        (request, language, positions): (&TranscribeRequest<'_>, Option<&str>, usize),
        cancel: &Cancel,
    ) -> Result<Transcript, Error> {
        let Decoding::BeamInDoubt(asked) = self.whisper.options.decoding else { return Ok(first) };
        let decoder = usize::try_from(self.whisper.context.n_text_ctx()).unwrap_or(usize::MAX);
        let beams = context::beams(asked, decoder);
        if !is_doubtful(&first) {
            return Ok(first);
        }
        let one_at_a_time = Arc::clone(&self.whisper.beams);
        let _held = one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        let second = self.run(request, language, Look { beams, positions }, cancel, |_| ());
        // whisper.cpp keeps the memory of beams for the next time.
        self.state = None;
        Ok(surer(first, second?))
    }

    /// The state, made anew after beams.
    pub(crate) fn state(&mut self) -> Result<&mut WhisperState, Error> {
        match &mut self.state {
            Some(state) => Ok(state),
            none => Ok(none.insert(self.whisper.state()?)),
        }
    }

    fn run(
        &mut self,
        request: &TranscribeRequest<'_>,
        language: Option<&str>,
        look: Look,
        cancel: &Cancel,
        adapt: impl FnOnce(&mut FullParams<'_, '_>),
    ) -> Result<Transcript, Error> {
        let stopped = || cancel.reason().map(Error::Cancelled);
        if let Some(error) = stopped() {
            return Err(error);
        }
        let prompt = Arc::clone(&self.whisper.prompt);
        let mut params = parameters(&self.whisper, request, language, look, &prompt);
        adapt(&mut params);
        let watch = Watch::new(cancel, MAX_PASSES);
        let outcome = Watched::new(params, &watch).run(self.state()?, request.samples);
        if let Some(error) = stopped() {
            return Err(error);
        }
        outcome.map_err(|e| Error::Engine(e.to_string()))?;
        let eot = self.whisper.end_of_text();
        let state = self.state()?;
        let language = language
            .or_else(|| whisper_rs::get_lang_str(state.full_lang_id_from_state()))
            .unwrap_or_default();
        let reading = Reading {
            eot,
            seconds: request.samples.len() as f64 / SAMPLE_RATE as f64,
            words: request.words,
            language,
        };
        let (mut segments, tokens) = read(state, &reading);
        if watch.ran_out() {
            segments.iter_mut().for_each(|s| doubt(s, "the model did not reach the end"));
        }
        Ok(Transcript { language: language.to_owned(), segments, tokens })
    }
}

fn doubt(segment: &mut Segment, why: &str) {
    segment.suspect.get_or_insert_with(|| why.to_owned());
}
