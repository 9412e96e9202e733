//! How much speech goes through the encoder at once.
//!
//! Each pass pays for a margin of silence and a least number of positions (see
//! [`crate::context`]), and attention costs the square of what it looks at: on tiny.en a second
//! of speech takes 95 ms in windows of 2 s, 55 ms in windows of 10 s and 80 ms in windows of
//! 28 s (one core with AVX-512).

use engine::SpeechSpan;

use crate::SAMPLE_RATE;
use crate::segment::{Chunk, Seam, quietest};

/// What one pass does best: 11 s.
pub(crate) const BEST: usize = SAMPLE_RATE * 21 / 2;
/// What one pass does at most, so that its memory stays small: 11.5 s.
pub(crate) const MOST: usize = 11 * SAMPLE_RATE;
/// The least that is split off a longer stretch: 4 s, because the model wants some context.
const LEAST: usize = 4 * SAMPLE_RATE;
/// A pause at which sentences may be taken apart: 0.3 s.
const PAUSE: usize = SAMPLE_RATE * 3 / 10;

/// Splits a stretch of `sound` in which `spans` of speech were detected into parts of at most
/// [`MOST`]: at the longest pause that makes a part of [`BEST`] or less, else between two words,
/// else where it is quietest.
pub(crate) fn split(stretch: SpeechSpan, spans: &[SpeechSpan], sound: &[f32]) -> Vec<SpeechSpan> {
    let pauses: Vec<SpeechSpan> = spans
        .windows(2)
        .map(|pair| SpeechSpan { start: pair[0].end, end: pair[1].start })
        .filter(|pause| stretch.start < pause.start && pause.end < stretch.end)
        .collect();
    let middle = |pause: &SpeechSpan| usize::midpoint(pause.start, pause.end);
    let longest = |start: usize, least: usize, most: usize| {
        let fits = |p: &&SpeechSpan| {
            p.end - p.start >= least && (start + LEAST..=start + most).contains(&middle(p))
        };
        pauses.iter().filter(fits).max_by_key(|p| p.end - p.start).map(middle)
    };
    let mut parts = Vec::new();
    let mut start = stretch.start;
    while stretch.end - start > BEST {
        let cut = longest(start, PAUSE, BEST).or_else(|| longest(start, 1, MOST));
        let end = match cut {
            Some(end) => end,
            None if stretch.end - start <= MOST => break,
            None => quietest(sound, start + BEST - LEAST, start + MOST),
        };
        parts.push(SpeechSpan { start, end });
        start = end;
    }
    parts.push(SpeechSpan { start, end: stretch.end });
    parts
}

/// The parts of at most [`MOST`] samples of sound in which nobody looked for pauses, one after the
/// other: cut where it is quietest.
pub fn parts(sound: &[f32]) -> Vec<&[f32]> {
    if sound.len() <= MOST {
        return vec![sound];
    }
    let whole = SpeechSpan { start: 0, end: sound.len() };
    split(whole, &[], sound).into_iter().map(|part| &sound[part.start..part.end]).collect()
}

/// Puts short stretches together to windows of at most [`BEST`].
#[derive(Debug, Default)]
pub(crate) struct Packer {
    open: Option<Chunk>,
}

impl Packer {
    /// Takes the next stretch, the sound of the stream from `start` on; gives the window that it
    /// did not fit into.
    pub(crate) fn add(&mut self, start: u64, sound: &[f32]) -> Option<Chunk> {
        if let Some(open) = &mut self.open
            && open.samples.len() + sound.len() <= BEST
        {
            open.seams.push(Seam { at: open.samples.len(), start });
            open.samples.extend_from_slice(sound);
            return None;
        }
        self.open.replace(Chunk::new(start, sound.to_vec()))
    }

