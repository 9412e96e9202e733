//! Names of people: word lists, and what stands around names.

use crate::kind::Kind;
use crate::scan::Scan;
use crate::tokens::flag;
use crate::words::{
    AMBIGUOUS, CLOSING, COMMON, COMPANY, FIRST, GREETING, INSTITUTION, LAST, MONTH, PARTICLE,
    PERSON, PLACE, STREET, TITLE, WHERE,
};

/// Parts of the longest name: "Maria del Carmen García López".
const PARTS: usize = 5;

impl Scan<'_> {
    /// Whether token `i` may be a part of a name.
    fn is_part(&self, i: usize) -> bool {
        self.token(i).is_some_and(|t| {
            t.is_capitalised()
                && t.len() > 1
                && (!t.is(COMMON | TITLE | COMPANY) || t.is(LAST) && !t.is(COMMON))
        })
    }

    /// Whether token `i` is one letter, as of a middle name.
    fn is_initial(&self, i: usize) -> bool {
        self.token(i).is_some_and(|t| t.is_capitalised() && self.word(i).chars().count() == 1)
    }

    /// The last token of a part that begins with token `i`: "Anna-Lena", "O'Brien".
    fn part_end(&self, i: usize) -> usize {
        let mut at = i;
        while matches!(self.gap(at), "-" | "'" | "’")
            && self.token(at + 1).is_some_and(|t| t.is_capitalised() && t.len() > 1)
        {
            at += 1;
        }
        at
    }

    /// The last token of a name whose first part ends at token `i`.
    fn name_end(&self, i: usize) -> usize {
        let mut end = self.part_end(i);
        for _ in 1..PARTS {
            let mut at = end;
            if self.is_next(at) && self.is_initial(at + 1) && self.gap(at + 1).starts_with(". ") {
                at += 1;
                if self.gap(at) == ". " && self.is_part(at + 1) {
                    end = self.part_end(at + 1);
                    continue;
                }
                break;
            }
            while self.is_next(at) && self.tokens[at + 1].is(PARTICLE) && at < end + 3 {
                at += 1;
            }
            let next = self.is_next(at) && self.is_part(at + 1);
            let place = next && at == end && self.is_elsewhere(at + 1);
            if !next || place {
                break;
            }
            end = self.part_end(at + 1);
        }
        end
    }

    /// Whether a capitalised word after a name is more likely something else.
    fn is_elsewhere(&self, i: usize) -> bool {
        let token = self.tokens[i];
        token.is(MONTH | STREET | INSTITUTION | GREETING | CLOSING) && !token.is(LAST | FIRST)
            || token.is(PLACE) && !token.is(LAST)
    }

    /// A name that begins with, or is announced by, token `i`: the token after it.
    pub(crate) fn person(&mut self, i: usize) -> Option<usize> {
        let token = self.tokens[i];
        if token.is(TITLE)
            && (token.is_capitalised() || token.len() > 2)
            && let Some(next) = self.titled(i)
        {
            return Some(next);
        }
        if token.is(GREETING)
            && let Some(next) = self.greeted(i)
        {
            return Some(next);
        }
        if token.is(CLOSING)
            && let Some(next) = self.signed(i)
        {
            return Some(next);
        }
        if token.is(PERSON)
            && let Some(next) = self.labelled(i)
        {
            return Some(next);
        }
        if let Some(next) = self.speaker(i) {
            return Some(next);
        }
        if !token.is_capitalised() {
            return None;
        }
        if self.is_initial(i) { self.abbreviated(i) } else { self.listed(i) }
    }

    fn name(&mut self, first: usize, last: usize, rule: &'static str, score: f32) -> Option<usize> {
        let range = (self.tokens[first].start, self.tokens[last].end);
        self.add(range, Kind::Person, rule, score).then_some(last + 1)
    }

    /// "Mr Smith", "Frau Dr. Müller", "Mme. de la Tour"
    fn titled(&mut self, i: usize) -> Option<usize> {
        let mut at = i;
        while matches!(self.gap(at), " " | ". ") && self.token(at + 1).is_some_and(|t| t.is(TITLE))
        {
            at += 1;
        }
        while matches!(self.gap(at), " " | ". ")
            && self.token(at + 1).is_some_and(|t| t.is(PARTICLE))
            && at < i + 6
        {
            at += 1;
        }
        if !matches!(self.gap(at), " " | ". " | ".") {
            return None;
        }
        let mut first = at + 1;
        while self.is_initial(first) && matches!(self.gap(first), ". " | " ") && first < at + 3 {
            first += 1;
        }
        let begins = at + 1;
        if self.token(begins)?.has(flag::LINE) || !self.is_part(first) {
            return None;
        }
        // A short title in small letters is a word: "ms", "sig".
        let sure = self.tokens[i].is_capitalised();
        let end = self.name_end(first);
        self.name(begins, end, "title", if sure { 0.9 } else { 0.55 })
    }

    /// "Dear Anna,", "hi bob"
    fn greeted(&mut self, i: usize) -> Option<usize> {
        if !matches!(self.gap(i), " " | ", ") {
            return None;
        }
        let next = self.token(i + 1)?;
        if next.is(TITLE | GREETING | COMMON) || next.is(PLACE) && !next.is(FIRST) {
            return None;
        }
        let after = self.gap(i + 1);
        let alone = after.starts_with([',', '!', '.', '\n', ':']) || after.is_empty();
        if next.is_capitalised() && next.len() > 1 {
            let end = self.name_end(i + 1);
            let known = next.is(FIRST | LAST) && !next.is(AMBIGUOUS);
            let score = match (known, alone || end > i + 1) {
                (true, _) => 0.85,
                (false, true) => 0.6,
                _ => 0.4,
            };
            return self.name(i + 1, end, "greeting", score);
        }
        let small = next.is(FIRST) && !next.is(AMBIGUOUS) && next.is_word() && self.gap(i) == " ";
        if small { self.name(i + 1, i + 1, "greeting", 0.6) } else { None }
    }

    /// "[10:32] anna: hi", "Anna Berger: hi" at the start of a line.
    fn speaker(&mut self, i: usize) -> Option<usize> {
        let token = self.tokens[i];
        let before = self.before(token.start);
        let time =
            before == b' ' && matches!(self.before(token.start - 1), b']' | b'-' | b'>' | b')');
        if !token.is(FIRST) || token.is(COMMON) || !(token.has(flag::LINE) || time) {
            return None;
        }
        let end = if token.is_capitalised() { self.name_end(i) } else { i };
        let says = matches!(self.gap(end), ": " | " : ") || self.gap(end).starts_with(": ");
        if says { self.name(i, end, "speaker", 0.65) } else { None }
    }

    /// "Kind regards,\nAnna Berger"
    fn signed(&mut self, i: usize) -> Option<usize> {
        let mut at = i + 1;
        // What is left of the closing: "regards", "Grüßen", "from", with their marks.
        while self.token(at).is_some_and(|t| !t.has(flag::LINE)) && at < i + 4 {
            let known = self.tokens[at].is(FIRST) && self.tokens[at].is_capitalised();
            if known && !self.tokens[at].is(AMBIGUOUS | COMMON) && self.gap(at - 1).len() <= 3 {
                let end = self.name_end(at);
                return self.name(at, end, "signature", 0.75);
            }
            at += 1;
        }
        let first = self.token(at).filter(|t| t.has(flag::LINE))?;
        let lines = self.gap(at - 1).matches('\n').count();
        if lines > 3 || !self.is_part(at) && !self.is_initial(at) {
            return None;
        }
        let begin = at;
        while self.is_initial(at) && matches!(self.gap(at), ". " | " ") {
            at += 1;
        }
        if !self.is_part(at) {
            return None;
        }
        let end = self.name_end(at);
        let rest = self.line(self.tokens[end].end);
        // A signature is alone on its line, or before a comma.
        let alone = rest.trim().is_empty() || rest.starts_with([',', '|', ' ']) && rest.len() < 60;
        let score = if first.is(FIRST) || end > begin { 0.85 } else { 0.6 };
        if alone { self.name(begin, end, "signature", score) } else { None }
    }

    /// "Name: Anna Berger", "patient=Anna Berger"
    fn labelled(&mut self, i: usize) -> Option<usize> {
        let gap = self.gap(i);
        let mark = gap.trim_matches([' ', '"', '\'', '\t', '*']);
        if !(mark == ":" || mark == "=" || mark == ":=") || gap.len() > 8 || gap.contains('\n') {
            return None;
        }
        let mut first = i + 1;
        while self.token(first).is_some_and(|t| t.is(TITLE)) && first < i + 4 {
            first += 1;
        }
        let begin = first;
        while self.is_initial(first) && matches!(self.gap(first), ". " | " ") {
            first += 1;
        }
        if !self.is_part(first) {
            return None;
        }
        let end = self.name_end(first);
        let known = (first..=end).any(|at| self.tokens[at].is(FIRST | LAST));
        let person = !matches!(
            self.word(i).to_lowercase().as_str(),
            "from" | "author" | "name" | "nom" | "owner" | "nome"
        );
        let score = if known {
            0.9
        } else if person || end > first {
            0.6
        } else {
            0.45
        };
        self.name(begin, end, "label", score)
    }

    /// "J. Smith"
    fn abbreviated(&mut self, i: usize) -> Option<usize> {
        let mut last = i;
        while self.gap(last) == ". " && self.is_initial(last + 1) && last < i + 3 {
            last += 1;
        }
        if self.gap(last) != ". " || !self.is_part(last + 1) {
            return None;
        }
        let end = self.name_end(last + 1);
        let surname = self.tokens[last + 1];
        let known = surname.is(LAST) && !surname.is(MONTH);
        self.name(i, end, "initial", if known { 0.65 } else { 0.35 })
    }

    /// A name that a list has.
    fn listed(&mut self, i: usize) -> Option<usize> {
        let token = self.tokens[i];
        if !self.is_part(i) || !token.is(FIRST) {
            return self.surname_first(i);
        }
        let end = self.name_end(i);
        let ambiguous = token.is(AMBIGUOUS);
        let shouted = !token.has(flag::SMALL);
        let score = if end > self.part_end(i) {
            let last = self.tokens[end];
            let known = last.is(LAST | FIRST) && !last.is(AMBIGUOUS);
            match (known, ambiguous) {
                (true, false) => 0.92,
                (true, true) => 0.7,
                (false, false) if last.is(LAST) => 0.85,
                (false, false) if !shouted => 0.7,
                (false, true) if last.is(LAST) => 0.5,
                _ => 0.4,
            }
        } else if ambiguous || shouted || token.len() < 3 {
            0.2
        } else if token.is(PLACE) || self.said_within(i, WHERE, 1) && !token.is(LAST) {
            0.45
        } else {
            0.6
        };
        self.name(i, end, "name list", score)
    }

    /// "Berger, Anna", and a surname after a word that no list has.
    fn surname_first(&mut self, i: usize) -> Option<usize> {
        let token = self.tokens[i];
        if !self.is_part(i) || token.is(PLACE | MONTH | STREET | INSTITUTION) {
            return None;
        }
        let next = self.token(i + 1)?;
        if token.is(LAST) && self.gap(i) == ", " && next.is(FIRST) && self.is_part(i + 1) {
            let sure = !token.is(AMBIGUOUS) && !next.is(AMBIGUOUS);
            let end = self.part_end(i + 1);
            return self.name(i, end, "surname first", if sure { 0.7 } else { 0.4 });
        }
        let known = next.is(LAST) && !next.is(AMBIGUOUS | PLACE) && self.is_part(i + 1);
        if !self.is_next(i) || !known || self.bytes[token.start..token.end].len() < 3 {
            return None;
        }
        // At the start of a sentence any word has a capital.
        let start = token.has(flag::LINE)
            || self.text[..token.start].trim_end().ends_with(['.', '!', '?', ':']);
        let end = self.name_end(i);
        self.name(i, end, "surname list", if start { 0.35 } else { 0.45 })
    }
}
