//! Parts that each fit a number of tokens.

use engine::{Cancel, Complete, Error};

use crate::boundary::{end, floor};

/// What of a window is in the next one again: one part in so many.
const OVERLAP: usize = 8;

/// Bytes of a token at most, on average over a text: vocabularies hold few longer ones.
const LONGEST_TOKEN: usize = 64;

/// The parts of `text`, each of at most `budget` tokens (at least one character, though).
///
/// # Errors
/// Those of the model's tokenizer; [`Error::Cancelled`].
pub fn split<'t>(
    model: &dyn Complete,
    text: &'t str,
    budget: usize,
    cancel: &Cancel,
) -> Result<Vec<&'t str>, Error> {
    let mut parts = Vec::new();
    let mut rest = text;
    // Characters for each token so far: where to look for the end of the next part.
    let mut guess = budget.saturating_mul(3);
    while !rest.is_empty() {
        going(cancel)?;
        let part = longest_start(model, rest, budget, guess)?;
        guess = part.len().max(16);
        parts.push(part);
        rest = &rest[part.len()..];
    }
    Ok(parts)
}

/// Windows of `text` that overlap, so that what stands at the end of one is whole in the next;
/// each of at most `budget` tokens (at least one character, though).
///
/// # Errors
/// Those of the model's tokenizer; [`Error::Cancelled`].
pub fn windows<'t>(
    model: &dyn Complete,
    text: &'t str,
    budget: usize,
    cancel: &Cancel,
) -> Result<Vec<&'t str>, Error> {
    // A text so long that it cannot fit is not tokenised as a whole, only window by window.
    if text.len() <= budget.saturating_mul(LONGEST_TOKEN) && model.count_tokens(text)? <= budget {
        return Ok(vec![text]);
    }
    let mut found = Vec::new();
    let (mut start, mut covered, mut guess) = (0, 0, budget.saturating_mul(3));
    loop {
        going(cancel)?;
        let mut window = longest_start(model, &text[start..], budget, guess)?;
        if start + window.len() <= covered {
            // All of it stands in the window before: this one begins where that one ended.
            start = covered;
            window = longest_start(model, &text[start..], budget, guess)?;
        }
        guess = window.len().max(16);
        found.push(window);
        covered = start + window.len();
        if covered == text.len() {
            return Ok(found);
        }
        start = next_start(text, start, covered);
    }
}

fn going(cancel: &Cancel) -> Result<(), Error> {
    cancel.reason().map_or(Ok(()), |reason| Err(Error::Cancelled(reason)))
}

/// Where the window after `start..end` begins: within its end, at the start of a line or word.
fn next_start(text: &str, start: usize, end: usize) -> usize {
    let from = floor(text, end - (end - start) / OVERLAP);
    let tail = &text[from..end];
    let begin = ["\n", ". ", "。", " "]
        .iter()
        .find_map(|mark| tail.find(mark).map(|at| from + at + mark.len()))
        .unwrap_or(from);
    // Each window goes on, whatever it holds.
    if begin > start { begin.min(end) } else { end }
}

/// The longest start of `text` found to fit, ended at a good boundary. Tokens are counted a few
/// times for each part, not for each word.
fn longest_start<'t>(
    model: &dyn Complete,
    text: &'t str,
    budget: usize,
    guess: usize,
) -> Result<&'t str, Error> {
    let (mut fits, mut too_long) = (0, text.len() + 1);
    let mut at = floor(text, guess.min(text.len()));
    for _ in 0..24 {
        let tokens = model.count_tokens(&text[..at])?;
        if tokens <= budget {
            fits = at;
        } else {
            too_long = at;
        }
        let bounded = too_long <= text.len();
        // Close enough: within an eighth of the part.
        if fits == text.len() || (bounded && fits > 0 && too_long - fits <= fits / 8) {
            break;
        }
        let by_ratio = at.saturating_mul(budget) / tokens.max(1);
        let middle = fits + (too_long - fits) / 2;
        let next = match bounded {
            false => by_ratio.max(fits + 1).min(text.len()),
            true if by_ratio > fits && by_ratio < too_long => by_ratio,
            true => middle,
        };
        let next = floor(text, next);
        if next <= fits && fits > 0 {
            break;
        }
        at = next;
    }
    if fits == text.len() {
        return Ok(text);
    }
    Ok(&text[..end(text, fits)])
}

#[cfg(test)]
mod tests {
    use engine::scripted::Scripted;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn windows_cover_the_text_in_order_and_fit(
            text in "([a-zé世。]{1,6}[ .\n]{0,3}){0,80}",
            budget in 1usize..20,
        ) {
            let model = Scripted::new(100, Vec::new());
            let found = windows(&model, &text, budget, &Cancel::default()).unwrap();
            let place = |window: &str| window.as_ptr() as usize - text.as_ptr() as usize;
            let mut covered = 0;
            for window in &found {
                let start = place(window);
                prop_assert!(start <= covered, "a gap");
                prop_assert!(start + window.len() > covered || text.is_empty(), "no progress");
                covered = start + window.len();
                prop_assert!(model.count_tokens(window).unwrap() <= budget);
            }
            prop_assert_eq!(covered, text.len());
        }
    }

    #[test]
    fn what_stands_at_an_end_is_whole_in_the_next() {
        let model = Scripted::new(100, Vec::new());
        let text: String = (0..200).map(|n| format!("word{n} ")).collect();
        let found = windows(&model, &text, 40, &Cancel::default()).unwrap();
        assert!(found.len() > 4);
        for pair in found.windows(2) {
            let last = pair[0].trim_end().rsplit(' ').next().expect("a word");
            assert!(pair[1].contains(last), "{pair:?}");
        }
    }

    #[test]
    fn parts_end_where_a_reader_would_pause() {
        let model = Scripted::new(100, Vec::new());
        let text = "One two three. Four five six.\n\nSeven eight nine ten. Eleven twelve.";
        let parts = split(&model, text, 8, &Cancel::default()).unwrap();
        assert_eq!(
            parts,
            ["One two three. Four five six.\n\n", "Seven eight nine ten. Eleven twelve."]
        );
    }

    proptest! {
        #[test]
        fn nothing_is_dropped_and_every_part_fits(
            text in "([a-zé世。]{1,6}[ .\n]{0,3}){0,60}",
            budget in 1usize..20,
        ) {
            let model = Scripted::new(100, Vec::new());
            let parts = split(&model, &text, budget, &Cancel::default()).unwrap();
            prop_assert_eq!(&parts.concat(), &text);
            for part in parts {
                prop_assert!(!part.is_empty());
                prop_assert!(model.count_tokens(part).unwrap() <= budget);
            }
        }
    }
}
