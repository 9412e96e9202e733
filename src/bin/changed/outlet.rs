//! Output and state, so that neither gets ahead of the other.
//!
//! A commit takes the states of the keys, the place in the input, and the lines that are about to
//! be written: all or nothing. Only then are the lines written. A process that is killed before
//! the commit has done nothing; one that is killed after it has its lines in the state file, and
//! the next run writes what of them is missing: in a regular file it looks, byte by byte; of a
//! pipe nobody can know what was read, so there all lines of that commit come again unless a
//! second, small commit says that they were written.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::sync::{Arc, Mutex};

use cli::Stop;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::stdio::{stdin, stdout};
use store::{Place, Sent, StoreError};

use crate::filter::lock;
use crate::run::Run;

/// Bytes of lines that may wait for a commit while more input waits: a commit of many keys costs
/// as much for few lines as for many.
const MOST: usize = 32 << 20;

/// Where lines go out.
pub(crate) struct Outlet {
    run: Arc<Mutex<Run>>,
    stop: Stop,
    lines: Vec<u8>,
    /// Output has failed: what the last commit holds is left for the next run.
    failed: bool,
}

/// An outlet for the driver and for the end of the run.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<Outlet>>);

impl Shared {
    pub(crate) fn new(run: Arc<Mutex<Run>>, stop: Stop) -> Self {
        Self(Arc::new(Mutex::new(Outlet { run, stop, lines: Vec::new(), failed: false })))
    }

    /// Writes and commits what is left.
    pub(crate) fn close(&self) -> io::Result<()> {
        let mut outlet = lock(&self.0);
        outlet.send()?;
        if outlet.failed {
            return Ok(());
        }
        // What becomes of the file from now on is the user's affair.
        lock(&outlet.run).watch.table.arrived().map_err(broken)
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).take(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        lock(&self.0).flush()
    }
}

impl Outlet {
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !lock(&self.run).watch.table.is_kept() {
            return self.write(bytes);
        }
        self.lines.extend_from_slice(bytes);
        if self.lines.len() > MOST { self.send() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        let is_due = {
            let mut run = lock(&self.run);
            let table = &mut run.watch.table;
            if !table.is_kept() {
                if table.is_full() {
                    table.spill().map_err(broken)?;
                }
                return io::stdout().flush();
            }
            let is_full = table.is_full();
            let nothing = self.lines.is_empty() && !run.is_dirty();
            let now = self.stop.is_set() || run.ending || is_full || run.is_time();
            !nothing && (now || (!self.lines.is_empty() && !is_more_waiting()))
        };
        if is_due { self.send() } else { Ok(()) }
    }

    /// Commits, then writes.
    fn send(&mut self) -> io::Result<()> {
        let mut run = lock(&self.run);
        if !run.watch.table.is_kept() || self.failed {
            return Ok(());
        }
        if self.lines.is_empty() {
            return if run.is_dirty() { run.commit(None).map_err(broken) } else { Ok(()) };
        }
        let place = end_of_output();
        let sent = Some((&self.lines[..], place));
        // Until the lines are out, nothing may take their place in the state file.
        self.failed = true;
        run.commit(sent).map_err(broken)?;
        drop(run);
        let lines = std::mem::take(&mut self.lines);
        self.write(&lines)?;
        self.failed = false;
        self.lines = lines;
        self.lines.clear();
        if place == Place::NONE {
            lock(&self.run).watch.table.arrived().map_err(broken)?;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }
}

fn broken(error: StoreError) -> io::Error {
    io::Error::other(format!("state file: {error}"))
}

/// Whether a read from stdin would not wait.
fn is_more_waiting() -> bool {
    let mut fds = [PollFd::from_borrowed_fd(stdin(), PollFlags::IN)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&at_once)).is_ok_and(|_| fds[0].revents().contains(PollFlags::IN))
}

/// Where the next line will stand, if stdout is a regular file.
fn end_of_output() -> Place {
    let Ok(stat) = rustix::fs::fstat(stdout()) else { return Place::NONE };
    if !rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file() {
        return Place::NONE;
    }
    let appends = rustix::fs::fcntl_getfl(stdout())
        .is_ok_and(|flags| flags.contains(rustix::fs::OFlags::APPEND));
    let start = if appends {
        stat.st_size.unsigned_abs()
    } else {
        rustix::fs::seek(stdout(), rustix::fs::SeekFrom::Current(0)).unwrap_or(0)
    };
    Place { device: stat.st_dev, inode: stat.st_ino, start }
}

/// Writes what of the last run's output is missing.
pub(crate) fn recover(sent: &Sent) -> io::Result<()> {
    let now = end_of_output();
    let same =
        now != Place::NONE && (now.device, now.inode) == (sent.place.device, sent.place.inode);
    let arrived = if same && now.start >= sent.place.start { common(sent)? } else { 0 };
    let missing = &sent.bytes[arrived..];
    if !missing.is_empty() {
        log::info!(
            "the last run was killed: {} bytes of its output are written now",
            missing.len()
        );
    }
    let mut out = io::stdout().lock();
    out.write_all(missing)?;
    out.flush()
}

/// How many bytes of the output stand in the file where they were to stand, up to its end; none if
/// something else stands there.
fn common(sent: &Sent) -> io::Result<usize> {
    // Stdout itself may be open for writing only.
    let Ok(mut file) = File::open("/proc/self/fd/1") else { return Ok(0) };
    file.seek(SeekFrom::Start(sent.place.start))?;
    let mut there = Vec::new();
    file.take(sent.bytes.len() as u64).read_to_end(&mut there)?;
    Ok(if sent.bytes.starts_with(&there) { there.len() } else { 0 })
}
