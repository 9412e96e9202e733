//! A summary of the text's own sentences, chosen without a generator.

use std::ops::Range;

use engine::{Cancel, Embed, Error};

use crate::lexrank::Graph;
use crate::sentences::sentences;
use crate::terms::{Vector, Weights};

/// Sentences ranked against each other at a time: the graph has the square of it.
const MOST_RANKED: usize = 800;

/// How far a sentence may say what another one in the summary says already.
const MOST_ALIKE: f32 = 0.6;

/// Weight of the embeddings' cosine beside that of the words.
const MEANING: f32 = 0.5;

/// How much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// Words at most; at least one sentence.
    Words(usize),
    /// So many sentences.
    Sentences(usize),
}

/// The chosen sentences, in the order of the text, and what choosing took.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Chosen {
    pub(crate) spans: Vec<Range<usize>>,
    pub(crate) tokens: u64,
}

/// Chooses sentences of `text`.
///
/// Longer texts than the graph can hold are ranked block by block, by their words; the best of
/// the blocks are then ranked against each other.
///
/// # Errors
/// Those of the embedder; [`Error::Cancelled`].
pub(crate) fn choose(
    text: &str,
    length: Length,
    embedder: Option<&dyn Embed>,
    cancel: &Cancel,
) -> Result<Chosen, Error> {
    let mut spans: Vec<Range<usize>> = sentences(text);
    let whole: Vec<Range<usize>> =
        spans.iter().filter(|span| is_statement(&text[(*span).clone()])).cloned().collect();
    if !whole.is_empty() {
        spans = whole;
    }
    while spans.len() > MOST_RANKED {
        let mut best = Vec::new();
        for block in spans.chunks(MOST_RANKED) {
            if let Some(reason) = cancel.reason() {
                return Err(Error::Cancelled(reason));
            }
            let some = Length::Sentences(block.len().div_ceil(10));
            let ranked = Ranked::new(text, block, None, cancel)?;
            best.extend(ranked.select(some).into_iter().map(|at| block[at].clone()));
        }
        spans = best;
    }
    let ranked = Ranked::new(text, &spans, embedder, cancel)?;
    let chosen = ranked.select(length).into_iter().map(|at| spans[at].clone()).collect();
    Ok(Chosen { spans: chosen, tokens: ranked.tokens })
}

/// Whether a sentence can stand in a summary: not a heading, a question, or a scrap.
fn is_statement(sentence: &str) -> bool {
    let words = word_count(sentence);
    words >= 4 && !sentence.ends_with(['?', '？', ':', '：'])
}

/// Words, as people count them; two characters of a script without spaces are one.
pub(crate) fn word_count(text: &str) -> usize {
    let dense = |c: &char| {
        matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{0e00}'..='\u{0eff}')
            && c.is_alphanumeric()
    };
    let without = text.chars().filter(dense).count().div_ceil(2);
    let spaced = |word: &&str| word.chars().any(|c| c.is_alphanumeric() && !dense(&c));
    let words = text.split_whitespace().filter(spaced);
    words.count() + without
}

struct Ranked {
    graph: Graph,
    scores: Vec<f64>,
    words: Vec<usize>,
    tokens: u64,
}

impl Ranked {
    fn new(
        text: &str,
        spans: &[Range<usize>],
        embedder: Option<&dyn Embed>,
        cancel: &Cancel,
    ) -> Result<Self, Error> {
        let parts: Vec<&str> = spans.iter().map(|span| &text[span.clone()]).collect();
        let weights = Weights::of(&parts);
        let vectors: Vec<Vector> = parts.iter().map(|part| weights.vector(part)).collect();
        let (meanings, tokens) = match embedder {
            Some(embedder) => meanings(embedder, &parts, cancel)?,
            None => (Vec::new(), 0),
        };
        let graph = Graph::new(parts.len(), |i, j| {
            let words = vectors[i].cosine(&vectors[j]);
            match (meanings.get(i), meanings.get(j)) {
                (Some(a), Some(b)) => (1.0 - MEANING) * words + MEANING * dot(a, b).max(0.0),
                _ => words,
            }
        });
        let scores = graph.centrality(&lead(parts.len()));
        let words = parts.iter().map(|part| word_count(part)).collect();
        Ok(Self { graph, scores, words, tokens })
    }

