//! `escalate`: the few records that need it go to a bigger model, within a budget.
//!
//! Records for which `--when` holds are sent, with the question, to an OpenAI-compatible service:
//! a provider, a server of one's own, or a local model that is started for the run. The answer
//! comes back as `answer`; every other record passes untouched. Money is set aside in a ledger
//! before a call and settled after it, so that no budget is exceeded, whatever is killed when. What has
//! something private in it does not leave this machine, unless it is allowed to or replaced.
//! Records' texts are data in the prompt; nothing in an answer chooses hosts, files or flags.

#![deny(unsafe_code)]

mod account;
mod args;
mod ask;
mod attempt;
mod batch;
mod calibrate;
mod chain;
pub mod cost;
mod estimate;
pub mod fence;
mod filter;
mod image;
mod item;
mod kept;
mod leak;
pub mod local;
mod offline;
mod pace;
mod plan;
pub mod prompt;
pub mod provider;
mod queue;
pub mod reach;
mod report;
mod routes;
mod schema;
mod select;
mod template;
mod whole;

pub use args::Escalate;
