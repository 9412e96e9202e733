//! Runs a [`Filter`] over a stream: reads, spreads over workers, keeps order, applies the error
//! policy, writes.
//!
//! With one worker everything happens on the calling thread; with more there are a reader
//! thread, the workers, and the calling thread writes. Lines are flushed whenever no complete
//! input line waits, and after every record of a slow filter.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvError, TryRecvError};
use records::{Code, Failure, WriteError};

use crate::args::StreamArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::filter::{Context, Emit, Filter, Halt, Output, Sink, Stopped};
use crate::order::{BATCH, Entry, Job, Outbox, Task, Window};
use crate::out::Out;
use crate::source::{Input, Next, Source};
use crate::{Session, cached};

/// Runs `filter` over what `args` name, with `default_jobs` workers where `--jobs` is not given.
///
/// # Errors
/// [`Error`] when the output cannot be written or a stream cannot be read.
pub fn run<F: Filter>(
    filter: F,
    args: &StreamArgs,
    default_jobs: usize,
    session: &Session,
) -> Result<Exit, Error> {
    run_to(filter, args, default_jobs, session, Box::new(std::io::stdout()))
}

/// As [`run`], with lines written to `output`, which hands them on to stdout. It is flushed
/// before every wait for input, and at the end, also when there is nothing new.
///
/// # Errors
/// As [`run`].
pub fn run_to<F: Filter>(
    filter: F,
    args: &StreamArgs,
    default_jobs: usize,
    session: &Session,
    output: Box<dyn Write>,
) -> Result<Exit, Error> {
    let jobs = args.jobs.map_or(default_jobs.max(1), usize::from);
    let source = Source::new(args, F::OPERANDS, &session.stop);
    run_source(filter, args, (source, jobs), session, output)
}

/// Runs `filter` over no input at all: what it emits at the end is everything.
///
/// # Errors
/// As [`run`].
pub fn run_without_input<F: Filter>(
    filter: F,
    args: &StreamArgs,
    session: &Session,
) -> Result<Exit, Error> {
    let source = Source::nothing(args, F::OPERANDS, &session.stop);
    run_source(filter, args, (source, 1), session, Box::new(std::io::stdout()))
}

fn run_source<F: Filter>(
    filter: F,
    args: &StreamArgs,
    (source, jobs): (Source, usize),
    session: &Session,
    output: Box<dyn Write>,
) -> Result<Exit, Error> {
    let started = Instant::now();
    let context = Context::new(session.program, !args.no_via, &session.stop);
    let input = Limited { source, left: args.limit, number: 0 };
    let mut out = Out::new(args, F::RESULT, F::SLOW, session, output);
    let ended = if jobs == 1 {
        inline(&filter, input, &context, &mut out)
    } else {
        parallel(&filter, input, &context, &mut out, jobs, args.unordered)
    };
    // A record that asks to stop the run has ended it, yet what is known so far is still said.
    let ended = ended.and_then(|()| finish(&filter, &context, &mut out));
    out.totals.counts = context.take_counts();
    out.close(args, started);
    exit(&mut out, ended, &context)
}

/// How the stream ended other than by running out.
enum End {
    /// The output is closed, a signal came, or `--on-error fail` took effect.
    Stopped,
    /// The input broke.
    Input(std::io::Error),
}

impl From<Stopped> for End {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

/// A source that ends after `--limit` records, and counts them.
struct Limited {
    source: Source,
    left: Option<u64>,
    number: u64,
}

impl Limited {
    fn next(&mut self, context: &Context) -> Result<Next, End> {
        let mut next = self.source.next().map_err(End::Input)?;
        if matches!(next, Next::Due) {
            return Ok(next);
        }
        if let Next::Input(input) = &mut next {
            input.number = self.number;
        }
        self.number += 1;
        match (&mut self.left, &next) {
            (_, Next::End) | (None, _) => {}
            (Some(0), _) => {
                context.limited.store(true, Ordering::Relaxed);
                return Ok(Next::End);
            }
            (Some(left), _) => *left -= 1,
        }
        Ok(next)
    }
}

fn task(next: Next, context: &Context) -> Option<Task> {
    match next {
        Next::End | Next::Due => None,
        Next::Bad(mut record, mut failure) => {
            context.program.clone_into(&mut failure.program);
            record.fail(&failure);
            Some(Task::Ready(Output { record, failure: Some(failure), usage: None }))
        }
        Next::Input(input) if input.record.has("error") => {
            Some(Task::Ready(Output { record: input.record, failure: None, usage: None }))
        }
        Next::Input(input) => Some(Task::Apply(input)),
    }
}

fn inline<F: Filter>(
    filter: &F,
    mut input: Limited,
    context: &Context,
    out: &mut Out,
) -> Result<(), End> {
    let mut worker = None;
    loop {
        if !input.source.is_ready() {
            out.flush()?;
            input.source.wait_until(filter.due());
        } else if filter.wants_flush() {
            out.flush()?;
        }
        let next = input.next(context)?;
        if matches!(next, Next::Due) {
            wake(filter, context, out)?;
            continue;
        }
        let Some(task) = task(next, context) else { return Ok(()) };
        filter.taken(input.source.consumed(), matches!(task, Task::Apply(_)));
        out.totals.read += 1;
        match task {
            Task::Ready(output) => out.send(output)?,
            Task::Apply(input) => apply(filter, &mut worker, &input, context, out)?,
        }
    }
}

fn wake<F: Filter>(filter: &F, context: &Context, out: &mut Out) -> Result<(), Stopped> {
    let mut emit = Emit::new(out, context, None);
    match filter.wake(&mut emit) {
        Ok(()) => Ok(()),
        Err(Halt::Stopped) => Err(Stopped),
        Err(Halt::Failed(failure)) => emit.fail(records::Record::new(), failure),
    }
}

/// Applies the filter to one record; whatever goes wrong becomes the record's failure.
fn apply<F: Filter>(
    filter: &F,
    worker: &mut Option<F::Worker>,
    input: &Input,
    context: &Context,
    sink: &mut dyn Sink,
) -> Result<(), Stopped> {
    let mut emit = Emit::new(sink, context, Some(input));
    let handled = catch_unwind(AssertUnwindSafe(|| {
        let mut own = match worker.take() {
            Some(own) => own,
            None => filter.worker().map_err(Halt::Failed)?,
        };
        let result = cached::apply(filter, &mut own, input, &mut emit);
        // Not put back after a panic: nobody knows what state it was left in.
        *worker = Some(own);
        result
    }));
    match handled {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Halt::Stopped)) => Err(Stopped),
        // The engine gave up because the program stops: the record was not handled.
        Ok(Err(Halt::Failed(_))) if context.stop.is_set() => Err(Stopped),
        Ok(Err(Halt::Failed(failure))) => emit.fail(input.record.clone(), failure),
        Err(panic) => {
            let message = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("panic");
            emit.fail(input.record.clone(), Failure::new(Code::Bug, message))
        }
    }
}

