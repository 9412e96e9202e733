use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use cli::{Emit, Filter, Halt, Input, Stopped};
use records::{Failure, Malformed, Record, Usage, content_id};

use crate::lines::{Format, Taken};
use crate::run::{News, Run};
use crate::time::Nanos;

/// Events, one after another.
pub(crate) struct Events {
    pub(crate) run: Arc<Mutex<Run>>,
    pub(crate) format: Mutex<Format>,
    /// The key of the result.
    pub(crate) result: String,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panicking record leaves a state as it was before it: states are put back whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Events {
    fn emit(&self, (mut record, change): News, out: &mut Emit<'_>) -> Result<(), Stopped> {
        let id = record.id();
        record.set("id", &id);
        record.set(&self.result, &change);
        out.record(record, Usage::default())
    }

    /// Reports what was held and is due.
    fn overdue(&self, until: Nanos, out: &mut Emit<'_>) -> Result<(), Halt> {
        loop {
            let next = lock(&self.run).watch.overdue(until)?;
            match next {
                Some(news) => self.emit(news, out)?,
                None => return Ok(()),
            }
        }
    }

    /// Handles an event whose turn it is.
    fn event(&self, record: &Record, time: Nanos, out: &mut Emit<'_>) -> Result<(), Halt> {
        self.overdue(time, out)?;
        let change = lock(&self.run).watch.event(record, time)?;
        match change {
            Some(change) => Ok(self.emit((record.clone(), change), out)?),
            None => Ok(()),
        }
    }

    /// Handles the events that have waited long enough.
    fn waited(&self, now: Nanos, out: &mut Emit<'_>) -> Result<(), Halt> {
        loop {
            let Some((time, record)) = lock(&self.run).waited(now) else { return Ok(()) };
            match self.event(&record, time, out) {
                // It is another record that fails than the one that came.
                Err(Halt::Failed(failure)) => out.fail(record, failure)?,
                other => other?,
            }
        }
    }

    fn take(&self, record: &Record, out: &mut Emit<'_>) -> Result<(), Halt> {
        let (time, waits) = {
            let mut run = lock(&self.run);
            let time = run.time_of(record)?;
            let waits = run.late > 0;
            if waits {
                run.wait(record.clone(), time);
            }
            (time, waits)
        };
        if !waits {
            return self.event(record, time, out);
        }
        let (latest, late) = {
            let run = lock(&self.run);
            (run.latest(), run.late)
        };
        self.waited(latest, out)?;
        self.overdue(latest.saturating_sub(late), out)
    }
}

impl Filter for Events {
    type Worker = ();

    const RESULT: &'static str = "change";
    const SLOW: bool = false;

    fn worker(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn apply(&self, (): &mut (), input: &Input, out: &mut Emit<'_>) -> Result<(), Halt> {
        let mut format = lock(&self.format);
        let taken = format.take(&input.record);
        if let Taken::Header(header) = &taken {
            lock(&self.run).header.clone_from(header);
        }
        drop(format);
        let done = match taken {
            // The rest of it comes with the next line.
            Taken::Part => return Ok(()),
            Taken::Header(_) | Taken::Nothing => Ok(()),
            Taken::Record(Some(mut record)) => {
                let id = content_id(record.as_str().as_bytes());
                record.set("id", &id);
                self.take(&record, out)
            }
            Taken::Record(None) => self.take(&input.record, out),
            Taken::Bad(line, malformed) => {
                let record = Malformed::to_record(&line);
                let failure = Failure::new(malformed.code, malformed.reason);
                out.fail(record, failure).map_err(Halt::from)
            }
        };
        lock(&self.run).handled();
        done
    }

    fn taken(&self, bytes: u64, applies: bool) {
        let mut run = lock(&self.run);
        run.read_to(bytes);
        if !applies {
            run.handled();
        }
    }

    fn wants_flush(&self) -> bool {
        lock(&self.run).wants_commit()
    }

    fn due(&self) -> Option<Instant> {
        lock(&self.run).due()
    }

    fn wake(&self, out: &mut Emit<'_>) -> Result<(), Halt> {
        let (now, late) = {
            let run = lock(&self.run);
            (run.now(), run.late)
        };
        self.waited(now, out)?;
        self.overdue(now.saturating_sub(late), out)
    }

    fn finish(&self, out: &mut Emit<'_>) -> Result<(), Halt> {
        lock(&self.run).ending = true;
        self.waited(Nanos::MAX, out)?;
        let latest = lock(&self.run).now();
        if lock(&self.run).time.is_none() {
            self.overdue(latest, out)?;
        }
        if lock(&self.run).watch.table.is_kept() {
            return Ok(());
        }
        loop {
            let next = lock(&self.run).watch.leftover()?;
            match next {
                Some(news) => self.emit(news, out)?,
                None => return Ok(()),
            }
        }
    }
}
