//! Tokens of RTF (specification 1.9.1, "Syntax").

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Open,
    Close,
    /// A control word and its number.
    Word(&'a [u8], Option<i32>),
    /// A control symbol that is no letter.
    Symbol(u8),
    /// A byte of text in the current encoding.
    Byte(u8),
    /// Text as it stands.
    Plain(&'a [u8]),
}

/// Splits a file into tokens.
pub(super) struct Tokens<'a> {
    rest: &'a [u8],
}

impl<'a> Tokens<'a> {
    pub(super) fn new(source: &'a [u8]) -> Self {
        Self { rest: source }
    }

    /// Goes past raw bytes, which `\bin` announces.
    pub(super) fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    fn word(&mut self) -> Token<'a> {
        let length = self.rest.iter().take_while(|b| b.is_ascii_alphabetic()).take(32).count();
        let (name, after) = self.rest.split_at(length);
        let sign = usize::from(after.first() == Some(&b'-'));
        let digits = after[sign..].iter().take_while(|b| b.is_ascii_digit()).take(10).count();
        let length = if digits > 0 { sign + digits } else { 0 };
        let (number, after) = after.split_at(length);
        let number = std::str::from_utf8(number).ok().and_then(|n| n.parse().ok());
        self.rest = after.strip_prefix(b" ").unwrap_or(after);
        Token::Word(name, number)
    }

    fn control(&mut self) -> Option<Token<'a>> {
        let (first, after) = self.rest.split_first()?;
        if first.is_ascii_alphabetic() {
            return Some(self.word());
        }
        self.rest = after;
        if *first == b'\'' {
            let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
            if let Some(byte) = digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
                self.rest = &after[2..];
                return Some(Token::Byte(byte));
            }
        }
        Some(Token::Symbol(*first))
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let (first, after) = self.rest.split_first()?;
            match first {
                b'{' => {
                    self.rest = after;
                    return Some(Token::Open);
                }
                b'}' => {
                    self.rest = after;
                    return Some(Token::Close);
                }
                b'\\' => {
                    self.rest = after;
                    return self.control();
                }
                b'\r' | b'\n' | 0 => self.rest = after,
                _ => {
                    let is_text = |b: &&u8| !matches!(**b, b'{' | b'}' | b'\\' | b'\r' | b'\n' | 0);
                    let length = self.rest.iter().take_while(is_text).count();
                    let (text, after) = self.rest.split_at(length);
                    self.rest = after;
                    return Some(Token::Plain(text));
                }
            }
        }
    }
}
