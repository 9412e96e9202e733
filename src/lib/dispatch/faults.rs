//! Workers that are lost, and what becomes of their records.

use std::time::{Duration, Instant};

use records::{Code, Failure};

use crate::Dispatcher;
use crate::dispatcher::InFlight;
use crate::output::Done;
use crate::worker::{Departure, WorkerId};

/// Workers that a record may end.
const STRIKES: u32 = 2;

/// Losses after which a record is sent alone, whoever is to blame.
const LOSSES: u32 = 2;

/// The first rest before a record is sent again; doubled each time.
const REST: Duration = Duration::from_millis(100);

/// Doublings of it, at most.
const DOUBLINGS: u32 = 6;

impl Dispatcher {
    /// Gives up the workers that have been at one record for too long.
    pub(crate) fn give_up_the_hung(&mut self, now: Instant) {
        let Some(limit) = self.options.timeout else { return };
        let is_hung = |since: Instant| now.saturating_duration_since(since) > limit;
        let hung: Vec<WorkerId> = self
            .workers
            .iter()
            .filter(|(_, w)| !w.in_flight.is_empty() && is_hung(w.busy_since))
            .map(|(id, _)| *id)
            .collect();
        for id in hung {
            let reason = format!("no answer within {} seconds", limit.as_secs_f64());
            self.dismiss(id, Departure::Crashed(reason), Code::Timeout, now);
        }
    }

    /// Sends a worker away, and takes back what it has.
    pub(crate) fn dismiss(&mut self, id: WorkerId, why: Departure, code: Code, now: Instant) {
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.handle.abandon();
        }
        self.lose(id, why, code, now);
    }

    /// A worker is no more: what it has goes to others, or is given up.
    pub(crate) fn lose(&mut self, id: WorkerId, why: Departure, code: Code, now: Instant) {
        let Some(worker) = self.workers.remove(&id) else { return };
        let host = worker.host;
        self.hosts[host].workers -= 1;
        let count = worker.in_flight.len();
        let (reason, blamed) = match why {
            Departure::Ended if count == 0 => return,
            Departure::Ended => ("it ended before it had answered".to_owned(), true),
            Departure::Crashed(reason) => (reason, true),
            Departure::Lost(reason) => (reason, false),
        };
        let name = &self.hosts[host].name;
        log::warn!("{name}: {reason}; {count} records go elsewhere");
        self.hosts[host].lost += count as u64;
        let hung = code == Code::Timeout;
        for (place, in_flight) in worker.in_flight.into_iter().enumerate() {
            // Whoever hangs is at the first one; whoever dies is probably, but not surely.
            let surely = blamed && (count == 1 || (hung && place == 0));
            let fault = Fault { worker: id, host, place, surely, blamed, hung, code };
            self.lost(&in_flight, &fault, &reason, count == 1, now);
        }
    }

    fn lost(
        &mut self,
        in_flight: &InFlight,
        fault: &Fault,
        reason: &str,
        alone: bool,
        now: Instant,
    ) {
        let number = in_flight.number;
        let retries = self.options.retries;
        let Some(task) = self.window.get(number) else { return };
        let Some(holders) = task.holders() else { return };
        holders.retain(|holder| *holder != fault.worker);
        let elsewhere = !holders.is_empty();
        task.losses += 1;
        task.avoid = Some(fault.host);
        if fault.surely {
            task.strikes += 1;
        } else if alone && !fault.blamed {
            task.tries += 1;
        }
        // The others behind one that hangs have nothing to do with it.
        let suspect = fault.blamed && fault.place == 0;
        let seen_often = task.losses >= LOSSES && !(fault.hung && fault.place > 0);
        task.alone |= suspect || seen_often;
        let doublings = (task.strikes + task.tries).min(DOUBLINGS);
        task.rest_until = (doublings > 0).then(|| now + REST * 2u32.pow(doublings - 1));
        let (is_alone, strikes, tries) = (task.alone, task.strikes, task.tries);
        let message = if strikes >= STRIKES {
            format!("it ended {strikes} workers; the last: {reason}")
        } else if tries > retries {
            format!("it was lost {tries} times; the last: {reason}")
        } else {
            match (elsewhere, is_alone) {
                (true, _) => {}
                (false, true) => self.alone.push_back(number),
                (false, false) => self.again.push_back(number),
            }
            return;
        };
        self.fail(number, fault, &message);
    }

    fn fail(&mut self, number: u64, fault: &Fault, message: &str) {
        let Some(task) = self.window.get(number) else { return };
        let sent = task.sent;
        let Some(record) = task.record() else { return };
        let mut record = (**record).clone();
        let mut failure = Failure::new(fault.code, message).retryable();
        self.options.program.clone_into(&mut failure.program);
        record.fail(&failure);
        let host = Some(std::sync::Arc::clone(&self.hosts[fault.host].name));
        self.hosts[fault.host].failed += 1;
        let failure = Some(failure);
        self.finish(
            number,
            Done { record, failure, host, took: Duration::ZERO, sent, kept: false },
        );
    }
}

/// How a worker was lost, as far as one of its records is concerned.
struct Fault {
    worker: WorkerId,
    host: usize,
    /// The record's place among what the worker had.
    place: usize,
    /// No other record can be to blame.
    surely: bool,
    /// Some record may be to blame.
    blamed: bool,
    hung: bool,
    code: Code,
}
