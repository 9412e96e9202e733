use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::Cancel;

/// The requests that have reached a model or wait for one, so that they can be cancelled.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    next: u64,
    stopped: bool,
    cancels: HashMap<u64, Cancel>,
}

/// One request's presence. Whoever drops it has lost interest: the engine is told to give up,
/// which is how a client that disconnects frees the model.
#[derive(Debug)]
pub(crate) struct Ticket {
    requests: Arc<Requests>,
    number: u64,
    cancel: Cancel,
}

impl Requests {
    fn lock(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a request that may take `limit` from now.
    pub(crate) fn enter(self: &Arc<Self>, limit: Duration) -> Ticket {
        let cancel = Cancel::on(Arc::new(AtomicBool::new(false))).within(limit);
        let mut running = self.lock();
        if running.stopped {
            cancel.set();
        }
        let number = running.next;
        running.next += 1;
        running.cancels.insert(number, cancel.clone());
        drop(running);
        Ticket { requests: Arc::clone(self), number, cancel }
    }

    /// Cancels every request, also those that are yet to come; says how many there were.
    pub(crate) fn cancel_all(&self) -> usize {
        let mut running = self.lock();
        running.stopped = true;
        running.cancels.values().for_each(Cancel::set);
        running.cancels.len()
    }
}

impl Ticket {
    pub(crate) fn cancel(&self) -> &Cancel {
        &self.cancel
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.cancel.set();
        self.requests.lock().cancels.remove(&self.number);
    }
}
