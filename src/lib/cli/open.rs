use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use records::{Code, Failure};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags};

use crate::signal::Stop;

/// How long a FIFO may lack a writer, when no timeout is given.
const FIFO_PATIENCE: Duration = Duration::from_secs(10);

/// Why a file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The system said no.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A folder.
    #[error("is a folder")]
    Folder,
    /// A FIFO that nobody writes to.
    #[error("nobody writes to this FIFO")]
    NoWriter,
    /// The program is stopping.
    #[error("stopped")]
    Stopped,
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let code = match error {
            OpenError::NoWriter => Code::Timeout,
            OpenError::Folder => Code::Unsupported,
            OpenError::Io(_) | OpenError::Stopped => Code::Unreadable,
        };
        Self::new(code, error)
    }
}

/// Opens a file to read. A FIFO without a writer is waited for, `patience` at most, instead of
/// for ever.
///
/// # Errors
/// [`OpenError`]; a folder is one too.
pub fn open_input(path: &Path, patience: Option<Duration>, stop: &Stop) -> Result<File, OpenError> {
    // NONBLOCK: opening a FIFO must not wait for its writer. It has no meaning for other files.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).map_err(io::Error::from)?);
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(OpenError::Folder);
    }
    if kind.is_fifo() {
        wait_for_writer(&file, patience.unwrap_or(FIFO_PATIENCE), stop)?;
    }
    let flags = rustix::fs::fcntl_getfl(&file).map_err(io::Error::from)?;
    rustix::fs::fcntl_setfl(&file, flags - OFlags::NONBLOCK).map_err(io::Error::from)?;
    Ok(file)
}

fn wait_for_writer(file: &File, patience: Duration, stop: &Stop) -> Result<(), OpenError> {
    wait_for_input(file, Some(patience), stop).map_err(|e| match e.kind() {
        io::ErrorKind::TimedOut => OpenError::NoWriter,
        io::ErrorKind::ConnectionAborted => OpenError::Stopped,
        _ => OpenError::Io(e),
    })
}

/// Waits until a read returns at once, `patience` at most.
fn wait_for_input(file: &File, patience: Option<Duration>, stop: &Stop) -> io::Result<()> {
    let deadline = patience.and_then(|patience| Instant::now().checked_add(patience));
    loop {
        if stop.is_set() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "no input came in time"));
        }
        let mut fds = [
            PollFd::new(file, PollFlags::IN),
            PollFd::from_borrowed_fd(stop.wake_fd(), PollFlags::IN),
        ];
        let timeout = left.and_then(|left| rustix::event::Timespec::try_from(left).ok());
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) if !fds[0].revents().is_empty() => return Ok(()),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
}

/// A file to read from start to end. Where it is a pipe or a device, a read waits for input only
/// so long, and no longer when there is a reason to stop.
pub struct InputFile {
    file: File,
    /// What a read waits with; nothing for a regular file, which never lets one wait.
    waits: Option<Stop>,
    patience: Option<Duration>,
}

impl InputFile {
    /// Opens as [`open_input`] does. Without `patience`, reads wait for ever.
    ///
    /// # Errors
    /// As [`open_input`].
    pub fn open(path: &Path, patience: Option<Duration>, stop: &Stop) -> Result<Self, OpenError> {
        let file = open_input(path, patience, stop)?;
        let waits = (!file.metadata()?.is_file()).then(|| stop.clone());
        Ok(Self { file, waits, patience })
    }

    /// Whether it can be opened again and read from its start: not so a pipe.
    pub fn is_regular(&self) -> bool {
        self.waits.is_none()
    }
}

impl Read for InputFile {
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] when nothing came in time, and
    /// [`io::ErrorKind::ConnectionAborted`] when there is a reason to stop.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(stop) = &self.waits {
            wait_for_input(&self.file, self.patience, stop)?;
        }
        self.file.read(buffer)
    }
}
