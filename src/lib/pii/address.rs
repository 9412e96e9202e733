//! Postal addresses: a street with its number, a postcode with its town.

use crate::kind::Kind;
use crate::scan::Scan;
use crate::tokens::{Token, flag};
use crate::words::{COMMON, PARTICLE, PLACE, STREET, TITLE};

/// How streets end in German and Dutch, in one word with their name.
const ENDINGS: [&str; 16] = [
    "straße", "strasse", "str", "weg", "platz", "allee", "gasse", "ring", "damm", "ufer", "straat",
    "laan", "plein", "gracht", "kade", "chaussee",
];

/// Heads of streets that come first: "rue de la Paix".
const HEADS: [&str; 20] = [
    "rue",
    "quai",
    "impasse",
    "chemin",
    "calle",
    "avenida",
    "paseo",
    "plaza",
    "via",
    "viale",
    "piazza",
    "corso",
    "vicolo",
    "rua",
    "praça",
    "travessa",
    "avenue",
    "boulevard",
    "place",
    "allée",
];

impl Scan<'_> {
    /// An address around token `i`: the token after it.
    pub(crate) fn address(&mut self, i: usize) -> Option<usize> {
        if !self.wants(Kind::Address) {
            return None;
        }
        let token = self.tokens[i];
        if token.has(flag::DIGIT) && self.bytes[token.start].is_ascii_digit() {
            return self.number_first(i).or_else(|| self.postcode(i));
        }
        if token.has(flag::DIGIT) {
            return self.british(i);
        }
        if !token.is_capitalised() && !token.is(STREET) {
            return None;
        }
        if token.is(STREET) && HEADS.contains(&self.word(i).to_lowercase().as_str()) {
            return self.head_first(i, i);
        }
        let word = self.word(i).to_lowercase();
        let long = ENDINGS.iter().any(|end| word.len() > end.len() + 2 && word.ends_with(end));
        let apart = token.is(STREET) && i > 0 && self.is_next(i - 1);
        if token.is_capitalised() && (long || apart || word == "straße" || word == "str") {
            return self.ending(i, long);
        }
        None
    }

    fn is_house_number(token: &Token) -> bool {
        token.has(flag::DIGIT) && token.len() <= 5
    }

    /// "Hauptstraße 12a", "Lange Straße 5", "Berliner Str. 7"
    fn ending(&mut self, i: usize, long: bool) -> Option<usize> {
        let number = self.token(i + 1).filter(|t| Self::is_house_number(t))?;
        if !matches!(self.gap(i), " " | ". ") || !self.bytes[number.start].is_ascii_digit() {
            return None;
        }
        let mut first = i;
        let joined = |gap: &str| matches!(gap, " " | "-");
        while first > 0 && i - first < 3 && joined(self.gap(first - 1)) {
            let before = &self.tokens[first - 1];
            let part = before.is_capitalised() && !before.is(COMMON);
            if !part || long && self.gap(first - 1) == " " || self.tokens[first].has(flag::LINE) {
                break;
            }
            first -= 1;
        }
        if first == i && !long {
            return None;
        }
        self.finish(first, i + 1, "street and number", 0.85)
    }

    /// "rue de la Paix 3", "Calle Mayor, 5", "12, rue Victor Hugo"
    fn head_first(&mut self, first: usize, head: usize) -> Option<usize> {
        let mut last = head;
        let mut named = false;
        for _ in 0..6 {
            let Some(next) = self.token(last + 1) else { break };
            let joined = matches!(self.gap(last), " " | "-" | "'" | "’");
            let small = matches!(self.word(last + 1), "l" | "d" | "des" | "les" | "dei" | "degli");
            let part = next.is(PARTICLE) || next.is_capitalised() || small;
            if !joined || !part || next.is(COMMON) && !next.is(PARTICLE) {
                break;
            }
            named |= next.is_capitalised();
            last += 1;
        }
        if !named {
            return None;
        }
        let number = self.token(last + 1).filter(|t| Self::is_house_number(t));
        let follows = matches!(self.gap(last), " " | ", " | ", nº " | ", n. " | " n. ");
        if number.is_some() && follows && first == head {
            return self.finish(first, last + 1, "street and number", 0.85);
        }
        if first < head { self.finish(first, last, "number and street", 0.85) } else { None }
    }

    /// "12 Baker Street", "221B Baker St", "12 rue Victor Hugo", "12 bis, rue …"
    fn number_first(&mut self, i: usize) -> Option<usize> {
        if !Self::is_house_number(&self.tokens[i]) || !matches!(self.gap(i), " " | ", ") {
            return None;
        }
        let mut at = i + 1;
        if matches!(self.word(at), "bis" | "ter") {
            at += 1;
        }
        if HEADS.contains(&self.word(at).to_lowercase().as_str()) && !self.word(at).is_empty() {
            return self.head_first(i, at);
        }
        let mut last = i;
        for _ in 0..4 {
            if !self.is_next(last) || !self.tokens[last + 1].is_word() {
                return None;
            }
            last += 1;
            let token = self.tokens[last];
            if token.is(STREET) && token.is_capitalised() && last > i + 1 {
                return self.finish(i, last, "number and street", 0.85);
            }
            if !token.is_capitalised() || token.is(COMMON) {
                return None;
            }
        }
        None
    }

    /// "10115 Berlin", "1012 AB Amsterdam"
    fn postcode(&mut self, i: usize) -> Option<usize> {
        let last = self.town(i)?;
        let sure = self.tokens[i + 1..=last].iter().any(|t| t.is(PLACE));
        let range = (self.tokens[i].start, self.tokens[last].end);
        sure.then_some(())?;
        self.add(range, Kind::Address, "postcode and town", 0.75).then_some(last + 1)
    }

    /// The last token of a postcode and a town that begin with token `i`.
    fn town(&self, i: usize) -> Option<usize> {
        let code = self.token(i)?;
        if !code.is_number() || !(4..=5).contains(&code.len()) {
            return None;
        }
        let mut at = i;
        let dutch =
            self.token(at + 1).is_some_and(|t| t.len() == 2 && !t.has(flag::SMALL | flag::DIGIT));
        if dutch && self.is_next(at) && code.len() == 4 {
            at += 1;
        }
        let town =
            self.token(at + 1).filter(|t| t.is_capitalised() && !t.is(COMMON) && t.len() > 2);
        (self.is_next(at) && town.is_some()).then_some(at + 1)
    }

    /// "SW1A 2AA": an outward code, and a digit with two letters.
    fn british(&mut self, i: usize) -> Option<usize> {
        let end = self.british_end(i)?;
        self.add((self.tokens[i].start, end), Kind::Address, "GB postcode", 0.7).then_some(i + 2)
    }

    fn british_end(&self, i: usize) -> Option<usize> {
        let (outward, inward) = (self.word(i).as_bytes(), self.word(i + 1).as_bytes());
        let letters = outward.iter().take_while(|b| b.is_ascii_uppercase()).count();
        let outer = (2..=4).contains(&outward.len())
            && (1..=2).contains(&letters)
            && outward.get(letters).is_some_and(u8::is_ascii_digit);
        let inner = matches!(inward, [d, a, b] if d.is_ascii_digit() && a.is_ascii_uppercase() && b.is_ascii_uppercase());
        (outer && inner && self.is_next(i)).then(|| self.tokens[i + 1].end)
    }

    /// Takes the town after a street, and notes both as one.
    fn finish(
        &mut self,
        first: usize,
        last: usize,
        rule: &'static str,
        score: f32,
    ) -> Option<usize> {
        let mut end = last;
        for _ in 0..4 {
            let apart = self.gap(end);
            let joined = matches!(apart, ", " | " " | "," | "\n" | ",\n" | "\r\n" | " - " | ". ");
            let next = self.token(end + 1).filter(|_| joined);
            let Some(next) = next else { break };
            if let Some(town) = self.town(end + 1) {
                end = town;
            } else if self.british_end(end + 1).is_some() {
                end += 2;
            } else if next.is(PLACE) && next.is_capitalised() {
                end += 1;
            } else if self.state_and_code(end + 1) {
                end += 2;
                break;
            } else {
                break;
            }
        }
        // A town that no list has: before a code, or alone after a comma.
        let town = self.token(end + 1).is_some_and(|t| {
            t.is_capitalised() && t.len() > 3 && !t.has(flag::LINE) && !t.is(COMMON | TITLE)
        });
        let alone = self.gap(end + 1).starts_with(['.', ',', ';', '\n', ')'])
            || end + 2 >= self.tokens.len();
        if town
            && matches!(self.gap(end), ", ")
            && self.is_next(end + 1)
            && self.british_end(end + 2).is_some()
        {
            end += 3;
        } else if town
            && end == last
            && self.gap(end) == ", "
            && alone
            && !self.state_and_code(end + 2)
        {
            end += 1;
        } else if self.gap(end) == ", "
            && town
            && self.gap(end + 1) == ", "
            && self.state_and_code(end + 2)
        {
            end += 3;
        }
        let range = (self.tokens[first].start, self.tokens[end].end);
        self.add(range, Kind::Address, rule, score).then_some(end + 1)
    }

    /// "IL 62704"
    fn state_and_code(&self, i: usize) -> bool {
        let state = self.word(i);
        let code = self.word(i + 1);
        state.len() == 2
            && state.bytes().all(|b| b.is_ascii_uppercase())
            && self.is_next(i)
            && code.len() == 5
            && code.bytes().all(|b| b.is_ascii_digit())
    }
}
