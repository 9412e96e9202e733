use std::ops::Range;

/// What stands in a text in place of something private: `<PERSON_1>`, `<EMAIL_0f3a91c2d4e5>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placeholder {
    /// Where, in bytes.
    pub range: Range<usize>,
}

/// Bytes of the longest one: a kind, and 64 hexadecimal digits.
const LONGEST: usize = 130;

/// The length of the placeholder at the start of `text`: `<`, capitals, digits and underscores, an
/// underscore or `#`, a number or at least 12 hexadecimal digits, `>`.
pub fn placeholder_at(text: &[u8]) -> Option<usize> {
    if text.first() != Some(&b'<') || !text.get(1)?.is_ascii_uppercase() {
        return None;
    }
    let end = text.iter().take(LONGEST).position(|b| *b == b'>')?;
    let inside = &text[1..end];
    let cut = inside.iter().rposition(|b| matches!(b, b'_' | b'#'))?;
    let (kind, number) = (&inside[..cut], &inside[cut + 1..]);
    let named = kind.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_');
    let numbered =
        !number.is_empty() && number.len() <= 19 && number.iter().all(u8::is_ascii_digit);
    let small = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let hashed = number.len() >= 12 && number.iter().all(small);
    (named && !kind.is_empty() && (numbered || hashed)).then_some(end + 1)
}

/// Every placeholder of a text, from left to right.
pub fn placeholders(text: &str) -> Vec<Placeholder> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = bytes[at..].iter().position(|b| *b == b'<') {
        at += next;
        match placeholder_at(&bytes[at..]) {
            Some(length) => {
                found.push(Placeholder { range: at..at + length });
                at += length;
            }
            None => at += 1,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_have_a_kind_and_a_number() {
        let text = "a <PERSON_1>, <NATIONAL_ID_12> <EMAIL_0123456789ab> <IP#0123456789abcdef> b";
        let found: Vec<&str> = placeholders(text).iter().map(|p| &text[p.range.clone()]).collect();
        assert_eq!(
            found,
            ["<PERSON_1>", "<NATIONAL_ID_12>", "<EMAIL_0123456789ab>", "<IP#0123456789abcdef>"]
        );
        for not in
            ["<P>", "<PERSON>", "<person_1>", "<PERSON_1", "<_1>", "<PERSON_x>", "<<<", "<A_>"]
        {
            assert!(placeholders(not).is_empty(), "{not}");
        }
    }
}
