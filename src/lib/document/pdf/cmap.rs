//! CMaps (Adobe Technical Note 5014; ISO 32000-1 §9.7.5, §9.10.3): character codes to CIDs or text.

use std::collections::HashMap;

use super::lexer::{Lexer, Operand};

/// Entries read from one CMap; a Unicode plane has 65 536 code points.
const MAX_ENTRIES: usize = 200_000;

/// Code lengths of a CMap and what its codes stand for.
#[derive(Debug, Default)]
pub(crate) struct CMap {
    codespaces: Vec<CodeSpace>,
    texts: HashMap<u32, String>,
    text_ranges: Vec<TextRange>,
    cid_ranges: Vec<CidRange>,
}

#[derive(Debug)]
struct CodeSpace {
    length: usize,
    low: Vec<u8>,
    high: Vec<u8>,
}

#[derive(Debug)]
struct TextRange {
    low: u32,
    high: u32,
    /// UTF-16 code units of `low`; the last one counts up.
    first: Vec<u16>,
}

#[derive(Debug)]
struct CidRange {
    low: u32,
    high: u32,
    cid: u32,
}

impl CMap {
    /// Reads a CMap; what is damaged is left out.
    pub(crate) fn parse(source: &[u8]) -> Self {
        let mut map = Self::default();
        let mut lexer = Lexer::new(source);
        let mut section = Vec::new();
        // Entries pile up between `begin…` and `end…`: more than an operator has operands.
        while let Some(operator) = lexer.next_with(&mut section, MAX_ENTRIES * 3) {
            match operator {
                b"endcodespacerange" => map.codespaces(&section),
                b"endbfchar" => map.text_chars(&section),
                b"endbfrange" => map.text_ranges(&section),
                b"endcidchar" => map.cid_chars(&section),
                b"endcidrange" => map.cid_ranges(&section),
                _ => {}
            }
        }
        map.text_ranges.sort_by_key(|range| range.low);
        map.cid_ranges.sort_by_key(|range| range.low);
        map
    }

    /// Whether it says anything about text.
    pub(crate) fn has_text(&self) -> bool {
        !self.texts.is_empty() || !self.text_ranges.is_empty()
    }

    /// The text of a code.
    pub(crate) fn text(&self, code: u32) -> Option<String> {
        if let Some(text) = self.texts.get(&code) {
            return Some(text.clone());
        }
        let after = self.text_ranges.partition_point(|range| range.low <= code);
        let range = self.text_ranges[..after].last().filter(|range| code <= range.high)?;
        let mut units = range.first.clone();
        let last = units.last_mut()?;
        *last = last.wrapping_add((code - range.low) as u16);
        Some(String::from_utf16_lossy(&units))
    }

    /// The CID of a code.
    pub(crate) fn cid(&self, code: u32) -> Option<u32> {
        let after = self.cid_ranges.partition_point(|range| range.low <= code);
        let range = self.cid_ranges[..after].last().filter(|range| code <= range.high)?;
        range.cid.checked_add(code - range.low)
    }

    /// The first code of `bytes` and its length, by the code space ranges (two bytes without any).
    pub(crate) fn next_code(&self, bytes: &[u8]) -> (u32, usize) {
        let fits = |space: &&CodeSpace| {
            bytes.len() >= space.length
                && (0..space.length).all(|i| (space.low[i]..=space.high[i]).contains(&bytes[i]))
        };
        let length = self.codespaces.iter().find(fits).map_or_else(
            || self.codespaces.iter().map(|space| space.length).min().unwrap_or(2),
            |space| space.length,
        );
        let length = length.min(bytes.len());
        (big_endian(&bytes[..length]), length)
    }

    fn codespaces(&mut self, operands: &[Operand]) {
        for pair in operands.chunks_exact(2) {
            let (Some(low), Some(high)) = (pair[0].string(), pair[1].string()) else { continue };
            if (1..=4).contains(&low.len()) && low.len() == high.len() && self.codespaces.len() < 64
            {
                let (low, high) = (low.to_vec(), high.to_vec());
                self.codespaces.push(CodeSpace { length: low.len(), low, high });
            }
        }
    }

