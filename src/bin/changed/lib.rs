//! `changed`: only what really changed passes.
//!
//! Events in, those that bring news about their key out, each with `change`. What is news is
//! decided field by field: any difference, or what a rule says (dead bands, levels with hysteresis,
//! debouncing, limits of rate, anomalies, similarity of texts, labels that stay).
//!
//! # What is certain
//! A commit to the state file holds, together: the states of all keys up to some event, the place
//! in the input after that event (`--resume`), events that wait for earlier ones (`--late`), and
//! the lines that are about to be written. Lines are written after their commit, never before.
//!
//! - Killed before a commit: states, place and output are those of the commit before.
//! - Killed between commit and write, or within the write: the next run writes the rest. If stdout
//!   is the same regular file, opened to append, it is compared with the lines byte by byte, so
//!   that each line is there exactly once. Otherwise (a pipe, another file) all lines of that
//!   commit are written again, unless a second commit said that they had been taken; they are
//!   the same byte for byte, so that `dedupe` knows them. What a pipe has taken counts as taken: a
//!   reader that leaves loses what is in it.
//! - Input that the killed process had read and not committed comes again with `--resume`, which
//!   makes the whole exact: regular file in, regular file out, each change once. From a pipe it is
//!   lost with the process: what was read and not committed is at most a quarter of a second old,
//!   or eight times what the last commit took.
//! - After a power cut the file may be that of an earlier commit. With `--resume` lines may then be
//!   repeated; none is lost.
//!
//! A state file belongs to one run at a time, and to one `--key`.

#![forbid(unsafe_code)]

mod anomaly;
mod args;
mod codec;
mod field;
mod filter;
mod key;
mod lines;
mod moment;
mod outlet;
mod output;
mod plan;
mod rule;
mod run;
mod slots;
mod table;
mod time;
mod value;
mod view;
mod watch;

pub use args::Changed;
pub use lines::From;
