//! What a model refuses as too long is asked about part by part.

use engine::Error;

use crate::boundary::end;
use crate::{MOST_BYTES, USUAL_BYTES};

/// Asks about the whole text, or, where the model says [`Error::TooLong`], about its parts in
/// order. `room` is how many of the context's tokens the text may take.
///
/// # Errors
/// Those of `ask`; [`Error::TooLong`] when not even a single character fits.
pub fn in_parts(
    text: &str,
    room: usize,
    mut ask: impl FnMut(&str) -> Result<(), Error>,
) -> Result<usize, Error> {
    let mut waiting = vec![text];
    let mut asked = 0;
    while let Some(part) = waiting.pop() {
        let (pieces, too_long) = if part.len() > room.saturating_mul(MOST_BYTES) {
            let pieces = part.len().div_ceil(room.saturating_mul(USUAL_BYTES).max(1));
            (pieces, Error::TooLong { needed: part.len() / MOST_BYTES, context: room })
        } else {
            match ask(part) {
                Ok(()) => {
                    asked += 1;
                    continue;
                }
                Err(Error::TooLong { needed, context }) => {
                    let own = needed.saturating_sub(context.saturating_sub(room));
                    // Even parts differ somewhat in their tokens.
                    let pieces = own.saturating_mul(9).div_ceil(room.saturating_mul(8).max(1));
                    (pieces, Error::TooLong { needed, context })
                }
                Err(error) => return Err(error),
            }
        };
        let cut = even_parts(part, pieces.max(2));
        if cut.len() < 2 {
            return Err(too_long);
        }
        waiting.extend(cut.into_iter().rev());
    }
    Ok(asked)
}

/// `text` in about `n` parts of about the same length, none empty, each ended where a reader would
/// pause, if there is such a place in its second half.
fn even_parts(text: &str, n: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    for left in (1..=n).rev() {
        let (part, after) = rest.split_at(end(rest, rest.len().div_ceil(left)));
        if !part.is_empty() {
            parts.push(part);
        }
        rest = after;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A model of `context` words, 3 of them taken already.
    fn ask(context: usize, seen: &mut Vec<String>) -> impl FnMut(&str) -> Result<(), Error> {
        move |text| {
            let needed = text.split_whitespace().count() + 3;
            if needed > context {
                return Err(Error::TooLong { needed, context });
            }
            seen.push(text.to_owned());
            Ok(())
        }
    }

    #[test]
    fn a_text_that_fits_is_asked_about_whole() {
        let mut seen = Vec::new();
        assert!(matches!(in_parts("one two", 5, ask(8, &mut seen)), Ok(1)));
        assert_eq!(seen, ["one two"]);
    }

    #[test]
    fn parts_end_where_a_reader_would_pause() {
        let mut seen = Vec::new();
        let text = "One two three. Four five six.\n\nSeven eight nine ten. Eleven twelve.";
        assert!(matches!(in_parts(text, 8, ask(11, &mut seen)), Ok(2)));
        assert_eq!(
            seen,
            ["One two three. Four five six.\n\n", "Seven eight nine ten. Eleven twelve."]
        );
    }

    #[test]
    fn a_character_that_does_not_fit_is_an_error() {
        let never = |_: &str| Err(Error::TooLong { needed: 9, context: 8 });
        assert!(matches!(in_parts("世界", 5, never), Err(Error::TooLong { .. })));
    }

    proptest! {
        #[test]
        fn nothing_is_dropped(
            text in "([a-zé世。]{1,6}[ .\n]{0,3}){0,80}",
            room in 1usize..20,
        ) {
            let mut seen = Vec::new();
            let asked = in_parts(&text, room, ask(room + 3, &mut seen)).unwrap();
            prop_assert_eq!(asked, seen.len());
            prop_assert_eq!(seen.concat(), text);
        }

        #[test]
        fn parts_are_never_more_than_asked_for(text in "[a世 .\n]{0,60}", n in 2usize..9) {
            let parts = even_parts(&text, n);
            prop_assert_eq!(parts.concat(), text.clone());
            prop_assert!(parts.len() <= n && parts.iter().all(|p| !p.is_empty()));
            prop_assert!(parts.len() >= 2 || text.chars().count() < 2, "{:?}", parts);
        }
    }
}
