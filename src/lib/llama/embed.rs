//! An embedder and its threads.
//!
//! Each context has a thread of its own and takes from one queue what fills a step. A step holds
//! texts of any lengths one after another: nothing is padded to the longest, so there is nothing
//! to gain from sorting. A text longer than a usual step has one to itself, and those behind it
//! go to the other contexts meanwhile.

use std::borrow::Cow;
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use engine::{Cancel, Embed, Embedding, Error, ModelInfo};
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::{LlamaContextParams, LlamaPoolingType};
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;

use jobserver::Worker;

use crate::Options;
use crate::answer::gone;
use crate::facts::{self, Facts};
use crate::model::{Model, nonzero, size};
use crate::options::DEFAULT_CONTEXT;

/// Texts of one step.
const MAX_TEXTS: usize = 64;

/// Characters of a word, at most, as in BERT's `WordPiece`: llama.cpp's time for a word grows faster
/// than its square, and what is longer is no word of a language. It is read in pieces.
const LONGEST_WORD: usize = 100;

/// One text of a request.
struct Job {
    tokens: Vec<LlamaToken>,
    /// Its place in the request.
    at: usize,
    cancel: Cancel,
    done: Sender<(usize, Result<Vec<f32>, Error>)>,
}

impl Job {
    /// Answers a cancelled job.
    fn turn_away(self) {
        if let Some(reason) = self.cancel.reason() {
            // A caller that has gone does not mind.
            let _ = self.done.send((self.at, Err(Error::Cancelled(reason))));
        }
    }
}

/// A loaded embedding model. Callers of all threads share it; texts that are asked for at the
/// same time are computed together.
#[derive(Debug)]
pub struct LlamaEmbedder {
    info: ModelInfo,
    model: Arc<Model>,
    dimensions: usize,
    /// Taken on drop, which ends the threads. Every context takes from it what fills a step.
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

/// Lengths that are fixed when a model is loaded, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lengths {
    /// Of the longest text.
    context: usize,
    /// Of a step of several texts: a longer text has a step to itself.
    step: usize,
}

impl Lengths {
    fn longest_step(self) -> usize {
        self.context.max(self.step)
    }
}

impl LlamaEmbedder {
    /// Loads the model and starts its threads. Token outputs are pooled as the file says, by
    /// their mean where it says nothing.
    ///
    /// # Errors
    /// [`Error::Load`] when the file is not an embedding model, or the machine has not the memory
    /// for it.
    pub fn load(options: Options) -> Result<Self, Error> {
        let facts = facts::read(&options)?;
        if !facts.embeds {
            return Err(options.refuse("a model that generates text, not an embedding model"));
        }
        let lengths = lengths(&options, &facts)?;
        let contexts = options.contexts.clamp(1, 512);
        let working = facts.attention_bytes(lengths.longest_step());
        facts.check_memory(&options, working.saturating_mul(contexts as u64))?;
        let model = Model::load(&options, &facts)?;
        let info = ModelInfo {
            name: options.display_name(),
            sha256: options.sha256.clone(),
            context: lengths.context,
        };
        let dimensions = usize::try_from(model.inner().n_embd_out()).unwrap_or(0);
        let (jobs, inbox) = unbounded();
        let mut embedder = Self { info, model, dimensions, jobs: Some(jobs), threads: Vec::new() };
        for number in 0..contexts {
            // Joined by the drop of `embedder` if this or a later context cannot be made.
            embedder.start(number, &options, lengths, facts.pools, &inbox)?;
        }
        Ok(embedder)
    }

