use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::filter::Filter;
use crate::{Key, Value};

/// Fences of a run at most: half a megabyte, however long the run is.
const FENCES: u64 = 1 << 16;

/// Entries read at once when a key is looked for.
const BLOCK: u64 = 256;

/// Entries read or written at once in a merge.
const BUFFER: usize = 4096;

/// Sorted entries in an unnamed file.
pub(crate) struct Run {
    file: File,
    len: u64,
    level: u32,
    /// The first half of every `stride`-th key.
    fences: Vec<u64>,
    stride: u64,
    filter: Option<Filter>,
}

impl Run {
    /// Writes `len` entries, sorted. A filter that needs more than `room` bytes is left out.
    pub(crate) fn write<V: Value>(
        folder: &Path,
        level: u32,
        len: u64,
        room: u64,
        entries: impl Iterator<Item = io::Result<(Key, V)>>,
    ) -> io::Result<Self> {
        let mut file = tempfile::tempfile_in(folder)?;
        let stride = len.div_ceil(FENCES).max(BLOCK);
        let mut fences = Vec::new();
        let mut filter = (Filter::bytes_for(len) <= room).then(|| Filter::new(len));
        let mut buffer = Vec::with_capacity(BUFFER * (Key::BYTES + V::BYTES));
        for (at, entry) in (0u64..).zip(entries) {
            let (key, value) = entry?;
            if at % stride == 0 {
                fences.push(key.0[0]);
            }
            if let Some(filter) = &mut filter {
                filter.insert(key.0);
            }
            buffer.extend_from_slice(&key.to_bytes());
            value.write(&mut buffer);
            if buffer.len() >= BUFFER * (Key::BYTES + V::BYTES) {
                file.write_all(&buffer)?;
                buffer.clear();
            }
        }
        file.write_all(&buffer)?;
        Ok(Self { file, len, level, fences, stride, filter })
    }

    /// One run of several that have no key in common.
    pub(crate) fn merge<V: Value>(
        folder: &Path,
        level: u32,
        room: u64,
        runs: &[Self],
    ) -> io::Result<Self> {
        let mut readers: Vec<Reader<'_>> =
            runs.iter().map(|run| Reader { run, next: 0, buffer: Vec::new(), at: 0 }).collect();
        let mut heap = BinaryHeap::new();
        for (n, reader) in readers.iter_mut().enumerate() {
            if let Some(entry) = reader.next::<V>()? {
                heap.push(Reverse((entry.0, n, Held(entry.1))));
            }
        }
        let merged = std::iter::from_fn(|| {
            let Reverse((key, n, Held(value))) = heap.pop()?;
            match readers[n].next::<V>() {
                Ok(Some(next)) => heap.push(Reverse((next.0, n, Held(next.1)))),
                Ok(None) => {}
                Err(error) => return Some(Err(error)),
            }
            Some(Ok((key, value)))
        });
        Self::write(folder, level, runs.iter().map(|run| run.len).sum(), room, merged)
    }

    pub(crate) fn level(&self) -> u32 {
        self.level
    }

    pub(crate) fn filter_bytes(&self) -> u64 {
        self.filter.as_ref().map_or(0, Filter::bytes)
    }

    /// The value of a key.
    pub(crate) fn find<V: Value>(&self, key: Key) -> io::Result<Option<V>> {
        if self.filter.as_ref().is_some_and(|filter| !filter.may_have(key.0)) {
            return Ok(None);
        }
        let width = Key::BYTES + V::BYTES;
        // Several fences may have the same first half: all of their blocks are in question.
        let before = self.fences.partition_point(|fence| *fence < key.0[0]).saturating_sub(1);
        let after = self.fences.partition_point(|fence| *fence <= key.0[0]);
        let mut low = before as u64 * self.stride;
        let mut high = (after as u64 * self.stride).min(self.len);
        let mut one = [0; Key::BYTES];
        while high.saturating_sub(low) > BLOCK {
            let middle = low + (high - low) / 2;
            self.file.read_exact_at(&mut one, middle * width as u64)?;
            if Key::from_bytes(one) <= key {
                low = middle;
            } else {
                high = middle;
            }
        }
        let mut block = Vec::new();
        self.read(low, high, width, &mut block)?;
        let found = block.chunks_exact(width).find(|entry| entry[..Key::BYTES] == key.to_bytes());
        Ok(found.map(|entry| V::read(&entry[Key::BYTES..])))
    }

    /// Reads entries from `low` to before `high`.
    fn read(&self, low: u64, high: u64, width: usize, into: &mut Vec<u8>) -> io::Result<()> {
        let count = usize::try_from(high.saturating_sub(low)).unwrap_or(0);
        into.resize(count * width, 0);
        self.file.read_exact_at(into, low * width as u64)
    }
}

/// A value beside a key in the heap, where only keys are compared.
struct Held<V>(V);

impl<V> PartialEq for Held<V> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<V> Eq for Held<V> {}

impl<V> PartialOrd for Held<V> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<V> Ord for Held<V> {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

/// A run's entries, one after another.
struct Reader<'r> {
    run: &'r Run,
    next: u64,
    buffer: Vec<u8>,
    at: usize,
}

impl Reader<'_> {
    fn next<V: Value>(&mut self) -> io::Result<Option<(Key, V)>> {
        let width = Key::BYTES + V::BYTES;
        if self.at == self.buffer.len() {
            let end = (self.next + BUFFER as u64).min(self.run.len);
            self.run.read(self.next, end, width, &mut self.buffer)?;
            self.next = end;
            self.at = 0;
        }
        let Some(entry) = self.buffer.get(self.at..self.at + width) else { return Ok(None) };
        self.at += width;
        let mut key = [0; Key::BYTES];
        key.copy_from_slice(&entry[..Key::BYTES]);
        Ok(Some((Key::from_bytes(key), V::read(&entry[Key::BYTES..]))))
    }
}
