//! What whisper.cpp decoded, as segments and words.

use engine::{Segment, Word};
use whisper_rs::{WhisperSegment, WhisperState, WhisperTokenId};

use crate::suspect;

/// Languages written without spaces: there a word is what a token completes.
const UNSPACED: [&str; 6] = ["zh", "ja", "th", "lo", "my", "yue"];

/// What to read out of a state.
pub(crate) struct Reading<'a> {
    /// Text tokens are below this one.
    pub eot: WhisperTokenId,
    /// Seconds of the clip; no time is later.
    pub seconds: f64,
    /// Whether words are wanted.
    pub words: bool,
    /// What was spoken.
    pub language: &'a str,
}

/// A token of text.
struct Token<'a> {
    bytes: &'a [u8],
    probability: f64,
    logprob: f64,
    start: f64,
    end: f64,
}

/// The segments with text, and the number of text tokens.
pub(crate) fn read(state: &WhisperState, reading: &Reading<'_>) -> (Vec<Segment>, usize) {
    let mut count = 0;
    let mut segments = Vec::new();
    for segment in state.as_iter() {
        let time = |hundredths: i64| (hundredths as f64 / 100.0).clamp(0.0, reading.seconds);
        let (start, end) = (time(segment.start_timestamp()), time(segment.end_timestamp()));
        let no_speech = f64::from(segment.no_speech_probability());
        with_tokens(&segment, reading, &time, |tokens| {
            count += tokens.len();
            segments.extend(assemble(tokens, (start, end.max(start)), no_speech, reading));
        });
    }
    (segments, count)
}

fn with_tokens(
    segment: &WhisperSegment<'_>,
    reading: &Reading<'_>,
    time: &dyn Fn(i64) -> f64,
    use_them: impl FnOnce(&[Token<'_>]),
) {
    let handles: Vec<_> = (0..segment.n_tokens()).filter_map(|i| segment.get_token(i)).collect();
    let tokens: Vec<Token<'_>> = handles
        .iter()
        .filter(|t| t.token_id() < reading.eot)
        .map(|t| {
            let data = t.token_data();
            Token {
                bytes: t.to_bytes().unwrap_or_default(),
                probability: f64::from(data.p),
                logprob: f64::from(data.plog),
                start: time(data.t0),
                end: time(data.t1),
            }
        })
        .collect();
    use_them(&tokens);
}

fn assemble(
    tokens: &[Token<'_>],
    (start, end): (f64, f64),
    no_speech: f64,
    reading: &Reading<'_>,
) -> Option<Segment> {
    let text = text(tokens);
    if text.is_empty() {
        return None;
    }
    let n = tokens.len() as f64;
    let mean_logprob = tokens.iter().map(|t| t.logprob).sum::<f64>() / n;
    Some(Segment {
        start,
        end,
        confidence: mean_probability(tokens),
        no_speech,
        mean_logprob,
        suspect: suspect::reason(&text, end - start, no_speech, mean_logprob).map(str::to_owned),
        words: if reading.words { words(tokens, reading.language) } else { Vec::new() },
        text,
    })
}

/// Text of tokens: characters may be spread over several, so bytes are joined before decoding.
fn text(tokens: &[Token<'_>]) -> String {
    let bytes: Vec<u8> = tokens.iter().flat_map(|t| t.bytes).copied().collect();
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

fn mean_probability(tokens: &[Token<'_>]) -> f64 {
    let sum: f64 = tokens.iter().map(|t| t.probability).sum();
    (sum / tokens.len().max(1) as f64).clamp(0.0, 1.0)
}

fn words(tokens: &[Token<'_>], language: &str) -> Vec<Word> {
    let spaced = !UNSPACED.contains(&language);
    let mut groups: Vec<std::ops::Range<usize>> = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        let begins = if spaced {
            token.bytes.first() == Some(&b' ')
        } else {
            groups.last().is_none_or(|g| {
                let so_far: Vec<u8> =
                    tokens[g.clone()].iter().flat_map(|t| t.bytes).copied().collect();
                std::str::from_utf8(&so_far).is_ok()
            })
        };
        match groups.last_mut() {
            Some(group) if !begins => group.end = i + 1,
            _ => groups.push(i..i + 1),
        }
    }
    let word = |group: std::ops::Range<usize>| {
        let tokens = &tokens[group];
        let (first, last) = (tokens.first()?, tokens.last()?);
        let word = text(tokens);
        let confidence = mean_probability(tokens);
        (!word.is_empty()).then(|| Word {
            start: first.start,
            end: last.end.max(first.start),
            word,
            confidence,
        })
    };
    groups.into_iter().filter_map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(bytes: &[u8], start: f64) -> Token<'_> {
        Token { bytes, probability: 0.5, logprob: -0.7, start, end: start + 0.5 }
    }

    #[test]
    fn characters_split_over_tokens_are_whole_again() {
        let tokens = [token(b" na\xc3", 0.0), token(b"\xafve", 0.5), token(b" caf\xc3\xa9,", 1.0)];
        assert_eq!(text(&tokens), "naïve café,");
        let words = words(&tokens, "fr");
        let texts: Vec<&str> = words.iter().map(|w| w.word.as_str()).collect();
        assert_eq!(texts, ["naïve", "café,"]);
        assert_eq!((words[0].start, words[0].end), (0.0, 1.0));
    }

    #[test]
    fn broken_characters_become_replacements_only_where_they_are() {
        assert_eq!(text(&[token(b" a\xff", 0.0), token(b"b", 0.1)]), "a\u{fffd}b");
    }

    #[test]
    fn unspaced_languages_have_words_of_whole_characters() {
        let tokens = [token("今".as_bytes(), 0.0), token(b"\xe6\x97", 0.5), token(b"\xa5", 0.9)];
        let texts: Vec<String> = words(&tokens, "ja").into_iter().map(|w| w.word).collect();
        assert_eq!(texts, ["今", "日"]);
    }
}
