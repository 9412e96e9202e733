use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use tempfile::TempDir;

use crate::Outcome;
use crate::place::{models_folder, programs_folder};

/// A program of this repository, run in an environment of its own: an empty home, no settings,
/// a fresh working folder. The model store is the user's.
pub struct Program {
    command: Command,
    home: TempDir,
    stdin: Vec<u8>,
    stdout: Option<std::fs::File>,
    limit: Duration,
}

/// The program `name`, as built.
///
/// # Panics
/// When it is not built.
pub fn program(name: &str) -> Program {
    let path = programs_folder().join(name);
    assert!(path.exists(), "{name} is not built; run: cargo build --release --workspace");
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(path);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home.path())
        .env("HEADWATER_MODELS", models_folder())
        .current_dir(home.path());
    Program { command, home, stdin: Vec::new(), stdout: None, limit: Duration::from_secs(120) }
}

impl Program {
    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Its working folder, where it is not to be its home.
    #[must_use]
    pub fn working_in(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// What it reads from stdin.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Kills it, and fails the test, after this long.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// A file in its working folder.
    #[must_use]
    pub fn file(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.home.path().join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).expect("a folder for the file");
        }
        std::fs::write(path, bytes).expect("a file");
        self
    }

    /// Its working folder, which is its home.
    pub fn folder(&self) -> &Path {
        self.home.path()
    }

    /// Its standard output goes to `path` (such as /dev/full).
    #[must_use]
    pub fn stdout_to(mut self, path: &str) -> Self {
        let file = std::fs::OpenOptions::new().write(true).open(path).expect("an output");
        self.stdout = Some(file);
        self
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(mut self) -> Outcome {
        let shown = format!("{:?}", self.command);
        self.command.stdin(Stdio::piped()).stderr(Stdio::piped());
        self.command.stdout(self.stdout.take().map_or_else(Stdio::piped, Stdio::from));
        let mut child = self.command.spawn().expect("the program starts");
        let input = std::mem::take(&mut self.stdin);
        let mut stdin = child.stdin.take().expect("stdin is a pipe");
        // It may leave before it has read everything: that is its right.
        let feeder = thread::spawn(move || drop(stdin.write_all(&input)));
        let out = collect(child.stdout.take());
        let err = collect(child.stderr.take());
        let status = wait(&mut child, self.limit);
        let outcome = Outcome {
            command: shown,
            status: status.map_or(-1, code),
            stdout: out.join().expect("stdout is read"),
            stderr: err.join().expect("stderr is read"),
        };
        assert!(status.is_some(), "it did not end within {:?}\n{outcome}", self.limit);
        drop(feeder);
        outcome
    }

    /// Runs it with a terminal as stdout and stderr; gives what the terminal got.
    #[track_caller]
    pub fn run_on_terminal(mut self) -> String {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudoterminal");
        grantpt(&master).and_then(|()| unlockpt(&master)).expect("its other side");
        let name = ptsname(&master, Vec::new()).expect("its name").into_string().expect("UTF-8");
        let open = || std::fs::OpenOptions::new().write(true).open(&name).expect("the terminal");
        self.command.stdin(Stdio::piped()).stdout(open()).stderr(open());
        let mut child = self.command.spawn().expect("the program starts");
        // The parent's copies of the terminal would keep it open for ever.
        drop(self.command);
        let mut stdin = child.stdin.take().expect("stdin is a pipe");
        stdin.write_all(&self.stdin).expect("the program reads");
        drop(stdin);
        let shown = thread::spawn(move || {
            let mut bytes = Vec::new();
            // A terminal that everybody closed reads as an I/O error.
            let _ = std::fs::File::from(master).read_to_end(&mut bytes);
            bytes
        });
        let ended = wait(&mut child, self.limit);
        let shown = String::from_utf8(shown.join().expect("the terminal is read")).expect("UTF-8");
        assert!(ended.is_some(), "it did not end: {shown}");
        shown
    }

    /// Starts it, to be talked to.
    pub fn start(mut self) -> Running {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("the program starts");
        let stdin = child.stdin.take();
        let closed = Arc::new(AtomicBool::new(false));
        let lines = lines_of(child.stdout.take().expect("stdout is a pipe"), Arc::clone(&closed));
        let stderr = Arc::new(Mutex::new(Vec::new()));
        let collector = gather(child.stderr.take().expect("stderr is a pipe"), Arc::clone(&stderr));
        Running {
            child,
            stdin,
            lines,
            closed,
            stderr,
            collector: Some(collector),
            limit: self.limit,
            _home: self.home,
        }
    }
}

