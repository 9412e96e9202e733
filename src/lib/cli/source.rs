//! Where records come from: stdin in its several readings, or operands.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use records::{Code, Failure, Line, LineReader, Malformed, Record, Text, content_id};
use walk::Walk;

use crate::args::StreamArgs;
use crate::filter::Operands;
use crate::open::InputFile;
use crate::signal::Stop;
use crate::stdin::{Due, Stdin};

/// Where a record came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A line or a text of the input: the record holds all there is.
    Line,
    /// A file operand, or a path on stdin: the record's `path` names it.
    Operand,
    /// The operand `-`: the bytes of stdin, which the filter reads.
    Stdin,
}

/// A record to handle.
#[derive(Clone, Debug)]
pub struct Input {
    /// The record.
    pub record: Record,
    /// Where it came from.
    pub origin: Origin,
    /// Its place in this run's input, from 0: to put things in order, never to name them.
    pub number: u64,
    /// Of [`Origin::Operand`], what the record says: its path, and nothing else.
    pub path: Option<PathBuf>,
}

/// The next thing from a source.
pub(crate) enum Next {
    Input(Input),
    /// What cannot be handled at all, and why.
    Bad(Record, Failure),
    /// Nothing came before the time set by [`Source::wait_until`].
    Due,
    End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LineKind {
    /// JSON lines.
    Record,
    /// -R.
    Text,
    /// --paths, -0.
    Path,
}

struct Lines {
    reader: LineReader<Box<dyn Read + Send>>,
    kind: LineKind,
    /// Reading it may wait for somebody.
    waits: bool,
}

/// Operands are taken one by one; each is walked; a file of records is read line by line. The
/// innermost of these that is open gives the next record.
pub(crate) struct Source {
    operands: VecDeque<PathBuf>,
    walk: Option<Walk>,
    lines: Option<Lines>,
    due: Due,
    settings: Settings,
}

struct Settings {
    raw_lines: bool,
    operands: Operands,
    walk: walk::Options,
    max_line: usize,
    timeout: Option<Duration>,
    stop: Stop,
}

impl Source {
    pub(crate) fn new(args: &StreamArgs, operands: Operands, stop: &Stop) -> Self {
        let mut source =
            Self { operands: args.operands.clone().into(), ..Self::nothing(args, operands, stop) };
        if args.slurp && args.operands.is_empty() {
            source.operands.push_back("-".into());
        } else if args.operands.is_empty() {
            let kind = match (args.raw_input, args.paths || args.paths0) {
                (true, _) => LineKind::Text,
                (_, true) => LineKind::Path,
                _ => LineKind::Record,
            };
            let delimiter = if args.paths0 { 0 } else { b'\n' };
            source.open_stdin(delimiter, kind);
        }
        source
    }

    /// Nothing to read, not even stdin.
    pub(crate) fn nothing(args: &StreamArgs, operands: Operands, stop: &Stop) -> Self {
        let settings = Settings {
            raw_lines: args.raw_input && !args.slurp,
            operands,
            walk: args.walk(),
            max_line: args.max_line,
            timeout: args.timeout,
            stop: stop.clone(),
        };
        Self { operands: VecDeque::new(), walk: None, lines: None, due: Due::default(), settings }
    }

    fn open_stdin(&mut self, delimiter: u8, kind: LineKind) {
        let stdin: Box<dyn Read + Send> =
            Box::new(Stdin::until(&self.settings.stop, self.due.clone()));
        let reader = LineReader::with_delimiter(stdin, self.settings.max_line, delimiter);
        self.lines = Some(Lines { reader, kind, waits: true });
    }

    /// Gives up waiting for a line of stdin at that time, once.
    pub(crate) fn wait_until(&self, due: Option<Instant>) {
        self.due.set(due);
    }

    /// Bytes of the stream that is open, up to the end of the line given last.
    pub(crate) fn consumed(&self) -> u64 {
        self.lines.as_ref().map_or(0, |lines| lines.reader.consumed())
    }

    /// Whether [`Source::next`] would not wait for input.
    pub(crate) fn is_ready(&mut self) -> bool {
        self.lines.as_mut().is_none_or(|lines| !lines.waits || lines.reader.has_complete_line())
    }

    /// The next record.
    ///
    /// # Errors
    /// Those of reading a stream of records.
    pub(crate) fn next(&mut self) -> io::Result<Next> {
        loop {
            if self.settings.stop.is_set() {
                return Ok(Next::End);
            }
            if let Some(lines) = &mut self.lines {
                match lines.next(self.settings.operands, self.settings.max_line)? {
                    Some(next) => return Ok(next),
                    None => self.lines = None,
                }
            } else if let Some(walk) = &mut self.walk {
                match walk.next() {
                    Some(Ok(path)) => {
                        if let Some(next) = self.file(path) {
                            return Ok(next);
                        }
                    }
                    Some(Err(e)) => {
                        let failure = Failure::new(Code::Unreadable, &e.reason);
                        return Ok(Next::Bad(Record::of_path(&e.path), failure));
                    }
                    None => self.walk = None,
                }
            } else {
                match self.operands.pop_front() {
                    Some(operand) if operand.as_os_str() == "-" => {
                        if let Some(next) = self.stdin_operand() {
                            return Ok(next);
                        }
                    }
                    Some(operand) => {
                        self.walk = Some(Walk::new(vec![operand], self.settings.walk));
                    }
                    None => return Ok(Next::End),
                }
            }
        }
    }

