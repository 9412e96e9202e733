//! What may be sent to other machines to run there: a folder of programs with a list of what they
//! are, signed with [minisign](https://jedisct1.github.io/minisign/). `make dist` makes one.
//!
//! ```text
//! manifest.json           the list
//! manifest.json.minisig   its signature
//! BUILD/PROGRAM           the programs of each build
//! ```
//!
//! The list is read only after its signature held, and a program is sent only as the bytes whose
//! SHA-256 the list has.

mod manifest;

pub use manifest::{Artifact, Build, Dist, TrustError};
