//! Reads records from stdin, ahead of what is needed but not far.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cli::{Session, Stdin};
use crossbeam_channel::{Receiver, Sender, bounded};
use dispatch::{Done, Input};
use records::{Code, Failure, Line, LineReader, Malformed, Record, Text};

use crate::args::{Fanout, Files};
use crate::ship::sendable;

/// Records handed over together, at most.
const BATCH: usize = 256;

/// Batches that wait.
const AHEAD: usize = 4;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Record,
    Text,
    Path,
}

/// How reading ended.
#[derive(Default)]
pub(crate) struct Ended {
    /// `--limit` was reached, and there was more.
    pub(crate) limited: bool,
    pub(crate) error: Option<io::Error>,
}

pub(crate) struct Source {
    reader: LineReader<Stdin>,
    kind: Kind,
    left: Option<u64>,
    max_line: usize,
    program: &'static str,
    /// Files that records name are sent along: they have to be here.
    sends_files: bool,
}

impl Source {
    pub(crate) fn new(args: &Fanout, session: &Session, far: bool) -> Self {
        let kind = match (args.raw_input, args.paths || args.paths0) {
            (true, _) => Kind::Text,
            (_, true) => Kind::Path,
            _ => Kind::Record,
        };
        let delimiter = if args.paths0 { 0 } else { b'\n' };
        let stdin = Stdin::new(&session.stop);
        Self {
            reader: LineReader::with_delimiter(stdin, args.max_line, delimiter),
            kind,
            left: args.limit,
            max_line: args.max_line,
            program: session.program,
            sends_files: far && args.files == Files::Send,
        }
    }

    /// Reads on a thread of its own.
    pub(crate) fn start(mut self) -> (Receiver<Vec<Input>>, Arc<Mutex<Ended>>) {
        let (sender, receiver) = bounded(AHEAD);
        let ended = Arc::new(Mutex::new(Ended::default()));
        let told = Arc::clone(&ended);
        std::thread::spawn(move || {
            let result = self.read(&sender);
            // Told before the channel is closed: whoever sees that looks here.
            *told.lock().unwrap_or_else(PoisonError::into_inner) = match result {
                Ok(limited) => Ended { limited, error: None },
                Err(error) => Ended { limited: false, error: Some(error) },
            };
            drop(sender);
        });
        (receiver, ended)
    }

    /// Whether it stopped at the limit.
    fn read(&mut self, sender: &Sender<Vec<Input>>) -> io::Result<bool> {
        let mut batch = Vec::new();
        loop {
            let next = self.next();
            let (input, end) = match next {
                Ok(Some(input)) => (Some(input), None),
                Ok(None) => (None, Some(Ok(false))),
                Err(error) => (None, Some(Err(error))),
            };
            let mut end = end;
            if let Some(input) = input {
                if self.left == Some(0) {
                    end = Some(Ok(true));
                } else {
                    self.left = self.left.map(|left| left - 1);
                    batch.push(input);
                }
            }
            let full = batch.len() >= BATCH || !self.reader.has_complete_line();
            if !batch.is_empty() && (full || end.is_some()) {
                let sent = sender.send(std::mem::take(&mut batch));
                if sent.is_err() {
                    return Ok(false);
                }
            }
            if let Some(end) = end {
                return end;
            }
        }
    }

    fn next(&mut self) -> io::Result<Option<Input>> {
        loop {
            let (kind, max_line) = (self.kind, self.max_line);
            let bad = |record, malformed: &Malformed, program: &str| {
                let failure = Failure::new(malformed.code, &malformed.reason);
                Input::Ready(failed(record, failure, program))
            };
            let Some(line) = self.reader.next_line()? else { return Ok(None) };
            match line {
                Line::TooLong { start, bytes } => {
                    let malformed = Malformed::too_long(bytes, max_line);
                    return Ok(Some(bad(Malformed::to_record(start), &malformed, self.program)));
                }
                Line::Whole(line) if line.trim_ascii().is_empty() => {}
                Line::Whole(line) => {
                    return Ok(Some(match kind {
                        Kind::Record => match Record::parse(line) {
                            Ok(record) if record.has("error") => Input::Ready(passed(record)),
                            Ok(record) => self.checked(record),
                            Err(e) => bad(Malformed::to_record(line), &e, self.program),
                        },
                        Kind::Text => {
                            let line = line.strip_suffix(b"\r").unwrap_or(line);
                            let mut record = Record::new();
                            record.set("text", &Text::from_bytes(line.to_vec()));
                            Input::Record(record)
                        }
                        Kind::Path => {
                            let mut record = Record::new();
                            record.set("path", &Text::from_bytes(line.to_vec()));
                            self.checked(record)
                        }
                    }));
                }
            }
        }
    }

    /// A record, unless its file is to be sent and cannot be.
    fn checked(&self, record: Record) -> Input {
        let path = match record.get::<Text>("path") {
            Ok(Some(path)) if self.sends_files => path,
            _ => return Input::Record(record),
        };
        match sendable(Path::new(path.as_os())) {
            Ok(()) => Input::Record(record),
            Err(reason) => {
                let message = format!("{reason}; --files keep leaves paths to the hosts");
                let failure = Failure::new(Code::Unreadable, message);
                Input::Ready(failed(record, failure, self.program))
            }
        }
    }
}

/// What failed before: nobody is asked about it.
fn passed(record: Record) -> Done {
    Done { record, failure: None, host: None, took: Duration::ZERO, sent: 0, kept: false }
}

fn failed(mut record: Record, mut failure: Failure, program: &str) -> Done {
    program.clone_into(&mut failure.program);
    if failure.code == Code::BadJson {
        failure.message.push_str("; -R takes lines as texts, --paths as paths");
    }
    record.fail(&failure);
    Done { failure: Some(failure), ..passed(record) }
}
