//! One slot of one host: a thread that starts the command there, talks to it, and starts it
//! again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cli::Error;
use dispatch::{Departure, Member, Supplier, Worker};
use records::Record;
use ssh::{Conversation, End, Heard, Mailbox, Order, Script, SshError};

use crate::connection::{Connection, Way};
use crate::inventory::Host;
use crate::ship::{Courier, Depot, Freight, Round, Translations};

/// How long a shell may take to come up and start the command.
const START: Duration = Duration::from_secs(30);

/// Starts that may fail one after another before the slot is given up.
const FAILURES: u32 = 5;

/// The first rest after one; doubled each time.
const REST: Duration = Duration::from_millis(200);

/// The longest rest.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// Bytes that a login may print before the command starts.
const NOISE: usize = 1 << 20;

/// Messages of one command that are passed on.
const MESSAGES: u32 = 1000;

/// Stack of a slot's thread: it holds a few buffers.
const STACK: usize = 1 << 20;

pub(crate) struct Slot {
    pub(crate) host: Arc<Host>,
    pub(crate) way: Arc<Way>,
    pub(crate) setup: Vec<String>,
    pub(crate) command: Vec<String>,
    pub(crate) freight: Arc<Freight>,
    pub(crate) depot: Arc<Depot>,
    /// Files that records name are sent along.
    pub(crate) sends_files: bool,
    pub(crate) max_line: usize,
    /// Never gives up a host that cannot be reached.
    pub(crate) waits: bool,
    pub(crate) supplier: Supplier,
}

/// How an attempt ended.
enum Attempt {
    /// The command was told to end, and did.
    Finished,
    /// It answered something first.
    Worked,
    /// It answered nothing.
    Failed(SshError),
}

/// The command as the dispatcher sees it.
struct Remote {
    mailbox: Mailbox,
    closing: Arc<AtomicBool>,
    abandoned: Arc<AtomicBool>,
    /// What a courier works with, where files are sent along; then the courier.
    round: Option<Round>,
    courier: Option<Courier>,
}

impl Worker for Remote {
    fn send(&mut self, records: &[Arc<Record>]) {
        if self.round.is_some() && records.iter().any(|record| Courier::is_needed(record)) {
            self.courier = self.round.take().map(Courier::start);
        }
        if let Some(courier) = &self.courier {
            return courier.take(records.to_vec());
        }
        if let Some(round) = &self.round {
            round.translations.unchanged(records.len());
        }
        let mut lines = Vec::with_capacity(records.iter().map(|r| r.as_str().len() + 1).sum());
        for record in records {
            lines.extend_from_slice(record.as_str().as_bytes());
            lines.push(b'\n');
        }
        self.mailbox.leave(Order::Write(lines));
    }

    fn finish(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        self.mailbox.leave(Order::Close);
    }

    fn abandon(&mut self) {
        self.abandoned.store(true, Ordering::Relaxed);
        self.mailbox.leave(Order::Abandon);
    }
}

impl Slot {
    /// Runs it on a thread of its own until the run is over or the host is given up.
    pub(crate) fn start(self) -> Result<(), Error> {
        std::thread::Builder::new()
            .name(self.host.label.clone())
            .stack_size(STACK)
            .spawn(move || self.run())
            .map(drop)
            .map_err(|e| Error::setup(format!("cannot start a thread: {e}")))
    }

    fn run(self) {
        let mut failures = 0;
        let warned = AtomicBool::new(false);
        loop {
            let label = &self.host.label;
            match self.attempt(&warned) {
                Attempt::Finished => return,
                Attempt::Worked => {
                    failures = 0;
                    continue;
                }
                Attempt::Failed(SshError::Refused(why)) => {
                    log::warn!("{label}: {why}; it is given up");
                    return;
                }
                Attempt::Failed(error) => {
                    failures += 1;
                    if failures >= FAILURES && !self.waits {
                        log::warn!("{label}: {error}; it is given up after {failures} attempts");
                        return;
                    }
                    log::info!("{label}: {error}; attempt {failures}");
                }
            }
            std::thread::sleep((REST * 2u32.pow((failures - 1).min(8))).min(LONGEST_REST));
        }
    }

    fn attempt(&self, warned: &AtomicBool) -> Attempt {
        let tried =
            self.way.open(&self.host.route, warned).and_then(|connection| self.talk(&connection));
        tried.unwrap_or_else(Attempt::Failed)
    }

    /// Starts the command, and carries records to it and answers back until it ends.
    fn talk(&self, connection: &Connection) -> Result<Attempt, SshError> {
        let (lines, mut command) = self.freight.deliver(connection, &self.depot, &self.command)?;
        if let Some(nice) = self.host.nice {
            command.splice(0..0, ["nice".to_owned(), "-n".to_owned(), nice.to_string()]);
        }
        let setup = [self.setup.as_slice(), lines.as_slice()].concat();
        let script = Script::new(&setup, &command)?;
        let mut conversation = Conversation::new(self.max_line)
            .map_err(|e| SshError::Unreachable(format!("cannot talk: {e}")))?;
        let mut pipe = connection.shell()?;
        conversation.mailbox().leave(Order::Write(script.text().as_bytes().to_vec()));
        let mut talk = Talk {
            slot: self,
            script,
            mailbox: conversation.mailbox(),
            closing: Arc::default(),
            abandoned: Arc::default(),
            translations: Arc::default(),
            since: Instant::now(),
            noise: Vec::new(),
            running: None,
            messages: 0,
            last_message: String::new(),
        };
        self.way.watch(&talk.abandoned);
        let end = conversation.run(&mut *pipe, &mut |heard| talk.hear(heard));
        drop(pipe);
        Ok(talk.ended(end, connection))
    }
}

