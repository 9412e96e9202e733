//! The end of a run.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::Dispatcher;
use crate::output::Why;
use crate::worker::{Departure, Event};

/// How long workers may take to end after the last record.
const ENDING: Duration = Duration::from_secs(10);

/// How long they may take when they are not wanted any more.
const LEAVING: Duration = Duration::from_secs(2);

impl Dispatcher {
    /// Ends the workers, and waits for that a little.
    pub(crate) fn let_go(&mut self, why: &Why) {
        let started = Instant::now();
        let mut finishing = BTreeSet::new();
        for (id, worker) in &mut self.workers {
            // One that still computes lost a race: its answer came from elsewhere.
            if *why == Why::Finished && worker.in_flight.is_empty() {
                worker.handle.finish();
                finishing.insert(*id);
            } else {
                worker.handle.abandon();
            }
        }
        while !self.workers.is_empty() {
            let patience = if finishing.is_empty() { LEAVING } else { ENDING };
            let left = patience.saturating_sub(started.elapsed());
            match self.events.recv_timeout(left) {
                Ok(Event::Left { id, why }) => {
                    if let Some(worker) = self.workers.remove(&id)
                        && let (true, Departure::Crashed(reason)) = (finishing.remove(&id), why)
                    {
                        let name = &self.hosts[worker.host].name;
                        log::info!("{name}: after its last answer: {reason}");
                    }
                }
                Ok(Event::Joined { mut handle, .. }) => handle.abandon(),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        for worker in self.workers.values_mut() {
            worker.handle.abandon();
        }
    }
}
