//! Hashes of files, kept until the files change.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rusqlite::{OptionalExtension, params};

use crate::{Database, Migration, StoreError};

const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "0001-digests",
        sql: "
    -- Times are nanoseconds since 1970. part: which bytes of the file were hashed.
    CREATE TABLE digest (
        dev   INTEGER NOT NULL,
        ino   INTEGER NOT NULL,
        part  INTEGER NOT NULL,
        size  INTEGER NOT NULL,
        mtime INTEGER NOT NULL,
        ctime INTEGER NOT NULL,
        hash  BLOB NOT NULL CHECK (length(hash) = 16),
        PRIMARY KEY (dev, ino, part)
    ) STRICT, WITHOUT ROWID;
    ",
    },
    Migration {
        name: "0002-looks",
        sql: "
    -- What was found out about whole files; kind: by what means, and in what form it is written.
    CREATE TABLE look (
        dev   INTEGER NOT NULL,
        ino   INTEGER NOT NULL,
        kind  INTEGER NOT NULL,
        size  INTEGER NOT NULL,
        mtime INTEGER NOT NULL,
        ctime INTEGER NOT NULL,
        look  TEXT NOT NULL,
        PRIMARY KEY (dev, ino, kind)
    ) STRICT;
    ",
    },
];

/// A file in one state: another size, or a later time of change, is another state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileState {
    /// Device number.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
    /// Bytes.
    pub size: u64,
    /// Last change of the content, nanoseconds since 1970.
    pub mtime: i64,
    /// Last change of content or metadata, nanoseconds since 1970: nobody can set it back.
    pub ctime: i64,
}

impl From<&Metadata> for FileState {
    fn from(metadata: &Metadata) -> Self {
        let nanoseconds =
            |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        Self {
            dev: metadata.dev(),
            ino: metadata.ino(),
            size: metadata.size(),
            mtime: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            ctime: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Rows that are skipped rather than looked past: a search takes about as long.
const AHEAD: u32 = 8;

/// A map from files, in the state they are in, to the first 128 bits of a hash of some part of
/// them. What the part numbers mean is the caller's affair.
#[derive(Debug)]
pub struct Digests {
    database: Database,
}

impl Digests {
    /// Opens or creates the file.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let database = Database::open(path, MIGRATIONS)?;
        database.relax()?;
        Ok(Self { database })
    }

    /// The hashes of `part` of many files, where they are known: fastest in order of device and
    /// inode.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn find(
        &self,
        part: u8,
        files: impl Iterator<Item = FileState>,
    ) -> Result<Vec<Option<[u8; 16]>>, StoreError> {
        let files: Vec<FileState> = files.collect();
        let key = |at: usize| (files[at].dev.cast_signed(), files[at].ino.cast_signed());
        let mut order: Vec<usize> = (0..files.len()).collect();
        order.sort_unstable_by_key(|at| key(*at));
        let mut hashes = vec![None; files.len()];
        self.database.read(|c| {
            let snapshot = c.unchecked_transaction()?;
            let mut select = snapshot.prepare_cached(
                "SELECT ino, size, mtime, ctime, hash FROM digest
                 WHERE dev = ?1 AND ino >= ?2 AND part = ?3 ORDER BY ino",
            )?;
            for device in order.chunk_by(|a, b| files[*a].dev == files[*b].dev) {
                let mut asked = device.iter().copied().peekable();
                // Rows are read on as long as they are asked for, and looked up where they are not.
                while let Some(first) = asked.peek() {
                    let (dev, ino) = key(*first);
                    let mut rows = select.query(params![dev, ino, part])?;
                    let mut others = 0;
                    while others <= AHEAD
                        && asked.peek().is_some()
                        && let Some(row) = rows.next()?
                    {
                        others += 1;
                        let ino: i64 = row.get(0)?;
                        while asked.next_if(|at| key(*at).1 < ino).is_some() {}
                        while let Some(at) = asked.next_if(|at| key(*at).1 == ino) {
                            others = 0;
                            let state =
                                (files[at].size.cast_signed(), files[at].mtime, files[at].ctime);
                            if state == (row.get(1)?, row.get(2)?, row.get(3)?) {
                                hashes[at] = Some(row.get(4)?);
                            }
                        }
                    }
                    if others <= AHEAD {
                        break;
                    }
                }
            }
            Ok(hashes)
        })
    }

    /// Keeps hashes of `part` in place of what was known of these files before.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn keep<'h>(
        &self,
        part: u8,
        hashes: impl Iterator<Item = (FileState, &'h [u8; 16])>,
    ) -> Result<(), StoreError> {
        self.database.write(|tx| {
            let mut insert =
                tx.prepare_cached("INSERT OR REPLACE INTO digest VALUES (?1,?2,?3,?4,?5,?6,?7)")?;
            for (f, hash) in hashes {
                insert.execute(params![
                    f.dev.cast_signed(),
                    f.ino.cast_signed(),
                    part,
                    f.size.cast_signed(),
                    f.mtime,
                    f.ctime,
                    hash.as_slice()
                ])?;
            }
            Ok(())
        })
    }
}

impl Digests {
    /// What is known of `kind` about many files, each in the order asked: fastest in order of
    /// device and inode.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn looks(
        &self,
        kind: u8,
        files: impl Iterator<Item = FileState>,
    ) -> Result<Vec<Option<String>>, StoreError> {
        self.database.read(|c| {
            let snapshot = c.unchecked_transaction()?;
            let mut select = snapshot.prepare_cached(
                "SELECT look FROM look WHERE dev = ?1 AND ino = ?2 AND kind = ?3
                 AND size = ?4 AND mtime = ?5 AND ctime = ?6",
            )?;
            let one = |f: FileState| {
                let (dev, ino, size) =
                    (f.dev.cast_signed(), f.ino.cast_signed(), f.size.cast_signed());
                let state = params![dev, ino, kind, size, f.mtime, f.ctime];
                Ok(select.query_row(state, |row| row.get(0)).optional()?)
            };
            files.map(one).collect()
        })
    }

