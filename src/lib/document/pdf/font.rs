//! Fonts: from the bytes of a string to text and widths (ISO 32000-1 §9.5-§9.10).

use std::collections::HashMap;

use lopdf::{Dictionary, Document, Object};

use super::cmap::{CMap, big_endian};
use super::encoding::{self, Table};
use super::{metrics, objects};

/// Entries read from one font's width array: each of 65 536 CIDs twice.
const MAX_WIDTHS: usize = 131_072;

/// Codes of one composite font whose text is remembered.
const MAX_TEXTS: usize = 70_000;

/// One character code of a string.
pub(crate) struct Code<'a> {
    /// What it reads as; empty when nothing says.
    pub(crate) text: &'a str,
    /// Advance in thousandths of the font size; downwards for vertical writing.
    pub(crate) width: f64,
    /// A single byte 32, to which word spacing applies.
    pub(crate) is_space: bool,
}

/// A font as far as text is concerned.
pub(crate) struct Font {
    /// Text of each one-byte code, or of the two-byte codes met so far.
    texts: HashMap<u32, String>,
    to_unicode: Option<CMap>,
    kind: Kind,
    /// Height of the font's unit square against the usual 1/1000: differs in Type 3 fonts.
    pub(crate) scale: f64,
    /// Lines run downwards.
    pub(crate) vertical: bool,
}

enum Kind {
    Simple { widths: Box<[f64; 256]> },
    Composite { encoding: CodeReading, widths: HashMap<u32, f64>, default_width: f64 },
}

/// How the codes of a composite font are read.
enum CodeReading {
    /// Two bytes, which are the CID.
    Identity,
    /// As an embedded CMap says.
    Embedded(CMap),
    /// A predefined CMap whose codes are text in a known character set.
    Charset(&'static encoding_rs::Encoding),
}

impl Font {
    /// Reads a font dictionary; `max_stream` bounds the streams it names.
    pub(crate) fn read(document: &Document, font: &Dictionary, max_stream: usize) -> Self {
        let to_unicode = objects::stream(document, font, b"ToUnicode")
            .and_then(|stream| stream.get_plain_content_with_limit(max_stream).ok())
            .map(|source| CMap::parse(&source))
            .filter(CMap::has_text);
        let descendant = objects::array(document, font, b"DescendantFonts")
            .and_then(|fonts| objects::as_dictionary(objects::resolve(document, fonts.first()?)?));
        match descendant {
            Some(descendant) => Self::composite(document, font, descendant, to_unicode, max_stream),
            None => Self::simple(document, font, to_unicode, max_stream),
        }
    }

    fn simple(
        document: &Document,
        font: &Dictionary,
        to_unicode: Option<CMap>,
        max_stream: usize,
    ) -> Self {
        let names = difference_names(document, font);
        let table = base_table(document, font);
        let built_in = if table.is_none() { built_in(document, font, max_stream) } else { None };
        let mut texts = HashMap::new();
        for code in 0..256u32 {
            let from_map = to_unicode.as_ref().and_then(|map| map.text(code));
            let text = from_map.or_else(|| {
                let char = table.unwrap_or_else(|| encoding::standard())[code as usize];
                match names.get(&code) {
                    Some(name) => encoding::glyph_text(name),
                    None => built_in
                        .as_ref()
                        .and_then(|table| table.get(&code).cloned())
                        .or_else(|| (char != '\0').then(|| char.to_string())),
                }
            });
            texts.extend(text.map(|text| (code, clean(&text))));
        }
        let type3 = objects::name(document, font, b"Subtype") == Some(b"Type3");
        let matrix = objects::numbers::<6>(document, font, b"FontMatrix").filter(|_| type3);
        let scale = matrix.map_or(1.0, |m| m[3].abs() * 1000.0);
        let width_scale = matrix.map_or(1.0, |m| m[0].abs() * 1000.0);
        let mut widths = simple_widths(document, font, &texts);
        widths.iter_mut().for_each(|width| *width *= width_scale);
        let kind = Kind::Simple { widths };
        Self { texts, to_unicode: None, kind, scale, vertical: false }
    }

    fn composite(
        document: &Document,
        font: &Dictionary,
        descendant: &Dictionary,
        to_unicode: Option<CMap>,
        max_stream: usize,
    ) -> Self {
        let mut vertical = false;
        let encoding = match objects::get(document, font, b"Encoding") {
            Some(Object::Name(name)) => {
                vertical = name.ends_with(b"-V");
                predefined(name).map_or(CodeReading::Identity, CodeReading::Charset)
            }
            Some(Object::Stream(stream)) => {
                vertical = objects::number(document, &stream.dict, b"WMode") == Some(1.0);
                stream
                    .get_plain_content_with_limit(max_stream)
                    .map_or(CodeReading::Identity, |s| CodeReading::Embedded(CMap::parse(&s)))
            }
            _ => CodeReading::Identity,
        };
        let default_width = objects::number(document, descendant, b"DW").unwrap_or(1000.0);
        let widths = cid_widths(document, descendant);
        let kind = Kind::Composite { encoding, widths, default_width };
        Self { texts: HashMap::new(), to_unicode, kind, scale: 1.0, vertical }
    }

