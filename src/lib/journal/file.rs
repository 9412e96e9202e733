use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use records::Text;

use crate::entry::{Entry, Line, Step};

/// Version of the format.
const VERSION: u32 = 2;

/// The oldest version that is read: it had no steps.
const OLDEST: u32 = 1;

/// What a journal says.
#[derive(Default)]
pub(crate) struct Content {
    /// Changes that stand, newest first.
    pub(crate) entries: Vec<Entry>,
    /// Units in their order, without steps that were given up or taken back.
    pub(crate) units: Vec<Vec<Step>>,
    /// Which of them are done, as far as was noted.
    pub(crate) done: HashSet<u64>,
    /// Hashes of copies that were complete, by step.
    pub(crate) copied: HashMap<u64, String>,
    /// Folders that were made, in their order.
    pub(crate) folders: Vec<Text>,
    /// The highest number.
    last: u64,
}

/// A journal that cannot be written or read: nothing more is changed then.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The system said no.
    #[error("journal {}: {source}", path.display())]
    Io {
        /// The journal.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line in the middle makes no sense, or the file is something else.
    #[error("{} is no journal: line {line}", path.display())]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
    },
    /// The format is of a later version.
    #[error("{} was written by a newer version", path.display())]
    Newer {
        /// The journal.
        path: PathBuf,
    },
    /// Another process uses it.
    #[error("{} is in use by another process", path.display())]
    Busy {
        /// The journal.
        path: PathBuf,
    },
}

/// An append-only file of what is done to files.
pub struct Journal {
    path: PathBuf,
    file: File,
    next: u64,
    /// It was started here: only then is it taken away when it says nothing.
    fresh: bool,
    /// Folders whose names changed since they were last known to be on the disk.
    pub(crate) touched: BTreeSet<PathBuf>,
}

impl Journal {
    /// Starts a journal in a new file, which only its owner can read.
    ///
    /// # Errors
    /// [`JournalError::Io`], also for a file that is there already.
    pub fn create(path: &Path) -> Result<Self, JournalError> {
        let open = || -> io::Result<File> {
            if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
                DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            }
            OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)
        };
        let file = open().map_err(|source| JournalError::Io { path: path.into(), source })?;
        let mut journal = Self::of(path, file, true);
        journal.lock()?;
        journal.append(&Line::Journal(VERSION), true)?;
        Ok(journal)
    }

    /// Opens a journal to add to it; gives what it says.
    ///
    /// # Errors
    /// [`JournalError`].
    pub(crate) fn open(path: &Path) -> Result<(Self, Content), JournalError> {
        let io = |source| JournalError::Io { path: path.into(), source };
        let mut file = OpenOptions::new().read(true).append(true).open(path).map_err(io)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        let mut journal = Self::of(path, file, false);
        journal.lock()?;
        let content = journal.parse(&bytes)?;
        journal.next = content.last + 1;
        // A line that a crash cut off is ended, so that the next one is a line of its own.
        if bytes.last().is_some_and(|last| *last != b'\n') {
            journal.file.write_all(b"\n").map_err(io)?;
        }
        Ok((journal, content))
    }

    fn of(path: &Path, file: File, fresh: bool) -> Self {
        Self { path: path.into(), file, next: 1, fresh, touched: BTreeSet::new() }
    }

    fn parse(&self, bytes: &[u8]) -> Result<Content, JournalError> {
        let damaged = |line| JournalError::Damaged { path: self.path.clone(), line };
        let mut content = Content::default();
        let mut settled = HashSet::new();
        for (at, line) in bytes.split(|b| *b == b'\n').enumerate() {
            if line.is_empty() {
                continue;
            }
            match serde_json::from_slice(line) {
                Ok(Line::Journal(OLDEST..=VERSION)) if at == 0 => {}
                Ok(Line::Journal(_)) => {
                    return Err(JournalError::Newer { path: self.path.clone() });
                }
                Ok(_) if at == 0 => return Err(damaged(1)),
                Ok(Line::Intent(entry)) => {
                    content.last = content.last.max(entry.n);
                    content.entries.push(*entry);
                }
                Ok(Line::Unit(steps)) => {
                    content.last = steps.iter().map(|s| s.n).fold(content.last, u64::max);
                    content.units.push(steps);
                }
                Ok(Line::Copied(n, hash)) => drop(content.copied.insert(n, hash)),
                Ok(Line::Folder(folder)) => content.folders.push(folder),
                Ok(Line::Failed(n) | Line::Undone(n)) => {
                    settled.insert(n);
                }
                Ok(Line::Done(n)) => drop(content.done.insert(n)),
                // Only a crash while it was written leaves a part of a line, and what it was
                // about was not begun. Later runs of undo may stand behind it.
                Err(e) if e.is_eof() && at > 0 => {}
                Err(_) => return Err(damaged(at + 1)),
            }
        }
        if bytes.is_empty() {
            return Err(damaged(1));
        }
        content.entries.retain(|entry| !settled.contains(&entry.n));
        content.entries.reverse();
        for unit in &mut content.units {
            unit.retain(|step| !settled.contains(&step.n));
        }
        Ok(content)
    }

    fn lock(&mut self) -> Result<(), JournalError> {
        use rustix::fs::{FlockOperation, flock};
        flock(&self.file, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| JournalError::Busy { path: self.path.clone() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// Adds a line; with `sync`, waits until it is on the disk.
    pub(crate) fn append(&mut self, line: &Line, sync: bool) -> Result<(), JournalError> {
        self.append_all([line], sync)
    }

    /// Adds lines; with `sync`, waits until they are on the disk.
    pub(crate) fn append_all<'l>(
        &mut self,
        lines: impl IntoIterator<Item = &'l Line>,
        sync: bool,
    ) -> Result<(), JournalError> {
        let write = |file: &mut File| -> io::Result<()> {
            let mut bytes = Vec::new();
            for line in lines {
                serde_json::to_writer(&mut bytes, line)?;
                bytes.push(b'\n');
            }
            file.write_all(&bytes)?;
            if sync { file.sync_data() } else { Ok(()) }
        };
        write(&mut self.file).map_err(|source| JournalError::Io { path: self.path.clone(), source })
    }
}

impl Drop for Journal {
    /// A journal in which nothing was ever begun says nothing.
    fn drop(&mut self) {
        if self.fresh && self.next == 1 && self.file.metadata().is_ok_and(|m| m.len() < 32) {
            // It stays: an empty journal harms nobody.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Content {
    /// What is known of a step besides the plan.
    pub(crate) fn noted(&self, n: u64) -> Noted<'_> {
        Noted { done: self.done.contains(&n), hash: self.copied.get(&n).map(String::as_str) }
    }
}

/// What a journal, or the run itself, knows of a step that was begun.
#[derive(Clone, Copy, Default)]
pub(crate) struct Noted<'a> {
    /// It was finished.
    pub(crate) done: bool,
    /// Hash of its complete copy.
    pub(crate) hash: Option<&'a str>,
}
