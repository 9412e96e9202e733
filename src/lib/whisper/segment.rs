use engine::{DetectSpeech, Error, SpeechSpan};

use crate::pack::{self, Packer};
use crate::{SAMPLE_RATE, WINDOW};

/// Sound kept before and after speech: 0.2 s, so that no consonant is cut.
pub(crate) const PAD: usize = SAMPLE_RATE / 5;
/// Silence up to which two spans belong together: 1 s.
const GAP: usize = SAMPLE_RATE;
/// Resolution and width of the search for the quietest point: 20 ms, 100 ms.
const FRAME: usize = SAMPLE_RATE / 50;
const FRAMES: usize = 5;

/// Sound with speech in it, at most [`WINDOW`] samples: one stretch of a stream, or several that
/// were put one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// Index of its first sample in the whole stream.
    pub start: u64,
    /// 16 kHz mono.
    pub samples: Vec<f32>,
    /// Where later stretches begin, in order; what lies between two stretches was left out.
    pub seams: Vec<Seam>,
    /// Samples that there were before they were freed.
    freed: usize,
}

/// The begin of a stretch within a [`Chunk`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seam {
    /// Index in the chunk.
    pub at: usize,
    /// Index in the whole stream.
    pub start: u64,
}

impl Chunk {
    /// One stretch.
    pub(crate) fn new(start: u64, samples: Vec<f32>) -> Self {
        Self { start, samples, seams: Vec::new(), freed: 0 }
    }

    /// What a session takes at once: the chunk, or its parts where it is an utterance longer than
    /// that. What was put together of several stretches is never longer.
    pub fn parts(self) -> Vec<Self> {
        let mut start = self.start;
        let mut parts = Vec::new();
        for part in pack::parts(&self.samples) {
            if part.len() == self.samples.len() {
                return vec![self];
            }
            parts.push(Self::new(start, part.to_vec()));
            start += part.len() as u64;
        }
        parts
    }

    /// Frees the sound, which the most memory of a chunk is; times can still be asked for.
    pub fn free_sound(&mut self) {
        self.freed = self.len();
        self.samples = Vec::new();
    }

    fn len(&self) -> usize {
        self.samples.len().max(self.freed)
    }

    /// Seconds from the start of the stream.
    pub fn seconds(&self) -> f64 {
        self.start as f64 / SAMPLE_RATE as f64
    }

    /// Seconds in the stream of something that was heard from `start` to `end`, in seconds of
    /// the chunk. The padding around a seam is no speech: what seems to begin just before a seam
    /// begins after it, and what seems to end just after one ends before it.
    pub fn times(&self, start: f64, end: f64) -> (f64, f64) {
        let pad = PAD as f64 / SAMPLE_RATE as f64;
        let (from, to) = (self.stretch(start + pad), self.stretch(end - pad));
        (self.within(start, from), self.within(end, to.max(from)))
    }

    /// The stretch that is heard at a moment, counted from 0.
    fn stretch(&self, seconds: f64) -> usize {
        let sample = seconds * SAMPLE_RATE as f64;
        self.seams.iter().take_while(|seam| seam.at as f64 <= sample).count()
    }

    /// A moment of the chunk as one of the stream, no further than the ends of its stretch.
    fn within(&self, seconds: f64, stretch: usize) -> f64 {
        let (at, start) = match stretch.checked_sub(1).map(|i| self.seams[i]) {
            Some(seam) => (seam.at, seam.start),
            None => (0, self.start),
        };
        let end = self.seams.get(stretch).map_or(self.len(), |seam| seam.at);
        let sample = (seconds * SAMPLE_RATE as f64).clamp(at as f64, end as f64);
        (start as f64 + sample - at as f64) / SAMPLE_RATE as f64
    }
}

/// Cuts a stream into [`Chunk`]s for a speech recogniser, leaving silence out.
///
/// Holds little more than one window of 30 s, however long the stream is. Spans of speech less
/// than 1 s apart stay together, as long as that is not more than one pass of the encoder does
/// best (see [`crate::pack`]); shorter ones are put together. Speech that goes on for 30 s
/// without a pause is cut at the quietest point of the window's second half.
#[derive(Debug)]
pub struct Segmenter<D> {
    detector: D,
    packer: Packer,
    waiting: Vec<f32>,
    /// Index in the stream of `waiting[0]`.
    start: u64,
}

