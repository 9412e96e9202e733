//! Mails as Outlook saves them (MS-OXMSG): properties in an OLE compound file (MS-CFB).

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use cfb::CompoundFile;
use encoding_rs::UTF_16LE;
use jiff::{SignedDuration, Timestamp};

use crate::document::{BoundedText, Child, Document, Headers};
use crate::error::ExtractError;
use crate::limits::Budget;
use crate::{guard, html, rtf, text};

const MIME: &str = "application/vnd.ms-outlook";

/// Recipients that are kept.
const MAX_RECIPIENTS: usize = 1_000;

/// Bytes of one property that is a name, an address, a subject.
const MAX_PROPERTY: u64 = 64 << 10;

// Property identifiers (MS-OXPROPS).
const SUBJECT: u16 = 0x0037;
const SENT: u16 = 0x0039;
const RECIPIENT_KIND: u16 = 0x0C15;
const SENDER_NAME: u16 = 0x0C1A;
const SENDER_ADDRESS: u16 = 0x0C1F;
const DELIVERED: u16 = 0x0E06;
const BODY: u16 = 0x1000;
const BODY_RTF: u16 = 0x1009;
const BODY_HTML: u16 = 0x1013;
const MESSAGE_ID: u16 = 0x1035;
const IN_REPLY_TO: u16 = 0x1042;
const NAME: u16 = 0x3001;
const ADDRESS: u16 = 0x3003;
const DATA: u16 = 0x3701;
const SHORT_FILE_NAME: u16 = 0x3704;
const FILE_NAME: u16 = 0x3707;
const DECLARED_MIME: u16 = 0x370E;
const SMTP_ADDRESS: u16 = 0x39FE;
const SENDER_SMTP: u16 = 0x5D01;

type Compound = CompoundFile<Cursor<Vec<u8>>>;

/// Reads a mail; other compound files are not known.
///
/// # Errors
/// [`ExtractError::Unsupported`], [`ExtractError::Corrupt`], [`ExtractError::Timeout`].
pub(crate) fn extract(bytes: &[u8], budget: &Budget) -> Result<Document, ExtractError> {
    let (bytes, own) = (bytes.to_vec(), budget.clone());
    guard::abandonable(budget, move || {
        let mut file = CompoundFile::open(Cursor::new(bytes)).map_err(ExtractError::corrupt)?;
        let root = Path::new("/");
        if file.is_stream(root.join("EncryptedPackage")) {
            // An office document under a password.
            return Err(ExtractError::Encrypted);
        }
        if !file.is_stream(root.join("__properties_version1.0")) {
            return Err(ExtractError::Unsupported { mime: other(&file) });
        }
        message(&mut file, root, 32, &own)
    })
}

/// What a compound file is that is no mail.
fn other(file: &Compound) -> &'static str {
    let is = |name: &str| file.is_stream(Path::new("/").join(name));
    match () {
        () if is("WordDocument") => "application/msword",
        () if is("Workbook") || is("Book") => "application/vnd.ms-excel",
        () if is("PowerPoint Document") => "application/vnd.ms-powerpoint",
        () => "application/x-ole-storage",
    }
}

/// Reads the mail in the storage `at`, whose table of properties starts after `header` bytes.
fn message(
    file: &mut Compound,
    at: &Path,
    header: usize,
    budget: &Budget,
) -> Result<Document, ExtractError> {
    budget.check_time()?;
    budget.check_depth()?;
    let headers = headers(file, at, header)?;
    let mut body = BoundedText::new(budget.limits.max_text);
    body.push(&body_text(file, at, budget)?);
    let (children, cut) = attachments(file, at, budget)?;
    Ok(Document {
        mime: MIME,
        title: headers.subject.clone(),
        authors: headers.from.clone(),
        created: headers.date.clone(),
        truncated: body.truncated() || cut,
        text: body.into_string(),
        headers: Some(headers),
        children,
        ..Document::default()
    })
}

