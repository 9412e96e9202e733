use std::io::{self, Read as _, Write as _};
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{End, Pipe, Session};

/// Bytes written in one go: what fits one packet.
const PACKET: usize = 32_000;

/// How long a channel may take to close.
const CLOSING_MS: u32 = 2_000;

/// A process at the other end of a [`Session`].
pub struct Channel<'s> {
    session: &'s Session,
    inner: ssh2::Channel,
    /// A write that would have blocked has to be repeated with as many bytes.
    repeated: Option<usize>,
    heard: Instant,
    alive: Instant,
    at_end: bool,
}

impl<'s> Channel<'s> {
    pub(crate) fn new(session: &'s Session, inner: ssh2::Channel) -> Self {
        let now = Instant::now();
        Self { session, inner, repeated: None, heard: now, alive: now, at_end: false }
    }

    fn keep_alive(&mut self) -> io::Result<()> {
        if self.heard.elapsed() > self.session.silence() {
            let seconds = self.session.silence().as_secs();
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("the host was silent for {seconds} seconds"),
            ));
        }
        if self.alive.elapsed() > self.session.silence() / 4 {
            self.alive = Instant::now();
            // A full socket says enough by itself.
            match self.session.inner.keepalive_send() {
                Err(e) if !is_wait(&e) => return Err(io::Error::from(e)),
                _ => {}
            }
        }
        Ok(())
    }
}

fn is_wait(error: &ssh2::Error) -> bool {
    // LIBSSH2_ERROR_EAGAIN
    error.code() == ssh2::ErrorCode::Session(-37)
}

impl Pipe for Channel<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.repeated.unwrap_or(PACKET).min(bytes.len());
        let result = self.inner.write(&bytes[..length]);
        let waits = result.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::WouldBlock);
        self.repeated = waits.then_some(length);
        match result {
            Ok(0) => Err(io::ErrorKind::WouldBlock.into()),
            other => other,
        }
    }

    fn close_input(&mut self) -> io::Result<()> {
        self.inner.send_eof().map_err(io::Error::from)
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.at_end = n == 0;
        Ok(n)
    }

    fn read_errors(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.stderr().read(buffer)
    }

    fn wait(&mut self, writing: bool, wake: BorrowedFd<'_>, limit: Duration) -> io::Result<()> {
        // Reading one stream may have brought in bytes of the other.
        if self.inner.read_window().available > 0 {
            return Ok(());
        }
        let directions = self.session.inner.block_directions();
        let outbound =
            matches!(directions, ssh2::BlockDirections::Outbound | ssh2::BlockDirections::Both);
        let mut interest = PollFlags::IN;
        if writing && outbound {
            interest |= PollFlags::OUT;
        }
        let mut fds = [
            PollFd::from_borrowed_fd(self.session.socket(), interest),
            PollFd::from_borrowed_fd(wake, PollFlags::IN),
        ];
        let limit = limit.min(self.session.silence() / 4);
        let timeout = Timespec::try_from(limit).ok();
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
        if !fds[0].revents().is_empty() {
            self.heard = Instant::now();
        }
        self.keep_alive()
    }

    fn end(&mut self) -> End {
        let session = &self.session.inner;
        session.set_blocking(true);
        session.set_timeout(CLOSING_MS);
        // A process that goes on after its output is closed gets no status from us.
        let ended = self.at_end && self.inner.wait_eof().is_ok();
        // One that is given up in the middle is not waited for.
        let closed = self.inner.close().is_ok() && ended && self.inner.wait_close().is_ok();
        let signal = self.inner.exit_signal().ok().and_then(|s| s.exit_signal);
        let status = self.inner.exit_status();
        session.set_blocking(false);
        match (ended && closed, signal, status) {
            (_, Some(signal), _) => End::Signal(signal),
            (true, None, Ok(status)) => End::Status(status),
            _ => End::Lost("the connection was lost".into()),
        }
    }
}