impl<D: DetectSpeech> Segmenter<D> {
    /// A segmenter at the start of a stream.
    pub fn new(detector: D) -> Self {
        Self { detector, packer: Packer::default(), waiting: Vec::new(), start: 0 }
    }

    /// Takes the next samples and gives the chunks that they complete, in order.
    ///
    /// # Errors
    /// What the detector says.
    pub fn push(&mut self, mut samples: &[f32]) -> Result<Vec<Chunk>, Error> {
        let mut chunks = Vec::new();
        while !samples.is_empty() {
            let room = WINDOW - self.waiting.len();
            let (now, later) = samples.split_at(room.min(samples.len()));
            self.waiting.extend_from_slice(now);
            samples = later;
            if self.waiting.len() == WINDOW {
                self.cut(false, &mut chunks)?;
            }
        }
        Ok(chunks)
    }

    /// Gives the last chunks at the end of the stream; ready for another stream after.
    ///
    /// # Errors
    /// What the detector says.
    pub fn finish(&mut self) -> Result<Vec<Chunk>, Error> {
        let mut chunks = Vec::new();
        if !self.waiting.is_empty() {
            self.cut(true, &mut chunks)?;
        }
        chunks.extend(self.packer.finish());
        self.clear();
        Ok(chunks)
    }

    /// Forgets a stream that was given up; ready for another one after.
    pub fn clear(&mut self) {
        self.waiting.clear();
        self.packer = Packer::default();
        self.start = 0;
    }

    /// Says that so many samples of the stream were left out before the next one.
    pub fn skip(&mut self, samples: u64) {
        self.start += samples;
    }

    /// Emits what is complete in `waiting`, and keeps what may go on after it.
    fn cut(&mut self, at_end: bool, chunks: &mut Vec<Chunk>) -> Result<(), Error> {
        let len = self.waiting.len();
        let spans = self.detector.detect(&self.waiting)?;
        let mut stretches = merge(&spans, len);
        // A word that begins in the last moments shows only with what follows it.
        let mut keep = if at_end { len } else { len - PAD };
        if let Some(&last) = stretches.last()
            && !at_end
            && last.end + GAP > len
        {
            stretches.pop();
            keep = last.start;
            if keep == 0 {
                keep = quietest(&self.waiting, len / 2, len - GAP / 2);
                stretches.push(SpeechSpan { start: 0, end: keep });
            }
        }
        for stretch in stretches {
            for SpeechSpan { start, end } in pack::split(stretch, &spans, &self.waiting) {
                let sound = &self.waiting[start..end];
                chunks.extend(self.packer.add(self.start + start as u64, sound));
            }
        }
        self.waiting.drain(..keep);
        self.start += keep as u64;
        Ok(())
    }
}

/// Padded stretches of near spans, in order, without overlap, within `len` samples.
fn merge(spans: &[SpeechSpan], len: usize) -> Vec<SpeechSpan> {
    let mut out: Vec<SpeechSpan> = Vec::new();
    let mut speech_end = 0;
    for span in spans.iter().filter(|s| s.start < s.end && s.start < len) {
        let end = (span.end + PAD).min(len);
        match out.last_mut() {
            Some(last) if span.start <= speech_end + GAP => last.end = last.end.max(end),
            last => {
                let before = last.map_or(0, |l| l.end);
                out.push(SpeechSpan { start: span.start.saturating_sub(PAD).max(before), end });
            }
        }
        speech_end = speech_end.max(span.end);
    }
    out
}

/// The middle of the quietest 100 ms between two samples.
pub(crate) fn quietest(samples: &[f32], from: usize, to: usize) -> usize {
    let energy: Vec<f32> =
        samples[from..to].chunks_exact(FRAME).map(|f| f.iter().map(|x| x * x).sum()).collect();
    let sums = energy.windows(FRAMES).map(|w| w.iter().sum::<f32>()).enumerate();
    let least = sums.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(i, _)| i);
    from + least * FRAME + FRAMES * FRAME / 2
}

#[cfg(test)]
#[path = "segment_tests.rs"]
pub(crate) mod tests;
