//! Exact maps of 128-bit content keys in bounded memory.
//!
//! Keys live in a hash table until that has its share of the memory; then they go to a sorted
//! run in a temporary file, and runs of one size are merged, as in a log-structured merge tree
//! (O'Neil et al., 1996). A split-block Bloom filter (Putze et al., 2007) for each run spares most
//! look-ups of keys that are not there. It only spares: every answer is exact. [`Sketch`] is for those
//! who want less memory than exactness.

#![forbid(unsafe_code)]

mod filter;
mod run;
mod sketch;
mod table;

use std::hash::Hasher;
use std::io;
use std::path::PathBuf;

use run::Run;
pub use sketch::Sketch;
use table::Table;

/// Runs of one level that are merged into one of the next.
const FAN_IN: usize = 8;

/// The first 128 bits of a BLAKE3 hash. Two different contents among 10¹² have the same key with
/// a chance below 10⁻¹⁴.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key([u64; 2]);

impl Key {
    /// Bytes of a key.
    pub const BYTES: usize = 16;

    /// The key of some content.
    pub fn of(content: &[u8]) -> Self {
        Self::from_hash(&blake3::hash(content))
    }

    /// The key that a hash begins with.
    pub fn from_hash(hash: &blake3::Hash) -> Self {
        let mut bytes = [0; Self::BYTES];
        bytes.copy_from_slice(&hash.as_bytes()[..Self::BYTES]);
        Self::from_bytes(bytes)
    }

    /// The key with these bytes.
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let all = u128::from_be_bytes(bytes);
        #[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
        let low = all as u64;
        Self([(all >> 64) as u64, low])
    }

    /// Its bytes, in the order of the hash.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        (u128::from(self.0[0]) << 64 | u128::from(self.0[1])).to_be_bytes()
    }

    /// Its last 64 bits: a hash for tables.
    pub fn low(self) -> u64 {
        self.0[1]
    }

    /// As the ids of records are written: 32 hex digits.
    pub fn to_hex(self) -> String {
        format!("{:016x}{:016x}", self.0[0], self.0[1])
    }
}

impl std::hash::Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0[1]);
    }
}

/// What is kept with a key.
pub trait Value: Copy {
    /// Its size in a run.
    const BYTES: usize;

    /// Appends it to a run.
    fn write(self, to: &mut Vec<u8>);

    /// Reads it back from [`Value::BYTES`] bytes.
    fn read(from: &[u8]) -> Self;
}

impl Value for () {
    const BYTES: usize = 0;

    fn write(self, _: &mut Vec<u8>) {}

    fn read(_: &[u8]) {}
}

impl Value for u64 {
    const BYTES: usize = 8;

    fn write(self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.to_le_bytes());
    }

    fn read(from: &[u8]) -> Self {
        from.try_into().map_or(0, Self::from_le_bytes)
    }
}

/// A map from keys to small values that never holds more than a given amount of memory.
pub struct KeyMap<V> {
    table: Table<V>,
    runs: Vec<Run>,
    /// Bytes for the table, for sorting it, and for all filters: each a third.
    third: u64,
    folder: PathBuf,
}

impl<V: Value> KeyMap<V> {
    /// A map in at most about `memory` bytes; what does not fit goes to unnamed files in
    /// `folder`.
    pub fn new(memory: u64, folder: PathBuf) -> Self {
        Self { table: Table::new(), runs: Vec::new(), third: memory / 3, folder }
    }

    /// The value of `key`, if it is there. Otherwise it is put in with `value`.
    ///
    /// # Errors
    /// Those of the temporary files: full disk, say.
    pub fn insert(&mut self, key: Key, value: V) -> io::Result<Option<V>> {
        if let Some(found) = self.table.get(key) {
            return Ok(Some(found));
        }
        for run in self.runs.iter().rev() {
            if let Some(found) = run.find(key)? {
                return Ok(Some(found));
            }
        }
        if self.table.is_full() && self.is_full() {
            self.spill()?;
        }
        self.table.insert(key, value);
        Ok(None)
    }

