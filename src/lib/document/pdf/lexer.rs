//! Tokens of content streams and CMaps (ISO 32000-1 §7.2, §7.3, §7.8.2).
//!
//! Lenient: a byte that fits nowhere is skipped, an object that is not closed ends with the input.

/// Arrays and dictionaries nested deeper than this are dropped.
const MAX_NESTING: usize = 32;

/// Operands before an operator that are kept; the rest is dropped. A TJ array is one operand.
const MAX_OPERANDS: usize = 64;

/// A direct object in a content stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    Number(f64),
    Name(Vec<u8>),
    String(Vec<u8>),
    Array(Vec<Operand>),
    /// Keys and values as they stand; names for keys are not checked.
    Dictionary(Vec<(Operand, Operand)>),
    /// `true`, `false`, `null`: no operator that matters for text reads them.
    Other,
}

impl Operand {
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(value) => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn name(&self) -> Option<&[u8]> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }

    pub(crate) fn string(&self) -> Option<&[u8]> {
        match self {
            Self::String(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// Reads operators with their operands from a content stream.
pub(crate) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Reads up to the next operator: its operands replace what is in `operands`. `None` at the end.
    pub(crate) fn next_operator(&mut self, operands: &mut Vec<Operand>) -> Option<&'a [u8]> {
        self.next_with(operands, MAX_OPERANDS)
    }

    /// [`Lexer::next_operator`] with another limit on operands.
    pub(crate) fn next_with(
        &mut self,
        operands: &mut Vec<Operand>,
        limit: usize,
    ) -> Option<&'a [u8]> {
        operands.clear();
        loop {
            self.skip_space();
            let byte = *self.bytes.get(self.at)?;
            if is_regular(byte) && !matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.') {
                let word = self.regular();
                match word {
                    b"true" | b"false" | b"null" => operands.push(Operand::Other),
                    _ => return Some(word),
                }
                continue;
            }
            if let Some(operand) = self.object(0)
                && operands.len() < limit
            {
                operands.push(operand);
            }
        }
    }

    /// Skips the data of an inline image, `ID` having been read; stands after its `EI`.
    pub(crate) fn skip_inline_image(&mut self) {
        self.at = (self.at + 1).min(self.bytes.len());
        while let Some(found) = find(&self.bytes[self.at..], b"EI") {
            let start = self.at + found;
            self.at = start + 2;
            let before = start == 0 || is_space(self.bytes[start - 1]);
            let after = &self.bytes[self.at..];
            // Image data may hold "EI" by chance: what follows the real one is text.
            let text = |b: &u8| is_space(*b) || (0x20..0x7f).contains(b);
            if before
                && after.first().is_none_or(|b| is_space(*b))
                && after.iter().take(12).all(text)
            {
                return;
            }
        }
        self.at = self.bytes.len();
    }

    /// An object that starts here, or `None` when the byte fits nowhere and was skipped.
    fn object(&mut self, depth: usize) -> Option<Operand> {
        let rest = &self.bytes[self.at..];
        match *rest.first()? {
            b'(' => Some(Operand::String(self.literal_string())),
            b'<' if rest.get(1) == Some(&b'<') => {
                self.at += 2;
                self.dictionary(depth + 1)
            }
            b'<' => Some(Operand::String(self.hex_string())),
            b'/' => {
                self.at += 1;
                Some(Operand::Name(unescape_name(self.regular())))
            }
            b'[' => {
                self.at += 1;
                self.array(depth + 1)
            }
            byte if is_regular(byte) => {
                let word = self.regular();
                Some(number(word).map_or(Operand::Other, Operand::Number))
            }
            _ => {
                self.at += 1;
                None
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<Operand> {
        let mut items = Vec::new();
        loop {
            self.skip_space();
            match self.bytes.get(self.at) {
                None => break,
                Some(b']') => {
                    self.at += 1;
                    break;
                }
                Some(_) if depth > MAX_NESTING => self.at += 1,
                Some(_) => items.extend(self.object(depth)),
            }
        }
        (depth <= MAX_NESTING).then_some(Operand::Array(items))
    }

    fn dictionary(&mut self, depth: usize) -> Option<Operand> {
        let mut items = Vec::new();
        let mut key = None;
        loop {
            self.skip_space();
            match self.bytes.get(self.at) {
                None => break,
                Some(b'>') => {
                    self.at += if self.bytes.get(self.at + 1) == Some(&b'>') { 2 } else { 1 };
                    break;
                }
                Some(_) if depth > MAX_NESTING => self.at += 1,
                Some(_) => {
                    let Some(object) = self.object(depth) else { continue };
                    match key.take() {
                        None => key = Some(object),
                        Some(key) => items.push((key, object)),
                    }
                }
            }
        }
        (depth <= MAX_NESTING).then_some(Operand::Dictionary(items))
    }

    fn literal_string(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut open = 1usize;
        self.at += 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'(' => open += 1,
                b')' => {
                    open -= 1;
                    if open == 0 {
                        break;
                    }
                }
                b'\\' => {
                    self.escape(&mut out);
                    continue;
                }
                _ => {}
            }
            out.push(byte);
        }
        out
    }

    /// What follows a backslash in a literal string (ISO 32000-1 Table 3).
    fn escape(&mut self, out: &mut Vec<u8>) {
        let Some(&byte) = self.bytes.get(self.at) else { return };
        self.at += 1;
        match byte {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'\r' => {
                if self.bytes.get(self.at) == Some(&b'\n') {
                    self.at += 1;
                }
            }
            b'\n' => {}
            b'0'..=b'7' => {
                let mut value = u32::from(byte - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = self.bytes.get(self.at) else { break };
                    value = value * 8 + u32::from(digit - b'0');
                    self.at += 1;
                }
                out.push((value & 0xff) as u8);
            }
            other => out.push(other),
        }
    }

    fn hex_string(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut high = None;
        self.at += 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            if byte == b'>' {
                break;
            }
            let Some(digit) = char::from(byte).to_digit(16) else { continue };
            match high.take() {
                None => high = Some(digit),
                Some(first) => out.push((first << 4 | digit) as u8),
            }
        }
        if let Some(first) = high {
            out.push((first << 4) as u8);
        }
        out
    }

    fn regular(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|b| !is_regular(*b)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn skip_space(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            if byte == b'%' {
                let rest = &self.bytes[self.at..];
                self.at +=
                    rest.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(rest.len());
            } else if is_space(byte) {
                self.at += 1;
            } else {
                return;
            }
        }
    }
}

