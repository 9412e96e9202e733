//! Cuts a text where a reader would pause.

use unicode_segmentation::UnicodeSegmentation as _;

/// The parts of `text`, each of at most `most` bytes (at least one character, though), ended after
/// a sentence where there is one in the second half of the part, else after a word (UAX #29).
/// Together they are the text.
pub(crate) fn parts(text: &str, most: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (part, after) = rest.split_at(end(rest, most));
        rest = after;
        (!part.is_empty()).then_some(part)
    })
}

fn end(text: &str, most: usize) -> usize {
    if text.len() <= most {
        return text.len();
    }
    let floor = (0..=most).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let first = text.chars().next().map_or(0, char::len_utf8);
    let window = &text[..floor.max(first)];
    let late = |at: &usize| *at > window.len() / 2;
    let sentence = window.split_sentence_bound_indices().map(|(at, _)| at).filter(late).last();
    let word = || window.split_word_bound_indices().map(|(at, _)| at).rfind(late);
    sentence.or_else(word).unwrap_or(window.len())
}

#[cfg(test)]
mod tests {
    use super::parts;
    use proptest::prelude::*;

    #[test]
    fn sentences_stay_whole_where_they_can() {
        let text = "The pump broke. It was repaired on Friday. Nobody was hurt.";
        assert_eq!(
            parts(text, 45).collect::<Vec<_>>(),
            ["The pump broke. It was repaired on Friday. ", "Nobody was hurt."]
        );
        assert_eq!(parts("水泵坏了。星期四修理。", 20).next(), Some("水泵坏了。"));
    }

    #[test]
    fn words_stay_whole_in_a_long_sentence() {
        assert_eq!(parts("alpha beta gamma", 12).collect::<Vec<_>>(), ["alpha beta ", "gamma"]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_part_is_too_long(text in "[aé世👩🏽 .\n]{0,80}", most in 1usize..30) {
            let found: Vec<&str> = parts(&text, most).collect();
            prop_assert_eq!(found.concat(), text.as_str());
            let fits = |p: &&str| p.len() <= most || p.chars().count() == 1;
            prop_assert!(found.iter().all(fits), "{:?}", found);
        }
    }
}
