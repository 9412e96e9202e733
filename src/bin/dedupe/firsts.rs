//! Which content came before, in this run or, with a state file, in an earlier one.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use keyset::{Key, KeyMap, Sketch};
use records::{Code, Failure};
use store::{Seen, StoreError};

/// Output that surely has left the process: the driver gathers 64 KiB, and a line, before it
/// writes.
const GATHERED: u64 = 2 * 64 * 1024;

/// How often what is sure goes to the state file.
const INTERVAL: Duration = Duration::from_secs(1);

/// The first record of each content.
pub(crate) enum Firsts {
    /// That there was one.
    Keys(KeyMap<()>),
    /// And what its id is.
    Ids(KeyMap<u64>, Ids),
    /// That there most likely was one.
    Likely(Sketch),
    /// The same over runs.
    State(State),
}

impl Firsts {
    /// For one run, in `memory` bytes. Ids are kept only where somebody asks for them.
    pub(crate) fn new(memory: u64, ids: bool) -> io::Result<Self> {
        let folder = std::env::temp_dir();
        if !ids {
            return Ok(Self::Keys(KeyMap::new(memory, folder)));
        }
        let ids = Ids::new(&folder)?;
        Ok(Self::Ids(KeyMap::new(memory, folder), ids))
    }

    /// With no more than `rate` of the records taken for repeated though they are not.
    pub(crate) fn likely(memory: u64, rate: f64) -> Self {
        Self::Likely(Sketch::new(memory, rate))
    }

    /// The id of the first record with this key (empty where ids are not kept); none for the
    /// first itself, which is remembered. `bytes` is how many its record takes in the output.
    pub(crate) fn first(
        &mut self,
        key: Key,
        id: impl FnOnce() -> String,
        bytes: u64,
    ) -> Result<Option<String>, Failure> {
        match self {
            Self::Keys(map) => {
                let found = map.insert(key, ()).map_err(temporary)?;
                Ok(found.map(|()| String::new()))
            }
            Self::Likely(sketch) => Ok(sketch.insert(key).then(String::new)),
            Self::Ids(map, ids) => match map.insert(key, ids.end()).map_err(temporary)? {
                Some(at) => ids.read(at).map(Some).map_err(temporary),
                None => ids.push(&id()).map(|()| None).map_err(temporary),
            },
            Self::State(state) => state.first(key, id, bytes).map_err(|e| {
                Failure::new(Code::Unreadable, format!("state file: {e}")).retryable()
            }),
        }
    }

    /// Ends the run: what was written is remembered. `all` when all output has arrived.
    pub(crate) fn close(&mut self, all: bool) -> Result<(), StoreError> {
        match self {
            Self::State(state) => state.commit(if all { u64::MAX } else { state.sure() }),
            _ => Ok(()),
        }
    }
}

fn temporary(error: io::Error) -> Failure {
    Failure::new(Code::Unreadable, format!("temporary file: {error}")).retryable()
}

/// Ids one after another in a temporary file, each with its length before it.
pub(crate) struct Ids {
    file: File,
    len: u64,
    /// What is not in the file yet.
    waiting: Vec<u8>,
}

impl Ids {
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile_in(folder)?, len: 0, waiting: Vec::new() })
    }

    /// Where the next id will be.
    pub(crate) fn end(&self) -> u64 {
        self.len + self.waiting.len() as u64
    }

    pub(crate) fn push(&mut self, id: &str) -> io::Result<()> {
        let length = u32::try_from(id.len()).map_err(io::Error::other)?;
        self.waiting.extend_from_slice(&length.to_le_bytes());
        self.waiting.extend_from_slice(id.as_bytes());
        if self.waiting.len() >= 64 * 1024 {
            self.file.write_all(&self.waiting)?;
            self.len = self.end();
            self.waiting.clear();
        }
        Ok(())
    }

    pub(crate) fn read(&self, at: u64) -> io::Result<String> {
        let mut length = [0; 4];
        self.bytes(at, &mut length)?;
        let mut id = vec![0; u32::from_le_bytes(length) as usize];
        self.bytes(at + 4, &mut id)?;
        String::from_utf8(id).map_err(io::Error::other)
    }

    fn bytes(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        match at.checked_sub(self.len).and_then(|at| usize::try_from(at).ok()) {
            Some(at) => into.copy_from_slice(&self.waiting[at..at + into.len()]),
            None => self.file.read_exact_at(into, at)?,
        }
        Ok(())
    }
}

