use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

use crate::{End, Pipe};

/// How long a process may go on after its output has ended.
const ENDING: Duration = Duration::from_secs(2);

/// The status that ssh ends with when it failed itself.
const SSH_FAILED: i32 = 255;

/// A child process: the system's ssh, or a shell on this machine.
pub struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    is_ssh: bool,
    out_open: bool,
    err_open: bool,
}

impl Process {
    /// Starts a program of this machine, in a process group of its own: a Ctrl-C at the terminal
    /// is for us alone.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(program: &str, arguments: &[String]) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let stdin = child.stdin.take();
        let fds = [
            stdin.as_ref().map(AsFd::as_fd),
            child.stdout.as_ref().map(AsFd::as_fd),
            child.stderr.as_ref().map(AsFd::as_fd),
        ];
        for fd in fds.into_iter().flatten() {
            let flags = rustix::fs::fcntl_getfl(fd)?;
            rustix::fs::fcntl_setfl(fd, flags | OFlags::NONBLOCK)?;
        }
        let is_ssh = program == "ssh";
        Ok(Self { child, stdin, is_ssh, out_open: true, err_open: true })
    }

    fn kill(&mut self) {
        // It and what it started: they share a process group.
        if let Some(group) =
            i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
    }
}

impl Pipe for Process {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.stdin {
            Some(stdin) => stdin.write(bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn close_input(&mut self) -> io::Result<()> {
        self.stdin = None;
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(stdout) = &mut self.child.stdout else { return Ok(0) };
        let n = stdout.read(buffer)?;
        self.out_open = n > 0;
        Ok(n)
    }

    fn read_errors(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(stderr) = &mut self.child.stderr else { return Ok(0) };
        let n = stderr.read(buffer)?;
        self.err_open = n > 0;
        Ok(n)
    }

    fn wait(&mut self, writing: bool, wake: BorrowedFd<'_>, limit: Duration) -> io::Result<()> {
        let mut fds = vec![PollFd::from_borrowed_fd(wake, PollFlags::IN)];
        if let (Some(out), true) = (&self.child.stdout, self.out_open) {
            fds.push(PollFd::new(out, PollFlags::IN));
        }
        if let (Some(err), true) = (&self.child.stderr, self.err_open) {
            fds.push(PollFd::new(err, PollFlags::IN));
        }
        if let (Some(stdin), true) = (&self.stdin, writing) {
            fds.push(PollFd::new(stdin, PollFlags::OUT));
        }
        let timeout = Timespec::try_from(limit).ok();
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    fn end(&mut self) -> End {
        self.stdin = None;
        let deadline = Instant::now() + ENDING;
        // Whoever still writes has to get rid of it, or it would never end.
        if self.out_open || Instant::now() > deadline {
            self.kill();
        }
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break Ok(status),
                Ok(None) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                _ => {
                    self.kill();
                    break self.child.wait();
                }
            }
        };
        match status {
            Err(e) => End::Lost(e.to_string()),
            Ok(status) => match (status.code(), status.signal()) {
                (Some(SSH_FAILED), _) if self.is_ssh => End::Lost("ssh lost the connection".into()),
                (Some(code), _) => End::Status(code),
                (None, signal) => End::Signal(signal.unwrap_or(0).to_string()),
            },
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill();
            let _ = self.child.wait();
        }
    }
}
