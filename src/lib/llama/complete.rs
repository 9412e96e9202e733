//! A generator and its threads, as callers see it.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use engine::{
    Cancel, Complete, Completion, CompletionRequest, Error, ModelInfo, Prompt, StopReason,
    TokenChoice,
};
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::token::LlamaToken;

use crate::answer::{Answering, gone};
use crate::cache::Cache;
use crate::facts::{self, Facts};
use crate::model::{Model, nonzero, size};
use crate::options::{DEFAULT_CONTEXT, MAX_PARALLEL};
use crate::sampler::Chooser;
use crate::scheduler::{Counters, Scheduler, Stats};
use crate::slot::{Event, Job, Work};
use crate::text::TextHolder;
use crate::{Options, grammar};

/// How often a caller that hears nothing looks whether it should give up.
const LOOK: Duration = Duration::from_millis(100);

/// A context shorter than this is of no use to anybody.
const MIN_CONTEXT: usize = 64;

/// A loaded generator. Callers of all threads share it; what they ask at the same time is
/// decoded together.
#[derive(Debug)]
pub struct Llama {
    info: ModelInfo,
    model: Arc<Model>,
    counters: Arc<Counters>,
    /// Taken on drop, which ends the threads. Every context takes from it what it has room for.
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

/// Lengths that are fixed when a model is loaded, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lengths {
    context: usize,
    cells: usize,
    parallel: usize,
    batch: usize,
}

impl Llama {
    /// Loads the model and starts its threads.
    ///
    /// # Errors
    /// [`Error::Load`] when the file is not a model that generates text, or the machine has not
    /// the memory for it.
    pub fn load(options: Options) -> Result<Self, Error> {
        let facts = facts::read(&options)?;
        if facts.embeds {
            return Err(options.refuse("an embedding model, which does not generate text"));
        }
        if facts.architecture.starts_with("t5") {
            return Err(options.refuse("encoder-decoder models are not supported"));
        }
        let (contexts, options) = divide(options);
        let lengths = lengths(&options, &facts)?;
        let cells = lengths.cells.saturating_mul(contexts) as u64;
        let cache_bytes = facts.kv_bytes_per_token.saturating_mul(cells);
        let compute = facts.compute_bytes(lengths.batch).saturating_mul(contexts as u64);
        facts.check_memory(&options, cache_bytes.saturating_add(compute))?;
        let model = Model::load(&options, &facts)?;
        let info = ModelInfo {
            name: options.display_name(),
            sha256: options.sha256.clone(),
            context: lengths.context,
        };
        let (jobs, inbox) = unbounded();
        let counters = Arc::new(Counters::default());
        let mut llama = Self { info, model, counters, jobs: Some(jobs), threads: Vec::new() };
        for number in 0..contexts {
            // Joined by the drop of `llama` if this or a later context cannot be made.
            llama.start(number, &options, lengths, &inbox)?;
        }
        Ok(llama)
    }

    fn start(
        &mut self,
        number: usize,
        options: &Options,
        lengths: Lengths,
        inbox: &Receiver<Job>,
    ) -> Result<(), Error> {
        let (ready, started) = bounded(1);
        let thread = std::thread::Builder::new().name("llama".into()).spawn({
            let (model, counters) = (Arc::clone(&self.model), Arc::clone(&self.counters));
            let (options, inbox) = (options.clone(), inbox.clone());
            move || serve(&model, &options, number, lengths, counters, &inbox, &ready)
        });
        self.threads.push(thread.map_err(|error| options.refuse(error.to_string()))?);
        started.recv().unwrap_or_else(|_| Err(options.refuse("its thread ended")))
    }

    /// What was decoded so far.
    pub fn stats(&self) -> Stats {
        self.counters.stats()
    }

    /// The weights and the vocabulary.
    pub(crate) fn weights(&self) -> &Model {
        &self.model
    }

    /// Which model this is.
    pub(crate) fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Tokens of a prompt after which `more` tokens still fit.
    pub(crate) fn fitting(&self, prompt: &Prompt, more: usize) -> Result<Vec<LlamaToken>, Error> {
        let prompt = self.model.prompt(prompt)?;
        if prompt.is_empty() {
            return Err(Error::Engine("the prompt is empty".into()));
        }
        let needed = prompt.len().saturating_add(more);
        if needed > self.info.context {
            return Err(Error::TooLong { needed, context: self.info.context });
        }
        Ok(prompt)
    }

