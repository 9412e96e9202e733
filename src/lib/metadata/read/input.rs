//! Bytes at an offset, read in blocks, so that a file's pixels are never read.

use std::io::{self, Read, Seek, SeekFrom};

pub(super) trait Source: Read + Seek {}

impl<T: Read + Seek> Source for T {}

/// The first block: holds all metadata of most pictures.
const FIRST: usize = 64 << 10;
/// Later blocks: most of them are the header of a box, skipped at once.
const LATER: usize = 4 << 10;
/// The largest run of bytes that is read in one piece.
pub(super) const MAX_PIECE: usize = 16 << 20;
/// Blocks after which a file is given up: no real one needs a tenth of them.
const MAX_BLOCKS: u32 = 50_000;

/// A file of which only the bytes asked for are read.
pub(super) struct Input<'a> {
    source: &'a mut dyn Source,
    length: u64,
    block: Vec<u8>,
    start: u64,
    blocks: u32,
}

impl<'a> Input<'a> {
    pub(super) fn new(source: &'a mut dyn Source) -> io::Result<Self> {
        let length = source.seek(SeekFrom::End(0))?;
        Ok(Self { source, length, block: Vec::new(), start: 0, blocks: 0 })
    }

    /// Length of the file.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Whether so many blocks were read that the file is given up.
    pub(super) fn exhausted(&self) -> bool {
        self.blocks >= MAX_BLOCKS
    }

    /// The `count` bytes at `offset`; fewer where the file ends before.
    pub(super) fn up_to(&mut self, offset: u64, count: usize) -> io::Result<&[u8]> {
        let left = self.length.saturating_sub(offset);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(count).min(MAX_PIECE);
        if !self.holds(offset, count) {
            self.fill(offset, count)?;
        }
        let from = usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX);
        let from = from.min(self.block.len());
        let to = from.saturating_add(count).min(self.block.len());
        Ok(&self.block[from..to])
    }

    /// The `count` bytes at `offset`, if the file has them.
    pub(super) fn get(&mut self, offset: u64, count: usize) -> io::Result<Option<&[u8]>> {
        let bytes = self.up_to(offset, count)?;
        Ok((bytes.len() == count).then_some(bytes))
    }

    /// An array of bytes at `offset`, if the file has them.
    pub(super) fn array<const N: usize>(&mut self, offset: u64) -> io::Result<Option<[u8; N]>> {
        Ok(self.get(offset, N)?.and_then(|bytes| bytes.try_into().ok()))
    }

    fn holds(&self, offset: u64, count: usize) -> bool {
        let end = self.start + self.block.len() as u64;
        self.start <= offset && offset.saturating_add(count as u64) <= end
    }

    fn fill(&mut self, offset: u64, count: usize) -> io::Result<()> {
        self.block.clear();
        self.start = offset;
        if self.exhausted() {
            return Ok(());
        }
        let size = count.max(if self.blocks == 0 { FIRST } else { LATER });
        self.blocks += 1;
        self.source.seek(SeekFrom::Start(offset))?;
        self.source.take(size as u64).read_to_end(&mut self.block)?;
        Ok(())
    }
}

/// A big-endian number of two bytes.
pub(super) fn be16(bytes: &[u8]) -> u16 {
    u16::from_be_bytes([bytes[0], bytes[1]])
}

/// A big-endian number of four bytes.
pub(super) fn be32(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// A big-endian number of eight bytes.
pub(super) fn be64(bytes: &[u8]) -> u64 {
    u64::from(be32(bytes)) << 32 | u64::from(be32(&bytes[4..]))
}

/// A little-endian number of four bytes.
pub(super) fn le32(bytes: &[u8]) -> u32 {
    be32(bytes).swap_bytes()
}