fn headers(file: &mut Compound, at: &Path, header: usize) -> Result<Headers, ExtractError> {
    let fixed = fixed(file, at, header);
    let date = [SENT, DELIVERED].iter().find_map(|id| moment(&fixed, *id));
    let name = string(file, at, SENDER_NAME);
    let address = string(file, at, SENDER_SMTP)
        .or_else(|| string(file, at, SENDER_ADDRESS).filter(|address| address.contains('@')));
    let mut headers = Headers {
        from: person(name, address).into_iter().collect(),
        date,
        subject: string(file, at, SUBJECT),
        message_id: string(file, at, MESSAGE_ID).map(bare),
        in_reply_to: string(file, at, IN_REPLY_TO).map(bare),
        ..Headers::default()
    };
    for storage in storages(file, at, "__recip_version1.0_").into_iter().take(MAX_RECIPIENTS) {
        let kind = number(&self::fixed(file, &storage, 8), RECIPIENT_KIND);
        let name = string(file, &storage, NAME);
        let address = string(file, &storage, SMTP_ADDRESS)
            .or_else(|| string(file, &storage, ADDRESS).filter(|address| address.contains('@')));
        let list = if kind == Some(2) { &mut headers.cc } else { &mut headers.to };
        // Blind copies are known to their sender only.
        if kind != Some(3) {
            list.extend(person(name, address));
        }
    }
    Ok(headers)
}

fn person(name: Option<String>, address: Option<String>) -> Option<String> {
    match (name, address) {
        (Some(name), Some(address)) if name != address => Some(format!("{name} <{address}>")),
        (name, address) => address.or(name),
    }
}

fn bare(id: String) -> String {
    id.trim().trim_start_matches('<').trim_end_matches('>').to_owned()
}

/// The body: as text, else what its page or its rich text says.
fn body_text(file: &mut Compound, at: &Path, budget: &Budget) -> Result<String, ExtractError> {
    let most = budget.limits.max_text as u64;
    if let Some(body) = string_within(file, at, BODY, most) {
        return Ok(text::unix_lines(&body).into_owned());
    }
    if let Some(page) = bytes(file, at, BODY_HTML, most) {
        return Ok(html::extract(&page, true, budget)?.text);
    }
    match bytes(file, at, BODY_RTF, most).and_then(|packed| inflate(&packed, most as usize)) {
        Some(rich) => Ok(rtf::extract(&rich, budget)?.text),
        None => Ok(String::new()),
    }
}

/// The attachments, and whether some were left out.
fn attachments(
    file: &mut Compound,
    at: &Path,
    budget: &Budget,
) -> Result<(Vec<Child>, bool), ExtractError> {
    let storages = storages(file, at, "__attach_version1.0_");
    let cut = storages.len() > budget.limits.max_children;
    let mut children = Vec::new();
    for storage in storages.into_iter().take(budget.limits.max_children) {
        budget.check_time()?;
        let name =
            string(file, &storage, FILE_NAME).or_else(|| string(file, &storage, SHORT_FILE_NAME));
        let declared_mime = string(file, &storage, DECLARED_MIME);
        let inner = storage.join("__substg1.0_3701000D");
        let child = budget.child();
        let (id, bytes, outcome) = if file.is_storage(&inner) {
            let outcome = message(file, &inner, 24, &child);
            let said = outcome.as_ref().map_or("", |document| &document.text);
            (records::content_id(said.as_bytes()), said.len(), outcome)
        } else if let Some(data) = bytes(file, &storage, DATA, budget.limits.max_bytes) {
            let outcome = crate::extract_within(&data, name.as_deref().map(Path::new), &child);
            (records::content_id(&data), data.len(), outcome)
        } else {
            continue;
        };
        children.push(Child { id, name, declared_mime, bytes, outcome });
    }
    Ok((children, cut))
}

/// The storages in `at` whose names start with `prefix`, in the order of their names.
fn storages(file: &Compound, at: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = file.read_storage(at) else { return Vec::new() };
    let named = entries.filter(|e| e.is_storage() && e.name().starts_with(prefix));
    let mut found: Vec<_> = named.map(|entry| at.join(entry.name())).collect();
    found.sort();
    found
}

