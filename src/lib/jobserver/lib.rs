//! CPU slots that all programs of a user on a machine share, as the jobs of one `make` share
//! GNU make's jobserver.
//!
//! Three model filters in one pipe, each with a thread a core, would have three times as many
//! busy threads as there are cores. With a [`Jobserver`] a thread computes while it holds a
//! slot; there is one slot a core, and a thread that waits for input holds none. A step that
//! computes on several threads takes as many slots.
//!
//! A slot is a file and holding it is an advisory lock on it (`flock(2)`): the system gives it
//! back when the holder ends, however it ends, and there is no daemon. Who wants a slot first
//! locks the file `queue` and keeps it until a slot is free, so that a holder who gives up its
//! slot and wants one again goes behind those who wait already. Only the head of the queue looks
//! at the slots, every millisecond. Slots of a process that is stopped count as free: Ctrl-Z on
//! one program does not hold up the others.
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! # let folder = tempfile::tempdir()?;
//! use headwater_jobserver::Jobserver;
//!
//! let mut worker = Jobserver::open(folder.path(), 2)?.worker(0);
//! if worker.acquire(|| false) {
//!     // … a step of work …
//!     worker.turn(|| false);
//!     // … another …
//!     worker.release();
//! }
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod folder;
mod worker;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use worker::Worker;

/// Most slots of a machine: there is a file for each.
const MAX_SLOTS: usize = 1024;

/// The slots of a user on a machine.
#[derive(Clone, Debug)]
pub struct Jobserver {
    folder: Arc<PathBuf>,
    slots: usize,
}

impl Jobserver {
    /// The slots of the user this process runs as: as many as the process may use cores, in a
    /// folder that is the same for a login session and a cron job.
    ///
    /// # Errors
    /// The folder cannot be made, or is not the user's own.
    pub fn for_user() -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::open(&folder::of_user()?, cores)
    }

    /// `slots` slots in a folder, which is made if it is missing.
    ///
    /// # Errors
    /// The folder cannot be made or is not private to the user: another user could hold slots in
    /// it for ever.
    pub fn open(folder: &Path, slots: usize) -> io::Result<Self> {
        folder::make_private(folder)?;
        Ok(Self { folder: Arc::new(folder.to_owned()), slots: slots.clamp(1, MAX_SLOTS) })
    }

    /// A thread that computes. `number` tells the threads of this process apart: each tries
    /// another slot first.
    #[must_use]
    pub fn worker(&self, number: usize) -> Worker {
        let pid = usize::try_from(std::process::id()).unwrap_or(0);
        Worker::new(Arc::clone(&self.folder), self.slots, pid.wrapping_add(number) % self.slots)
    }
}
