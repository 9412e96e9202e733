//! Reports on stdout: one JSON line, or something readable on a terminal.

use std::io::IsTerminal as _;

use cli::Error;
use records::{WriteError, Writer};
use serde::Serialize;

/// What a mode other than the filter results in.
pub(crate) trait Report: Serialize {
    /// Lines for people.
    fn lines(&self) -> Vec<String>;
}

/// Writes a report.
///
/// # Errors
/// When stdout cannot be written; not when its reader has left: the file is there all the same.
pub(crate) fn print(report: &impl Report) -> Result<(), Error> {
    let stdout = std::io::stdout();
    let terminal = stdout.is_terminal();
    let mut writer = Writer::new(stdout, terminal);
    let lines = if terminal { report.lines() } else { vec![serde_json::to_string(report)?] };
    let mut write = || {
        lines.iter().try_for_each(|line| writer.plain(line.as_bytes()))?;
        writer.flush()
    };
    match write() {
        Ok(()) | Err(WriteError::Closed) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Four digits after the point: more would say more than records can.
pub(crate) fn rounded(number: f64) -> f64 {
    (number * 1e4).round() / 1e4
}
