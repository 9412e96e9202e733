//! What a summary looks like.

use clap::ValueEnum;
use serde::Deserialize;

use crate::sentences::sentences;

/// The form of a summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// Sentences.
    #[default]
    Sentence,
    /// A list of points, one a line, each after '- '.
    Bullets,
    /// One line.
    Headline,
}

impl Style {
    /// What the model is told of it.
    pub(crate) fn wish(self) -> &'static str {
        match self {
            Self::Sentence => "",
            Self::Bullets => " Write a list: each point on a line of its own, after '- '.",
            Self::Headline => " Write one headline: a single line.",
        }
    }

    /// A sentence as a part of such a summary: a headline has no full stop.
    pub(crate) fn item(self, sentence: &str) -> &str {
        match self {
            Self::Headline => sentence.trim_end_matches(['.', '。']),
            _ => sentence,
        }
    }

    /// Sentences of a text, put together as such a summary.
    pub(crate) fn of_sentences(self, sentences: &[String]) -> String {
        match self {
            Self::Sentence => joined(sentences),
            Self::Bullets => {
                let points: Vec<String> = sentences.iter().map(|s| format!("- {s}")).collect();
                points.join("\n")
            }
            Self::Headline => {
                sentences.first().map(|s| self.item(s).to_owned()).unwrap_or_default()
            }
        }
    }

    /// What a model answered, in the form that was asked for.
    pub(crate) fn tidy(self, answer: &str) -> String {
        let answer = answer.trim();
        match self {
            Self::Sentence => answer.to_owned(),
            Self::Bullets => {
                let points = answer.lines().map(point).filter(|point| !point.is_empty());
                points.map(|point| format!("- {point}")).collect::<Vec<_>>().join("\n")
            }
            Self::Headline => {
                let line = answer.lines().map(point).find(|line| !line.is_empty());
                let line = first_sentence(line.unwrap_or_default());
                line.trim_matches(['"', '“', '”', '*', '#', ' ', '.', '。']).to_owned()
            }
        }
    }

    /// The answer up to where it is whole, when the model was stopped in the middle.
    pub(crate) fn whole(self, cut: &str) -> &str {
        match self {
            Self::Sentence => {
                let end = cut.rfind(['.', '!', '?', '。', '！', '？']);
                let length = |at: usize| cut[at..].chars().next().map_or(0, char::len_utf8);
                end.map_or(cut, |at| &cut[..at + length(at)])
            }
            Self::Bullets => cut.rfind('\n').map_or(cut, |at| &cut[..at]),
            Self::Headline => cut,
        }
    }
}

/// A model that is asked for a headline may go on after it.
fn first_sentence(line: &str) -> &str {
    sentences(line).first().map_or(line, |span| &line[..span.end])
}

/// Sentences one after another: with a space, except after a full stop of a script without them.
fn joined(sentences: &[String]) -> String {
    let mut text = String::new();
    for sentence in sentences {
        if !text.is_empty() && !text.ends_with(['。', '！', '？']) {
            text.push(' ');
        }
        text.push_str(sentence);
    }
    text
}

/// A line without what marks it as a point of a list.
fn point(line: &str) -> &str {
    let line = line.trim();
    let rest = line.trim_start_matches(['-', '*', '•', '–']);
    if rest.len() < line.len() {
        return rest.trim();
    }
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = digits.len() < line.len() && digits.len() + 3 > line.len();
    match digits.strip_prefix(['.', ')']) {
        Some(rest) if numbered && rest.starts_with(' ') => rest.trim(),
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_list_becomes_one_kind_of_list() {
        assert_eq!(
            Style::Bullets.tidy("* One.\n\n2) Two.\n3.5 is it."),
            "- One.\n- Two.\n- 3.5 is it."
        );
        assert_eq!(Style::Headline.tidy("\n**\"The pump broke.\"**\nmore"), "The pump broke");
        assert_eq!(Style::Headline.tidy("Mr. Berger came. He left."), "Mr. Berger came");
    }

    #[test]
    fn a_cut_answer_ends_where_it_is_whole() {
        assert_eq!(Style::Sentence.whole("One. Two thr"), "One.");
        assert_eq!(Style::Sentence.whole("一。二"), "一。");
        assert_eq!(Style::Sentence.whole("no end"), "no end");
        assert_eq!(Style::Bullets.whole("- One\n- Tw"), "- One");
    }

    #[test]
    fn sentences_take_every_form() {
        let two = ["A b.".to_owned(), "C d.".to_owned()];
        assert_eq!(Style::Sentence.of_sentences(&two), "A b. C d.");
        assert_eq!(Style::Bullets.of_sentences(&two), "- A b.\n- C d.");
        assert_eq!(Style::Headline.of_sentences(&two), "A b");
        assert_eq!(Style::Sentence.of_sentences(&["一。".into(), "二。".into()]), "一。二。");
    }
}
