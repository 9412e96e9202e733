//! Rich Text Format (Microsoft's specification 1.9.1): paragraphs, tables, notes.

mod tokens;

use std::collections::HashMap;

use encoding_rs::Encoding;

use self::tokens::{Token, Tokens};
use crate::document::Document;
use crate::error::ExtractError;
use crate::limits::Budget;
use crate::prose::{Block, Prose};

const MIME: &str = "application/rtf";

/// Groups inside each other whose state is kept.
const MAX_GROUPS: usize = 10_000;

/// Tokens between two looks at the clock.
const STRIDE: usize = 16_384;

/// Bytes of a title or a name.
const MAX_PROPERTY: usize = 4_096;

/// Reads RTF.
///
/// # Errors
/// [`ExtractError::Timeout`].
pub(crate) fn extract(bytes: &[u8], budget: &Budget) -> Result<Document, ExtractError> {
    let mut reader = Reader::new(budget);
    let mut tokens = Tokens::new(bytes);
    let mut count = 0_usize;
    while let Some(token) = tokens.next() {
        count += 1;
        if count.is_multiple_of(STRIDE) {
            budget.check_time()?;
        }
        if reader.prose.is_full() {
            break;
        }
        reader.token(token, &mut tokens);
    }
    reader.flush();
    let whole = reader.groups.is_empty();
    let Reader { mut prose, about, .. } = reader;
    if !whole {
        prose.cut();
    }
    let filled = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let mut document = prose.finish(MIME);
    document.title = filled(about.title);
    document.authors = filled(about.author).into_iter().collect();
    Ok(document)
}

/// What a group's text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Body,
    Note,
    Title,
    Author,
    Fonts,
    Nowhere,
}

/// What ends with a group.
#[derive(Debug, Clone, Copy)]
struct State {
    place: Place,
    hidden: bool,
    /// Characters that stand for a `\u` in readers that do not know it.
    fallback: usize,
    encoding: &'static Encoding,
}

#[derive(Debug, Default)]
struct About {
    title: String,
    author: String,
}

struct Reader<'b> {
    prose: Prose<'b>,
    full: bool,
    state: State,
    groups: Vec<State>,
    /// Groups beyond the limit.
    deeper: usize,
    /// Bytes that wait for their encoding.
    bytes: Vec<u8>,
    /// Characters that a `\u` replaces and that are still to come.
    replaced: usize,
    /// First half of a character beyond the basic plane.
    half: Option<u16>,
    fonts: HashMap<i32, &'static Encoding>,
    font: i32,
    ansi: &'static Encoding,
    /// A `\*` came just before.
    optional: bool,
    in_table: bool,
    /// The open paragraph is one of a table.
    in_row: bool,
    item: bool,
    level: Option<u8>,
    about: About,
}

impl<'b> Reader<'b> {
    fn new(budget: &'b Budget) -> Self {
        let encoding = encoding_rs::WINDOWS_1252;
        Self {
            prose: Prose::new(budget),
            full: budget.wanted.full,
            state: State { place: Place::Body, hidden: false, fallback: 1, encoding },
            groups: Vec::new(),
            deeper: 0,
            bytes: Vec::new(),
            replaced: 0,
            half: None,
            fonts: HashMap::new(),
            font: 0,
            ansi: encoding,
            optional: false,
            in_table: false,
            in_row: false,
            item: false,
            level: None,
            about: About::default(),
        }
    }

