//! Files: gathered first, compared after the last one came.

mod actor;
mod filter;
mod folders;
mod gather;
mod keep;
mod looks;
mod pictures;
mod standing;
mod takeback;

pub(crate) use actor::Actor;
pub(crate) use filter::FilesFilter;
pub(crate) use gather::{Gather, Sizes};
pub use keep::Keep;
pub(crate) use pictures::Pictures;
pub(crate) use takeback::take_back;