    /// The sentences to take, in the order of the text: the most central first, as long as they
    /// fit and none says what another one says already.
    fn select(&self, length: Length) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.scores.len()).collect();
        order.sort_by(|&a, &b| self.scores[b].total_cmp(&self.scores[a]));
        let mut chosen: Vec<usize> = Vec::new();
        let mut words = 0;
        for at in order {
            let fits = match length {
                Length::Sentences(most) => chosen.len() < most,
                Length::Words(most) => chosen.is_empty() || words + self.words[at] <= most,
            };
            let new = chosen.iter().all(|&other| self.graph.between(at, other) <= MOST_ALIKE);
            if fits && new {
                words += self.words[at];
                chosen.push(at);
            }
        }
        chosen.sort_unstable();
        chosen
    }
}

/// Where a reader who jumps begins: texts say first what they are about.
#[expect(clippy::cast_precision_loss, reason = "numbers of sentences")]
fn lead(n: usize) -> Vec<f64> {
    let weights: Vec<f64> = (0..n).map(|at| 1.0 / (at as f64 + 1.0)).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

fn meanings(
    embedder: &dyn Embed,
    parts: &[&str],
    cancel: &Cancel,
) -> Result<(Vec<Vec<f32>>, u64), Error> {
    // A token is a byte at least, so this always fits; of a longer sentence it is the beginning.
    let most = embedder.model().context.saturating_sub(8).max(1);
    let short: Vec<&str> = parts.iter().map(|part| beginning(part, most)).collect();
    let found = embedder.embed(&short, cancel)?;
    let tokens = found.iter().map(|one| one.tokens as u64).sum();
    Ok((found.into_iter().map(|one| one.vector).collect(), tokens))
}

fn beginning(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    &text[..end]
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use engine::Cancel;
    use engine::scripted::Scripted;
    use proptest::prelude::*;

    use super::*;

    const NOTES: &str = "The pump at the well broke on Tuesday night. Anna likes green tea a lot. \
        The broken pump was found by the mayor at the well. The pump at the well broke again on \
        Tuesday night. The mayor will pay for a new pump at the well. Was it old?";

    fn texts(length: Length) -> Vec<&'static str> {
        let chosen = choose(NOTES, length, None, &Cancel::default()).unwrap();
        chosen.spans.into_iter().map(|span| &NOTES[span]).collect()
    }

    #[test]
    fn what_others_say_too_is_chosen_once_and_in_order() {
        let found = texts(Length::Sentences(3));
        assert_eq!(found.len(), 3);
        assert!(!found.contains(&"Anna likes green tea a lot."), "{found:?}");
        assert_eq!(found.iter().filter(|s| s.contains("Tuesday")).count(), 1, "{found:?}");
        let places: Vec<_> = found.iter().map(|s| NOTES.find(s)).collect();
        assert!(places.is_sorted());
    }

    #[test]
    fn words_are_a_limit_but_one_sentence_there_always_is() {
        assert_eq!(texts(Length::Words(1)).len(), 1);
        let found = texts(Length::Words(22));
        assert!(found.iter().map(|s| word_count(s)).sum::<usize>() <= 22 && found.len() == 2);
    }

    #[test]
    fn an_embedder_takes_part_and_is_counted() {
        let model = Scripted::new(512, Vec::new());
        let length = Length::Sentences(2);
        let chosen = choose(NOTES, length, Some(&model), &Cancel::default()).unwrap();
        assert_eq!(chosen.spans.len(), 2);
        assert!(chosen.tokens > 30);
    }

    #[test]
    fn texts_beyond_the_graph_are_ranked_in_blocks() {
        let mut text: String =
            (0..3000).map(|n| format!("Item number {n} of type x{n} is here. ")).collect();
        text.push_str("The pump is broken and the pump is old.");
        let length = Length::Sentences(5);
        let chosen = choose(&text, length, None, &Cancel::default()).unwrap();
        assert_eq!(chosen.spans.len(), 5);
        let none = choose("", length, None, &Cancel::default()).unwrap();
        assert_eq!(none, Chosen::default());
    }

    #[test]
    fn words_are_counted_in_scripts_without_spaces_too() {
        assert_eq!(word_count("two words - 3"), 3);
        assert_eq!(word_count("水泵坏了。"), 2);
    }

    proptest! {
        #[test]
        fn any_text_gives_spans_of_itself(text in "([a-zé世?]{1,5}[ .\n]{0,2}){0,60}", most in 1usize..9) {
            let length = Length::Sentences(most);
            let chosen = choose(&text, length, None, &Cancel::default()).unwrap();
            prop_assert!(chosen.spans.len() <= most);
            prop_assert_eq!(chosen.spans.is_empty(), text.trim().is_empty());
            prop_assert!(chosen.spans.iter().all(|s| text.get(s.clone()).is_some()));
        }
    }
}
