//! What every parser gives back: text, and where in it things are.

use serde::Serialize;

use crate::error::ExtractError;

/// A document as text.
///
/// Serialised, it is the record's `document` key: all but `text` and `children`, which become the
/// record's own `text` and records of their own; absent and empty keys are left out.
#[derive(Debug, Default, Serialize)]
pub struct Document {
    /// The text, UTF-8, lines ended by `\n`.
    #[serde(skip)]
    pub text: String,
    /// Media type, from the content.
    pub mime: &'static str,
    /// Title as the document states it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Authors (the senders of a mail).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// When it was written, RFC 3339 with the precision and offset the document gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// When it was last changed, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// Language as the document states it (BCP 47).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Character encoding of the source, as named by the WHATWG Encoding Standard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<&'static str>,
    /// Pages in reading order; they tile `text`. Empty where the format has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<Page>,
    /// Headings, or what the document lists as its contents, in reading order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outline: Vec<Heading>,
    /// Tables, where they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<Table>,
    /// Some text was left out because of a limit.
    #[serde(skip_serializing_if = "is_false")]
    pub truncated: bool,
    /// At least one page is a picture with (nearly) no text.
    #[serde(skip_serializing_if = "is_false")]
    pub needs_ocr: bool,
    /// Headers of a mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Headers>,
    /// Documents inside this one, in their order: attachments of a mail, members of an archive.
    #[serde(skip)]
    pub children: Vec<Child>,
}

/// A heading's place in the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Heading {
    /// 1 for the outermost.
    pub level: u8,
    /// Its words.
    pub title: String,
    /// First byte in `text` of what it stands over, itself included.
    pub start: usize,
}

/// A table and its place in the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    /// First byte in `text`.
    pub start: usize,
    /// First byte after it.
    pub end: usize,
    /// Its rows, each with the texts of its cells; empty cells at a row's end are left out.
    pub rows: Vec<Vec<String>>,
}

/// One page's place in the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page {
    /// Page number, from 1.
    pub n: u32,
    /// First byte of the page in `text`.
    pub start: usize,
    /// First byte after the page; equals the next page's `start`.
    pub end: usize,
    /// The page is a picture with (nearly) no text.
    #[serde(skip_serializing_if = "is_false")]
    pub needs_ocr: bool,
}

/// The headers of a mail (RFC 5322) that say who, when and what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Headers {
    /// `From`, each as `Name <address>`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
    /// `To`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// `Cc`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<String>,
    /// `Date`, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// `Subject`, decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// `Message-ID` without its angle brackets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// `In-Reply-To` without its angle brackets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<String>,
}

/// A document found inside another.
#[derive(Debug)]
pub struct Child {
    /// Id of its content, as in a record.
    pub id: String,
    /// File name as the outer document gives it: untrusted, not a path to open.
    pub name: Option<String>,
    /// Media type as the outer document declares it.
    pub declared_mime: Option<String>,
    /// Its size in bytes, decoded.
    pub bytes: usize,
    /// Its text, or why there is none.
    pub outcome: Result<Document, ExtractError>,
}

impl Document {
    /// Leaves only the pages from `first` to `last`; a document without pages stays as it is.
    ///
    /// # Errors
    /// [`ExtractError::NoSuchPage`] when none is left.
    pub(crate) fn keep_pages(&mut self, first: u32, last: u32) -> Result<(), ExtractError> {
        let is_kept = |page: &Page| (first..=last).contains(&page.n);
        let has = self.pages.len();
        if self.pages.iter().all(is_kept) {
            return Ok(());
        }
        self.pages.retain(is_kept);
        // Pages follow each other, so that what is kept is one piece.
        let (Some(from), Some(to)) = (self.pages.first(), self.pages.last()) else {
            return Err(ExtractError::NoSuchPage { has });
        };
        let (from, to) = (from.start, to.end);
        let inside = |start: usize, end: usize| start >= from && end <= to;
        self.text.truncate(to);
        self.text.drain(..from);
        self.outline.retain(|heading| inside(heading.start, heading.start + 1));
        self.tables.retain(|table| inside(table.start, table.end));
        self.outline.iter_mut().for_each(|heading| heading.start -= from);
        for page in &mut self.pages {
            (page.start, page.end) = (page.start - from, page.end - from);
        }
        for table in &mut self.tables {
            (table.start, table.end) = (table.start - from, table.end - from);
        }
        self.needs_ocr = self.pages.iter().any(|page| page.needs_ocr);
        Ok(())
    }

    /// Whether it is nothing but what is inside it: an archive, a mailbox.
    pub fn is_container(&self) -> bool {
        matches!(self.mime, "application/zip" | "application/x-tar" | "application/mbox")
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// Text that grows up to a limit.
#[derive(Debug)]
pub(crate) struct BoundedText {
    text: String,
    limit: usize,
    truncated: bool,
}

impl BoundedText {
    pub(crate) fn new(limit: usize) -> Self {
        Self { text: String::new(), limit, truncated: false }
    }

    /// Appends `text`, or as many whole characters as still fit; false when some did not.
    pub(crate) fn push(&mut self, text: &str) -> bool {
        let room = self.limit - self.text.len();
        if text.len() <= room {
            self.text.push_str(text);
            return true;
        }
        self.text.push_str(cut(text, room));
        self.truncated = true;
        false
    }

    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn truncated(&self) -> bool {
        self.truncated
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn into_string(self) -> String {
        self.text
    }
}

/// The longest start of `text` of at most `max` bytes that ends between characters.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
