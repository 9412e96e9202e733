//! How much of the encoder's context a clip needs.

/// Encoder positions of a full window of 30 s.
pub(crate) const FULL: usize = 1500;
/// Samples that one encoder position stands for: 20 ms.
pub(crate) const SAMPLES_PER_POSITION: usize = 320;
/// How much silence the encoder hears after a clip: the model was trained on padded windows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Padding {
    /// Positions after the clip.
    margin: usize,
    /// Positions in all, at the least.
    least: usize,
}

/// For writing down what was said. Words wrong over 79 clips with tiny.en: 4.12 % with a margin of
/// 128, 3.94 % with 64, 4.03 % with 48 and 32, 4.99 % with 16, and 5.95 % with 192 positions at the
/// least; fewer cost less time and memory.
pub(crate) const WRITING: Padding = Padding { margin: 48, least: 384 };
/// For telling which of some phrases was said: of 88 recordings as many are told right as with the
/// padding for [`WRITING`], in half of the time.
pub(crate) const SPOTTING: Padding = Padding { margin: 112, least: 160 };
/// Attention runs in blocks of this many positions.
const MULTIPLE: usize = 16;
/// whisper.cpp keeps keys and values for a multiple of so many positions.
const KEPT: usize = 256;

/// Encoder positions for a clip of `samples`, at most `full`.
pub(crate) fn positions(samples: usize, padding: Padding, full: usize) -> usize {
    let clip = samples.div_ceil(SAMPLES_PER_POSITION);
    (clip + padding.margin).max(padding.least).next_multiple_of(MULTIPLE).min(full)
}

/// Encoder positions that a model is loaded with, of its `full` number, when no clip is longer than
/// `longest` samples: all that the memory for these has room for.
pub(crate) fn held(longest: usize, full: usize) -> usize {
    let most = positions(longest, WRITING, full).max(positions(longest, SPOTTING, full));
    most.next_multiple_of(KEPT).min(full)
}

/// Tokens of a vocabulary of English alone; others have one for each language more.
const ENGLISH: usize = 51_864;
/// Decoder positions that are enough for English of up to [`crate::LONGEST_CHUNK`]: whisper.cpp
/// gives half of them to the text, ten tokens a second.
const SPOKEN: usize = 256;

/// Texts followed side by side where `asked` are asked for, by a decoder of so many positions. Each
/// takes memory for all of them.
pub(crate) fn beams(asked: u8, positions: usize) -> u8 {
    if positions > SPOKEN { asked.min(2) } else { asked }
}

/// Decoder positions that a model of `vocabulary` tokens is loaded with, of its `full` number, when
/// no clip is longer than `longest` samples. All are kept where the prompt may need more than half
/// of them, and for other languages, in which a letter may be a token.
pub(crate) fn spoken(longest: usize, prompt: &str, vocabulary: usize, full: usize) -> usize {
    // A token has at least a byte; the prompt has a space before it.
    let brief = prompt.len() + 1 < SPOKEN / 2;
    if longest <= crate::LONGEST_CHUNK && brief && vocabulary == ENGLISH {
        SPOKEN.min(full)
    } else {
        full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_the_clip_with_a_margin_and_never_exceeds_the_model() {
        for samples in (0..=480_000).step_by(1777) {
            let n = positions(samples, WRITING, FULL);
            assert!(n == FULL || n * SAMPLES_PER_POSITION >= samples + WRITING.margin * 320);
            assert!((WRITING.least..=FULL).contains(&n));
            assert!((n..=FULL).contains(&held(samples, FULL)));
        }
        assert_eq!(positions(480_000, WRITING, FULL), FULL);
        assert_eq!(positions(1, WRITING, 200), 200);
    }
}
