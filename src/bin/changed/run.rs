//! A run: the clock, events that wait for earlier ones, and when to commit.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use records::{Code, Failure, Field, Record};
use rustix::stdio::stdin;
use store::{Place, StoreError};

use crate::moment::{InputPlace, Moment};
use crate::output::Change;
use crate::time::{Nanos, now, parse};
use crate::watch::Watch;

/// Bytes of events that may wait for earlier ones: beyond, the oldest are taken as they are.
const MAX_WAITING: usize = 64 << 20;

/// Of the time, at most one part in so many is for commits while more input waits.
const SHARE: u32 = 8;

/// Events between two looks at the clock.
const LOOK: u32 = 256;

/// What comes next.
pub(crate) type News = (Record, Change);

/// A run.
pub(crate) struct Run {
    pub(crate) watch: Watch,
    /// The field with an event's time; without it, events happen when they arrive.
    pub(crate) time: Option<Field>,
    /// How much later than others an event may come.
    pub(crate) late: Nanos,
    /// The latest time of any event, and when that came.
    latest: Nanos,
    came: Instant,
    waiting: BTreeMap<(Nanos, u64), Record>,
    waiting_bytes: usize,
    count: u64,
    /// Whether the input is a file that is gone on with.
    pub(crate) resumes: bool,
    /// Where this run began in its input, how far that is read, and how far it is handled.
    pub(crate) begin: u64,
    read: u64,
    handled: u64,
    pub(crate) header: String,
    /// The last line was a part of a row.
    pub(crate) open_row: bool,
    /// Shortest time between two commits while more input waits.
    pub(crate) interval: Duration,
    committed: Instant,
    cost: Duration,
    looks: u32,
    /// Something was seen since the last commit.
    dirty: bool,
    /// No more input will come.
    pub(crate) ending: bool,
}

impl Run {
    pub(crate) fn new(watch: Watch, time: Option<Field>, late: Nanos, moment: Moment) -> Self {
        let mut run = Self {
            watch,
            time,
            late,
            latest: moment.latest,
            came: Instant::now(),
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            count: 0,
            resumes: false,
            begin: 0,
            read: 0,
            handled: 0,
            header: moment.header,
            open_row: false,
            interval: Duration::ZERO,
            committed: Instant::now(),
            cost: Duration::ZERO,
            looks: 0,
            dirty: false,
            ending: false,
        };
        run.watch.arrivals = run.time.is_none();
        moment.waiting.into_iter().for_each(|(time, record)| run.wait(record, time));
        run
    }

    /// The time of an event.
    pub(crate) fn time_of(&mut self, record: &Record) -> Result<Nanos, Failure> {
        let time = match &self.time {
            None => now(),
            Some(field) => {
                let raw = field.raw(record).filter(|raw| *raw != "null");
                let fail = |message| Failure::new(Code::MissingField, message);
                let raw = raw.ok_or_else(|| fail(format!("the record has no time '{field}'")))?;
                let (time, form) =
                    parse(raw).ok_or_else(|| fail(format!("'{field}' is no time: {raw}")))?;
                self.watch.form = form;
                time
            }
        };
        if time > self.latest || self.time.is_none() {
            self.latest = time;
            if self.time.is_some() {
                self.came = Instant::now();
            }
        }
        self.dirty = true;
        Ok(time)
    }

    /// Lets an event wait for earlier ones.
    pub(crate) fn wait(&mut self, record: Record, time: Nanos) {
        self.count += 1;
        self.waiting_bytes += record.as_str().len() + 100;
        self.waiting.insert((time, self.count), record);
    }

    /// The time of the next event that has waited long enough at `time`.
    pub(crate) fn next_waited(&self, time: Nanos) -> Option<Nanos> {
        let ((at, _), _) = self.waiting.first_key_value()?;
        let is_due = *at <= time.saturating_sub(self.late);
        (is_due || self.waiting_bytes > MAX_WAITING).then_some(*at)
    }

    /// Handles the event that waits longest.
    pub(crate) fn take_waited(&mut self) -> Option<(Record, Result<Option<Change>, Failure>)> {
        let ((at, _), record) = self.waiting.pop_first()?;
        self.waiting_bytes -= record.as_str().len() + 100;
        let change = self.watch.event(&record, at);
        Some((record, change))
    }

    /// The latest time so far.
    pub(crate) fn latest(&self) -> Nanos {
        self.latest
    }

    /// What time it is for the events: it runs on while none comes.
    pub(crate) fn now(&self) -> Nanos {
        match self.time {
            None => now(),
            Some(_) if self.latest == Nanos::MIN => Nanos::MIN,
            Some(_) => self.latest.saturating_add(crate::time::nanos(self.came.elapsed())),
        }
    }

    /// When something has to be done though nothing comes.
    pub(crate) fn due(&self) -> Option<Instant> {
        let waiting = self.waiting.first_key_value().map(|((at, _), _)| *at);
        let next = [self.watch.table.next_due(), waiting].into_iter().flatten().min();
        let next = next.filter(|_| self.latest != Nanos::MIN || self.time.is_none()).map(|next| {
            let left = next.saturating_add(self.late).saturating_sub(self.now()).max(0);
            let left = Duration::from_nanos(left.unsigned_abs());
            Instant::now().checked_add(left.min(Duration::from_secs(86_400)))
        });
        let commit =
            (self.dirty && self.watch.table.is_kept()).then(|| self.committed + self.pause());
        [next.flatten(), commit].into_iter().flatten().min()
    }

    /// Where a line ends in the input.
    pub(crate) fn read_to(&mut self, bytes: u64) {
        self.read = bytes;
    }

    /// What was read is handled, unless a row goes on with the next line.
    pub(crate) fn handled(&mut self) {
        if !self.open_row {
            self.handled = self.read;
        }
    }

    /// Whether it is time for a commit while more input waits.
    pub(crate) fn wants_commit(&mut self) -> bool {
        if self.watch.table.is_full() {
            return true;
        }
        self.looks += 1;
        if self.looks < LOOK || !self.watch.table.is_kept() {
            return false;
        }
        self.looks = 0;
        self.is_time()
    }

    /// Whether the last commit is long enough ago.
    pub(crate) fn is_time(&self) -> bool {
        self.committed.elapsed() >= self.pause()
    }

    fn pause(&self) -> Duration {
        self.interval.max(self.cost * SHARE)
    }

    /// Whether there is something to commit.
    pub(crate) fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Commits all states, with the output that goes out now.
    pub(crate) fn commit(&mut self, sent: Option<(&[u8], Place)>) -> Result<(), StoreError> {
        let start = Instant::now();
        let place =
            if self.resumes { InputPlace::of(stdin(), self.begin + self.handled) } else { None };
        let moment = Moment {
            latest: self.latest,
            place: place.unwrap_or_default(),
            header: self.header.clone(),
            waiting: self.waiting.iter().map(|((at, _), record)| (*at, record.clone())).collect(),
        };
        self.watch.table.commit(&moment.encode(), sent)?;
        self.dirty = false;
        self.committed = Instant::now();
        self.cost = start.elapsed();
        log::debug!("committed in {:?}", self.cost);
        Ok(())
    }
}
