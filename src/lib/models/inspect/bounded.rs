//! A reader that knows how much is left, and never takes a file's word for it.

use std::io::{Read, Seek, SeekFrom};

use super::InspectError;

/// Little-endian reader over a source of known length.
pub(super) struct Bounded<R> {
    source: R,
    position: u64,
    length: u64,
}

impl<R: Read + Seek> Bounded<R> {
    pub(super) fn new(mut source: R) -> Result<Self, InspectError> {
        let length = source.seek(SeekFrom::End(0))?;
        source.seek(SeekFrom::Start(0))?;
        Ok(Self { source, position: 0, length })
    }

    /// Bytes from here to the end.
    pub(super) fn left(&self) -> u64 {
        self.length - self.position
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The source itself, for readers that bound themselves.
    pub(super) fn source(&mut self) -> &mut R {
        &mut self.source
    }

    fn claim(&mut self, bytes: u64, what: &str) -> Result<(), InspectError> {
        if bytes > self.left() {
            return Err(InspectError::Truncated {
                what: what.to_owned(),
                needed: bytes - self.left(),
            });
        }
        self.position += bytes;
        Ok(())
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], InspectError> {
        self.claim(N as u64, what)?;
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32, InspectError> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, what: &str) -> Result<u64, InspectError> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// A signed number that has to lie in `range`.
    pub(super) fn i32_in(
        &mut self,
        range: std::ops::RangeInclusive<i32>,
        what: &str,
    ) -> Result<u32, InspectError> {
        let n = self.array(what).map(i32::from_le_bytes)?;
        if !range.contains(&n) {
            return Err(InspectError::Damaged(format!("{what} is {n}")));
        }
        u32::try_from(n).map_err(|_| InspectError::Damaged(format!("{what} is {n}")))
    }

    /// `length` bytes, at most `limit`.
    pub(super) fn bytes(
        &mut self,
        length: u64,
        limit: usize,
        what: &str,
    ) -> Result<Vec<u8>, InspectError> {
        let short = usize::try_from(length).ok().filter(|n| *n <= limit);
        let n =
            short.ok_or_else(|| InspectError::Damaged(format!("{what} is {length} bytes long")))?;
        self.claim(length, what)?;
        let mut bytes = vec![0; n];
        self.source.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// As [`Self::bytes`], as text.
    pub(super) fn text(
        &mut self,
        length: u64,
        limit: usize,
        what: &str,
    ) -> Result<String, InspectError> {
        String::from_utf8(self.bytes(length, limit, what)?)
            .map_err(|_| InspectError::Damaged(format!("{what} is not UTF-8")))
    }

    /// Goes back to `position`, which has been passed already.
    pub(super) fn rewind_to(&mut self, position: u64) -> Result<(), InspectError> {
        debug_assert!(position <= self.position);
        self.source.seek(SeekFrom::Start(position))?;
        self.position = position;
        Ok(())
    }

    /// Steps over `bytes` bytes that have to be there.
    pub(super) fn skip(&mut self, bytes: u64, what: &str) -> Result<(), InspectError> {
        self.claim(bytes, what)?;
        if bytes <= 1 << 14 {
            // A seek within the buffer keeps it only through `seek_relative`, which not every
            // source has; reading a little is cheaper than refilling.
            let mut left = bytes;
            let mut scratch = [0; 1 << 10];
            while left > 0 {
                let n = usize::try_from(left).map_or(scratch.len(), |l| l.min(scratch.len()));
                self.source.read_exact(&mut scratch[..n])?;
                left -= n as u64;
            }
        } else {
            self.source.seek(SeekFrom::Start(self.position))?;
        }
        Ok(())
    }
}