/// A state file, and what of this run is not in it yet: a record counts as seen only after it has
/// left the process, so that one that was lost in a crash comes again.
pub(crate) struct State {
    seen: Seen,
    /// What contents are compared by: one file serves several ways to compare.
    scope: Vec<u8>,
    expire: Option<Duration>,
    /// Keys not committed, with their ids.
    open: HashMap<Key, String>,
    /// The same in order, with the bytes of output up to each.
    queue: VecDeque<(Key, u64)>,
    written: u64,
    committed: Instant,
}

impl State {
    pub(crate) fn open(
        path: &Path,
        expire: Option<Duration>,
        scope: &str,
    ) -> Result<Self, StoreError> {
        let state = Self {
            seen: Seen::open(path)?,
            scope: scope.as_bytes().to_vec(),
            expire,
            open: HashMap::new(),
            queue: VecDeque::new(),
            written: 0,
            committed: Instant::now(),
        };
        let forgotten = state.seen.expire(state.since())?;
        log::info!("{forgotten} keys of {} have expired", path.display());
        Ok(state)
    }

    /// Seconds since 1970 of the earliest time that still counts.
    fn since(&self) -> i64 {
        let expire = self.expire.and_then(|e| i64::try_from(e.as_secs()).ok());
        expire.map_or(i64::MIN, |seconds| now().saturating_sub(seconds))
    }

    fn first(
        &mut self,
        key: Key,
        id: impl FnOnce() -> String,
        bytes: u64,
    ) -> Result<Option<String>, StoreError> {
        let key = Key::of(&[&key.to_bytes()[..], &self.scope].concat());
        let first = match self.open.get(&key) {
            Some(first) => Some(first.clone()),
            None => self.seen.find(&key.to_bytes(), self.since())?,
        };
        self.written += if first.is_none() { bytes } else { 0 };
        // A content that comes again counts as seen now.
        if let Entry::Vacant(vacant) = self.open.entry(key) {
            vacant.insert(first.clone().unwrap_or_else(id));
            self.queue.push_back((key, self.written));
        }
        if self.committed.elapsed() > INTERVAL {
            self.commit(self.sure())?;
        }
        Ok(first)
    }

    fn sure(&self) -> u64 {
        self.written.saturating_sub(GATHERED)
    }

    /// Commits the keys of what was written up to `sure` bytes.
    fn commit(&mut self, sure: u64) -> Result<(), StoreError> {
        let count = self.queue.iter().take_while(|(_, at)| *at <= sure).count();
        let keys: Vec<(Key, [u8; 16])> =
            self.queue.iter().take(count).map(|(key, _)| (*key, key.to_bytes())).collect();
        let named =
            keys.iter().filter_map(|(key, bytes)| Some((bytes, self.open.get(key)?.as_str())));
        self.seen.note(named, now(), self.since())?;
        for (key, _) in self.queue.drain(..count) {
            self.open.remove(&key);
        }
        self.committed = Instant::now();
        Ok(())
    }
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u64) -> Key {
        Key::of(&n.to_le_bytes())
    }

    #[test]
    fn ids_come_back_from_memory_and_from_the_file() {
        let mut firsts = Firsts::new(1000, true).unwrap();
        for n in 0..20_000 {
            assert_eq!(firsts.first(key(n), || format!("id-{n}"), 0).unwrap(), None);
        }
        for n in (0..20_000).rev() {
            let first = firsts.first(key(n), || unreachable!(), 0).unwrap();
            assert_eq!(first, Some(format!("id-{n}")));
        }
    }

    #[test]
    fn what_may_not_have_been_written_is_not_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        let mut firsts = Firsts::State(State::open(&path, None, "").unwrap());
        for n in 0..4 {
            assert_eq!(firsts.first(key(n), || n.to_string(), GATHERED / 2).unwrap(), None);
            assert_eq!(firsts.first(key(n), || "x".into(), 1).unwrap(), Some(n.to_string()));
        }
        firsts.close(false).unwrap();
        drop(firsts);
        let mut firsts = Firsts::State(State::open(&path, None, "").unwrap());
        let known: Vec<_> =
            (0..4).map(|n| firsts.first(key(n), || "again".into(), 0).unwrap()).collect();
        assert_eq!(known, [Some("0".to_owned()), Some("1".to_owned()), None, None]);
        firsts.close(true).unwrap();
        drop(firsts);
        let mut firsts = Firsts::State(State::open(&path, None, "").unwrap());
        assert_eq!(firsts.first(key(3), || "x".into(), 0).unwrap(), Some("again".to_owned()));
    }
}
