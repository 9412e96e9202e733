//! `fanout`: any filter on every machine in the house, over SSH, and nothing lost.
//!
//! One record in, the record out that the command wrote on some host. Each slot of each host runs
//! the command once, for all of its records: JSON lines go to its standard input, and its answers
//! come back in input order. Who gets what, and what becomes of records whose host is lost, is
//! decided in the crate `dispatch`; connections are made in the crate `ssh`. Here is what lies
//! between: arguments, hosts, input and output, and the thread of each slot.
//!
//! What it never does: hand text of the user or of a host to a shell unquoted, trust a host
//! whose key changed, or leave a record out without saying so.

#![forbid(unsafe_code)]

mod action;
mod args;
mod connection;
mod discover;
mod inventory;
mod joblog;
mod output;
mod plan;
mod ship;
mod slot;
mod source;
mod turns;

pub use args::Fanout;
