use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use records::{Failure, Record, Step, Usage};

use crate::cached::{ResultKey, Results, Watched, Witness};
use crate::signal::Stop;
use crate::source::Input;

/// Items that a thread takes at once in [`Emit::each`].
const SHARE: usize = 256;

/// What file operands are to a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operands {
    /// Each file is a document: the record holds its `path`, and the filter reads it.
    Files,
    /// Each file is a text, read into `text`; a `.jsonl` or `.ndjson` file is a stream of records.
    Texts,
}

/// The output is closed or the program is stopping: there is nothing more to do.
#[derive(Clone, Copy, Debug)]
pub struct Stopped;

/// Why a filter does not go on with a record.
#[derive(Debug)]
pub enum Halt {
    /// The record cannot be handled: it is written unchanged, with the failure.
    Failed(Failure),
    /// Nobody wants an answer any more.
    Stopped,
}

impl From<Stopped> for Halt {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

impl<F: Into<Failure>> From<F> for Halt {
    fn from(failure: F) -> Self {
        Self::Failed(failure.into())
    }
}

/// What a program does with one record. Shared by all workers.
pub trait Filter: Send + Sync + 'static {
    /// What one worker needs for itself: made on its thread, kept over records, made anew after
    /// a panic.
    type Worker;

    /// The key of the main result: what `-r` prints and `--as` renames.
    const RESULT: &'static str;

    /// The field read when `--field` is not given.
    const FIELD: &'static str = "text";

    /// What file operands are.
    const OPERANDS: Operands = Operands::Texts;

    /// Whether a record takes so long that each is written out at once, before the next: so for
    /// everything that asks a model, since C++ code may abort the process.
    const SLOW: bool = true;

    /// A worker.
    ///
    /// # Errors
    /// A failure that then stands in each record it would have handled.
    fn worker(&self) -> Result<Self::Worker, Failure>;

    /// Handles a record: emits any number of records made from it, or says why not.
    ///
    /// # Errors
    /// [`Halt`].
    fn apply(
        &self,
        worker: &mut Self::Worker,
        input: &Input,
        out: &mut Emit<'_>,
    ) -> Result<(), Halt>;

    /// Where the result for this record is kept from run to run, and under which key; none for a
    /// record whose result is not kept. Asked before [`Filter::apply`], which is left out when
    /// the result is there. Kept are results of one record without a failure: the keys that
    /// were added.
    fn kept(&self, _input: &Input) -> Option<(&Results, ResultKey)> {
        None
    }

    /// Takes note of a line of input before it is handled: where it ends in the stream that is
    /// read, and whether [`Filter::apply`] comes next (or it passes, or is no record). Only with
    /// one worker.
    fn taken(&self, _bytes: u64, _applies: bool) {}

    /// Whether lines should be flushed though more input waits. Only with one worker.
    fn wants_flush(&self) -> bool {
        false
    }

    /// When [`Filter::wake`] is to be called, if no line of stdin comes before. Asked before
    /// each wait. Only with one worker.
    fn due(&self) -> Option<Instant> {
        None
    }

    /// Emits what it is time for.
    ///
    /// # Errors
    /// As [`Filter::apply`].
    fn wake(&self, _out: &mut Emit<'_>) -> Result<(), Halt> {
        Ok(())
    }

    /// Emits what can be known only after the last record.
    ///
    /// # Errors
    /// As [`Filter::apply`].
    fn finish(&self, _out: &mut Emit<'_>) -> Result<(), Halt> {
        Ok(())
    }
}

/// One record on its way out.
pub(crate) struct Output {
    pub(crate) record: Record,
    /// The failure in it, when this program added one.
    pub(crate) failure: Option<Failure>,
    /// What it used; `None` for a record that passes untouched.
    pub(crate) usage: Option<Usage>,
}

/// Where outputs go: straight to the writer, or through the order-keeping window.
pub(crate) trait Sink {
    fn send(&mut self, output: Output) -> Result<(), Stopped>;
}

impl Sink for Vec<Output> {
    fn send(&mut self, output: Output) -> Result<(), Stopped> {
        self.push(output);
        Ok(())
    }
}

/// What is the same for all records of a run.
pub(crate) struct Context {
    pub(crate) program: &'static str,
    pub(crate) host: String,
    pub(crate) via: bool,
    pub(crate) stop: Stop,
    pub(crate) limited: std::sync::atomic::AtomicBool,
    /// What the filter counts, for `--stats`.
    counts: Mutex<BTreeMap<String, u64>>,
}

impl Context {
    pub(crate) fn new(program: &'static str, via: bool, stop: &Stop) -> Self {
        Self {
            program,
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            via,
            stop: stop.clone(),
            limited: false.into(),
            counts: Mutex::default(),
        }
    }

