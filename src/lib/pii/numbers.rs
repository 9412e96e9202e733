//! What a token with digits may be the beginning of, asked in the order that decides.

use crate::group::Masks;
use crate::kind::Kind;
use crate::scan::Scan;
use crate::tokens::flag;
use crate::words::{CARD, ID, MONTH, PARTICLE};

impl Scan<'_> {
    /// What begins with token `i`, which has a digit: where it ends.
    pub(crate) fn number(&mut self, i: usize, masks: &Masks) -> Option<usize> {
        let token = self.tokens[i];
        if self.bytes[token.start].is_ascii_digit() {
            return self.digits_first(i, masks);
        }
        let long = token.len() >= 15;
        self.iban(i)
            .or_else(|| self.national(i, masks))
            .or_else(|| if long { self.wallet(i).or_else(|| self.secret(i)) } else { None })
            .or_else(|| self.plate(i))
            .or_else(|| if token.has(flag::UNDERSCORE) { self.secret(i) } else { None })
            .or_else(|| self.colons(i))
    }

    /// Whether neither what stands before nor after a small number makes it a part of something.
    fn is_plain(&self, i: usize) -> bool {
        let token = self.tokens[i];
        let (before, after) = (self.before(token.start), self.byte(token.end));
        if matches!(before, b'+' | b'(' | b'$' | b'-' | 0x80..) || self.wants(Kind::Amount) {
            return false;
        }
        match after {
            b' ' => {
                let next = self.byte(token.end + 1);
                let named = self.token(i + 1).is_some_and(|t| t.is(MONTH | PARTICLE));
                let plate = token.len() == 4 && next.is_ascii_uppercase();
                !named && !plate && next.is_ascii_lowercase() && self.word(i + 1) != "of"
            }
            b'.' if self.is_decimal(i) => true,
            // 2. Februar, 12. 3. 1985
            b'.' if self.gap(i) == ". " => {
                !self.token(i + 1).is_some_and(|t| t.is_number() || t.is(MONTH))
            }
            b'.' | b'-' | b'/' | b':' => !self.byte(token.end + 1).is_ascii_alphanumeric(),
            b',' | b';' | b']' | b'"' | b'\'' | b'\n' | b'&' | b'=' | b'>' | 0 => true,
            _ => false,
        }
    }

    /// Whether it is a number such as 5.0 with nothing more to it.
    fn is_decimal(&self, i: usize) -> bool {
        let Some(places) = self.token(i + 1).filter(|t| t.is_number() && t.len() <= 2) else {
            return false;
        };
        let (after, next) = (self.byte(places.end), self.byte(places.end + 1));
        let ends = after == b' ' && !next.is_ascii_digit() && next != b'-' && next != b'/';
        places.start == self.tokens[i].end + 1
            && (ends || matches!(after, b')' | b',' | b';' | b'"' | 0))
    }

    fn digits_first(&mut self, i: usize, masks: &Masks) -> Option<usize> {
        let token = self.tokens[i];
        let next = self.byte(token.end);
        let number = token.is_number();
        // A small number with nothing attached is by far the most frequent.
        if number && token.len() <= 5 && self.is_plain(i) {
            return None;
        }
        if number && token.len() <= 4 {
            let found = match next {
                b'.' => self.ipv4(i).or_else(|| self.date(i)).or_else(|| self.coordinates(i)),
                b'-' | b'/' => self.date(i),
                b' ' => self.date(i),
                _ => None,
            };
            if found.is_some() {
                return found;
            }
        } else if matches!(next, b' ' | b'.' | b'-' | b'/') || token.len() <= 4 {
            // "1st of May", "21T12"
            if let Some(end) = self.date(i) {
                return Some(end);
            }
        }
        if matches!(next, b':' | b'-' | b'.')
            && token.len() <= 4
            && let Some(end) = self.colons(i)
        {
            return Some(end);
        }
        if !number {
            return self
                .national(i, masks)
                .or_else(|| self.wallet(i))
                .or_else(|| if token.len() >= 16 { self.secret(i) } else { None })
                .or_else(|| self.plate(i));
        }
        let long = token.len() >= 8 || b" .-/".contains(&next);
        let named = long && self.said(i, ID) && !self.said(i, CARD);
        if named && let Some(end) = self.national(i, masks) {
            return Some(end);
        }
        self.card(i)
            .or_else(|| self.amount(i))
            .or_else(|| self.coordinates(i))
            .or_else(|| self.national(i, masks))
            .or_else(|| self.phone(i))
            .or_else(|| self.plate(i))
    }
}
