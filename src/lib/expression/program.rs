//! The interpreter's thread: compiles once, then answers record after record.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender};
use std::time::Instant;

use jaq_core::load::lex::Lexer;
use jaq_core::load::parse::{Def, Parser, Term};
use jaq_core::load::{Arena, File, Loader, span};
use jaq_core::native::{Fun, bome, run, v};
use jaq_core::{Ctx, Exn, Filter, ValT, ValX, Vars, data};
use jaq_json::{Val, read};

use super::{ExpressionError, Limits, Question, Reply, harmless, instrument};

/// What the filters work on.
type Data = data::JustLut<Val>;

/// Name under which the user's expression is defined.
const MAIN: &str = "__expression";
/// Longest message of a failed expression in characters: it may quote the record.
const MAX_MESSAGE: usize = 300;
/// Steps between two looks at the clock.
const CLOCK_EVERY: u64 = 1024;
/// Ways out of the interpreter that an expression cannot catch, unlike errors.
const HALT_LIMIT: i32 = i32::MIN;
const HALT_RECURSION: i32 = i32::MIN + 1;

/// What is left to the evaluation that runs on this thread.
#[derive(Clone, Copy)]
struct Allowance {
    steps: u64,
    deadline: Option<Instant>,
    /// Lowest address that the stack may reach.
    floor: usize,
}

thread_local! {
    static ALLOWANCE: Cell<Allowance> =
        const { Cell::new(Allowance { steps: 0, deadline: None, floor: 0 }) };
}

/// An address in the current stack frame.
fn stack_address() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&here)).addr()
}

/// Takes one step. `Some(code)` when the evaluation must stop.
fn step() -> Option<i32> {
    let mut left = ALLOWANCE.get();
    if stack_address() < left.floor {
        return Some(HALT_RECURSION);
    }
    let late = |deadline: Instant| Instant::now() >= deadline;
    if left.steps == 0
        || (left.steps.is_multiple_of(CLOCK_EVERY) && left.deadline.is_some_and(late))
    {
        // Stays used up: an expression must not go on after a look at a late clock.
        left.steps = 0;
        ALLOWANCE.set(left);
        return Some(HALT_LIMIT);
    }
    left.steps -= 1;
    ALLOWANCE.set(left);
    None
}

/// A compiled expression, on the thread that evaluates it.
pub(super) struct Interpreter {
    filter: Filter<Data>,
    limits: Limits,
    /// Lowest address that the stack may reach.
    floor: usize,
}

impl Interpreter {
    /// Compiles; `stack` is the size of this thread's stack in bytes.
    pub(super) fn new(code: &str, limits: Limits, stack: usize) -> Result<Self, ExpressionError> {
        // Three quarters may be used: native filters and drops need the rest.
        let floor = stack_address().saturating_sub(stack / 4 * 3);
        Ok(Self { filter: compile(code)?, limits, floor })
    }

    pub(super) fn ask(&self, question: &Question) -> Result<Reply, ExpressionError> {
        let deadline = Some(Instant::now() + self.limits.time);
        ALLOWANCE.set(Allowance { steps: self.limits.steps, deadline, floor: self.floor });
        // The interpreter panics on programs that it considers impossible.
        catch_unwind(AssertUnwindSafe(|| answer(&self.filter, question)))
            .unwrap_or_else(|_| Err(ExpressionError::Failed("the interpreter panicked".into())))
    }
}

/// Body of the thread: sends `Ok` or the compile error first, then one reply for each question,
/// until the other side hangs up.
pub(super) fn serve(
    code: &str,
    limits: Limits,
    stack: usize,
    questions: &Receiver<Question>,
    answers: &Sender<Result<Reply, ExpressionError>>,
) {
    let interpreter = match Interpreter::new(code, limits, stack) {
        Ok(interpreter) => interpreter,
        Err(error) => {
            let _ = answers.send(Err(error));
            return;
        }
    };
    if answers.send(Ok(Reply::Verdict(true))).is_err() {
        return;
    }
    for question in questions {
        if answers.send(interpreter.ask(&question)).is_err() {
            return;
        }
    }
}

fn answer(filter: &Filter<Data>, question: &Question) -> Result<Reply, ExpressionError> {
    let (Question::Admits(record) | Question::Values(record, _)) = question;
    let input = read::parse_single(record.as_bytes())
        .map_err(|e| ExpressionError::Record(e.to_string()))?;
    let environment = Val::obj(jaq_json::Map::default());
    let ctx = Ctx::<Data>::new(&filter.lut, Vars::new([environment]));
    let mut outputs = filter.id.run((ctx, input)).map(|output| output.map_err(explain));
    match question {
        Question::Admits(_) => {
            for output in outputs {
                if output?.as_bool() {
                    return Ok(Reply::Verdict(true));
                }
            }
            Ok(Reply::Verdict(false))
        }
        Question::Values(_, at_most) => {
            let values: Result<_, _> =
                outputs.by_ref().take(*at_most).map(|v| Ok(v?.to_string())).collect();
            values.map(Reply::Values)
        }
    }
}

