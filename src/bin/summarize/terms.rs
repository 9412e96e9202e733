//! What two sentences have in common: words in their simplest form, weighted by how rare they
//! are.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation as _;

/// Words are compared by their first characters: endings of grammar fall away, in any language
/// that has them at the end (as good as stemmers there: `McNamee` and Mayfield 2004).
const STEM: usize = 6;

/// Lower case, without diacritics, compatibility forms made one.
pub(crate) fn folded(word: &str) -> String {
    word.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

/// The terms of a sentence, in order: the beginnings of words, and pairs of neighbours in scripts
/// that do not part words.
pub(crate) fn terms(sentence: &str) -> Vec<String> {
    let mut terms = Vec::new();
    let mut before: Option<(usize, &str)> = None;
    for (at, word) in sentence.unicode_word_indices() {
        if is_ideograph(word) {
            match before {
                Some((end, last)) if end == at => terms.push(format!("{last}{word}")),
                _ => terms.push(word.to_owned()),
            }
            before = Some((at + word.len(), word));
        } else {
            terms.push(folded(word).chars().take(STEM).collect());
        }
    }
    terms
}

fn is_ideograph(word: &str) -> bool {
    let mut chars = word.chars();
    matches!(
        (chars.next(), chars.next()),
        (Some('\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}'), None)
    )
}

/// Weights of the terms of a text: rare ones say more.
pub(crate) struct Weights {
    ids: HashMap<String, u32>,
    /// By id; at least 0.
    idf: Vec<f32>,
}

/// A sentence as weighted terms, by id in order, at length one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vector {
    weights: Vec<(u32, f32)>,
}

impl Weights {
    /// Inverse document frequency over these sentences: ln((n + 1) / (sentences with it + ½)).
    pub(crate) fn of<S: AsRef<str>>(sentences: &[S]) -> Self {
        let mut ids: HashMap<String, u32> = HashMap::new();
        let mut seen: Vec<(usize, usize)> = Vec::new();
        for (number, sentence) in sentences.iter().enumerate() {
            for term in terms(sentence.as_ref()) {
                let next = u32::try_from(ids.len()).unwrap_or(u32::MAX);
                let id = *ids.entry(term).or_insert(next) as usize;
                if id == seen.len() {
                    seen.push((usize::MAX, 0));
                }
                if let Some((last, count)) = seen.get_mut(id)
                    && *last != number
                {
                    (*last, *count) = (number, *count + 1);
                }
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "counts of sentences")]
        let weight = |count: usize| ((sentences.len() + 1) as f32 / (count as f32 + 0.5)).ln();
        let idf = seen.into_iter().map(|(_, count)| weight(count).max(0.0)).collect();
        Self { ids, idf }
    }

    /// The vector of a sentence: term frequency × inverse document frequency. Terms that the
    /// text does not have are left out.
    pub(crate) fn vector(&self, sentence: &str) -> Vector {
        let mut ids: Vec<u32> =
            terms(sentence).iter().filter_map(|term| self.ids.get(term).copied()).collect();
        ids.sort_unstable();
        let mut weights: Vec<(u32, f32)> = Vec::new();
        for id in ids {
            let idf = self.idf[id as usize];
            match weights.last_mut() {
                Some((last, weight)) if *last == id => *weight += idf,
                _ => weights.push((id, idf)),
            }
        }
        let norm = weights.iter().map(|(_, w)| w * w).sum::<f32>().sqrt();
        if norm > 0.0 {
            weights.iter_mut().for_each(|(_, w)| *w /= norm);
        }
        Vector { weights }
    }

    /// Which share of `sentence`'s weight its terms in `source` make up, 0 to 1. A term that the
    /// text does not have weighs as much as the rarest.
    pub(crate) fn share(&self, sentence: &[String], source: &Vector) -> f32 {
        let rarest = self.idf.iter().copied().fold(0.0, f32::max).max(f32::EPSILON);
        let (mut all, mut found) = (0.0, 0.0);
        for term in sentence {
            let id = self.ids.get(term).copied();
            let weight = id.map_or(rarest, |id| self.idf[id as usize]);
            all += weight;
            if id.is_some_and(|id| source.has(id)) {
                found += weight;
            }
        }
        if all > 0.0 { found / all } else { 0.0 }
    }
}

impl Vector {
    fn has(&self, id: u32) -> bool {
        self.weights.binary_search_by_key(&id, |(id, _)| *id).is_ok()
    }

    /// Cosine of two sentences, 0 to 1.
    pub(crate) fn cosine(&self, other: &Self) -> f32 {
        let (mut a, mut b) = (self.weights.iter().peekable(), other.weights.iter().peekable());
        let mut sum = 0.0;
        while let (Some((i, x)), Some((j, y))) = (a.peek(), b.peek()) {
            match i.cmp(j) {
                std::cmp::Ordering::Less => drop(a.next()),
                std::cmp::Ordering::Greater => drop(b.next()),
                std::cmp::Ordering::Equal => {
                    sum += x * y;
                    a.next();
                    b.next();
                }
            }
        }
        sum.min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_diacritics_and_endings_do_not_matter() {
        assert_eq!(terms("Réparations REPARATION"), ["repara", "repara"]);
        assert_eq!(folded("ﬁnanÇe"), "finance");
    }

    #[test]
    fn scripts_without_spaces_have_pairs() {
        assert_eq!(terms("水泵坏 ok"), ["水", "水泵", "泵坏", "ok"]);
    }

    #[test]
    fn rare_words_make_sentences_alike() {
        let text = ["the pump is old", "the pump broke", "the mayor is here", "the rain is cold"];
        let weights = Weights::of(&text);
        let vectors: Vec<Vector> = text.iter().map(|s| weights.vector(s)).collect();
        assert!(vectors[0].cosine(&vectors[1]) > 2.0 * vectors[0].cosine(&vectors[2]));
        assert!((vectors[1].cosine(&vectors[1]) - 1.0).abs() < 1e-5);
        let of = |words: &str| weights.share(&terms(words), &vectors[1]);
        assert!(of("pump broke") > 0.99 && of("mayor") < 0.01);
        assert!(of("pump exploded") < of("pump broke"));
    }
}
