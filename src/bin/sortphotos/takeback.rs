use std::path::Path;

use cli::{Error, Exit, Session};
use journal::{Resumed, Undone};
use records::{Code, Failure, Record, WriteError, Writer};
use serde_json::json;

use crate::filter::is_shown;

/// Writes one record for each change of a journal.
struct Report<'a> {
    writer: Writer<std::io::Stdout>,
    written: Result<(), WriteError>,
    session: &'a Session,
    refused: u64,
}

impl<'a> Report<'a> {
    fn new(session: &'a Session) -> Self {
        let writer = Writer::new(std::io::stdout(), is_shown());
        Self { writer, written: Ok(()), session, refused: 0 }
    }

    fn add(&mut self, mut record: Record, refused: Option<String>) {
        if let Some(message) = refused {
            self.refused += 1;
            let mut failure = Failure::new(Code::Refused, message);
            self.session.program.clone_into(&mut failure.program);
            record.fail(&failure);
        }
        // Files are brought to their places whether or not somebody reads about it.
        if self.written.is_ok() {
            self.written = self.writer.record(&record);
        }
    }

    fn end(mut self, what: &str) -> Result<Exit, Error> {
        match self.written.and_then(|()| self.writer.flush()) {
            Ok(()) | Err(WriteError::Closed) => {}
            Err(error) => return Err(error.into()),
        }
        if self.refused > 0 {
            log::warn!("{} changes were not {what}; their records say why", self.refused);
            return Ok(Exit::SomeFailed);
        }
        Ok(Exit::Success)
    }
}

/// `--undo`: takes back what a journal has.
pub(crate) fn undo(journal: &Path, session: &Session) -> Result<Exit, Error> {
    let mut report = Report::new(session);
    journal::undo(journal, &|| session.stop.is_set(), |change, undone| {
        let mut record = Record::of_path(Path::new(change.path.as_os()));
        let (result, refused) = match undone {
            Undone::Restored => ("restored", None),
            Undone::Unchanged => ("unchanged", None),
            Undone::Refused(error) => ("refused", Some(format!("not taken back: {error}"))),
        };
        record.set("undo", &json!({"action": change.action, "result": result}));
        report.add(record, refused);
    })?;
    report.end("taken back")
}

/// `--resume`: does what an interrupted run left undone.
pub(crate) fn resume(journal: &Path, session: &Session) -> Result<Exit, Error> {
    let mut report = Report::new(session);
    journal::resume(journal, &|| session.stop.is_set(), |step, resumed| {
        let mut record = Record::of_path(Path::new(step.path.as_os()));
        let (result, refused) = match resumed {
            Resumed::Done => ("done", None),
            Resumed::Already => ("already", None),
            Resumed::Failed(error) => ("refused", Some(format!("left where it was: {error}"))),
        };
        let resumed = json!({"action": step.way.name(), "to": step.to, "result": result});
        record.set("resume", &resumed);
        report.add(record, refused);
    })?;
    report.end("made")
}
