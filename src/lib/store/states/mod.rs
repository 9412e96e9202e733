//! What is known of each key of a stream, and what of its output is under way.

mod bucket;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::{Connection, OptionalExtension, params};

use crate::database::Fault;
use crate::{Database, Migration, StoreError};
use bucket::{Bucket, entries, number};

const MIGRATIONS: &[Migration] = &[Migration {
    name: "0001-states",
    sql: "
    -- Keys by their first bits (how many: progress.bits), some dozens in a row: a commit of many
    -- keys is then a few large writes. keys: entries in the order of keys. due: when the first of
    -- them has something to be done.
    CREATE TABLE bucket (
        number INTEGER PRIMARY KEY,
        keys   BLOB NOT NULL,
        due    INTEGER
    ) STRICT;
    -- One row. moment: the writer's own notes; sent: output that was about to be written, with
    -- the file it went to; NULL when it has arrived. count: of all keys.
    CREATE TABLE progress (
        only   INTEGER PRIMARY KEY CHECK (only = 1),
        moment BLOB NOT NULL,
        sent   BLOB,
        device INTEGER NOT NULL,
        inode  INTEGER NOT NULL,
        start  INTEGER NOT NULL,
        bits   INTEGER NOT NULL,
        count  INTEGER NOT NULL
    ) STRICT;
    INSERT INTO progress VALUES (1, x'', NULL, 0, 0, 0, 4, 0);
    ",
}];

/// Keys of a bucket, on average, beyond which all buckets are cut in four: a row that fits a page is
/// written with one write.
const MOST_KEYS: u64 = 24;

