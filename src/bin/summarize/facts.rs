//! Numbers, dates and names: what a summary may not invent.

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation as _;

use crate::terms::folded;

/// English months, by number; an abbreviation of three letters stands for its month.
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// What a text says of numbers and words.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    numbers: HashSet<String>,
    words: HashSet<String>,
}

impl Facts {
    /// Those of `text`.
    pub(crate) fn of(text: &str) -> Self {
        let mut facts = Self::default();
        for number in numbers(text) {
            facts.numbers.extend(readings(number));
        }
        for date in iso_dates(text) {
            facts.words.insert(date.to_owned());
        }
        for word in text.unicode_words() {
            let word = name(word);
            if let Some(month) = month(&word) {
                facts.words.insert(month.to_owned());
            }
            facts.words.insert(word);
        }
        facts
    }

    /// The numbers of `sentence`, and with `names` its names, that the text does not have.
    ///
    /// 1,000 is 1000 and 1.50 is 1.5 in either notation. A name is a word with a capital that
    /// does not begin the sentence; case, diacritics and a last s do not matter.
    pub(crate) fn unsupported(&self, sentence: &str, names: bool) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for number in numbers(sentence) {
            if !self.has_number(number) {
                found.push(number.to_owned());
            }
        }
        if names {
            found.extend(names_of(sentence).filter(|n| !self.has_name(n)).map(str::to_owned));
        }
        let mut seen = HashSet::new();
        found.retain(|fact| seen.insert(fact.clone()));
        found
    }

    fn has_number(&self, number: &str) -> bool {
        let has = |reading: &String| self.numbers.contains(reading);
        let groups = groups(number);
        let parts = groups.len() > 1 && groups.iter().all(|g| self.numbers.contains(bare(g)));
        parts || whole(number).iter().any(has)
    }

    fn has_name(&self, word: &str) -> bool {
        let word = name(word);
        let has = |word: &str| self.words.contains(word);
        has(&word)
            || month(&word).is_some_and(has)
            || word.strip_suffix('s').is_some_and(has)
            || has(&format!("{word}s"))
    }
}

/// A name as it is compared: without the ending of possession.
fn name(word: &str) -> String {
    let word = folded(word);
    let bare = word.strip_suffix("'s").or_else(|| word.strip_suffix("’s"));
    bare.map_or_else(|| word.clone(), str::to_owned)
}

fn month(word: &str) -> Option<&'static str> {
    let abbreviated = word.len() == 3 || word == "sept";
    let named = |month: &&&str| **month == word || abbreviated && month.starts_with(word);
    MONTHS.iter().find(named).copied()
}

/// The months of dates such as 2026-11-19.
fn iso_dates(text: &str) -> impl Iterator<Item = &'static str> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '-')).filter_map(|word| {
        let mut parts = word.split('-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        let dated = year.len() == 4 && month.len() == 2 && day.len() == 2;
        let month: usize = month.parse().ok().filter(|_| dated)?;
        MONTHS.get(month.checked_sub(1)?).copied()
    })
}

/// Capitalised words that do not begin the sentence, nor what is quoted or follows a colon.
fn names_of(sentence: &str) -> impl Iterator<Item = &str> {
    let begins = |at: usize| {
        let before = sentence[..at].trim_end();
        before.chars().all(|c| !c.is_alphanumeric())
            || before.ends_with([':', '.', '!', '?'])
            || sentence[..at].ends_with(['"', '“', '„', '«', '‘', '\''])
    };
    sentence.unicode_word_indices().filter_map(move |(at, word)| {
        let mut chars = word.chars();
        let capital = chars.next().is_some_and(char::is_uppercase);
        // A capital alone is a pronoun, an initial or a letter.
        let long = chars.next().is_some_and(char::is_alphanumeric);
        (capital && long && !begins(at)).then_some(word)
    })
}

