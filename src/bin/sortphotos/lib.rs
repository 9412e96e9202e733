//! `sortphotos`: pictures and videos in their place.
//!
//! Files in; each leaves with `photo` (when it was taken, and from where that is known; camera,
//! place; what it looks like; its burst) and `plan` (where it goes, and why). With `--apply` the
//! plan is written to a journal, made, and can be taken back with `--undo`.

#![forbid(unsafe_code)]

mod acting;
mod args;
mod candidates;
mod destination;
mod filter;
mod gather;
mod item;
mod look;
mod names;
mod output;
mod plan;
mod read;
mod sheet;
mod sidecars;
mod sight;
mod spread;
mod summary;
mod takeback;
mod template;
mod thumbnails;

pub use args::{Apply, Export, Look, Sortphotos};
pub use template::Template;
