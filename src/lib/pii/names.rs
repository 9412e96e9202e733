//! Organisations and places.

use crate::kind::Kind;
use crate::scan::Scan;
use crate::tokens::flag;
use crate::words::{
    AMBIGUOUS, COMMON, COMPANY, FIRST, INSTITUTION, KNOWN_COMPANY, LAST, PARTICLE, PLACE, TITLE,
    WHERE,
};

/// Words of the longest name before "GmbH".
const WORDS: usize = 5;

impl Scan<'_> {
    /// An organisation around token `i`: the token after it.
    pub(crate) fn organisation(&mut self, i: usize) -> Option<usize> {
        let token = self.tokens[i];
        if !self.wants(Kind::Organisation) || !token.is_capitalised() {
            return None;
        }
        if token.is(COMPANY) {
            return self.company(i);
        }
        if token.is(INSTITUTION) {
            return self.institution(i);
        }
        if token.is(KNOWN_COMPANY) {
            let range = (token.start, token.end);
            return self.add(range, Kind::Organisation, "known name", 0.6).then_some(i + 1);
        }
        None
    }

    fn is_word_of_name(&self, i: usize) -> bool {
        self.token(i).is_some_and(|t| {
            (t.is_capitalised() || t.is_number()) && !t.is(COMMON | TITLE | COMPANY)
        })
    }

    /// The first token of the capitalised words that end before token `i`.
    fn words_before(&self, i: usize) -> usize {
        let mut first = i;
        while first > 0 && i - first < WORDS && self.is_word_of_name(first - 1) {
            if !matches!(self.gap(first - 1), " " | "-" | " & " | "&" | ", " | ".")
                || self.tokens[first].has(flag::LINE)
            {
                break;
            }
            // "in Berlin, Müller GmbH": a comma belongs only before the form of the company.
            if self.gap(first - 1) == ", " && first != i {
                break;
            }
            first -= 1;
        }
        while first < i && self.tokens[first].is_number() {
            first += 1;
        }
        first
    }

    /// "Müller & Söhne GmbH"
    fn company(&mut self, i: usize) -> Option<usize> {
        let first = self.words_before(i);
        if first == i {
            return None;
        }
        let mut last = i;
        // "GmbH & Co. KG"
        while matches!(self.gap(last), " & " | " " | ". " | ".")
            && self.token(last + 1).is_some_and(|t| t.is(COMPANY) || self.word(last + 1) == "Co")
        {
            last += 1;
        }
        let range = (self.tokens[first].start, self.tokens[last].end);
        self.add(range, Kind::Organisation, "legal form", 0.85).then_some(last + 1)
    }

    /// "University of Leeds", "Stadtwerke München", "Lloyds Bank"
    fn institution(&mut self, i: usize) -> Option<usize> {
        let mut last = i;
        for _ in 0..WORDS {
            let mut at = last;
            while self.is_next(at)
                && at < last + 2
                && (self.tokens[at + 1].is(PARTICLE) || self.word(at + 1) == "of")
            {
                at += 1;
            }
            if !self.is_next(at) || !self.is_word_of_name(at + 1) || self.tokens[at + 1].is_number()
            {
                break;
            }
            last = at + 1;
        }
        let first = if last == i { self.words_before(i) } else { i };
        if first == last {
            return None;
        }
        let range = (self.tokens[first].start, self.tokens[last].end);
        self.add(range, Kind::Organisation, "institution", 0.6).then_some(last + 1)
    }

    /// A place that begins with token `i`: the token after it.
    pub(crate) fn place(&mut self, i: usize) -> Option<usize> {
        let token = self.tokens[i];
        if !self.wants(Kind::Place) || !token.is(PLACE) || !token.is_capitalised() {
            return None;
        }
        if token.is(AMBIGUOUS) && !self.said_within(i, WHERE, 1) {
            return None;
        }
        let name = token.is(LAST);
        let listed = self.gap(i) == ", " && self.token(i + 1).is_some_and(|t| t.is(PLACE));
        let score = if self.said_within(i, WHERE, 1) && i > 0 && self.is_next(i - 1) {
            0.8
        } else if listed {
            0.7
        } else if token.is(FIRST) {
            0.45
        } else if name {
            0.5
        } else {
            0.55
        };
        // "Frankfurt am Main" stands in the list by its first word alone.
        let range = (token.start, token.end);
        self.add(range, Kind::Place, "place list", score).then_some(i + 1)
    }
}