    /// Reads the first code of `bytes` (not empty): what it is, and how many bytes it took.
    pub(crate) fn next_code(&mut self, bytes: &[u8]) -> (Code<'_>, usize) {
        match &self.kind {
            Kind::Simple { widths } => {
                let code = bytes[0];
                let text = self.texts.get(&u32::from(code)).map_or("", String::as_str);
                (Code { text, width: widths[usize::from(code)], is_space: code == 32 }, 1)
            }
            Kind::Composite { encoding, widths, default_width } => {
                let (code, length) = match encoding {
                    CodeReading::Identity => {
                        let length = bytes.len().min(2);
                        (big_endian(&bytes[..length]), length)
                    }
                    CodeReading::Embedded(map) => map.next_code(bytes),
                    CodeReading::Charset(charset) => charset_code(charset, bytes),
                };
                let cid = match encoding {
                    CodeReading::Identity | CodeReading::Charset(_) => code,
                    CodeReading::Embedded(map) => map.cid(code).unwrap_or(code),
                };
                let width = if self.vertical {
                    1000.0
                } else {
                    widths.get(&cid).copied().unwrap_or(*default_width)
                };
                if self.texts.len() > MAX_TEXTS {
                    self.texts.clear();
                }
                let to_unicode = &self.to_unicode;
                let text = self.texts.entry(code).or_insert_with(|| {
                    let mapped = to_unicode.as_ref().and_then(|map| map.text(code));
                    let text = mapped.or_else(|| match encoding {
                        CodeReading::Charset(charset) => charset
                            .decode_without_bom_handling_and_without_replacement(&bytes[..length])
                            .map(std::borrow::Cow::into_owned),
                        _ => None,
                    });
                    clean(&text.unwrap_or_default())
                });
                (Code { text, width, is_space: length == 1 && code == 32 }, length)
            }
        }
    }
}

/// Text as it should be read: ligatures spelt out, control characters gone.
fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\u{fb00}' => out.push_str("ff"),
            '\u{fb01}' => out.push_str("fi"),
            '\u{fb02}' => out.push_str("fl"),
            '\u{fb03}' => out.push_str("ffi"),
            '\u{fb04}' => out.push_str("ffl"),
            '\u{fb05}' | '\u{fb06}' => out.push_str("st"),
            '\t' | '\n' | '\r' | '\u{a0}' => out.push(' '),
            _ if char.is_control() => {}
            _ => out.push(char),
        }
    }
    out
}

fn base_table(document: &Document, font: &Dictionary) -> Option<&'static Table> {
    let named = match objects::get(document, font, b"Encoding") {
        Some(Object::Name(name)) => encoding::base(name),
        Some(Object::Dictionary(dictionary)) => {
            objects::name(document, dictionary, b"BaseEncoding").and_then(encoding::base)
        }
        _ => None,
    };
    // A TrueType font without an encoding is most often one of the Windows kind.
    named.or_else(|| {
        (objects::name(document, font, b"Subtype") == Some(b"TrueType"))
            .then(|| encoding::base(b"WinAnsiEncoding"))
            .flatten()
    })
}

/// `Differences`: the glyph names of codes that differ from the base encoding.
fn difference_names(document: &Document, font: &Dictionary) -> HashMap<u32, Vec<u8>> {
    let mut names = HashMap::new();
    let differences = objects::dictionary(document, font, b"Encoding")
        .and_then(|encoding| objects::array(document, encoding, b"Differences"));
    let mut code = 0u32;
    for object in differences.unwrap_or_default() {
        match objects::resolve(document, object) {
            Some(Object::Integer(value)) => code = u32::try_from(*value).unwrap_or(u32::MAX),
            Some(Object::Name(name)) => {
                if code < 256 {
                    names.insert(code, name.clone());
                }
                code = code.saturating_add(1);
            }
            _ => {}
        }
    }
    names
}