    /// Hands a request to the threads, and its events to `hear` until that returns something.
    pub(crate) fn ask<T>(
        &self,
        prompt: Vec<LlamaToken>,
        work: Work,
        cancel: &Cancel,
        mut hear: impl FnMut(Event) -> Option<Result<T, Error>>,
    ) -> Result<T, Error> {
        let (events, heard) = unbounded();
        let job = Job { prompt, work, cancel: cancel.clone(), events };
        self.jobs.as_ref().ok_or_else(gone)?.send(job).map_err(|_| gone())?;
        loop {
            // The thread drops its end when it dies: this never waits for nobody. A request that
            // waits for a context to have room is not looked at meanwhile but here.
            let event = match heard.recv_timeout(LOOK) {
                Err(RecvTimeoutError::Timeout) => match cancel.reason() {
                    Some(reason) => return Err(Error::Cancelled(reason)),
                    None => continue,
                },
                event => event.map_err(|_| gone())?,
            };
            if let Some(end) = hear(event) {
                return end;
            }
        }
    }
}

/// The thread: makes the context, says how that went, and answers.
fn serve(
    model: &Model,
    options: &Options,
    number: usize,
    lengths: Lengths,
    counters: Arc<Counters>,
    inbox: &Receiver<Job>,
    ready: &Sender<Result<(), Error>>,
) {
    let params = LlamaContextParams::default()
        .with_n_ctx(nonzero(lengths.cells))
        .with_n_batch(size(lengths.batch))
        .with_n_ubatch(size(lengths.batch))
        .with_n_seq_max(size(lengths.parallel + 1))
        // A window of attention that forgets would make prefixes impossible to cut.
        .with_swa_full(true);
    match model.context(options, params) {
        Ok(context) => {
            // A recurrent state is not a list of tokens: its beginning cannot be copied.
            let share = !model.inner().is_recurrent() && !model.inner().is_hybrid();
            let cache = Cache::new(context, lengths.parallel);
            let mut scheduler =
                Scheduler::new(model, cache, lengths.parallel, lengths.batch, share, counters);
            if ready.send(Ok(())).is_ok() {
                scheduler.run(inbox, options.cpu_worker(number));
            }
        }
        Err(error) => {
            let _ = ready.send(Err(error));
        }
    }
}

/// The tokens that begin within the first `length` bytes of the text: what was said for a stop
/// string is no part of it.
fn within(mut choices: Vec<TokenChoice>, length: usize) -> Vec<TokenChoice> {
    let mut end = 0;
    choices.retain(|choice| {
        let begin = end;
        end += choice.taken.bytes.len();
        begin < length
    });
    choices
}

/// How many contexts there will be, and the options of each: none without a sequence.
fn divide(options: Options) -> (usize, Options) {
    let contexts = options.contexts.clamp(1, options.parallel.clamp(1, MAX_PARALLEL));
    let parallel = options.parallel.div_ceil(contexts);
    let kv_bytes = options.kv_bytes / contexts as u64;
    (contexts, Options { parallel, kv_bytes, ..options })
}

/// Decides the lengths from what is asked for, what the model can, and the cache's limit.
fn lengths(options: &Options, facts: &Facts) -> Result<Lengths, Error> {
    let parallel = options.parallel.clamp(1, MAX_PARALLEL);
    let trained = facts.train_context;
    let wanted = if options.context == 0 { trained.min(DEFAULT_CONTEXT) } else { options.context };
    if wanted > trained {
        return Err(options.refuse(format!(
            "a context of {wanted} tokens is asked for, and the model was trained for {trained}"
        )));
    }
    let limit = options.kv_bytes.checked_div(facts.kv_bytes_per_token).unwrap_or(u64::MAX);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let context = if options.context == 0 { wanted.min(limit) } else { wanted };
    if context > limit || context < MIN_CONTEXT {
        let needed = facts.kv_bytes_per_token.saturating_mul(context.max(MIN_CONTEXT) as u64) >> 20;
        return Err(options.refuse(format!(
            "a context of {} tokens needs {needed} MiB of cache, and the limit is {} MiB",
            context.max(MIN_CONTEXT),
            options.kv_bytes >> 20
        )));
    }
    let cells = context.saturating_mul(parallel).min(limit);
    Ok(Lengths { context, cells, parallel, batch: options.batch.clamp(32, 4096).max(parallel) })
}

