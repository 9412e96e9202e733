//! What each sentence of a summary rests on, and what becomes of one that says more.

use std::ops::Range;

use serde::Serialize;

use crate::facts::Facts;
use crate::sentences::sentences;
use crate::style::Style;
use crate::terms::{Vector, Weights, terms};

/// Share of a sentence's words, by weight, that its evidence must have for the sentence to count
/// as supported.
const SUPPORT: f32 = 1.0 / 3.0;

/// The part of the source that a sentence of the summary rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Evidence {
    /// The record that it stands in, where several were summarized together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// Where it begins in the text, in bytes.
    pub(crate) start: usize,
    /// Where it ends.
    pub(crate) end: usize,
    /// Share of the sentence's words that it has, weighted by how rare they are, 0 to 1.
    pub(crate) score: f64,
    /// Numbers and names that the model wrote and the text does not have: the sentence stands in
    /// for the model's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) unsupported: Vec<String>,
}

impl Evidence {
    /// A sentence of the source itself.
    pub(crate) fn own(span: Range<usize>) -> Self {
        Self { id: None, start: span.start, end: span.end, score: 1.0, unsupported: Vec::new() }
    }
}

/// A summary that was held against its source.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Grounded {
    pub(crate) summary: String,
    /// One for each sentence, in order.
    pub(crate) evidence: Vec<Evidence>,
    /// Share of the model's sentences that stood.
    pub(crate) confidence: f64,
}

/// A text's sentences, ready to be asked which of them supports another.
struct Source<'t> {
    text: &'t str,
    spans: Vec<Range<usize>>,
    vectors: Vec<Vector>,
    weights: Weights,
    facts: Facts,
}

impl<'t> Source<'t> {
    fn new(text: &'t str) -> Self {
        let spans = sentences(text);
        let parts: Vec<&str> = spans.iter().map(|span| &text[span.clone()]).collect();
        let weights = Weights::of(&parts);
        let vectors = parts.iter().map(|part| weights.vector(part)).collect();
        Self { text, vectors, weights, facts: Facts::of(text), spans }
    }

    /// The sentence that has most of `sentence`, and how much: the first of equals.
    fn best(&self, sentence: &str) -> Option<(Range<usize>, f32)> {
        let terms = terms(sentence);
        let mut best: Option<(usize, f32)> = None;
        for (at, vector) in self.vectors.iter().enumerate() {
            let score = self.weights.share(&terms, vector);
            if best.is_none_or(|(_, most)| score > most) {
                best = Some((at, score));
            }
        }
        best.map(|(at, score)| (self.spans[at].clone(), score))
    }
}

/// Holds each sentence of `summary` against `text`. One with numbers or names that the text does
/// not have is replaced by the sentence of the text that is nearest to it.
///
/// `names` says whether names are looked at: not when the summary is in another language.
pub(crate) fn ground(text: &str, summary: &str, style: Style, names: bool) -> Grounded {
    let source = Source::new(text);
    let mut evidence: Vec<Evidence> = Vec::new();
    let mut grounded = String::new();
    let (mut stood, mut all, mut written) = (0, 0, 0);
    for span in parts(summary, style) {
        let sentence = &summary[span.clone()];
        let Some((found, score)) = source.best(sentence) else { continue };
        all += 1;
        let unsupported = source.facts.unsupported(sentence, names);
        if unsupported.is_empty() {
            stood += usize::from(score >= SUPPORT);
            grounded.push_str(&summary[written..span.end]);
            evidence.push(Evidence { score: rounded(score), ..Evidence::own(found) });
        } else if let Some(there) =
            evidence.iter_mut().find(|there| (there.start, there.end) == (found.start, found.end))
        {
            there.unsupported.extend(unsupported);
        } else {
            grounded.push_str(&summary[written..span.start]);
            let own = source.text[found.clone()].split_whitespace().collect::<Vec<_>>().join(" ");
            grounded.push_str(style.item(&own));
            evidence.push(Evidence { unsupported, ..Evidence::own(found) });
        }
        written = span.end;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of sentences")]
    let confidence = if all == 0 { 0.0 } else { rounded(stood as f32 / all as f32) };
    Grounded { summary: grounded.trim().to_owned(), evidence, confidence }
}

/// The sentences of a summary; the points of a list, without what marks them.
fn parts(summary: &str, style: Style) -> Vec<Range<usize>> {
    match style {
        Style::Sentence => sentences(summary),
        Style::Headline => std::iter::once(0..summary.len()).collect(),
        Style::Bullets => {
            let mut at = 0;
            let mut parts = Vec::new();
            for line in summary.split_inclusive('\n') {
                let point = line.trim().trim_start_matches("- ");
                if let Some(start) = line.find(point).filter(|_| !point.is_empty()) {
                    parts.push(at + start..at + start + point.len());
                }
                at += line.len();
            }
            parts
        }
    }
}

/// Three digits are more than such a share means.
fn rounded(share: f32) -> f64 {
    (f64::from(share) * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "The pump broke on Tuesday. Mr. Berger repairs it on Thursday for 1,240 \
        euros.\nNobody was hurt.";

    #[test]
    fn each_sentence_has_its_span() {
        let summary = "A pump broke Tuesday. The repair by Berger costs 1240 euros.";
        let found = ground(TEXT, summary, Style::Sentence, true);
        assert_eq!(found.summary, summary);
        let spans: Vec<&str> = found.evidence.iter().map(|e| &TEXT[e.start..e.end]).collect();
        assert_eq!(spans[0], "The pump broke on Tuesday.");
        assert!(spans[1].starts_with("Mr. Berger") && spans[1].ends_with("euros."));
        assert!((found.confidence - 1.0).abs() < 1e-9);
        assert!(found.evidence.iter().all(|e| e.unsupported.is_empty() && e.score > 0.3));
    }

    #[test]
    fn what_the_text_does_not_say_is_replaced_by_what_it_says() {
        let summary =
            "A pump broke Tuesday. The repair by Keller costs 950 euros. Nobody was hurt.";
        let found = ground(TEXT, summary, Style::Sentence, true);
        assert_eq!(
            found.summary,
            "A pump broke Tuesday. Mr. Berger repairs it on Thursday for 1,240 euros. Nobody was hurt."
        );
        assert_eq!(found.evidence[1].unsupported, ["950", "Keller"]);
        assert!((found.evidence[1].score - 1.0).abs() < 1e-9);
        assert!((found.confidence - 0.667).abs() < 1e-9);
    }

    #[test]
    fn a_sentence_does_not_stand_in_twice() {
        let summary = "The repair costs 950 euros. The repair costs 960 euros.";
        let found = ground(TEXT, summary, Style::Sentence, true);
        assert_eq!(found.summary, "Mr. Berger repairs it on Thursday for 1,240 euros.");
        assert_eq!(found.evidence[0].unsupported, ["950", "960"]);
        assert!(found.confidence.abs() < 1e-9);
    }

    #[test]
    fn points_keep_their_marks() {
        let summary = "- The pump broke.\n- It costs 7 euros.";
        let found = ground(TEXT, summary, Style::Bullets, true);
        assert_eq!(
            found.summary,
            "- The pump broke.\n- Mr. Berger repairs it on Thursday for 1,240 euros."
        );
        assert_eq!(found.evidence.len(), 2);
    }

    #[test]
    fn a_sentence_about_nothing_in_the_text_lowers_the_confidence() {
        let found = ground(TEXT, "it is sunny everywhere today", Style::Headline, true);
        assert!(found.confidence.abs() < 1e-9);
        assert_eq!(ground("", "", Style::Sentence, true).evidence, []);
    }
}
