//! What can go wrong with a database file.

use std::path::PathBuf;

/// An error of the storage layer. No variant deletes or repairs anything: a damaged file is
/// left for its owner to look at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file or its folder cannot be created, opened or made private.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not a SQLite database, or its contents are damaged.
    #[error("{} is damaged or not a database; it was left as it is: {detail}", path.display())]
    Corrupt {
        /// The database file.
        path: PathBuf,
        /// SQLite's own words.
        detail: String,
    },
    /// The file is a database of some other program.
    #[error("{} is a database of another program", path.display())]
    Foreign {
        /// The database file.
        path: PathBuf,
    },
    /// A newer version of this software has changed the file's tables.
    #[error("{} was written by a newer version (it has the change \"{migration}\")", path.display())]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Name of the first migration that is not known here.
        migration: String,
    },
    /// Another process kept the database locked for longer than the time limit.
    #[error("{} is locked by another process", path.display())]
    Busy {
        /// The database file.
        path: PathBuf,
    },
    /// Any other failure of a statement: disk full, read-only file system and the like.
    #[error("{}: {source}", path.display())]
    Sqlite {
        /// The database file.
        path: PathBuf,
        /// SQLite's error.
        source: rusqlite::Error,
    },
    /// A reservation was settled or released before, or never existed.
    #[error("reservation {id} is not open")]
    NotOpen {
        /// Its row in the ledger.
        id: i64,
    },
    /// An amount or a sum of amounts does not fit (more than about nine billion dollars).
    #[error("an amount of money is too large")]
    Overflow,
    /// A point in time cannot be written as a date.
    #[error("the time {0:?} is not a date")]
    Time(std::time::SystemTime),
}

impl StoreError {
    /// Sorts SQLite's result codes into the cases that callers tell apart.
    pub(crate) fn sqlite(path: &std::path::Path, source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as C;
        let path = path.to_path_buf();
        match source.sqlite_error_code() {
            Some(C::NotADatabase | C::DatabaseCorrupt) => {
                Self::Corrupt { path, detail: source.to_string() }
            }
            Some(C::DatabaseBusy | C::DatabaseLocked) => Self::Busy { path },
            Some(C::CannotOpen) => Self::Open { path, source: std::io::Error::other(source) },
            _ => Self::Sqlite { path, source },
        }
    }
}
