//! Splits a text into parts that each fit a number of tokens. Nothing is dropped: the parts,
//! put together, are the text.

use engine::{Cancel, Complete, Error};

/// Where a text may be split, from the best place to the last resort.
const BOUNDARIES: [&[&str]; 4] =
    [&["\n\n"], &["\n"], &[". ", "! ", "? ", "。", "！", "？"], &[" "]];

/// The parts of `text`, each of at most `budget` tokens (at least one character, though).
///
/// # Errors
/// Those of the model's tokenizer; [`Error::Cancelled`].
pub(crate) fn split<'t>(
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
        if let Some(reason) = cancel.reason() {
            return Err(Error::Cancelled(reason));
        }
        let part = first_part(model, rest, budget, guess)?;
        guess = part.len().max(16);
        parts.push(part);
        rest = &rest[part.len()..];
    }
    Ok(parts)
}

/// The longest start of `text` found to fit, ended at a good boundary. Tokens are counted a few
/// times for each part, not for each word.
fn first_part<'t>(
    model: &dyn Complete,
    text: &'t str,
    budget: usize,
    guess: usize,
) -> Result<&'t str, Error> {
    let (mut fits, mut too_long) = (0, text.len() + 1);
    let mut try_at = guess.min(text.len());
    for _ in 0..24 {
        let at = floor_boundary(text, try_at);
        if at <= fits && fits > 0 {
            break;
        }
        let tokens = model.count_tokens(&text[..at])?;
        if tokens <= budget {
            fits = at;
        } else {
            too_long = at;
        }
        let bounded = too_long <= text.len();
        // Close enough: within an eighth of the budget.
        if fits == text.len() || (bounded && fits > 0 && too_long - fits <= fits / 8) {
            break;
        }
        let by_ratio = at.saturating_mul(budget) / tokens.max(1);
        let middle = fits + (too_long - fits) / 2;
        try_at = match bounded {
            false => by_ratio.max(fits + 1).min(text.len()),
            true if by_ratio > fits && by_ratio < too_long => by_ratio,
            true => middle,
        };
    }
    if fits == text.len() {
        return Ok(text);
    }
    let fits = if fits == 0 { ceil_boundary(text, 1) } else { fits };
    Ok(&text[..good_end(&text[..fits])])
}

/// A boundary in the second half of `part`, the best kind there is; else its end.
fn good_end(part: &str) -> usize {
    let half = ceil_boundary(part, part.len() / 2);
    BOUNDARIES
        .iter()
        .find_map(|marks| {
            let ends = marks.iter().filter_map(|m| part[half..].rfind(m).map(|at| at + m.len()));
            ends.max()
        })
        .map_or(part.len(), |end| half + end)
}

fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0)
}

fn ceil_boundary(text: &str, at: usize) -> usize {
    (at..=text.len()).find(|&i| text.is_char_boundary(i)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use engine::scripted::Scripted;
    use engine::{Cancel, Complete as _};
    use proptest::prelude::*;

    use super::split;

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
