use std::io::IsTerminal as _;
use std::path::Path;

use cli::{Error, Exit, Session};
use journal::Undone;
use records::{Code, Failure, Record, WriteError, Writer};
use serde_json::json;

/// `--undo`: takes back what a journal has; one record for each change.
pub(crate) fn take_back(journal: &Path, session: &Session) -> Result<Exit, Error> {
    let stdout = std::io::stdout();
    let terminal = stdout.is_terminal();
    let mut writer = Writer::new(stdout, terminal);
    let mut refused = 0u64;
    let mut written = Ok(());
    journal::undo(journal, &|| session.stop.is_set(), |entry, undone| {
        let mut record = Record::of_path(Path::new(entry.path.as_os()));
        let result = match undone {
            Undone::Restored => "restored",
            Undone::Unchanged => "unchanged",
            Undone::Refused(error) => {
                refused += 1;
                let mut failure = Failure::new(Code::Refused, format!("not taken back: {error}"));
                session.program.clone_into(&mut failure.program);
                record.fail(&failure);
                "refused"
            }
        };
        record.set("undo", &json!({"action": entry.action, "result": result}));
        // Files are brought back whether or not somebody reads about it.
        if written.is_ok() {
            written = writer.record(&record);
        }
    })?;
    match written.and_then(|()| writer.flush()) {
        Ok(()) | Err(WriteError::Closed) => {}
        Err(error) => return Err(error.into()),
    }
    if refused > 0 {
        log::warn!("{refused} changes were not taken back; their records say why");
        return Ok(Exit::SomeFailed);
    }
    Ok(Exit::Success)
}
