//! Signs that a text was not really said.

use std::collections::HashSet;

/// Probability of silence above which an unsure text is doubted (Whisper paper, section 4.5).
const NO_SPEECH: f64 = 0.6;
/// Mean log-probability below which a text is unsure (ibid.).
const UNSURE: f64 = -1.0;
/// Compression ratio above which a text is repetition (ibid.).
const REPETITIVE: f64 = 2.4;
/// Texts shorter than this, in bytes, are never called repetitive: "no no no" is said.
const SHORT: usize = 48;
/// Speech has at most about this many characters a second.
const CHARS_PER_SECOND: f64 = 40.0;

/// What is said of a segment in which the model heard no speech and was unsure of its words: whisper
/// itself leaves such segments out.
pub const SILENCE: &str = "no speech";

/// Why a segment is doubted, if it is.
pub(crate) fn reason(
    text: &str,
    seconds: f64,
    no_speech: f64,
    mean_logprob: f64,
) -> Option<&'static str> {
    if !text.chars().any(char::is_alphanumeric) {
        Some("no words")
    } else if is_repetitive(text) {
        Some("repetition")
    } else if no_speech > NO_SPEECH && mean_logprob < UNSURE {
        Some(SILENCE)
    } else if mean_logprob < UNSURE {
        Some("low probability")
    } else if seconds > 0.0 && text.chars().count() as f64 > 20.0 + CHARS_PER_SECOND * seconds {
        Some("too much text for its time")
    } else {
        None
    }
}

/// Whether a text says the same over and over.
pub(crate) fn is_repetitive(text: &str) -> bool {
    text.len() >= SHORT && compression_ratio(text) > REPETITIVE
}

/// Length over the length after Lempel–Ziv parsing (LZ78, a byte and a third a phrase): about what
/// zlib gives, 1.0 to 1.6 for a sentence.
fn compression_ratio(text: &str) -> f64 {
    let bytes = text.as_bytes();
    let mut start = 0;
    let mut cost = 0.0;
    while start < bytes.len() {
        let length = longest_seen(&bytes[..start], &bytes[start..]);
        let copied = length >= 4;
        cost += if copied { 3.0 } else { 0.9 };
        start += if copied { length } else { 1 };
    }
    bytes.len() as f64 / f64::max(cost, 1.0)
}

/// Length of the longest start of `next` that occurs in `past`.
fn longest_seen(past: &[u8], next: &[u8]) -> usize {
    const KEY: usize = 4;
    let Some(key) = next.get(..KEY) else { return 0 };
    let common = |at: usize| past[at..].iter().zip(next).take_while(|(a, b)| a == b).count();
    let starts: HashSet<usize> =
        past.windows(KEY).enumerate().filter(|(_, w)| *w == key).map(|(i, _)| i).collect();
    starts.into_iter().map(common).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_are_repetitive_and_speech_is_not() {
        assert!(is_repetitive(&"Thank you for watching. ".repeat(8)));
        assert!(is_repetitive(&"ha".repeat(60)));
        for said in [
            "And so, my fellow Americans, ask not what your country can do for you, ask what you \
             can do for your country.",
            "No, no, no, no.",
            "One two three four five six seven eight nine ten, one two three four five six.",
            "Press one to mute or unmute yourself. Press two to lock or unlock the conference. \
             Press three to eject the last user. Press four to decrease the volume.",
        ] {
            assert!(!is_repetitive(said), "{said}: {}", compression_ratio(said));
        }
    }

    #[test]
    fn silence_needs_both_signs() {
        assert_eq!(reason("♪ ♪", 2.0, 0.1, -0.1), Some("no words"));
        assert_eq!(reason("Thank you.", 2.0, 0.9, -1.4), Some("no speech"));
        assert_eq!(reason("Thank you.", 2.0, 0.9, -0.3), None);
        assert_eq!(reason("Thank you.", 2.0, 0.1, -1.4), Some("low probability"));
        assert_eq!(
            reason("Quite varied text, though: ", 0.1, 0.0, -0.1),
            Some("too much text for its time")
        );
    }
}
