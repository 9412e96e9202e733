//! From blocks of sound to segments of text, with no more than a window of sound in memory.

use engine::{Cancel, Error, LANGUAGE_AUTO, Segment, Transcribe, TranscribeRequest, Transcript};
use whisper::{Chunk, SAMPLE_RATE, Segmenter};

use crate::detector::Detector;
use crate::error::TranscribeError;

/// What is wanted of every recording.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// A language code, or [`LANGUAGE_AUTO`].
    pub(crate) language: String,
    pub(crate) translate: bool,
    pub(crate) words: bool,
}

/// What was heard in a recording.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Empty where nobody asked for one and nobody spoke.
    pub(crate) language: String,
    /// Seconds of sound.
    pub(crate) duration: f64,
    /// In order, with times from the start of the recording.
    pub(crate) segments: Vec<Segment>,
    pub(crate) tokens: u64,
    /// Why there may be more in the recording than was decoded.
    pub(crate) cut_short: Option<audio::Error>,
}

/// One worker: a speech detector, and as many sessions as it may run at the same time.
pub(crate) struct Listener {
    segmenter: Segmenter<Detector>,
    sessions: Vec<Box<dyn Transcribe>>,
}

impl Listener {
    /// At least one session.
    pub(crate) fn new(detector: Detector, sessions: Vec<Box<dyn Transcribe>>) -> Self {
        Self { segmenter: Segmenter::new(detector), sessions }
    }

    /// Transcribes what `next_block` gives (16 kHz mono), until it gives nothing.
    ///
    /// A recording that breaks off after some sound is no error: see [`Heard::cut_short`].
    ///
    /// # Errors
    /// [`TranscribeError`].
    pub(crate) fn hear(
        &mut self,
        mut next_block: impl FnMut() -> Result<Option<Vec<f32>>, audio::Error>,
        asked: &Asked,
        cancel: &Cancel,
    ) -> Result<Heard, TranscribeError> {
        // The last recording may have been given up in the middle.
        self.segmenter.clear();
        let mut heard = Heard { language: asked.language.clone(), ..Heard::default() };
        let mut samples = 0;
        let mut waiting = Vec::new();
        loop {
            if let Some(reason) = cancel.reason() {
                return Err(Error::Cancelled(reason).into());
            }
            match next_block() {
                Ok(Some(block)) => {
                    samples += block.len();
                    waiting.extend(self.segmenter.push(&block)?);
                }
                Ok(None) => break,
                Err(e @ (audio::Error::Truncated { .. } | audio::Error::Corrupt { .. }))
                    if samples > 0 =>
                {
                    heard.cut_short = Some(e);
                    break;
                }
                Err(e) => return Err(e.into()),
            }
            while waiting.len() >= self.sessions.len() {
                let rest = waiting.split_off(self.sessions.len());
                self.write_down(&waiting, asked, cancel, &mut heard)?;
                waiting = rest;
            }
        }
        waiting.extend(self.segmenter.finish()?);
        for chunks in waiting.chunks(self.sessions.len()) {
            self.write_down(chunks, asked, cancel, &mut heard)?;
        }
        heard.duration = round(samples as f64 / SAMPLE_RATE as f64, 100.0);
        if heard.language == LANGUAGE_AUTO {
            heard.language.clear();
        }
        Ok(heard)
    }

    /// Adds what is said in `chunks`, of which there are no more than sessions.
    fn write_down(
        &mut self,
        chunks: &[Chunk],
        asked: &Asked,
        cancel: &Cancel,
        heard: &mut Heard,
    ) -> Result<(), Error> {
        let transcripts = self.transcribe(chunks, asked, &heard.language, cancel)?;
        for (chunk, transcript) in chunks.iter().zip(transcripts) {
            // What is spoken first is taken for the language of all of it.
            if heard.language == LANGUAGE_AUTO && !transcript.segments.is_empty() {
                heard.language.clone_from(&transcript.language);
            }
            heard.tokens += transcript.tokens as u64;
            let from = chunk.seconds();
            heard.segments.extend(transcript.segments.into_iter().map(|s| shifted(s, from)));
        }
        Ok(())
    }

    /// The transcripts of `chunks`, in order; several at the same time, each in its own session.
    fn transcribe(
        &mut self,
        chunks: &[Chunk],
        asked: &Asked,
        language: &str,
        cancel: &Cancel,
    ) -> Result<Vec<Transcript>, Error> {
        let one = |session: &mut Box<dyn Transcribe>, chunk: &Chunk| {
            let samples = chunk.samples.as_slice();
            let Asked { translate, words, .. } = *asked;
            session.transcribe(&TranscribeRequest { samples, language, translate, words }, cancel)
        };
        let pairs = self.sessions.iter_mut().zip(chunks);
        if chunks.len() < 2 {
            return pairs.map(|(session, chunk)| one(session, chunk)).collect();
        }
        std::thread::scope(|scope| {
            let spawn = |(session, chunk)| scope.spawn(move || one(session, chunk));
            let threads: Vec<_> = pairs.map(spawn).collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, _>| match thread.join() {
                Ok(transcript) => transcript,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            // All are waited for, whatever the first says.
            let transcripts: Vec<_> = threads.into_iter().map(join).collect();
            transcripts.into_iter().collect()
        })
    }
}

/// A segment with times from the start of the recording, numbers no longer than they are exact.
fn shifted(mut segment: Segment, from: f64) -> Segment {
    let time = |seconds: f64| round(from + seconds, 100.0);
    let probability = |p: f64| round(p, 1000.0);
    (segment.start, segment.end) = (time(segment.start), time(segment.end));
    segment.confidence = probability(segment.confidence);
    for word in &mut segment.words {
        (word.start, word.end) = (time(word.start), time(word.end));
        word.confidence = probability(word.confidence);
    }
    segment
}

pub(crate) fn round(x: f64, parts: f64) -> f64 {
    (x * parts).round() / parts
}