    /// Keeps what was found out of `kind`, in place of what was known of these files before.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn keep_looks<'l>(
        &self,
        kind: u8,
        looks: impl Iterator<Item = (FileState, &'l str)>,
    ) -> Result<(), StoreError> {
        self.database.write(|tx| {
            let mut insert =
                tx.prepare_cached("INSERT OR REPLACE INTO look VALUES (?1,?2,?3,?4,?5,?6,?7)")?;
            for (f, look) in looks {
                let (dev, ino, size) =
                    (f.dev.cast_signed(), f.ino.cast_signed(), f.size.cast_signed());
                insert.execute(params![dev, ino, kind, size, f.mtime, f.ctime, look])?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_holds_only_for_the_same_state_and_kind() {
        let dir = tempfile::tempdir().unwrap();
        let digests = Digests::open(&dir.path().join("d.db")).unwrap();
        let file = FileState { dev: 1, ino: u64::MAX, size: 8, mtime: -5, ctime: 9 };
        digests.keep_looks(1, [(file, "seen")].into_iter()).unwrap();
        let changed = FileState { ctime: 10, ..file };
        let found = digests.looks(1, [changed, file].into_iter()).unwrap();
        assert_eq!(found, [None, Some("seen".to_owned())]);
        assert_eq!(digests.looks(2, [file].into_iter()).unwrap(), [None]);
        digests.keep_looks(1, [(changed, "anew")].into_iter()).unwrap();
        let found = digests.looks(1, [changed, file].into_iter()).unwrap();
        assert_eq!(found, [Some("anew".to_owned()), None]);
    }

    #[test]
    fn a_hash_holds_only_for_the_same_state() {
        let dir = tempfile::tempdir().unwrap();
        let digests = Digests::open(&dir.path().join("d.db")).unwrap();
        let file = FileState { dev: u64::MAX, ino: 7, size: 1 << 40, mtime: -5, ctime: 9 };
        digests.keep(2, [(file, &[1; 16])].into_iter()).unwrap();
        let others = [
            FileState { size: 3, ..file },
            FileState { mtime: -4, ..file },
            FileState { ctime: 10, ..file },
            FileState { ino: 8, ..file },
            FileState { dev: 0, ..file },
        ];
        let asked = std::iter::once(file).chain(others);
        let found = digests.find(2, asked).unwrap();
        assert_eq!(found, [Some([1; 16]), None, None, None, None, None]);
        assert_eq!(digests.find(1, [file].into_iter()).unwrap(), [None]);
        digests.keep(2, [(others[0], &[2; 16])].into_iter()).unwrap();
        let found = digests.find(2, [file, others[0]].into_iter()).unwrap();
        assert_eq!(found, [None, Some([2; 16])]);
    }
}
