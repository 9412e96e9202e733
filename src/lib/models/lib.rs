//! The model store: catalogue, files on disk, pull, verify, import, scan.
//!
//! What a program needs to run a model is one call: [`Store::resolve`] turns a name or path into
//! a file that is there, checked, and of the right format. Programs never download by themselves;
//! [`pull`] does, when the user asks for it.

pub mod catalogue;
pub mod cpu;
pub mod digest;
#[cfg(test)]
mod fixture;
pub mod import;
pub mod inspect;
pub mod memory;
pub mod pull;
pub mod scan;
pub mod store;
pub mod tuning;

pub use catalogue::{Catalogue, CatalogueError, CatalogueFileError, Entry, Format, Role, Task};
pub(crate) use catalogue::{is_file_name, is_model_name};
pub use digest::Sha256;
pub use inspect::{InspectError, Inspection};
pub use pull::{Event, Progress, PullError, PullOptions, Pulled, pull};
pub use scan::{Found, Places, scan};
pub use store::{
    AddOptions, Added, Keep, Listed, ResolveError, Resolved, Store, StoreError, TunedFile, Tuning,
};
