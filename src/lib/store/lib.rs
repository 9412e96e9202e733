//! SQLite behind ledgers, caches and journals.
//!
//! - [`Database`]: one SQLite file, private to its user, brought up to date by named migrations.
//! - [`Ledger`]: what was spent and what may still be spent, right with many processes at once.
//! - [`Cache`]: results by exact content key, bounded in size.
//! - [`Answers`]: answers to records, so that a run that was cut off can be taken up.
//! - [`Seen`]: keys of what was seen in earlier runs.
//! - [`States`]: what is known of each key of a stream, and which output is under way.
//! - [`Digests`]: hashes of files, until they change.
//!
//! Every write is one immediate transaction, so a process that is killed leaves either all of
//! it or nothing. The write-ahead log runs with `synchronous=FULL`: a commit
//! survives the death of the process and a power cut. Only caches and [`States`] leave the latter out.
#![forbid(unsafe_code)]

mod answers;
mod cache;
mod database;
mod digests;
mod error;
mod ledger;
mod money;
mod owner;
mod seen;
mod states;

pub use answers::Answers;
pub use cache::Cache;
pub use database::{Database, Migration};
pub use digests::{Digests, FileState};
pub use error::StoreError;
pub use ledger::{
    Added, Batch, BatchCall, BatchHead, BatchRecord, BatchState, Caps, Charge, Charged, Closed,
    DayTotals, Ledger, ModelTotals, PipelineTotals, Refusal, Request, Reservation, Row, Scope,
    Totals, Usage,
};
pub use money::{NANO_PER_USD, NanoUsd};
pub use seen::Seen;
pub use states::{Place, Sent, StateRow, States};
