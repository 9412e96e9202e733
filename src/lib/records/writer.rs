use std::io::{self, Write};

use crate::Record;

/// Bytes gathered before they are written.
const BUFFER: usize = 64 * 1024;

/// Why output ended.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The reader of the output has left: a reason to stop quietly.
    #[error("the reader of the output left")]
    Closed,
    /// The output cannot be written.
    #[error("cannot write output: {0}")]
    Io(io::Error),
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

/// Whole lines to an output. Nothing is written on drop: [`Writer::flush`] tells whether it
/// arrived.
pub struct Writer<W: Write> {
    inner: W,
    buffer: Vec<u8>,
    terminal: bool,
}

impl<W: Write> Writer<W> {
    /// Writes to `inner`; on a `terminal`, control characters are escaped.
    pub fn new(inner: W, terminal: bool) -> Self {
        Self { inner, buffer: Vec::with_capacity(BUFFER), terminal }
    }

    /// Writes a record as a line.
    ///
    /// # Errors
    /// [`WriteError`] when the buffer had to go out and could not.
    pub fn record(&mut self, record: &Record) -> Result<(), WriteError> {
        if self.terminal {
            escape_controls(record.as_str(), &mut self.buffer);
        } else {
            self.buffer.extend_from_slice(record.as_str().as_bytes());
        }
        self.end_line()
    }

    /// Writes plain text as a line of its own; on a terminal, control characters other than
    /// newline and tab become U+FFFD.
    ///
    /// # Errors
    /// As [`Writer::record`].
    pub fn plain(&mut self, text: &[u8]) -> Result<(), WriteError> {
        if self.terminal {
            let shown: String = String::from_utf8_lossy(text)
                .chars()
                .map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{FFFD}' } else { c })
                .collect();
            self.buffer.extend_from_slice(shown.as_bytes());
        } else {
            self.buffer.extend_from_slice(text);
        }
        self.end_line()
    }

    fn end_line(&mut self) -> Result<(), WriteError> {
        self.buffer.push(b'\n');
        if self.buffer.len() >= BUFFER { self.drain() } else { Ok(()) }
    }

    fn drain(&mut self) -> Result<(), WriteError> {
        let result = self.inner.write_all(&self.buffer);
        self.buffer.clear();
        Ok(result?)
    }

    /// Whether lines wait to be flushed.
    pub fn is_pending(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Hands over every line so far.
    ///
    /// # Errors
    /// [`WriteError`] if that fails; the lines are then gone.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        if !self.buffer.is_empty() {
            self.drain()?;
        }
        Ok(self.inner.flush()?)
    }
}

/// Copies JSON text with its raw control characters (DEL and C1: JSON itself forbids C0 inside
/// strings) written as `\u00XX`, so that a terminal does not act on them.
fn escape_controls(json: &str, out: &mut Vec<u8>) {
    if !json.contains(is_terminal_control) {
        out.extend_from_slice(json.as_bytes());
        return;
    }
    for c in json.chars() {
        if is_terminal_control(c) {
            out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes());
        } else {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

fn is_terminal_control(c: char) -> bool {
    matches!(c, '\u{7F}'..='\u{9F}')
}
