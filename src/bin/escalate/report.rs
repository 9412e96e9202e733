//! `--ledger`: what was spent on what, and what was not.

use cli::{Error, Exit};
use records::{Record, WriteError, Writer};
use store::{Ledger, NanoUsd, Totals};

use crate::account::in_dollars;

/// Prints a record for each day, each model and each pipeline, and one for everything.
pub(crate) fn run() -> Result<Exit, Error> {
    let ledger = Ledger::open(&cli::env::state_folder()?.join("ledger.db"))?;
    let mut out = Writer::new(std::io::stdout(), false);
    for record in rows(&ledger)? {
        match out.record(&record) {
            Ok(()) => {}
            Err(WriteError::Closed) => return Ok(Exit::Success),
            Err(e) => return Err(e.into()),
        }
    }
    match out.flush() {
        Ok(()) | Err(WriteError::Closed) => Ok(Exit::Success),
        Err(e) => Err(e.into()),
    }
}

fn rows(ledger: &Ledger) -> Result<Vec<Record>, Error> {
    let mut rows = Vec::new();
    for day in ledger.by_day()? {
        rows.push(row("day", &[("day", &day.day)], &day.totals));
    }
    for model in ledger.by_model()? {
        let names = [("provider", model.provider.as_str()), ("model", &model.model)];
        rows.push(row("model", &names, &model.totals));
    }
    for pipeline in ledger.by_pipeline()? {
        let mut record = row("pipeline", &[("pipeline", &pipeline.pipeline)], &pipeline.totals);
        record.set("passed", &pipeline.passed);
        record.set("saved", &saved(&pipeline.totals, pipeline.passed).map(in_dollars));
        rows.push(record);
    }
    rows.push(row("all", &[], &ledger.totals()?));
    Ok(rows)
}

fn row(by: &str, names: &[(&str, &str)], totals: &Totals) -> Record {
    let mut record = Record::new();
    record.set("by", by);
    for (key, name) in names {
        record.set(key, *name);
    }
    record.set("calls", &totals.calls);
    record.set("tokens_in", &totals.tokens_in);
    record.set("tokens_out", &totals.tokens_out);
    record.set("spent", &in_dollars(totals.spent));
    record.set("pending", &in_dollars(totals.pending));
    record.set("expired", &in_dollars(totals.expired));
    record
}

/// What as many calls as records passed would have cost, at the mean of the calls that were made;
/// none where none was made.
fn saved(totals: &Totals, passed: u64) -> Option<NanoUsd> {
    let mean = u128::from(totals.spent.get()).checked_div(u128::from(totals.calls))?;
    u64::try_from(mean * u128::from(passed)).ok().and_then(NanoUsd::new)
}