fn collect<R: std::io::Read + Send + 'static>(from: Option<R>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut from) = from {
            from.read_to_end(&mut bytes).expect("output is read");
        }
        bytes
    })
}

/// Messages as they come.
fn gather(mut from: ChildStderr, into: Arc<Mutex<Vec<u8>>>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            into.lock().expect("no panic").extend_from_slice(&buffer[..n]);
        }
    })
}

/// Lines as they come; the pipe is closed when `closed` is set.
fn lines_of(stdout: ChildStdout, closed: Arc<AtomicBool>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(stdout);
        while !closed.load(Ordering::Relaxed) {
            if reader.buffer().is_empty() && !is_readable(reader.get_ref()) {
                continue;
            }
            let mut line = String::new();
            match reader.read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if sender.send(line.trim_end_matches('\n').to_owned()).is_err() => return,
                Ok(_) => {}
            }
        }
    });
    receiver
}

/// Waits a little for something to read, or for the end.
fn is_readable(pipe: &ChildStdout) -> bool {
    let mut fds = [PollFd::new(pipe, PollFlags::IN)];
    let patience = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
    matches!(poll(&mut fds, Some(&patience)), Ok(n) if n > 0)
}

fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().expect("the program can be waited for") {
            return Some(status);
        }
        if Instant::now() > deadline {
            child.kill().expect("the program can be killed");
            child.wait().expect("the program ended");
            return None;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(-1)
}

/// A program that runs.
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
    closed: Arc<AtomicBool>,
    stderr: Arc<Mutex<Vec<u8>>>,
    collector: Option<thread::JoinHandle<()>>,
    limit: Duration,
    _home: TempDir,
}

impl Running {
    /// Sends a line.
    pub fn send(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("stdin is open");
        stdin.write_all(format!("{line}\n").as_bytes()).expect("the program reads");
    }

    /// Sends a line; whether it still reads.
    pub fn try_send(&mut self, line: &str) -> bool {
        let stdin = self.stdin.as_mut().expect("stdin is open");
        stdin.write_all(format!("{line}\n").as_bytes()).is_ok()
    }

    /// The next line of its output.
    #[track_caller]
    pub fn line(&self) -> String {
        self.lines.recv_timeout(self.limit).expect("a line of output in time")
    }

    /// Waits for a message that contains `before`; gives what follows it on that line.
    #[track_caller]
    pub fn message(&self, before: &str) -> String {
        let deadline = Instant::now() + self.limit;
        while Instant::now() < deadline {
            let text = String::from_utf8_lossy(&self.stderr.lock().expect("no panic")).into_owned();
            let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            if let Some((_, rest)) = whole.into_iter().find_map(|line| line.split_once(before)) {
                return rest.trim_end().to_owned();
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("no message with {before:?} in time");
    }

    /// Closes its input.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Closes its output.
    pub fn close_stdout(&self) {
        self.closed.store(true, Ordering::Relaxed);
        // The reading thread looks at it every few milliseconds, and ends with that.
        while self.lines.recv().is_ok() {}
    }

    /// Sends it a signal, by name.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status().expect("kill runs");
        assert!(status.success(), "kill -s {name}");
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end; gives status, lines not yet taken, and messages.
    #[track_caller]
    pub fn end(mut self) -> (i32, Vec<String>, String) {
        let status = wait(&mut self.child, self.limit);
        if let Some(collector) = self.collector.take() {
            collector.join().expect("stderr is read");
        }
        let messages = String::from_utf8_lossy(&self.stderr.lock().expect("no panic")).into_owned();
        assert!(status.is_some(), "it did not end within {:?}\n{messages}", self.limit);
        let lines = self.lines.iter().collect();
        (status.map_or(-1, code), lines, messages)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
