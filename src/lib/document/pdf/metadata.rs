//! Title, authors, date and language (ISO 32000-1 §14.3.3, §14.9.2).

use lopdf::{Dictionary, Document, decode_text_string};

use super::objects;
use crate::document::cut;

/// What a PDF says about itself.
#[derive(Debug, Default)]
pub(crate) struct Metadata {
    pub(crate) title: Option<String>,
    pub(crate) authors: Vec<String>,
    pub(crate) created: Option<String>,
    pub(crate) language: Option<String>,
}

/// Bytes of a metadata string that are kept.
const MAX_STRING: usize = 4_096;

impl Metadata {
    pub(crate) fn read(document: &Document) -> Self {
        let mut metadata = Self::default();
        if let Some(info) = objects::dictionary(document, &document.trailer, b"Info") {
            metadata.title = string(document, info, b"Title");
            let author = string(document, info, b"Author").unwrap_or_default();
            let authors = author.split(';').map(|name| name.trim().to_owned());
            metadata.authors = authors.filter(|name| !name.is_empty()).collect();
            metadata.created =
                string(document, info, b"CreationDate").and_then(|date| rfc3339(&date));
        }
        if let Ok(catalog) = document.catalog() {
            metadata.language = string(document, catalog, b"Lang");
        }
        metadata
    }
}

pub(super) fn string(document: &Document, dictionary: &Dictionary, key: &[u8]) -> Option<String> {
    let text = decode_text_string(objects::get(document, dictionary, key)?).ok()?;
    let text: String = text.chars().filter(|char| !char.is_control()).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| cut(text, MAX_STRING).to_owned())
}

/// A PDF date (`D:YYYYMMDDHHmmSSOHH'mm'`, all after the year optional) in RFC 3339, as precise as it
/// is given; `None` for what is not a date.
fn rfc3339(date: &str) -> Option<String> {
    let date = date.trim();
    let date = date.strip_prefix("D:").unwrap_or(date);
    let digits = date.bytes().take_while(u8::is_ascii_digit).count().min(14);
    let field = |from: usize, range: std::ops::RangeInclusive<u8>| {
        let text = date.get(from..from + 2).filter(|_| digits >= from + 2)?;
        text.parse::<u8>().ok().filter(|value| range.contains(value)).map(|_| text)
    };
    if digits < 4 {
        return None;
    }
    let mut out = date[..4].to_owned();
    let Some(month) = field(4, 1..=12) else { return Some(out) };
    out.push('-');
    out.push_str(month);
    let Some(day) = field(6, 1..=31) else { return Some(out) };
    out.push('-');
    out.push_str(day);
    let (Some(hour), Some(minute)) = (field(8, 0..=23), field(10, 0..=59)) else {
        return Some(out);
    };
    let second = field(12, 0..=59).unwrap_or("00");
    out.push_str(&format!("T{hour}:{minute}:{second}"));
    out.push_str(&offset(&date[digits..]));
    Some(out)
}

/// `+01'00'` as `+01:00`; `Z` for UTC; nothing where the date has no offset.
fn offset(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).take(4).collect();
    match text.as_bytes().first() {
        Some(sign @ (b'+' | b'-')) if digits.len() >= 2 => {
            let minutes = digits.get(2..4).unwrap_or("00");
            format!("{}{}:{minutes}", char::from(*sign), &digits[..2])
        }
        Some(b'Z') => "Z".to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn dates_are_as_precise_as_given() {
        let read = |date| rfc3339(date).unwrap_or_default();
        assert_eq!(read("D:20240229133005+01'00'"), "2024-02-29T13:30:05+01:00");
        assert_eq!(read("D:20240229133005Z"), "2024-02-29T13:30:05Z");
        assert_eq!(read("D:202402"), "2024-02");
        assert_eq!(read("2024"), "2024");
        assert_eq!(read("D:20241399"), "2024");
        assert_eq!(rfc3339("yesterday"), None);
        assert_eq!(rfc3339("D:20é"), None);
    }
}