    fn start(
        &mut self,
        number: usize,
        options: &Options,
        lengths: Lengths,
        pools: bool,
        inbox: &Receiver<Job>,
    ) -> Result<(), Error> {
        let (ready, started) = bounded(1);
        let thread = std::thread::Builder::new().name("embed".into()).spawn({
            let (model, options, inbox) = (Arc::clone(&self.model), options.clone(), inbox.clone());
            move || match context(&model, &options, lengths, pools) {
                Ok(context) => {
                    if ready.send(Ok(())).is_ok() {
                        let cpu = options.cpu_worker(number);
                        let share = options.contexts.max(1);
                        Computer::new(context, lengths, share, cpu).run(&inbox);
                    }
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            }
        });
        self.threads.push(thread.map_err(|error| options.refuse(error.to_string()))?);
        started.recv().unwrap_or_else(|_| Err(options.refuse("its thread ended")))
    }
}

/// Tokens of a text and of a step. An encoder looks at a text as a whole: the longest one must
/// fit a step.
fn lengths(options: &Options, facts: &Facts) -> Result<Lengths, Error> {
    let trained = facts.train_context;
    let context = if options.context == 0 { trained.min(DEFAULT_CONTEXT) } else { options.context };
    if context > trained {
        return Err(options.refuse(format!(
            "a context of {context} tokens is asked for, and the model was trained for {trained}"
        )));
    }
    Ok(Lengths { context, step: options.batch.clamp(32, 4096) })
}

fn context<'m>(
    model: &'m Model,
    options: &Options,
    lengths: Lengths,
    pools: bool,
) -> Result<LlamaContext<'m>, Error> {
    let longest = lengths.longest_step();
    let params = LlamaContextParams::default()
        .with_n_ctx(nonzero(longest))
        .with_n_batch(size(longest))
        .with_n_ubatch(size(longest))
        .with_n_seq_max(size(MAX_TEXTS))
        .with_embeddings(true);
    // Without pooling there would be one vector a token.
    let params = if pools { params } else { params.with_pooling_type(LlamaPoolingType::Mean) };
    model.context(options, params)
}

/// A context on its thread.
struct Computer<'m> {
    context: LlamaContext<'m>,
    batch: LlamaBatch<'static>,
    /// Tokens of a step of several texts.
    step: usize,
    /// Contexts that take from the same queue.
    share: usize,
    /// Held while there is something to do.
    cpu: Option<Worker>,
}

impl<'m> Computer<'m> {
    fn new(context: LlamaContext<'m>, lengths: Lengths, share: usize, cpu: Option<Worker>) -> Self {
        let batch = LlamaBatch::new(lengths.longest_step(), 1);
        Self { context, batch, step: lengths.step, share, cpu }
    }

    /// Computes until nobody can ask any more. Sleeps while there is nothing to do.
    fn run(&mut self, inbox: &Receiver<Job>) {
        let mut ahead = None;
        loop {
            let first = match ahead.take().or_else(|| inbox.try_recv().ok()) {
                Some(job) => job,
                None => {
                    if let Some(cpu) = &mut self.cpu {
                        cpu.release();
                    }
                    match inbox.recv() {
                        Ok(job) => job,
                        Err(_) => return,
                    }
                }
            };
            let given_up = || first.cancel.reason().is_some();
            if let Some(cpu) = &mut self.cpu
                && !cpu.turn(given_up)
            {
                first.turn_away();
                continue;
            }
            let (jobs, left) = self.gather(first, inbox);
            ahead = left;
            compute(&mut self.context, &mut self.batch, &jobs);
        }
    }

    /// The texts of one step: as many as fit, and no more than this context's share of what
    /// waits. Also the one that did not fit any more.
    fn gather(&self, first: Job, inbox: &Receiver<Job>) -> (Vec<Job>, Option<Job>) {
        let most = (inbox.len() + 1).div_ceil(self.share).min(MAX_TEXTS);
        let mut jobs: Vec<Job> = Vec::new();
        let mut used = 0;
        let mut next = Some(first);
        while let Some(job) = next {
            if job.cancel.reason().is_some() {
                job.turn_away();
            } else if !jobs.is_empty() && used + job.tokens.len() > self.step {
                return (jobs, Some(job));
            } else {
                used += job.tokens.len();
                jobs.push(job);
            }
            next = if jobs.len() < most { inbox.try_recv().ok() } else { None };
        }
        (jobs, None)
    }
}

