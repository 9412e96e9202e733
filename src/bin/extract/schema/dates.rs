//! Dates in a text, as people write them, and as ISO 8601 writes them.
//!
//! Read are 2026-11-19, 2026/11/19, 2026年11月19日, 19.11.2026, 19/11/2026, 19 November 2026,
//! 19th of Nov. 26, November 19, 2026, and November 2026 (as 2026-11), with the months of seven
//! languages. A date of two numbers that may both be the month is read by the region's order,
//! and means nothing without one.

use std::ops::Range;

use jiff::civil::Date;

/// Which comes first in a date such as 3/4/2026.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    /// Nobody said: such a date is not read.
    #[default]
    Unknown,
    DayFirst,
    MonthFirst,
}

impl Order {
    /// The order in a region (ISO 3166).
    pub(crate) fn of_region(region: &str) -> Self {
        match region {
            "US" | "FM" | "MH" | "PW" | "GU" | "PR" | "AS" | "MP" | "VI" | "PH" | "BZ" => {
                Self::MonthFirst
            }
            _ => Self::DayFirst,
        }
    }
}

/// Months in English, German, French, Spanish, Italian, Portuguese and Dutch, folded.
const MONTHS: [&[&str]; 12] = [
    &[
        "january", "jan", "januar", "jänner", "janvier", "janv", "enero", "ene", "gennaio", "gen",
        "janeiro", "januari",
    ],
    &[
        "february",
        "feb",
        "februar",
        "février",
        "févr",
        "fév",
        "febrero",
        "febbraio",
        "fevereiro",
        "fev",
        "februari",
    ],
    &["march", "mar", "märz", "mär", "mars", "marzo", "março", "maart", "mrt"],
    &["april", "apr", "avril", "avr", "abril", "abr", "aprile"],
    &["may", "mai", "mayo", "maggio", "mag", "maio", "mei"],
    &["june", "jun", "juni", "juin", "junio", "giugno", "giu", "junho"],
    &["july", "jul", "juli", "juillet", "juil", "julio", "luglio", "lug", "julho"],
    &["august", "aug", "août", "agosto", "ago", "augustus"],
    &["september", "sep", "sept", "septembre", "septiembre", "settembre", "set", "setembro"],
    &["october", "oct", "oktober", "okt", "octobre", "octubre", "ottobre", "ott", "outubro", "out"],
    &["november", "nov", "novembre", "noviembre", "novembro"],
    &[
        "december",
        "dec",
        "dezember",
        "dez",
        "décembre",
        "déc",
        "diciembre",
        "dic",
        "dicembre",
        "dezembro",
    ],
];

/// The dates of a folded text with where they stand, in ISO 8601.
pub(crate) fn dates(text: &str, order: Order) -> impl Iterator<Item = (Range<usize>, String)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let c = text[at..].chars().next()?;
            let begins = c.is_ascii_digit() || c.is_alphabetic();
            let within = text[..at].chars().next_back().is_some_and(|b| {
                (b.is_ascii_digit() && c.is_ascii_digit())
                    || (b.is_alphabetic() && c.is_alphabetic())
            });
            if begins
                && !within
                && let Some((rest, date)) = date_at(&text[at..], order)
            {
                let range = at..text.len() - rest.len();
                at = range.end;
                return Some((range, date));
            }
            at += c.len_utf8();
        }
    })
}

/// The date that a value holds, when it holds one.
pub(crate) fn normalized(folded: &str, order: Order) -> Option<String> {
    let mut found = dates(folded, order);
    let (_, date) = found.next()?;
    found.next().is_none().then_some(date)
}

/// A date at the start: what follows it, and the date.
fn date_at(text: &str, order: Order) -> Option<(&str, String)> {
    let found = year_first(text)
        .or_else(|| numbers(text, order))
        .or_else(|| day_and_month(text))
        .or_else(|| month_first(text))?;
    (!found.0.starts_with(|c: char| c.is_ascii_digit())).then_some(found)
}

fn year_first(text: &str) -> Option<(&str, String)> {
    let (year, rest) = digits(text, 4..=4)?;
    let mark = rest.chars().next().filter(|c| matches!(c, '-' | '/' | '.' | '年'))?;
    let (month, rest) = digits(&rest[mark.len_utf8()..], 1..=2)?;
    let second = if mark == '年' { '月' } else { mark };
    let (day, rest) = digits(rest.strip_prefix(second)?, 1..=2)?;
    let rest = rest.strip_prefix('日').filter(|_| mark == '年').unwrap_or(rest);
    Some((rest, day_of(year, month, day)?))
}

fn numbers(text: &str, order: Order) -> Option<(&str, String)> {
    let (first, rest) = digits(text, 1..=2)?;
    let mark = rest.chars().next().filter(|c| matches!(c, '-' | '/' | '.'))?;
    let spaced = |rest: &'_ str| -> usize { usize::from(mark == '.' && rest.starts_with(' ')) };
    let rest = &rest[1..];
    let (second, rest) = digits(&rest[spaced(rest)..], 1..=2)?;
    let rest = rest.strip_prefix(mark)?;
    let (year, rest) = year(&rest[spaced(rest)..])?;
    let day_first = mark == '.' || order == Order::DayFirst;
    let date = match (day_of(year, second, first), day_of(year, first, second)) {
        (Some(date), _) if day_first => date,
        (_, Some(date)) if order == Order::MonthFirst && mark != '.' => date,
        // One reading is no date, or both are the same.
        (Some(date), None) => date,
        (None, Some(date)) if mark != '.' => date,
        (Some(one), Some(other)) if one == other => one,
        _ => return None,
    };
    Some((rest, date))
}

