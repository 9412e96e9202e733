//! Files with the same content, found with as little reading as possible.
//!
//! [`identical`] looks at files in stages, each only at those that no earlier one could tell
//! apart, as fclones does: size, inode (names of one file are not read twice), the first bytes,
//! the last bytes, all of it. Devices are read at the same time, solid ones by many threads, a
//! spinning one by one thread in the order of the platter. Hashes are BLAKE3, kept in a
//! [`store::Digests`] until the file changes.

#![forbid(unsafe_code)]

mod device;
mod files;
mod read;
mod search;
mod state;

pub use files::Files;
pub use read::ReadError;
pub use search::{Found, Group, Options, Stage, identical, is_settled};
pub use state::States;
