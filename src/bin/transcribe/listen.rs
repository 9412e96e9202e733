//! From blocks of sound to segments of text, with no more than a window of sound in memory.

use std::path::PathBuf;

use engine::{Cancel, Error, LANGUAGE_AUTO, Segment, Transcribe, TranscribeRequest, Transcript};
use serde::Serialize;
use whisper::{Chunk, SAMPLE_RATE, Segmenter};

use crate::detector::Detector;
use crate::error::TranscribeError;
use crate::progress::Progress;

/// What is wanted of every recording.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// A language code, or [`LANGUAGE_AUTO`].
    pub(crate) language: String,
    pub(crate) translate: bool,
    pub(crate) words: bool,
    /// Samples left out at the start, and the most that are taken after.
    pub(crate) offset: u64,
    pub(crate) duration: Option<u64>,
    /// Leave doubtful segments out.
    pub(crate) drop_suspect: bool,
}

/// A segment, and who said it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Said {
    #[serde(flatten)]
    pub(crate) segment: Segment,
    /// The channel, from 1, where they are told apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) speaker: Option<usize>,
}

/// What was heard in a recording.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Empty where nobody asked for one and nobody spoke.
    pub(crate) language: String,
    /// Seconds of sound that were listened to.
    pub(crate) duration: f64,
    /// In order, with times from the start of the recording.
    pub(crate) segments: Vec<Said>,
    /// Doubtful segments that were left out.
    pub(crate) dropped: u64,
    pub(crate) tokens: u64,
    /// Why there may be more in the recording than was decoded.
    pub(crate) cut_short: Option<audio::Error>,
}

/// The stretch of a recording that is listened to.
pub(crate) struct Stretch {
    at: u64,
    from: u64,
    to: u64,
}

impl Stretch {
    pub(crate) fn new(asked: &Asked) -> Self {
        let to = asked.duration.map_or(u64::MAX, |n| asked.offset.saturating_add(n));
        Self { at: 0, from: asked.offset, to }
    }

    /// Takes the next blocks; leaves of them what belongs to it. False once it is over.
    pub(crate) fn clip(&mut self, lanes: &mut [Vec<f32>]) -> bool {
        let len = lanes.first().map_or(0, Vec::len);
        let within = |place: u64| {
            usize::try_from(place.saturating_sub(self.at)).unwrap_or(usize::MAX).min(len)
        };
        let (from, to) = (within(self.from), within(self.to));
        for lane in lanes {
            lane.truncate(to);
            lane.drain(..from.min(to));
        }
        self.at += len as u64;
        to > 0 || self.at < self.to
    }
}

/// One worker: a speech detector for each channel, and as many sessions as it may run at the same
/// time.
pub(crate) struct Listener {
    vad: Option<PathBuf>,
    segmenters: Vec<Segmenter<Detector>>,
    sessions: Vec<Box<dyn Transcribe>>,
}

/// A chunk of one channel.
type Part = (usize, Chunk);

impl Listener {
    /// At least one session. `vad` is the detector's file, if there is to be one.
    pub(crate) fn new(vad: Option<PathBuf>, sessions: Vec<Box<dyn Transcribe>>) -> Self {
        Self { vad, segmenters: Vec::new(), sessions }
    }

    /// A detector of its own for something else.
    ///
    /// # Errors
    /// As [`Detector::load`].
    pub(crate) fn detector(&self) -> Result<Detector, Error> {
        Detector::load(self.vad.as_deref())
    }

