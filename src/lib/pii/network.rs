//! Addresses of computers.

use std::net::Ipv6Addr;

use crate::kind::Kind;
use crate::scan::{Cursor, Scan};
use crate::words::NO_PERSON;

impl Scan<'_> {
    /// An IPv4 address that begins with token `i`: where it ends.
    pub(crate) fn ipv4(&mut self, i: usize) -> Option<usize> {
        let start = self.tokens[i].start;
        if !self.wants(Kind::Ip) || self.tokens[i].len() > 3 || !self.begins(start) {
            return None;
        }
        let mut at = Cursor { bytes: self.bytes, at: start };
        for part in 0..4 {
            let from = at.at;
            let value = at.digits(1, 3)?;
            if value > 255 || self.bytes[from] == b'0' && at.at - from > 1 {
                return None;
            }
            if part < 3 {
                at.one_of(b".")?;
            }
        }
        let open = at.peek().is_ascii_alphabetic() || at.peek() == b'_';
        if open || at.peek() == b'.' && self.byte(at.at + 1).is_ascii_digit() {
            return None;
        }
        let mut end = at.at;
        // A network: 10.0.0.0/8.
        if at.one_of(b"/").is_some()
            && at.digits(1, 2).is_some_and(|bits| bits <= 32)
            && self.ends(at.at)
        {
            end = at.at;
        }
        let version = self.said_within(i, NO_PERSON, 1);
        let score = if version { 0.3 } else { 0.9 };
        self.add((start, end), Kind::Ip, "ipv4", score).then_some(end)
    }

    /// A MAC or IPv6 address that begins with token `i`, hexadecimal digits before a colon or
    /// a hyphen: where it ends.
    pub(crate) fn colons(&mut self, i: usize) -> Option<usize> {
        let token = self.tokens[i];
        let start = token.start;
        let hexadecimal = self.bytes[start..token.end].iter().all(u8::is_ascii_hexdigit);
        if token.len() > 4 || !hexadecimal || matches!(self.before(start), b':' | b'-' | b'.') {
            return None;
        }
        if let Some(end) = self.mac(start) {
            return self.add((start, end), Kind::Mac, "mac", 0.9).then_some(end);
        }
        if !self.wants(Kind::Ip) || self.byte(token.end) != b':' {
            return None;
        }
        let inside = |b: &&u8| b.is_ascii_hexdigit() || matches!(**b, b':' | b'.');
        let length = self.bytes[start..].iter().take(46).take_while(inside).count();
        let mut run = self.text.get(start..start + length)?;
        // A time of day is by far the most frequent; an address without a gap has eight parts, or
        // six and an IPv4 address.
        let colons = run.bytes().filter(|b| *b == b':').count();
        if colons < 6 && !run.contains("::") {
            return None;
        }
        while !run.is_empty() {
            // c::d is a path in some languages.
            let figures = run.len() >= 5 && run.bytes().any(|b| b.is_ascii_digit());
            if figures && run.matches(':').count() >= 2 && run.parse::<Ipv6Addr>().is_ok() {
                let end = start + run.len();
                let next = self.byte(end);
                let whole = !next.is_ascii_alphanumeric() && next != b'_';
                return (whole && self.add((start, end), Kind::Ip, "ipv6", 0.9)).then_some(end);
            }
            // A colon or a full stop after it.
            run = run.strip_suffix([':', '.'])?;
        }
        None
    }

    fn mac(&self, start: usize) -> Option<usize> {
        if !self.wants(Kind::Mac) {
            return None;
        }
        let mark = self.byte(start + 2);
        let (groups, size) = match (mark, self.byte(start + 4)) {
            (b':' | b'-', _) => (6, 2),
            (_, b'.') => (3, 4),
            _ => return None,
        };
        let mark = if size == 2 { mark } else { b'.' };
        let end = start + groups * (size + 1) - 1;
        let part = self.bytes.get(start..end)?;
        let form = part.iter().enumerate().all(|(at, b)| {
            if at % (size + 1) == size { *b == mark } else { b.is_ascii_hexdigit() }
        });
        let next = self.byte(end);
        let ends = !(next.is_ascii_alphanumeric() || next == mark);
        // Three groups of four digits are some other number.
        let letters = size == 2 || part.iter().any(u8::is_ascii_alphabetic);
        (form && ends && letters).then_some(end)
    }
}
