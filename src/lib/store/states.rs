//! What is known of each key of a stream, and what of its output is under way.

use std::path::Path;

use rusqlite::{OptionalExtension, params};

use crate::{Database, Migration, StoreError};

const MIGRATIONS: &[Migration] = &[Migration {
    name: "0001-states",
    sql: "
    -- seen: when the key was last seen; due: when something has to be done about it without
    -- another event. Both in whatever unit the writer counts time.
    CREATE TABLE state (
        key  BLOB PRIMARY KEY NOT NULL CHECK (length(key) = 16),
        data BLOB NOT NULL,
        seen INTEGER NOT NULL,
        due  INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX state_by_due ON state (due) WHERE due IS NOT NULL;
    -- One row. moment: the writer's own notes; sent: output that was about to be written, with
    -- the file it went to; NULL when it has arrived.
    CREATE TABLE progress (
        only   INTEGER PRIMARY KEY CHECK (only = 1),
        moment BLOB NOT NULL,
        sent   BLOB,
        device INTEGER NOT NULL,
        inode  INTEGER NOT NULL,
        start  INTEGER NOT NULL
    ) STRICT;
    ",
}];

/// A file, and a place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Number of the device, 0 for what is no regular file.
    pub device: u64,
    /// Number of the file on it, 0 for what is no regular file.
    pub inode: u64,
    /// Bytes from the start.
    pub start: u64,
}

impl Place {
    /// No regular file.
    pub const NONE: Self = Self { device: 0, inode: 0, start: 0 };
}

/// Output that was about to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The lines.
    pub bytes: Vec<u8>,
    /// Where they were to stand.
    pub place: Place,
}

/// One key's state, to be stored.
#[derive(Clone, Copy, Debug)]
pub struct StateRow<'a> {
    /// The key.
    pub key: [u8; 16],
    /// What is known of it.
    pub data: &'a [u8],
    /// When it was last seen.
    pub seen: i64,
    /// When something has to be done about it without another event.
    pub due: Option<i64>,
}

/// States of keys in a file, each with its moment of output: all of one commit is there, or
/// nothing. One process at a time has the file.
#[derive(Debug)]
pub struct States {
    database: Database,
}