/// Bits that a number of a bucket may have.
const MOST_BITS: u32 = 40;

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
    path: PathBuf,
    /// Bits of a key that are the number of its bucket.
    bits: AtomicU32,
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
        let bits: u32 = database.write(|tx| {
            tx.execute("UPDATE progress SET only = 1", [])?;
            Ok(tx.query_row("SELECT bits FROM progress", [], |row| row.get(0))?)
        })?;
        let states = Self { database, path: path.to_path_buf(), bits: bits.into() };
        if bits > MOST_BITS { Err(states.damaged()) } else { Ok(states) }
    }

    fn damaged(&self) -> StoreError {
        let detail = "keys do not stand as they were written".to_owned();
        StoreError::Corrupt { path: self.path.clone(), detail }
    }

    fn number(&self, key: &[u8; 16]) -> i64 {
        number(key, self.bits.load(Ordering::Relaxed))
    }

    /// How many keys there are.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn count(&self) -> Result<u64, StoreError> {
        self.database.read(|c| {
            let count: i64 = c.query_row("SELECT count FROM progress", [], |row| row.get(0))?;
            Ok(count.unsigned_abs())
        })
    }

    /// What is known of a key.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn find(&self, key: &[u8; 16]) -> Result<Option<Vec<u8>>, StoreError> {
        self.database.read(|c| {
            let mut statement = c.prepare_cached("SELECT keys FROM bucket WHERE number = ?1")?;
            let mut rows = statement.query([self.number(key)])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            for entry in entries(row.get_ref(0)?.as_blob().unwrap_or_default()) {
                let entry = entry.ok_or_else(|| self.damaged())?;
                if entry.key == *key {
                    return Ok(Some(entry.data.to_vec()));
                }
            }
            Ok(None)
        })
    }

    /// Shows every key with what is known of it, in the order of the keys.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn each(&self, mut show: impl FnMut([u8; 16], &[u8])) -> Result<(), StoreError> {
        self.walk("SELECT keys FROM bucket ORDER BY number", |row| show(row.key, row.data))
    }

    /// The keys that something has to be done about, with the time.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn due(&self) -> Result<Vec<([u8; 16], i64)>, StoreError> {
        let mut due = Vec::new();
        self.walk("SELECT keys FROM bucket WHERE due IS NOT NULL ORDER BY number", |row| {
            due.extend(row.due.map(|at| (row.key, at)));
        })?;
        Ok(due)
    }

    fn walk(&self, sql: &str, mut show: impl FnMut(StateRow<'_>)) -> Result<(), StoreError> {
        self.database.read(|c| {
            let mut statement = c.prepare(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                for entry in entries(row.get_ref(0)?.as_blob().unwrap_or_default()) {
                    show(entry.ok_or_else(|| self.damaged())?);
                }
            }
            Ok(())
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

    /// Stores states, notes, and the output that comes with them, all or nothing. Rows in the
    /// order of their keys are stored fastest.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn commit<'r>(
        &self,
        rows: impl Iterator<Item = StateRow<'r>>,
        moment: &[u8],
        sent: Option<(&[u8], Place)>,
    ) -> Result<(), StoreError> {
        let mut rows = rows.peekable();
        let bits = self.bits.load(Ordering::Relaxed);
        let bits = self.database.write(|tx| {
            let (mut added, mut same) = (0, Vec::new());
            while let Some(first) = rows.next() {
                let bucket = number(&first.key, bits);
                same.clear();
                same.push(first);
                while let Some(row) = rows.next_if(|r| number(&r.key, bits) == bucket) {
                    same.push(row);
                }
                same.sort_unstable_by_key(|row| row.key);
                added += self.merge(tx, bucket, &same)?;
            }
            let (bytes, place) = sent.map_or((None, Place::NONE), |(b, p)| (Some(b), p));
            let sql = "UPDATE progress SET moment = ?1, sent = ?2, device = ?3, inode = ?4,
                       start = ?5, count = count + ?6 RETURNING count";
            let numbers = [place.device, place.inode, place.start].map(u64::cast_signed);
            let count: i64 = tx.prepare_cached(sql)?.query_row(
                params![moment, bytes, numbers[0], numbers[1], numbers[2], added],
                |row| row.get(0),
            )?;
            if count.unsigned_abs() >> bits > MOST_KEYS && bits + 2 <= MOST_BITS {
                self.split(tx, bits + 2)?;
                return Ok(bits + 2);
            }
            Ok(bits)
        })?;
        self.bits.store(bits, Ordering::Relaxed);
        Ok(())
    }

    /// Puts keys into their bucket; how many are new.
    fn merge(&self, tx: &Connection, number: i64, rows: &[StateRow<'_>]) -> Result<i64, Fault> {
        let sql = "SELECT keys FROM bucket WHERE number = ?1";
        let old: Option<Vec<u8>> =
            tx.prepare_cached(sql)?.query_row([number], |row| row.get(0)).optional()?;
        let mut old = entries(old.as_deref().unwrap_or_default()).peekable();
        let (mut bucket, mut added) = (Bucket::default(), 0);
        for row in rows {
            while let Some(entry) = old.next_if(|e| e.is_none_or(|e| e.key < row.key)) {
                bucket.push(&entry.ok_or_else(|| self.damaged())?);
            }
            let known = old.next_if(|e| e.is_some_and(|e| e.key == row.key));
            added += i64::from(known.is_none());
            bucket.push(row);
        }
        for entry in old {
            bucket.push(&entry.ok_or_else(|| self.damaged())?);
        }
        bucket.write(tx, "bucket", number)?;
        Ok(added)
    }

    /// Cuts all buckets, so that their numbers have `bits` bits.
    fn split(&self, tx: &Connection, bits: u32) -> Result<(), Fault> {
        tx.execute_batch(
            "CREATE TABLE finer (number INTEGER PRIMARY KEY, keys BLOB NOT NULL, due INTEGER) STRICT",
        )?;
        let mut statement = tx.prepare("SELECT keys FROM bucket ORDER BY number")?;
        let mut rows = statement.query([])?;
        let (mut bucket, mut at) = (Bucket::default(), 0);
        while let Some(row) = rows.next()? {
            for entry in entries(row.get_ref(0)?.as_blob().unwrap_or_default()) {
                let entry = entry.ok_or_else(|| self.damaged())?;
                let number = number(&entry.key, bits);
                if number != at {
                    std::mem::take(&mut bucket).write(tx, "finer", at)?;
                    at = number;
                }
                bucket.push(&entry);
            }
        }
        bucket.write(tx, "finer", at)?;
        drop(rows);
        drop(statement);
        tx.execute_batch("DROP TABLE bucket; ALTER TABLE finer RENAME TO bucket")?;
        tx.execute("UPDATE progress SET bits = ?1", [bits])?;
        Ok(())
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
        let gone = self.database.write(|tx| {
            let numbers: Vec<i64> = tx
                .prepare("SELECT number FROM bucket")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            let mut gone = 0;
            for number in numbers {
                gone += self.sift(tx, number, since)?;
            }
            tx.execute("UPDATE progress SET count = count - ?1", [gone])?;
            Ok(gone)
        })?;
        self.database.read(|c| {
            let number = |name: &str| c.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
            // A copy of the file is worth it when most of it is empty.
            if number("freelist_count")? * 2 > number("page_count")? {
                c.execute_batch("VACUUM")?;
            }
            Ok(())
        })?;
        Ok(usize::try_from(gone).unwrap_or(0))
    }

    /// Takes the keys out of a bucket that were last seen before `since`; how many.
    fn sift(&self, tx: &Connection, number: i64, since: i64) -> Result<i64, Fault> {
        let sql = "SELECT keys FROM bucket WHERE number = ?1";
        let old: Vec<u8> = tx.prepare_cached(sql)?.query_row([number], |row| row.get(0))?;
        let (mut bucket, mut gone) = (Bucket::default(), 0);
        for entry in entries(&old) {
            let entry = entry.ok_or_else(|| self.damaged())?;
            if entry.seen < since && entry.due.is_none() {
                gone += 1;
            } else {
                bucket.push(&entry);
            }
        }
        if bucket.is_empty() {
            tx.prepare_cached("DELETE FROM bucket WHERE number = ?1")?.execute([number])?;
        } else if gone > 0 {
            bucket.write(tx, "bucket", number)?;
        }
        Ok(gone)
    }
}
