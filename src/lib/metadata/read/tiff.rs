//! TIFF's directories: of EXIF blocks, of TIFF files and of the raw formats made from them.
//!
//! Source: TIFF 6.0, section 2. A broken entry is left out, the others count.

use std::io;

use super::input::Input;

/// Entries of one directory that are looked at; real ones have tens.
const MAX_ENTRIES: u64 = 2_000;
/// Directories of one file that are followed.
const MAX_DIRECTORIES: usize = 64;

/// A TIFF structure inside a file; its offsets count from `base`.
pub(super) struct Tiff<'i, 'a> {
    pub(super) input: &'i mut Input<'a>,
    base: u64,
    end: u64,
    little: bool,
    seen: Vec<u64>,
}

/// One entry of a directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) tag: u16,
    kind: u16,
    count: u32,
    /// Where the value is, counted from the start of the file.
    pub(super) at: u64,
}

/// One directory.
pub(super) struct Directory {
    pub(super) entries: Vec<Entry>,
    /// Offset of the next one, 0 at the end.
    pub(super) next: u64,
    /// Whether some entries were broken or missing.
    pub(super) damaged: bool,
}

impl Directory {
    pub(super) fn find(&self, tag: u16) -> Option<Entry> {
        self.entries.iter().find(|e| e.tag == tag).copied()
    }
}

impl Entry {
    fn width(self) -> u64 {
        match self.kind {
            1 | 2 | 6 | 7 | 129 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 => 8,
            _ => 0,
        }
    }

    /// Length of the value in bytes.
    pub(super) fn length(self) -> u64 {
        self.width() * u64::from(self.count)
    }
}

impl<'i, 'a> Tiff<'i, 'a> {
    /// The structure whose header is at `base`, and the offset of its first directory.
    pub(super) fn open(
        input: &'i mut Input<'a>,
        base: u64,
        end: u64,
    ) -> io::Result<Option<(Self, u64)>> {
        let Some(header) = input.array::<8>(base)? else { return Ok(None) };
        let little = match &header[..2] {
            b"II" => true,
            b"MM" => false,
            _ => return Ok(None),
        };
        let tiff = Self::new(input, base, end, little);
        let first = tiff.u32(&header[4..]);
        Ok(Some((tiff, first.into())))
    }

    /// A structure without header, as makers' notes are.
    pub(super) fn new(input: &'i mut Input<'a>, base: u64, end: u64, little: bool) -> Self {
        let end = end.min(input.length());
        Self { input, base, end, little, seen: Vec::new() }
    }

    pub(super) fn base(&self) -> u64 {
        self.base
    }

    pub(super) fn end(&self) -> u64 {
        self.end
    }

    fn u16(&self, bytes: &[u8]) -> u16 {
        let value = super::input::be16(bytes);
        if self.little { value.swap_bytes() } else { value }
    }

    fn u32(&self, bytes: &[u8]) -> u32 {
        let value = super::input::be32(bytes);
        if self.little { value.swap_bytes() } else { value }
    }

    /// Reads the directory at `offset`; `None` when there is none or it was read before.
    pub(super) fn directory(&mut self, offset: u64) -> io::Result<Option<Directory>> {
        let at = self.base.saturating_add(offset);
        if offset == 0 || self.seen.contains(&at) || self.seen.len() >= MAX_DIRECTORIES {
            return Ok(None);
        }
        self.seen.push(at);
        if at + 2 > self.end {
            return Ok(None);
        }
        let Some(count) = self.input.array::<2>(at)? else { return Ok(None) };
        let announced = u64::from(self.u16(&count));
        let room = (self.end - at - 2) / 12;
        let count = announced.min(room).min(MAX_ENTRIES);
        let bytes = self.input.up_to(at + 2, usize::try_from(count * 12 + 4).unwrap_or(0))?;
        let bytes = bytes.to_vec();
        let mut entries = Vec::with_capacity(bytes.len() / 12);
        let mut damaged = count < announced;
        for (index, entry) in bytes.chunks_exact(12).take(count as usize).enumerate() {
            match self.entry(entry, at + 2 + index as u64 * 12) {
                Some(entry) => entries.push(entry),
                None => damaged = true,
            }
        }
        let next = bytes.get(count as usize * 12..).filter(|rest| rest.len() >= 4 && !damaged);
        let next = next.map_or(0, |rest| u64::from(self.u32(rest)));
        Ok(Some(Directory { entries, next, damaged }))
    }

