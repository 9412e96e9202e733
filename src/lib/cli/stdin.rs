use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::stdio::{stdin, stdout};

use crate::signal::Stop;

/// Stdin, read without a buffer, that can be woken: while it waits for input it also watches for
/// a reason to stop, and for the reader of stdout to leave.
pub struct Stdin {
    stop: Stop,
    due: Due,
}

/// When a read that waits is to be given up, once.
#[derive(Clone, Default)]
pub(crate) struct Due(Arc<Mutex<Option<Instant>>>);

impl Due {
    pub(crate) fn set(&self, at: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    fn left(&self) -> Option<Timespec> {
        let due = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = due?.saturating_duration_since(Instant::now());
        Timespec::try_from(left).ok()
    }
}

impl Stdin {
    /// Stdin that wakes when `stop` is set.
    pub fn new(stop: &Stop) -> Self {
        Self::until(stop, Due::default())
    }

    /// The same; a read that waits when it is `due` ends with [`io::ErrorKind::WouldBlock`].
    pub(crate) fn until(stop: &Stop, due: Due) -> Self {
        Self { stop: stop.clone(), due }
    }
}

impl Read for Stdin {
    /// # Errors
    /// [`io::ErrorKind::ConnectionAborted`] when there is a reason to stop.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut fds = [
                PollFd::from_borrowed_fd(stdin(), PollFlags::IN),
                PollFd::from_borrowed_fd(self.stop.wake_fd(), PollFlags::IN),
                // Asked for nothing, a pipe still tells that its reader is gone.
                PollFd::from_borrowed_fd(stdout(), PollFlags::empty()),
            ];
            match poll(&mut fds, self.due.left().as_ref()) {
                Err(rustix::io::Errno::INTR) => continue,
                Ok(0) => {
                    self.due.set(None);
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                other => other.map_err(io::Error::from)?,
            };
            if fds[2].revents().contains(PollFlags::ERR) {
                self.stop.set();
            }
            if self.stop.is_set() {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            if !fds[0].revents().is_empty() {
                return Ok(rustix::io::read(stdin(), &mut *buffer)?);
            }
        }
    }
}
