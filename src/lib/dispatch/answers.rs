//! What workers write, taken for the answers to what they have.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use records::{Code, Failure, Record, Step, Usage};

use crate::Dispatcher;
use crate::output::Done;
use crate::worker::{Departure, WorkerId};

impl Dispatcher {
    /// A worker wrote lines.
    pub(crate) fn answered(&mut self, id: WorkerId, lines: &[u8], now: Instant) {
        let Some(worker) = self.workers.get_mut(&id) else { return };
        let since = worker.busy_since;
        let mut count = 0;
        let mut fault = None;
        for line in lines.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            match self.answer(id, line, now) {
                Ok(()) => count += 1,
                Err(reason) => {
                    fault = Some(reason);
                    break;
                }
            }
        }
        if let Some(worker) = self.workers.get_mut(&id) {
            let busy = now.saturating_duration_since(since);
            worker.credit.measure(count, busy);
            worker.busy_since = now;
            worker.exclusive &= !worker.in_flight.is_empty();
            self.hosts[worker.host].busy += busy;
        }
        if let Some(reason) = fault {
            self.dismiss(id, Departure::Crashed(reason), Code::Remote, now);
        }
    }

    /// Takes one line for the answer to the oldest record that a worker has.
    fn answer(&mut self, id: WorkerId, line: &[u8], now: Instant) -> Result<(), String> {
        let Some(worker) = self.workers.get_mut(&id) else { return Ok(()) };
        let front = worker.in_flight.front().ok_or("it answered what it was not asked")?;
        let answer = Record::parse(line).map_err(|e| format!("it wrote what is no record: {e}"))?;
        self.options.matching.check(&front.record, &answer)?;
        let Some(front) = worker.in_flight.pop_front() else { return Ok(()) };
        worker.bytes -= front.record.as_str().len();
        worker.accepted.fetch_add(1, Ordering::Relaxed);
        let took = now.saturating_duration_since(front.since);
        if front.first {
            worker.credit.measure_alone(took);
        }
        let host = worker.host;
        self.take(front.number, answer, host, took);
        Ok(())
    }

    fn take(&mut self, number: u64, mut record: Record, host: usize, took: Duration) {
        let task = self.window.get(number).filter(|task| task.record().is_some());
        let Some(task) = task else {
            // Another worker was quicker.
            self.hosts[host].lost += 1;
            return;
        };
        let (key, sent) = (task.key, task.sent);
        let name = Arc::clone(&self.hosts[host].name);
        let failure = record.has("error").then(|| failure(&record));
        self.hosts[host].answered += 1;
        self.hosts[host].failed += u64::from(failure.is_some());
        if failure.is_none() {
            if self.options.via {
                record.push_step(&Step {
                    program: self.options.program.to_owned(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    host: name.to_string(),
                    ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                    usage: Usage::default(),
                });
            }
            if let Some(key) = key {
                self.notes.push((key, record.as_str().to_owned()));
            }
        }
        self.finish(number, Done { record, failure, host: Some(name), took, sent, kept: false });
    }
}

/// The failure that stands in a record, or one that says that it is none of ours.
fn failure(record: &Record) -> Failure {
    record.get::<Failure>("error").ok().flatten().unwrap_or_else(|| {
        Failure::new(Code::Remote, "the worker's answer has an \"error\" of its own kind")
    })
}
