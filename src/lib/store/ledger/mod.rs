//! What was spent, and what may still be spent.
//!
//! A call to a paid model goes: [`Ledger::reserve`] its worst case → call → [`Ledger::settle`]
//! at its real cost (or [`Ledger::release`] when the request certainly never reached the
//! provider). A reservation counts in full against every cap from the moment it is made, so
//! that any number of processes together stay within a cap, and a process that is killed in
//! the middle can only have spent what is already counted. [`Ledger::recover`] marks what dead
//! processes left behind as expired; their worst case goes on counting, since the provider may
//! have been paid.
//!
//! Days and months are those of UTC, the same on every machine that shares a ledger.

mod batch;
mod offline;
mod report;
mod schema;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{OptionalExtension, Transaction, params};

use crate::database::Fault;
use crate::owner::Owner;
use crate::{Database, NanoUsd, StoreError};

pub use batch::{
    Added, Batch, BatchCall, BatchHead, BatchRecord, BatchState, Charged, Closed, Row,
};
pub use report::{DayTotals, ModelTotals, PipelineTotals, Totals};

/// Upper limits, each optional. All three are checked for every reservation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    /// For everything under one run name.
    pub run: Option<NanoUsd>,
    /// For one day (UTC), whatever the run.
    pub day: Option<NanoUsd>,
    /// For one calendar month (UTC), whatever the run.
    pub month: Option<NanoUsd>,
}

/// A wish to spend.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Name of the run: all processes of one job share it.
    pub run: &'a str,
    /// The limits to stay within.
    pub caps: Caps,
    /// The most that the call can cost.
    pub amount: NanoUsd,
    /// Who will be asked.
    pub provider: &'a str,
    /// Which model will be asked.
    pub model: &'a str,
    /// When; chooses the day and the month.
    pub at: SystemTime,
}

/// Money set aside for one call. Dropping it leaves the money set aside: only
/// [`Ledger::settle`] and [`Ledger::release`] say what became of it.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a reservation counts as spent until it is settled or released"]
pub struct Reservation {
    id: i64,
    amount: NanoUsd,
}

impl Reservation {
    /// What was set aside.
    #[must_use]
    pub fn amount(&self) -> NanoUsd {
        self.amount
    }
}

/// Which of the [`Caps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The run's.
    Run,
    /// The day's.
    Day,
    /// The month's.
    Month,
}

impl Scope {
    /// The spelling in the database and in messages.
    fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why nothing was reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("over the budget of this {which}: ${wanted} on top of ${spent} is more than ${cap}")]
pub struct Refusal {
    /// The first cap that does not allow it (run, then day, then month).
    pub which: Scope,
    /// What counts against that cap already, reservations included.
    pub spent: NanoUsd,
    /// The cap.
    pub cap: NanoUsd,
    /// What the call would have needed.
    pub wanted: NanoUsd,
}

/// The answer to a [`Request`].
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Charge {
    /// The money is set aside; the call may be made.
    Reserved(Reservation),
    /// The call must not be made; nothing was written.
    OverBudget(Refusal),
}

/// What a call really took.
#[derive(Clone, Copy, Debug)]
pub struct Usage<'a> {
    /// Its price. May exceed the reservation (a provider that counted more than was possible):
    /// then the truth is recorded, and later reservations feel it.
    pub cost: NanoUsd,
    /// Tokens of the request.
    pub tokens_in: u64,
    /// Tokens of the answer.
    pub tokens_out: u64,
    /// Who answered.
    pub provider: &'a str,
    /// The model that answered.
    pub model: &'a str,
}

/// The account book. Threads share one `Ledger`; processes open the same file.
#[derive(Debug)]
pub struct Ledger {
    database: Database,
    here: Owner,
}

