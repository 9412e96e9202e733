use std::io::{IsTerminal as _, Stdout};

use cli::{Error, Exit};
use records::{Code, Failure, WriteError, Writer};
use serde::Serialize;

/// A result: a JSON object, or a line for people.
pub(crate) trait Row: Serialize {
    fn line(&self) -> String;
}

/// Results on stdout.
pub(crate) struct Output {
    writer: Writer<Stdout>,
    program: &'static str,
    json: bool,
    terminal: bool,
    failed: bool,
}

#[derive(Serialize)]
struct Failed<'a> {
    name: &'a str,
    error: Failure,
}

impl Output {
    pub(crate) fn new(json: bool, program: &'static str) -> Self {
        let stdout = std::io::stdout();
        let terminal = stdout.is_terminal();
        let writer = Writer::new(stdout, terminal);
        Self { writer, program, json: json || !terminal, terminal, failed: false }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Columns of the terminal, where stdout is one.
    pub(crate) fn width(&self) -> Option<usize> {
        let size = self.terminal.then(|| rustix::termios::tcgetwinsize(std::io::stdout()).ok());
        size.flatten().map(|s| usize::from(s.ws_col)).filter(|n| *n > 0)
    }

    /// Writes a result at once: the next one may take minutes.
    pub(crate) fn row(&mut self, row: &impl Row) -> Result<(), Error> {
        if self.json { self.json(row) } else { self.text(&row.line()) }
    }

    pub(crate) fn json(&mut self, row: &impl Serialize) -> Result<(), Error> {
        let text = serde_json::to_string(row)?;
        self.text(&text)
    }

    /// Writes a line as it is.
    pub(crate) fn text(&mut self, line: &str) -> Result<(), Error> {
        match self.writer.plain(line.as_bytes()).and_then(|()| self.writer.flush()) {
            // Nobody reads the results any more; the models are wanted all the same.
            Ok(()) | Err(WriteError::Closed) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    /// Says that one of the models asked for failed: `message` on stderr, and the failure as a
    /// result.
    pub(crate) fn failure(
        &mut self,
        name: &str,
        message: &str,
        full: Failure,
    ) -> Result<(), Error> {
        self.failed = true;
        log::error!("{message}");
        if !self.json {
            return Ok(());
        }
        self.json(&Failed { name, error: Failure { program: self.program.into(), ..full } })
    }

    /// [`Output::failure`] of a model that cannot be used.
    pub(crate) fn unusable(&mut self, name: &str, message: &str) -> Result<(), Error> {
        self.failure(name, &format!("{name}: {message}"), Failure::new(Code::Model, message))
    }

    pub(crate) fn exit(&self) -> Exit {
        if self.failed { Exit::SomeFailed } else { Exit::Success }
    }
}

/// A measured number, without the digits that mean nothing.
pub(crate) fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

/// A size for people: `98.4 MB`.
pub(crate) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut units = ["B", "kB", "MB", "GB", "TB"].iter();
    let mut unit = units.next().unwrap_or(&"B");
    while value >= 999.5
        && let Some(next) = units.next()
    {
        value /= 1000.0;
        unit = next;
    }
    if *unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_short() {
        let got = [0, 999, 1000, 885_098, 98_362_432, 1_117_320_736].map(size);
        assert_eq!(got, ["0 B", "999 B", "1.0 kB", "885.1 kB", "98.4 MB", "1.1 GB"]);
        assert_eq!(size(u64::MAX), "18446744.1 TB");
    }
}
