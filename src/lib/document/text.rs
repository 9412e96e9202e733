//! Plain text in any encoding: byte order marks, UTF-8, UTF-16, and what chardetng makes of the rest.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::document::{BoundedText, Document};
use crate::limits::Budget;
use crate::{markdown, tabular};

/// Bytes that a detector looks at: more does not change its mind.
const DETECT: usize = 1 << 20;

/// Reads plain text of the given media type.
pub(crate) fn extract(bytes: &[u8], mime: &'static str, budget: &Budget) -> Document {
    let (text, encoding) = decode(bytes, None);
    let mut kept = BoundedText::new(budget.limits.max_text);
    kept.push(&unix_lines(&text));
    let mut document = Document {
        mime,
        encoding: Some(encoding.name()),
        truncated: kept.truncated(),
        text: kept.into_string(),
        ..Document::default()
    };
    match mime {
        "text/markdown" => document.outline = markdown::outline(&document.text),
        "text/csv" | "text/tab-separated-values" if budget.wanted.tables => {
            let (tabs, most) = (mime != "text/csv", budget.limits.max_objects);
            let (table, cut) = tabular::table(&document.text, tabs, most);
            document.tables.push(table);
            document.truncated |= cut;
        }
        _ => {}
    }
    document
}

/// Text of `bytes`, and the encoding that they were in; `declared` is what the document itself says
/// and counts unless a byte order mark or the bytes contradict it.
pub(crate) fn decode<'a>(
    bytes: &'a [u8],
    declared: Option<&'static Encoding>,
) -> (Cow<'a, str>, &'static Encoding) {
    let encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None if std::str::from_utf8(bytes).is_ok() && !is_utf16(bytes) => UTF_8,
        None => declared.unwrap_or_else(|| guess(bytes)),
    };
    let (text, encoding, _) = encoding.decode(bytes);
    (text, encoding)
}

/// Text of the start of a file, good enough to see what it is.
pub(crate) fn decode_window(window: &[u8]) -> Cow<'_, str> {
    let encoding = Encoding::for_bom(window).map_or_else(
        || if is_utf16(window) { guess(window) } else { UTF_8 },
        |(encoding, _)| encoding,
    );
    encoding.decode(window).0
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    if let Some(encoding) = utf16_by_zeros(bytes) {
        return encoding;
    }
    let window = &bytes[..bytes.len().min(DETECT)];
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(window, window.len() == bytes.len());
    detector.guess(None, Utf8Detection::Allow)
}

/// Whether this is UTF-16, with or without a byte order mark.
pub(crate) fn is_utf16(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xfe")
        || bytes.starts_with(b"\xfe\xff")
        || utf16_by_zeros(bytes).is_some()
}

/// UTF-16 of mostly Latin text: every other byte is zero, and none of the others.
fn utf16_by_zeros(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(4_096) & !1];
    let zeros = |offset: usize| head.iter().skip(offset).step_by(2).filter(|b| **b == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let many = (head.len() / 2 * 7).div_ceil(10).max(2);
    if even == 0 && odd >= many {
        Some(UTF_16LE)
    } else if odd == 0 && even >= many {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Whether bytes that are not UTF-16 hold what no text does: a NUL, or many control characters.
pub(crate) fn looks_binary(bytes: &[u8]) -> bool {
    let control = |b: &&u8| matches!(**b, 1..=8 | 14..=26 | 28..=31 | 127);
    memchr::memchr(0, bytes).is_some()
        || bytes.iter().filter(control).count() * 50 > bytes.len().max(1)
}

/// `\r\n` and lone `\r` become `\n`; NUL characters go.
pub(crate) fn unix_lines(text: &str) -> Cow<'_, str> {
    if !text.contains(['\r', '\0']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    fn read(bytes: &[u8]) -> (String, &'static str) {
        let (text, encoding) = decode(bytes, None);
        (text.into_owned(), encoding.name())
    }

    #[test]
    fn marks_and_unicode() {
        assert_eq!(read("\u{feff}é".as_bytes()), ("é".to_owned(), "UTF-8"));
        assert_eq!(read(b"\xff\xfeh\0\xe9\0"), ("hé".to_owned(), "UTF-16LE"));
        assert_eq!(read(b"\0h\0i\0 \0y\0o\0u"), ("hi you".to_owned(), "UTF-16BE"));
    }

    #[test]
    fn legacy_encodings_are_detected() {
        let latin = "Die Brücke über den Fluß wurde für Fußgänger geöffnet.";
        let (bytes, ..) = encoding_rs::WINDOWS_1252.encode(latin);
        assert_eq!(read(&bytes), (latin.to_owned(), "windows-1252"));
        let russian = "Съешь же ещё этих мягких французских булок, да выпей чаю.";
        let (bytes, ..) = encoding_rs::KOI8_R.encode(russian);
        assert_eq!(read(&bytes).0, russian);
        let japanese = "これは日本語の文章です。文字コードを推定します。";
        let (bytes, ..) = encoding_rs::SHIFT_JIS.encode(japanese);
        assert_eq!(read(&bytes), (japanese.to_owned(), "Shift_JIS"));
    }

    #[test]
    fn the_limit_cuts_between_characters() {
        let limits = Limits { max_text: 4, ..Limits::default() };
        let document = extract("a\r\néé".as_bytes(), "text/plain", &Budget::start(&limits));
        assert_eq!((document.text.as_str(), document.truncated), ("a\né", true));
    }
}