    pub(crate) fn take_counts(&self) -> BTreeMap<String, u64> {
        // What a panicking record left is as good as before it: each step is one addition.
        std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Where a filter hands over the records that it makes from one input.
pub struct Emit<'a> {
    sink: &'a mut dyn Sink,
    context: &'a Context,
    input: Option<&'a Input>,
    since: Instant,
}

impl<'a> Emit<'a> {
    pub(crate) fn new(
        sink: &'a mut dyn Sink,
        context: &'a Context,
        input: Option<&'a Input>,
    ) -> Self {
        Self { sink, context, input, since: Instant::now() }
    }

    /// Writes a record that the filter made or added to: `id` is filled in where it is missing,
    /// and a step is added to `via`, with the time since the last one.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn record(&mut self, mut record: Record, usage: Usage) -> Result<(), Stopped> {
        if !record.has("id") {
            let id = self.input.map_or_else(|| record.id(), |input| input.record.id());
            record.set("id", &id);
        }
        if self.context.via {
            let ms = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
            record.push_step(&Step {
                program: self.context.program.to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                host: self.context.host.clone(),
                ms,
                usage: usage.clone(),
            });
        }
        self.since = Instant::now();
        self.sink.send(Output { record, failure: None, usage: Some(usage) })
    }

    /// Emits for each of many items, in their order, what `body` says of it, with some threads at
    /// work.
    ///
    /// # Errors
    /// The first that `body` gives, after what came before it.
    pub fn each<T: Sync>(
        &mut self,
        items: &[T],
        threads: usize,
        body: impl Fn(&T, &mut Emit<'_>) -> Result<(), Halt> + Sync,
    ) -> Result<(), Halt> {
        let (context, input, body) = (self.context, self.input, &body);
        let made = |items: &[T]| {
            let mut outputs = Vec::new();
            let mut emit = Emit::new(&mut outputs, context, input);
            let ended = items.iter().try_for_each(|item| body(item, &mut emit));
            (outputs, ended)
        };
        let mut waiting: Vec<(Vec<Output>, Result<(), Halt>)> = Vec::new();
        // In the last round nothing is made, only written.
        let rounds = items.chunks(SHARE * threads.max(1)).chain(std::iter::once(&items[..0]));
        for round in rounds {
            waiting = std::thread::scope(|scope| {
                let shares = round.chunks(SHARE);
                let workers: Vec<_> =
                    shares.map(|share| scope.spawn(move || made(share))).collect();
                for (outputs, ended) in waiting {
                    outputs.into_iter().try_for_each(|output| self.sink.send(output))?;
                    ended?;
                }
                let answers = workers.into_iter().map(|worker| worker.join());
                let answers = answers.map(|a| a.unwrap_or_else(|p| std::panic::resume_unwind(p)));
                Ok::<_, Halt>(answers.collect())
            })?;
        }
        Ok(())
    }

    /// Runs `body` with a sink that shows `witness` what is emitted.
    pub(crate) fn watched<T>(
        &mut self,
        witness: &mut Witness<'_>,
        body: impl FnOnce(&mut Emit<'_>) -> T,
    ) -> T {
        let mut sink = Watched { sink: &mut *self.sink, witness };
        let (context, input, since) = (self.context, self.input, self.since);
        body(&mut Emit { sink: &mut sink, context, input, since })
    }

    /// Writes a record untouched.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn pass(&mut self, record: Record) -> Result<(), Stopped> {
        self.sink.send(Output { record, failure: None, usage: None })
    }

    /// Writes `record` with the failure added, for a filter that fails records other than the
    /// one it is handling.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn fail(&mut self, mut record: Record, mut failure: Failure) -> Result<(), Stopped> {
        self.context.program.clone_into(&mut failure.program);
        record.fail(&failure);
        self.sink.send(Output { record, failure: Some(failure), usage: None })
    }

    /// Adds to a total of the filter's own, under `counts` in `--stats`.
    pub fn count(&self, name: &str, number: u64) {
        let mut counts = self.context.counts.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.get_mut(name) {
            Some(count) => *count += number,
            None => drop(counts.insert(name.to_owned(), number)),
        }
    }

    /// Notes that a limit or budget was reached: the exit status becomes 3.
    pub fn limit_reached(&self, message: &str) {
        if !self.context.limited.swap(true, std::sync::atomic::Ordering::Relaxed) {
            log::warn!("{message}");
        }
    }

    /// Whether there is a reason to stop.
    pub fn is_stopping(&self) -> bool {
        self.context.stop.is_set()
    }
}
