use engine::{DetectSpeech, Error};

use crate::SAMPLE_RATE;
use crate::segment::{Chunk, PAD, quietest};

/// How often the detector looks: every 0.3 s of sound.
const STEP: usize = SAMPLE_RATE * 3 / 10;
/// Sound before what is new that the detector hears again, to get into its stride: 1 s.
const CONTEXT: usize = SAMPLE_RATE;
/// Silence that ends an utterance: 0.6 s. Pauses within a sentence are mostly shorter.
const PAUSE: usize = SAMPLE_RATE * 6 / 10;
/// The longest utterance: after 20 s it is cut at the quietest point of the last half.
const LONGEST: usize = 20 * SAMPLE_RATE;
/// The most sound of an utterance, with what is around it.
pub(crate) const MOST: usize = LONGEST + STEP + 2 * PAD;

/// Cuts a live stream into utterances, each as soon as it has ended.
///
/// Unlike [`Segmenter`](crate::Segmenter), which waits for a full window, this gives what was
/// said 0.6 s after the speaker paused. Holds at most [`LONGEST`] of sound.
#[derive(Debug)]
pub struct Utterances<D> {
    detector: D,
    waiting: Vec<f32>,
    /// Index in the stream of `waiting[0]`.
    start: u64,
    /// Samples at the end of `waiting` that the detector has not heard.
    fresh: usize,
    /// Where in `waiting` speech began, and where it was heard last.
    speech: Option<(usize, usize)>,
}

impl<D: DetectSpeech> Utterances<D> {
    /// At the start of a stream.
    pub fn new(detector: D) -> Self {
        Self { detector, waiting: Vec::new(), start: 0, fresh: 0, speech: None }
    }

    /// Takes the next samples and gives the utterances that have ended, in order.
    ///
    /// # Errors
    /// What the detector says.
    pub fn push(&mut self, samples: &[f32]) -> Result<Vec<Chunk>, Error> {
        let mut chunks = Vec::new();
        let mut rest = samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at((STEP - self.fresh).min(rest.len()));
            self.waiting.extend_from_slice(now);
            self.fresh += now.len();
            rest = later;
            if self.fresh == STEP {
                chunks.extend(self.look(false)?);
            }
        }
        Ok(chunks)
    }

    /// Gives the last utterance; ready for another stream after.
    ///
    /// # Errors
    /// What the detector says.
    pub fn finish(&mut self) -> Result<Option<Chunk>, Error> {
        let last = self.look(true);
        self.clear();
        last
    }

    /// Forgets a stream that was given up; ready for another one after.
    pub fn clear(&mut self) {
        self.waiting.clear();
        (self.start, self.fresh, self.speech) = (0, 0, None);
    }

    /// Says that so many samples of the stream were left out before the next one.
    pub fn skip(&mut self, samples: u64) {
        self.start += samples;
    }

    /// Hears what is new; the utterance that has ended, if one has.
    fn look(&mut self, at_end: bool) -> Result<Option<Chunk>, Error> {
        let len = self.waiting.len();
        let from = len.saturating_sub(self.fresh + CONTEXT);
        for span in self.detector.detect(&self.waiting[from..])? {
            let (start, end) = (from + span.start, from + span.end);
            self.speech = Some(match self.speech {
                Some((first, last)) => (first.min(start), last.max(end)),
                None => (start, end),
            });
        }
        self.fresh = 0;
        let Some((first, last)) = self.speech else {
            self.forget(len.saturating_sub(CONTEXT));
            return Ok(None);
        };
        let begin = first.saturating_sub(PAD);
        if at_end || len - last.min(len) >= PAUSE {
            return Ok(Some(self.emit(begin, (last + PAD).min(len))));
        }
        if len - begin >= LONGEST {
            let cut = quietest(&self.waiting, len - LONGEST / 2, len);
            let chunk = self.emit(begin, cut);
            self.speech = (last > cut).then(|| (0, last - cut));
            return Ok(Some(chunk));
        }
        self.forget(begin);
        Ok(None)
    }

    fn emit(&mut self, begin: usize, end: usize) -> Chunk {
        let samples = self.waiting[begin..end].to_vec();
        let chunk = Chunk::new(self.start + begin as u64, samples);
        self.speech = None;
        self.forget(end);
        chunk
    }

    /// Drops the first `n` samples of what waits.
    fn forget(&mut self, n: usize) {
        self.waiting.drain(..n);
        self.start += n as u64;
        self.speech = self.speech.map(|(a, b)| (a.saturating_sub(n), b.saturating_sub(n)));
    }
}

const _: () = assert!(MOST <= crate::WINDOW);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::segment::tests::{Loud, S, stream};

    /// The utterances as ranges, and when each was given, in samples heard.
    fn run(samples: &[f32], block: usize) -> Vec<(usize, usize, usize)> {
        let mut utterances = Utterances::new(Loud { longest: 0 });
        let mut out = Vec::new();
        let mut heard = 0;
        let range =
            |c: &Chunk, heard| (c.start as usize, c.start as usize + c.samples.len(), heard);
        for block in samples.chunks(block) {
            heard += block.len();
            out.extend(utterances.push(block).unwrap().iter().map(|c| range(c, heard)));
            assert!(utterances.waiting.len() <= LONGEST + STEP + PAD);
        }
        out.extend(utterances.finish().unwrap().iter().map(|c| range(c, heard)));
        assert!(utterances.detector.longest <= CONTEXT + STEP);
        out
    }

    #[test]
    fn each_utterance_comes_soon_after_its_end() {
        let sound = stream(20 * S, &[(2 * S, 4 * S), (4 * S + S / 3, 5 * S), (9 * S, 10 * S)]);
        let out = run(&sound, S / 10);
        assert_eq!(out.len(), 2, "{out:?}");
        for ((start, end, heard), (a, b)) in out.iter().zip([(2 * S, 5 * S), (9 * S, 10 * S)]) {
            assert_eq!((*start, *end), (a - PAD, b + PAD));
            assert!(*heard <= b + PAUSE + STEP + S / 10, "{heard}");
        }
    }

    #[test]
    fn the_last_utterance_is_given_at_the_end_and_silence_gives_none() {
        assert_eq!(run(&stream(60 * S, &[]), S), []);
        assert_eq!(run(&[], S), []);
        let out = run(&stream(3 * S, &[(2 * S, 3 * S)]), S / 7);
        assert_eq!(out, [(2 * S - PAD, 3 * S, 3 * S)]);
    }

    #[test]
    fn endless_speech_is_cut_without_losing_any() {
        let out = run(&stream(100 * S, &[(S, 99 * S)]), S);
        assert!(out.len() >= 5, "{out:?}");
        assert!(out.windows(2).all(|w| w[0].1 == w[1].0), "{out:?}");
        assert_eq!((out[0].0, out[out.len() - 1].1), (S - PAD, 99 * S + PAD));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn all_speech_is_in_an_utterance_however_it_comes(
            spans in prop::collection::vec((0usize..40 * S, 1600usize..8 * S), 0..6),
            block in 100usize..3 * S,
        ) {
            let spans: Vec<_> = spans.iter().map(|&(at, n)| (at, (at + n).min(40 * S))).collect();
            let sound = stream(40 * S, &spans);
            let out = run(&sound, block);
            for (i, x) in sound.iter().enumerate().step_by(160) {
                let held = out.iter().any(|&(a, b, _)| a <= i && i < b);
                prop_assert!(held || *x < 0.1, "{} is in none of {:?}", i, out);
            }
            prop_assert!(out.windows(2).all(|w| w[0].1 <= w[1].0), "{:?}", out);
        }
    }
}
