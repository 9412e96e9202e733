use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::event::{PollFd, PollFlags, poll};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

use crate::error::Error;

/// Says that the program should stop: a signal came, or nobody reads its output any more.
///
/// The first signal asks: what is being done ends, whole lines are written. The second one ends
/// the process at once.
#[derive(Clone)]
pub struct Stop {
    flag: Arc<AtomicBool>,
    signal: Arc<AtomicUsize>,
    wake: Arc<(UnixStream, UnixStream)>,
}

impl Stop {
    /// Catches SIGINT and SIGTERM.
    pub(crate) fn install() -> Result<Self, Error> {
        let stop = Self::unarmed()?;
        for signal in [SIGINT, SIGTERM] {
            stop.catch(signal).map_err(|e| Error::setup(format!("cannot catch signals: {e}")))?;
        }
        Ok(stop)
    }

    /// A stop that no signal sets: for tests, and for programs inside programs.
    ///
    /// # Errors
    /// When no pair of sockets can be had.
    pub fn unarmed() -> Result<Self, Error> {
        let pair =
            UnixStream::pair().map_err(|e| Error::setup(format!("cannot make sockets: {e}")))?;
        Ok(Self { flag: Arc::default(), signal: Arc::default(), wake: Arc::new(pair) })
    }

    fn catch(&self, signal: i32) -> io::Result<()> {
        // In this order: the second signal finds the flag set by the first.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&self.flag))?;
        flag::register_usize(signal, Arc::clone(&self.signal), signal.unsigned_abs() as usize)?;
        flag::register(signal, Arc::clone(&self.flag))?;
        low_level::pipe::register(signal, self.wake.1.try_clone()?)?;
        Ok(())
    }

    /// Whether to stop.
    pub fn is_set(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// Asks everybody to stop, and wakes a reader that waits for input.
    pub fn set(&self) {
        self.flag.store(true, Ordering::Relaxed);
        // A full pipe has woken everybody already.
        let _ = io::Write::write(&mut &self.wake.1, b"x");
    }

    /// The flag itself, for an engine that looks at it between steps.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.flag)
    }

    /// The signal that was caught.
    pub fn signal(&self) -> Option<i32> {
        match self.signal.load(Ordering::Relaxed) {
            0 => None,
            number => i32::try_from(number).ok(),
        }
    }

    /// Waits until the stop is set.
    pub fn wait(&self) {
        while !self.is_set() {
            let mut fds = [PollFd::from_borrowed_fd(self.wake_fd(), PollFlags::IN)];
            // Interrupted or not, the flag is looked at again.
            let _ = poll(&mut fds, None);
        }
    }

    /// Becomes readable when the stop is set.
    pub(crate) fn wake_fd(&self) -> BorrowedFd<'_> {
        self.wake.0.as_fd()
    }
}
