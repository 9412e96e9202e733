//! An embedder and its thread.

use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use engine::{Cancel, Embed, Embedding, Error, ModelInfo};
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::{LlamaContextParams, LlamaPoolingType};
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;

use crate::Options;
use crate::facts::{self, Facts};
use crate::model::{Model, nonzero, size};
use crate::options::DEFAULT_CONTEXT;

/// Texts of one step.
const MAX_TEXTS: usize = 32;

/// One text of a request.
struct Job {
    tokens: Vec<LlamaToken>,
    /// Its place in the request.
    at: usize,
    cancel: Cancel,
    done: Sender<(usize, Result<Vec<f32>, Error>)>,
}

/// A loaded embedding model. Callers of all threads share it; texts that are asked for at the
/// same time are computed together.
#[derive(Debug)]
pub struct LlamaEmbedder {
    info: ModelInfo,
    model: Arc<Model>,
    dimensions: usize,
    /// Taken on drop, which ends the thread.
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl LlamaEmbedder {
    /// Loads the model and starts its thread. Token outputs are pooled as the file says, by
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
        let (context, batch) = lengths(&options, &facts)?;
        facts.check_memory(&options, facts.attention_bytes(batch))?;
        let model = Model::load(&options, &facts)?;
        let info =
            ModelInfo { name: options.display_name(), sha256: options.sha256.clone(), context };
        let dimensions = usize::try_from(model.inner().n_embd_out()).unwrap_or(0);
        let (jobs, inbox) = unbounded();
        let (ready, started) = bounded(1);
        let thread = {
            let pools = facts.pools;
            let (model, options) = (Arc::clone(&model), options.clone());
            std::thread::Builder::new()
                .name("embed".into())
                .spawn(move || serve(&model, &options, batch, pools, &inbox, &ready))
        };
        let thread = thread.map_err(|error| options.refuse(error.to_string()))?;
        let embedder = Self { info, model, dimensions, jobs: Some(jobs), thread: Some(thread) };
        started.recv().unwrap_or_else(|_| Err(options.refuse("its thread ended")))?;
        Ok(embedder)
    }
}

/// Tokens of a text and of a step. An encoder looks at a text as a whole: the longest one must
/// fit a step.
fn lengths(options: &Options, facts: &Facts) -> Result<(usize, usize), Error> {
    let trained = facts.train_context;
    let context = if options.context == 0 { trained.min(DEFAULT_CONTEXT) } else { options.context };
    if context > trained {
        return Err(options.refuse(format!(
            "a context of {context} tokens is asked for, and the model was trained for {trained}"
        )));
    }
    Ok((context, context.max(options.batch.clamp(32, 4096))))
}

fn serve(
    model: &Model,
    options: &Options,
    batch: usize,
    pools: bool,
    inbox: &Receiver<Job>,
    ready: &Sender<Result<(), Error>>,
) {
    let params = LlamaContextParams::default()
        .with_n_ctx(nonzero(batch))
        .with_n_batch(size(batch))
        .with_n_ubatch(size(batch))
        .with_n_seq_max(size(MAX_TEXTS))
        .with_embeddings(true);
    // Without pooling there would be one vector a token.
    let params = if pools { params } else { params.with_pooling_type(LlamaPoolingType::Mean) };
    let context = model.context(options, params);
    match context {
        Ok(mut context) => {
            if ready.send(Ok(())).is_ok() {
                run(&mut context, batch, inbox);
            }
        }
        Err(error) => {
            let _ = ready.send(Err(error));
        }
    }
}

/// Computes until nobody can ask any more. Sleeps while there is nothing to do.
fn run(context: &mut LlamaContext<'_>, size: usize, inbox: &Receiver<Job>) {
    let mut batch = LlamaBatch::new(size, 1);
    let mut ahead = None;
    while let Some(first) = ahead.take().or_else(|| inbox.recv().ok()) {
        let mut jobs: Vec<Job> = Vec::new();
        let mut used = 0;
        let mut next = Some(first);
        while let Some(job) = next {
            if let Some(reason) = job.cancel.reason() {
                let _ = job.done.send((job.at, Err(Error::Cancelled(reason))));
            } else if jobs.len() == MAX_TEXTS || used + job.tokens.len() > size {
                ahead = Some(job);
                break;
            } else {
                used += job.tokens.len();
                jobs.push(job);
            }
            next = inbox.try_recv().ok();
        }
        compute(context, &mut batch, &jobs);
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
        let gone = || Error::Engine("the engine's thread has ended".into());
        let jobs = self.jobs.as_ref().ok_or_else(gone)?;
        let tokens: Result<Vec<_>, _> = texts.iter().map(|text| self.model.framed(text)).collect();
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
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has already failed its callers.
            let _ = thread.join();
        }
    }
}
