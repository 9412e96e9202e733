//! What was seen once, over runs.

use std::path::Path;

use rusqlite::{OptionalExtension, params};

use crate::{Database, Migration, StoreError};

const MIGRATIONS: &[Migration] = &[Migration {
    name: "0001-seen",
    sql: "
    -- id: name of the first content with this key. last: seconds since 1970 when it was seen.
    CREATE TABLE seen (
        key  BLOB PRIMARY KEY NOT NULL CHECK (length(key) = 16),
        id   TEXT NOT NULL,
        last INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX seen_by_last ON seen (last);
    ",
}];

/// A set of 16-byte content keys that outlives the process, each with the id of the content that
/// had it first. Whoever adds keys says what time it is, in seconds since 1970.
#[derive(Debug)]
pub struct Seen {
    database: Database,
}

impl Seen {
    /// Opens or creates the file.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { database: Database::open(path, MIGRATIONS)? })
    }

    /// The id that came with a key, unless it was last seen before `since`.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn find(&self, key: &[u8; 16], since: i64) -> Result<Option<String>, StoreError> {
        self.database.read(|c| {
            Ok(c.prepare_cached("SELECT id FROM seen WHERE key = ?1 AND last >= ?2")?
                .query_row(params![key.as_slice(), since], |row| row.get(0))
                .optional()?)
        })
    }

    /// Notes keys with their ids as seen `now`, all of them or, on failure, none. A key that is
    /// known keeps its id, unless it was last seen before `since`.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn note<'k>(
        &self,
        keys: impl Iterator<Item = (&'k [u8; 16], &'k str)>,
        now: i64,
        since: i64,
    ) -> Result<(), StoreError> {
        self.database.write(|tx| {
            let mut insert = tx.prepare_cached(
                "INSERT INTO seen (key, id, last) VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE
                 SET id = CASE WHEN last < ?4 THEN excluded.id ELSE id END,
                     last = max(last, excluded.last)",
            )?;
            for (key, id) in keys {
                insert.execute(params![key.as_slice(), id, now, since])?;
            }
            Ok(())
        })
    }

    /// Takes out the keys that were last seen before `since`; how many.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn expire(&self, since: i64) -> Result<usize, StoreError> {
        self.database.write(|tx| Ok(tx.execute("DELETE FROM seen WHERE last < ?1", [since])?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_id_stays_until_the_key_expires() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("seen.db");
        let seen = Seen::open(&path).unwrap();
        let (one, two) = ([1; 16], [2; 16]);
        seen.note([(&one, "a"), (&two, "b")].into_iter(), 100, 0).unwrap();
        seen.note([(&one, "c")].into_iter(), 200, 0).unwrap();
        drop(seen);
        let seen = Seen::open(&path).unwrap();
        assert_eq!(seen.find(&one, 0).unwrap().as_deref(), Some("a"));
        assert_eq!(seen.find(&two, 150).unwrap(), None);
        // Seen again after it had expired: another first.
        seen.note([(&two, "d")].into_iter(), 300, 150).unwrap();
        assert_eq!(seen.find(&two, 150).unwrap().as_deref(), Some("d"));
        assert_eq!(seen.expire(250).unwrap(), 1);
        assert_eq!(seen.find(&one, 0).unwrap(), None);
        assert_eq!(seen.find(&[3; 16], 0).unwrap(), None);
    }

    #[test]
    fn a_clock_that_goes_back_takes_nothing_back() {
        let dir = tempfile::tempdir().unwrap();
        let seen = Seen::open(&dir.path().join("seen.db")).unwrap();
        seen.note([(&[1; 16], "a")].into_iter(), 500, 0).unwrap();
        seen.note([(&[1; 16], "b")].into_iter(), 10, 0).unwrap();
        assert_eq!(seen.find(&[1; 16], 400).unwrap().as_deref(), Some("a"));
    }
}
