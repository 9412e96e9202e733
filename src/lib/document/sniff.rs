//! What a file is, from its content; the name decides only where the content leaves it open.

use std::path::Path;

use crate::text;
use crate::unpack::Compression;

/// Bytes from the start that are looked at.
const WINDOW: usize = 64 << 10;

/// How a document is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// PDF, also with bytes before its header.
    Pdf,
    /// HTML or XHTML.
    Html,
    /// One mail (RFC 5322).
    Mail,
    /// Many mails in one file (RFC 4155).
    Mbox,
    /// A ZIP file: an office document, a book, or an archive.
    Zip,
    /// A tape archive.
    Tar,
    /// One compressed file.
    Compressed(Compression),
    /// Rich Text Format.
    Rtf,
    /// An OLE compound file, as Outlook keeps mails in (and old Office documents).
    Ole,
    /// Plain text of the given media type.
    Text(&'static str),
    /// Something without text that can be read; its media type.
    Other(&'static str),
}

/// Media types by their first bytes (offset, bytes).
const MAGIC: &[(usize, &[u8], &str)] = &[
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftyp", "video/mp4"),
    (8, b"WAVE", "audio/wav"),
    (0, b"fLaC", "audio/flac"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "application/ogg"),
    (0, b"\xfd7zXZ\0", "application/x-xz"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"%!PS", "application/postscript"),
    (0, b"\x7fELF", "application/x-elf"),
    (0, b"SQLite format 3\0", "application/vnd.sqlite3"),
    (0, b"OTTO", "font/otf"),
    (0, b"\0\x01\0\0", "font/ttf"),
    (0, b"wOFF", "font/woff"),
    (0, b"wOF2", "font/woff2"),
];

/// Containers and documents by their first bytes (offset, bytes).
const READ: &[(usize, &[u8], Format)] = &[
    (0, b"PK\x03\x04", Format::Zip),
    (0, b"PK\x05\x06", Format::Zip),
    (257, b"ustar", Format::Tar),
    (0, b"\x1f\x8b\x08", Format::Compressed(Compression::Gzip)),
    (0, b"\x28\xb5\x2f\xfd", Format::Compressed(Compression::Zstd)),
    (0, b"BZh", Format::Compressed(Compression::Bzip2)),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Format::Ole),
    (0, b"{\\rtf", Format::Rtf),
];

/// Headers that start a mail; two of them, among lines that are all headers, make one.
const MAIL_HEADERS: &[&str] = &[
    "from",
    "to",
    "cc",
    "bcc",
    "subject",
    "date",
    "message-id",
    "received",
    "return-path",
    "mime-version",
    "content-type",
    "delivered-to",
    "reply-to",
    "sender",
    "x-mailer",
    "in-reply-to",
    "references",
    "content-transfer-encoding",
    "delivery-date",
    "dkim-signature",
];

/// Tags by which a page without a doctype is known.
const HTML_TAGS: &[&str] = &[
    "html", "head", "body", "title", "meta", "script", "style", "table", "div", "p", "h1", "h2",
    "h3", "ul", "ol", "a", "br", "span", "center", "font",
];

/// Decides how `bytes` are read. `name` breaks ties between kinds of text.
pub fn sniff(bytes: &[u8], name: Option<&Path>) -> Format {
    let window = &bytes[..bytes.len().min(WINDOW)];
    let starts = |offset: usize, magic: &[u8]| {
        window.get(offset..).is_some_and(|rest| rest.starts_with(magic))
    };
    // Before PDF: an archive may hold one as it is.
    if let Some((.., format)) = READ.iter().find(|(offset, magic, _)| starts(*offset, magic)) {
        return *format;
    }
    if is_pdf(window) {
        return Format::Pdf;
    }
    for (offset, magic, mime) in MAGIC {
        if starts(*offset, magic) {
            return Format::Other(mime);
        }
    }
    let wide = text::is_utf16(window);
    if !wide && text::looks_binary(window) {
        return Format::Other("application/octet-stream");
    }
    let extension = name.and_then(Path::extension).and_then(|e| e.to_str()).map(str::to_lowercase);
    let extension = extension.as_deref().unwrap_or("");
    let decoded = text::decode_window(window);
    let start = decoded.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    if start.starts_with("From ") && mail_headers(start.split_once('\n').map_or("", |s| s.1)) >= 1 {
        return Format::Mbox;
    }
    let wanted = if matches!(extension, "eml" | "mbox" | "mht") { 1 } else { 2 };
    if mail_headers(start) >= wanted {
        return Format::Mail;
    }
    if is_html(start, extension) { Format::Html } else { Format::Text(text_mime(extension)) }
}

