//! Who gets which record.

use std::sync::Arc;
use std::time::{Duration, Instant};

use records::Record;

use crate::Dispatcher;
use crate::credit::MOST_BYTES;
use crate::dispatcher::{InFlight, Present};
use crate::worker::WorkerId;

/// What a worker must have taken before others take over, while nobody knows how long it needs.
const PATIENCE: f64 = 2.0;

/// A worker that has been at one record for so many times its usual time may be hung.
const UNUSUAL: f64 = 3.0;

/// The least that counts as unusual, in seconds.
const UNUSUAL_LEAST: f64 = 0.25;

impl Dispatcher {
    /// Hands out what there is to those who have room. `starved`: no further input can
    /// come now, and those without work may take over what others have.
    pub(crate) fn assign(&mut self, now: Instant, starved: bool) {
        let reserved = self.assign_alone(now);
        let candidates: Vec<WorkerId> = self
            .workers
            .iter()
            .filter(|(id, worker)| !worker.exclusive && !reserved.contains(id))
            .map(|(id, _)| *id)
            .collect();
        loop {
            let waiting = self.fresh.len() + self.again.len();
            let with_room: Vec<WorkerId> =
                candidates.iter().copied().filter(|id| self.room(*id) > 0).collect();
            if waiting == 0 || with_room.is_empty() {
                break;
            }
            // An even share first: what is scarce is not for the first one alone.
            let share = waiting.div_ceil(with_room.len());
            let mut given = 0;
            for id in with_room {
                let batch = self.batch(id, share.min(self.room(id)));
                given += batch.len();
                self.send(id, &batch, now);
            }
            if given == 0 {
                break;
            }
        }
        if starved && self.fresh.is_empty() && self.again.is_empty() && self.alone.is_empty() {
            self.take_over(&candidates, now);
        }
    }

    fn room(&self, id: WorkerId) -> usize {
        let Some(worker) = self.workers.get(&id) else { return 0 };
        let has = worker.in_flight.len();
        if has > 0 && worker.bytes >= MOST_BYTES {
            0
        } else {
            worker.credit.limit().saturating_sub(has)
        }
    }

    /// Whether a record that was lost at `avoid` may go to `host`: anywhere else first.
    fn may_go(&self, avoid: Option<usize>, host: usize) -> bool {
        avoid != Some(host) || !self.workers.values().any(|w| w.host != host)
    }

    /// Records for one worker, taken off their queues.
    fn batch(&mut self, id: WorkerId, most: usize) -> Vec<u64> {
        let Some(worker) = self.workers.get(&id) else { return Vec::new() };
        let (host, mut bytes) = (worker.host, worker.bytes);
        let mut batch = Vec::new();
        let mut passed_over = Vec::new();
        while batch.len() < most && (bytes < MOST_BYTES || batch.is_empty()) {
            let Some(number) = self.again.pop_front().or_else(|| self.fresh.pop_front()) else {
                break;
            };
            let Some(task) = self.window.get(number) else { continue };
            let (avoid, size) = (task.avoid, task.record().map(|r| r.as_str().len()));
            // Answered meanwhile by somebody who was thought lost.
            let Some(size) = size else { continue };
            if self.may_go(avoid, host) {
                bytes += size;
                batch.push(number);
            } else {
                passed_over.push(number);
            }
        }
        for number in passed_over.into_iter().rev() {
            self.again.push_front(number);
        }
        batch
    }

    /// Sends the records that have to be alone to workers that have nothing else, and gives the
    /// workers that are to become so.
    fn assign_alone(&mut self, now: Instant) -> Vec<WorkerId> {
        let mut reserved = Vec::new();
        let mut later = Vec::new();
        while let Some(number) = self.alone.pop_front() {
            let Some(task) = self.window.get(number) else { continue };
            if task.record().is_none() {
                continue;
            }
            let (avoid, rests) = (task.avoid, task.rest_until.is_some_and(|at| at > now));
            let free = |(id, w): &(&WorkerId, &Present)| !w.exclusive && !reserved.contains(*id);
            let chosen = (!rests)
                .then(|| {
                    let fit = self.workers.iter().filter(free);
                    let fit = fit.filter(|(_, w)| self.may_go(avoid, w.host));
                    fit.min_by_key(|(_, w)| w.in_flight.len())
                        .map(|(id, w)| (*id, w.in_flight.len()))
                })
                .flatten();
            match chosen {
                Some((id, 0)) => {
                    self.send(id, &[number], now);
                    if let Some(worker) = self.workers.get_mut(&id) {
                        worker.exclusive = true;
                    }
                }
                Some((id, _)) => {
                    reserved.push(id);
                    later.push(number);
                }
                None => later.push(number),
            }
        }
        self.alone.extend(later);
        reserved
    }

    fn send(&mut self, id: WorkerId, batch: &[u64], now: Instant) {
        let Some(worker) = self.workers.get_mut(&id) else { return };
        let mut records: Vec<Arc<Record>> = Vec::with_capacity(batch.len());
        for number in batch {
            let Some(task) = self.window.get(*number) else { continue };
            let Some(record) = task.record().cloned() else { continue };
            task.sent += 1;
            self.resent += u64::from(task.sent > 1);
            if let Some(holders) = task.holders() {
                holders.push(id);
            }
            let first = worker.in_flight.is_empty();
            if first {
                worker.busy_since = now;
            }
            worker.bytes += record.as_str().len();
            records.push(Arc::clone(&record));
            worker.in_flight.push_back(InFlight { number: *number, record, since: now, first });
        }
        if !records.is_empty() {
            worker.handle.send(&records);
        }
    }

    /// Gives workers without work what others take long for.
    fn take_over(&mut self, candidates: &[WorkerId], now: Instant) {
        for id in candidates {
            let Some(worker) = self.workers.get(id) else { continue };
            if !worker.in_flight.is_empty() {
                continue;
            }
            let most = (worker.credit.limit() / 2).max(1);
            let batch = self.late(*id, worker.credit.service(), most, now);
            self.send(*id, &batch, now);
        }
    }

    /// Records that others have and that `id`, which needs `own` seconds for one, would answer
    /// sooner. The oldest first.
    fn late(&self, id: WorkerId, own: Option<f64>, most: usize, now: Instant) -> Vec<u64> {
        let mut late = Vec::new();
        for (other, worker) in self.workers.iter().filter(|(other, _)| **other != id) {
            let seconds = |d: Duration| d.as_secs_f64();
            let at_it = seconds(now.saturating_duration_since(worker.busy_since));
            let service = worker.credit.service();
            for (place, in_flight) in worker.in_flight.iter().enumerate() {
                #[expect(clippy::cast_precision_loss, reason = "a few thousand at most")]
                let before = (place + 1) as f64;
                let is_late = match service {
                    None => at_it > PATIENCE.max(UNUSUAL * own.unwrap_or(0.0)),
                    Some(service) => {
                        at_it > (UNUSUAL * service).max(UNUSUAL_LEAST)
                            || before * service - at_it > 1.5 * own.unwrap_or(service)
                    }
                };
                if is_late && !worker.exclusive {
                    late.push((in_flight.number, *other));
                }
            }
        }
        late.sort_unstable();
        let only_there =
            |number: u64| self.window.holders(number).is_some_and(|holders| holders.len() == 1);
        late.into_iter().map(|(number, _)| number).filter(|n| only_there(*n)).take(most).collect()
    }
}
