//! One SQLite file: opened privately, brought up to date, never thrown away.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use crate::StoreError;

/// How long a statement waits for other processes before it gives up.
const BUSY_LIMIT: Duration = Duration::from_secs(30);

/// One named change of the tables. The order in the list is the order of application; a name
/// that was published once keeps its SQL for ever.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// What is recorded in the file, for example `0001-ledger`.
    pub name: &'static str,
    /// The statements, separated by semicolons.
    pub sql: &'static str,
}

/// An open database, to be shared by the threads of one process.
#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl Database {
    /// Opens or creates the file and applies the migrations it has not seen.
    ///
    /// A missing folder is created with mode 0700, the file with mode 0600; an existing file
    /// that others may read or write is made private.
    ///
    /// # Errors
    /// [`StoreError::Open`] for the file system, [`StoreError::Corrupt`] for damaged or other
    /// contents, [`StoreError::Foreign`] for another program's database, [`StoreError::Newer`]
    /// for tables of a later version, [`StoreError::Busy`] when it stays locked.
    pub fn open(path: &Path, migrations: &[Migration]) -> Result<Self, StoreError> {
        prepare_file(path)
            .map_err(|source| StoreError::Open { path: path.to_path_buf(), source })?;
        let connection = configure(path).map_err(|e| StoreError::sqlite(path, e))?;
        let database = Self { path: path.to_path_buf(), connection: Mutex::new(connection) };
        database.migrate(migrations)?;
        Ok(database)
    }

    /// From now on a commit need not survive a power cut, only the death of the process: for
    /// what can be made again. A commit then takes microseconds.
    pub(crate) fn relax(&self) -> Result<(), StoreError> {
        self.read(|connection| Ok(connection.pragma_update(None, "synchronous", "normal")?))
    }

    /// Runs `body` in one immediate transaction: the write lock is taken first, so that what
    /// `body` reads cannot change before it writes. An error from `body` rolls back.
    pub(crate) fn write<T>(
        &self,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let mut connection = self.lock();
        let run = || -> Result<T, Fault> {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = body(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        run().map_err(|fault| self.error(fault))
    }

    /// As [`Database::write`] of a database that was [relaxed](Database::relax), and the commit
    /// survives a power cut.
    pub(crate) fn write_through<T>(
        &self,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let mut connection = self.lock();
        let run = || -> Result<T, Fault> {
            connection.pragma_update(None, "synchronous", "full")?;
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = body(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        let result = run();
        let relaxed = connection.pragma_update(None, "synchronous", "normal");
        let value = result.map_err(|fault| self.error(fault))?;
        relaxed.map_err(|e| self.error(e.into()))?;
        Ok(value)
    }

    /// Runs queries that change nothing.
    pub(crate) fn read<T>(
        &self,
        body: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        body(&self.lock()).map_err(|fault| self.error(fault))
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic inside a transaction has rolled it back: the connection is still good.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, fault: Fault) -> StoreError {
        match fault {
            Fault::Sqlite(e) => StoreError::sqlite(&self.path, e),
            Fault::Store(e) => e,
        }
    }

    fn migrate(&self, migrations: &[Migration]) -> Result<(), StoreError> {
        self.write(|tx| {
            let tables: i64 =
                tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            let ours: Option<i64> = tx
                .query_row(
                    "SELECT 1 FROM sqlite_schema WHERE type='table' AND name='migration'",
                    [],
                    |row| row.get(0),
                )
                .optional()?;
            if tables > 0 && ours.is_none() {
                return Err(StoreError::Foreign { path: self.path.clone() }.into());
            }
            tx.execute_batch(
                "CREATE TABLE IF NOT EXISTS migration (
                     position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
            )?;
            let done: Vec<String> = tx
                .prepare("SELECT name FROM migration ORDER BY position")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            for (position, name) in done.iter().enumerate() {
                if migrations.get(position).is_none_or(|m| m.name != name) {
                    let (path, migration) = (self.path.clone(), name.clone());
                    return Err(StoreError::Newer { path, migration }.into());
                }
            }
            for migration in &migrations[done.len()..] {
                tx.execute_batch(migration.sql)?;
                tx.execute("INSERT INTO migration (name) VALUES (?1)", [migration.name])?;
            }
            Ok(())
        })
    }
}

/// What the body of a transaction may fail with.
#[derive(Debug)]
pub(crate) enum Fault {
    Sqlite(rusqlite::Error),
    Store(StoreError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Makes sure that a private file is there before SQLite opens it: SQLite itself would create
/// it with the process's umask. Its journal files take over the mode of this one.
fn prepare_file(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty() && !p.exists()) {
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => return Ok(()),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        Err(e) => return Err(e),
    }
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

fn configure(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_LIMIT)?;
    // Several processes that switch a new file to WAL at the same moment get "busy" at once,
    // without the busy handler being asked (sqlite.org/wal.html, "busy" cases).
    let deadline = Instant::now() + BUSY_LIMIT;
    loop {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(e)
                if e.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
                    && Instant::now() < deadline =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            result => break result?,
        }
    }
    // FULL: what a ledger has set aside must survive a power cut, not only a kill.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", "on")?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Migration = Migration { name: "0001-a", sql: "CREATE TABLE a (x INTEGER) STRICT" };
    const SECOND: Migration =
        Migration { name: "0002-b", sql: "CREATE TABLE b (x INTEGER) STRICT" };

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn new_files_and_folders_are_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/er/ledger.db");
        let database = Database::open(&path, &[FIRST]).unwrap();
        database.write(|tx| Ok(tx.execute("INSERT INTO a VALUES (1)", [])?)).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        assert_eq!(mode(&dir.path().join("deep/er/ledger.db-wal")), 0o600);
    }

    #[test]
    fn an_open_file_is_made_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        Database::open(&path, &[FIRST]).unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn migrations_run_once_and_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        Database::open(&path, &[FIRST]).unwrap();
        let database = Database::open(&path, &[FIRST, SECOND]).unwrap();
        database.write(|tx| Ok(tx.execute("INSERT INTO b VALUES (1)", [])?)).unwrap();
        let database = Database::open(&path, &[FIRST, SECOND]).unwrap();
        let rows: i64 =
            database.read(|c| Ok(c.query_row("SELECT x FROM b", [], |r| r.get(0))?)).unwrap();
        assert_eq!(rows, 1);
    }

    #[test]
    fn a_newer_schema_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        Database::open(&path, &[FIRST, SECOND]).unwrap();
        let error = Database::open(&path, &[FIRST]).unwrap_err();
        assert!(matches!(&error, StoreError::Newer { migration, .. } if migration == "0002-b"));
        assert!(error.to_string().contains("newer version"));
    }

    #[test]
    fn a_failing_migration_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        let bad =
            Migration { name: "0002-bad", sql: "CREATE TABLE c (x INTEGER); SELECT nonsense" };
        assert!(Database::open(&path, &[FIRST, bad]).is_err());
        Database::open(&path, &[FIRST, SECOND]).unwrap();
    }

    #[test]
    fn damaged_and_foreign_files_are_errors_and_stay_as_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        let garbage = b"this is no database at all, only a text of some length ...".repeat(40);
        fs::write(&path, &garbage).unwrap();
        let error = Database::open(&path, &[FIRST]).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), garbage);

        let foreign = dir.path().join("foreign.db");
        Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE mine (x)").unwrap();
        let error = Database::open(&foreign, &[FIRST]).unwrap_err();
        assert!(matches!(error, StoreError::Foreign { .. }), "{error}");

        let error = Database::open(dir.path(), &[FIRST]).unwrap_err();
        assert!(matches!(error, StoreError::Open { .. }), "{error}");
    }

    #[test]
    fn a_cut_off_file_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        let database = Database::open(&path, &[FIRST]).unwrap();
        database
            .write(|tx| {
                for i in 0..20_000 {
                    tx.execute("INSERT INTO a VALUES (?1)", [i])?;
                }
                Ok(())
            })
            .unwrap();
        drop(database);
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
        let outcome = Database::open(&path, &[FIRST]).and_then(|d| {
            d.read(|c| Ok(c.query_row("SELECT sum(x) FROM a", [], |r| r.get::<_, i64>(0))?))
        });
        assert!(matches!(outcome, Err(StoreError::Corrupt { .. })), "{outcome:?}");
    }
}
