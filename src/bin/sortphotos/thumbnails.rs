use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// Small pictures, kept in a temporary file: thousands of them would fill the memory.
pub(crate) struct Thumbnails {
    file: File,
    /// Where each one ends.
    ends: Vec<u64>,
}

impl Thumbnails {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile()?, ends: Vec::new() })
    }

    /// Adds one; gives its number.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let start = self.ends.last().copied().unwrap_or(0);
        self.file.write_all_at(bytes, start)?;
        self.ends.push(start + bytes.len() as u64);
        Ok(self.ends.len() - 1)
    }

    /// The one with this number.
    pub(crate) fn get(&self, number: usize) -> io::Result<Vec<u8>> {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        let length = usize::try_from(self.ends[number] - start).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes)
    }
}
