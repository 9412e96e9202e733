use std::fs::File;
use std::io;
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
    let deadline = Instant::now() + patience;
    loop {
        if stop.is_set() {
            return Err(OpenError::Stopped);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(OpenError::NoWriter);
        }
        let mut fds = [
            PollFd::new(file, PollFlags::IN),
            PollFd::from_borrowed_fd(stop.wake_fd(), PollFlags::IN),
        ];
        let timeout = rustix::event::Timespec::try_from(left).ok();
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) if !fds[0].revents().is_empty() => return Ok(()),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(OpenError::Io(e.into())),
        }
    }
}
