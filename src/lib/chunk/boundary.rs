//! Where a reader would pause.

/// Where a text may be split, from the best place to the last resort.
const BOUNDARIES: [&[&str]; 4] =
    [&["\n\n"], &["\n"], &[". ", "! ", "? ", "。", "！", "？"], &[" "]];

/// The parts of `text`, each of at most `most` bytes (at least one character, though), ended at a
/// boundary in its second half where there is one. Together they are the text.
pub fn pieces(text: &str, most: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (part, after) = rest.split_at(end(rest, most));
        rest = after;
        (!part.is_empty()).then_some(part)
    })
}

/// The end of a first part of about `most` bytes: at least a character, however many bytes it has.
pub(crate) fn end(text: &str, most: usize) -> usize {
    match floor(text, most) {
        0 => ceil(text, 1),
        all if all == text.len() => all,
        most => good_end(&text[..most]),
    }
}

/// A boundary in the second half of `part`, the best kind there is; else its end.
pub(crate) fn good_end(part: &str) -> usize {
    let half = ceil(part, part.len() / 2);
    let best = |marks: &&[&str]| {
        marks.iter().filter_map(|m| part[half..].rfind(m).map(|at| at + m.len())).max()
    };
    BOUNDARIES.iter().find_map(best).map_or(part.len(), |end| half + end)
}

/// The last boundary between characters that is not after `at`.
pub(crate) fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0)
}

/// The first boundary between characters that is not before `at`.
pub(crate) fn ceil(text: &str, at: usize) -> usize {
    (at..=text.len()).find(|&i| text.is_char_boundary(i)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::pieces;

    #[test]
    fn sentences_stay_whole_where_they_can() {
        let text = "The pump broke. It was repaired on Friday. Nobody was hurt.";
        let found: Vec<_> = pieces(text, 45).collect();
        assert_eq!(found, ["The pump broke. It was repaired on Friday. ", "Nobody was hurt."]);
        assert_eq!(pieces("水泵坏了。星期四修理。", 20).next(), Some("水泵坏了。"));
    }

    #[test]
    fn words_stay_whole_in_a_long_sentence() {
        assert_eq!(pieces("alpha beta gamma", 12).collect::<Vec<_>>(), ["alpha beta ", "gamma"]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_piece_is_too_long(text in "[aé世👩🏽 .\n]{0,80}", most in 1usize..30) {
            let found: Vec<&str> = pieces(&text, most).collect();
            prop_assert_eq!(found.concat(), text.as_str());
            let fits = |p: &&str| p.len() <= most || p.chars().count() == 1;
            prop_assert!(found.iter().all(fits), "{:?}", found);
        }
    }
}
