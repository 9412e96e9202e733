use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::Sender;
use records::Record;

/// Something that answers records, one line each, in the order it gets them. Nothing here blocks.
pub trait Worker: Send {
    /// Hands over records. When that fails, the worker leaves: see [`Member::left`].
    fn send(&mut self, records: &[Arc<Record>]);

    /// No more records will come.
    fn finish(&mut self);

    /// Its answers are not wanted any more, whatever it does.
    fn abandon(&mut self);
}

/// Why a worker is no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Departure {
    /// It came to its end as it was told to.
    Ended,
    /// It ended by itself: a record may have done that.
    Crashed(String),
    /// The way to it broke: no record's fault.
    Lost(String),
}

/// Names a worker within a run. None is used twice.
pub(crate) type WorkerId = u64;

/// What happens to a dispatcher from outside.
pub(crate) enum Event {
    Joined { id: WorkerId, host: usize, handle: Box<dyn Worker>, accepted: Arc<AtomicU64> },
    Answered { id: WorkerId, lines: Vec<u8> },
    Left { id: WorkerId, why: Departure },
    GaveUp { host: usize },
    Stop,
}

/// A source of workers of one host, for as long as it lives: while there is one, there is hope.
pub struct Supplier {
    pub(crate) events: Sender<Event>,
    pub(crate) host: usize,
    pub(crate) ids: Arc<AtomicU64>,
}

impl Supplier {
    /// A worker is there. What it answers goes through the [`Member`].
    #[must_use]
    pub fn join(&self, worker: Box<dyn Worker>) -> Member {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let accepted = Arc::new(AtomicU64::new(0));
        let joined =
            Event::Joined { id, host: self.host, handle: worker, accepted: Arc::clone(&accepted) };
        // A dispatcher that is gone needs nobody.
        let _ = self.events.send(joined);
        Member { events: self.events.clone(), id, accepted, is_left: false }
    }
}

impl Drop for Supplier {
    fn drop(&mut self) {
        let _ = self.events.send(Event::GaveUp { host: self.host });
    }
}

/// A worker that joined, as its own side sees it.
pub struct Member {
    events: Sender<Event>,
    id: WorkerId,
    accepted: Arc<AtomicU64>,
    is_left: bool,
}

impl Member {
    /// Whole lines that it wrote. `false` when nobody listens any more.
    pub fn answered(&self, lines: Vec<u8>) -> bool {
        self.events.send(Event::Answered { id: self.id, lines }).is_ok()
    }

    /// Answers of it that were taken.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// It is no more.
    pub fn left(mut self, why: Departure) {
        self.is_left = true;
        let _ = self.events.send(Event::Left { id: self.id, why });
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if !self.is_left {
            let why = Departure::Lost("its thread ended".into());
            let _ = self.events.send(Event::Left { id: self.id, why });
        }
    }
}

/// Ends a run from outside.
#[derive(Clone)]
pub struct Stopper {
    pub(crate) events: Sender<Event>,
}

impl Stopper {
    /// Ends it: what is not answered stays so.
    pub fn stop(&self) {
        let _ = self.events.send(Event::Stop);
    }
}
