//! Records spread over workers: who gets how many, in what order answers leave, what is tried
//! again and where, what is kept for the next run.
//!
//! A worker is whatever answers records ([`Worker`]): a process behind an SSH channel, a child
//! process, a subscriber of a queue. Workers come ([`Supplier::join`]) and go ([`Member::left`])
//! by themselves; nothing here opens a connection, or knows that there is one.
//!
//! # What holds
//! - Every record that is read leaves once: with its answer, or with an `error` that says why
//!   not. Only a run that is stopped leaves records out, and says how many.
//! - An answer belongs to the oldest record that the worker has not answered; see
//!   [`Matching`] for how that is checked. A worker that answers anything else is given up.
//! - What was with a worker that is gone goes to another one. A record that was lost twice is
//!   sent alone, so that the next loss says whose fault it was; one that ended two workers is
//!   given up.
//! - A worker that has nothing to do takes over what others take long for: the first answer
//!   counts.
//! - Memory is bounded: by records between input and output, by their bytes, and by what is
//!   with each worker.

#![forbid(unsafe_code)]

mod answers;
mod assign;
mod check;
mod credit;
mod dispatcher;
mod ending;
mod faults;
mod output;
mod task;
mod worker;

#[cfg(test)]
mod tests;

pub use check::Matching;
pub use dispatcher::{Dispatcher, Input, Options};
pub use output::{Done, HostState, Sink, Stopped, Summary, Why};
pub use worker::{Departure, Member, Stopper, Supplier, Worker};