const SEPARATORS: [char; 6] = ['.', ',', '\'', '’', '\u{a0}', '\u{202f}'];

/// Runs of digits, with what separates their groups.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_digit() || SEPARATORS.contains(&c)))
        .map(|run| run.trim_matches(SEPARATORS))
        .filter(|run| run.starts_with(|c: char| c.is_ascii_digit()))
}

/// The groups of digits of a number.
fn groups(number: &str) -> Vec<&str> {
    number.split(SEPARATORS).filter(|group| !group.is_empty()).collect()
}

/// Without zeros in front.
fn bare(digits: &str) -> &str {
    let bare = digits.trim_start_matches('0');
    if bare.is_empty() { "0" } else { bare }
}

/// What a number may mean as a whole: groups of thousands, or the last group a fraction.
fn whole(number: &str) -> Vec<String> {
    let groups = groups(number);
    let thousands = |groups: &[&str]| {
        groups.first().is_some_and(|first| first.len() <= 3 || groups.len() == 1)
            && groups[1..].iter().all(|group| group.len() == 3)
    };
    let mut readings = Vec::new();
    if !groups.is_empty() && thousands(&groups) {
        readings.push(bare(&groups.concat()).to_owned());
    }
    if let [integer @ .., fraction] = groups.as_slice()
        && !integer.is_empty()
        && thousands(integer)
        // 1,000 is a thousand, not one.
        && *fraction != "000"
    {
        let (integer, fraction) = (integer.concat(), fraction.trim_end_matches('0'));
        let point = if fraction.is_empty() { "" } else { "." };
        readings.push(format!("{}{point}{fraction}", bare(&integer)));
    }
    readings
}

/// All that a number in the source supports: itself, and the parts of a date or time.
fn readings(number: &str) -> Vec<String> {
    let mut readings = whole(number);
    let groups = groups(number);
    if groups.len() > 1 && groups.iter().all(|group| group.len() != 3) {
        readings.extend(groups.iter().map(|group| bare(group).to_owned()));
    }
    readings
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unsupported(source: &str, sentence: &str) -> Vec<String> {
        Facts::of(source).unsupported(sentence, true)
    }

    #[test]
    fn numbers_are_the_same_in_any_notation() {
        let source =
            "It cost 1,000 euros, 1.234.567,50 in all, 12.50 each, at 09:30 on 19.11.2026.";
        for good in
            ["1000", "1'000", "1234567.5", "12,5", "9:30", "19 11 2026", "2026-11-19", "19.11.2026"]
        {
            assert_eq!(unsupported(source, good), Vec::<String>::new(), "{good}");
        }
        assert_eq!(unsupported(source, "About 1001 or 12.05 or 575"), ["1001", "12.05", "575"]);
        assert_eq!(unsupported("1,000", "1"), ["1"]);
    }

    #[test]
    fn names_are_the_same_in_any_spelling_of_case_and_marks() {
        let source = "jonas müller met Anna's friends from NATO in Nov 2026.";
        let good = "Then Jonas Muller saw Anna and Nato in November.";
        assert_eq!(unsupported(source, good), Vec::<String>::new());
        let bad = "Peter said: Look, so Jonas and Maria met in December at UNESCO.";
        assert_eq!(unsupported(source, bad), ["Maria", "December", "UNESCO"]);
        assert_eq!(unsupported("On 2026-11-19.", "It is in November."), Vec::<String>::new());
    }

    #[test]
    fn what_begins_a_sentence_or_quote_is_no_name() {
        assert_eq!(
            unsupported("x", "\"Tomorrow\" is what \"People\" say I am."),
            Vec::<String>::new()
        );
        assert_eq!(Facts::of("x").unsupported("The Berger pump", false), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn a_text_supports_itself(text in "[A-Za-z0-9.,:'é世 -]{0,60}") {
            prop_assert_eq!(unsupported(&text, &text), Vec::<String>::new());
        }
    }
}
