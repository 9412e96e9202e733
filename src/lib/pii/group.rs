//! Numbers with check digits, in one piece or in groups: accounts, cards, national numbers.

use crate::check::{iban, iban_length, luhn};
use crate::kind::Kind;
use crate::national::{self, National};
use crate::scan::Scan;
use crate::words::{CARD, ID};

/// Masks by the length of their first part, so that a token is compared with few of them.
pub(crate) struct Masks {
    /// Those of one part, and those that go on after it.
    whole: Vec<Vec<Mask>>,
    parted: Vec<Vec<Mask>>,
}

type Mask = (&'static [u8], f32, &'static National);

/// Characters of the longest first part.
const LONGEST: usize = 18;

impl Masks {
    pub(crate) fn new() -> Self {
        let mut whole = vec![Vec::new(); LONGEST + 1];
        let mut parted = whole.clone();
        for rule in national::all() {
            for (mask, score) in rule.masks {
                let mask = mask.as_bytes();
                let first = mask.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
                let list = if first == mask.len() { &mut whole } else { &mut parted };
                list[first].push((mask, *score, rule));
            }
        }
        Self { whole, parted }
    }
}

/// Whether the bytes have the form, and what follows does not go on.
fn fits(mask: &[u8], bytes: &[u8]) -> bool {
    bytes.len() >= mask.len()
        && mask.iter().zip(bytes).all(|(form, b)| match form {
            b'9' => b.is_ascii_digit(),
            b'A' => b.is_ascii_alphabetic(),
            b'X' => b.is_ascii_alphanumeric(),
            b'~' => b" .-/".contains(b),
            form => form == b,
        })
}

/// Digits and capitals alone.
fn compact(bytes: &[u8]) -> Vec<u8> {
    let kept = bytes.iter().filter(|b| b.is_ascii_alphanumeric());
    kept.map(u8::to_ascii_uppercase).collect()
}

/// How sure the first digits make a card of this length (ISO/IEC 7812 ranges of the networks).
fn issuer(digits: &[u8]) -> Option<&'static str> {
    let head = |n: usize| digits[..n].iter().fold(0_u32, |sum, b| sum * 10 + u32::from(b - b'0'));
    Some(match (digits.len(), head(2), head(4)) {
        (13 | 16 | 19, 40..=49, _) => "Visa",
        (16, 51..=55, _) | (16, _, 2221..=2720) => "Mastercard",
        (15, 34 | 37, _) => "American Express",
        (14, 36 | 38 | 39, _) | (14, _, 3000..=3059) => "Diners Club",
        (16..=19, 65, _) | (16..=19, _, 6011) | (16..=19, _, 6440..=6499) => "Discover",
        (16..=19, _, 3528..=3589) => "JCB",
        (16..=19, 62, _) => "UnionPay",
        (12..=19, 50 | 56..=58 | 63 | 67, _) => "Maestro",
        _ => return None,
    })
}