impl Complete for Llama {
    fn model(&self) -> &ModelInfo {
        &self.info
    }

    fn count_tokens(&self, text: &str) -> Result<usize, Error> {
        Ok(self.model.plain(text)?.len())
    }

    fn count_prompt_tokens(&self, prompt: &Prompt) -> Result<usize, Error> {
        Ok(self.model.prompt(prompt)?.len())
    }

    fn complete(
        &self,
        request: &CompletionRequest,
        cancel: &Cancel,
        on_text: &mut dyn FnMut(&str),
    ) -> Result<Completion, Error> {
        if let Some(reason) = cancel.reason() {
            return Err(Error::Cancelled(reason));
        }
        let prompt = self.fitting(&request.prompt, request.max_tokens)?;
        let tokens_in = prompt.len();
        let mut text = String::new();
        if request.max_tokens == 0 {
            let stop = StopReason::Length;
            let tokens = Vec::new();
            return Ok(Completion {
                text,
                tokens_in,
                tokens_out: 0,
                stop,
                mean_logprob: None,
                tokens,
            });
        }
        let grammar = request.constraint.as_ref().map(grammar::compile).transpose()?;
        let chooser = Chooser::new(&self.model, &request.sampling, grammar.as_deref(), &prompt)?;
        let holder = TextHolder::new(&request.stop);
        let answering = Answering::new(chooser, holder, request.max_tokens, request.logprobs);
        let answer = self.ask(prompt, Work::Answer(answering), cancel, |event| match event {
            Event::Text(piece) => {
                on_text(&piece);
                text.push_str(&piece);
                None
            }
            Event::Answered(answer) => Some(Ok(answer)),
            Event::Failed(error) => Some(Err(error)),
            Event::Scored(..) => Some(Err(gone())),
        })?;
        let tokens = within(answer.choices, text.len());
        Ok(Completion {
            text,
            tokens,
            tokens_in,
            tokens_out: answer.tokens,
            stop: answer.stop,
            mean_logprob: answer.mean_logprob,
        })
    }
}

impl Drop for Llama {
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
    use super::*;

    fn facts() -> Facts {
        Facts { train_context: 2048, kv_bytes_per_token: 1 << 10, ..Facts::default() }
    }

    #[test]
    fn the_cache_holds_every_request_when_it_may() -> Result<(), Error> {
        let options = Options { parallel: 4, ..Options::new("m.gguf") };
        let found = lengths(&options, &facts())?;
        assert_eq!((found.context, found.cells, found.parallel), (2048, 8192, 4));
        Ok(())
    }

    #[test]
    fn a_limit_makes_requests_share_but_leaves_one_whole() -> Result<(), Error> {
        let options = Options { parallel: 4, kv_bytes: 3 << 20, ..Options::new("m.gguf") };
        assert_eq!(lengths(&options, &facts())?.cells, 3072);
        let options = Options { kv_bytes: 1 << 20, ..options };
        assert_eq!(lengths(&options, &facts())?.context, 1024);
        Ok(())
    }

    #[test]
    fn contexts_divide_what_there_is() {
        let options = Options { parallel: 5, contexts: 2, ..Options::new("m.gguf") };
        let (contexts, each) = divide(options.clone());
        assert_eq!((contexts, each.parallel, each.kv_bytes), (2, 3, 512 << 20));
        assert_eq!(divide(Options { parallel: 1, ..options }).0, 1);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let base = Options { kv_bytes: 1 << 20, ..Options::new("m.gguf") };
        for (context, kv_bytes) in [(4096, 1 << 30), (2048, 1 << 20), (0, 1 << 10), (1, 1 << 20)] {
            let options = Options { context, kv_bytes, ..base.clone() };
            assert!(lengths(&options, &facts()).is_err(), "{context} {kv_bytes}");
        }
    }
}