    /// Whether the table may not grow any more.
    fn is_full(&self) -> bool {
        let places = self.table.places();
        places > 0 && Table::<V>::bytes(2 * places) > self.third
    }

    /// Moves the table to a run. When that fails, everything is where it was.
    fn spill(&mut self) -> io::Result<()> {
        let mut entries = self.table.drain();
        entries.sort_unstable_by_key(|entry| entry.0);
        let (len, room) = (entries.len() as u64, self.filter_room());
        match Run::write(&self.folder, 0, len, room, entries.iter().copied().map(Ok)) {
            Ok(run) => self.runs.push(run),
            Err(error) => {
                entries.into_iter().for_each(|(key, value)| self.table.insert(key, value));
                return Err(error);
            }
        }
        while let Some(first) = self.mergeable() {
            let runs = &self.runs[first..];
            let level = runs[0].level() + 1;
            let merged = Run::merge::<V>(&self.folder, level, self.filter_room(), runs)?;
            self.runs.truncate(first);
            self.runs.push(merged);
        }
        Ok(())
    }

    fn filter_room(&self) -> u64 {
        self.third.saturating_sub(self.runs.iter().map(Run::filter_bytes).sum())
    }

    /// Where the last runs begin that are of one level and numerous enough.
    fn mergeable(&self) -> Option<usize> {
        let first = self.runs.len().checked_sub(FAN_IN)?;
        let level = self.runs[first].level();
        self.runs[first..].iter().all(|run| run.level() == level).then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(n: u64) -> Key {
        Key::of(&n.to_le_bytes())
    }

    #[test]
    fn a_key_is_written_as_the_id_of_its_content() {
        let hex = Key::of(b"x").to_hex();
        assert_eq!(blake3::hash(b"x").to_hex()[..32], hex);
        assert_eq!(Key::from_bytes(Key::of(b"x").to_bytes()), Key::of(b"x"));
    }

    #[test]
    fn a_hundred_thousand_keys_in_a_few_kilobytes() {
        let dir = tempfile::tempdir().unwrap();
        let mut map = KeyMap::<u64>::new(40_000, dir.path().into());
        for n in 0..100_000 {
            assert_eq!(map.insert(key(n), n).unwrap(), None, "{n}");
        }
        assert!(map.runs.len() > 1 && map.runs.iter().any(|run| run.level() > 1));
        assert!(map.table.places() <= 1024);
        for n in (0..100_000).step_by(7) {
            assert_eq!(map.insert(key(n), 0).unwrap(), Some(n));
        }
        assert_eq!(map.insert(key(100_000), 1).unwrap(), None);
        assert!(std::fs::read_dir(dir.path()).unwrap().next().is_none(), "files have no names");
    }

    #[test]
    fn without_a_place_for_runs_it_is_an_error_and_not_a_wrong_answer() {
        let mut map = KeyMap::<()>::new(0, "/no/such/folder".into());
        let added = (0..100).take_while(|n| map.insert(key(*n), ()).is_ok()).count() as u64;
        assert!(added < 100);
        for n in 0..added {
            assert_eq!(map.insert(key(n), ()).unwrap(), Some(()), "nothing is forgotten");
        }
        let error = map.insert(key(added), ()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    proptest! {
        #[test]
        fn it_answers_as_a_map_does(
            keys in prop::collection::vec((0u64..400, any::<u64>()), 0..1500),
            memory in 0u64..8000,
            // Keys that differ in one half only are kept apart too.
            same_half in any::<bool>(),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let mut map = KeyMap::new(memory, dir.path().into());
            let mut model = std::collections::HashMap::new();
            for (n, value) in keys {
                let key = if same_half { Key([0, n]) } else { key(n) };
                prop_assert_eq!(map.insert(key, value).unwrap(), model.get(&n).copied());
                model.entry(n).or_insert(value);
            }
        }
    }
}
