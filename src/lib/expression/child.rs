//! The process in which expressions are evaluated: the program itself, started with the one
//! argument [`ARGUMENT`]. Its memory is limited, so that an expression such as `"x" * 1e10` ends
//! this process and not the run.
//!
//! It reads a [`Task`] and then questions, answers the task and each question, and ends with its
//! input.

use std::io::BufReader;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use super::program::Interpreter;
use super::{Limits, Reply, STACK, frame};

/// The argument that makes an evaluator of a program.
pub(super) const ARGUMENT: &str = "--evaluate-expression";

/// What a child is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) expression: String,
    pub(super) steps: u64,
    pub(super) milliseconds: u64,
    /// Bytes of address space.
    pub(super) memory: u64,
}

/// Evaluates for a [`Guard`](super::Guard) if this process was started for that; the first thing
/// that `main` does in every program that has one.
#[must_use]
pub fn serve_if_asked() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let asked = arguments.next()? == ARGUMENT && arguments.next().is_none();
    // Whoever reads the answers sees their end: there is nobody else to tell.
    asked.then(|| if serve().is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn serve() -> Option<()> {
    let mut input = BufReader::new(std::io::stdin());
    let task: Task = serde_json::from_str(&frame::read_task(&mut input).ok()??).ok()?;
    // Never above what the system allows already.
    let maximum = getrlimit(Resource::As).maximum.map_or(task.memory, |m| m.min(task.memory));
    let limit = Rlimit { current: Some(maximum), maximum: Some(maximum) };
    setrlimit(Resource::As, limit).ok()?;
    let core = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, core).ok()?;
    // The thread that evaluates reads and writes too: each hand-over to another one would cost as
    // much as an evaluation.
    let body = move || evaluate(&task, input);
    thread::Builder::new().stack_size(STACK).spawn(body).ok()?.join().ok()?
}

fn evaluate(task: &Task, mut input: BufReader<std::io::Stdin>) -> Option<()> {
    let limits = Limits { steps: task.steps, time: Duration::from_millis(task.milliseconds) };
    let mut out = std::io::stdout().lock();
    let interpreter = Interpreter::new(&task.expression, limits, STACK);
    let compiled = interpreter.as_ref().map(|_| Reply::Verdict(true)).map_err(Clone::clone);
    frame::write_reply(&mut out, &compiled).ok()?;
    let interpreter = interpreter.ok()?;
    while let Some(question) = frame::read_question(&mut input).ok()? {
        frame::write_reply(&mut out, &interpreter.ask(&question)).ok()?;
    }
    Some(())
}
