//! Answers to records, so that a run that was cut off can be taken up.

use std::path::Path;

use rusqlite::{OptionalExtension, params};

use crate::{Database, Migration, StoreError};

const MIGRATIONS: &[Migration] = &[Migration {
    name: "0001-answers",
    sql: "
    -- key: hash of the command and of the record. line: the record with its answer.
    CREATE TABLE answer (
        key  BLOB PRIMARY KEY NOT NULL CHECK (length(key) = 32),
        line TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    ",
}];

/// Lines by the content that they answer: never by a position, so that input that was edited or
/// reordered meanwhile is no danger.
#[derive(Debug)]
pub struct Answers {
    database: Database,
}

impl Answers {
    /// Opens or creates the file.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let database = Database::open(path, MIGRATIONS)?;
        // What a power cut takes is only asked for again.
        database.relax()?;
        Ok(Self { database })
    }

    /// The answer under a key.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn find(&self, key: &[u8; 32]) -> Result<Option<String>, StoreError> {
        self.database.read(|c| {
            Ok(c.prepare_cached("SELECT line FROM answer WHERE key = ?1")?
                .query_row([key.as_slice()], |row| row.get(0))
                .optional()?)
        })
    }

    /// Keeps answers: all of them or, on failure, none. The first under a key stays.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn note<'a>(
        &self,
        answers: impl Iterator<Item = (&'a [u8; 32], &'a str)>,
    ) -> Result<(), StoreError> {
        self.database.write(|tx| {
            let mut insert =
                tx.prepare_cached("INSERT OR IGNORE INTO answer (key, line) VALUES (?1, ?2)")?;
            for (key, line) in answers {
                insert.execute(params![key.as_slice(), line])?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_outlive_the_process_and_the_first_one_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        let answers = Answers::open(&path).unwrap();
        answers.note([(&[1; 32], "a"), (&[2; 32], "b")].into_iter()).unwrap();
        answers.note([(&[1; 32], "c")].into_iter()).unwrap();
        drop(answers);
        let answers = Answers::open(&path).unwrap();
        assert_eq!(answers.find(&[1; 32]).unwrap().as_deref(), Some("a"));
        assert_eq!(answers.find(&[3; 32]).unwrap(), None);
    }
}