impl Scan<'_> {
    /// A card's number that begins with token `i`: where it ends.
    pub(crate) fn card(&mut self, i: usize) -> Option<usize> {
        if !self.wants(Kind::Card) || !self.tokens[i].is_number() {
            return None;
        }
        let start = self.tokens[i].start;
        let first = self.tokens[i].len();
        if !(first == 4 || (12..=19).contains(&first)) || !self.begins(start) {
            return None;
        }
        let goes_on = |i: usize| {
            let next = self.token(i + 1).filter(|t| t.is_number() && (2..=6).contains(&t.len()));
            next.filter(|_| matches!(self.gap(i), " " | "-"))
        };
        if first == 4 && goes_on(i).is_none() {
            return None;
        }
        let mut digits = self.bytes[start..self.tokens[i].end].to_vec();
        let mut best = None;
        let mut at = i;
        loop {
            let end = self.tokens[at].end;
            if (12..=19).contains(&digits.len()) && self.ends(end) && luhn(&digits) {
                best = Some((end, digits.clone()));
            }
            let Some(next) = goes_on(at) else { break };
            digits.extend_from_slice(&self.bytes[next.start..next.end]);
            if digits.len() > 19 {
                break;
            }
            at += 1;
        }
        let (end, digits) = best?;
        let said = self.said(i, CARD);
        let uniform = digits.iter().all(|b| *b == digits[0]);
        let (rule, score) = match (issuer(&digits), said) {
            (_, _) if uniform => return None,
            (Some(rule), true) => (rule, 0.98),
            (Some("Maestro"), false) => ("Maestro", 0.5),
            (Some(rule), false) => (rule, 0.85),
            (None, true) => ("card of an unknown network", 0.8),
            (None, false) => ("card of an unknown network", 0.2),
        };
        self.add((start, end), Kind::Card, rule, score).then_some(end)
    }

    /// An IBAN that begins with token `i`: where it ends.
    pub(crate) fn iban(&mut self, i: usize) -> Option<usize> {
        let token = self.tokens[i];
        let head = self.bytes.get(token.start..token.start + 4)?;
        let form = head[..2].iter().all(u8::is_ascii_alphabetic)
            && head[2..].iter().all(u8::is_ascii_digit);
        if !form || !self.wants(Kind::Iban) {
            return None;
        }
        let country = [head[0].to_ascii_uppercase(), head[1].to_ascii_uppercase()];
        let length = iban_length(country)?;
        let mut digits = Vec::with_capacity(length);
        let mut at = token.start;
        while digits.len() < length {
            match self.byte(at) {
                b if b.is_ascii_alphanumeric() => digits.push(b.to_ascii_uppercase()),
                b' ' | b'-' if self.byte(at + 1).is_ascii_alphanumeric() => {}
                _ => return None,
            }
            at += 1;
        }
        let open = self.byte(at).is_ascii_alphanumeric();
        (!open && iban(&digits) && self.add((token.start, at), Kind::Iban, "iban", 0.98))
            .then_some(at)
    }

    /// A national number that begins with token `i`: where it ends. Of several the surest.
    pub(crate) fn national(&mut self, i: usize, masks: &Masks) -> Option<usize> {
        let token = self.tokens[i];
        if !self.wants(Kind::NationalId) || token.len() > LONGEST {
            return None;
        }
        let bytes = &self.bytes[token.start..];
        let mut best: Option<(usize, f32, &'static str)> = None;
        let whole = masks.whole[token.len()].iter();
        // Between the parts stands one character, and then the next part.
        let goes_on = b" .-/+(".contains(&self.byte(token.end))
            && self.byte(token.end + 1).is_ascii_alphanumeric();
        let parted = if goes_on { &masks.parted[token.len()][..] } else { &[] };
        if whole.len() + parted.len() == 0 || !self.begins(token.start) {
            return None;
        }
        for (mask, score, rule) in whole.chain(parted) {
            let better =
                best.is_none_or(|(length, least, _)| (mask.len(), *score) > (length, least));
            if better
                && fits(mask, bytes)
                && self.ends(token.start + mask.len())
                && (rule.check)(&compact(&bytes[..mask.len()]))
            {
                best = Some((mask.len(), *score, rule.name));
            }
        }
        let (length, score, rule) = best?;
        let end = token.start + length;
        let score = if self.said(i, ID) { score.max(0.9) } else { score };
        self.add((token.start, end), Kind::NationalId, rule, score).then_some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_compared_character_by_character() {
        assert!(fits(b"999~A", b"123-x") && fits(b"999~A", b"123 x and"));
        assert!(!fits(b"999~A", b"123_x") && !fits(b"999", b"12"));
        assert_eq!(compact(b"12.a-b"), b"12AB");
    }

    #[test]
    fn issuers_have_their_ranges() {
        assert_eq!(issuer(b"4111111111111111"), Some("Visa"));
        assert_eq!(issuer(b"2221000000000009"), Some("Mastercard"));
        assert_eq!(issuer(b"378282246310005"), Some("American Express"));
        assert_eq!(issuer(b"9111111111111111"), None);
    }
}
