use std::io::{self, Read};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::stdio::{stdin, stdout};

use crate::signal::Stop;

/// Stdin, read without a buffer, that can be woken: while it waits for input it also watches for
/// a reason to stop, and for the reader of stdout to leave.
pub struct Stdin {
    stop: Stop,
}

impl Stdin {
    /// Stdin that wakes when `stop` is set.
    pub fn new(stop: &Stop) -> Self {
        Self { stop: stop.clone() }
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
            match poll(&mut fds, None) {
                Err(rustix::io::Errno::INTR) => continue,
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
