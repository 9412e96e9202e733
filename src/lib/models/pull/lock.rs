//! One pull at a time for each file, one tuning at a time, also between processes.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// Held until dropped; the system lets go of it too when the process dies.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Takes the lock for `file` of the store in `dir`, calling `waiting` once if somebody else has
/// it. `Ok(None)` when `stop` was set while waiting.
pub(crate) fn lock(
    dir: &Path,
    file: &str,
    stop: &AtomicBool,
    waiting: &dyn Fn(),
) -> io::Result<Option<Lock>> {
    // The lock file stays: to remove it would let a third process lock a new one of that name
    // while a second one holds the old.
    let path = dir.join(format!(".{file}.lock"));
    let held = fs::OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    let mut told = false;
    while !stop.load(Ordering::Relaxed) {
        match flock(&held, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(Lock { _file: held })),
            Err(Errno::WOULDBLOCK | Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
        if !told {
            waiting();
            told = true;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(None)
}
