//! How fast a model runs on this machine, the way these programs run it.
//!
//! Each context has one thread, so the processor time of that thread is the time its work takes
//! when nobody else wants the core. That is what counts: the clock on the wall would measure the
//! neighbours.

use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use engine::{Cancel, Embed, Error};
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;
use modelstore::cpu;
use modelstore::tuning::Speed;
use rustix::time::{ClockId, clock_gettime};

use crate::facts;
use crate::model::{Model, nonzero, size};
use crate::{LlamaEmbedder, Options};

/// Runs of each kind; the median counts.
const RUNS: usize = 3;

/// A run is made about this long, within the bounds below.
const RUN_TIME: Duration = Duration::from_millis(700);

/// No further run of a kind begins after this: slow machines measure less, not longer.
const BUDGET: Duration = Duration::from_secs(8);

/// Prompt tokens of a run, in each context: one step of a program's batch at most.
const PROMPT: std::ops::RangeInclusive<usize> = 16..=256;

/// Generated tokens of a run, in each sequence.
const ANSWER: std::ops::RangeInclusive<usize> = 4..=32;

/// Sequences of a context, at most.
const MAX_SEQUENCES: usize = 8;

/// Texts of a run in each context, for embedders, and the words of each.
const TEXTS: usize = 8;
const WORDS: usize = 60;

/// What a worker does next.
#[derive(Clone, Copy, Debug)]
enum Run {
    /// Decode a prompt of so many tokens.
    Prompt(usize),
    /// Generate so many tokens in each sequence.
    Answer(usize),
}

/// Measures prompt tokens a second and generated tokens a second of `options.contexts` contexts
/// that work side by side over one set of weights, each with its share of `options.parallel`
/// sequences; of an embedding model, tokens of texts a second. A warm-up goes first; what counts
/// is the median of a few runs of less than a second. The figures are those of a machine that
/// has nothing else to do: processor time counts, not the clock on the wall.
///
/// # Errors
/// [`Error::Load`] when the file is no usable model or memory is short; [`Error::Cancelled`].
pub fn measure_speed(options: &Options, cancel: &Cancel) -> Result<Speed, Error> {
    let options = Options {
        contexts: options.contexts.clamp(1, 512),
        parallel: options.parallel.max(1),
        jobserver: false,
        ..options.clone()
    };
    let facts = facts::read(&options)?;
    if facts.embeds {
        return embedding_speed(options, cancel);
    }
    let sequences = options.parallel.div_ceil(options.contexts).clamp(1, MAX_SEQUENCES);
    let cells = (*PROMPT.end()).max(sequences * (ANSWER.end() + 1));
    let a_context = facts.kv_bytes_per_token.saturating_mul(cells as u64);
    let a_context = a_context.saturating_add(facts.compute_bytes(*PROMPT.end()));
    facts.check_memory(&options, a_context.saturating_mul(options.contexts as u64))?;
    let model = Model::load(&options, &facts)?;
    std::thread::scope(|scope| {
        let mut crew = Crew(Vec::new());
        for _ in 0..options.contexts {
            let (orders, inbox) = mpsc::channel();
            let (outbox, replies) = mpsc::channel();
            let (model, options) = (&model, &options);
            std::thread::Builder::new()
                .name("measure".into())
                .spawn_scoped(scope, move || {
                    work(model, options, cells, sequences, &inbox, &outbox);
                })
                .map_err(|error| options.refuse(error.to_string()))?;
            crew.0.push((orders, replies));
        }
        crew.ready()?;
        let share = cores_each(options.contexts);
        let prompt = share * crew.rate(PROMPT, Run::Prompt, 1, cancel)?;
        let answer = share * crew.rate(ANSWER, Run::Answer, sequences, cancel)?;
        Ok(Speed { prompt_rate: prompt, answer_rate: Some(answer) })
    })
}

/// The processor time of a run.
type Reply = Result<Duration, Error>;

