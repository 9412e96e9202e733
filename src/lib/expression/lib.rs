//! jq expressions over records: which records are meant, or what value a record has.
//!
//! The expression is the user's and may be wrong; the records are anybody's. So it runs on a
//! thread of its own with a stack of known size, and inside the interpreter every call of a
//! recursive definition and every number out of `range` first asks whether there are steps,
//! time and stack left. What these questions cannot reach, such as `"x" * 1e9`, is one long
//! operation of the interpreter. A thread cannot be killed and memory is not a thread's, so there
//! are two ways to evaluate:
//! - [`Guard`] does it in a process of limited memory, which it replaces when it ends or hangs;
//!   only what [is harmless](harmless) it does here. Programs use this one.
//! - [`Expression`] does it in this process: after the time limit the caller gets an error and the
//!   thread is given up; nothing bounds memory.
//!
//! The environment is empty (`env`, `$ENV`), there is no `input`, no `import`, and `halt` is an
//! error: an expression sees its record, the clock, and nothing else.

#![forbid(unsafe_code)]

mod child;
mod frame;
mod guard;
mod harmless;
mod instrument;
mod program;

#[cfg(test)]
mod tests;

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use child::serve_if_asked;
pub use guard::Guard;

/// Longest expression in bytes: the parser recurses on nesting.
pub const MAX_EXPRESSION: usize = 16 * 1024;
/// Deepest nesting of a record: the interpreter recurses on it.
const MAX_DEPTH: usize = 1000;
/// Stack of the interpreter's thread (reserved, and used only as far as needed).
const STACK: usize = 256 << 20;
/// What the caller waits beyond the interpreter's own time limit: long enough for a machine whose
/// cores are all taken.
pub const GRACE: Duration = Duration::from_secs(2);

/// What one evaluation may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Calls of definitions and numbers out of `range`. Bounds memory too: `[range(1e12)]`
    /// stops at this many elements of 16 bytes.
    pub steps: u64,
    /// Time.
    pub time: Duration,
}

impl Default for Limits {
    /// Five million steps, two seconds.
    fn default() -> Self {
        Self { steps: 5_000_000, time: Duration::from_secs(2) }
    }
}

/// Why an expression or a record was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ExpressionError {
    /// The expression is not jq, or names something that does not exist.
    #[error("in the expression, line {line}, column {column}: {message}")]
    Compile {
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
        /// What was expected or is unknown.
        message: String,
    },
    /// The expression is too long to be parsed safely.
    #[error("the expression is longer than {MAX_EXPRESSION} bytes")]
    TooLong,
    /// The interpreter's thread could not be started.
    #[error("cannot start the interpreter: {0}")]
    Thread(String),
    /// The record is not JSON.
    #[error("the record is not JSON: {0}")]
    Record(String),
    /// The record is nested too deeply.
    #[error("the record is nested more than {MAX_DEPTH} levels deep")]
    Depth,
    /// The expression raised an error on this record.
    #[error("the expression failed: {0}")]
    Failed(String),
    /// The expression called `halt`.
    #[error("the expression called halt, which is not available here")]
    Halted,
    /// The expression took too many steps or too long.
    #[error("the expression takes too long: it may loop for ever")]
    Limit,
    /// The expression recursed too deeply.
    #[error("the expression recurses too deeply")]
    Recursion,
    /// The expression needed more memory than it may have: where it runs in a process of its own.
    #[error("the expression needs too much memory")]
    Memory,
    /// The process that evaluates it could not be started.
    #[error("cannot start a process for the expression: {0}")]
    Start(String),
    /// The interpreter had to be given up on an earlier record, or broke down.
    #[error("the interpreter no longer answers")]
    Gone,
}

impl ExpressionError {
    /// Whether it is neither the record's fault nor the expression's: later records get it too.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Gone | Self::Start(_))
    }
}

/// A compiled expression. Threads may share it; they take turns.
#[derive(Debug)]
pub struct Expression {
    /// `None` once the interpreter was given up.
    line: Mutex<Option<Line>>,
    patience: Duration,
}

/// The connection to the interpreter's thread. It ends when this is dropped.
#[derive(Debug)]
struct Line {
    questions: Sender<Question>,
    answers: Receiver<Result<Reply, ExpressionError>>,
}

/// What the interpreter's thread is asked about a record.
pub(crate) enum Question {
    /// Whether some output is true.
    Admits(String),
    /// Its outputs, so many at most.
    Values(String, usize),
}

/// What it says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Verdict(bool),
    Values(Vec<String>),
}

impl Expression {
    /// Compiles an expression.
    ///
    /// # Errors
    /// [`ExpressionError::Compile`] with the place, [`ExpressionError::TooLong`], [`ExpressionError::Thread`].
    pub fn new(expression: &str, limits: Limits) -> Result<Self, ExpressionError> {
        if expression.len() > MAX_EXPRESSION {
            return Err(ExpressionError::TooLong);
        }
        let (questions, inbox) = channel();
        let (outbox, answers) = channel();
        let code = expression.to_owned();
        thread::Builder::new()
            .name("expression".into())
            .stack_size(STACK)
            .spawn(move || program::serve(&code, limits, STACK, &inbox, &outbox))
            .map_err(|e| ExpressionError::Thread(e.to_string()))?;
        // The first message says whether the expression compiled.
        answers.recv().unwrap_or(Err(ExpressionError::Gone))?;
        let line = Mutex::new(Some(Line { questions, answers }));
        Ok(Self { line, patience: limits.time + GRACE })
    }

    /// Whether any output of the expression on this record (one JSON text) is neither `false`
    /// nor `null`; no output is a no. Outputs after the first yes are not computed.
    ///
    /// # Errors
    /// The record's or the expression's fault on this record. After an error that
    /// [is fatal](ExpressionError::is_fatal) every later record gets it too.
    pub fn admits(&self, record: &str) -> Result<bool, ExpressionError> {
        check_depth(record)?;
        match self.ask(Question::Admits(record.to_owned()))? {
            Reply::Verdict(verdict) => Ok(verdict),
            Reply::Values(_) => Err(ExpressionError::Gone),
        }
    }

    /// The outputs of the expression on this record (one JSON text), each as JSON; of more than
    /// `at_most` only the first ones, the rest is not computed.
    ///
    /// # Errors
    /// As [`Expression::admits`].
    pub fn values(&self, record: &str, at_most: usize) -> Result<Vec<String>, ExpressionError> {
        check_depth(record)?;
        match self.ask(Question::Values(record.to_owned(), at_most))? {
            Reply::Values(values) => Ok(values),
            Reply::Verdict(_) => Err(ExpressionError::Gone),
        }
    }

    fn ask(&self, question: Question) -> Result<Reply, ExpressionError> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = line.as_ref() else { return Err(ExpressionError::Gone) };
        let reply = match open.questions.send(question) {
            Ok(()) => open.answers.recv_timeout(self.patience),
            Err(_) => Err(RecvTimeoutError::Disconnected),
        };
        reply.unwrap_or_else(|reason| {
            *line = None;
            Err(match reason {
                RecvTimeoutError::Timeout => ExpressionError::Limit,
                RecvTimeoutError::Disconnected => ExpressionError::Gone,
            })
        })
    }
}

/// Counts open brackets outside strings.
fn check_depth(json: &str) -> Result<(), ExpressionError> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(ExpressionError::Depth);
        }
    }
    Ok(())
}
