use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError, select, unbounded};
use records::{Code, Record};
use store::Answers;

use crate::check::Matching;
use crate::credit::Credit;
use crate::output::{Done, HostState, Sink, Stopped, Summary, Why};
use crate::task::{State, Task, Window};
use crate::worker::{Event, Stopper, Supplier, Worker, WorkerId};

/// How a run is done.
pub struct Options {
    /// The program's name, for failures and `via`.
    pub program: &'static str,
    /// Write answers as they come, not in input order.
    pub unordered: bool,
    /// How answers are held against records.
    pub matching: Matching,
    /// Add a step with the host to `via`.
    pub via: bool,
    /// A worker that takes longer for a record is given up.
    pub timeout: Option<Duration>,
    /// Give nobody a record that another worker still has, however long that takes.
    pub once: bool,
    /// How often a record that is alone with its worker is sent again when the way there breaks.
    pub retries: u32,
    /// Fewer hosts than this are too few to go on.
    pub min_hosts: usize,
    /// Records between input and output, at most.
    pub window: usize,
    /// Bytes of them, at most; one record may have more.
    pub window_bytes: usize,
    /// Answers of earlier runs, and what they depend on besides the record.
    pub journal: Option<(Answers, Vec<u8>)>,
}

/// What comes in.
pub enum Input {
    /// A record for a worker.
    Record(Record),
    /// What no worker is asked about, but keeps its place.
    Ready(Done),
}

/// A record that is with a worker.
pub(crate) struct InFlight {
    pub(crate) number: u64,
    pub(crate) record: Arc<Record>,
    pub(crate) since: Instant,
    /// The worker had nothing else to do.
    pub(crate) first: bool,
}

pub(crate) struct Present {
    pub(crate) host: usize,
    pub(crate) handle: Box<dyn Worker>,
    pub(crate) accepted: Arc<AtomicU64>,
    pub(crate) credit: Credit,
    pub(crate) in_flight: VecDeque<InFlight>,
    pub(crate) bytes: usize,
    /// Since when it has been at the record at the front.
    pub(crate) busy_since: Instant,
    /// It has one record that is to be alone.
    pub(crate) exclusive: bool,
}

/// Spreads records over workers: see the crate.
pub struct Dispatcher {
    pub(crate) options: Options,
    pub(crate) hosts: Vec<HostState>,
    pub(crate) workers: BTreeMap<WorkerId, Present>,
    pub(crate) window: Window,
    /// Never sent yet.
    pub(crate) fresh: VecDeque<u64>,
    /// To be sent again, among others.
    pub(crate) again: VecDeque<u64>,
    /// To be sent again, alone.
    pub(crate) alone: VecDeque<u64>,
    pub(crate) resent: u64,
    pub(crate) events: Receiver<Event>,
    sender: Sender<Event>,
    ids: Arc<AtomicU64>,
    read: u64,
    /// Finished before their turn, where order does not matter.
    loose: Vec<Done>,
    pub(crate) notes: Vec<([u8; 32], String)>,
    shown: Instant,
}

/// How often it is shown how things stand.
const SHOW: Duration = Duration::from_millis(250);

/// How often it is looked at what is due, while something may be.
const TICK: Duration = Duration::from_millis(50);

/// Events taken before records are handed out again.
const BURST: usize = 64;