    fn token(&mut self, token: Token<'_>, tokens: &mut Tokens<'_>) {
        if self.replaced > 0 {
            match token {
                Token::Byte(_) => {
                    self.replaced -= 1;
                    return;
                }
                Token::Plain(text) => {
                    let skipped = self.replaced.min(text.len());
                    self.replaced -= skipped;
                    return self.bytes.extend_from_slice(&text[skipped..]);
                }
                _ => self.replaced = 0,
            }
        }
        match token {
            Token::Byte(byte) => return self.bytes.push(byte),
            Token::Plain(text) => return self.bytes.extend_from_slice(text),
            _ => self.flush(),
        }
        let optional = std::mem::take(&mut self.optional);
        match token {
            Token::Open if self.groups.len() < MAX_GROUPS => self.groups.push(self.state),
            Token::Open => self.deeper += 1,
            Token::Close => self.close(),
            Token::Symbol(symbol) => match symbol {
                b'*' => self.optional = true,
                b'~' => self.say(" "),
                b'_' => self.say("-"),
                b'\\' | b'{' | b'}' => self.say(char::from(symbol).encode_utf8(&mut [0; 4])),
                b'\r' | b'\n' => self.paragraph(),
                _ => {}
            },
            Token::Word(b"bin", count) => {
                tokens.skip(count.and_then(|n| usize::try_from(n).ok()).unwrap_or_default());
            }
            Token::Word(word, number) => self.word(word, number, optional),
            Token::Byte(_) | Token::Plain(_) => {}
        }
    }

    fn close(&mut self) {
        if self.deeper > 0 {
            self.deeper -= 1;
            return;
        }
        let Some(outer) = self.groups.pop() else { return };
        if self.state.place == Place::Note && outer.place != Place::Note {
            self.prose.end_aside();
        }
        self.state = outer;
    }

    /// Decodes the bytes that wait.
    fn flush(&mut self) {
        if self.bytes.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.bytes);
        let (text, _) = self.state.encoding.decode_without_bom_handling(&bytes);
        self.say(&text);
        self.bytes = bytes;
        self.bytes.clear();
    }

    fn say(&mut self, text: &str) {
        let into = match self.state.place {
            Place::Title => &mut self.about.title,
            Place::Author => &mut self.about.author,
            Place::Body | Place::Note if !self.state.hidden => {
                if self.in_table && !self.in_row && self.state.place == Place::Body {
                    self.prose.end_table();
                    self.in_table = false;
                }
                return self.prose.write(text);
            }
            _ => return,
        };
        into.push_str(crate::document::cut(text, MAX_PROPERTY.saturating_sub(into.len())));
    }

    fn is_text(&self) -> bool {
        matches!(self.state.place, Place::Body | Place::Note)
    }

    fn word(&mut self, word: &[u8], number: Option<i32>, optional: bool) {
        if optional {
            // What readers may skip is never text; all that follows in its group is its own.
            self.state.place = Place::Nowhere;
            return;
        }
        if let Some(text) = said_by(word) {
            return self.say(text);
        }
        match word {
            b"par" | b"sect" | b"page" => self.paragraph(),
            b"cell" | b"row" | b"trowd" | b"nestcell" | b"nestrow" => self.table(word),
            b"intbl" => self.in_row = true,
            b"pard" => (self.in_row, self.item, self.level) = (false, false, None),
            b"ls" => self.item |= self.is_text(),
            b"outlinelevel" => {
                let level = number.and_then(|n| u8::try_from(n).ok()).filter(|level| *level < 9);
                self.level = level.map(|level| level + 1);
            }
            b"plain" => self.state.hidden = false,
            b"v" | b"deleted" => self.state.hidden = number != Some(0),
            b"footnote" if self.is_text() => {
                if self.state.place == Place::Body {
                    self.prose.begin_aside();
                }
                self.state.place = Place::Note;
            }
            b"u" => self.unicode(number),
            b"uc" => self.state.fallback = number.and_then(|n| n.try_into().ok()).unwrap_or(1),
            _ => self.setting(word, number),
        }
    }

    /// Words that say how the text is written, or that there is none.
    fn setting(&mut self, word: &[u8], number: Option<i32>) {
        match word {
            b"ansicpg" => {
                if let Some(encoding) = number.and_then(code_page) {
                    (self.ansi, self.state.encoding) = (encoding, encoding);
                }
            }
            b"mac" => {
                (self.ansi, self.state.encoding) = (encoding_rs::MACINTOSH, encoding_rs::MACINTOSH)
            }
            b"f" => {
                self.font = number.unwrap_or_default();
                if self.state.place != Place::Fonts {
                    self.state.encoding = *self.fonts.get(&self.font).unwrap_or(&self.ansi);
                }
            }
            b"fcharset" if self.state.place == Place::Fonts && self.fonts.len() < MAX_GROUPS => {
                if let Some(encoding) = number.and_then(charset) {
                    self.fonts.insert(self.font, encoding);
                }
            }
            b"fonttbl" => self.state.place = Place::Fonts,
            b"info" => self.state.place = Place::Nowhere,
            b"title" => self.state.place = Place::Title,
            b"author" => self.state.place = Place::Author,
            b"header" | b"headerl" | b"headerr" | b"headerf" | b"footer" | b"footerl"
            | b"footerr" | b"footerf"
                if self.full => {}
            b"listtext" | b"pntext" => {
                self.item |= self.is_text();
                self.state.place = Place::Nowhere;
            }
            b"colortbl" | b"stylesheet" | b"pict" | b"filetbl" | b"objdata" | b"fldinst"
            | b"nonshppict" | b"annotation" | b"xe" | b"tc" | b"header" | b"headerl"
            | b"headerr" | b"headerf" | b"footer" | b"footerl" | b"footerr" | b"footerf"
            | b"listtable" | b"revtbl" | b"operator" | b"company" | b"subject" | b"keywords"
            | b"doccomm" | b"comment" | b"category" | b"manager" | b"hlinkbase" | b"creatim"
            | b"revtim" | b"printim" => self.state.place = Place::Nowhere,
            _ => {}
        }
    }

    fn paragraph(&mut self) {
        if !self.is_text() {
            return;
        }
        if self.in_table && !self.in_row && self.state.place == Place::Body {
            self.prose.end_table();
            self.in_table = false;
        }
        self.prose.end(match (self.level, self.item) {
            (Some(level), _) => Block::Heading(level),
            (None, true) => Block::Item,
            (None, false) => Block::Paragraph,
        });
    }

    fn table(&mut self, word: &[u8]) {
        if self.state.place != Place::Body {
            return;
        }
        if !self.in_table {
            self.prose.begin_table();
            self.in_table = true;
        }
        match word {
            b"cell" => self.prose.end_cell(),
            b"row" => self.prose.end_row(),
            b"nestcell" | b"nestrow" => self.prose.write(" "),
            _ => {}
        }
    }

    /// A UTF-16 unit as a signed number.
    fn unicode(&mut self, number: Option<i32>) {
        let Some(unit) = number.map(|n| n as u16) else { return };
        self.replaced = self.state.fallback;
        let first = self.half.take();
        if (0xD800..0xDC00).contains(&unit) {
            self.half = Some(unit);
            return;
        }
        let units = first.into_iter().chain([unit]);
        for char in char::decode_utf16(units).flatten() {
            self.say(char.encode_utf8(&mut [0; 4]));
        }
    }
}

