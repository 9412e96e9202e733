//! Dates with their times, in figures and in words.

use crate::check::is_day;
use crate::kind::Kind;
use crate::scan::{Cursor, Scan};
use crate::words::{self, BIRTH, MONTH};

/// Between the parts of a date in words: "12 March", "3 de mayo", "4th of July".
fn joins(gap: &str) -> bool {
    matches!(gap, " " | "." | ". " | ", " | "/" | "-" | "º " | "er ")
}

impl Scan<'_> {
    /// A date that begins with token `i`: where it ends.
    pub(crate) fn date(&mut self, i: usize) -> Option<usize> {
        let start = self.tokens[i].start;
        if !self.begins(start) {
            return None;
        }
        if !self.wants_date(i) {
            // Nothing else is looked for in a date that is not wanted.
            return self.figures(start);
        }
        let end =
            self.figures(start).or_else(|| self.day_in_words(i)).or_else(|| self.month_first(i))?;
        self.note_date(i, start, end)
    }

    /// A date that begins with the name of a month, at token `i`.
    pub(crate) fn month_date(&mut self, i: usize) -> Option<usize> {
        if !self.wants_date(i) {
            return None;
        }
        let end = self.month_first(i)?;
        self.note_date(i, self.tokens[i].start, end)
    }

    /// Whether a date here would count: of a birth only after a word, or a star, that says so.
    fn wants_date(&self, i: usize) -> bool {
        self.wants(Kind::Date) || self.wants(Kind::BirthDate) && self.is_birth(i)
    }

    fn is_birth(&self, i: usize) -> bool {
        let before = self.text[..self.tokens[i].start].trim_end_matches(' ');
        before.ends_with('*') || self.said_within(i, BIRTH, 5)
    }

    fn note_date(&mut self, i: usize, start: usize, end: usize) -> Option<usize> {
        let noted =
            self.is_birth(i) && self.add((start, end), Kind::BirthDate, "date of birth", 0.95);
        (noted || self.add((start, end), Kind::Date, "date", 0.7)).then_some(end)
    }

    fn cursor(&self, at: usize) -> Cursor<'_> {
        Cursor { bytes: self.bytes, at }
    }

    /// 2026-11-21, 21.11.2026, 11/21/26, each with a time after it or without.
    fn figures(&self, start: usize) -> Option<usize> {
        let mut at = self.cursor(start);
        let first = at.digits(1, 4)?;
        let long = at.at - start == 4;
        if !long && at.at - start > 2 {
            return None;
        }
        let between = at.one_of(b"-./")?;
        // 12. 3. 1985
        let spaced = between == b'.' && at.one_of(b" ").is_some();
        let second = at.digits(1, 2)?;
        at.one_of(&[between])?;
        if spaced {
            at.one_of(b" ")?;
        }
        let from = at.at;
        let (year, month, day) = if long {
            (first, second, at.digits(1, 2)?)
        } else {
            let year = at.digits(2, 4)?;
            let digits = at.at - from;
            let year = match digits {
                4 => year,
                2 if between != b'.' || second <= 12 => 2000 + year,
                _ => return None,
            };
            if second > 12 && between != b'.' {
                (year, first, second)
            } else {
                (year, second, first)
            }
        };
        let (month, day) =
            if month > 12 && day <= 12 && !long { (day, month) } else { (month, day) };
        if !(1000..=2999).contains(&year) || !is_day(Some(year), month, day) {
            return None;
        }
        let end = self.time(at.at).unwrap_or(at.at);
        self.ends(end).then_some(end)
    }

    /// `T12:30:00.123Z`, ` 12:30`, `:12:30:00 +0000` after a date that ends at `at`.
    fn time(&self, at: usize) -> Option<usize> {
        let mut cursor = self.cursor(at);
        let comma = cursor.one_of(b",").is_some();
        cursor.one_of(if comma { b" " } else { b"Tt :_" })?;
        (cursor.digits(1, 2)? < 25).then_some(())?;
        cursor.one_of(b":")?;
        (cursor.digits(2, 2)? < 60).then_some(())?;
        let mut end = cursor.at;
        if cursor.one_of(b":").is_some() && cursor.digits(2, 2).is_some() {
            end = cursor.at;
            if cursor.one_of(b".,").is_some() && cursor.digits(1, 9).is_some() {
                end = cursor.at;
            }
        }
        Some(self.zone(end).unwrap_or(end))
    }

    fn zone(&self, at: usize) -> Option<usize> {
        let mut cursor = self.cursor(at);
        if cursor.one_of(b"Zz").is_some() {
            return (!cursor.peek().is_ascii_alphanumeric()).then_some(cursor.at);
        }
        let _ = cursor.one_of(b" ");
        cursor.one_of(b"+-")?;
        cursor.digits(2, 4)?;
        let whole = cursor.at;
        if cursor.one_of(b":").is_some() && cursor.digits(2, 2).is_some() {
            return Some(cursor.at);
        }
        Some(whole)
    }

    /// "12. März 1985", "3 de mayo de 2024", "21/Nov/2026:12:30:00 +0000", "4th of July".
    fn day_in_words(&self, i: usize) -> Option<usize> {
        let day = &self.tokens[i];
        let figures = self.word(i).trim_end_matches(|c: char| c.is_alphabetic());
        let number =
            figures.parse::<u32>().ok().filter(|n| (1..=31).contains(n) && day.len() <= 4)?;
        let mut at = i + 1;
        if matches!(self.word(at), "de" | "of" | "du" | "o" | "a") && self.is_next(i) {
            at += 1;
        }
        let named = self.token(at).filter(|t| t.is(MONTH))?;
        if !joins(self.gap(at - 1)) && self.gap(at - 1) != ". " {
            return None;
        }
        let month = words::month(self.word(at))?;
        if !is_day(None, month, number) {
            return None;
        }
        let year = if matches!(self.word(at + 1), "de" | "del" | "of") && self.is_next(at) {
            at + 2
        } else {
            at + 1
        };
        let end = match self.year(year) {
            Some(end) if joins(self.gap(year - 1)) => self.time(end).unwrap_or(end),
            // "may 5", "3 mar": without a year only where it is written as a name.
            _ if named.len() > 3 || self.gap(i) == ". " => named.end,
            _ => return None,
        };
        Some(end)
    }

    /// "March 12, 1985", "Nov 21 12:30:00".
    fn month_first(&self, i: usize) -> Option<usize> {
        let month = self.token(i).filter(|t| t.is(MONTH) && t.is_capitalised())?;
        let number = words::month(self.word(i))?;
        let next = self.token(i + 1)?;
        if !matches!(self.gap(i), " " | "  " | ". ") || month.end + 3 < next.start {
            return None;
        }
        let figures = self.word(i + 1).trim_end_matches(|c: char| c.is_alphabetic());
        let day = figures.parse::<u32>().ok()?;
        if !is_day(None, number, day) {
            return None;
        }
        if matches!(self.gap(i + 1), ", " | " " | ",")
            && let Some(end) = self.year(i + 2)
        {
            return Some(self.time(end).unwrap_or(end));
        }
        Some(self.time(next.end).unwrap_or(next.end))
    }

    fn year(&self, i: usize) -> Option<usize> {
        let token = self.token(i)?;
        let value = self.word(i).parse::<u32>().ok()?;
        (token.len() == 4 && (1000..=2999).contains(&value)).then_some(token.end)
    }
}
