//! The states of all keys: in memory as far as that goes, the rest in a file.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::io;
use std::path::Path;

use keyset::Key;
use store::{Place, Sent, StateRow, States, StoreError};
use tempfile::TempDir;

use crate::codec::KeyState;
use crate::slots::Slots;
use crate::time::Nanos;

/// Keys are hashes already.
#[derive(Default)]
pub(crate) struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

/// A file of states, and the folder that goes with it if it is only for this run.
struct File {
    states: States,
    folder: Option<TempDir>,
}

/// The states of all keys.
///
/// New and used ones are in `young`. When that has its share of the memory, everything is
/// committed, `old` is dropped, and `young` becomes `old`.
pub(crate) struct Table {
    young: Slots,
    old: Slots,
    memory: usize,
    file: Option<File>,
    /// Whether the file may have keys that are not in memory.
    is_stored: bool,
    /// How many keys can be looked up one by one until all are read at once.
    lookups: u64,
    /// Keys with something held, by the time when to look at them, or earlier.
    due: BinaryHeap<Reverse<(Nanos, Key)>>,
    /// The same by key: what is in `due` and not here is out of date.
    armed: HashMap<Key, Nanos, BuildHasherDefault<Identity>>,
}

impl Table {
    /// For one run, in `memory` bytes.
    pub(crate) fn new(memory: u64) -> Self {
        Self {
            young: Slots::default(),
            old: Slots::default(),
            memory: usize::try_from(memory / 2).unwrap_or(usize::MAX),
            file: None,
            is_stored: false,
            lookups: u64::MAX,
            due: BinaryHeap::new(),
            armed: HashMap::default(),
        }
    }

    /// With what earlier runs left in a file.
    pub(crate) fn open(memory: u64, path: &Path) -> Result<Self, StoreError> {
        let states = States::open(path)?;
        let mut table = Self::new(memory);
        let count = states.count()?;
        table.is_stored = count > 0;
        let fits =
            usize::try_from(count).is_ok_and(|n| n.saturating_mul(Slots::TYPICAL) < table.memory);
        table.lookups = if fits { count / 16 + 1000 } else { u64::MAX };
        for (key, due) in states.due()? {
            table.arm(Key::from_bytes(key), due);
        }
        table.file = Some(File { states, folder: None });
        Ok(table)
    }

    /// The notes of the last commit, and its output if that may not have arrived.
    pub(crate) fn progress(&self) -> Result<(Vec<u8>, Option<Sent>), StoreError> {
        self.file.as_ref().map_or(Ok((Vec::new(), None)), |file| file.states.progress())
    }

    /// Forgets keys that were not seen since.
    pub(crate) fn expire(&self, since: Nanos) -> Result<usize, StoreError> {
        self.file.as_ref().map_or(Ok(0), |file| file.states.expire(since))
    }

    /// The state of a key; empty for a new one.
    pub(crate) fn find(&mut self, key: Key) -> Result<&[u8], StoreError> {
        if self.young.get(key).is_none() && !self.young.take(key, &mut self.old) {
            self.lookups -= u64::from(self.is_stored);
            if self.lookups == 0 {
                self.read_all()?;
                return self.find(key);
            }
            let file = self.file.as_ref().filter(|_| self.is_stored);
            let found = file.map(|file| file.states.find(&key.to_bytes())).transpose()?;
            self.young.insert(key, &found.flatten().unwrap_or_default(), false);
        }
        Ok(self.young.get(key).unwrap_or_default())
    }

    /// Reads what of the file is not in memory: in order that costs less than one by one.
    fn read_all(&mut self) -> Result<(), StoreError> {
        (self.is_stored, self.lookups) = (false, u64::MAX);
        let Some(file) = &self.file else { return Ok(()) };
        let (young, old) = (&mut self.young, &self.old);
        file.states.each(|key, data| {
            let key = Key::from_bytes(key);
            if old.get(key).is_none() && young.get(key).is_none() {
                young.insert(key, data, false);
            }
        })
    }

    /// Puts a state in the place of what [`Table::find`] gave.
    pub(crate) fn set(&mut self, key: Key, data: &[u8], due: Option<Nanos>) {
        self.young.set(key, data);
        if let Some(due) = due {
            self.arm(key, due);
        }
    }

    /// Has a key looked at when that is due. One entry for each key is enough: what is due later
    /// than it is armed for is put off when its time comes.
    pub(crate) fn arm(&mut self, key: Key, due: Nanos) {
        if self.armed.get(&key).is_none_or(|armed| due < *armed) {
            self.armed.insert(key, due);
            self.due.push(Reverse((due, key)));
        }
    }

    /// The next time when something may be due.
    pub(crate) fn next_due(&self) -> Option<Nanos> {
        self.due.peek().map(|Reverse((due, _))| *due)
    }

    /// A key of which something may be due by `time`, and when. It has to be put back with
    /// [`Table::set`] or [`Table::arm`] if something of it still is to come.
    pub(crate) fn take_due(&mut self, time: Nanos) -> Option<(Nanos, Key)> {
        while self.next_due().is_some_and(|due| due <= time) {
            let Reverse((due, key)) = self.due.pop()?;
            if self.armed.get(&key) == Some(&due) {
                self.armed.remove(&key);
                return Some((due, key));
            }
        }
        None
    }

    /// Whether memory is used up, so that a commit should make room.
    pub(crate) fn is_full(&self) -> bool {
        self.young.bytes() > self.memory || self.young.is_full()
    }

    /// Whether states are kept over runs.
    pub(crate) fn is_kept(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.folder.is_none())
    }

    /// Makes room without a state file: the states go to a temporary one.
    pub(crate) fn spill(&mut self) -> Result<(), StoreError> {
        if self.file.is_none() {
            let open = |source: io::Error| StoreError::Open { path: std::env::temp_dir(), source };
            let folder = tempfile::tempdir().map_err(open)?;
            let states = States::open(&folder.path().join("keys.db"))?;
            self.file = Some(File { states, folder: Some(folder) });
        }
        self.commit(&[], None)
    }

    /// Commits what is not in the file yet, with notes and the output that goes out now.
    pub(crate) fn commit(
        &mut self,
        moment: &[u8],
        sent: Option<(&[u8], Place)>,
    ) -> Result<(), StoreError> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut dirty: Vec<(Key, &[u8])> = self.young.dirty().chain(self.old.dirty()).collect();
        // In the order of the file: a page is then written once.
        dirty.sort_unstable_by_key(|(key, _)| *key);
        let rows = dirty.iter().map(|(key, data)| {
            let (seen, due) = KeyState::times(data).unwrap_or((Nanos::MAX, None));
            StateRow { key: key.to_bytes(), data, seen, due }
        });
        log::debug!("{} keys are committed", dirty.len());
        file.states.commit(rows, moment, sent)?;
        self.young.clean();
        self.old.clean();
        if self.is_full() {
            // Those of `old` are in the file alone from now on.
            self.is_stored |= !self.old.is_empty();
            self.old = std::mem::take(&mut self.young);
        }
        Ok(())
    }

    /// Notes that the output of the last commit has arrived.
    pub(crate) fn arrived(&self) -> Result<(), StoreError> {
        self.file.as_ref().map_or(Ok(()), |file| file.states.arrived())
    }
}