/// The bytes of a stream, if there is one and it can be read within `most` bytes.
fn stream(file: &mut Compound, path: &Path, most: u64) -> Option<Vec<u8>> {
    if !file.is_stream(path) {
        return None;
    }
    let stream = file.open_stream(path).ok()?;
    let mut bytes = Vec::new();
    stream.take(most).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// A property of bytes; a page may also be kept as text.
fn bytes(file: &mut Compound, at: &Path, id: u16, most: u64) -> Option<Vec<u8>> {
    let found = stream(file, &at.join(format!("__substg1.0_{id:04X}0102")), most);
    found.or_else(|| string_within(file, at, id, most).map(String::into_bytes))
}

fn string(file: &mut Compound, at: &Path, id: u16) -> Option<String> {
    let found = string_within(file, at, id, MAX_PROPERTY)?;
    let found = found.trim_matches(['\0', ' ', '\r', '\n']);
    (!found.is_empty()).then(|| found.to_owned())
}

/// A property of text: UTF-16, or bytes in an encoding that has to be guessed.
fn string_within(file: &mut Compound, at: &Path, id: u16, most: u64) -> Option<String> {
    if let Some(wide) = stream(file, &at.join(format!("__substg1.0_{id:04X}001F")), most) {
        return Some(UTF_16LE.decode_without_bom_handling(&wide).0.into_owned());
    }
    let narrow = stream(file, &at.join(format!("__substg1.0_{id:04X}001E")), most)?;
    Some(text::decode(&narrow, None).0.into_owned())
}

/// The properties of fixed size: tag, flags and value, 16 bytes each.
fn fixed(file: &mut Compound, at: &Path, header: usize) -> Vec<u8> {
    let table = stream(file, &at.join("__properties_version1.0"), MAX_PROPERTY);
    table.and_then(|table| table.get(header..).map(<[u8]>::to_vec)).unwrap_or_default()
}

fn value(table: &[u8], id: u16) -> Option<[u8; 8]> {
    let entry = table.chunks_exact(16).find(|entry| entry[2..4] == id.to_le_bytes())?;
    entry[8..].try_into().ok()
}

fn number(table: &[u8], id: u16) -> Option<u32> {
    let value = value(table, id)?;
    Some(u32::from_le_bytes([value[0], value[1], value[2], value[3]]))
}

/// A FILETIME (units of 100 ns since 1601) as RFC 3339.
fn moment(table: &[u8], id: u16) -> Option<String> {
    let ticks = u64::from_le_bytes(value(table, id)?);
    let seconds = i64::try_from(ticks / 10_000_000).ok()? - 11_644_473_600;
    let moment = Timestamp::UNIX_EPOCH.checked_add(SignedDuration::from_secs(seconds)).ok()?;
    Some(moment.to_string())
}

/// Rich text out of its compression (MS-OXRTFCP).
fn inflate(packed: &[u8], most: usize) -> Option<Vec<u8>> {
    const START: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \
        \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\
        \\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
    let (header, rest) = packed.split_at_checked(16)?;
    if &header[8..12] == b"MELA" {
        return Some(rest[..rest.len().min(most)].to_vec());
    }
    let mut window = [b' '; 4096];
    window[..START.len()].copy_from_slice(START);
    let (mut at, mut out, mut rest) = (START.len(), Vec::new(), rest.iter().copied());
    'runs: while let Some(flags) = rest.next() {
        for bit in 0..8 {
            let Some(first) = rest.next() else { break 'runs };
            let copied = if flags >> bit & 1 == 0 {
                (at, 1, Some(first))
            } else {
                let pair = u16::from_be_bytes([first, rest.next()?]);
                (usize::from(pair >> 4), usize::from(pair & 15) + 2, None)
            };
            let (from, length, literal) = copied;
            if literal.is_none() && from == at {
                break 'runs;
            }
            for step in 0..length {
                let byte = literal.unwrap_or(window[(from + step) % 4096]);
                if out.len() == most {
                    break 'runs;
                }
                window[at] = byte;
                at = (at + 1) % 4096;
                out.push(byte);
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rich_text_is_inflated_as_the_specification_shows() {
        // MS-OXRTFCP 3.1: a simple compressed example.
        let packed = [
            0x2d, 0, 0, 0, 0x2b, 0, 0, 0, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0,
            0x0a, 0, 0x72, 0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a, 0xf3, 0x20, 0x68,
            0x65, 0x6c, 0x09, 0, 0x20, 0x62, 0x77, 0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f,
            0xa0,
        ];
        let text = inflate(&packed, 1_000).expect("whole");
        assert_eq!(text, b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
    }

    #[test]
    fn times_count_from_1601() {
        let mut table = vec![0; 16];
        table[2..4].copy_from_slice(&SENT.to_le_bytes());
        table[8..].copy_from_slice(&116_444_736_000_000_000_u64.to_le_bytes());
        assert_eq!(moment(&table, SENT).as_deref(), Some("1970-01-01T00:00:00Z"));
    }
}
