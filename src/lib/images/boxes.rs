//! Boxes of the ISO base media file format (ISO/IEC 14496-12): a length, a kind, content.

/// Reads numbers, big end first.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(crate) fn left(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }

    /// A number of so many bytes, 0 to 8.
    pub(crate) fn number(&mut self, bytes: usize) -> Option<u64> {
        Some(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.number(1).map(|n| n as u8)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.number(2).map(|n| n as u16)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.number(4).map(|n| n as u32)
    }

    pub(crate) fn kind(&mut self) -> Option<[u8; 4]> {
        self.take(4)?.try_into().ok()
    }

    /// The version and flags of a full box.
    pub(crate) fn version(&mut self) -> Option<(u8, u32)> {
        let word = self.u32()?;
        Some(((word >> 24) as u8, word & 0xff_ffff))
    }

    /// Kind and length, the head included; 0 where the box goes to the end.
    pub(crate) fn head(&mut self) -> Option<([u8; 4], u64)> {
        let length = self.u32()?;
        let kind = self.kind()?;
        let length = if length == 1 { self.number(8)? } else { length.into() };
        Some((kind, length))
    }
}

/// The boxes in some bytes, as far as they are whole.
pub(crate) struct Boxes<'a>(pub(crate) Cursor<'a>);

impl<'a> Iterator for Boxes<'a> {
    type Item = ([u8; 4], Cursor<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let before = self.0.left().len();
        let (kind, length) = self.0.head()?;
        let head = before - self.0.left().len();
        let body = match usize::try_from(length).ok()? {
            0 => self.0.left().len(),
            length => length.checked_sub(head)?,
        };
        Some((kind, Cursor::new(self.0.take(body)?)))
    }
}