impl States {
    /// Opens or creates the file, and locks it until this is dropped. A commit survives the death
    /// of the process; after a power cut the last ones may be missing.
    ///
    /// # Errors
    /// As [`Database::open`]; [`StoreError::Busy`] while another process has the file.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let database = Database::open(path, MIGRATIONS)?;
        database.relax()?;
        database.read(|c| Ok(c.pragma_update(None, "locking_mode", "exclusive")?))?;
        // The lock is taken with the first transaction, and kept.
        database.write(|tx| {
            tx.execute(
                "INSERT INTO progress VALUES (1, x'', NULL, 0, 0, 0) ON CONFLICT DO NOTHING",
                [],
            )?;
            Ok(())
        })?;
        Ok(Self { database })
    }

    /// How many keys there are.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn count(&self) -> Result<u64, StoreError> {
        self.database.read(|c| {
            let count: i64 = c.query_row("SELECT count(*) FROM state", [], |row| row.get(0))?;
            Ok(count.unsigned_abs())
        })
    }

    /// What is known of a key.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn find(&self, key: &[u8; 16]) -> Result<Option<Vec<u8>>, StoreError> {
        self.database.read(|c| {
            Ok(c.prepare_cached("SELECT data FROM state WHERE key = ?1")?
                .query_row([key.as_slice()], |row| row.get(0))
                .optional()?)
        })
    }

    /// Shows every key with what is known of it, in the order of the keys.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn each(&self, mut show: impl FnMut([u8; 16], &[u8])) -> Result<(), StoreError> {
        self.database.read(|c| {
            let mut statement = c.prepare("SELECT key, data FROM state ORDER BY key")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                show(row.get(0)?, row.get_ref(1)?.as_blob().unwrap_or_default());
            }
            Ok(())
        })
    }

    /// The keys that something has to be done about, with the time.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn due(&self) -> Result<Vec<([u8; 16], i64)>, StoreError> {
        self.database.read(|c| {
            let mut statement = c.prepare("SELECT key, due FROM state WHERE due IS NOT NULL")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The writer's notes of the last commit, and the output that may not have arrived.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn progress(&self) -> Result<(Vec<u8>, Option<Sent>), StoreError> {
        self.database.read(|c| {
            let sql = "SELECT moment, sent, device, inode, start FROM progress";
            Ok(c.query_row(sql, [], |row| {
                let bytes: Option<Vec<u8>> = row.get(1)?;
                let number =
                    |at| Ok::<u64, rusqlite::Error>(row.get::<_, i64>(at)?.cast_unsigned());
                let place = Place { device: number(2)?, inode: number(3)?, start: number(4)? };
                Ok((row.get(0)?, bytes.map(|bytes| Sent { bytes, place })))
            })?)
        })
    }

    /// Stores states, notes, and the output that comes with them, all or nothing.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn commit<'r>(
        &self,
        rows: impl Iterator<Item = StateRow<'r>>,
        moment: &[u8],
        sent: Option<(&[u8], Place)>,
    ) -> Result<(), StoreError> {
        self.database.write(|tx| {
            let mut insert = tx.prepare_cached(
                "INSERT INTO state (key, data, seen, due) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (key) DO UPDATE SET data = ?2, seen = ?3, due = ?4",
            )?;
            for row in rows {
                insert.execute(params![row.key.as_slice(), row.data, row.seen, row.due])?;
            }
            let (bytes, place) = sent.map_or((None, Place::NONE), |(b, p)| (Some(b), p));
            tx.prepare_cached(
                "UPDATE progress SET moment = ?1, sent = ?2, device = ?3, inode = ?4, start = ?5",
            )?
            .execute(params![
                moment,
                bytes,
                place.device.cast_signed(),
                place.inode.cast_signed(),
                place.start.cast_signed()
            ])?;
            Ok(())
        })
    }

    /// Notes that the output of the last commit has arrived.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn arrived(&self) -> Result<(), StoreError> {
        self.database.write(|tx| {
            tx.prepare_cached("UPDATE progress SET sent = NULL")?.execute([])?;
            Ok(())
        })
    }

    /// Takes out the keys that were last seen before `since` and wait for nothing, and gives their
    /// room back to the file system; how many.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn expire(&self, since: i64) -> Result<usize, StoreError> {
        let sql = "DELETE FROM state WHERE seen < ?1 AND due IS NULL";
        let gone = self.database.write(|tx| Ok(tx.execute(sql, [since])?))?;
        self.database.read(|c| {
            let number = |name: &str| c.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
            // A copy of the file is worth it when most of it is empty.
            if number("freelist_count")? * 2 > number("page_count")? {
                c.execute_batch("VACUUM")?;
            }
            Ok(())
        })?;
        Ok(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(n: u8, data: &[u8], seen: i64, due: Option<i64>) -> StateRow<'_> {
        StateRow { key: [n; 16], data, seen, due }
    }

    #[test]
    fn a_commit_is_found_again_with_its_output() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.db");
        let states = States::open(&path).unwrap();
        assert_eq!(states.progress().unwrap(), (Vec::new(), None));
        let place = Place { device: 1, inode: u64::MAX, start: 7 };
        let rows = [row(1, b"a", 5, None), row(2, b"b", 6, Some(9))];
        states.commit(rows.into_iter(), b"here", Some((b"line\n", place))).unwrap();
        drop(states);
        let states = States::open(&path).unwrap();
        assert_eq!(states.find(&[1; 16]).unwrap().as_deref(), Some(&b"a"[..]));
        assert_eq!(states.find(&[3; 16]).unwrap(), None);
        assert_eq!(states.due().unwrap(), [([2; 16], 9)]);
        let mut all = Vec::new();
        states.each(|key, data| all.push((key[0], data.to_vec()))).unwrap();
        assert_eq!(all, [(1, b"a".to_vec()), (2, b"b".to_vec())]);
        assert_eq!(states.count().unwrap(), 2);
        let sent = Sent { bytes: b"line\n".to_vec(), place };
        assert_eq!(states.progress().unwrap(), (b"here".to_vec(), Some(sent)));
        states.arrived().unwrap();
        assert_eq!(states.progress().unwrap(), (b"here".to_vec(), None));
        states.commit([row(2, b"c", 8, None)].into_iter(), b"", None).unwrap();
        assert_eq!(states.due().unwrap(), []);
    }

    #[test]
    fn keys_that_wait_for_something_do_not_expire() {
        let dir = tempfile::tempdir().unwrap();
        let states = States::open(&dir.path().join("s.db")).unwrap();
        let rows = [row(1, b"a", 5, None), row(2, b"b", 5, Some(9)), row(3, b"c", 50, None)];
        states.commit(rows.into_iter(), b"", None).unwrap();
        assert_eq!(states.expire(10).unwrap(), 1);
        assert_eq!(states.count().unwrap(), 2);
        let many = vec![7; 3000];
        let rows = (10..100).map(|n| row(n, &many, 1, None));
        states.commit(rows, b"", None).unwrap();
        assert_eq!(states.expire(10).unwrap(), 90);
        assert_eq!(states.find(&[3; 16]).unwrap().as_deref(), Some(&b"c"[..]));
    }
}
