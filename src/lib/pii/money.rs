//! Amounts of money, and places on the earth: numbers with something beside them.

use crate::kind::Kind;
use crate::scan::{Cursor, Scan};
use crate::words::{GEO, MONEY};

const SIGNS: [&str; 9] = ["$", "€", "£", "¥", "₹", "₽", "₺", "zł", "Fr."];

impl Scan<'_> {
    /// An amount around the number that token `i` begins: where it ends.
    pub(crate) fn amount(&mut self, i: usize) -> Option<usize> {
        if !self.wants(Kind::Amount) || !self.tokens[i].is_number() {
            return None;
        }
        let token = self.tokens[i];
        let end = self.figure(token.start)?;
        let start = self.sign_before(i);
        let after = self.sign_after(i, end);
        if start.is_none() && after.is_none() {
            return None;
        }
        let range = (start.unwrap_or(token.start), after.unwrap_or(end));
        self.add(range, Kind::Amount, "amount", 0.7).then_some(range.1)
    }

    /// Where the number that begins at `at` ends: 1,234.50 or 1.234,50 or 1 234,50.
    fn figure(&self, at: usize) -> Option<usize> {
        let mut cursor = Cursor { bytes: self.bytes, at };
        cursor.digits(1, 12)?;
        let mut end = cursor.at;
        for _ in 0..8 {
            let mut next = cursor;
            let Some(mark) = next.one_of(b",.' ") else { break };
            let from = next.at;
            if next.digits(1, 3).is_none() || mark == b' ' && next.at - from != 3 {
                break;
            }
            cursor = next;
            end = next.at;
        }
        Some(end)
    }

    fn sign_before(&self, i: usize) -> Option<usize> {
        let start = self.tokens[i].start;
        let line = self.text[..start].trim_end_matches([' ', '\u{a0}']);
        if start - line.len() > 2 {
            return None;
        }
        let minus = line.strip_suffix('-').unwrap_or(line);
        if let Some(sign) = SIGNS.iter().find(|sign| minus.ends_with(**sign)) {
            return Some(minus.len() - sign.len());
        }
        let last = i.checked_sub(1)?;
        (self.tokens[last].is(MONEY) && self.tokens[last].end == line.len())
            .then(|| self.tokens[last].start)
    }

    fn sign_after(&self, i: usize, end: usize) -> Option<usize> {
        let rest = self.text[end..].trim_start_matches([' ', '\u{a0}']);
        let start = self.text.len() - rest.len();
        if start - end > 2 {
            return None;
        }
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            return Some(start + sign.len());
        }
        let next = self.tokens.get(self.after(i, end))?;
        (next.start == start && next.is(MONEY)).then_some(next.end)
    }

    /// Latitude and longitude that begin with token `i`: where they end.
    pub(crate) fn coordinates(&mut self, i: usize) -> Option<usize> {
        let token = self.tokens[i];
        if !self.wants(Kind::Coordinates) || token.len() > 3 || !token.is_number() {
            return None;
        }
        let next = self.byte(token.end);
        if next != b'.' && next < 0x80 {
            return None;
        }
        let signed = usize::from(self.before(token.start) == b'-');
        let start = token.start - signed;
        if let Some(end) = self.degrees(token.start) {
            let end = self.degrees_after(end).unwrap_or(end);
            return self.add((start, end), Kind::Coordinates, "degrees", 0.8).then_some(end);
        }
        let mut at = Cursor { bytes: self.bytes, at: token.start };
        let (whole, places) = decimal(&mut at)?;
        let first = at.at;
        if whole > 90 || places < 3 || self.before(start).is_ascii_alphanumeric() {
            return None;
        }
        let comma = at.one_of(b",;").is_some();
        let space = at.one_of(b" ").is_some();
        let _ = at.one_of(b"-+");
        let second = if comma || space { decimal(&mut at) } else { None };
        let near = self.said_within(i, GEO, 4);
        match second {
            Some((whole, more)) if whole <= 180 && more >= 3 && self.ends(at.at) => {
                let score = match (near, places >= 4 && more >= 4 && comma) {
                    (true, _) => 0.95,
                    (false, true) => 0.7,
                    _ => 0.4,
                };
                self.add((start, at.at), Kind::Coordinates, "pair", score).then_some(at.at)
            }
            _ if near && self.ends(first) => {
                self.add((start, first), Kind::Coordinates, "labelled", 0.85).then_some(first)
            }
            _ => None,
        }
    }

    /// 52°31'12.5"N
    fn degrees(&self, at: usize) -> Option<usize> {
        let mut cursor = Cursor { bytes: self.bytes, at };
        cursor.digits(1, 3).filter(|d| *d <= 180)?;
        if cursor.one_of(b".").is_some() {
            cursor.digits(1, 8)?;
        }
        let rest = self.text.get(cursor.at..)?.strip_prefix('°')?;
        let inside = |c: char| c.is_ascii_digit() || "′'’″\". ".contains(c);
        let tail = rest.trim_start_matches(inside);
        let end = tail.strip_prefix(['N', 'S', 'E', 'W', 'O'])?;
        (self.text.len() - rest.len() + 20 > self.text.len() - tail.len())
            .then_some(self.text.len() - end.len())
    }

    fn degrees_after(&self, at: usize) -> Option<usize> {
        let rest = self.text[at..].trim_start_matches([',', ' ']);
        let start = self.text.len() - rest.len();
        (start - at <= 2 && rest.starts_with(|c: char| c.is_ascii_digit()))
            .then(|| self.degrees(start))
            .flatten()
    }
}

/// A number with a decimal point: what stands before it, and how many digits after it.
fn decimal(at: &mut Cursor<'_>) -> Option<(u32, usize)> {
    let whole = at.digits(1, 3)?;
    at.one_of(b".")?;
    let from = at.at;
    at.digits(1, 15)?;
    Some((whole, at.at - from))
}