/// The encoding inside a Type 1 font program: lines `dup CODE /NAME put` in its clear-text part.
fn built_in(
    document: &Document,
    font: &Dictionary,
    max_stream: usize,
) -> Option<HashMap<u32, String>> {
    let descriptor = objects::dictionary(document, font, b"FontDescriptor")?;
    let program = objects::stream(document, descriptor, b"FontFile")?
        .get_plain_content_with_limit(max_stream)
        .ok()?;
    let clear = &program[..memchr::memmem::find(&program, b"eexec").unwrap_or(program.len())];
    let clear = String::from_utf8_lossy(clear);
    let words: Vec<&str> = clear.split_ascii_whitespace().collect();
    let mut table = HashMap::new();
    for window in words.windows(4) {
        if let ["dup", code, name, "put"] = window
            && let (Ok(code @ 0..256), Some(name)) = (code.parse::<u32>(), name.strip_prefix('/'))
        {
            table.extend(encoding::glyph_text(name.as_bytes()).map(|text| (code, text)));
        }
    }
    (!table.is_empty()).then_some(table)
}

fn simple_widths(
    document: &Document,
    font: &Dictionary,
    texts: &HashMap<u32, String>,
) -> Box<[f64; 256]> {
    let mut widths = Box::new([0.0; 256]);
    let Some(array) = objects::array(document, font, b"Widths") else {
        let name = objects::name(document, font, b"BaseFont").unwrap_or_default();
        for (code, width) in (0..256u32).zip(widths.iter_mut()) {
            let char = texts.get(&code).and_then(|text| text.chars().next());
            *width = metrics::standard_width(name, char);
        }
        return widths;
    };
    let missing = objects::dictionary(document, font, b"FontDescriptor")
        .and_then(|descriptor| objects::number(document, descriptor, b"MissingWidth"));
    widths.fill(missing.unwrap_or(0.0));
    let first = objects::number(document, font, b"FirstChar").unwrap_or(0.0).max(0.0) as usize;
    for (width, object) in widths.iter_mut().skip(first).zip(array) {
        if let Some(value) = objects::resolve(document, object).and_then(objects::as_number) {
            *width = value;
        }
    }
    widths
}

/// The `W` array of a CID font (ISO 32000-1 §9.7.4.3).
fn cid_widths(document: &Document, descendant: &Dictionary) -> HashMap<u32, f64> {
    let mut widths = HashMap::new();
    let array = objects::array(document, descendant, b"W").unwrap_or_default();
    let resolve = |index: usize| array.get(index).and_then(|o| objects::resolve(document, o));
    let number = |index: usize| resolve(index).and_then(objects::as_number);
    let mut at = 0;
    // Counts repeated entries too: ranges may cover each other any number of times.
    let mut entries = 0;
    while let Some(first) = number(at)
        && entries < MAX_WIDTHS
    {
        let first = first.clamp(0.0, 65_535.0) as u32;
        if let Some(Object::Array(list)) = resolve(at + 1) {
            entries += list.len();
            for (cid, width) in (first..=65_535).zip(list) {
                let width = objects::resolve(document, width).and_then(objects::as_number);
                widths.extend(width.map(|width| (cid, width)));
            }
            at += 2;
        } else if let (Some(last), Some(width)) = (number(at + 1), number(at + 2)) {
            let last = last.clamp(0.0, 65_535.0) as u32;
            entries += (first..=last).count();
            widths.extend((first..=last).map(|cid| (cid, width)));
            at += 3;
        } else {
            break;
        }
    }
    widths
}

/// The character set of a predefined CMap (ISO 32000-1 Table 118) whose codes are text themselves.
fn predefined(name: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let name = std::str::from_utf8(name).ok()?;
    let has = |part: &str| name.contains(part);
    Some(match name {
        _ if name.starts_with("Identity") => return None,
        _ if has("UCS2") || has("UTF16") => encoding_rs::UTF_16BE,
        _ if has("RKSJ") => encoding_rs::SHIFT_JIS,
        "EUC-H" | "EUC-V" => encoding_rs::EUC_JP,
        _ if name.starts_with("GBK") || name.starts_with("GB-EUC") => encoding_rs::GBK,
        _ if has("B5") || name.starts_with("ETen") => encoding_rs::BIG5,
        _ if name.starts_with("KSC") => encoding_rs::EUC_KR,
        _ => return None,
    })
}

/// The first code of `bytes` in a character set of one and two bytes, or in UTF-16.
fn charset_code(charset: &'static encoding_rs::Encoding, bytes: &[u8]) -> (u32, usize) {
    let surrogate = (0xd8..0xdc).contains(&bytes[0]);
    let length = if charset == encoding_rs::UTF_16BE {
        if surrogate { 4 } else { 2 }
    } else if charset == encoding_rs::SHIFT_JIS {
        if matches!(bytes[0], 0x81..=0x9f | 0xe0..=0xfc) { 2 } else { 1 }
    } else if bytes[0] >= 0x81 {
        2
    } else {
        1
    };
    let length = length.min(bytes.len());
    (big_endian(&bytes[..length]), length)
}
