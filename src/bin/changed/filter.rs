use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use cli::{Emit, Filter, Halt, Input, Stopped};
use records::{Code, Failure, Malformed, Record, Usage};

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
        // The driver would make it from the line that came last, which may be another one. An id
        // that is no text (vmstat has such a column) is the user's.
        if !record.has("id") {
            let id = record.id();
            record.set("id", &id);
        }
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

    /// Handles the events that have waited long enough.
    fn waited(&self, now: Nanos, out: &mut Emit<'_>) -> Result<(), Halt> {
        loop {
            let Some(time) = lock(&self.run).next_waited(now) else { return Ok(()) };
            self.overdue(time, out)?;
            let Some((record, change)) = lock(&self.run).take_waited() else { return Ok(()) };
            match change {
                Ok(Some(change)) => self.emit((record, change), out)?,
                Ok(None) => {}
                // It is another record that fails than the one that came.
                Err(failure) => out.fail(record, failure)?,
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
                run.handled();
            }
            (time, waits)
        };
        if !waits {
            self.overdue(time, out)?;
            let change = {
                let mut run = lock(&self.run);
                let change = run.watch.event(record, time)?;
                // Its state has it: a commit while it is written must not have it come again.
                run.handled();
                change
            };
            return match change {
                Some(change) => Ok(self.emit((record.clone(), change), out)?),
                None => Ok(()),
            };
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
        drop(format);
        {
            let mut run = lock(&self.run);
            run.open_row = matches!(taken, Taken::Part);
            if let Taken::Header(header) = &taken {
                run.header.clone_from(header);
            }
        }
        let done = match taken {
            // The rest of it comes with the next line.
            Taken::Part => return Ok(()),
            Taken::Header(_) | Taken::Nothing => Ok(()),
            Taken::Record(Some(record)) => self.take(&record, out),
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
        let (resumes, latest) = {
            let mut run = lock(&self.run);
            run.ending = true;
            (run.resumes, if run.time.is_none() { run.now() } else { run.latest() })
        };
        // A file that grows may yet have earlier events, and the rest of a row.
        if !resumes {
            if let Some(part) = lock(&self.format).rest() {
                let failure = Failure::new(Code::BadJson, "a quote is not closed at the end");
                out.fail(Malformed::to_record(part.as_bytes()), failure)?;
            }
            self.waited(Nanos::MAX, out)?;
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