/// What control words say that stand for text.
fn said_by(word: &[u8]) -> Option<&'static str> {
    Some(match word {
        b"tab" => "\t",
        b"line" => "\n",
        b"emdash" => "\u{2014}",
        b"endash" => "\u{2013}",
        b"lquote" => "\u{2018}",
        b"rquote" => "\u{2019}",
        b"ldblquote" => "\u{201c}",
        b"rdblquote" => "\u{201d}",
        b"bullet" => "\u{2022}",
        b"emspace" | b"enspace" | b"qmspace" => " ",
        _ => return None,
    })
}

fn code_page(number: i32) -> Option<&'static Encoding> {
    Some(match number {
        65001 => encoding_rs::UTF_8,
        10000 => encoding_rs::MACINTOSH,
        932 => encoding_rs::SHIFT_JIS,
        936 => encoding_rs::GBK,
        949 => encoding_rs::EUC_KR,
        950 => encoding_rs::BIG5,
        874 => encoding_rs::WINDOWS_874,
        866 => encoding_rs::IBM866,
        1250..=1258 => return Encoding::for_label(format!("windows-{number}").as_bytes()),
        _ => return None,
    })
}

/// The encoding of a font's character set.
fn charset(number: i32) -> Option<&'static Encoding> {
    code_page(match number {
        0 => 1252,
        77 => 10000,
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        _ => return None,
    })
}

#[cfg(test)]
#[path = "../rtf_tests.rs"]
mod tests;