/// The workers: orders to each, replies from each. They end when this is dropped.
struct Crew(Vec<(Sender<Run>, Receiver<Reply>)>);

impl Crew {
    /// Waits until every worker has its context.
    fn ready(&self) -> Result<(), Error> {
        self.replies().map(|_| ())
    }

    /// A reply of each: the processor time of what was asked.
    fn replies(&self) -> Result<Vec<Duration>, Error> {
        self.0.iter().map(|(_, replies)| replies.recv().unwrap_or_else(|_| Err(gone()))).collect()
    }

    /// Lets all do the same, each `tokens` tokens, and waits for the last. Tokens a second of
    /// all together.
    fn run(&self, run: Run, tokens: usize) -> Result<f64, Error> {
        for (orders, _) in &self.0 {
            orders.send(run).map_err(|_| gone())?;
        }
        let rates = self.replies()?.into_iter().map(|time| tokens as f64 / seconds(time));
        Ok(rates.sum())
    }

    /// Tokens a second of all workers together; a run of length n gives n × `width` tokens in
    /// each.
    fn rate(
        &self,
        lengths: std::ops::RangeInclusive<usize>,
        run: impl Fn(usize) -> Run,
        width: usize,
        cancel: &Cancel,
    ) -> Result<f64, Error> {
        let shortest = *lengths.start();
        // The first touches all weights; the second tells how long a run may be.
        self.run(run(shortest), shortest * width)?;
        let rate = self.run(run(shortest), shortest * width)? / self.0.len() as f64;
        // Saturates where it is too large.
        let length = (rate / width as f64 * RUN_TIME.as_secs_f64()) as usize;
        let length = length.clamp(shortest, *lengths.end());
        median(cancel, || self.run(run(length), length * width))
    }
}

/// Seconds, never zero.
fn seconds(time: Duration) -> f64 {
    time.as_secs_f64().max(1e-9)
}

/// The part of a core that each of so many threads has.
fn cores_each(threads: usize) -> f64 {
    (cpu::cores() as f64 / threads as f64).min(1.0)
}

/// Processor time that this thread, or the whole process, has used.
fn cpu_time(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    let whole = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0));
    whole + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or(0))
}

fn gone() -> Error {
    Error::Engine("the thread that measures ended".into())
}

/// The median of a few runs.
fn median(cancel: &Cancel, mut run: impl FnMut() -> Result<f64, Error>) -> Result<f64, Error> {
    let start = Instant::now();
    let mut rates = Vec::new();
    while rates.len() < RUNS && (rates.is_empty() || start.elapsed() < BUDGET) {
        if let Some(reason) = cancel.reason() {
            return Err(Error::Cancelled(reason));
        }
        rates.push(run()?);
    }
    rates.sort_by(f64::total_cmp);
    Ok(rates[rates.len() / 2])
}

/// A worker's thread: its own context, the common weights.
fn work(
    model: &Model,
    options: &Options,
    cells: usize,
    sequences: usize,
    orders: &Receiver<Run>,
    replies: &Sender<Reply>,
) {
    let batch = *PROMPT.end();
    let params = LlamaContextParams::default()
        .with_n_ctx(nonzero(cells))
        .with_n_batch(size(batch))
        .with_n_ubatch(size(batch))
        .with_n_seq_max(size(sequences));
    let mut context = match model.context(&Options { threads: 1, ..options.clone() }, params) {
        Ok(context) => context,
        Err(error) => return drop(replies.send(Err(error))),
    };
    let mut batch = LlamaBatch::new(batch, 1);
    let vocabulary = u32::try_from(model.inner().n_vocab()).unwrap_or(1).max(1);
    let mut reply = Ok(Duration::ZERO);
    while replies.send(reply).is_ok() {
        let Ok(order) = orders.recv() else { return };
        let start = cpu_time(ClockId::ThreadCPUTime);
        let done = match order {
            Run::Prompt(tokens) => prompt(&mut context, &mut batch, vocabulary, tokens),
            Run::Answer(tokens) => answer(&mut context, &mut batch, vocabulary, sequences, tokens),
        };
        reply = done.map(|()| cpu_time(ClockId::ThreadCPUTime).saturating_sub(start));
    }
}

