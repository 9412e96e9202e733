//! A text cut into words, once: every rule works on the same list.

use crate::lexicon::Lexicon;
use crate::words::Class;

/// What the characters of a token are.
pub(crate) mod flag {
    pub(crate) const DIGIT: u8 = 1;
    pub(crate) const LETTER: u8 = 2;
    /// Begins with a capital.
    pub(crate) const CAPITAL: u8 = 4;
    /// Has a small letter.
    pub(crate) const SMALL: u8 = 8;
    pub(crate) const WIDE: u8 = 16;
    /// A line ends between the token before and this one.
    pub(crate) const LINE: u8 = 32;
    pub(crate) const UNDERSCORE: u8 = 64;
}

/// A run of letters, digits and underscores.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) flags: u8,
    pub(crate) class: Class,
}

impl Token {
    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    pub(crate) fn has(&self, flags: u8) -> bool {
        self.flags & flags != 0
    }

    pub(crate) fn is(&self, class: Class) -> bool {
        self.class & class != 0
    }

    /// Digits alone.
    pub(crate) fn is_number(&self) -> bool {
        self.flags & (flag::DIGIT | flag::LETTER | flag::UNDERSCORE) == flag::DIGIT
    }

    /// Letters alone.
    pub(crate) fn is_word(&self) -> bool {
        self.flags & (flag::DIGIT | flag::LETTER | flag::UNDERSCORE) == flag::LETTER
    }

    /// A word as names are written: a capital first, then small letters.
    pub(crate) fn is_capitalised(&self) -> bool {
        self.is_word() && self.has(flag::CAPITAL)
    }
}

/// The tokens of a text, and where its marks are.
#[derive(Default)]
pub(crate) struct Tokens {
    pub(crate) list: Vec<Token>,
    /// Places of `@`.
    pub(crate) ats: Vec<usize>,
    /// Places of `://`.
    pub(crate) schemes: Vec<usize>,
    /// Places of `<`: a placeholder may begin there.
    pub(crate) angles: Vec<usize>,
}

const OTHER: u8 = 0;
const WIDE: u8 = 255;
const MARK: u8 = 254;
const NEWLINE: u8 = 253;
const UPPER: u8 = flag::LETTER | 128;

const fn classes() -> [u8; 256] {
    let mut table = [OTHER; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = match b {
            b'0'..=b'9' => flag::DIGIT,
            b'A'..=b'Z' => UPPER,
            b'a'..=b'z' => flag::LETTER | flag::SMALL,
            b'_' => flag::UNDERSCORE,
            b'@' | b':' | b'<' => MARK,
            b'\n' => NEWLINE,
            0x80.. => WIDE,
            _ => OTHER,
        };
        byte += 1;
    }
    table
}

static CLASSES: [u8; 256] = classes();

impl Tokens {
    /// Cuts `text` anew.
    pub(crate) fn cut(&mut self, text: &str, lexicon: &Lexicon) {
        self.list.clear();
        self.ats.clear();
        self.schemes.clear();
        self.angles.clear();
        let bytes = text.as_bytes();
        let mut at = 0;
        let mut line = flag::LINE;
        while at < bytes.len() {
            match CLASSES[usize::from(bytes[at])] {
                OTHER => at += 1,
                NEWLINE => {
                    line = flag::LINE;
                    at += 1;
                }
                MARK => {
                    self.mark(bytes, at);
                    at += 1;
                }
                WIDE if !wide(text, at).1 => at += wide(text, at).0,
                _ => {
                    let mut token = word(text, at);
                    at = token.end;
                    if token.flags & flag::LETTER != 0 {
                        token.class = lexicon.class(&bytes[token.start..token.end], token.flags);
                    }
                    token.flags |= line;
                    line = 0;
                    self.list.push(token);
                }
            }
        }
    }

    fn mark(&mut self, bytes: &[u8], at: usize) {
        match bytes[at] {
            b'@' => self.ats.push(at),
            b'<' => self.angles.push(at),
            _ if bytes[at..].starts_with(b"://") => self.schemes.push(at),
            _ => {}
        }
    }
}

/// Bytes of the character at `at`, whether it belongs to words, and whether it is a capital.
fn wide(text: &str, at: usize) -> (usize, bool, bool) {
    let Some(c) = text[at..].chars().next() else { return (1, false, false) };
    // Combining marks belong to the letter before.
    let inside = c.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&c);
    (c.len_utf8(), inside, c.is_uppercase())
}

fn word(text: &str, start: usize) -> Token {
    let bytes = text.as_bytes();
    let mut at = start;
    let mut flags = 0;
    while at < bytes.len() {
        match CLASSES[usize::from(bytes[at])] {
            WIDE => {
                let (length, inside, upper) = wide(text, at);
                if !inside {
                    break;
                }
                flags |= flag::LETTER | flag::WIDE;
                flags |= if upper { 0 } else { flag::SMALL };
                flags |= if upper && at == start { flag::CAPITAL } else { 0 };
                at += length;
            }
            OTHER | MARK | NEWLINE => break,
            class => {
                flags |= class & 0x7f;
                if class == UPPER && at == start {
                    flags |= flag::CAPITAL;
                }
                at += 1;
            }
        }
    }
    Token { start, end: at, flags, class: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<String> {
        let mut tokens = Tokens::default();
        tokens.cut(text, &Lexicon::new(false));
        tokens.list.iter().map(|t| text[t.start..t.end].to_owned()).collect()
    }

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        assert_eq!(cut("Zoë’s “A_1” – 12.5€"), ["Zoë", "s", "A_1", "12", "5"]);
        assert_eq!(cut("Jose\u{301} 你好"), ["Jose\u{301}", "你好"]);
        assert_eq!(cut(""), Vec::<String>::new());
    }
}