    fn entry(&self, bytes: &[u8], position: u64) -> Option<Entry> {
        let (tag, kind) = (self.u16(bytes), self.u16(&bytes[2..]));
        let mut entry = Entry { tag, kind, count: self.u32(&bytes[4..]), at: position + 8 };
        if entry.width() == 0 {
            return None;
        }
        if entry.length() > 4 {
            entry.at = self.base + u64::from(self.u32(&bytes[8..]));
            // Image data may go on behind what is there; a value may not.
            let values_end = entry.at.checked_add(entry.length())?;
            let is_long = matches!(entry.tag, 0x111 | 0x117 | 0x144 | 0x145);
            if values_end > self.end && !is_long {
                return self.cut(entry);
            }
        }
        Some(entry)
    }

    /// A text that ends with the block: what is there of it.
    fn cut(&self, mut entry: Entry) -> Option<Entry> {
        if entry.kind != 2 || entry.at >= self.end {
            return None;
        }
        entry.count = u32::try_from(self.end - entry.at).ok()?;
        Some(entry)
    }

    /// The value's bytes, at most `limit`.
    pub(super) fn bytes(&mut self, entry: Entry, limit: usize) -> io::Result<Vec<u8>> {
        let length = usize::try_from(entry.length()).unwrap_or(limit).min(limit);
        Ok(self.input.up_to(entry.at, length)?.to_vec())
    }

    /// A text up to its first NUL, blanks trimmed; `None` when nothing is left.
    pub(super) fn text(&mut self, entry: Entry) -> io::Result<Option<String>> {
        let bytes = self.bytes(entry, 4096)?;
        Ok(decode(&bytes))
    }

    /// The first whole number.
    pub(super) fn number(&mut self, entry: Entry) -> io::Result<Option<u32>> {
        Ok(self.numbers(entry, 1)?.first().copied())
    }

    /// Whole numbers, at most `limit`.
    pub(super) fn numbers(&mut self, entry: Entry, limit: usize) -> io::Result<Vec<u32>> {
        let width = entry.width();
        let bytes = self.bytes(entry, limit.saturating_mul(width as usize))?;
        Ok(match (entry.kind, width) {
            (1 | 7, _) => bytes.iter().map(|&b| b.into()).collect(),
            (3, _) => bytes.chunks_exact(2).map(|b| self.u16(b).into()).collect(),
            (4 | 9 | 13, _) => bytes.chunks_exact(4).map(|b| self.u32(b)).collect(),
            _ => Vec::new(),
        })
    }

    /// Fractions, at most `limit`; one over zero is `NaN`.
    pub(super) fn fractions(&mut self, entry: Entry, limit: usize) -> io::Result<Vec<f64>> {
        let signed = match entry.kind {
            5 => false,
            10 => true,
            _ => return Ok(self.numbers(entry, limit)?.into_iter().map(f64::from).collect()),
        };
        let bytes = self.bytes(entry, limit * 8)?;
        let value = |bytes: &[u8]| {
            let raw = self.u32(bytes);
            if signed { f64::from(raw.cast_signed()) } else { f64::from(raw) }
        };
        let fraction = |pair: &[u8]| {
            let (above, below) = (value(pair), value(&pair[4..]));
            if below == 0.0 { f64::NAN } else { above / below }
        };
        Ok(bytes.chunks_exact(8).map(fraction).collect())
    }
}

/// A text in UTF-8 or, failing that, Latin-1, up to its first NUL.
pub(super) fn decode(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    let text = match std::str::from_utf8(&bytes[..end]) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes[..end].iter().map(|&b| char::from(b)).collect(),
    };
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
