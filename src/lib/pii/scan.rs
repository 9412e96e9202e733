use crate::kind::Kind;
use crate::tokens::{Token, flag};
use crate::words::Class;

/// A range of a text that is private.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    /// First byte.
    pub start: usize,
    /// Byte after the last one.
    pub end: usize,
    /// What it is.
    pub kind: Kind,
    /// The rule that found it.
    pub rule: &'static str,
    /// How sure that is, 0 to 1.
    pub score: f32,
}

/// A text while the rules look at it.
pub(crate) struct Scan<'a> {
    pub(crate) text: &'a str,
    pub(crate) bytes: &'a [u8],
    pub(crate) tokens: &'a [Token],
    pub(crate) thresholds: &'a [f32; Kind::ALL.len()],
    pub(crate) found: &'a mut Vec<Finding>,
}

/// Words before a number that may say what it is.
const BEFORE: usize = 6;

/// Bytes of a line that rules look at.
const LINE: usize = 1024;

impl<'a> Scan<'a> {
    /// Whether a kind is looked for.
    pub(crate) fn wants(&self, kind: Kind) -> bool {
        self.least(kind) <= 1.0
    }

    pub(crate) fn least(&self, kind: Kind) -> f32 {
        self.thresholds[kind.bit().trailing_zeros() as usize % Kind::ALL.len()]
    }

    /// Notes a finding, if its score suffices.
    pub(crate) fn add(
        &mut self,
        (start, end): (usize, usize),
        kind: Kind,
        rule: &'static str,
        score: f32,
    ) -> bool {
        let counts = score >= self.least(kind) && start < end;
        if counts {
            self.found.push(Finding { start, end, kind, rule, score });
        }
        counts
    }

    /// The byte at `at`; 0 beyond the end.
    pub(crate) fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    /// The byte before `at`; 0 at the start.
    pub(crate) fn before(&self, at: usize) -> u8 {
        if at == 0 { 0 } else { self.bytes[at - 1] }
    }

    pub(crate) fn token(&self, i: usize) -> Option<&'a Token> {
        self.tokens.get(i)
    }

    pub(crate) fn word(&self, i: usize) -> &'a str {
        self.tokens.get(i).map_or("", |t| &self.text[t.start..t.end])
    }

    /// What stands between token `i` and the next one.
    pub(crate) fn gap(&self, i: usize) -> &'a str {
        match (self.tokens.get(i), self.tokens.get(i + 1)) {
            (Some(a), Some(b)) => &self.text[a.end..b.start],
            (Some(a), None) => &self.text[a.end..],
            _ => "",
        }
    }

    /// Whether the word after token `i` stands on the same line, right after one space.
    pub(crate) fn is_next(&self, i: usize) -> bool {
        self.gap(i) == " " && i + 1 < self.tokens.len()
    }

    /// Whether a word of the class stands before token `i`, near and on its line.
    pub(crate) fn said(&self, i: usize, class: Class) -> bool {
        self.said_within(i, class, BEFORE)
    }

    /// The same, within `words` words.
    pub(crate) fn said_within(&self, i: usize, class: Class, words: usize) -> bool {
        let mut at = i;
        for _ in 0..words {
            if at == 0 || self.tokens[at].has(flag::LINE) {
                return false;
            }
            at -= 1;
            if self.tokens[at].is(class) {
                return true;
            }
        }
        false
    }

    /// What is left of the line at `at`; of a very long one its beginning, since rules look at it
    /// again and again.
    pub(crate) fn line(&self, at: usize) -> &'a str {
        let mut end = self.text.len().min(at + LINE);
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let rest = &self.text[at..end];
        rest.split(['\n', '\r']).next().unwrap_or(rest)
    }

    /// The index of the first token that begins at or after `at`, searched from `i`.
    pub(crate) fn after(&self, i: usize, at: usize) -> usize {
        let ahead = self.tokens[i..].iter().position(|t| t.start >= at);
        ahead.map_or(self.tokens.len(), |n| i + n)
    }

    /// Whether nothing goes on at `at` that would make what ends there a part of something.
    pub(crate) fn ends(&self, at: usize) -> bool {
        let next = self.byte(at);
        let joins = matches!(next, b'-' | b'.' | b'/' | b':' | b',');
        let goes_on = next.is_ascii_alphanumeric()
            || next == b'_'
            || next >= 0x80 && self.is_letter(at)
            || joins && self.byte(at + 1).is_ascii_digit();
        !goes_on
    }

    /// Whether nothing goes on before `at`.
    pub(crate) fn begins(&self, at: usize) -> bool {
        let last = self.before(at);
        let joins = matches!(last, b'-' | b'.' | b'/' | b':' | b',');
        let goes_on = last.is_ascii_alphanumeric()
            || last == b'_'
            || joins && at >= 2 && self.bytes[at - 2].is_ascii_digit();
        !goes_on
    }

    fn is_letter(&self, at: usize) -> bool {
        self.text.get(at..).and_then(|t| t.chars().next()).is_some_and(char::is_alphanumeric)
    }
}

/// Reads a form from left to right.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) at: usize,
}

impl Cursor<'_> {
    pub(crate) fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    /// `least` to `most` digits, all that are there.
    pub(crate) fn digits(&mut self, least: usize, most: usize) -> Option<u32> {
        let rest = &self.bytes[self.at.min(self.bytes.len())..];
        let count = rest.iter().take(most + 1).take_while(|b| b.is_ascii_digit()).count();
        if count < least || count > most {
            return None;
        }
        let value = rest[..count]
            .iter()
            .fold(0_u32, |sum, b| sum.wrapping_mul(10).wrapping_add(u32::from(b - b'0')));
        self.at += count;
        Some(value)
    }

    /// One of these bytes.
    pub(crate) fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let next = self.peek();
        bytes.contains(&next).then(|| {
            self.at += 1;
            next
        })
    }
}