    /// The operand `-`: a record, or nothing when its lines are opened to be read next.
    fn stdin_operand(&mut self) -> Option<Next> {
        match self.settings.operands {
            Operands::Files => Some(input(Record::new(), Origin::Stdin)),
            Operands::Texts if self.settings.raw_lines => {
                self.open_stdin(b'\n', LineKind::Text);
                None
            }
            Operands::Texts => {
                let stdin = Stdin::new(&self.settings.stop);
                Some(whole_text(stdin, Record::new(), self.settings.max_line))
            }
        }
    }

    /// A file: a record, or nothing when its lines are opened to be read next.
    fn file(&mut self, path: PathBuf) -> Option<Next> {
        if self.settings.operands == Operands::Files {
            return Some(operand(path));
        }
        let file = match InputFile::open(&path, self.settings.timeout, &self.settings.stop) {
            Ok(file) => file,
            Err(e) => return Some(Next::Bad(Record::of_path(&path), e.into())),
        };
        let is_records = path.extension().is_some_and(|e| e == "jsonl" || e == "ndjson");
        let kind = match (self.settings.raw_lines, is_records) {
            (true, _) => LineKind::Text,
            (_, true) => LineKind::Record,
            _ => return Some(whole_text(file, Record::of_path(&path), self.settings.max_line)),
        };
        let reader =
            LineReader::new(Box::new(file) as Box<dyn Read + Send>, self.settings.max_line);
        self.lines = Some(Lines { reader, kind, waits: false });
        None
    }
}

impl Lines {
    fn next(&mut self, operands: Operands, max_line: usize) -> io::Result<Option<Next>> {
        loop {
            let line = match self.reader.next_line() {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(Some(Next::Due)),
                // The reader was woken to stop: see Stdin.
                Err(e) if e.kind() == io::ErrorKind::ConnectionAborted => return Ok(None),
                other => other?,
            };
            return Ok(match line {
                None => None,
                Some(Line::TooLong { start, bytes }) => {
                    let malformed = Malformed::too_long(bytes, max_line);
                    let record = Malformed::to_record(start);
                    Some(self.bad(record, &malformed, ""))
                }
                Some(Line::Whole(line)) => match self.kind {
                    LineKind::Record if line.trim_ascii().is_empty() => continue,
                    LineKind::Path if line.is_empty() => continue,
                    LineKind::Record => match Record::parse(line) {
                        Ok(record) => Some(input(record, Origin::Line)),
                        Err(malformed) => {
                            let hint = plain_text_hint(line, operands);
                            let record = Malformed::to_record(line);
                            Some(self.bad(record, &malformed, hint))
                        }
                    },
                    LineKind::Text => {
                        let mut record = Record::new();
                        record.set("text", &Text::from_bytes(line.to_vec()));
                        Some(input(record, Origin::Line))
                    }
                    LineKind::Path => Some(operand(PathBuf::from(OsStr::from_bytes(line)))),
                },
            });
        }
    }

    fn bad(&self, record: Record, malformed: &Malformed, hint: &str) -> Next {
        let message = format!("line {}: {malformed}{hint}", self.reader.number());
        Next::Bad(record, Failure::new(malformed.code, message))
    }
}

/// A line that does not even look like JSON is most likely text for which a flag was forgotten.
fn plain_text_hint(line: &[u8], operands: Operands) -> &'static str {
    match (line.trim_ascii().first(), operands) {
        (Some(b'{' | b'[' | b'"'), _) => "",
        (_, Operands::Files) => "; for a list of paths use --paths",
        (_, Operands::Texts) => {
            "; for plain text use -R (each line is a text) or -Rs (all of it is one)"
        }
    }
}

fn whole_text(from: impl Read, mut record: Record, max: usize) -> Next {
    let mut bytes = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX);
    match from.take(limit.saturating_add(1)).read_to_end(&mut bytes) {
        Err(e) if e.kind() == io::ErrorKind::TimedOut => {
            return Next::Bad(record, Failure::new(Code::Timeout, e));
        }
        Err(e) => return Next::Bad(record, Failure::new(Code::Unreadable, e)),
        Ok(n) if n > max => {
            let message = format!("the text has over {max} bytes (--max-line)");
            return Next::Bad(record, Failure::new(Code::TooLong, message));
        }
        Ok(_) => {}
    }
    record.set("id", &content_id(&bytes));
    record.set("text", &Text::from_bytes(bytes));
    input(record, Origin::Line)
}

fn input(record: Record, origin: Origin) -> Next {
    Next::Input(Input { record, origin, number: 0, path: None })
}

fn operand(path: PathBuf) -> Next {
    let record = Record::of_path(&path);
    Next::Input(Input { record, origin: Origin::Operand, number: 0, path: Some(path) })
}
