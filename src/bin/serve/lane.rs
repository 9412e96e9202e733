use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::refusal::Refusal;

/// How many requests a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Requests the engine works on at a time: its parallel sequences. At least 1 is used.
    pub parallel: usize,
    /// Requests that wait for one of those; a further one is answered with 503.
    pub queue: usize,
}

impl Capacity {
    /// `parallel` at a time and 32 waiting.
    pub fn new(parallel: usize) -> Self {
        Self { parallel, queue: 32 }
    }
}

/// The way into one model: so many in the engine, so many waiting, nobody else.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    admission: Arc<Semaphore>,
    slots: Arc<Semaphore>,
}

/// A request's right to one engine call. It is moved into the call, so that a slot is free again
/// when the engine has returned, not when the client has left.
#[derive(Debug)]
pub(crate) struct Place {
    _admission: OwnedSemaphorePermit,
    _slot: OwnedSemaphorePermit,
}

impl Lane {
    pub(crate) fn new(capacity: Capacity) -> Self {
        let parallel = capacity.parallel.clamp(1, Semaphore::MAX_PERMITS);
        let admitted = parallel.saturating_add(capacity.queue).min(Semaphore::MAX_PERMITS);
        Self {
            admission: Arc::new(Semaphore::new(admitted)),
            slots: Arc::new(Semaphore::new(parallel)),
        }
    }

    /// Waits for a slot, first come first served; dropping the future leaves the queue.
    ///
    /// # Errors
    /// [`Refusal::busy`] at once when the queue is full.
    pub(crate) async fn enter(&self) -> Result<Place, Refusal> {
        let admission = Arc::clone(&self.admission).try_acquire_owned();
        let _admission = admission.map_err(|_| Refusal::busy())?;
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        let _slot = slot.map_err(|_| Refusal::stopping())?;
        Ok(Place { _admission, _slot })
    }
}