fn parallel<F: Filter>(
    filter: &F,
    input: Limited,
    context: &Context,
    out: &mut Out,
    workers: usize,
    unordered: bool,
) -> Result<(), End> {
    let Window { jobs, queue, entry } = Window::new(workers, unordered);
    std::thread::scope(|scope| {
        let batch = if F::SLOW { 1 } else { BATCH };
        let reader = scope.spawn(move || feed(input, &entry, context, batch));
        for _ in 0..workers {
            let jobs = jobs.clone();
            scope.spawn(move || work(filter, &jobs, context));
        }
        drop(jobs);
        let written = write_in_order(&queue, out);
        if written.is_err() {
            context.stop.set();
        }
        // Senders that wait for room see that nobody takes any more.
        drop(queue);
        let (read, fed) = reader.join().unwrap_or((0, Err(End::Stopped)));
        out.totals.read = read;
        written.map_err(End::from).and(fed)
    })
}

/// Reads and hands over jobs of up to `batch` records, never waiting for input while it holds
/// some.
fn feed(
    mut input: Limited,
    entry: &Entry,
    context: &Context,
    batch: usize,
) -> (u64, Result<(), End>) {
    let mut read = 0;
    let mut tasks = Vec::new();
    loop {
        let next = input.next(context).map(|next| task(next, context));
        let end = match next {
            Ok(Some(task)) => {
                read += 1;
                tasks.push(task);
                None
            }
            Ok(None) => Some(Ok(())),
            Err(end) => Some(Err(end)),
        };
        let full = tasks.len() >= batch || !input.source.is_ready();
        if (full || end.is_some())
            && !tasks.is_empty()
            && entry.put(std::mem::take(&mut tasks)).is_err()
        {
            return (read, Err(End::Stopped));
        }
        if let Some(end) = end {
            return (read, end);
        }
    }
}

fn work<F: Filter>(filter: &F, jobs: &Receiver<Job>, context: &Context) {
    let mut worker = None;
    while let Ok(Job { tasks, out }) = jobs.recv() {
        let mut out = Outbox::new(out, !F::SLOW);
        let mut handle = |task| match task {
            Task::Ready(output) => out.send(output),
            Task::Apply(input) => apply(filter, &mut worker, &input, context, &mut out),
        };
        let sent = tasks.into_iter().try_for_each(&mut handle).and_then(|()| out.flush());
        if sent.is_err() && context.stop.is_set() {
            return;
        }
    }
}

/// Writes what the workers send, in the order of the queue; flushes before every wait.
fn write_in_order(queue: &Receiver<Receiver<Vec<Output>>>, out: &mut Out) -> Result<(), Stopped> {
    while let Some(channel) = receive(queue, out)? {
        while let Some(outputs) = receive(&channel, out)? {
            for output in outputs {
                out.send(output)?;
            }
        }
    }
    Ok(())
}

fn receive<T>(from: &Receiver<T>, out: &mut Out) -> Result<Option<T>, Stopped> {
    match from.try_recv() {
        Ok(item) => Ok(Some(item)),
        Err(TryRecvError::Disconnected) => Ok(None),
        Err(TryRecvError::Empty) => {
            out.flush()?;
            from.recv().map(Some).or_else(|RecvError| Ok(None))
        }
    }
}

fn finish<F: Filter>(filter: &F, context: &Context, out: &mut Out) -> Result<(), End> {
    if context.stop.is_set() {
        return Err(End::Stopped);
    }
    let mut emit = Emit::new(out, context, None);
    match filter.finish(&mut emit) {
        Ok(()) => Ok(()),
        Err(Halt::Stopped) => Err(End::Stopped),
        Err(Halt::Failed(failure)) => Ok(emit.fail(records::Record::new(), failure)?),
    }
}

/// The exit status of a run that ended like this.
fn exit(out: &mut Out, ended: Result<(), End>, context: &Context) -> Result<Exit, Error> {
    match (out.failure.take(), ended) {
        (Some(WriteError::Closed), _) => Ok(Exit::Success),
        (Some(error), _) => Err(error.into()),
        (None, Err(End::Input(error))) => Err(Error::setup(format!("cannot read input: {error}"))),
        _ if context.limited.load(Ordering::Relaxed) => Ok(Exit::Limit),
        _ if out.totals.failed > 0 => Ok(Exit::SomeFailed),
        _ => Ok(Exit::Success),
    }
}
