use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::entry::{Entry, Line};

/// Version of the format.
const VERSION: u32 = 1;

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
        let mut journal = Self { path: path.into(), file, next: 1 };
        journal.lock()?;
        journal.append(&Line::Journal(VERSION), true)?;
        Ok(journal)
    }

    /// Opens a journal to add to it; gives the changes that stand, newest first.
    ///
    /// # Errors
    /// [`JournalError`].
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<Entry>), JournalError> {
        let io = |source| JournalError::Io { path: path.into(), source };
        let mut file = OpenOptions::new().read(true).append(true).open(path).map_err(io)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        let mut journal = Self { path: path.into(), file, next: 1 };
        journal.lock()?;
        let entries = journal.parse(&bytes)?;
        // A line that a crash cut off is ended, so that the next one is a line of its own.
        if bytes.last().is_some_and(|last| *last != b'\n') {
            journal.file.write_all(b"\n").map_err(io)?;
        }
        Ok((journal, entries))
    }

    fn parse(&self, bytes: &[u8]) -> Result<Vec<Entry>, JournalError> {
        let damaged = |line| JournalError::Damaged { path: self.path.clone(), line };
        let mut entries: Vec<Entry> = Vec::new();
        let mut settled = HashSet::new();
        for (at, line) in bytes.split(|b| *b == b'\n').enumerate() {
            if line.is_empty() {
                continue;
            }
            match serde_json::from_slice(line) {
                Ok(Line::Journal(VERSION)) if at == 0 => {}
                Ok(Line::Journal(_)) => {
                    return Err(JournalError::Newer { path: self.path.clone() });
                }
                Ok(_) if at == 0 => return Err(damaged(1)),
                Ok(Line::Intent(entry)) => entries.push(*entry),
                Ok(Line::Failed(n) | Line::Undone(n)) => {
                    settled.insert(n);
                }
                Ok(Line::Done(_)) => {}
                // Only a crash while it was written leaves a part of a line, and what it was
                // about was not begun. Later runs of undo may stand behind it.
                Err(e) if e.is_eof() && at > 0 => {}
                Err(_) => return Err(damaged(at + 1)),
            }
        }
        if bytes.is_empty() {
            return Err(damaged(1));
        }
        entries.retain(|entry| !settled.contains(&entry.n));
        entries.reverse();
        Ok(entries)
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
        let write = |file: &mut File| -> io::Result<()> {
            let mut bytes = serde_json::to_vec(line)?;
            bytes.push(b'\n');
            file.write_all(&bytes)?;
            if sync { file.sync_data() } else { Ok(()) }
        };
        write(&mut self.file).map_err(|source| JournalError::Io { path: self.path.clone(), source })
    }
}

impl Drop for Journal {
    /// A journal in which nothing was ever begun says nothing.
    fn drop(&mut self) {
        if self.next == 1 && self.file.metadata().is_ok_and(|m| m.len() < 32) {
            // It stays: an empty journal harms nobody.
            let _ = fs::remove_file(&self.path);
        }
    }
}
