//! Where in a text a value stands.

use std::cell::OnceCell;
use std::ops::Range;

use serde::Serialize;
use serde_json::Value;

use super::dates;
use super::folded::{Folded, folded_value};
use super::money::Amount;
use super::normal::Region;
use super::numbers::{Numbers, plain, tokens};
use super::phones;
use super::shape::Kind;

/// A value's place in the text: bytes, half-open, on the boundaries of what a reader takes for
/// characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// How often it stands there, in the same way; this is the first.
    #[serde(skip_serializing_if = "is_one")]
    pub(crate) count: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_one(count: &usize) -> bool {
    *count == 1
}

/// A date's place in the folded text.
type DatePlace = (Range<usize>, String);

/// A text in which values are looked for.
#[derive(Debug)]
pub(crate) struct Locator<'t> {
    source: &'t str,
    region: &'t Region,
    /// As the others below made when a value is looked for: many texts give none.
    folded: OnceCell<Folded<'t>>,
    numbers: OnceCell<Numbers>,
    dates: OnceCell<Vec<DatePlace>>,
}

impl<'t> Locator<'t> {
    /// Values are looked for in `text`.
    pub(crate) fn new(source: &'t str, region: &'t Region) -> Self {
        let (folded, numbers, dates) = Default::default();
        Self { source, region, folded, numbers, dates }
    }

    fn folded(&self) -> &Folded<'t> {
        self.folded.get_or_init(|| Folded::new(self.source))
    }

    /// Where the value stands: as it is, in other letters, or as the same number, date, amount
    /// or phone number.
    pub(crate) fn find(&self, value: &Value, kind: Kind) -> Option<Span> {
        match value {
            Value::Number(number) => self.number(&number.to_string()),
            Value::String(text) => self.text(text, kind),
            _ => None,
        }
    }

    fn text(&self, text: &str, kind: Kind) -> Option<Span> {
        self.words(text).or_else(|| match kind {
            Kind::Date => self.date(text),
            Kind::Money => self.amount(text),
            Kind::Phone => self.phone(text),
            Kind::Plain => self.bare_number(text),
            Kind::Email | Kind::Url => None,
        })
    }

    /// The words themselves; places where each byte is the same go first.
    fn words(&self, value: &str) -> Option<Span> {
        let wanted = value.trim();
        let (mut exact, mut alike) = (None, None);
        for range in self.folded().find(wanted) {
            let Some(range) = self.folded().source_of(range) else { continue };
            let found = if &self.source[range.clone()] == wanted { &mut exact } else { &mut alike };
            let first = found.get_or_insert(Span { start: range.start, end: range.end, count: 0 });
            first.count += 1;
        }
        exact.or(alike)
    }

    fn numbers(&self) -> &Numbers {
        self.numbers.get_or_init(|| Numbers::of(self.folded().text()))
    }

    fn number(&self, number: &str) -> Option<Span> {
        let place = self.numbers().place(&plain(number)?)?;
        self.span(place.range.clone(), place.count)
    }

    /// A text that is a number and nothing else.
    fn bare_number(&self, text: &str) -> Option<Span> {
        let folded = folded_value(text);
        let token = tokens(&folded).next()?;
        let sign = folded.strip_prefix('-').map_or("", |_| "-");
        if token.range != (sign.len()..folded.len()) {
            return None;
        }
        token.readings(&folded).iter().find_map(|reading| self.number(&format!("{sign}{reading}")))
    }

    fn date(&self, text: &str) -> Option<Span> {
        let wanted = dates::normalized(&folded_value(text), self.region.order)?;
        let all = || dates::dates(self.folded().text(), self.region.order).collect();
        let all: &Vec<DatePlace> = self.dates.get_or_init(all);
        let mut same = all.iter().filter(|(_, date)| *date == wanted).map(|(range, _)| range);
        let first = same.next()?.clone();
        self.span(first, 1 + same.count())
    }

    /// The same amount, with the currency that stands beside it.
    fn amount(&self, text: &str) -> Option<Span> {
        let region = self.region.name.as_deref();
        let wanted = Amount::of(&folded_value(text), region)?;
        let folded = self.folded().text();
        let (mut first, mut count) = (None, 0);
        for token in tokens(folded) {
            let near = nearby(folded, &token.range);
            let found = near.into_iter().find(|range| {
                Amount::of(&folded[range.clone()], region).is_some_and(|found| {
                    found.number == wanted.number
                        && (found.currency == wanted.currency || wanted.currency.is_none())
                })
            });
            if let Some(range) = found {
                count += 1;
                first.get_or_insert(range);
            }
        }
        self.span(first?, count)
    }

    fn phone(&self, text: &str) -> Option<Span> {
        let value = folded_value(text);
        let (digits, wanted) = (phones::digits(&value), phones::e164(&value, self.region.id));
        let end = digits.get(digits.len().saturating_sub(4)..)?;
        let folded = self.folded().text();
        let mut same = phones::candidates(folded).filter(|range| {
            let found = phones::digits(&folded[range.clone()]);
            // Reading a number costs more than looking at its end.
            found == digits
                || (found.ends_with(end)
                    && wanted.is_some()
                    && phones::e164(&folded[range.clone()], self.region.id) == wanted)
        });
        let first = same.next()?;
        self.span(first, 1 + same.count())
    }

    fn span(&self, folded: Range<usize>, count: usize) -> Option<Span> {
        let Range { start, end } = self.folded().source_of(folded)?;
        Some(Span { start, end, count })
    }
}

/// Bytes before and after a number in which its currency is looked for.
const BESIDE: (usize, usize) = (8, 20);

/// A number with the word before or after it, widest first. No further than a currency may
/// stand: texts without spaces would be read again for each number.
fn nearby(text: &str, number: &Range<usize>) -> [Range<usize>; 4] {
    let from = floor(text, number.start.saturating_sub(BESIDE.0));
    let before = &text[from..number.start];
    let word = before.trim_end_matches(' ').rfind([' ', '(']);
    let start = word.map_or(from, |at| from + at + 1);
    let after = &text[number.end..floor(text, number.end + BESIDE.1)];
    let gap = after.len() - after.trim_start_matches(' ').len();
    let word = after[gap..].find([' ', ',', ';', ')']).unwrap_or(after.len() - gap);
    let end = number.end + after[..gap + word].trim_end_matches(['.', ':', '!', '?']).len();
    [start..end, start..number.end, number.start..end, number.clone()]
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

#[cfg(test)]
#[path = "locate_tests.rs"]
mod tests;