/// Some token: the time does not depend on which.
fn token(vocabulary: u32, at: usize) -> LlamaToken {
    let at = u32::try_from(at).unwrap_or(0).wrapping_mul(2_654_435_761);
    LlamaToken(i32::try_from(at % vocabulary).unwrap_or(0))
}

fn add(
    batch: &mut LlamaBatch<'_>,
    token: LlamaToken,
    at: usize,
    sequence: usize,
    output: bool,
) -> Result<(), Error> {
    let failed = |error: String| Error::Engine(format!("filling a batch: {error}"));
    let number = |n: usize| i32::try_from(n).map_err(|error| failed(error.to_string()));
    let added = batch.add(token, number(at)?, &[number(sequence)?], output);
    added.map_err(|error| failed(error.to_string()))
}

fn decode(context: &mut LlamaContext<'_>, batch: &mut LlamaBatch<'_>) -> Result<(), Error> {
    context.decode(batch).map_err(|error| Error::Engine(format!("decode: {error}")))
}

fn prompt(
    context: &mut LlamaContext<'_>,
    batch: &mut LlamaBatch<'_>,
    vocabulary: u32,
    tokens: usize,
) -> Result<(), Error> {
    context.clear_kv_cache();
    batch.clear();
    for at in 0..tokens {
        add(batch, token(vocabulary, at), at, 0, at + 1 == tokens)?;
    }
    decode(context, batch)
}

fn answer(
    context: &mut LlamaContext<'_>,
    batch: &mut LlamaBatch<'_>,
    vocabulary: u32,
    sequences: usize,
    tokens: usize,
) -> Result<(), Error> {
    context.clear_kv_cache();
    for at in 0..tokens {
        batch.clear();
        for sequence in 0..sequences {
            add(batch, token(vocabulary, at * sequences + sequence), at, sequence, true)?;
        }
        decode(context, batch)?;
    }
    Ok(())
}

/// Tokens of texts a second.
fn embedding_speed(options: Options, cancel: &Cancel) -> Result<Speed, Error> {
    let texts: Vec<String> = (0..TEXTS * options.contexts).map(text).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let cores = options.contexts.min(cpu::cores()) as f64;
    let embedder = LlamaEmbedder::load(Options { threads: 1, ..options })?;
    embedder.embed(&texts, cancel)?;
    let prompt_rate = median(cancel, || {
        // The threads that embed are the only ones in the process that compute.
        let start = cpu_time(ClockId::ProcessCPUTime);
        let tokens: usize = embedder.embed(&texts, cancel)?.iter().map(|one| one.tokens).sum();
        let time = cpu_time(ClockId::ProcessCPUTime).saturating_sub(start);
        Ok(cores * tokens as f64 / seconds(time))
    })?;
    Ok(Speed { prompt_rate, answer_rate: None })
}

/// A text of usual words, another one for each number.
fn text(number: usize) -> String {
    const USUAL: [&str; 8] = ["the", "water", "rose", "over", "night", "and", "bridges", "closed"];
    (0..WORDS).flat_map(|at| [USUAL[(at * 5 + number) % USUAL.len()], " "]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_the_runs_counts() {
        let mut rates = [5.0, 900.0, 7.0].into_iter();
        let found = median(&Cancel::default(), || Ok(rates.next().unwrap()));
        assert_eq!(found.unwrap(), 7.0);
        let cancel = Cancel::default();
        cancel.set();
        assert!(matches!(median(&cancel, || Ok(1.0)), Err(Error::Cancelled(_))));
    }

    #[test]
    fn tokens_are_of_the_vocabulary() {
        for vocabulary in [1, 7, 49_152] {
            let all = (0..1000).map(|at| token(vocabulary, at).0);
            assert!(all.into_iter().all(|t| (0..vocabulary as i32).contains(&t)));
        }
    }
}
