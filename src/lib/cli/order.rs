//! Workers and the window that keeps their output in order.
//!
//! ```text
//! reader ──jobs──▶ workers ──one channel a record──▶ writer
//!    └────────────queue of those channels, in order──▶┘
//! ```
//! The writer empties the channels one after another. A worker whose record's turn has not come
//! fills its channel and then waits; the record whose turn it is never waits for another one, so
//! nothing can lock up, and memory is bounded by window × channel. Unordered, all records share
//! one channel.
//!
//! Where records are handled in microseconds, handing each over would cost more than the work:
//! there a job is a batch of the records that are already read, and its outputs travel together.

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::filter::{Output, Sink, Stopped};
use crate::source::Input;

/// Messages that a job may have waiting for its turn.
const CHANNEL: usize = 64;

/// Records of one job at most, where they are cheap.
pub(crate) const BATCH: usize = 256;

/// Records read ahead of the one being written, for each worker.
const WINDOW_PER_WORKER: usize = 4;

/// What the reader hands to a worker.
pub(crate) enum Task {
    Apply(Input),
    /// What needs no worker, but keeps its place in the order.
    Ready(Output),
}

/// Tasks, and where their outputs go.
pub(crate) struct Job {
    pub(crate) tasks: Vec<Task>,
    pub(crate) out: Sender<Vec<Output>>,
}

pub(crate) struct Window {
    pub(crate) jobs: Receiver<Job>,
    pub(crate) queue: Receiver<Receiver<Vec<Output>>>,
    pub(crate) entry: Entry,
}

/// The reader's end: puts tasks into the window, and waits when it is full.
pub(crate) struct Entry {
    jobs: Sender<Job>,
    queue: Sender<Receiver<Vec<Output>>>,
    shared: Option<Sender<Vec<Output>>>,
}

impl Window {
    pub(crate) fn new(workers: usize, unordered: bool) -> Self {
        let (jobs_in, jobs) = bounded(workers);
        let (queue_in, queue) = bounded(workers * WINDOW_PER_WORKER);
        let shared = unordered.then(|| {
            let (sender, receiver) = bounded(CHANNEL * workers);
            // The queue is empty and has room.
            let _ = queue_in.send(receiver);
            sender
        });
        Self { jobs, queue, entry: Entry { jobs: jobs_in, queue: queue_in, shared } }
    }
}

impl Entry {
    /// Puts a job in.
    ///
    /// # Errors
    /// [`Stopped`] when the writer or the workers are gone.
    pub(crate) fn put(&self, tasks: Vec<Task>) -> Result<(), Stopped> {
        let out = match &self.shared {
            Some(sender) => sender.clone(),
            None => {
                let (sender, receiver) = bounded(CHANNEL);
                self.queue.send(receiver).map_err(|_| Stopped)?;
                sender
            }
        };
        self.jobs.send(Job { tasks, out }).map_err(|_| Stopped)
    }
}

/// A worker's outputs on their way to the writer: together, or each at once.
pub(crate) struct Outbox {
    out: Sender<Vec<Output>>,
    waiting: Vec<Output>,
    together: bool,
}

impl Outbox {
    pub(crate) fn new(out: Sender<Vec<Output>>, together: bool) -> Self {
        Self { out, waiting: Vec::new(), together }
    }

    /// Sends what waits.
    ///
    /// # Errors
    /// [`Stopped`] when the writer is gone.
    pub(crate) fn flush(&mut self) -> Result<(), Stopped> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.out.send(std::mem::take(&mut self.waiting)).map_err(|_| Stopped)
    }
}

impl Sink for Outbox {
    fn send(&mut self, output: Output) -> Result<(), Stopped> {
        self.waiting.push(output);
        if self.together && self.waiting.len() < BATCH { Ok(()) } else { self.flush() }
    }
}
