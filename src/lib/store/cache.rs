//! Results by exact content key, bounded in size.

use std::path::Path;

use rusqlite::{OptionalExtension, Transaction, params};

use crate::database::Fault;
use crate::{Database, Migration, StoreError};

const MIGRATIONS: &[Migration] = &[Migration {
    name: "0001-cache",
    sql: "
    CREATE TABLE item (
        key   BLOB PRIMARY KEY NOT NULL CHECK (length(key) = 32),
        value BLOB NOT NULL,
        used  INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX item_by_use ON item (used);
    -- One row: bytes of all keys and values, and the clock that orders uses.
    CREATE TABLE state (bytes INTEGER NOT NULL, clock INTEGER NOT NULL) STRICT;
    INSERT INTO state VALUES (0, 0);
    ",
}];

/// Bytes that an item costs besides its value.
const KEY_BYTES: u64 = 32;

/// A map from a 32-byte content key (BLAKE3 of everything the result depends on; the caller
/// computes it) to bytes. The least recently used items go when the size limit is reached.
#[derive(Debug)]
pub struct Cache {
    database: Database,
    max_bytes: u64,
}

impl Cache {
    /// Opens or creates a cache file of at most `max_bytes` bytes of keys and values.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub fn open(path: &Path, max_bytes: u64) -> Result<Self, StoreError> {
        let max_bytes = max_bytes.min(i64::MAX.unsigned_abs());
        let database = Database::open(path, MIGRATIONS)?;
        database.relax()?;
        Ok(Self { database, max_bytes })
    }

    /// The stored bytes, which thereby count as just used.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn get(&self, key: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.database.read(|c| {
            Ok(c.prepare_cached("SELECT value FROM item WHERE key = ?1")?
                .query_row([key.as_slice()], |row| row.get::<_, Vec<u8>>(0))
                .optional()?)
        })?;
        if found.is_some() {
            self.database.write(|tx| {
                let now = tick(tx)?;
                tx.execute("UPDATE item SET used = ?2 WHERE key = ?1", params![key, now])?;
                Ok(())
            })?;
        }
        Ok(found)
    }

    /// Stores a result and makes room for it. `false` when it alone is larger than the cache,
    /// which then stays as it was.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn put(&self, key: &[u8; 32], value: &[u8]) -> Result<bool, StoreError> {
        self.put_by(key, value, false)
    }

    /// The same, and on the disk when this returns: for what was paid for. Takes milliseconds.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn put_through(&self, key: &[u8; 32], value: &[u8]) -> Result<bool, StoreError> {
        self.put_by(key, value, true)
    }

    fn put_by(&self, key: &[u8; 32], value: &[u8], through: bool) -> Result<bool, StoreError> {
        let size = value.len() as u64 + KEY_BYTES;
        if size > self.max_bytes {
            return Ok(false);
        }
        let put = |tx: &Transaction<'_>| {
            let now = tick(tx)?;
            remove(tx, key)?;
            tx.prepare_cached("INSERT INTO item (key, value, used) VALUES (?1, ?2, ?3)")?
                .execute(params![key, value, now])?;
            grow(tx, size.cast_signed())?;
            while bytes(tx)? > self.max_bytes {
                let oldest: Vec<u8> = tx
                    .prepare_cached("SELECT key FROM item ORDER BY used LIMIT 1")?
                    .query_row([], |row| row.get(0))?;
                remove(tx, &oldest)?;
            }
            Ok(true)
        };
        if through { self.database.write_through(put) } else { self.database.write(put) }
    }

    /// Bytes of all keys and values that are stored now.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn bytes(&self) -> Result<u64, StoreError> {
        self.database.read(bytes)
    }
}

fn bytes(connection: &rusqlite::Connection) -> Result<u64, Fault> {
    let sum: i64 = connection.query_row("SELECT bytes FROM state", [], |row| row.get(0))?;
    Ok(sum.max(0).unsigned_abs())
}

fn tick(tx: &Transaction<'_>) -> Result<i64, Fault> {
    Ok(tx.query_row("UPDATE state SET clock = clock + 1 RETURNING clock", [], |row| row.get(0))?)
}

fn grow(tx: &Transaction<'_>, delta: i64) -> Result<(), Fault> {
    tx.execute("UPDATE state SET bytes = bytes + ?1", [delta])?;
    Ok(())
}

fn remove(tx: &Transaction<'_>, key: &[u8]) -> Result<(), Fault> {
    let size: Option<i64> = tx
        .prepare_cached("DELETE FROM item WHERE key = ?1 RETURNING length(value) + length(key)")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    size.map_or(Ok(()), |size| grow(tx, -size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(n: u8) -> [u8; 32] {
        [n; 32]
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(&dir.path().join("c.db"), 3 * (KEY_BYTES + 10)).unwrap();
        for n in 1..=3 {
            assert!(cache.put(&key(n), &[n; 10]).unwrap());
        }
        assert_eq!(cache.get(&key(1)).unwrap(), Some(vec![1; 10]));
        cache.put(&key(4), &[4; 10]).unwrap();
        assert_eq!(cache.get(&key(2)).unwrap(), None);
        assert_eq!(cache.get(&key(1)).unwrap(), Some(vec![1; 10]));
        assert!(!cache.put(&key(5), &[0; 1000]).unwrap());
        assert_eq!(cache.get(&key(4)).unwrap(), Some(vec![4; 10]));
    }

    #[test]
    fn results_outlive_the_process_and_two_share_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.db");
        let one = Cache::open(&path, 1000).unwrap();
        let two = Cache::open(&path, 1000).unwrap();
        one.put(&key(1), b"first").unwrap();
        one.put(&key(1), b"second").unwrap();
        assert_eq!(two.get(&key(1)).unwrap(), Some(b"second".to_vec()));
        assert_eq!(two.bytes().unwrap(), 6 + KEY_BYTES);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]
        #[test]
        fn never_larger_than_allowed_and_never_a_wrong_value(
            steps in prop::collection::vec((0u8..12, 0usize..200), 1..60),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let cache = Cache::open(&dir.path().join("c.db"), 600).unwrap();
            let mut last = std::collections::HashMap::new();
            for (n, len) in steps {
                let value = vec![n ^ len.to_le_bytes()[0]; len];
                cache.put(&key(n), &value).unwrap();
                last.insert(n, value);
                prop_assert!(cache.bytes().unwrap() <= 600);
                for (n, value) in &last {
                    if let Some(found) = cache.get(&key(*n)).unwrap() {
                        prop_assert_eq!(&found, value);
                    }
                }
            }
        }
    }
}
