//! A model on this machine: `serve` as a child process behind a private socket.
//!
//! The child is started as `serve --socket PATH --model NAME --quiet --exit-on-stdin-eof`. Its
//! standard input is a pipe that we hold and never write to: when we die, however suddenly, the
//! pipe ends and so does the child.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::provider::{Address, Timeouts, healthy};

/// How often a starting child is asked whether it is ready.
const ASK_EVERY: Duration = Duration::from_millis(20);
/// Lines of the child's messages that are kept for an error.
const TAIL_LINES: usize = 8;
/// Longest of these lines that is kept, in characters.
const LINE_LENGTH: usize = 300;

/// Why there is no local server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// There is no such program beside ours or on the search path.
    #[error("cannot find the program \"serve\"")]
    NotFound,
    /// The private folder or the process could not be made.
    #[error("cannot start {}: {source}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The child ended before it was ready.
    #[error("serve ended ({status}) before it was ready{}", tail(messages))]
    Ended {
        /// How.
        status: ExitStatus,
        /// The last lines of its messages.
        messages: String,
    },
    /// The child was not ready in time.
    #[error("serve was not ready after {} seconds{}", waited.as_secs(), tail(messages))]
    Late {
        /// The limit.
        waited: Duration,
        /// The last lines of its messages.
        messages: String,
    },
}

fn tail(messages: &str) -> String {
    if messages.is_empty() { String::new() } else { format!(":\n{messages}") }
}

/// How long a child may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// To load the model and answer.
    pub start: Duration,
    /// To end by itself when asked to.
    pub stop: Duration,
}

impl Default for Patience {
    /// Two minutes (a large model from a slow disk), five seconds.
    fn default() -> Self {
        Self { start: Duration::from_secs(120), stop: Duration::from_secs(5) }
    }
}

/// A running `serve`. Dropping it stops the process and removes the socket.
#[derive(Debug)]
pub struct LocalServer {
    child: Child,
    messages: Arc<Mutex<VecDeque<String>>>,
    reader: Option<JoinHandle<()>>,
    socket: PathBuf,
    patience: Patience,
    /// Mode 0700; removed last.
    _folder: tempfile::TempDir,
}

impl LocalServer {
    /// Starts `serve_program` for one model and waits until it answers.
    ///
    /// # Errors
    /// [`LocalError::Start`], [`LocalError::Ended`] or [`LocalError::Late`]; the child is gone
    /// then.
    pub fn start(
        serve_program: &Path,
        model: &str,
        patience: Patience,
    ) -> Result<Self, LocalError> {
        let failed = |source| LocalError::Start { program: serve_program.to_path_buf(), source };
        // The name is short: a socket's path has about 100 bytes.
        let private = fs::Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new()
            .prefix("hw-")
            .permissions(private)
            .tempdir()
            .map_err(failed)?;
        let socket = folder.path().join("s");
        let mut child = Command::new(serve_program)
            .arg("--socket")
            .arg(&socket)
            .arg("--model")
            .arg(model)
            .args(["--quiet", "--exit-on-stdin-eof"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let messages = Arc::new(Mutex::new(VecDeque::new()));
        let reader = child.stderr.take().map(|stderr| {
            let messages = Arc::clone(&messages);
            thread::spawn(move || keep_tail(stderr, &messages))
        });
        let mut server = Self { child, messages, reader, socket, patience, _folder: folder };
        server.wait()?;
        Ok(server)
    }

    /// Where the server is to be asked.
    #[must_use]
    pub fn address(&self) -> Address {
        Address::Socket(self.socket.clone())
    }

    fn wait(&mut self) -> Result<(), LocalError> {
        let deadline = Instant::now() + self.patience.start;
        let second = Duration::from_secs(1);
        let timeouts = Timeouts { connect: second, first_byte: second, total: second };
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                // The pipe has ended with the child, unless a grandchild holds it.
                if let Some(reader) = self.reader.take_if(|reader| ends_soon(reader)) {
                    let _ = reader.join();
                }
                return Err(LocalError::Ended { status, messages: self.tail() });
            }
            if self.socket.exists() && healthy(&self.socket, timeouts) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let waited = self.patience.start;
                return Err(LocalError::Late { waited, messages: self.tail() });
            }
            thread::sleep(ASK_EVERY);
        }
    }

    fn tail(&self) -> String {
        let lines = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        // Ends its input too, for one that does not listen to the signal.
        drop(self.child.stdin.take());
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // Not yet waited for, so the number is still this child's.
            let _ = kill_process(pid, Signal::TERM);
        }
        let deadline = Instant::now() + self.patience.stop;
        while let Ok(None) = self.child.try_wait() {
            if Instant::now() >= deadline {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            thread::sleep(ASK_EVERY);
        }
    }
}

/// Waits a moment for the thread that reads a dead child's messages.
fn ends_soon(reader: &JoinHandle<()>) -> bool {
    let deadline = Instant::now() + Duration::from_millis(200);
    while !reader.is_finished() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(2));
    }
    reader.is_finished()
}

/// Reads everything, so that the child never blocks on a full pipe, and keeps the last lines.
fn keep_tail(stderr: ChildStderr, messages: &Mutex<VecDeque<String>>) {
    for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
        let text = String::from_utf8_lossy(&line);
        let clean = text.chars().filter(|c| !c.is_control()).take(LINE_LENGTH).collect();
        let mut lines = messages.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push_back(clean);
        if lines.len() > TAIL_LINES {
            lines.pop_front();
        }
    }
}

/// Finds `serve` beside `own_program` (the running executable), then in the folders of
/// `search_path` (the variable `PATH`).
///
/// # Errors
/// [`LocalError::NotFound`].
pub fn find_serve(
    own_program: Option<&Path>,
    search_path: Option<&std::ffi::OsStr>,
) -> Result<PathBuf, LocalError> {
    let beside = own_program.and_then(Path::parent).map(Path::to_path_buf);
    let folders = search_path.map(std::env::split_paths).into_iter().flatten();
    // An empty entry means the current folder: a program from there is not to be trusted.
    let folders = folders.filter(|folder| folder.is_absolute());
    beside
        .into_iter()
        .chain(folders)
        .map(|folder| folder.join("serve"))
        .find(|program| {
            program.is_file() && rustix::fs::access(program, rustix::fs::Access::EXEC_OK).is_ok()
        })
        .ok_or(LocalError::NotFound)
}

#[cfg(test)]
mod tests;