fn compute(context: &mut LlamaContext<'_>, batch: &mut LlamaBatch<'_>, jobs: &[Job]) {
    if jobs.is_empty() {
        return;
    }
    let outcome = encode(context, batch, jobs);
    for (sequence, job) in (0_i32..).zip(jobs) {
        let vector = match &outcome {
            Ok(()) => context
                .embeddings_seq_ith(sequence)
                .map_err(|error| error.to_string())
                .and_then(unit),
            Err(error) => Err(error.clone()),
        };
        // A caller that has gone does not mind.
        let _ = job.done.send((job.at, vector.map_err(Error::Engine)));
    }
}

fn encode(
    context: &mut LlamaContext<'_>,
    batch: &mut LlamaBatch<'_>,
    jobs: &[Job],
) -> Result<(), String> {
    batch.clear();
    for (sequence, job) in (0_i32..).zip(jobs) {
        for (position, &token) in (0_i32..).zip(&job.tokens) {
            batch.add(token, position, &[sequence], true).map_err(|error| error.to_string())?;
        }
    }
    // Models that keep a cache of keys and values start from an empty one.
    context.clear_kv_cache();
    context.encode(batch).map_err(|error| format!("encode: {error}"))
}

/// The text with a space inside words that are too long.
fn short_words(text: &str) -> Cow<'_, str> {
    let long = |word: &str| word.len() > LONGEST_WORD && word.chars().count() > LONGEST_WORD;
    if !text.split(|c: char| !c.is_alphanumeric()).any(long) {
        return Cow::Borrowed(text);
    }
    let mut spaced = String::with_capacity(text.len() + text.len() / LONGEST_WORD + 1);
    let mut run = 0;
    for c in text.chars() {
        run = if c.is_alphanumeric() { run + 1 } else { 0 };
        if run > LONGEST_WORD {
            spaced.push(' ');
            run = 1;
        }
        spaced.push(c);
    }
    Cow::Owned(spaced)
}

/// The vector at length one.
fn unit(vector: &[f32]) -> Result<Vec<f32>, String> {
    let norm = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
    if !norm.is_finite() || norm == 0.0 {
        return Err("the model gave a vector without a direction".into());
    }
    #[expect(clippy::cast_possible_truncation, reason = "the model computes in f32")]
    Ok(vector.iter().map(|&x| (f64::from(x) / norm) as f32).collect())
}

impl Embed for LlamaEmbedder {
    fn model(&self) -> &ModelInfo {
        &self.info
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn embed(&self, texts: &[&str], cancel: &Cancel) -> Result<Vec<Embedding>, Error> {
        if let Some(reason) = cancel.reason() {
            return Err(Error::Cancelled(reason));
        }
        let jobs = self.jobs.as_ref().ok_or_else(gone)?;
        let tokens: Result<Vec<_>, _> =
            texts.iter().map(|text| self.model.framed(&short_words(text))).collect();
        let tokens = tokens?;
        let context = self.info.context;
        if let Some(needed) = tokens.iter().map(Vec::len).find(|&needed| needed > context) {
            return Err(Error::TooLong { needed, context });
        }
        if tokens.iter().any(Vec::is_empty) {
            return Err(Error::Engine("an empty text has no embedding".into()));
        }
        let mut found: Vec<Embedding> = tokens
            .iter()
            .map(|tokens| Embedding { vector: Vec::new(), tokens: tokens.len() })
            .collect();
        let (done, heard) = unbounded();
        for (at, tokens) in tokens.into_iter().enumerate() {
            let job = Job { tokens, at, cancel: cancel.clone(), done: done.clone() };
            jobs.send(job).map_err(|_| gone())?;
        }
        drop(done);
        for _ in texts {
            let (at, vector) = heard.recv().map_err(|_| gone())?;
            found[at].vector = vector?;
        }
        Ok(found)
    }
}

impl Drop for LlamaEmbedder {
    fn drop(&mut self) {
        drop(self.jobs.take());
        for thread in self.threads.drain(..) {
            // A thread that panicked has already failed its callers.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_WORD, short_words};

    #[test]
    fn only_what_is_no_word_is_cut() {
        let long = "a".repeat(LONGEST_WORD);
        assert_eq!(short_words(&format!("{long} it's 世界")), format!("{long} it's 世界"));
        assert_eq!(short_words(&format!("{long}bc d")), format!("{long} bc d"));
    }
}
