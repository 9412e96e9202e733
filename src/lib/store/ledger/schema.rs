//! Tables of the ledger.

use crate::Migration;

/// `total` is kept by triggers, so that no statement, ours or a person's, can change an entry
/// and forget the sums that the caps are checked against.
pub(super) const MIGRATIONS: &[Migration] = &[LEDGER, PASSED, BATCHES];

const PASSED: Migration = Migration {
    name: "0002-passed",
    sql: "
    -- Records that were not asked about, by pipeline and day.
    CREATE TABLE passed (
        pipeline TEXT NOT NULL,
        day      TEXT NOT NULL,
        records  INTEGER NOT NULL,
        PRIMARY KEY (pipeline, day)
    ) STRICT, WITHOUT ROWID;
    ",
};

const BATCHES: Migration = Migration {
    name: "0003-batches",
    sql: "
    -- Set for money that waits for a provider's batch, not for a process.
    ALTER TABLE entry ADD COLUMN batch INTEGER;
    CREATE INDEX entry_by_batch ON entry (batch) WHERE batch IS NOT NULL;

    CREATE TABLE batch (
        id       INTEGER PRIMARY KEY,
        token    TEXT NOT NULL,            -- part of the ids of its calls at the provider
        pipeline TEXT NOT NULL,
        provider TEXT NOT NULL,
        model    TEXT NOT NULL,
        settings TEXT NOT NULL,            -- how answers are read and written
        state    TEXT NOT NULL CHECK (state IN ('gathering', 'sending', 'sent', 'answered')),
        file     TEXT,                     -- the provider's id of the file that was uploaded
        remote   TEXT,                     -- the provider's id of the batch
        strange  TEXT NOT NULL DEFAULT '', -- ids of batches that turned out not to be this one
        created_ms INTEGER NOT NULL,
        host     TEXT NOT NULL,            -- the process that works on it
        boot     TEXT NOT NULL,
        pid      INTEGER NOT NULL,
        started  INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE batch_call (
        id      INTEGER PRIMARY KEY,
        batch   INTEGER NOT NULL,
        key     BLOB NOT NULL CHECK (length(key) = 32),
        body    TEXT NOT NULL,
        entry   INTEGER,                   -- the money that is set aside for it
        outcome TEXT,
        UNIQUE (batch, key)
    ) STRICT;
    CREATE TABLE batch_record (
        id     INTEGER PRIMARY KEY,
        batch  INTEGER NOT NULL,
        call   INTEGER NOT NULL,
        ident  BLOB NOT NULL CHECK (length(ident) = 32),
        seen   TEXT NOT NULL,              -- the last run that came by with this record
        record TEXT NOT NULL,
        notes  TEXT NOT NULL
    ) STRICT;
    CREATE INDEX batch_record_by_call ON batch_record (call);
    CREATE INDEX batch_record_by_ident ON batch_record (ident);
    CREATE INDEX batch_record_by_batch ON batch_record (batch);
    ",
};

const LEDGER: Migration = Migration {
    name: "0001-ledger",
    sql: "
    CREATE TABLE entry (
        id         INTEGER PRIMARY KEY,
        run        TEXT NOT NULL,
        day        TEXT NOT NULL CHECK (length(day) >= 10),
        state      TEXT NOT NULL
                   CHECK (state IN ('reserved', 'settled', 'released', 'expired')),
        amount     INTEGER NOT NULL CHECK (amount >= 0),   -- nano-dollars that count now
        reserved   INTEGER NOT NULL CHECK (reserved >= 0), -- nano-dollars set aside at first
        provider   TEXT NOT NULL,
        model      TEXT NOT NULL,
        tokens_in  INTEGER NOT NULL DEFAULT 0,
        tokens_out INTEGER NOT NULL DEFAULT 0,
        created_ms INTEGER NOT NULL,
        closed_ms  INTEGER,
        host       TEXT NOT NULL,
        boot       TEXT NOT NULL,
        pid        INTEGER NOT NULL,
        started    INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX entry_open ON entry (host, boot, pid, started) WHERE state = 'reserved';
    CREATE INDEX entry_by_run ON entry (run);
    CREATE INDEX entry_by_day ON entry (day);

    CREATE TABLE total (
        scope  TEXT NOT NULL CHECK (scope IN ('run', 'day', 'month')),
        key    TEXT NOT NULL,
        amount INTEGER NOT NULL,
        PRIMARY KEY (scope, key)
    ) STRICT, WITHOUT ROWID;

    CREATE TRIGGER entry_added AFTER INSERT ON entry BEGIN
        INSERT INTO total VALUES
            ('run', NEW.run, NEW.amount),
            ('day', NEW.day, NEW.amount),
            ('month', substr(NEW.day, 1, length(NEW.day) - 3), NEW.amount)
        ON CONFLICT (scope, key) DO UPDATE SET amount = amount + excluded.amount;
    END;
    CREATE TRIGGER entry_changed AFTER UPDATE OF amount ON entry BEGIN
        UPDATE total SET amount = amount + NEW.amount - OLD.amount
        WHERE (scope, key) IN (
            VALUES ('run', NEW.run), ('day', NEW.day),
                   ('month', substr(NEW.day, 1, length(NEW.day) - 3)));
    END;
    CREATE TRIGGER entry_fixed BEFORE UPDATE OF run, day ON entry BEGIN
        SELECT RAISE(ABORT, 'an entry keeps its run and its day');
    END;
    CREATE TRIGGER entry_kept BEFORE DELETE ON entry BEGIN
        SELECT RAISE(ABORT, 'an entry stays in the ledger');
    END;
    ",
};
