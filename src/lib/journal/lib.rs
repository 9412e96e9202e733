//! Changes to files that are verified, written down first, and can be undone.
//!
//! A file that repeats another is replaced by a link to it, moved, or deleted: [`Journal::act`].
//! Before each change both are opened, locked against other runs, and compared byte by byte; what
//! is going to happen is then on disk in the journal before it happens; and what is replaced is
//! put aside first, looked at once more, and removed last. So after a crash at any point every
//! content has a name: that of the file that stays, and until the last step also the old one or
//! the one it was put aside under, which the journal knows. [`undo`] brings everything back.
//!
//! Files are put in order with [`Journal::plan`] and [`Journal::carry_out`]: the whole plan is on
//! disk first, so that after a crash [`resume`] does the rest of it, and [`undo`] takes it back.

#![forbid(unsafe_code)]

mod act;
mod content;
mod entry;
mod file;
mod same;
mod step;
mod transfer;
mod trash;
mod undo;

pub use act::{ActError, Action, Change};
pub use entry::{Entry, Step, Way};
pub use file::{Journal, JournalError};
pub use transfer::{Planned, Resumed, Unit, resume};
pub use trash::Trash;
pub use undo::{Undoing, Undone, undo};
