use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfkc_quick};

/// Odd, its bits well spread: 2⁶⁴ divided by the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// What shingles are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Words: runs of letters and digits. In scripts written without spaces each character is one.
    Word,
    /// Characters, white space counted once.
    Char,
}

/// How a text becomes a set. Letter case and Unicode form do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shingles {
    /// What they are made of.
    pub unit: Unit,
    /// How many units a shingle has, at least 1.
    pub length: usize,
}

impl Shingles {
    /// The text's shingles as hashes, sorted, each once. A text shorter than a shingle is one
    /// shingle; so the set is never empty.
    pub fn of(&self, text: &str) -> Vec<u32> {
        let units = match self.unit {
            Unit::Word => words(text),
            Unit::Char => characters(&fold(text)),
        };
        let length = self.length.max(1).min(units.len());
        let mut set: Vec<u32> = if length == 0 {
            vec![0]
        } else {
            units
                .windows(length)
                .map(|window| finish(window.iter().copied().fold(0, mix)))
                .collect()
        };
        set.sort_unstable();
        set.dedup();
        set
    }
}

fn mix(hash: u64, unit: u64) -> u64 {
    (hash.rotate_left(23) ^ unit).wrapping_mul(SPREAD)
}

/// The hash's upper half, its bits mixed once more (the finisher of SplitMix64: Steele, Lea and
/// Flood, 2014).
fn finish(hash: u64) -> u32 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 32) as u32
}

fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Owned(text.to_ascii_lowercase());
    }
    let normal: Cow<'_, str> = match is_nfkc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        _ => Cow::Owned(text.nfkc().collect()),
    };
    Cow::Owned(caseless::default_case_fold_str(&normal))
}

/// Words as hashes. A text that has none is taken by its characters: signs alone are told apart
/// too.
fn words(text: &str) -> Vec<u64> {
    let text = fold(text);
    let mut words = Vec::with_capacity(text.len() / 6);
    let mut word = None;
    for c in text.chars() {
        let alone = is_written_without_spaces(c);
        if alone || !c.is_alphanumeric() {
            words.extend(word.take());
        }
        if alone {
            words.push(mix(1, c.into()));
        } else if c.is_alphanumeric() {
            word = Some(mix(word.unwrap_or(1), c.into()));
        }
    }
    words.extend(word);
    if words.is_empty() { characters(&text) } else { words }
}

/// Scripts whose words no space parts: Thai, Lao, Tibetan, Burmese, Khmer, and Chinese and
/// Japanese with everything written between them.
fn is_written_without_spaces(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0FFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}'
        | '\u{2E80}'..='\u{2FDF}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30FF}'
        | '\u{31F0}'..='\u{31FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
        && c.is_alphanumeric()
}

fn characters(text: &str) -> Vec<u64> {
    let mut units = Vec::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !units.is_empty() {
            units.push(u64::from(' '));
        }
        units.extend(word.chars().map(u64::from));
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(unit: Unit, length: usize, text: &str) -> usize {
        Shingles { unit, length }.of(text).len()
    }

    #[test]
    fn words_of_any_script() {
        assert_eq!(count(Unit::Word, 1, "the pump, the WELL"), 3);
        assert_eq!(count(Unit::Word, 2, "the pump, the WELL"), 3);
        assert_eq!(count(Unit::Word, 1, "水泵坏了。星期四修理。"), 9);
        assert_eq!(count(Unit::Word, 1, "iPhoneを買う 2 台"), 6);
        assert_eq!(count(Unit::Word, 1, "насос сломался"), 2);
        assert_eq!(count(Unit::Char, 3, "abcd"), 2);
    }

    #[test]
    fn case_form_and_space_do_not_count() {
        let words = Shingles { unit: Unit::Word, length: 3 };
        assert_eq!(words.of("Straße zum  Ｗell — x"), words.of("STRASSE\nzum well x"));
        let chars = Shingles { unit: Unit::Char, length: 4 };
        assert_eq!(chars.of(" é  b"), chars.of("e\u{301} B"));
    }

    #[test]
    fn short_and_empty_texts_have_one_shingle() {
        let words = Shingles { unit: Unit::Word, length: 5 };
        for text in ["", " \n", "one two"] {
            assert_eq!(words.of(text).len(), 1);
        }
        assert_eq!(words.of(""), words.of("  "));
        assert_ne!(words.of("!!!"), words.of("???"));
        assert_ne!(words.of("!!!"), words.of(""));
        assert_ne!(words.of("one two"), words.of("two one"));
    }
}
