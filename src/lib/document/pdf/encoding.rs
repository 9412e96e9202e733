//! One-byte encodings and glyph names (ISO 32000-1 Annex D, Adobe Glyph List).
//!
//! lopdf holds these tables but shows them only through a font's encoding, so the questions are put
//! as small font dictionaries.

use std::sync::LazyLock;

use lopdf::{Dictionary, Document, Object};

/// The character of each code; `'\0'` where the encoding has none.
pub(crate) type Table = [char; 256];

static STANDARD: LazyLock<Table> = LazyLock::new(|| table(None));
static WIN_ANSI: LazyLock<Table> = LazyLock::new(|| {
    let mut table = table(Some("WinAnsiEncoding"));
    // Annex D.2, notes 5 and 6: the second codes of the space and the hyphen.
    table[0xa0] = ' ';
    table[0xad] = '-';
    table
});
static MAC_ROMAN: LazyLock<Table> = LazyLock::new(|| table(Some("MacRomanEncoding")));

/// The table of a base encoding by its PDF name; `None` for a name that is no base encoding.
pub(crate) fn base(name: &[u8]) -> Option<&'static Table> {
    match name {
        b"StandardEncoding" => Some(&STANDARD),
        b"WinAnsiEncoding" => Some(&WIN_ANSI),
        b"MacRomanEncoding" => Some(&MAC_ROMAN),
        _ => None,
    }
}

/// `StandardEncoding`.
pub(crate) fn standard() -> &'static Table {
    &STANDARD
}

fn table(name: Option<&str>) -> Table {
    let mut font = Dictionary::new();
    font.set("Type", "Font");
    if let Some(name) = name {
        font.set("Encoding", name);
    }
    let document = Document::new();
    let mut table = ['\0'; 256];
    if let Ok(encoding) = font.get_font_encoding(&document) {
        for (code, char) in (0..=255u8).zip(&mut table) {
            let text = encoding.bytes_to_string(&[code]).unwrap_or_default();
            *char = text.chars().next().unwrap_or('\0');
        }
    }
    table
}

/// The text that a glyph name stands for (Adobe Glyph List Specification §2).
pub(crate) fn glyph_text(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    if stem.is_empty() {
        return None;
    }
    if !stem.contains('_') || listed(stem).is_some() {
        return component(stem);
    }
    let text: String = stem.split('_').filter_map(component).collect();
    (!text.is_empty()).then_some(text)
}

fn component(name: &str) -> Option<String> {
    if let Some(char) = listed(name) {
        return Some(char.to_string());
    }
    let hex = |digits: &str| {
        (digits.bytes().all(|b| b.is_ascii_hexdigit()))
            .then(|| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32))
            .flatten()
    };
    if let Some(digits) = name.strip_prefix("uni")
        && digits.len() >= 4
        && digits.len().is_multiple_of(4)
        && digits.is_ascii()
    {
        return (0..digits.len() / 4).map(|i| hex(&digits[i * 4..i * 4 + 4])).collect();
    }
    let digits = name.strip_prefix('u')?;
    ((4..=6).contains(&digits.len())).then(|| hex(digits)).flatten().map(String::from)
}

fn listed(name: &str) -> Option<char> {
    if let [letter] = name.as_bytes()
        && letter.is_ascii_alphabetic()
    {
        return Some(char::from(*letter));
    }
    let mut differences = Dictionary::new();
    differences.set("Type", "Encoding");
    // The base leaves code 1 free: it decodes to something only if the name is known.
    differences.set("BaseEncoding", "WinAnsiEncoding");
    differences
        .set("Differences", vec![Object::Integer(1), Object::Name(name.as_bytes().to_vec())]);
    let mut font = Dictionary::new();
    font.set("Type", "Font");
    font.set("Encoding", differences);
    let document = Document::new();
    let text = font.get_font_encoding(&document).ok()?.bytes_to_string(&[1]).ok()?;
    let mut chars = text.chars();
    chars.next().filter(|char| *char != '\u{1}' && *char != '\u{fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_encodings_differ_where_they_should() {
        let of = |name: &[u8], code: usize| base(name).map(|table| table[code]);
        assert_eq!(of(b"WinAnsiEncoding", 0x41), Some('A'));
        assert_eq!(of(b"WinAnsiEncoding", 0x80), Some('€'));
        assert_eq!(of(b"MacRomanEncoding", 0x8a), Some('ä'));
        assert_eq!(of(b"StandardEncoding", 0xae), Some('\u{fb01}'));
        assert_eq!(of(b"StandardEncoding", 0x27), Some('\u{2019}'));
    }

    #[test]
    fn glyph_names() {
        let text = |name: &str| glyph_text(name.as_bytes());
        assert_eq!(text("eacute").as_deref(), Some("é"));
        assert_eq!(text("afii10017").as_deref(), Some("А"));
        assert_eq!(text("A.small").as_deref(), Some("A"));
        assert_eq!(text("f_f_i").as_deref(), Some("\u{fb03}"));
        assert_eq!(text("uni20AC0308").as_deref(), Some("€\u{308}"));
        assert_eq!(text("u1F600").as_deref(), Some("😀"));
        assert_eq!(text("T_h").as_deref(), Some("Th"));
        assert_eq!(text("g123"), None);
        assert_eq!(text(".notdef"), None);
    }
}
