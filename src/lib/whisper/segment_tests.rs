use proptest::prelude::*;

use super::*;

pub(crate) const S: usize = SAMPLE_RATE;

/// Speech is where samples are loud.
pub(crate) struct Loud {
    pub(crate) longest: usize,
}

impl DetectSpeech for Loud {
    fn detect(&mut self, samples: &[f32]) -> Result<Vec<SpeechSpan>, Error> {
        self.longest = self.longest.max(samples.len());
        let mut spans: Vec<SpeechSpan> = Vec::new();
        for (i, frame) in samples.chunks(FRAME).enumerate() {
            let (start, end) = (i * FRAME, i * FRAME + frame.len());
            if frame.iter().any(|x| *x > 0.1) {
                match spans.last_mut() {
                    Some(last) if last.end == start => last.end = end,
                    _ => spans.push(SpeechSpan { start, end }),
                }
            }
        }
        Ok(spans)
    }
}

/// A stream with speech in the given ranges of samples.
pub(crate) fn stream(len: usize, speech: &[(usize, usize)]) -> Vec<f32> {
    let mut out = vec![0.0; len];
    speech.iter().for_each(|&(a, b)| out[a..b].fill(0.5));
    out
}

fn run(samples: &[f32], block: usize) -> (Vec<Chunk>, usize) {
    let mut segmenter = Segmenter::new(Loud { longest: 0 });
    let mut chunks = Vec::new();
    for block in samples.chunks(block) {
        chunks.extend(segmenter.push(block).unwrap());
    }
    chunks.extend(segmenter.finish().unwrap());
    (chunks, segmenter.detector.longest)
}

/// The stretches of each chunk: where each begins in the stream, and its sound.
fn stretches(chunk: &Chunk) -> Vec<(usize, &[f32])> {
    let mut starts = vec![(0, chunk.start)];
    starts.extend(chunk.seams.iter().map(|seam| (seam.at, seam.start)));
    let ends = starts[1..].iter().map(|(at, _)| *at).chain([chunk.samples.len()]);
    starts.iter().zip(ends).map(|((at, s), end)| (*s as usize, &chunk.samples[*at..end])).collect()
}

fn ranges(chunks: &[Chunk]) -> Vec<(usize, usize)> {
    let each = chunks.iter().flat_map(stretches);
    each.map(|(start, sound)| (start, start + sound.len())).collect()
}

#[test]
fn silence_gives_nothing_and_short_speech_is_padded() {
    assert!(run(&stream(100 * S, &[]), S).0.is_empty());
    assert!(run(&[], S).0.is_empty());
    let (chunks, _) = run(&stream(10 * S, &[(4 * S, 5 * S)]), S);
    assert_eq!(ranges(&chunks), [(4 * S - PAD, 5 * S + PAD)]);
    assert!((chunks[0].seconds() - 3.8).abs() < 1e-9);
}

#[test]
fn near_spans_stay_together_and_far_ones_without_the_silence() {
    let speech = [(S, 2 * S), (2 * S + S / 2, 3 * S), (6 * S, 7 * S)];
    let (chunks, _) = run(&stream(9 * S, &speech), 777);
    assert_eq!(ranges(&chunks), [(S - PAD, 3 * S + PAD), (6 * S - PAD, 7 * S + PAD)]);
    assert_eq!(chunks.len(), 1);
    assert_eq!(chunks[0].times(2.9, 3.2), (6.3, 6.6));
}

#[test]
fn speech_across_a_window_is_not_cut() {
    let (chunks, _) = run(&stream(60 * S, &[(25 * S, 35 * S)]), S);
    assert_eq!(ranges(&chunks), [(25 * S - PAD, 35 * S + PAD)]);
}

#[test]
fn endless_speech_is_cut_where_it_is_quietest() {
    let mut samples = stream(70 * S, &[(0, 70 * S)]);
    samples[22 * S..22 * S + S / 5].fill(0.11);
    let (chunks, _) = run(&samples, S);
    let ranges = ranges(&chunks);
    assert!(ranges.iter().any(|r| (22 * S..22 * S + S / 5).contains(&r.1)), "{ranges:?}");
    let total: usize = chunks.iter().map(|c| c.samples.len()).sum();
    assert_eq!(total, 70 * S, "nothing is lost or said twice");
}

#[test]
fn a_long_utterance_has_parts_cut_where_it_is_quietest() {
    let mut samples = vec![0.3; 20 * S];
    samples[9 * S..9 * S + S / 5].fill(0.01);
    let parts = Chunk::new(1000, samples.clone()).parts();
    let starts: Vec<u64> = parts.iter().map(|part| part.start).collect();
    assert!(starts.len() == 2 && starts[0] == 1000, "{starts:?}");
    assert!((9 * S + 1000..9 * S + S / 5 + 1000).contains(&(starts[1] as usize)), "{starts:?}");
    let together: Vec<f32> = parts.into_iter().flat_map(|part| part.samples).collect();
    assert_eq!(together, samples);
    let short = Chunk::new(7, vec![0.1; 10 * S]);
    assert_eq!(short.clone().parts(), std::slice::from_ref(&short));
    let mut freed = short.clone();
    freed.free_sound();
    assert!(freed.samples.is_empty());
    assert_eq!(freed.times(2.0, 99.0), short.times(2.0, 99.0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() })]

    #[test]
    fn all_speech_is_given_once_in_order_whatever_the_blocks(
        lengths in prop::collection::vec((100usize..400_000, 100usize..700_000), 0..6),
        block in 1_000usize..900_000,
    ) {
        let mut speech = Vec::new();
        let mut len = 0;
        for (silence, said) in lengths {
            speech.push((len + silence, len + silence + said));
            len += silence + said;
        }
        let samples = stream(len, &speech);
        let (chunks, longest) = run(&samples, block);
        prop_assert!(longest <= WINDOW);
        let mut covered = vec![false; len];
        let mut before = 0;
        for (start, end) in ranges(&chunks) {
            prop_assert!(start >= before && end > start);
            covered[start..end].fill(true);
            before = end;
        }
        for (a, b) in speech {
            prop_assert!(covered[a..b].iter().all(|c| *c), "speech {a}..{b} is missing");
        }
        for chunk in &chunks {
            prop_assert!(chunk.samples.len() <= crate::pack::MOST);
            for (at, sound) in stretches(chunk) {
                prop_assert!(sound == &samples[at..at + sound.len()]);
            }
        }
        prop_assert_eq!(run(&samples, 16_000).0, chunks, "blocks do not matter");
    }
}

#[test]
fn a_stream_that_was_given_up_is_forgotten() {
    let mut segmenter = Segmenter::new(Loud { longest: 0 });
    segmenter.push(&stream(45 * S, &[(S, 40 * S)])).unwrap();
    segmenter.clear();
    assert_eq!(segmenter.finish().unwrap(), []);
    segmenter.push(&stream(2 * S, &[(S, 2 * S)])).unwrap();
    let chunks = segmenter.finish().unwrap();
    assert_eq!(chunks.len(), 1);
    assert_eq!(chunks[0].start, (S - PAD) as u64);
}
