//! Keeps a process that evaluates expressions, and starts another when it ends or hangs.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use expression::{ExpressionError, GRACE, Limits, MAX_EXPRESSION};

use super::child::{ARGUMENT, Task, Verdict};

/// Address space of the process: 256 MiB are the interpreter's stack.
const MEMORY: u64 = 1 << 30;
/// How long a process may take to start, on a machine that is busy.
const START: Duration = Duration::from_secs(30);

/// A compiled expression in a process of its own. Threads may share it; they take turns.
#[derive(Debug)]
pub struct Guard {
    expression: String,
    limits: Limits,
    evaluator: Mutex<Option<Evaluator>>,
}

impl Guard {
    /// Starts the process and compiles the expression.
    ///
    /// # Errors
    /// As [`expression::Expression::new`].
    pub fn new(expression: &str, limits: Limits) -> Result<Self, ExpressionError> {
        if expression.len() > MAX_EXPRESSION {
            return Err(ExpressionError::TooLong);
        }
        let first = Evaluator::start(expression, limits)?;
        let evaluator = Mutex::new(Some(first));
        Ok(Self { expression: expression.to_owned(), limits, evaluator })
    }

    /// As [`expression::Expression::admits`]; a process that ended or hung is replaced.
    ///
    /// # Errors
    /// The record's or the expression's fault on this record.
    pub fn admits(&self, record: &str) -> Verdict {
        let mut slot = self.evaluator.lock().unwrap_or_else(PoisonError::into_inner);
        let mut evaluator = match slot.take() {
            Some(evaluator) => evaluator,
            None => Evaluator::start(&self.expression, self.limits)?,
        };
        let verdict = evaluator.ask(record, self.limits.time + 2 * GRACE);
        let given_up = match &verdict {
            Err(ExpressionError::Memory | ExpressionError::Gone) => true,
            // Its thread may be lost in one long operation.
            Err(ExpressionError::Limit) => true,
            _ => false,
        };
        if !given_up {
            *slot = Some(evaluator);
        }
        verdict
    }
}

#[derive(Debug)]
struct Evaluator {
    child: Child,
    records: Option<ChildStdin>,
    verdicts: Receiver<Verdict>,
}

impl Evaluator {
    fn start(expression: &str, limits: Limits) -> Result<Self, ExpressionError> {
        let failed = |e: std::io::Error| ExpressionError::Start(e.to_string());
        // What runs now, even when the file was replaced meanwhile.
        let program = if cfg!(target_os = "linux") {
            PathBuf::from("/proc/self/exe")
        } else {
            std::env::current_exe().map_err(failed)?
        };
        let mut child = Command::new(program)
            .arg(ARGUMENT)
            .env_clear()
            // For localtime and its like; nothing else of the environment is there.
            .envs(cli::env::get("TZ").map(|zone| ("TZ", zone)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Ctrl-C is for us: what is being done is finished first.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let records = child.stdin.take();
        let output = child.stdout.take();
        let (sender, verdicts) = channel();
        thread::Builder::new()
            .name("gate".into())
            .spawn(move || {
                let lines = output.map(|output| BufReader::new(output).lines());
                for line in lines.into_iter().flatten().map_while(Result::ok) {
                    let verdict = serde_json::from_str(&line).unwrap_or(Err(ExpressionError::Gone));
                    if sender.send(verdict).is_err() {
                        return;
                    }
                }
            })
            .map_err(failed)?;
        let mut evaluator = Self { child, records, verdicts };
        let milliseconds = u64::try_from(limits.time.as_millis()).unwrap_or(u64::MAX);
        let expression = expression.to_owned();
        let task = Task { expression, steps: limits.steps, milliseconds, memory: MEMORY };
        let task =
            serde_json::to_string(&task).map_err(|e| ExpressionError::Start(e.to_string()))?;
        evaluator.ask(&task, START)?;
        Ok(evaluator)
    }

    /// Sends a line and waits for the answer to it.
    fn ask(&mut self, line: &str, patience: Duration) -> Verdict {
        let sent = self.records.as_mut().is_some_and(|records| {
            records.write_all(line.as_bytes()).and_then(|()| records.write_all(b"\n")).is_ok()
        });
        if !sent {
            return Err(self.ended());
        }
        match self.verdicts.recv_timeout(patience) {
            Ok(verdict) => verdict,
            Err(RecvTimeoutError::Timeout) => Err(ExpressionError::Limit),
            Err(RecvTimeoutError::Disconnected) => Err(self.ended()),
        }
    }

    /// Why it ended: a process that gets no memory aborts itself.
    fn ended(&mut self) -> ExpressionError {
        self.records = None;
        match self.child.wait() {
            Ok(status) if status.signal() == Some(rustix::process::Signal::ABORT.as_raw()) => {
                ExpressionError::Memory
            }
            _ => ExpressionError::Gone,
        }
    }
}

impl Drop for Evaluator {
    fn drop(&mut self) {
        self.records = None;
        // It may be lost in one long operation: the end of its input is not enough.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
