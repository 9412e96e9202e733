//! Labels with values: `password=hunter2`, `"api_key": "…"`, `Benutzer: anna`, `for user bob`.

use crate::kind::Kind;
use crate::placeholder::placeholder_at;
use crate::scan::Scan;
use crate::tokens::flag;
use crate::words::{COMMON, EQUALS, PASSWORD, SECRET, USER};

/// How a label and its value are joined.
#[derive(Clone, Copy, PartialEq)]
enum Join {
    /// `=` or `:`, or a quoted value.
    Mark,
    /// A verb: "is", "lautet".
    Verb,
    /// A space alone.
    Space,
}

/// Values that are none.
const EMPTY: [&str; 14] = [
    "true",
    "false",
    "null",
    "none",
    "yes",
    "no",
    "required",
    "optional",
    "nil",
    "undefined",
    "string",
    "changed",
    "reset",
    "failed",
];

impl Scan<'_> {
    /// The value of the label that token `i` is: where it ends.
    pub(crate) fn assignment(&mut self, i: usize) -> Option<usize> {
        let label = self.tokens[i];
        let (start, join, quote) = self.value_start(i)?;
        let end = self.value_end(start, quote);
        let value = self.text.get(start..end)?;
        if value.is_empty() || placeholder_at(value.as_bytes()).is_some() {
            return None;
        }
        let small = value.to_lowercase();
        if EMPTY.contains(&small.as_str()) {
            return None;
        }
        if label.is(PASSWORD) {
            return self.password(i, (start, end), join);
        }
        if label.is(SECRET) && is_generated(value) && join != Join::Verb {
            let score = if join == Join::Mark { 0.85 } else { 0.75 };
            let long = join == Join::Mark || value.len() >= 16;
            let range = (start, end);
            return (long && self.add(range, Kind::Secret, "labelled", score)).then_some(end);
        }
        if label.is(USER) {
            return self.username(i, (start, end), join);
        }
        None
    }

    fn password(&mut self, i: usize, range: (usize, usize), join: Join) -> Option<usize> {
        let value = &self.text[range.0..range.1];
        let letters = value.chars().all(char::is_alphabetic);
        let capital = value.chars().skip(1).any(char::is_uppercase);
        let figures = value.bytes().all(|b| b.is_ascii_digit());
        let option = self.text[..self.tokens[i].start].ends_with("--");
        let mark = self.byte(range.0.saturating_sub(1)) == b'=';
        let short = self.word(i).eq_ignore_ascii_case("pass") || self.word(i).len() < 4;
        let score = match join {
            _ if value.len() < 3 => return None,
            Join::Mark if figures && short && value.len() < 4 => return None,
            Join::Mark if mark || !letters || capital => 0.9,
            // "Password: please ask", against "password: sesame".
            Join::Mark if self.goes_on(range.1) => 0.4,
            Join::Mark => 0.7,
            Join::Verb if !letters || capital => 0.8,
            Join::Space if option => 0.85,
            _ => return None,
        };
        self.add(range, Kind::Password, "labelled", score).then_some(range.1)
    }

    /// Whether more words follow on the line.
    fn goes_on(&self, at: usize) -> bool {
        let line = self.line(at);
        line.starts_with(' ') && line.trim_start().starts_with(char::is_alphanumeric)
    }

    fn username(&mut self, i: usize, range: (usize, usize), join: Join) -> Option<usize> {
        let value = &self.text[range.0..range.1];
        let inside = |b: u8| b.is_ascii_alphanumeric() || b"._@\\-$".contains(&b) || b >= 0x80;
        let plain = value.len() >= 2 && value.len() <= 64 && value.bytes().all(inside);
        let figures = value.bytes().all(|b| b.is_ascii_digit());
        let first = self.after(i + 1, range.0);
        let common = self.token(first).is_some_and(|t| t.is(COMMON) && t.end == range.1);
        if !plain || figures || common {
            return None;
        }
        let account =
            !matches!(self.word(i).to_ascii_lowercase().as_str(), "account" | "konto" | "handle");
        // sshd and sudo: "for user anna", "invalid user anna".
        let log =
            i > 0 && matches!(self.word(i - 1), "for" | "invalid" | "from" | "by" | "der" | "of");
        let score = match join {
            Join::Mark if account => 0.8,
            Join::Mark => 0.5,
            Join::Space if log && !value.ends_with('.') => 0.6,
            Join::Verb if value.bytes().any(|b| b.is_ascii_digit() || b"._".contains(&b)) => 0.7,
            Join::Verb if account && !self.goes_on(range.1) => 0.6,
            _ => return None,
        };
        self.add(range, Kind::Username, "labelled", score).then_some(range.1)
    }

    fn value_start(&self, i: usize) -> Option<(usize, Join, u8)> {
        let mut at = self.tokens[i].end;
        let skip = |at: &mut usize, set: &[u8]| {
            let from = *at;
            while set.contains(&self.byte(*at)) && *at - from < 8 {
                *at += 1;
            }
            *at > from
        };
        skip(&mut at, b"\"'`)]*\\");
        let mut spaced = skip(&mut at, b" \t");
        let mut join = None;
        if skip(&mut at, b":=>") {
            // A web address goes on after its scheme.
            (!self.bytes[at..].starts_with(b"//")).then_some(())?;
            join = Some(Join::Mark);
            skip(&mut at, b" \t*");
        } else if spaced
            && let Some(verb) = self.token(i + 1).filter(|t| t.start == at && t.is(EQUALS))
        {
            join = Some(Join::Verb);
            at = verb.end;
            spaced = skip(&mut at, b" \t:");
        }
        if join.is_none()
            && self.tokens[i].is(PASSWORD)
            && let Some(far) = self.far_join(i)
        {
            (at, join) = far;
            spaced = skip(&mut at, b" \t");
        }
        let join = join.or_else(|| spaced.then_some(Join::Space))?;
        if join == Join::Verb && !spaced {
            return None;
        }
        let quote = self.byte(at);
        if quote == b'\\' && matches!(self.byte(at + 1), b'"' | b'\'') {
            return Some((at + 2, join, b'\\'));
        }
        if matches!(quote, b'"' | b'\'' | b'`') {
            return Some((at + 1, join, quote));
        }
        for open in ["“", "„", "«", "‘"] {
            if self.bytes[at..].starts_with(open.as_bytes()) {
                return Some((at + open.len(), join, 0));
            }
        }
        Some((at, join, 0))
    }

    /// Where the colon or the verb ends that stands a few words on: "the password of the door is".
    fn far_join(&self, i: usize) -> Option<(usize, Option<Join>)> {
        for at in i + 1..(i + 5).min(self.tokens.len()) {
            let token = self.tokens[at];
            if self.gap(at - 1) != " " || !token.is_word() {
                return None;
            }
            if token.is(EQUALS) && at > i + 1 {
                return Some((token.end, Some(Join::Verb)));
            }
            let gap = self.gap(at);
            if gap.starts_with(": ") || gap.starts_with(" : ") {
                return Some((token.end + gap.find(':')? + 1, Some(Join::Mark)));
            }
        }
        None
    }

    fn value_end(&self, start: usize, quote: u8) -> usize {
        let line = self.line(start);
        if quote != 0
            && let Some(end) = line.bytes().position(|b| b == quote)
        {
            return start + end;
        }
        let stops = |c: char| c.is_whitespace() || "\"'`,;&<>()[]{}|”“»".contains(c);
        let value = line.split(stops).next().unwrap_or(line);
        // Marks that end the sentence, though passwords like to end in "!".
        start + value.trim_end_matches(['.', ':', '?']).len()
    }
}

/// Long enough, and of more than letters of one case.
fn is_generated(value: &str) -> bool {
    let has = |test: fn(char) -> bool| value.chars().any(test);
    let mixed = has(|c| c.is_ascii_digit()) || has(char::is_uppercase) && has(char::is_lowercase);
    value.len() >= 8 && mixed && value.chars().all(|c| c.is_ascii_graphic())
}

/// Tokens that may be labels of values.
pub(crate) fn is_label(token: &crate::tokens::Token) -> bool {
    token.is(PASSWORD | SECRET | USER) && token.has(flag::LETTER)
}