fn unescape_name(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        let hex = |i: usize| raw.get(i).and_then(|b| char::from(*b).to_digit(16));
        if raw[at] == b'#'
            && let (Some(high), Some(low)) = (hex(at + 1), hex(at + 2))
        {
            out.push((high << 4 | low) as u8);
            at += 3;
        } else {
            out.push(raw[at]);
            at += 1;
        }
    }
    out
}

/// A number as viewers read it: `12`, `-.5`, `4.`, also `--3` and `1.2.3` by their first part.
fn number(word: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(word).ok()?;
    if let Ok(value) = text.parse::<f64>() {
        return value.is_finite().then_some(value);
    }
    let negative = text.starts_with('-');
    let digits = text.trim_start_matches(['-', '+']);
    let end = digits
        .char_indices()
        .scan(false, |dot, (at, c)| match c {
            '0'..='9' => Some(at + 1),
            '.' if !*dot => {
                *dot = true;
                Some(at + 1)
            }
            _ => None,
        })
        .last()?;
    let value = digits[..end].parse::<f64>().ok()?;
    Some(if negative { -value } else { value })
}

fn find(haystack: &[u8], needle: &[u8; 2]) -> Option<usize> {
    haystack.windows(2).position(|pair| pair == needle)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

fn is_regular(byte: u8) -> bool {
    !is_space(byte)
        && !matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(source: &[u8]) -> Vec<(Vec<Operand>, String)> {
        let mut lexer = Lexer::new(source);
        let mut operands = Vec::new();
        let mut out = Vec::new();
        while let Some(operator) = lexer.next_operator(&mut operands) {
            out.push((operands.clone(), String::from_utf8_lossy(operator).into_owned()));
        }
        out
    }

    #[test]
    fn strings_numbers_and_names() {
        let read = all(b"/F#31 12 Tf % comment\n[(a\\(b\\)\\101) -.5 <4 14>] TJ 1.2.3 --4 w");
        assert_eq!(read[0].0, [Operand::Name(b"F1".to_vec()), Operand::Number(12.0)]);
        assert_eq!(
            read[1].0,
            [Operand::Array(vec![
                Operand::String(b"a(b)A".to_vec()),
                Operand::Number(-0.5),
                Operand::String(vec![0x41, 0x40]),
            ])]
        );
        assert_eq!(read[2].0, [Operand::Number(1.2), Operand::Number(-4.0)]);
    }

    #[test]
    fn an_inline_image_is_skipped() {
        let mut lexer = Lexer::new(b"BI /W 1 ID \x01EI\x02 EI\xff\nEI\nQ (x) Tj");
        let mut operands = Vec::new();
        assert_eq!(lexer.next_operator(&mut operands), Some(&b"BI"[..]));
        assert_eq!(lexer.next_operator(&mut operands), Some(&b"ID"[..]));
        lexer.skip_inline_image();
        assert_eq!(lexer.next_operator(&mut operands), Some(&b"Q"[..]));
    }

    #[test]
    fn deep_nesting_ends() {
        let mut source = vec![b'['; 100_000];
        source.extend_from_slice(b" Tj");
        assert!(all(&source).len() <= 1);
    }

    proptest::proptest! {
        // A file beside the crates would be taken for a member of the workspace.
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

        #[test]
        fn any_bytes_come_to_an_end(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            all(&bytes);
        }
    }
}
