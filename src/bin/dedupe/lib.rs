//! `dedupe`: nothing is handled twice.
//!
//! Records in, the first of each content out, untouched; with `--report` every record with `dup`:
//! `group`, `of` (what it repeats), `kind`, `similarity` and `why`. Records are the same by their
//! whole content, by some fields, or, with `--near`, nearly so by their texts or by their
//! embeddings. Files are compared
//! by their bytes, and `--apply` puts links in place of repeated ones, moves or deletes them:
//! after each pair was compared byte by byte once more, never the last copy, and with a journal
//! that `--undo` reads.

#![forbid(unsafe_code)]

mod args;
mod content;
mod files;
mod filter;
mod firsts;
mod fold;
mod meaning;
mod near;
mod output;
mod plan;
mod regroup;

pub use args::Dedupe;
pub use files::Keep;
pub use fold::Fold;
pub use meaning::Nearness;
