use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With this status.
    Status(i32),
    /// By a signal.
    Signal(String),
    /// Nobody knows: the connection was lost.
    Lost(String),
}

/// A running process and its three streams. Nothing blocks: what cannot be done at once is
/// [`io::ErrorKind::WouldBlock`], and [`Pipe::wait`] returns when to try again.
pub trait Pipe {
    /// Writes to its standard input; how many bytes went.
    ///
    /// # Errors
    /// `WouldBlock`, or the process reads no more.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Hands over what is written, and ends its standard input. To be called again while it
    /// would block.
    ///
    /// # Errors
    /// As [`Pipe::write`].
    fn close_input(&mut self) -> io::Result<()>;

    /// Reads its standard output; 0 at the end.
    ///
    /// # Errors
    /// `WouldBlock`, or the connection is lost.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Reads its standard error; 0 at the end.
    ///
    /// # Errors
    /// As [`Pipe::read`].
    fn read_errors(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Waits until there is something to read, or room to write when `writing`, or `wake` is
    /// readable, or `limit` is over.
    ///
    /// # Errors
    /// The host was silent for too long.
    fn wait(&mut self, writing: bool, wake: BorrowedFd<'_>, limit: Duration) -> io::Result<()>;

    /// How it ended. Waits a little for it to do so, then makes it.
    fn end(&mut self) -> End;
}
