//! Batches that a provider works off in its own time: which records wait for which, what money is
//! set aside for them, and how far each has come. All of it survives any process.
//!
//! A batch goes gathering → sending → sent → answered and is forgotten when its records were
//! written. `sending` is written before the provider hears of it and `sent` when it has said its
//! id: who finds a batch of a dead process in between asks the provider first whether it has it.

use rusqlite::{OptionalExtension, Transaction, params};

use super::batch::{
    Added, Batch, BatchCall, BatchHead, BatchRecord, BatchState, Charged, Closed, Row,
};
use super::{Charge, Ledger, Refusal, Request, millis, reserve};
use crate::database::Fault;
use crate::owner::Owner;
use crate::{NanoUsd, StoreError};

impl Ledger {
    /// Begins a batch, which belongs to this process while it lives.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn open_batch(&self, head: &BatchHead<'_>) -> Result<i64, StoreError> {
        let here = &self.here;
        let now = millis(std::time::SystemTime::now());
        self.database.write(|tx| {
            tx.execute(
                "INSERT INTO batch (token, pipeline, provider, model, settings, state,
                                    created_ms, host, boot, pid, started)
                 VALUES (?1, ?2, ?3, ?4, ?5, 'gathering', ?6, ?7, ?8, ?9, ?10)",
                params![
                    head.token,
                    head.pipeline,
                    head.provider,
                    head.model,
                    head.settings,
                    now,
                    here.host,
                    here.boot,
                    here.pid,
                    here.started
                ],
            )?;
            Ok(tx.last_insert_rowid())
        })
    }

    /// Adds a record to a batch, with the money for its call, in one transaction. A record that
    /// waits from another run is known; the same line twice in one run is two records.
    ///
    /// # Errors
    /// As [`Ledger::reserve`].
    pub fn add_to_batch(
        &self,
        batch: i64,
        call: &BatchCall<'_>,
        record: &BatchRecord<'_>,
        request: &Request<'_>,
    ) -> Result<Added, StoreError> {
        self.database.write(|tx| {
            let seen = tx
                .prepare_cached(
                    "UPDATE batch_record SET seen = ?2 WHERE id = (SELECT min(id)
                     FROM batch_record WHERE ident = ?1 AND seen <> ?2)",
                )?
                .execute(params![record.ident.as_slice(), request.run])?;
            if seen > 0 {
                return Ok(Added::Known);
            }
            let key = call.key.as_slice();
            let known: Option<i64> = tx
                .prepare_cached("SELECT id FROM batch_call WHERE batch = ?1 AND key = ?2")?
                .query_row(params![batch, key], |row| row.get(0))
                .optional()?;
            let (id, added) = match known {
                Some(id) => (id, Added::Shared),
                None => match self.add_call(tx, batch, call, request)? {
                    Ok(id) => (id, Added::New),
                    Err(refusal) => return Ok(Added::OverBudget(refusal)),
                },
            };
            tx.prepare_cached(
                "INSERT INTO batch_record (batch, call, ident, seen, record, notes)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                batch,
                id,
                record.ident.as_slice(),
                request.run,
                record.record,
                record.notes
            ])?;
            Ok(added)
        })
    }

    fn add_call(
        &self,
        tx: &Transaction<'_>,
        batch: i64,
        call: &BatchCall<'_>,
        request: &Request<'_>,
    ) -> Result<Result<i64, Refusal>, Fault> {
        let entry = if call.costs {
            match reserve(tx, request, &self.here, Some(batch))? {
                Charge::Reserved(reservation) => Some(reservation.id),
                Charge::OverBudget(refusal) => return Ok(Err(refusal)),
            }
        } else {
            None
        };
        tx.prepare_cached(
            "INSERT INTO batch_call (batch, key, body, entry) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![batch, call.key.as_slice(), call.body, entry])?;
        Ok(Ok(tx.last_insert_rowid()))
    }

    /// Takes over the batches of a pipeline at a provider that no living process works on, and
    /// those of this one; the oldest first. Also says how many others work on.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn claim_batches(
        &self,
        provider: &str,
        pipeline: &str,
    ) -> Result<(Vec<Batch>, usize), StoreError> {
        let here = &self.here;
        self.database.write(|tx| {
            let mut statement = tx.prepare(
                "SELECT id, token, model, settings, state, file, remote, strange, created_ms,
                        host, boot, pid, started
                 FROM batch WHERE provider = ?1 AND pipeline = ?2 ORDER BY id",
            )?;
            let rows = statement
                .query_map(params![provider, pipeline], |row| {
                    let state: String = row.get(4)?;
                    let strange: String = row.get(7)?;
                    let owner = Owner {
                        host: row.get(9)?,
                        boot: row.get(10)?,
                        pid: row.get(11)?,
                        started: row.get(12)?,
                    };
                    let batch = Batch {
                        id: row.get(0)?,
                        token: row.get(1)?,
                        model: row.get(2)?,
                        settings: row.get(3)?,
                        state: BatchState::of(&state),
                        file: row.get(5)?,
                        remote: row.get(6)?,
                        strange: strange.lines().map(str::to_owned).collect(),
                        created_ms: row.get(8)?,
                    };
                    Ok((batch, owner))
                })?
                .collect::<Result<Vec<_>, _>>()?;
            let all = rows.len();
            let free = |owner: &Owner| owner == here || owner.is_dead(here);
            let mine: Vec<Batch> =
                rows.into_iter().filter(|(_, owner)| free(owner)).map(|(batch, _)| batch).collect();
            for batch in &mine {
                tx.execute(
                    "UPDATE batch SET host = ?2, boot = ?3, pid = ?4, started = ?5 WHERE id = ?1",
                    params![batch.id, here.host, here.boot, here.pid, here.started],
                )?;
            }
            let others = all - mine.len();
            Ok((mine, others))
        })
    }

    /// Writes down how far a batch has come.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn note_batch(&self, batch: &Batch) -> Result<(), StoreError> {
        let strange = batch.strange.join("\n");
        self.database.write(|tx| {
            tx.execute(
                "UPDATE batch SET state = ?2, file = ?3, remote = ?4, strange = ?5 WHERE id = ?1",
                params![batch.id, batch.state.name(), batch.file, batch.remote, strange],
            )?;
            Ok(())
        })
    }

    /// The calls of a batch, in order: keys and bodies.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn batch_calls(&self, batch: i64) -> Result<Vec<([u8; 32], String)>, StoreError> {
        self.database.read(|c| {
            let mut statement =
                c.prepare("SELECT key, body FROM batch_call WHERE batch = ?1 ORDER BY id")?;
            let rows = statement.query_map([batch], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Writes down what came of calls, and settles their money, all in one transaction. A call
    /// that has an outcome keeps it. Says how many were open.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn close_calls(&self, batch: i64, closed: &[Closed<'_>]) -> Result<usize, StoreError> {
        self.database.write(|tx| {
            let mut changed = 0;
            for one in closed {
                let key = one.key.as_slice();
                let found: Option<(i64, Option<i64>)> = tx
                    .prepare_cached(
                        "SELECT id, entry FROM batch_call
                         WHERE batch = ?1 AND key = ?2 AND outcome IS NULL",
                    )?
                    .query_row(params![batch, key], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()?;
                let Some((id, entry)) = found else { continue };
                changed += tx
                    .prepare_cached("UPDATE batch_call SET outcome = ?2 WHERE id = ?1")?
                    .execute(params![id, one.outcome])?;
                if let Some(entry) = entry {
                    settle(tx, entry, one.charged)?;
                }
            }
            Ok(changed)
        })
    }

    /// The keys of calls without an outcome.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn open_calls(&self, batch: i64) -> Result<Vec<[u8; 32]>, StoreError> {
        self.database.read(|c| {
            let sql = "SELECT key FROM batch_call WHERE batch = ?1 AND outcome IS NULL ORDER BY id";
            let mut statement = c.prepare(sql)?;
            let rows = statement.query_map([batch], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// What was set aside for a call, where anything was.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn set_aside(&self, batch: i64, key: &[u8; 32]) -> Result<Option<NanoUsd>, StoreError> {
        self.database.read(|c| {
            let sql = "SELECT reserved FROM entry JOIN batch_call ON entry.id = batch_call.entry
                       WHERE batch_call.batch = ?1 AND batch_call.key = ?2";
            let found = c
                .prepare_cached(sql)?
                .query_row(params![batch, key.as_slice()], |row| row.get::<_, i64>(0));
            Ok(found.optional()?.map(NanoUsd::from_sql))
        })
    }

    /// Up to 256 records of a batch after the row `after`, in the order in which they came.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn batch_rows(&self, batch: i64, after: i64) -> Result<Vec<Row>, StoreError> {
        self.database.read(|c| {
            let mut statement = c.prepare_cached(
                "SELECT r.id, r.record, r.notes, c.outcome, r.id =
                        (SELECT min(id) FROM batch_record WHERE call = c.id)
                 FROM batch_record AS r JOIN batch_call AS c ON c.id = r.call
                 WHERE r.batch = ?1 AND r.id > ?2 ORDER BY r.id LIMIT 256",
            )?;
            let rows = statement.query_map(params![batch, after], |row| {
                Ok(Row {
                    id: row.get(0)?,
                    record: row.get(1)?,
                    notes: row.get(2)?,
                    outcome: row.get(3)?,
                    first: row.get(4)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Forgets a batch whose records were written. What it cost stays in the books.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn forget_batch(&self, batch: i64) -> Result<(), StoreError> {
        self.database.write(|tx| {
            for table in ["batch_record WHERE batch", "batch_call WHERE batch", "batch WHERE id"] {
                tx.execute(&format!("DELETE FROM {table} = ?1"), [batch])?;
            }
            Ok(())
        })
    }
}

fn settle(tx: &Transaction<'_>, entry: i64, charged: Charged<'_>) -> Result<(), Fault> {
    let now = millis(std::time::SystemTime::now());
    let tokens = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    match charged {
        Charged::Usage(usage) => tx.execute(
            "UPDATE entry SET state = 'settled', amount = ?2, tokens_in = ?3, tokens_out = ?4,
                    model = ?5, closed_ms = ?6 WHERE id = ?1 AND state = 'reserved'",
            params![
                entry,
                usage.cost.to_sql(),
                tokens(usage.tokens_in),
                tokens(usage.tokens_out),
                usage.model,
                now
            ],
        )?,
        Charged::Nothing => tx.execute(
            "UPDATE entry SET state = 'released', amount = 0, closed_ms = ?2
             WHERE id = ?1 AND state = 'reserved'",
            params![entry, now],
        )?,
        Charged::Unknown => tx.execute(
            "UPDATE entry SET state = 'expired', closed_ms = ?2
             WHERE id = ?1 AND state = 'reserved'",
            params![entry, now],
        )?,
    };
    Ok(())
}