impl Ledger {
    /// Opens or creates the ledger and [recovers](Self::recover) what dead processes left.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let database = Database::open(path, schema::MIGRATIONS)?;
        let ledger = Self { database, here: Owner::current() };
        ledger.recover()?;
        Ok(ledger)
    }

    /// Sets money aside if every cap allows it, in one transaction.
    ///
    /// # Errors
    /// A failure of the database (then nothing was set aside), or sums beyond [`NanoUsd`].
    pub fn reserve(&self, request: &Request<'_>) -> Result<Charge, StoreError> {
        self.database.write(|tx| reserve(tx, request, &self.here, None))
    }

    /// Replaces a reservation by what the call really cost. Works as well for one that was
    /// meanwhile taken for a dead process's.
    ///
    /// # Errors
    /// [`StoreError::NotOpen`] when it was settled or released before; a failure of the
    /// database (then the reservation goes on counting in full, and settling may be tried
    /// again).
    pub fn settle(&self, reservation: &Reservation, usage: &Usage<'_>) -> Result<(), StoreError> {
        let tokens = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let id = reservation.id;
        self.database.write(|tx| {
            let changed = tx
                .prepare_cached(
                    "UPDATE entry SET state = 'settled', amount = ?2, tokens_in = ?3,
                            tokens_out = ?4, provider = ?5, model = ?6, closed_ms = ?7
                     WHERE id = ?1 AND state IN ('reserved', 'expired')",
                )?
                .execute(params![
                    id,
                    usage.cost.to_sql(),
                    tokens(usage.tokens_in),
                    tokens(usage.tokens_out),
                    usage.provider,
                    usage.model,
                    millis(SystemTime::now())
                ])?;
            if changed == 1 { Ok(()) } else { Err(StoreError::NotOpen { id }.into()) }
        })
    }

    /// Gives the money of a reservation back: the provider certainly charged nothing.
    ///
    /// # Errors
    /// As [`Self::settle`].
    pub fn release(&self, reservation: &Reservation) -> Result<(), StoreError> {
        let id = reservation.id;
        self.database.write(|tx| {
            let changed = tx.execute(
                "UPDATE entry SET state = 'released', amount = 0, closed_ms = ?2
                 WHERE id = ?1 AND state IN ('reserved', 'expired')",
                params![id, millis(SystemTime::now())],
            )?;
            if changed == 1 { Ok(()) } else { Err(StoreError::NotOpen { id }.into()) }
        })
    }

    /// Adds records that needed no call, so that reports can say what that saved.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn passed(&self, pipeline: &str, records: u64, at: SystemTime) -> Result<(), StoreError> {
        let day = utc_day(at)?;
        let records = i64::try_from(records).unwrap_or(i64::MAX / 2);
        self.database.write(|tx| {
            tx.execute(
                "INSERT INTO passed VALUES (?1, ?2, ?3)
                 ON CONFLICT (pipeline, day) DO UPDATE SET records = records + excluded.records",
                params![pipeline, day, records],
            )?;
            Ok(())
        })
    }

    /// Marks reservations of processes that are gone as expired and returns how many. Their
    /// amounts go on counting. Processes of other machines are left alone.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn recover(&self) -> Result<usize, StoreError> {
        self.database.write(|tx| {
            let mut statement = tx.prepare(
                "SELECT DISTINCT host, boot, pid, started FROM entry
                 WHERE state = 'reserved' AND batch IS NULL",
            )?;
            let owners = statement
                .query_map([], |row| {
                    Ok(Owner {
                        host: row.get(0)?,
                        boot: row.get(1)?,
                        pid: row.get(2)?,
                        started: row.get(3)?,
                    })
                })?
                .collect::<Result<Vec<_>, _>>()?;
            let now = millis(SystemTime::now());
            let mut count = 0;
            for owner in owners.iter().filter(|owner| owner.is_dead(&self.here)) {
                count += tx.execute(
                    "UPDATE entry SET state = 'expired', closed_ms = ?5
                     WHERE state = 'reserved' AND batch IS NULL AND host = ?1 AND boot = ?2 AND pid = ?3
                           AND started = ?4",
                    params![owner.host, owner.boot, owner.pid, owner.started, now],
                )?;
            }
            Ok(count)
        })
    }
}

/// Sets money aside within a transaction; for a call of a batch, where one is given.
fn reserve(
    tx: &Transaction<'_>,
    request: &Request<'_>,
    here: &Owner,
    batch: Option<i64>,
) -> Result<Charge, Fault> {
    let Request { run, caps, amount, provider, model, at } = *request;
    let day = utc_day(at)?;
    let scopes = [
        (Scope::Run, run, caps.run),
        (Scope::Day, &day, caps.day),
        (Scope::Month, &day[..day.len() - 3], caps.month),
    ];
    for (which, key, cap) in scopes {
        let spent = spent(tx, which, key)?;
        let after = spent.checked_add(amount).ok_or(StoreError::Overflow)?;
        if let Some(cap) = cap.filter(|cap| after > *cap) {
            return Ok(Charge::OverBudget(Refusal { which, spent, cap, wanted: amount }));
        }
    }
    tx.prepare_cached(
        "INSERT INTO entry (run, day, state, amount, reserved, provider, model,
                            created_ms, host, boot, pid, started, batch)
         VALUES (?1, ?2, 'reserved', ?3, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        run,
        day,
        amount.to_sql(),
        provider,
        model,
        millis(at),
        here.host,
        here.boot,
        here.pid,
        here.started,
        batch
    ])?;
    Ok(Charge::Reserved(Reservation { id: tx.last_insert_rowid(), amount }))
}

/// What counts against one cap.
fn spent(tx: &Transaction<'_>, which: Scope, key: &str) -> Result<NanoUsd, Fault> {
    let sum: Option<i64> = tx
        .prepare_cached("SELECT amount FROM total WHERE scope = ?1 AND key = ?2")?
        .query_row(params![which.name(), key], |row| row.get(0))
        .optional()?;
    Ok(NanoUsd::from_sql(sum.unwrap_or(0)))
}

/// `2026-11-21`; its first seven characters are the month.
fn utc_day(at: SystemTime) -> Result<String, StoreError> {
    let stamp = jiff::Timestamp::try_from(at).map_err(|_| StoreError::Time(at))?;
    Ok(stamp.to_zoned(jiff::tz::TimeZone::UTC).date().to_string())
}

/// Milliseconds since 1970, for people who read the file; nothing is computed from it.
fn millis(at: SystemTime) -> i64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
