//! Continuous batching: one thread owns the context and answers all callers.
//!
//! Each step decodes what every request past its prompt needs next (one token of an answer, some of
//! a candidate), and fills up with parts of the prompts that are entering. A request enters when a sequence is free and all the cells
//! it may ever need can be promised to it, so a step never lacks any.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::Receiver;
use engine::Error;
use jobserver::Worker;
use llama_cpp_2::llama_batch::LlamaBatch;

use crate::cache::Cache;
use crate::model::Model;
use crate::prefix::{self, Neighbour, Source};
use crate::slot::{Job, Slot, Turn};

/// Totals since the model was loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Decode steps.
    pub steps: u64,
    /// Prompt tokens that were decoded.
    pub prompt_decoded: u64,
    /// Prompt tokens that were taken over from another prompt.
    pub prompt_shared: u64,
    /// Tokens after prompts that were decoded: generated ones, and those of scored candidates.
    pub generated: u64,
}

/// [`Stats`] while they grow.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    steps: AtomicU64,
    prompt_decoded: AtomicU64,
    prompt_shared: AtomicU64,
    generated: AtomicU64,
}

impl Counters {
    pub(crate) fn stats(&self) -> Stats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            steps: get(&self.steps),
            prompt_decoded: get(&self.prompt_decoded),
            prompt_shared: get(&self.prompt_shared),
            generated: get(&self.generated),
        }
    }
}

fn add(counter: &AtomicU64, n: usize) {
    counter.fetch_add(n as u64, Ordering::Relaxed);
}

/// The state of the thread.
pub(crate) struct Scheduler<'model> {
    model: &'model Model,
    cache: Cache<'model>,
    batch: LlamaBatch<'static>,
    batch_size: usize,
    slots: Vec<Option<Slot>>,
    waiting: VecDeque<Job>,
    /// Whether the beginning of a sequence can be copied.
    share: bool,
    counters: Arc<Counters>,
}

