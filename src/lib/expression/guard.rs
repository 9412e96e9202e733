//! Evaluates an expression here if it is harmless, else in a process, and starts another one when
//! that ends or hangs.

use std::io::{self, BufReader, Read};
use std::os::fd::AsFd as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::child::{ARGUMENT, Task};
use super::{
    Expression, ExpressionError, GRACE, Limits, MAX_EXPRESSION, Question, Reply, STACK,
    check_depth, frame, program,
};

/// Address space of the process: 256 MiB are the interpreter's stack.
const MEMORY: u64 = 1 << 30;
/// How long a process may take to start, on a machine that is busy.
const START: Duration = Duration::from_secs(30);

/// A compiled expression, whose memory is limited too. Threads may share it; they take turns.
///
/// The process is this program itself: its `main` begins with
/// [`serve_if_asked`](super::serve_if_asked).
#[derive(Debug)]
pub struct Guard {
    expression: String,
    limits: Limits,
    harmless: bool,
    evaluator: Mutex<Option<Evaluator>>,
}

impl Guard {
    /// Starts the process and compiles the expression.
    ///
    /// # Errors
    /// As [`Expression::new`](super::Expression::new), and [`ExpressionError::Start`].
    pub fn new(expression: &str, limits: Limits) -> Result<Self, ExpressionError> {
        if expression.len() > MAX_EXPRESSION {
            return Err(ExpressionError::TooLong);
        }
        let harmless = on_big_stack(|| program::is_harmless(expression))?;
        let mut guard = Self {
            expression: expression.to_owned(),
            limits,
            harmless,
            evaluator: Mutex::default(),
        };
        guard.evaluator = Mutex::new(Some(guard.start()?));
        Ok(guard)
    }

    /// As [`Expression::admits`](super::Expression::admits); a process that ended or hung is
    /// replaced.
    ///
    /// # Errors
    /// The record's or the expression's fault on this record, [`ExpressionError::Memory`] too.
    pub fn admits(&self, record: &str) -> Result<bool, ExpressionError> {
        check_depth(record)?;
        match self.ask(Question::Admits(record.to_owned()))? {
            Reply::Verdict(verdict) => Ok(verdict),
            Reply::Values(_) => Err(ExpressionError::Gone),
        }
    }

    /// As [`Expression::values`](super::Expression::values); a process that ended or hung is
    /// replaced.
    ///
    /// # Errors
    /// As [`Guard::admits`].
    pub fn values(&self, record: &str, at_most: usize) -> Result<Vec<String>, ExpressionError> {
        check_depth(record)?;
        match self.ask(Question::Values(record.to_owned(), at_most))? {
            Reply::Values(values) => Ok(values),
            Reply::Verdict(_) => Err(ExpressionError::Gone),
        }
    }

    fn ask(&self, question: Question) -> Result<Reply, ExpressionError> {
        let mut slot = self.evaluator.lock().unwrap_or_else(PoisonError::into_inner);
        let mut evaluator = match slot.take() {
            Some(evaluator) => evaluator,
            None => self.start()?,
        };
        let reply = match &mut evaluator {
            Evaluator::Here(expression) => expression.ask(question),
            Evaluator::There(process) => {
                let patience = self.limits.time + 2 * GRACE;
                process.ask(patience, |input| frame::write_question(input, &question))
            }
        };
        // One that was asked for longer than its time may be lost in one long operation.
        let given_up = matches!(
            &reply,
            Err(ExpressionError::Memory | ExpressionError::Gone | ExpressionError::Limit)
        );
        if !given_up {
            *slot = Some(evaluator);
        }
        reply
    }

    fn start(&self) -> Result<Evaluator, ExpressionError> {
        Ok(if self.harmless {
            Evaluator::Here(Expression::new(&self.expression, self.limits)?)
        } else {
            Evaluator::There(Process::start(&self.expression, self.limits)?)
        })
    }
}

/// The parser recurses on nesting.
fn on_big_stack<T: Send>(body: impl FnOnce() -> T + Send) -> Result<T, ExpressionError> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, body);
        let thread = thread.map_err(|e| ExpressionError::Thread(e.to_string()))?;
        thread.join().map_err(|_| ExpressionError::Gone)
    })
}

#[derive(Debug)]
enum Evaluator {
    Here(Expression),
    There(Process),
}

#[derive(Debug)]
struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<Output>,
}

impl Process {
    fn start(expression: &str, limits: Limits) -> Result<Self, ExpressionError> {
        let failed = |e: io::Error| ExpressionError::Start(e.to_string());
        // What runs now, even when the file was replaced meanwhile.
        let program = if cfg!(target_os = "linux") {
            PathBuf::from("/proc/self/exe")
        } else {
            std::env::current_exe().map_err(failed)?
        };
        #[expect(clippy::disallowed_methods, reason = "below `cli`, and passed on, not read")]
        let zone = std::env::var_os("TZ");
        let mut child = Command::new(program)
            .arg(ARGUMENT)
            .env_clear()
            // For localtime and its like; nothing else of the environment is there.
            .envs(zone.map(|zone| ("TZ", zone)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Ctrl-C is for us: what is being done is finished first.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let input = child.stdin.take();
        let pipe = child.stdout.take().ok_or(ExpressionError::Gone)?;
        let output = BufReader::new(Output { pipe, until: None });
        let mut process = Self { child, input, output };
        let milliseconds = u64::try_from(limits.time.as_millis()).unwrap_or(u64::MAX);
        let expression = expression.to_owned();
        let task = Task { expression, steps: limits.steps, milliseconds, memory: MEMORY };
        let task =
            serde_json::to_string(&task).map_err(|e| ExpressionError::Start(e.to_string()))?;
        process.ask(START, |input| frame::write_task(input, &task))?;
        Ok(process)
    }

    /// Sends something and waits for the answer to it.
    fn ask(
        &mut self,
        patience: Duration,
        send: impl FnOnce(&mut ChildStdin) -> io::Result<()>,
    ) -> Result<Reply, ExpressionError> {
        if self.input.as_mut().is_none_or(|input| send(input).is_err()) {
            return Err(self.ended());
        }
        self.output.get_mut().until = Some(Instant::now() + patience);
        match frame::read_reply(&mut self.output) {
            Ok(Some(reply)) => reply,
            Ok(None) => Err(self.ended()),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(ExpressionError::Limit),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(self.ended()),
            Err(_) => Err(ExpressionError::Gone),
        }
    }

    /// Why it ended: a process that gets no memory aborts itself.
    fn ended(&mut self) -> ExpressionError {
        self.input = None;
        match self.child.wait() {
            Ok(status) if status.signal() == Some(rustix::process::Signal::ABORT.as_raw()) => {
                ExpressionError::Memory
            }
            _ => ExpressionError::Gone,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.input = None;
        // It may be lost in one long operation: the end of its input is not enough.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The process's output, with a time until which something must have come.
#[derive(Debug)]
struct Output {
    pipe: ChildStdout,
    until: Option<Instant>,
}

impl Read for Output {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            match poll(
                &mut [PollFd::from_borrowed_fd(self.pipe.as_fd(), PollFlags::IN)],
                left.as_ref(),
            ) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::TimedOut)),
                Ok(_) => return self.pipe.read(buffer),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
