//! From blocks of sound to segments of text, with no more than a window of sound in memory.

use engine::{Cancel, Error, LANGUAGE_AUTO, Segment, Transcribe};
use serde::Serialize;
use whisper::{Chunk, SAMPLE_RATE, Segmenter};

use crate::detector::Detector;
use crate::error::TranscribeError;
use crate::pool::{self, InOrder, Part, Written};
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

impl Said {
    /// Whether it belongs to the text: not where the model itself took it for silence.
    pub(crate) fn counts(&self) -> bool {
        self.segment.suspect.as_deref() != Some(whisper::SILENCE)
    }
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

/// One worker: a place to find speech in for each channel, and as many sessions as it may run at the same
/// time.
pub(crate) struct Listener {
    ears: Ears,
    sessions: Vec<Box<dyn Transcribe>>,
}

/// Finds speech, in each channel by itself.
struct Ears {
    vad: Detector,
    segmenters: Vec<Segmenter<Detector>>,
}

impl Listener {
    /// At least one session.
    pub(crate) fn new(vad: Detector, sessions: Vec<Box<dyn Transcribe>>) -> Self {
        Self { ears: Ears { vad, segmenters: Vec::new() }, sessions }
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
        let Self { ears, sessions } = self;
        ears.forget(asked.offset);
        let mut heard = Heard { language: asked.language.clone(), ..Heard::default() };
        let mut stretch = Stretch::new(asked);
        let (mut decoded, mut samples) = (0, 0);
        std::thread::scope(|scope| {
            let mut pool = InOrder::new(sessions, asked, cancel, scope);
            loop {
                if let Some(reason) = cancel.reason() {
                    return Err(TranscribeError::from(Error::Cancelled(reason)));
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
                let parts = ears.admit(lanes, asked.offset)?;
                heard.write_all(&mut pool, parts, (asked, split))?;
                progress.heard(block);
                if !more {
                    break;
                }
            }
            heard.write_all(&mut pool, ears.finish()?, (asked, split))?;
            while let Some(written) = pool.wait() {
                heard.add(written, (asked, split))?;
            }
            Ok(())
        })?;
        heard.segments.sort_by(|a, b| a.segment.start.total_cmp(&b.segment.start));
        heard.duration = round(samples as f64 / SAMPLE_RATE as f64, 100.0);
        if heard.language == LANGUAGE_AUTO {
            heard.language.clear();
        }
        Ok(heard)
    }

    /// Adds what is said in one window.
    pub(crate) fn write_down(
        &mut self,
        part: Part,
        (asked, split): (&Asked, bool),
        cancel: &Cancel,
        heard: &mut Heard,
    ) -> Result<(), Error> {
        let Some(session) = self.sessions.first_mut() else { return Ok(()) };
        let written = pool::write_down(session.as_mut(), part, (asked, &heard.language), cancel);
        heard.add(written, (asked, split))
    }
}

impl Ears {
    /// Ready for another recording: the last may have been given up in the middle.
    fn forget(&mut self, offset: u64) {
        for segmenter in &mut self.segmenters {
            segmenter.clear();
            segmenter.skip(offset);
        }
    }

    /// The windows that blocks of each channel complete.
    fn admit(&mut self, lanes: Vec<Vec<f32>>, offset: u64) -> Result<Vec<Part>, Error> {
        let mut parts = Vec::new();
        for (lane, block) in lanes.into_iter().enumerate() {
            if self.segmenters.len() == lane {
                let mut segmenter = Segmenter::new(self.vad.clone());
                segmenter.skip(offset);
                self.segmenters.push(segmenter);
            }
            let chunks = self.segmenters[lane].push(&block)?;
            parts.extend(chunks.into_iter().map(|chunk| (lane, chunk)));
        }
        Ok(parts)
    }

    /// The windows that were open at the end.
    fn finish(&mut self) -> Result<Vec<Part>, Error> {
        let mut parts = Vec::new();
        for (lane, segmenter) in self.segmenters.iter_mut().enumerate() {
            parts.extend(segmenter.finish()?.into_iter().map(|chunk| (lane, chunk)));
        }
        Ok(parts)
    }
}

impl Heard {
    /// Gives windows to the sessions and adds what they have written down so far.
    fn write_all(
        &mut self,
        pool: &mut InOrder<'_>,
        parts: Vec<Part>,
        asked: (&Asked, bool),
    ) -> Result<(), Error> {
        for part in parts {
            pool.give(part, &self.language);
            // What is spoken first is taken for the language of all of it, so it is waited for.
            while let Some(written) =
                if self.language == LANGUAGE_AUTO { pool.wait() } else { pool.ready() }
            {
                self.add(written, asked)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, written: Written, (asked, split): (&Asked, bool)) -> Result<(), Error> {
        let ((lane, chunk), transcript) = written;
        let transcript = transcript?;
        if self.language == LANGUAGE_AUTO && !transcript.segments.is_empty() {
            self.language.clone_from(&transcript.language);
        }
        self.tokens += transcript.tokens as u64;
        let speaker = split.then_some(lane + 1);
        for segment in transcript.segments {
            if asked.drop_suspect && segment.suspect.is_some() {
                self.dropped += 1;
            } else {
                self.segments.push(Said { segment: shifted(segment, &chunk), speaker });
            }
        }
        Ok(())
    }
}

/// A segment with times from the start of the recording, numbers no longer than they are exact.
fn shifted(mut segment: Segment, chunk: &Chunk) -> Segment {
    let times = |start: f64, end: f64| {
        let (start, end) = chunk.times(start, end);
        (round(start, 100.0), round(end, 100.0))
    };
    let probability = |p: f64| round(p, 1000.0);
    (segment.start, segment.end) = times(segment.start, segment.end);
    segment.confidence = probability(segment.confidence);
    for word in &mut segment.words {
        (word.start, word.end) = times(word.start, word.end);
        word.confidence = probability(word.confidence);
    }
    segment
}

pub(crate) fn round(x: f64, parts: f64) -> f64 {
    (x * parts).round() / parts
}
