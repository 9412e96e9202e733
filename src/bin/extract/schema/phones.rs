//! Phone numbers, and E.164.

use std::ops::Range;

use phonenumber::Mode;
use phonenumber::country::Id;

/// Bytes of a phone number with all that people put into it.
const MAX_BYTES: usize = 40;

/// Digits of one, at least; fewer are a house number.
const MIN_DIGITS: usize = 5;

/// The number in E.164; none for what is no valid number, or needs a region and has none.
pub(crate) fn e164(folded: &str, region: Option<Id>) -> Option<String> {
    let number = folded.trim();
    let fits = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | '/' | '(' | ')' | ' ');
    if number.len() > MAX_BYTES || !number.chars().all(fits) {
        return None;
    }
    // 00 is dialled for + in most of the world; (0) is not dialled from abroad.
    let number = match number.strip_prefix("00") {
        Some(rest) if !rest.starts_with('0') => format!("+{rest}"),
        _ => number.to_owned(),
    };
    let number = if number.starts_with('+') { number.replace("(0)", "") } else { number };
    let region = if number.starts_with('+') { None } else { Some(region?) };
    let parsed = phonenumber::parse(region, number.replace('/', " ")).ok()?;
    parsed.is_valid().then(|| parsed.format().mode(Mode::E164).to_string())
}

/// Its digits.
pub(crate) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// What may be phone numbers in a folded text.
pub(crate) fn candidates(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let begins = |b: &u8| b.is_ascii_digit() || *b == b'+' || *b == b'(';
            at += bytes[at..].iter().position(begins)?;
            let start = at;
            let within = |b: &&u8| {
                b.is_ascii_digit() || matches!(**b, b'+' | b'-' | b'.' | b'/' | b'(' | b')' | b' ')
            };
            at += bytes[at..].iter().take_while(within).count();
            let run = &text[start..at];
            let end = run.rfind(|c: char| c.is_ascii_digit()).map_or(0, |last| last + 1);
            let fits = end <= MAX_BYTES && digits(&run[..end.min(run.len())]).len() >= MIN_DIGITS;
            if fits {
                return Some(start..start + end);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_of_a_region_and_one_of_the_world() {
        let germany = Some(Id::DE);
        for text in [
            "030 901820",
            "(030) 90 18 20",
            "+49 30 901820",
            "0049 30 901820",
            "+49 (0) 30 901820",
            "030/901820",
        ] {
            assert_eq!(e164(text, germany).as_deref(), Some("+4930901820"), "{text}");
        }
        assert_eq!(e164("+1 (650) 253-0000", None).as_deref(), Some("+16502530000"));
        assert_eq!(e164("650-253-0000", Some(Id::US)).as_deref(), Some("+16502530000"));
        for bad in ["030 901820", "", "+", "call me", "+49 30 12", &"1".repeat(5000)] {
            assert_eq!(e164(bad, None), None, "{bad}");
        }
    }

    #[test]
    fn runs_of_digits_are_candidates() {
        let text = "call +49 30 901820, or 030/901820. room 12";
        let all: Vec<&str> = candidates(text).map(|range| &text[range]).collect();
        assert_eq!(all, ["+49 30 901820", "030/901820"]);
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "[0-9+()./ -]{0,45}") {
            if let Some(number) = e164(&text, Some(Id::DE)) {
                prop_assert!(number.starts_with('+') && number.len() <= 20, "{number}");
            }
            prop_assert!(candidates(&text).all(|range| text.get(range).is_some()));
        }
    }
}