impl<'model> Scheduler<'model> {
    /// `parallel` sequences, steps of `batch_size` tokens, at least `parallel`.
    pub(crate) fn new(
        model: &'model Model,
        cache: Cache<'model>,
        parallel: usize,
        batch_size: usize,
        share: bool,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            model,
            cache,
            batch: LlamaBatch::new(batch_size, 1),
            batch_size,
            slots: (0..parallel).map(|_| None).collect(),
            waiting: VecDeque::new(),
            share,
            counters,
        }
    }

    /// Answers until nobody can ask any more. Sleeps while there is nothing to do.
    /// `cpu` is held while there is something to do.
    pub(crate) fn run(&mut self, jobs: &Receiver<Job>, mut cpu: Option<Worker>) {
        loop {
            if self.waiting.is_empty() && self.slots.iter().all(Option::is_none) {
                if let Some(cpu) = &mut cpu {
                    cpu.release();
                }
                match jobs.recv() {
                    Ok(job) => self.waiting.push_back(job),
                    Err(_) => return,
                }
            }
            let turn = cpu.as_mut().is_none_or(|cpu| cpu.turn(|| self.is_any_cancelled()));
            self.take(jobs);
            if let Err(error) = if turn { self.step() } else { self.drop_cancelled() } {
                self.fail_all(&error);
            }
        }
    }

    fn is_any_cancelled(&self) -> bool {
        let slots = self.slots.iter().flatten().map(|slot| &slot.job);
        slots.chain(&self.waiting).any(|job| job.cancel.reason().is_some())
    }

    /// Takes as many requests as there is room for: the rest may find another context free.
    fn take(&mut self, jobs: &Receiver<Job>) {
        let free = self.slots.iter().filter(|slot| slot.is_none()).count();
        while self.waiting.len() < free {
            match jobs.try_recv() {
                Ok(job) => self.waiting.push_back(job),
                Err(_) => return,
            }
        }
    }

    fn step(&mut self) -> Result<(), Error> {
        self.drop_cancelled()?;
        self.admit()?;
        let outputs = self.fill()?;
        if self.batch.n_tokens() == 0 {
            return Ok(());
        }
        self.cache.decode(&mut self.batch)?;
        add(&self.counters.steps, 1);
        for (at, place) in outputs {
            let Some(slot) = &mut self.slots[at] else { continue };
            match slot.advance(self.model, self.cache.logits(place)?) {
                Turn::Go => {}
                Turn::Back(len) => self.cache.cut(at, len)?,
                Turn::Leave => self.leave(at)?,
            }
        }
        Ok(())
    }

    /// Answers those who gave up.
    fn drop_cancelled(&mut self) -> Result<(), Error> {
        self.waiting.retain(|job| match job.cancel.reason() {
            Some(reason) => {
                job.fail(Error::Cancelled(reason));
                false
            }
            None => true,
        });
        for at in 0..self.slots.len() {
            let Some(slot) = &self.slots[at] else { continue };
            if let Some(reason) = slot.job.cancel.reason() {
                slot.job.fail(Error::Cancelled(reason));
                self.leave(at)?;
            }
        }
        Ok(())
    }

    /// Lets requests enter, first come first served.
    fn admit(&mut self) -> Result<(), Error> {
        while let Some(at) = self.slots.iter().position(Option::is_none) {
            let Some(job) = self.waiting.front() else { break };
            let cells = job.cells();
            let Some((decoded, shared)) = self.begin(at)? else { break };
            if !self.make_room(cells - shared, shared)? {
                self.cache.free(at)?;
                break;
            }
            let Some(job) = self.waiting.pop_front() else { break };
            add(&self.counters.prompt_shared, decoded);
            self.slots[at] = Some(Slot::new(job, decoded, shared));
        }
        Ok(())
    }

    /// Gives the sequence `at` what is decoded of the first waiting prompt. Returns the tokens
    /// it has then, and how many of them are also kept; none if it is better to wait a step.
    fn begin(&mut self, at: usize) -> Result<Option<(usize, usize)>, Error> {
        let Some(job) = self.waiting.front() else { return Ok(None) };
        if !self.share {
            return Ok(Some((0, 0)));
        }
        let neighbours = self.slots.iter().enumerate().filter_map(|(slot, neighbour)| {
            let neighbour = neighbour.as_ref()?;
            let decoded = neighbour.prompt_decoded();
            Some(Neighbour { slot, prompt: &neighbour.job.prompt, decoded })
        });
        match prefix::source(&job.prompt, self.cache.kept(), neighbours) {
            Source::Soon => Ok(None),
            Source::Fresh => Ok(Some((0, 0))),
            Source::Kept { len } => {
                self.cache.share_kept(at, len)?;
                Ok(Some((len, len)))
            }
            Source::Neighbour { slot, len } => {
                let prefix = job.prompt[..len].to_vec();
                let kept = self.cache.keep(slot, &prefix, self.pinned())?;
                if let (true, Some(neighbour)) = (kept, &mut self.slots[slot]) {
                    neighbour.shared = neighbour.shared.max(len);
                }
                self.cache.copy_first(slot, at, len)?;
                Ok(Some((len, if kept { len } else { 0 })))
            }
        }
    }

    /// Whether `cells` more can be promised while the first `shared` kept tokens stay; what is
    /// kept beyond is given up for them.
    fn make_room(&mut self, cells: usize, shared: usize) -> Result<bool, Error> {
        let promised: usize =
            self.slots.iter().flatten().map(|slot| slot.job.cells() - slot.shared).sum();
        let must_keep = self.pinned().max(shared);
        let capacity = self.cache.capacity();
        if promised + cells + must_keep > capacity {
            return Ok(false);
        }
        self.cache.trim((capacity - promised - cells).min(self.cache.kept().len()))?;
        Ok(true)
    }

    /// Kept tokens that requests are being answered with.
    fn pinned(&self) -> usize {
        self.slots.iter().flatten().map(|slot| slot.shared).max().unwrap_or(0)
    }

    /// Fills the batch. Returns (slot, place in the batch) of the tokens whose logits are
    /// needed.
    fn fill(&mut self) -> Result<Vec<(usize, usize)>, Error> {
        self.batch.clear();
        let mut outputs = Vec::new();
        let mut used = 0;
        let failed = |error: String| Error::Engine(format!("filling a batch: {error}"));
        // Those who are being answered first: their callers see text.
        for past_prompt in [true, false] {
            for (at, slot) in self.slots.iter_mut().enumerate() {
                let Some(slot) = slot.as_mut().filter(|slot| slot.is_past_prompt() == past_prompt)
                else {
                    continue;
                };
                let id = i32::try_from(at).map_err(|error| failed(error.to_string()))?;
                let first = slot.decoded;
                let part = slot.take(self.batch_size - used);
                let count = part.len();
                for (n, (token, output)) in part.into_iter().enumerate() {
                    let position =
                        i32::try_from(first + n).map_err(|error| failed(error.to_string()))?;
                    self.batch
                        .add(token, position, &[id], output)
                        .map_err(|error| failed(error.to_string()))?;
                    if output {
                        outputs.push((at, used + n));
                    }
                }
                used += count;
                let Counters { generated, prompt_decoded, .. } = &*self.counters;
                add(if past_prompt { generated } else { prompt_decoded }, count);
            }
        }
        Ok(outputs)
    }

    /// Frees a slot; its prompt is kept for those who begin alike.
    fn leave(&mut self, at: usize) -> Result<(), Error> {
        let Some(slot) = self.slots[at].take() else { return Ok(()) };
        if self.share {
            let prompt = &slot.job.prompt[..slot.prompt_decoded()];
            self.cache.keep(at, prompt, self.pinned())?;
        }
        self.cache.free(at)
    }

    /// After a step that failed the cache is in an unknown state: everybody is told.
    fn fail_all(&mut self, error: &Error) {
        log::error!("{error}");
        for slot in self.slots.iter_mut().filter_map(Option::take) {
            slot.job.fail(Error::Engine(error.to_string()));
        }
        // Without this a request that can never enter would be tried for ever.
        for job in self.waiting.drain(..) {
            job.fail(Error::Engine(error.to_string()));
        }
        self.cache.reset();
    }
}
