//! The process in which expressions are evaluated: this program itself, started with the one
//! argument [`ARGUMENT`]. Its memory is limited, so that an expression such as `"x" * 1e10` ends
//! this process and not the run.
//!
//! Its first line of input is a [`Task`], each further one a record; it answers each with a line,
//! a verdict in JSON. It ends with its input.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use expression::{Expression, ExpressionError, Limits};

/// The argument that makes a gate of this program.
pub(super) const ARGUMENT: &str = "--gate-process";

/// What a child is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) expression: String,
    pub(super) steps: u64,
    pub(super) milliseconds: u64,
    /// Bytes of address space.
    pub(super) memory: u64,
}

/// A child's answer.
pub(super) type Verdict = Result<bool, ExpressionError>;

/// Serves as a gate if this process was started as one.
#[must_use]
pub fn serve_if_asked() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let asked = arguments.next()? == ARGUMENT && arguments.next().is_none();
    // Whoever reads the verdicts sees their end: there is nobody else to tell.
    asked.then(|| if serve().is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn serve() -> Option<()> {
    let mut lines = BufReader::new(std::io::stdin().lock()).lines();
    let task: Task = serde_json::from_str(&lines.next()?.ok()?).ok()?;
    // Never above what the system allows already.
    let maximum = getrlimit(Resource::As).maximum.map_or(task.memory, |m| m.min(task.memory));
    let limit = Rlimit { current: Some(maximum), maximum: Some(maximum) };
    setrlimit(Resource::As, limit).ok()?;
    let core = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, core).ok()?;
    let limits = Limits { steps: task.steps, time: Duration::from_millis(task.milliseconds) };
    let gate = Expression::new(&task.expression, limits);
    say(&gate.as_ref().map(|_| true).map_err(Clone::clone))?;
    let gate = gate.ok()?;
    for line in lines {
        say(&gate.admits(&line.ok()?))?;
    }
    Some(())
}

fn say(verdict: &Verdict) -> Option<()> {
    let mut out = std::io::stdout().lock();
    let line = serde_json::to_string(verdict).ok()?;
    writeln!(out, "{line}").and_then(|()| out.flush()).ok()
}