impl Dispatcher {
    /// A dispatcher without workers.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let (sender, events) = unbounded();
        Self {
            options,
            hosts: Vec::new(),
            workers: BTreeMap::new(),
            window: Window::default(),
            fresh: VecDeque::new(),
            again: VecDeque::new(),
            alone: VecDeque::new(),
            resent: 0,
            events,
            sender,
            ids: Arc::default(),
            read: 0,
            loose: Vec::new(),
            notes: Vec::new(),
            shown: Instant::now(),
        }
    }

    /// A source of workers of the host `name`. A host may have several.
    pub fn supplier(&mut self, name: &str) -> Supplier {
        let known = self.hosts.iter().position(|h| &*h.name == name);
        let host = known.unwrap_or_else(|| {
            self.hosts.push(HostState {
                name: name.into(),
                workers: 0,
                hopes: 0,
                queued: 0,
                answered: 0,
                failed: 0,
                lost: 0,
                busy: Duration::ZERO,
            });
            self.hosts.len() - 1
        });
        self.hosts[host].hopes += 1;
        Supplier { events: self.sender.clone(), host, ids: Arc::clone(&self.ids) }
    }

    /// What ends the run from outside.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper { events: self.sender.clone() }
    }

    /// Runs until every record of `input` has left through `sink`, or something ends it.
    pub fn run(mut self, input: &Receiver<Vec<Input>>, sink: &mut dyn Sink) -> Summary {
        let why = match self.drive(input, sink) {
            Ok(()) => Why::Finished,
            Err(why) => why,
        };
        self.let_go(&why);
        let open = self.window.open().count() as u64;
        Summary { why, read: self.read, open, again: self.resent, hosts: self.hosts }
    }

    fn drive(&mut self, input: &Receiver<Vec<Input>>, sink: &mut dyn Sink) -> Result<(), Why> {
        let mut ended = false;
        loop {
            let now = Instant::now();
            self.give_up_the_hung(now);
            let starved = (ended || !self.has_room()) && !self.options.once;
            self.assign(now, starved);
            self.write(sink)?;
            if ended && self.window.is_empty() {
                return Ok(());
            }
            if self.hosts_left() < self.options.min_hosts.max(1) && self.window.open().count() > 0 {
                return Err(Why::NoHosts);
            }
            self.show(sink, now);
            if !self.take_what_is_there(input, &mut ended)? {
                sink.idle().map_err(|Stopped| Why::Stopped)?;
                self.wait(input, &mut ended)?;
            }
        }
    }

    fn has_room(&self) -> bool {
        self.window.len() < self.options.window && self.window.bytes() < self.options.window_bytes
    }

    fn hosts_left(&self) -> usize {
        self.hosts.iter().filter(|h| h.hopes > 0).count()
    }

    /// Takes events and input without waiting; whether there was anything.
    fn take_what_is_there(
        &mut self,
        input: &Receiver<Vec<Input>>,
        ended: &mut bool,
    ) -> Result<bool, Why> {
        let mut any = false;
        for _ in 0..BURST {
            let Ok(event) = self.events.try_recv() else { break };
            self.happened(event)?;
            any = true;
        }
        if !*ended && self.has_room() {
            match input.try_recv() {
                Ok(batch) => {
                    self.admit(batch)?;
                    any = true;
                }
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => {
                    *ended = true;
                    any = true;
                }
            }
        }
        Ok(any)
    }

    fn wait(&mut self, input: &Receiver<Vec<Input>>, ended: &mut bool) -> Result<(), Why> {
        let idle = self.workers.values().any(|w| w.in_flight.is_empty());
        let may_be_due = self.options.timeout.is_some()
            || !self.again.is_empty()
            || !self.alone.is_empty()
            || (idle && !self.window.is_empty());
        let limit = if may_be_due { TICK } else { SHOW };
        let never = crossbeam_channel::never();
        let input = if *ended || !self.has_room() { &never } else { input };
        select! {
            recv(self.events) -> event => match event {
                Ok(event) => self.happened(event)?,
                // We hold a sender ourselves.
                Err(_) => return Err(Why::Stopped),
            },
            recv(input) -> batch => match batch {
                Ok(batch) => self.admit(batch)?,
                Err(_) => *ended = true,
            },
            default(limit) => {}
        }
        Ok(())
    }

    fn happened(&mut self, event: Event) -> Result<(), Why> {
        let now = Instant::now();
        match event {
            Event::Joined { id, host, handle, accepted } => {
                self.hosts[host].workers += 1;
                let worker = Present {
                    host,
                    handle,
                    accepted,
                    credit: Credit::new(),
                    in_flight: VecDeque::new(),
                    bytes: 0,
                    busy_since: now,
                    exclusive: false,
                };
                self.workers.insert(id, worker);
            }
            Event::Answered { id, lines } => self.answered(id, &lines, now),
            Event::Left { id, why } => self.lose(id, why, Code::Remote, now),
            Event::GaveUp { host } => self.hosts[host].hopes -= 1,
            Event::Stop => return Err(Why::Stopped),
        }
        Ok(())
    }

    fn admit(&mut self, batch: Vec<Input>) -> Result<(), Why> {
        for input in batch {
            self.read += 1;
            let record = match input {
                Input::Record(record) => record,
                Input::Ready(done) => {
                    self.pass(done);
                    continue;
                }
            };
            let key = self.options.journal.as_ref().map(|(_, scope)| key(scope, &record));
            if let (Some(key), Some((answers, _))) = (&key, &self.options.journal) {
                let kept = answers.find(key).map_err(|e| Why::Journal(e.to_string()))?;
                if let Some(record) = kept.and_then(|line| Record::parse(line.as_bytes()).ok()) {
                    let took = Duration::ZERO;
                    let kept = true;
                    self.pass(Done { record, failure: None, host: None, took, sent: 0, kept });
                    continue;
                }
            }
            let number = self.window.push(Task::open(record, key));
            self.fresh.push_back(number);
        }
        Ok(())
    }

    fn pass(&mut self, done: Done) {
        let number = self.window.push(Task::open(Record::new(), None));
        self.finish(number, done);
    }

    /// A record is done with.
    pub(crate) fn finish(&mut self, number: u64, done: Done) {
        if self.options.unordered {
            self.loose.push(done);
            self.window.settle(number, State::Gone);
        } else {
            self.window.settle(number, State::Done(Box::new(done)));
        }
    }

    /// Writes what has its turn; what it says was kept first.
    fn write(&mut self, sink: &mut dyn Sink) -> Result<(), Why> {
        if let (false, Some((answers, _))) = (self.notes.is_empty(), &self.options.journal) {
            let notes = self.notes.iter().map(|(key, line)| (key, line.as_str()));
            answers.note(notes).map_err(|e| Why::Journal(e.to_string()))?;
            self.notes.clear();
        }
        for done in self.loose.drain(..) {
            sink.put(done).map_err(|Stopped| Why::Stopped)?;
        }
        while let Some(done) = self.window.pop() {
            sink.put(*done).map_err(|Stopped| Why::Stopped)?;
        }
        Ok(())
    }

    fn show(&mut self, sink: &mut dyn Sink, now: Instant) {
        if now.saturating_duration_since(self.shown) < SHOW {
            return;
        }
        self.shown = now;
        for host in &mut self.hosts {
            host.queued = 0;
        }
        for worker in self.workers.values() {
            self.hosts[worker.host].queued += worker.in_flight.len();
        }
        sink.show(&self.hosts);
    }
}

/// The key of a record's answer: the command and the record, each with its length.
fn key(scope: &[u8], record: &Record) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(scope.len() as u64).to_le_bytes());
    hasher.update(scope);
    hasher.update(record.as_str().as_bytes());
    *hasher.finalize().as_bytes()
}
