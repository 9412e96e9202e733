//! Phone numbers: with their country, in the ways of some countries, or after a word.

use crate::kind::Kind;
use crate::scan::Scan;
use crate::tokens::flag;
use crate::words::{ID, NO_PERSON, PHONE};

/// Digits of the longest (E.164).
const MOST: usize = 15;

/// Digits of the shortest that a rule knows.
const LEAST: usize = 6;

/// A run of digits with what people put between them.
struct Run {
    start: usize,
    /// Where groups of digits end, with the digits up to there; the first `groups` count.
    ends: [(usize, usize); MOST],
    groups: usize,
    plus: bool,
}

impl Run {
    fn ends(&self) -> &[(usize, usize)] {
        &self.ends[..self.groups]
    }
}

impl Scan<'_> {
    /// A phone number that begins with token `i`: where it ends.
    pub(crate) fn phone(&mut self, i: usize) -> Option<usize> {
        if !self.wants(Kind::Phone) || !self.tokens[i].is_number() {
            return None;
        }
        let run = self.run(i)?;
        if run.plus {
            return self.international(i, &run);
        }
        let said = self.said_within(i, PHONE, 3);
        let (end, digits) = *run.ends().iter().rev().find(|(end, _)| self.ends(*end))?;
        if digits < LEAST {
            return None;
        }
        let text = &self.text[run.start..end];
        let score = match (said, national(text, digits)) {
            _ if self.said_within(i, ID | NO_PERSON, 2) && !said => return None,
            (true, Some(_)) => 0.95,
            (true, None) => 0.8,
            (false, Some(score)) => score,
            _ => return None,
        };
        self.add((run.start, end), Kind::Phone, "phone", score).then_some(end)
    }

    fn international(&mut self, i: usize, run: &Run) -> Option<usize> {
        for (end, digits) in run.ends().iter().rev() {
            if *digits < 7 || !self.ends(*end) {
                continue;
            }
            let text = self.text[run.start..*end].replace("(0)", "").replace('/', " ");
            let text = match text.strip_prefix("00") {
                Some(rest) => format!("+{rest}"),
                None => text,
            };
            let valid = phonenumber::parse(None, &text).is_ok_and(|number| number.is_valid());
            if valid {
                let range = (run.start, *end);
                return self.add(range, Kind::Phone, "international", 0.95).then_some(*end);
            }
        }
        // In the form of one, though of no known range.
        let (end, digits) = *run.ends().last()?;
        let said = self.said_within(i, PHONE, 3);
        let score = if said { 0.85 } else { 0.55 };
        (digits >= 8 && self.add((run.start, end), Kind::Phone, "international form", score))
            .then_some(end)
    }

    fn run(&self, i: usize) -> Option<Run> {
        let first = self.tokens[i].start;
        let (mut start, mut plus) = match &self.bytes[..first] {
            [.., b'+', b'('] => (first - 2, true),
            [.., b'+'] => (first - 1, true),
            [.., b'('] => (first - 1, false),
            _ => (first, false),
        };
        let before = self.before(start);
        if (before.is_ascii_alphanumeric()
            || matches!(before, b'.' | b'/' | b'-' | b'_' | b'=') && !plus)
            && (before != b'/' && before != b'=' && before != b'.'
                || self.bytes[start.saturating_sub(2)].is_ascii_digit())
        {
            return None;
        }
        if self.word(i).starts_with("00") && !self.word(i).starts_with("000") {
            plus = true;
        }
        let mut ends = [(0, 0); MOST];
        let (mut groups, mut digits, mut at) = (0, 0, i);
        while let Some(token) = self.token(at).filter(|t| t.is_number()) {
            digits += token.len();
            if digits > MOST {
                break;
            }
            ends[groups] = (token.end, digits);
            groups += 1;
            let gap = self.gap(at);
            let short = gap.len() <= 3 && !gap.is_empty();
            if !short || !gap.bytes().all(|b| b" -./()\xc2\xa0".contains(&b)) || gap.contains(". ")
            {
                break;
            }
            at += 1;
        }
        // A parenthesis that is not closed inside is none of the number's.
        if digits < LEAST {
            return None;
        }
        let whole = &self.text[start..ends[groups.checked_sub(1)?].0];
        if whole.starts_with('(') && !whole.contains(')') {
            start += 1;
        }
        let single = self.tokens[i].has(flag::LETTER);
        (!single).then_some(Run { start, ends, groups, plus })
    }
}

/// How sure a text without a country is a phone number by its form alone.
fn national(text: &str, digits: usize) -> Option<f32> {
    if !(7..=13).contains(&digits) || text.matches('.').count() == 2 && digits == 8 {
        return None;
    }
    let groups: Vec<usize> = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|group| !group.is_empty())
        .map(str::len)
        .collect();
    let only: Vec<u8> = text.bytes().filter(u8::is_ascii_digit).collect();
    let zero = only.first() == Some(&b'0');
    match groups[..] {
        [3, 3, 4] if is_american(&only) => {
            Some(if text.contains(['-', '(', '.']) { 0.7 } else { 0.5 })
        }
        [1, 3, 3, 4] if only[0] == b'1' && is_american(&only[1..]) => Some(0.7),
        [2, 2, 2, 2, 2] if zero => Some(0.75),
        [_] if zero && (10..=12).contains(&digits) => Some(0.4),
        [_] => None,
        _ if zero && digits >= 8 && groups[0] >= 2 => Some(0.6),
        [3, 3, 3] if matches!(only[0], b'6' | b'7' | b'9') => Some(0.45),
        [3, 2, 2, 2] if matches!(only[0], b'6' | b'7' | b'9') => Some(0.55),
        [3, 7] | [3, 3, 4] | [3, 6] if only[0] == b'3' => Some(0.45),
        _ => None,
    }
}

/// The numbering plan of North America: areas and exchanges begin with 2 to 9.
fn is_american(digits: &[u8]) -> bool {
    digits.len() == 10 && digits[0] >= b'2' && digits[3] >= b'2' && digits[1..3] != *b"11"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_countries_are_known() {
        for (text, least) in [
            ("(415) 555-2671", 0.7),
            ("415.555.2671", 0.7),
            ("06 12 34 56 78", 0.7),
            ("030/901820 12", 0.5),
            ("(030) 901820", 0.5),
        ] {
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            assert!(national(text, digits).is_some_and(|score| score >= least), "{text}");
        }
        for not in ["12.03.2024", "1234", "123456789012", "115-115-1155"] {
            let digits = not.bytes().filter(u8::is_ascii_digit).count();
            assert_eq!(national(not, digits), None, "{not}");
        }
    }
}
