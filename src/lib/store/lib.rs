//! SQLite behind ledgers, caches and journals.
//!
//! - [`Database`]: one SQLite file, private to its user, brought up to date by named migrations.
//! - [`Ledger`]: what was spent and what may still be spent, right with many processes at once.
//! - [`Cache`]: results by exact content key, bounded in size.
//!
//! Every write is one immediate transaction, so a process that is killed leaves either all of
//! it or nothing. The write-ahead log runs with `synchronous=FULL`: a commit
//! survives the death of the process and a power cut. Only caches leave the latter out.
#![forbid(unsafe_code)]

mod cache;
mod database;
mod error;
mod ledger;
mod money;
mod owner;

pub use cache::Cache;
pub use database::{Database, Migration};
pub use error::StoreError;
pub use ledger::{
    Caps, Charge, DayTotals, Ledger, ModelTotals, Refusal, Request, Reservation, Scope, Totals,
    Usage,
};
pub use money::{NANO_PER_USD, NanoUsd};
