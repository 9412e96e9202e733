//! Which words mean something to the rules: one table, looked up once for each word.

use crate::tokens::flag;
use crate::words::{self, Class};

/// Bytes of the longest word that is kept.
const LONGEST: usize = 24;

/// An open-addressed table from the hash of a word in small letters to what it means.
pub(crate) struct Lexicon {
    slots: Vec<(u64, Class)>,
    mask: usize,
    /// By the first two letters, the lengths of words that are kept: most words are none of them.
    heads: Vec<u32>,
}

/// Where the first two letters of a word stand among all pairs, whatever their case.
fn head(word: &[u8]) -> usize {
    let letter = |at: usize| usize::from(word.get(at).copied().unwrap_or(0) & 31);
    letter(0) * 32 + letter(1)
}

/// The hash of up to 24 bytes, in small ASCII letters.
fn hash(word: &[u8]) -> u64 {
    let mut buffer = [0_u8; LONGEST];
    buffer[..word.len()].copy_from_slice(word);
    let part = |at: usize| {
        let mut eight = [0_u8; 8];
        eight.copy_from_slice(&buffer[at..at + 8]);
        u64::from_le_bytes(eight) | 0x2020_2020_2020_2020
    };
    let mut hash = 0x9e37_79b9_7f4a_7c15_u64 ^ word.len() as u64;
    let parts = word.len().div_ceil(8).max(1);
    for at in 0..parts {
        hash = (hash ^ part(at * 8)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash ^= hash >> 32;
    }
    hash | 1
}

impl Lexicon {
    /// The words of the patterns, and with `names` those of names and places.
    pub(crate) fn new(names: bool) -> Self {
        let mut all: Vec<(String, Class)> = Vec::new();
        words::each(names, &mut |word, class| all.push((word.to_lowercase(), class)));
        let size = (all.len() * 4).next_power_of_two();
        let mut lexicon = Self { slots: vec![(0, 0); size], mask: size - 1, heads: vec![0; 1024] };
        for (word, class) in all {
            if word.len() <= LONGEST {
                lexicon.heads[head(word.as_bytes())] |= 1 << word.len();
                lexicon.add(hash(word.as_bytes()), class);
            }
        }
        lexicon
    }

    fn add(&mut self, hash: u64, class: Class) {
        let mut at = Self::slot(hash) & self.mask;
        while self.slots[at].0 != 0 && self.slots[at].0 != hash {
            at = (at + 1) & self.mask;
        }
        self.slots[at] = (hash, self.slots[at].1 | class);
    }

    fn slot(hash: u64) -> usize {
        usize::try_from(hash >> 24).unwrap_or(0)
    }

    /// What a token means; for `db_password`, what its last part means too.
    pub(crate) fn class(&self, token: &[u8], flags: u8) -> Class {
        let whole = self.word(token, flags);
        if flags & flag::UNDERSCORE == 0 {
            return whole;
        }
        let last = token.rsplit(|b| *b == b'_').find(|part| !part.is_empty()).unwrap_or(token);
        whole | self.word(last, flags) & words::LABELS
    }

    fn word(&self, word: &[u8], flags: u8) -> Class {
        if flags & flag::WIDE != 0 {
            let folded = std::str::from_utf8(word).map(str::to_lowercase).unwrap_or_default();
            return self.find(folded.as_bytes());
        }
        self.find(word)
    }

    fn find(&self, word: &[u8]) -> Class {
        if word.len() > LONGEST || self.heads[head(word)] & (1 << word.len()) == 0 {
            return 0;
        }
        let hash = hash(word);
        let mut at = Self::slot(hash) & self.mask;
        loop {
            match self.slots[at] {
                (0, _) => return 0,
                (found, class) if found == hash => return class,
                _ => at = (at + 1) & self.mask,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_case() {
        let lexicon = Lexicon::new(true);
        assert_ne!(lexicon.class(b"PassWord", flag::LETTER) & words::PASSWORD, 0);
        let label = flag::LETTER | flag::UNDERSCORE;
        assert_ne!(lexicon.class(b"DB_PASSWORD", label) & words::PASSWORD, 0);
        let wide = flag::LETTER | flag::WIDE;
        assert_ne!(lexicon.class("GRÜSSE".as_bytes(), wide) & words::CLOSING, 0);
        assert_eq!(lexicon.class(b"zzqx", flag::LETTER), 0);
        assert_eq!(lexicon.class(&[b'a'; 300], flag::LETTER), 0);
    }
}
