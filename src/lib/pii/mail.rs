//! E-mail addresses, handles, and web addresses: found from their marks.

use crate::kind::Kind;
use crate::scan::Scan;

/// Bytes of the longest address that is looked at (RFC 5321, 4.5.3.1).
const LONGEST: usize = 254;

/// Bytes of the longest web address that is taken whole.
const LONGEST_URL: usize = 8192;

/// How sure a web address is something private.
const URL: f32 = 0.6;

fn is_local(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b >= 0x80 || b".!#$%&'*+-/=?^_`{|}~".contains(&b)
}

fn is_host(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b >= 0x80 || b == b'-' || b == b'.'
}

impl Scan<'_> {
    /// What stands around the `@` at `at`: where it ends, if it is something.
    pub(crate) fn at_sign(&mut self, at: usize) -> Option<(usize, usize)> {
        let start = self.local_start(at);
        if start == at {
            return self.handle(at);
        }
        let host = self.bytes[at + 1..].iter().take(LONGEST).take_while(|b| is_host(**b)).count();
        let mut end = at + 1 + host;
        while end > at + 1 && !is_inner(self.text, end) {
            end -= 1;
            while !self.text.is_char_boundary(end) {
                end -= 1;
            }
        }
        let name = &self.text[at + 1..end];
        let (_, top) = name.rsplit_once('.')?;
        let plausible = top.chars().count() >= 2
            && top.chars().all(char::is_alphabetic)
            && !name.contains("..")
            && !name.starts_with(['-', '.']);
        if plausible && self.wants(Kind::Email) {
            return self.add((start, end), Kind::Email, "email", 0.95).then_some((start, end));
        }
        None
    }

    fn local_start(&self, at: usize) -> usize {
        let most = at.saturating_sub(64);
        let mut start = at;
        while start > most && is_local(self.bytes[start - 1]) {
            start -= 1;
        }
        while start < at {
            let c = self.text.get(start..).and_then(|t| t.chars().next());
            match c {
                // Marks may begin a local part, yet in texts they are what stands before it.
                Some(c) if c.is_alphanumeric() || c == '_' || c == '+' => break,
                Some(c) => start += c.len_utf8(),
                None => start += 1,
            }
        }
        let inner = &self.bytes[start..at];
        // key=user@host, 'user@host: what is before the mark is no part of the name.
        match inner.iter().rposition(|b| b"=/'`|{}!".contains(b)) {
            Some(cut) => start + cut + 1,
            None => start,
        }
    }

    fn handle(&mut self, at: usize) -> Option<(usize, usize)> {
        if !self.wants(Kind::Username) || is_host(self.before(at)) || self.before(at) == b'@' {
            return None;
        }
        let inside = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
        let length = self.bytes[at + 1..].iter().take_while(inside).count();
        let name = &self.bytes[at + 1..at + 1 + length];
        let after = self.byte(at + 1 + length);
        if !(3..=30).contains(&length) || after == b'(' || after == b'@' || name[0].is_ascii_digit()
        {
            return None;
        }
        let plain = name[0].is_ascii_lowercase() && after != b'/';
        let range = (at, at + 1 + length);
        self.add(range, Kind::Username, "handle", if plain { 0.5 } else { 0.3 }).then_some(range)
    }

    /// The web address around the `://` at `at`.
    pub(crate) fn scheme(&mut self, at: usize) -> Option<(usize, usize)> {
        let letters = |b: &&u8| b.is_ascii_alphanumeric() || b"+-.".contains(b);
        let length = self.bytes[..at].iter().rev().take(20).take_while(letters).count();
        if length == 0 || self.least(Kind::Url) > URL {
            return None;
        }
        let end = self.url_end(at + 3);
        if end < at + 5 {
            return None;
        }
        let range = (at - length, end);
        self.add(range, Kind::Url, "url", URL).then_some(range)
    }

    /// A web address without its scheme, at the token `i`, which is "www".
    pub(crate) fn www(&mut self, i: usize) -> bool {
        let token = self.tokens[i];
        let end = self.url_end(token.start);
        end > token.end + 4 && self.add((token.start, end), Kind::Url, "url without scheme", URL)
    }

    fn url_end(&self, from: usize) -> usize {
        let stops = |b: u8| b <= b' ' || b == 0x7f || b"\"'<>`\\^{}|".contains(&b);
        let mut end = from;
        let last = self.bytes.len().min(from + LONGEST_URL);
        while end < last && !stops(self.bytes[end]) {
            if self.bytes[end] >= 0x80 {
                let c = self.text.get(end..).and_then(|t| t.chars().next());
                match c {
                    Some(c) if c.is_alphanumeric() => end += c.len_utf8(),
                    _ => break,
                }
            } else {
                end += 1;
            }
        }
        // What ends the sentence does not belong to the address.
        for _ in 0..16 {
            if end == from {
                break;
            }
            let last = self.bytes[end - 1];
            let opened = |open: u8| self.bytes[from..end].contains(&open);
            let closing = last == b')' && !opened(b'(') || last == b']' && !opened(b'[');
            if !(b".,;:!?*".contains(&last) || closing) {
                break;
            }
            end -= 1;
        }
        end
    }
}

/// Whether the character that ends at `end` may end a name of a host.
fn is_inner(text: &str, end: usize) -> bool {
    text.get(..end).and_then(|t| t.chars().next_back()).is_some_and(char::is_alphanumeric)
}