fn day_and_month(text: &str) -> Option<(&str, String)> {
    let (day, rest) = digits(text, 1..=2)?;
    let rest = ["st", "nd", "rd", "th", "er", ".", "º", "°"]
        .iter()
        .find_map(|suffix| rest.strip_prefix(suffix))
        .unwrap_or(rest);
    let rest = rest.strip_prefix(['-', ' ']).unwrap_or(rest);
    let rest = ["of ", "de ", "d'"].iter().find_map(|w| rest.strip_prefix(w)).unwrap_or(rest);
    let (month, rest) = month(rest)?;
    let rest = after_month(rest);
    let rest = ["de ", "del "].iter().find_map(|w| rest.strip_prefix(w)).unwrap_or(rest);
    let (year, rest) = year(rest)?;
    Some((rest, day_of(year, month, day)?))
}

fn month_first(text: &str) -> Option<(&str, String)> {
    let (month, rest) = month(text)?;
    let rest = after_month(rest);
    if let Some((year, rest)) = digits(rest, 4..=4) {
        let month_of = || Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, 1).ok();
        return month_of().map(|_| (rest, format!("{year:04}-{month:02}")));
    }
    let (day, rest) = digits(rest, 1..=2)?;
    let rest = ["st", "nd", "rd", "th"].iter().find_map(|s| rest.strip_prefix(s)).unwrap_or(rest);
    let rest = rest.strip_prefix(',').unwrap_or(rest);
    let (year, rest) = year(rest.strip_prefix(' ')?)?;
    Some((rest, day_of(year, month, day)?))
}

/// Past what may stand between a month's name and a number.
fn after_month(rest: &str) -> &str {
    let rest = rest.strip_prefix('.').unwrap_or(rest);
    let rest = rest.strip_prefix(',').unwrap_or(rest);
    rest.strip_prefix([' ', '-']).unwrap_or(rest)
}

fn month(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    let word = &text[..end];
    let number = MONTHS.iter().position(|names| names.contains(&word))?;
    Some((u32::try_from(number).ok()? + 1, &text[end..]))
}

/// Four digits, or two that stand for 1969 to 2068 (as POSIX has it).
fn year(text: &str) -> Option<(u32, &str)> {
    if let Some(found) = digits(text, 4..=4) {
        return Some(found);
    }
    let (year, rest) = digits(text.strip_prefix('\'').unwrap_or(text), 2..=2)?;
    Some((if year < 69 { 2000 + year } else { 1900 + year }, rest))
}

/// A number of so many digits, no more.
fn digits(text: &str, count: std::ops::RangeInclusive<usize>) -> Option<(u32, &str)> {
    let length = text.bytes().take(5).take_while(u8::is_ascii_digit).count();
    if !count.contains(&length) {
        return None;
    }
    Some((text[..length].parse().ok()?, &text[length..]))
}

fn day_of(year: u32, month: u32, day: u32) -> Option<String> {
    let small = |n: u32| i8::try_from(n).ok();
    Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::folded::folded_value;
    use super::*;

    fn iso(text: &str, order: Order) -> Option<String> {
        normalized(&folded_value(text), order)
    }

    #[test]
    fn a_date_in_many_notations() {
        for text in [
            "2026-11-19",
            "2026/11/19",
            "2026.11.19",
            "2026年11月19日",
            "19.11.2026",
            "19. 11. 2026",
            "19.11.26",
            "19/11/2026",
            "11/19/2026",
            "19 November 2026",
            "19th of November 2026",
            "November 19, 2026",
            "Nov. 19th, 2026",
            "19. November 2026",
            "19 novembre 2026",
            "19 de noviembre de 2026",
            "19-Nov-2026",
            "Thursday, 19 Nov 2026",
            "19 Nov '26",
            "２０２６年１１月１９日",
        ] {
            assert_eq!(iso(text, Order::Unknown).as_deref(), Some("2026-11-19"), "{text}");
        }
        assert_eq!(iso("1er août 2026", Order::Unknown).as_deref(), Some("2026-08-01"));
        assert_eq!(iso("March 2026", Order::Unknown).as_deref(), Some("2026-03"));
    }

    #[test]
    fn two_numbers_are_read_by_the_region_or_not_at_all() {
        assert_eq!(iso("3/4/2026", Order::Unknown), None);
        assert_eq!(iso("4/4/2026", Order::Unknown).as_deref(), Some("2026-04-04"));
        assert_eq!(iso("3/4/2026", Order::of_region("DE")).as_deref(), Some("2026-04-03"));
        assert_eq!(iso("3/4/2026", Order::of_region("US")).as_deref(), Some("2026-03-04"));
        assert_eq!(iso("3.4.2026", Order::of_region("US")).as_deref(), Some("2026-04-03"));
    }

    #[test]
    fn what_is_no_date_or_more_than_one_is_not_read() {
        for text in [
            "30.02.2026",
            "2026-13-01",
            "19 Nov",
            "12.50",
            "1.2.3.4",
            "maybe 2026",
            "19.11.2026 or 20.11.2026",
            "119.11.2026",
            "2026-11-190",
        ] {
            assert_eq!(iso(text, Order::Unknown), None, "{text}");
        }
        let text = "from 19.11.2026 to 2026-12-01.";
        let all: Vec<_> = dates(text, Order::Unknown).map(|(r, d)| (&text[r], d)).collect();
        let both = [("19.11.2026", "2026-11-19".to_owned()), ("2026-12-01", "2026-12-01".into())];
        assert_eq!(all, both);
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "[0-9./ ,'-]{0,12}(nov|mai|年|月|日|é)?[0-9./ ,']{0,12}") {
            for (range, date) in dates(&text, Order::DayFirst) {
                prop_assert!(text.get(range).is_some());
                prop_assert!(date.len() == 10 || date.len() == 7);
            }
        }
    }
}
