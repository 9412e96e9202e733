//! Numbers in a text, in any notation: 1,240.50 and 1.240,50 and 1 240,5 are the same.

use std::collections::HashMap;
use std::ops::Range;

/// Where a number stands first, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) range: Range<usize>,
    pub(crate) count: usize,
}

/// The numbers of a folded text, by their plain notation.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    places: HashMap<String, Place>,
}

/// Digits of a number, at most: longer ones are no amounts.
const MAX_DIGITS: usize = 40;

/// Groups of digits that one token has, at most.
const MAX_GROUPS: usize = 16;

impl Numbers {
    /// Those of a folded text.
    pub(crate) fn of(text: &str) -> Self {
        let mut numbers = Self::default();
        let mut spaced: Vec<Token> = Vec::new();
        for token in tokens(text) {
            numbers.add_token(text, &token);
            // Groups of thousands with spaces between them: 1 240 500,25.
            let joins = spaced.last().is_some_and(|last| {
                text[last.range.end..token.range.start] == *" "
                    && last.is_whole()
                    && token.groups[0].len() == 3
            });
            let is_long =
                spaced.first().is_some_and(|f| token.range.end - f.range.start > MAX_DIGITS);
            if !joins || is_long {
                spaced.clear();
            }
            spaced.push(token);
            if spaced.len() > 1 && spaced[0].groups[0].len() <= 3 {
                numbers.add_spaced(text, &spaced);
            }
        }
        numbers
    }

    /// Where the number in plain notation stands.
    pub(crate) fn place(&self, plain: &str) -> Option<&Place> {
        self.places.get(plain)
    }

    fn add(&mut self, plain: String, range: Range<usize>) {
        let place = self.places.entry(plain).or_insert(Place { range: range.clone(), count: 0 });
        place.count += 1;
    }

    fn add_token(&mut self, text: &str, token: &Token) {
        let readings = token.readings(text);
        let before = text[..token.range.start].strip_suffix('-');
        let negative =
            before.is_some_and(|b| !b.ends_with(|c: char| c.is_alphanumeric() || c == '-'));
        let percent = text[token.range.end..].trim_start_matches(' ').starts_with('%');
        for reading in &readings {
            if negative && reading != "0" {
                self.add(format!("-{reading}"), token.range.start - 1..token.range.end);
            }
            if percent && let Some(share) = plain(&format!("{reading}e-2")) {
                self.add(share, token.range.clone());
            }
            self.add(reading.clone(), token.range.clone());
        }
        // A date or version: its parts are numbers of their own.
        if readings.is_empty() {
            for group in &token.groups {
                if let Some(part) = plain(&text[group.clone()]) {
                    self.add(part, group.clone());
                }
            }
        }
    }

    fn add_spaced(&mut self, text: &str, tokens: &[Token]) {
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { return };
        let range = first.range.start..last.range.end;
        if range.len() > MAX_DIGITS {
            return;
        }
        let digits: String = text[range.clone()].chars().filter(|c| *c != ' ').collect();
        if let Some(plain) = plain(&digits.replace(',', ".")) {
            self.add(plain, range);
        }
    }
}

/// A run of digits, with what separates their groups.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) range: Range<usize>,
    groups: Vec<Range<usize>>,
}

impl Token {
    fn is_whole(&self) -> bool {
        self.groups.len() == 1
    }

    /// What it may mean as one number, in plain notation: thousands, or a fraction at the end.
    /// The reading with thousands comes first.
    pub(crate) fn readings(&self, text: &str) -> Vec<String> {
        let mut readings = Vec::new();
        if self.range.len() > MAX_DIGITS {
            return readings;
        }
        let groups: Vec<&str> = self.groups.iter().map(|g| &text[g.clone()]).collect();
        let marks: Vec<&str> =
            self.groups.windows(2).map(|pair| &text[pair[0].end..pair[1].start]).collect();
        let alike = |marks: &[&str]| marks.windows(2).all(|pair| pair[0] == pair[1]);
        if thousands(&groups) && alike(&marks) {
            readings.extend(plain(&groups.concat()));
        }
        if let ([whole @ .., fraction], [between @ .., point]) = (&groups[..], &marks[..])
            && *point != "'"
            && thousands(whole)
            && alike(between)
            && !between.contains(point)
        {
            readings.extend(plain(&format!("{}.{fraction}", whole.concat())));
        }
        readings.dedup();
        readings
    }
}

/// Groups as thousands are written: 1234567, 1,234,567 or 12,34,567.
fn thousands(groups: &[&str]) -> bool {
    match groups {
        [] => false,
        [_] => true,
        [first, middle @ .., last] => {
            first.len() <= 3
                && last.len() == 3
                && (middle.iter().all(|group| group.len() == 3)
                    || (first.len() <= 2 && middle.iter().all(|group| group.len() == 2)))
        }
    }
}