    /// Transcribes what `next_blocks` gives (16 kHz, a block of each channel), until it gives
    /// nothing. Several channels are as many speakers.
    ///
    /// A recording that breaks off after some sound is no error: see [`Heard::cut_short`].
    ///
    /// # Errors
    /// [`TranscribeError`].
    pub(crate) fn hear(
        &mut self,
        mut next_blocks: impl FnMut() -> Result<Option<Vec<Vec<f32>>>, audio::Error>,
        (asked, split): (&Asked, bool),
        progress: &Progress,
        cancel: &Cancel,
    ) -> Result<Heard, TranscribeError> {
        // The last recording may have been given up in the middle.
        for segmenter in &mut self.segmenters {
            segmenter.clear();
            segmenter.skip(asked.offset);
        }
        let mut heard = Heard { language: asked.language.clone(), ..Heard::default() };
        let mut stretch = Stretch::new(asked);
        let (mut decoded, mut samples) = (0, 0);
        let mut waiting: Vec<Part> = Vec::new();
        loop {
            if let Some(reason) = cancel.reason() {
                return Err(Error::Cancelled(reason).into());
            }
            let mut lanes = match next_blocks() {
                Ok(Some(lanes)) => lanes,
                Ok(None) => break,
                Err(e @ (audio::Error::Truncated { .. } | audio::Error::Corrupt { .. }))
                    if decoded > 0 =>
                {
                    heard.cut_short = Some(e);
                    break;
                }
                Err(e) => return Err(e.into()),
            };
            let block = lanes.first().map_or(0, Vec::len);
            decoded += block;
            let more = stretch.clip(&mut lanes);
            samples += lanes.first().map_or(0, Vec::len);
            self.admit(lanes, asked.offset, &mut waiting)?;
            while waiting.len() >= self.sessions.len() {
                let rest = waiting.split_off(self.sessions.len());
                self.write_down(&waiting, split, asked, cancel, &mut heard)?;
                waiting = rest;
            }
            progress.heard(block);
            if !more {
                break;
            }
        }
        for (lane, segmenter) in self.segmenters.iter_mut().enumerate() {
            waiting.extend(segmenter.finish()?.into_iter().map(|chunk| (lane, chunk)));
        }
        for parts in waiting.chunks(self.sessions.len()) {
            self.write_down(parts, split, asked, cancel, &mut heard)?;
        }
        heard.segments.sort_by(|a, b| a.segment.start.total_cmp(&b.segment.start));
        heard.duration = round(samples as f64 / SAMPLE_RATE as f64, 100.0);
        if heard.language == LANGUAGE_AUTO {
            heard.language.clear();
        }
        Ok(heard)
    }

    /// Gives blocks to the segmenters; adds what is complete to `waiting`.
    fn admit(
        &mut self,
        lanes: Vec<Vec<f32>>,
        offset: u64,
        waiting: &mut Vec<Part>,
    ) -> Result<(), Error> {
        for (lane, block) in lanes.into_iter().enumerate() {
            if self.segmenters.len() == lane {
                let mut segmenter = Segmenter::new(self.detector()?);
                segmenter.skip(offset);
                self.segmenters.push(segmenter);
            }
            let chunks = self.segmenters[lane].push(&block)?;
            waiting.extend(chunks.into_iter().map(|chunk| (lane, chunk)));
        }
        Ok(())
    }

    /// Adds what is said in `parts`, of which there are no more than sessions.
    pub(crate) fn write_down(
        &mut self,
        parts: &[Part],
        split: bool,
        asked: &Asked,
        cancel: &Cancel,
        heard: &mut Heard,
    ) -> Result<(), Error> {
        let transcripts = self.transcribe(parts, asked, &heard.language, cancel)?;
        for ((lane, chunk), transcript) in parts.iter().zip(transcripts) {
            // What is spoken first is taken for the language of all of it.
            if heard.language == LANGUAGE_AUTO && !transcript.segments.is_empty() {
                heard.language.clone_from(&transcript.language);
            }
            heard.tokens += transcript.tokens as u64;
            let from = chunk.seconds();
            let speaker = split.then_some(lane + 1);
            for segment in transcript.segments {
                if asked.drop_suspect && segment.suspect.is_some() {
                    heard.dropped += 1;
                } else {
                    heard.segments.push(Said { segment: shifted(segment, from), speaker });
                }
            }
        }
        Ok(())
    }

    /// The transcripts of `parts`, in order; several at the same time, each in its own session.
    fn transcribe(
        &mut self,
        parts: &[Part],
        asked: &Asked,
        language: &str,
        cancel: &Cancel,
    ) -> Result<Vec<Transcript>, Error> {
        let one = |session: &mut Box<dyn Transcribe>, (_, chunk): &Part| {
            let samples = chunk.samples.as_slice();
            let Asked { translate, words, .. } = *asked;
            session.transcribe(&TranscribeRequest { samples, language, translate, words }, cancel)
        };
        let pairs = self.sessions.iter_mut().zip(parts);
        if parts.len() < 2 {
            return pairs.map(|(session, part)| one(session, part)).collect();
        }
        std::thread::scope(|scope| {
            let spawn = |(session, part)| scope.spawn(move || one(session, part));
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