    fn text_chars(&mut self, operands: &[Operand]) {
        for pair in operands.chunks_exact(2) {
            if let (Some(code), Some(text)) = (code(&pair[0]), pair[1].string())
                && self.texts.len() < MAX_ENTRIES
            {
                self.texts.insert(code, String::from_utf16_lossy(&utf16(text)));
            }
        }
    }

    fn text_ranges(&mut self, operands: &[Operand]) {
        for triple in operands.chunks_exact(3) {
            let (Some(low), Some(high)) = (code(&triple[0]), code(&triple[1])) else { continue };
            if high < low {
                continue;
            }
            match &triple[2] {
                Operand::String(first) if self.text_ranges.len() < MAX_ENTRIES => {
                    self.text_ranges.push(TextRange { low, high, first: utf16(first) });
                }
                Operand::Array(texts) => {
                    for (code, text) in (low..=high).zip(texts) {
                        if let Some(text) = text.string()
                            && self.texts.len() < MAX_ENTRIES
                        {
                            self.texts.insert(code, String::from_utf16_lossy(&utf16(text)));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn cid_chars(&mut self, operands: &[Operand]) {
        for pair in operands.chunks_exact(2) {
            if let (Some(code), Some(cid)) = (code(&pair[0]), pair[1].number()) {
                self.push_cids(code, code, cid);
            }
        }
    }

    fn cid_ranges(&mut self, operands: &[Operand]) {
        for triple in operands.chunks_exact(3) {
            if let (Some(low), Some(high), Some(cid)) =
                (code(&triple[0]), code(&triple[1]), triple[2].number())
                && low <= high
            {
                self.push_cids(low, high, cid);
            }
        }
    }

    fn push_cids(&mut self, low: u32, high: u32, cid: f64) {
        if self.cid_ranges.len() < MAX_ENTRIES && (0.0..=65_535.0).contains(&cid) {
            self.cid_ranges.push(CidRange { low, high, cid: cid as u32 });
        }
    }
}

fn code(operand: &Operand) -> Option<u32> {
    operand.string().filter(|bytes| (1..=4).contains(&bytes.len())).map(big_endian)
}

/// The number that up to four bytes spell.
pub(crate) fn big_endian(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |value, byte| value << 8 | u32::from(*byte))
}

/// UTF-16BE; a single byte stands for itself, as some producers write.
fn utf16(bytes: &[u8]) -> Vec<u16> {
    match bytes {
        [byte] => vec![u16::from(*byte)],
        _ => bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chars_ranges_and_arrays() {
        let map = CMap::parse(
            b"1 begincodespacerange <00> <80> <8140> <9ffc> endcodespacerange\n\
              2 beginbfchar <01> <0041> <02> <00660069> endbfchar\n\
              2 beginbfrange <10> <12> <0061> <20> <21> [<0078> <D83DDE00>] endbfrange\n\
              1 begincidrange <8140> <8150> 633 endcidrange",
        );
        assert_eq!(map.text(1).as_deref(), Some("A"));
        assert_eq!(map.text(2).as_deref(), Some("fi"));
        assert_eq!(map.text(0x12).as_deref(), Some("c"));
        assert_eq!(map.text(0x21).as_deref(), Some("\u{1f600}"));
        assert_eq!(map.text(0x13), None);
        assert_eq!(map.cid(0x8142), Some(635));
        assert_eq!(map.next_code(b"\x41\x81"), (0x41, 1));
        assert_eq!(map.next_code(b"\x81\x42"), (0x8142, 2));
    }

    #[test]
    fn a_huge_range_costs_nothing() {
        let map = CMap::parse(b"1 beginbfrange <00000000> <ffffffff> <0041> endbfrange");
        assert!(map.text(0x1234_5678).is_some());
    }

    proptest::proptest! {
        // A file beside the crates would be taken for a member of the workspace.
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let map = CMap::parse(&bytes);
            map.next_code(&bytes);
        }
    }
}
