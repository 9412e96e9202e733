//! Long texts are tokenized window by window: the time that a tokenizer takes may grow with the
//! square of the longest word, and a word of megabytes is one line of a hostile input.

/// Bytes of a window, at most: one of a single word then takes a few milliseconds.
const WINDOW: usize = 4 << 10;

/// The windows of `text`, in order; together they are the text.
///
/// A window ends before a space between two letters, where no pre-tokenizer joins what stands
/// on either side, so that the tokens are those of the whole; only in text without such a place
/// it ends between any two characters.
pub(crate) fn windows(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (window, after) = rest.split_at(end(rest));
        rest = after;
        (!window.is_empty()).then_some(window)
    })
}

fn end(text: &str) -> usize {
    if text.len() <= WINDOW {
        return text.len();
    }
    let most = (0..=WINDOW).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
    let head = &text[..most];
    let between_letters = |&(at, _): &(usize, &str)| {
        let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
        letter(head[..at].chars().next_back()) && letter(head[at + 1..].chars().next())
    };
    head.rmatch_indices(' ').find(between_letters).map_or(most, |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_short_text_is_one_window() {
        assert_eq!(windows("a b").collect::<Vec<_>>(), ["a b"]);
        assert_eq!(windows("").count(), 0);
    }

    #[test]
    fn a_long_text_is_cut_before_a_space_between_letters() {
        let text = format!("{} word. next, 1 2 3{}", "x".repeat(WINDOW - 20), "y".repeat(50));
        let cut: Vec<_> = windows(&text).collect();
        assert_eq!(cut.len(), 2);
        assert!(cut[1].starts_with(" word. next"), "{}", cut[1]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(parts in prop::collection::vec("[a世 .\n]{0,9}", 0..9), times in 0usize..4000) {
            let text = parts.concat().repeat(times);
            prop_assert_eq!(windows(&text).collect::<String>(), text.clone());
            prop_assert!(windows(&text).all(|w| w.len() <= WINDOW && !w.is_empty()));
        }
    }
}