/// A PDF header in the first 1024 bytes (ISO 32000-1 Annex H, implementation note 13), not in prose.
fn is_pdf(window: &[u8]) -> bool {
    let head = &window[..window.len().min(1024)];
    memchr::memmem::find(head, b"%PDF-").is_some_and(|at| {
        at == 0
            || matches!(head[at - 1], b'\n' | b'\r')
            || text::looks_binary(&head[..at])
            || head[..at].iter().all(u8::is_ascii_whitespace)
    })
}

/// How many known headers `text` starts with; 0 when a line before the first empty one is none.
fn mail_headers(text: &str) -> usize {
    let mut known = 0;
    for (index, line) in text.lines().take(200).enumerate() {
        if line.is_empty() {
            break;
        }
        if index > 0 && line.starts_with([' ', '\t']) {
            continue;
        }
        let Some((name, _)) = line.split_once(':') else {
            // A mail may be damaged below its first headers, and mbox files carry ">From " lines.
            return if known >= 3 { known } else { 0 };
        };
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic()) {
            return if known >= 3 { known } else { 0 };
        }
        known += usize::from(MAIL_HEADERS.contains(&name.to_ascii_lowercase().as_str()));
    }
    known
}

fn is_html(start: &str, extension: &str) -> bool {
    let lower: String = start.chars().take(4_096).collect::<String>().to_ascii_lowercase();
    let mut rest = lower.as_str();
    // Before the first tag there may be comments and an XML declaration.
    loop {
        rest = rest.trim_start();
        let skipped = match rest {
            _ if rest.starts_with("<!--") => rest.split_once("-->").map(|(_, after)| after),
            _ if rest.starts_with("<?xml") => rest.split_once("?>").map(|(_, after)| after),
            _ => None,
        };
        match skipped {
            Some(after) => rest = after,
            None => break,
        }
    }
    if rest.starts_with("<!doctype html") {
        return true;
    }
    let named = matches!(extension, "html" | "htm" | "xhtml");
    let Some(tag) = rest.strip_prefix('<') else {
        return named && lower.contains("</");
    };
    let end = tag.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(tag.len());
    let known = HTML_TAGS.contains(&&tag[..end]);
    known && (named || lower.contains("</") || tag.starts_with("html"))
}

/// Media type of plain text by the extension of its name.
fn text_mime(extension: &str) -> &'static str {
    match extension {
        "md" | "markdown" => "text/markdown",
        "csv" => "text/csv",
        "tsv" => "text/tab-separated-values",
        "json" => "application/json",
        "xml" => "application/xml",
        _ => "text/plain",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Format {
        sniff(bytes, None)
    }

    #[test]
    fn content_decides_and_the_name_does_not() {
        let named = |bytes: &[u8], name: &str| sniff(bytes, Some(Path::new(name)));
        assert_eq!(named(b"%PDF-1.4\n", "letter.txt"), Format::Pdf);
        assert_eq!(named(b"just text", "letter.pdf"), Format::Text("text/plain"));
        assert_eq!(named(b"\x89PNG\r\n\x1a\n....", "a.html"), Format::Other("image/png"));
        assert_eq!(named(b"# A heading", "a.md"), Format::Text("text/markdown"));
    }

    #[test]
    fn a_pdf_may_start_late() {
        assert_eq!(of(b"\n%PDF-1.4\n"), Format::Pdf);
        assert_eq!(of(b"A PDF starts with %PDF-1.4"), Format::Text("text/plain"));
    }

    #[test]
    fn html_with_and_without_a_doctype() {
        assert_eq!(of(b"<!-- c --><!DOCTYPE html><p>x"), Format::Html);
        assert_eq!(of(b"\xef\xbb\xbf<html><body>x"), Format::Html);
        assert_eq!(of(b"<p>one</p>"), Format::Html);
        assert_eq!(of(b"<note>one</note>"), Format::Text("text/plain"));
        assert_eq!(of(b"a < b and c > d"), Format::Text("text/plain"));
    }

    #[test]
    fn mails_and_mailboxes() {
        assert_eq!(of(b"From: a@b.c\r\nSubject: x\r\n\r\nhello"), Format::Mail);
        assert_eq!(of(b"From a@b.c Mon Jan  1 00:00:00 2024\nSubject: x\n\nhi"), Format::Mbox);
        assert_eq!(of(b"Subject: only one\n\nhi"), Format::Text("text/plain"));
        assert_eq!(of(b"Dear all,\nFrom: here\nTo: there"), Format::Text("text/plain"));
    }

    #[test]
    fn binary_is_not_text() {
        assert_eq!(of(b"\0\x01\x02\x03binary\0\0"), Format::Other("application/octet-stream"));
        assert_eq!(of(b"h\0i\0 \0t\0h\0e\0r\0e\0"), Format::Text("text/plain"));
    }
}