fn explain(exception: Exn<'_, Val>) -> ExpressionError {
    match exception.get_err() {
        Ok(error) => {
            let mut text = error.to_string();
            if let Some((end, _)) = text.char_indices().nth(MAX_MESSAGE) {
                text.truncate(end);
                text.push('…');
            }
            ExpressionError::Failed(text)
        }
        Err(exception) => match exception.get_halt() {
            Ok(HALT_LIMIT) => ExpressionError::Limit,
            Ok(HALT_RECURSION) => ExpressionError::Recursion,
            Ok(_) => ExpressionError::Halted,
            Err(_) => ExpressionError::Failed("break outside of its label".into()),
        },
    }
}

/// Compiles the expression as the definition [`MAIN`] at the end of the library, with the
/// questions of [`instrument`] put in.
fn compile(code: &str) -> Result<Filter<Data>, ExpressionError> {
    let mut defs: Vec<Def<&str>> =
        jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs()).collect();
    defs.iter_mut().for_each(instrument::inner);
    let mut body = parse(code)?;
    instrument::term(&mut body);
    defs.push(Def { name: MAIN, args: Vec::new(), body });
    // The whole expression counts as a definition too, since it could name itself.
    if let Some(main) = defs.last_mut() {
        instrument::definition(main);
    }
    let arena = Arena::default();
    let file = File { code: MAIN, path: () };
    let modules = Loader::new(defs).load(&arena, file).map_err(|_| internal("load"))?;
    jaq_core::Compiler::default()
        .with_funs(natives())
        .with_global_vars(["$ENV"])
        .compile(modules)
        .map_err(|errors| {
            let first = errors.into_iter().flat_map(|(_, errors)| errors).next();
            first.map_or_else(
                || internal("compile"),
                |(name, kind)| at(code, name, format!("unknown {} {name}", kind.as_str())),
            )
        })
}

/// Whether an expression needs no process of its own.
pub(super) fn is_harmless(code: &str) -> bool {
    parse(code).is_ok_and(|term| harmless::is_harmless(&term))
}

fn parse(code: &str) -> Result<Term<&str>, ExpressionError> {
    let tokens = Lexer::new(code).lex().map_err(|errors| {
        errors.into_iter().next().map_or_else(
            || internal("lex"),
            |(expected, rest)| at(code, rest, format!("expected {}", expected.as_str())),
        )
    })?;
    Parser::new(&tokens).parse(|p| p.term()).map_err(|errors| {
        let Some((expected, found)) = errors.into_iter().next() else { return internal("parse") };
        let expected = expected.as_str();
        match found {
            Some(token) => {
                at(code, token.as_str(), format!("expected {expected}, found {}", token.as_str()))
            }
            None => at(code, &code[code.len()..], format!("expected {expected}, found the end")),
        }
    })
}

/// An error at the place of `part`, which is a slice of `code` (or, for an error that the
/// library would have to make itself, is not: then the place is the start).
fn at(code: &str, part: &str, message: String) -> ExpressionError {
    let start = code.as_ptr().addr();
    let inside = (start..=start + code.len()).contains(&part.as_ptr().addr());
    let before = if inside { &code[..span(code, part).start] } else { "" };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    ExpressionError::Compile { line, column, message }
}

fn internal(stage: &str) -> ExpressionError {
    ExpressionError::Compile {
        line: 1,
        column: 1,
        message: format!("cannot {stage} this expression"),
    }
}

/// The library's native filters, with those replaced that reach outside or can run for ever.
fn natives() -> impl Iterator<Item = Fun<Data>> {
    const REPLACED: [&str; 2] = ["env", "range"];
    let ours: [Fun<Data>; 3] = [
        run((instrument::TICK, v(0), |cv| match step() {
            Some(code) => Box::new(std::iter::once(Err(Exn::halt(code)))),
            None => bome(Ok(cv.1)),
        })),
        run(("env", v(0), |_| bome(Ok(Val::obj(jaq_json::Map::default()))))),
        run(("range", v(3), |mut cv| {
            let (by, to, from) = (cv.0.pop_var(), cv.0.pop_var(), cv.0.pop_var());
            Box::new(range(from, to, by))
        })),
    ];
    jaq_core::funs()
        .chain(jaq_std::funs())
        .chain(jaq_json::funs())
        .filter(|(name, _, _)| !REPLACED.contains(name))
        .chain(ours)
}

/// `range($from; $to; $by)`: `$from`, `$from + $by`, … before `$to`.
fn range<'a>(from: Val, to: Val, by: Val) -> impl Iterator<Item = ValX<'a, Val>> {
    let zero = Val::from(0_isize);
    let mut next = Some(Ok(from));
    std::iter::from_fn(move || {
        let current = match next.take()? {
            Ok(current) => current,
            Err(error) => return Some(Err(error)),
        };
        let more = if by > zero {
            current < to
        } else if by < zero {
            current > to
        } else {
            current != to
        };
        if !more {
            return None;
        }
        if let Some(code) = step() {
            return Some(Err(Exn::halt(code)));
        }
        next = Some((current.clone() + by.clone()).map_err(Exn::from));
        Some(Ok(current))
    })
}
