use std::sync::Arc;
use std::time::Duration;

use records::{Failure, Record};

/// A record that is finished with.
#[derive(Clone, Debug)]
pub struct Done {
    /// What is to be written.
    pub record: Record,
    /// The failure in it that was not there before.
    pub failure: Option<Failure>,
    /// The host that answered; none where no worker was asked.
    pub host: Option<Arc<str>>,
    /// From sending to answer.
    pub took: Duration,
    /// Times that it was sent.
    pub sent: u32,
    /// Whether an earlier run had the answer.
    pub kept: bool,
}

/// The output takes no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// Where finished records go.
pub trait Sink {
    /// Writes one.
    ///
    /// # Errors
    /// [`Stopped`]: the run ends.
    fn put(&mut self, done: Done) -> Result<(), Stopped>;

    /// There is nothing more to write for now.
    ///
    /// # Errors
    /// [`Stopped`].
    fn idle(&mut self) -> Result<(), Stopped>;

    /// How it stands, a few times a second.
    fn show(&mut self, _hosts: &[HostState]) {}
}

/// A host as it stands.
#[derive(Clone, Debug)]
pub struct HostState {
    /// Its name.
    pub name: Arc<str>,
    /// Workers that are there.
    pub workers: usize,
    /// Sources of workers that have not given up.
    pub hopes: usize,
    /// Records that are with its workers.
    pub queued: usize,
    /// Records that it answered and that counted.
    pub answered: u64,
    /// Of those, with a failure.
    pub failed: u64,
    /// Records that were lost there, or came too late.
    pub lost: u64,
    /// Time that its workers were busy, all together.
    pub busy: Duration,
}

/// Why a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Everything is answered.
    Finished,
    /// Fewer hosts are left than there have to be.
    NoHosts,
    /// From outside: a signal, or the output is closed.
    Stopped,
    /// The journal cannot be read or written.
    Journal(String),
}

/// What a run did.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Why it ended.
    pub why: Why,
    /// Records read.
    pub read: u64,
    /// Of those, not answered.
    pub open: u64,
    /// Times that a record was sent again.
    pub again: u64,
    /// What each host did.
    pub hosts: Vec<HostState>,
}
