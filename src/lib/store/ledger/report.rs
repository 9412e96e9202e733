//! Sums for reports.

use rusqlite::{Params, Row, params};

use super::{Ledger, Request, Scope, utc_day};
use crate::{NanoUsd, StoreError};

/// Sums over a set of calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Calls that were made or may have been made (all but the released).
    pub calls: u64,
    /// Everything that counts against caps: settled costs, and the worst case of the rest.
    pub spent: NanoUsd,
    /// The part of `spent` that is set aside for calls under way.
    pub pending: NanoUsd,
    /// The part of `spent` whose process died before it could settle: at most this much more
    /// than what the provider's bill says.
    pub expired: NanoUsd,
    /// Tokens of settled requests.
    pub tokens_in: u64,
    /// Tokens of settled answers.
    pub tokens_out: u64,
}

/// One day (UTC).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayTotals {
    /// `2026-11-21`.
    pub day: String,
    /// Its sums.
    pub totals: Totals,
}

/// One model of one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelTotals {
    /// Who was asked.
    pub provider: String,
    /// The model's name there.
    pub model: String,
    /// Its sums.
    pub totals: Totals,
}

/// One pipeline: all runs whose name begins with its name and a slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineTotals {
    /// Its name; empty for runs without one.
    pub pipeline: String,
    /// Its sums.
    pub totals: Totals,
    /// Records that needed no call.
    pub passed: u64,
}

/// The six sums, in the order of [`Totals`]' fields. Negative token counts cannot be written
/// by this program; `max` keeps a hand-edited file from becoming a huge number.
const SUMS: &str = "
    count(CASE WHEN state <> 'released' THEN 1 END),
    coalesce(sum(amount), 0),
    coalesce(sum(CASE WHEN state = 'reserved' THEN amount END), 0),
    coalesce(sum(CASE WHEN state = 'expired' THEN amount END), 0),
    max(coalesce(sum(tokens_in), 0), 0),
    max(coalesce(sum(tokens_out), 0), 0)";

fn totals(row: &Row<'_>, first: usize) -> rusqlite::Result<Totals> {
    let count = |i: usize| row.get::<_, i64>(first + i).map(|n| n.max(0).unsigned_abs());
    let money = |i: usize| row.get::<_, i64>(first + i).map(NanoUsd::from_sql);
    Ok(Totals {
        calls: count(0)?,
        spent: money(1)?,
        pending: money(2)?,
        expired: money(3)?,
        tokens_in: count(4)?,
        tokens_out: count(5)?,
    })
}

impl Ledger {
    /// Everything ever.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn totals(&self) -> Result<Totals, StoreError> {
        self.one(&format!("SELECT {SUMS} FROM entry"), [])
    }

    /// What is set aside for calls under way and counts against one cap of `request`. What waits
    /// for a provider's batch is not in it: nobody waits a day for that.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn pending(&self, which: Scope, request: &Request<'_>) -> Result<NanoUsd, StoreError> {
        let day = utc_day(request.at)?;
        let sql = "SELECT coalesce(sum(amount), 0) FROM entry WHERE state = 'reserved' AND
                   batch IS NULL AND CASE ?1 WHEN 'run' THEN run = ?2
                           WHEN 'day' THEN day = ?3
                           ELSE substr(day, 1, length(day) - 3) = ?4 END";
        let month = &day[..day.len() - 3];
        let values = params![which.name(), request.run, day, month];
        self.database.read(|c| Ok(NanoUsd::from_sql(c.query_row(sql, values, |row| row.get(0))?)))
    }

    /// One run.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn run_totals(&self, run: &str) -> Result<Totals, StoreError> {
        self.one(&format!("SELECT {SUMS} FROM entry WHERE run = ?1"), [run])
    }

    /// By day, the earliest first.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn by_day(&self) -> Result<Vec<DayTotals>, StoreError> {
        self.many(&format!("SELECT day, {SUMS} FROM entry GROUP BY day ORDER BY day"), |row| {
            Ok(DayTotals { day: row.get(0)?, totals: totals(row, 1)? })
        })
    }

    /// By provider and model, the most expensive first.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn by_model(&self) -> Result<Vec<ModelTotals>, StoreError> {
        let sql = format!(
            "SELECT provider, model, {SUMS} FROM entry GROUP BY provider, model
             ORDER BY sum(amount) DESC, provider, model"
        );
        self.many(&sql, |row| {
            Ok(ModelTotals { provider: row.get(0)?, model: row.get(1)?, totals: totals(row, 2)? })
        })
    }

    /// By pipeline, by name.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn by_pipeline(&self) -> Result<Vec<PipelineTotals>, StoreError> {
        let sql = format!(
            "WITH named AS (SELECT *, CASE WHEN instr(run, '/') > 0
                                      THEN substr(run, 1, instr(run, '/') - 1)
                                      ELSE '' END AS pipeline FROM entry),
                  names AS (SELECT pipeline FROM named UNION SELECT pipeline FROM passed)
             SELECT names.pipeline,
                    max((SELECT coalesce(sum(records), 0) FROM passed
                         WHERE passed.pipeline = names.pipeline), 0),
                    {SUMS}
             FROM names LEFT JOIN named ON named.pipeline = names.pipeline
             GROUP BY names.pipeline ORDER BY names.pipeline"
        );
        self.many(&sql, |row| {
            Ok(PipelineTotals {
                pipeline: row.get(0)?,
                passed: row.get::<_, i64>(1)?.max(0).unsigned_abs(),
                totals: totals(row, 2)?,
            })
        })
    }

    fn one(&self, sql: &str, key: impl Params) -> Result<Totals, StoreError> {
        self.database.read(|c| Ok(c.query_row(sql, key, |row| totals(row, 0))?))
    }

    fn many<T>(
        &self,
        sql: &str,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.database.read(|c| {
            let mut statement = c.prepare(sql)?;
            let rows = statement.query_map([], read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