/// A command that is being started, or runs.
struct Talk<'s> {
    slot: &'s Slot,
    script: Script,
    mailbox: Mailbox,
    closing: Arc<AtomicBool>,
    abandoned: Arc<AtomicBool>,
    translations: Arc<Translations>,
    since: Instant,
    noise: Vec<u8>,
    /// The member, and the number of its process.
    running: Option<(Member, u32)>,
    messages: u32,
    last_message: String,
}

impl Talk<'_> {
    /// Whether to go on.
    fn hear(&mut self, heard: Heard<'_>) -> bool {
        match heard {
            Heard::Lines(lines) => self.lines(lines),
            Heard::Message(text) => {
                self.message(text);
                true
            }
            Heard::Room => true,
            Heard::Silence => self.running.is_some() || self.since.elapsed() < START,
        }
    }

    fn lines(&mut self, lines: &[u8]) -> bool {
        if let Some((member, _)) = &self.running {
            return member.answered(if self.slot.sends_files {
                self.translations.back(lines)
            } else {
                lines.to_vec()
            });
        }
        // What the login prints is not for us: the command's own output begins after the mark.
        let mut rest = lines;
        while let Some(end) = rest.iter().position(|b| *b == b'\n') {
            let (line, after) = rest.split_at(end + 1);
            rest = after;
            if let Some(process) = self.script.started(line) {
                let worker = self.worker();
                let member = self.slot.supplier.join(Box::new(worker));
                self.running = Some((member, process));
                return rest.is_empty() || self.lines(rest);
            }
        }
        self.noise.extend_from_slice(lines);
        self.noise.len() < NOISE
    }

    fn worker(&self) -> Remote {
        let slot = self.slot;
        let round = slot.sends_files.then(|| Round {
            host: Arc::clone(&slot.host),
            way: Arc::clone(&slot.way),
            depot: Arc::clone(&slot.depot),
            mailbox: self.mailbox.clone(),
            translations: Arc::clone(&self.translations),
        });
        Remote {
            mailbox: self.mailbox.clone(),
            closing: Arc::clone(&self.closing),
            abandoned: Arc::clone(&self.abandoned),
            round,
            courier: None,
        }
    }

    fn message(&mut self, text: &str) {
        self.messages += 1;
        let label = &self.slot.host.label;
        match self.messages {
            ..=MESSAGES => log::info!("{label}: {text}"),
            n if n == MESSAGES + 1 => log::info!("{label}: it says more than is shown here"),
            _ => {}
        }
        // Of a few last words only the last are told.
        text.clone_into(&mut self.last_message);
    }

    fn ended(self, end: End, connection: &Connection) -> Attempt {
        let said = if self.last_message.is_empty() {
            String::new()
        } else {
            format!(": {}", self.last_message)
        };
        let closing = self.closing.load(Ordering::Relaxed);
        let how = match &end {
            End::Status(status) => format!("the command ended with status {status}{said}"),
            End::Signal(signal) => format!("the command was ended by signal {signal}{said}"),
            End::Lost(reason) => format!("{reason}{said}"),
        };
        let Some((member, process)) = self.running else {
            let noise = String::from_utf8_lossy(&self.noise);
            let noise: String = noise.trim().chars().take(200).collect();
            let how = if noise.is_empty() { how } else { format!("{how}; it printed: {noise}") };
            return Attempt::Failed(match end {
                End::Lost(_) => lost(&how),
                _ => SshError::Unreachable(format!("no shell came up: {how}")),
            });
        };
        if matches!(end, End::Lost(_)) {
            connection.kill(process);
        }
        let accepted = member.accepted();
        let works = self.slot.depot.has_worked(accepted);
        let abandoned = self.abandoned.load(Ordering::Relaxed);
        let (departure, attempt) = match end {
            // 1: some records failed, which their answers say.
            End::Status(0 | 1) if closing => (Departure::Ended, Attempt::Finished),
            _ if closing => (Departure::Crashed(how), Attempt::Finished),
            End::Lost(_) if abandoned => {
                let failed = SshError::Unreachable("it did not answer as it should".into());
                (Departure::Lost(how), Attempt::Failed(failed))
            }
            End::Lost(_) => (Departure::Lost(how.clone()), Attempt::Failed(lost(&how))),
            // 2: wrong usage, or something is missing there. 126, 127: there is no such command.
            End::Status(2 | 126 | 127) if !works => {
                (Departure::Lost(how.clone()), Attempt::Failed(SshError::Refused(how)))
            }
            _ => (Departure::Crashed(how.clone()), Attempt::Failed(SshError::Unreachable(how))),
        };
        member.left(departure);
        match attempt {
            Attempt::Failed(_) if accepted > 0 => Attempt::Worked,
            other => other,
        }
    }
}

/// What ssh itself says about a host that it will not talk to.
fn lost(how: &str) -> SshError {
    const FOR_GOOD: [&str; 4] = [
        "Host key verification failed",
        "Permission denied",
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        "Bad configuration option",
    ];
    if FOR_GOOD.iter().any(|text| how.contains(text)) {
        SshError::Refused(how.to_owned())
    } else {
        SshError::Unreachable(how.to_owned())
    }
}