/// Runs of digits of a folded text.
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = Token> + '_ {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        at += bytes[at..].iter().position(u8::is_ascii_digit)?;
        let start = at;
        let mut groups = Vec::new();
        loop {
            let group = at;
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            groups.push(group..at);
            let mark = matches!(bytes.get(at), Some(b'.' | b',' | b'\''));
            let goes_on = mark && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
            if !goes_on || groups.len() == MAX_GROUPS {
                return Some(Token { range: start..at, groups });
            }
            at += 1;
        }
    })
}

/// A number in plain notation: no sign but `-`, no exponent, no zeros that say nothing. None for
/// what is no number, or has very many digits.
pub(crate) fn plain(number: &str) -> Option<String> {
    let (sign, number) = match number.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", number.strip_prefix('+').unwrap_or(number)),
    };
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (number, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_number = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) || exponent.abs() > 40 {
        return None;
    }
    let point = i32::try_from(whole.len()).ok()? + exponent;
    let digits = format!("{whole}{fraction}");
    if digits.len() > 2 * MAX_DIGITS {
        return None;
    }
    let (whole, fraction) = match usize::try_from(point) {
        Err(_) => (String::new(), format!("{}{digits}", "0".repeat(point.unsigned_abs() as usize))),
        Ok(point) if point >= digits.len() => {
            (format!("{digits}{}", "0".repeat(point - digits.len())), String::new())
        }
        Ok(point) => (digits[..point].to_owned(), digits[point..].to_owned()),
    };
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let dot = if fraction.is_empty() { "" } else { "." };
    let sign = if whole == "0" && fraction.is_empty() { "" } else { sign };
    Some(format!("{sign}{whole}{dot}{fraction}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stands(text: &str, number: &str) -> Option<String> {
        let place = Numbers::of(text).place(&plain(number)?)?.clone();
        Some(text[place.range].to_owned())
    }

    #[test]
    fn a_number_is_the_same_in_any_notation() {
        let text = "1,000 or 1.234.567,50, 12.50 each, 1 240 500,25 in all, 5'000, 12,34,567.";
        for (number, token) in [
            ("1000", "1,000"),
            ("1234567.5", "1.234.567,50"),
            ("12.5", "12.50"),
            ("1.25e1", "12.50"),
            ("1240500.25", "1 240 500,25"),
            ("5000", "5'000"),
            ("1234567", "12,34,567"),
        ] {
            assert_eq!(stands(text, number).as_deref(), Some(token), "{number}");
        }
        for number in ["567", "12", "50", "1234", "240"] {
            assert_ne!(stands(text, number).as_deref(), Some("12.50"), "{number}");
            assert!(number == "240" || stands(text, number).is_none(), "{number}");
        }
    }

    #[test]
    fn signs_shares_and_parts_of_dates() {
        assert_eq!(stands("at -5 degrees", "-5").as_deref(), Some("-5"));
        assert_eq!(stands("at -5 degrees", "5").as_deref(), Some("5"));
        assert_eq!(stands("from 3-5", "-5"), None);
        assert_eq!(stands("a rate of 15 %", "0.15").as_deref(), Some("15"));
        assert_eq!(stands("on 19.11.2026", "2026").as_deref(), Some("2026"));
        assert_eq!(stands("on 2026-11-09", "9").as_deref(), Some("09"));
        assert_eq!(Numbers::of("4 and 4 and 44").place("4").map(|p| p.count), Some(2));
    }

    #[test]
    fn plain_notation_is_one_for_each_number() {
        for (number, same) in [
            ("007", "7"),
            ("1.500", "1.5"),
            ("-0.0", "0"),
            ("1e3", "1000"),
            ("1.5E-3", "0.0015"),
            ("0", "0"),
            ("+2", "2"),
            ("12.5e1", "125"),
        ] {
            assert_eq!(plain(number).as_deref(), Some(same));
        }
        for bad in ["", "a", "1.2.3", "1e999", "-", ".5", "--1"] {
            assert_eq!(plain(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_token_is_in_the_text(text in "[0-9.,' %-]{0,40}") {
            let numbers = Numbers::of(&text);
            for token in tokens(&text) {
                prop_assert!(text[token.range.clone()].starts_with(|c: char| c.is_ascii_digit()));
                for reading in token.readings(&text) {
                    prop_assert!(numbers.place(&reading).is_some());
                }
            }
        }

        #[test]
        fn a_number_is_found_as_it_is_printed(n in any::<i32>(), cents in 0u8..100) {
            let number = format!("{n}.{cents:02}");
            let text = format!("it is {number} now");
            prop_assert!(stands(&text, &number).is_some());
        }
    }
}