    /// The last window.
    pub(crate) fn finish(&mut self) -> Option<Chunk> {
        self.open.take()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const S: usize = SAMPLE_RATE;

    fn span(start: usize, end: usize) -> SpeechSpan {
        SpeechSpan { start, end }
    }

    #[test]
    fn long_stretches_are_split_at_their_longest_pause() {
        let spans = [span(0, 5 * S), span(5 * S + S / 2, 9 * S), span(9 * S + S * 8 / 10, 20 * S)];
        let cut = 9 * S + S * 4 / 10;
        let sound = vec![0.0; 40 * S];
        assert_eq!(split(span(0, 20 * S), &spans, &sound), [span(0, cut), span(cut, 20 * S)]);
        assert_eq!(split(span(0, BEST), &spans[..2], &sound), [span(0, BEST)], "short enough");
        let breath = [span(0, BEST + S / 5), span(BEST + S * 3 / 10, 20 * S)];
        let cut = BEST + S / 4;
        assert_eq!(split(span(0, 20 * S), &breath, &sound), [span(0, cut), span(cut, 20 * S)]);
    }

    #[test]
    fn speech_without_a_pause_is_cut_where_it_is_quietest() {
        let mut sound = vec![0.5; 30 * S];
        sound[10 * S..10 * S + S / 5].fill(0.01);
        let parts = split(span(0, 20 * S), &[span(0, 20 * S)], &sound);
        assert_eq!(parts.len(), 2);
        assert!((10 * S..10 * S + S / 5).contains(&parts[0].end), "{parts:?}");
        assert_eq!(split(span(0, MOST), &[span(0, MOST)], &sound), [span(0, MOST)]);
    }

    #[test]
    fn times_are_those_of_the_stream() {
        let mut packer = Packer::default();
        assert_eq!(packer.add(S as u64, &vec![0.1; 2 * S]), None);
        assert_eq!(packer.add(60 * S as u64, &vec![0.1; 3 * S]), None);
        let full = packer.add(90 * S as u64, &vec![0.1; 10 * S]).unwrap();
        assert_eq!(full.seams, [Seam { at: 2 * S, start: 60 * S as u64 }]);
        assert_eq!(full.times(0.5, 1.5), (1.5, 2.5));
        assert_eq!(full.times(2.5, 4.0), (60.5, 62.0));
        assert_eq!(full.times(0.0, 2.1), (1.0, 3.0), "the end belongs before the seam");
        assert_eq!(full.times(1.9, 4.0), (60.0, 62.0), "the begin belongs after it");
        assert_eq!(full.times(0.0, 4.0), (1.0, 62.0), "a segment across it");
        assert_eq!(full.times(4.0, 9.0), (62.0, 63.0), "no further than the sound");
        assert_eq!(packer.finish().unwrap().times(1.0, 2.0), (91.0, 92.0));
        assert_eq!(packer.finish(), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

        #[test]
        fn times_stay_in_order_and_within_the_sound(
            stretches in prop::collection::vec((0u64..100_000, 1600usize..60_000), 1..9),
            moments in prop::collection::vec(0.0f64..12.0, 2..6),
        ) {
            let (mut packer, mut at) = (Packer::default(), 0);
            let mut windows = Vec::new();
            for (gap, len) in stretches {
                windows.extend(packer.add(at + gap, &vec![0.0; len]));
                at += gap + len as u64;
            }
            windows.extend(packer.finish());
            let mut moments = moments;
            moments.sort_by(f64::total_cmp);
            for window in windows {
                prop_assert!(window.seams.is_empty() || window.samples.len() <= BEST);
                for pair in moments.windows(2) {
                    let (start, end) = window.times(pair[0], pair[1]);
                    prop_assert!(window.seconds() <= start && start <= end);
                    prop_assert!(end <= at as f64 / S as f64);
                }
            }
        }

        #[test]
        fn parts_cover_the_stretch(
            lengths in prop::collection::vec((4_000usize..200_000, 1_000usize..16_000), 1..20),
        ) {
            let (mut spans, mut at) = (Vec::new(), 0);
            for (speech, pause) in lengths {
                spans.push(span(at, at + speech));
                at += speech + pause;
            }
            let whole = span(0, spans[spans.len() - 1].end);
            let parts = split(whole, &spans, &vec![0.0; whole.end]);
            prop_assert_eq!((parts[0].start, parts[parts.len() - 1].end), (0, whole.end));
            prop_assert!(parts.windows(2).all(|p| p[0].end == p[1].start));
            prop_assert!(parts.iter().all(|p| p.end - p.start <= MOST));
            for part in &parts[..parts.len() - 1] {
                prop_assert!(part.end - part.start >= LEAST);
            }
        }
    }
}
