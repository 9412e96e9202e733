//! Files that records name, brought to a host before the records are.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use records::{Record, Text};
use serde_json::value::RawValue;
use ssh::{Mailbox, Order, SshError};

use super::Depot;
use super::transfer::Parcel;
use crate::connection::{Connection, Way};
use crate::inventory::Host;

/// A record's file, here and there.
struct Moved {
    /// Its path as it stands in the record.
    near: Box<RawValue>,
    /// Its path there.
    far: String,
    /// For a record without an id: the one that it has here, and the one that it would have there.
    ids: Option<(String, String)>,
}

/// What was changed in the records that a command has and has not answered, in their order.
#[derive(Default)]
pub(crate) struct Translations {
    open: Mutex<VecDeque<Option<Moved>>>,
}

impl Translations {
    /// `count` records go as they are.
    pub(crate) fn unchanged(&self, count: usize) {
        self.lock().extend((0..count).map(|_| None));
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Option<Moved>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lines of answers as they would be had the files been there under the paths of here.
    pub(crate) fn back(&self, lines: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(lines.len());
        let mut open = self.lock();
        for line in lines.split_inclusive(|b| *b == b'\n') {
            let is_answer = !line.trim_ascii().is_empty();
            match is_answer.then(|| open.pop_front()).flatten().flatten() {
                Some(moved) => moved.back(line, &mut out),
                None => out.extend_from_slice(line),
            }
        }
        out
    }
}

impl Moved {
    fn back(&self, line: &[u8], out: &mut Vec<u8>) {
        // What is no record is told by who takes the answers.
        let Ok(mut record) = Record::parse(line) else { return out.extend_from_slice(line) };
        if record.get::<String>("path").ok().flatten().as_deref() == Some(&self.far) {
            record.set("path", &self.near);
        }
        if let Some((here, there)) = &self.ids
            && record.get::<String>("id").ok().flatten().as_ref() == Some(there)
        {
            record.set("id", here);
        }
        out.extend_from_slice(record.as_str().as_bytes());
        out.push(b'\n');
    }
}

/// A thread that sends files, then the records that name them, on a way of its own: the one that
/// answers come back on is not held up.
pub(crate) struct Courier {
    records: Sender<Vec<Arc<Record>>>,
}

/// What a courier works with.
pub(crate) struct Round {
    pub(crate) host: Arc<Host>,
    pub(crate) way: Arc<Way>,
    pub(crate) depot: Arc<Depot>,
    pub(crate) mailbox: Mailbox,
    pub(crate) translations: Arc<Translations>,
}

impl Courier {
    pub(crate) fn start(round: Round) -> Self {
        let (records, inbox) = channel();
        std::thread::spawn(move || {
            let label = round.host.label.clone();
            let mailbox = round.mailbox.clone();
            if let Err(error) = round.run(&inbox) {
                log::warn!("{label}: {error}");
                // What was not brought is not answered: the records go elsewhere.
                mailbox.leave(Order::Abandon);
            }
        });
        Self { records }
    }

    /// Records to bring, in order.
    pub(crate) fn take(&self, records: Vec<Arc<Record>>) {
        // One that ended has had its worker abandoned.
        let _ = self.records.send(records);
    }

    /// Whether a record names a file.
    pub(crate) fn is_needed(record: &Record) -> bool {
        record.has("path")
    }
}

impl Round {
    fn run(&self, inbox: &Receiver<Vec<Arc<Record>>>) -> Result<(), SshError> {
        let mut connection = None;
        while let Ok(records) = inbox.recv() {
            for record in records {
                let (line, moved) = match record.get::<Text>("path") {
                    Ok(Some(path)) => self.bring(&mut connection, &record, &path)?,
                    // No path of a file: the command has its own opinion on that.
                    _ => ((*record).clone(), None),
                };
                self.translations.lock().push_back(moved);
                let mut bytes = line.as_str().as_bytes().to_vec();
                bytes.push(b'\n');
                self.mailbox.leave(Order::Write(bytes));
            }
        }
        // Dropped without a word: the run is over, and so is the input.
        Ok(())
    }

    /// Sends a record's file; the record with the path that it has there.
    fn bring(
        &self,
        connection: &mut Option<Connection>,
        record: &Record,
        path: &Text,
    ) -> Result<(Record, Option<Moved>), SshError> {
        let mut there = record.clone();
        let parcel = match Parcel::new(Path::new(path.as_os())) {
            Ok(parcel) => parcel,
            // It was there when the record was read: the command will say what it finds.
            Err(error) => {
                log::warn!("{}: {error}", path.as_os().display());
                return Ok((there, None));
            }
        };
        let open = match connection {
            Some(open) => open,
            None => connection.insert(self.way.open(&self.host.route, &AtomicBool::default())?),
        };
        let far = self.depot.put(open, &parcel)?;
        there.set("path", &far);
        let near = record.raw("path").map(str::to_owned).unwrap_or_default();
        let ids = (!record.has("id")).then(|| (record.id(), there.id()));
        let moved = RawValue::from_string(near).ok().map(|near| Moved { near, far, ids });
        Ok((there, moved))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_as_if_the_files_were_here() {
        let translations = Translations::default();
        let moved = |near: &str, ids: Option<(&str, &str)>| {
            let near = RawValue::from_string(near.to_owned()).unwrap();
            let ids = ids.map(|(here, there)| (here.to_owned(), there.to_owned()));
            Some(Moved { near, far: "/far".into(), ids })
        };
        translations.unchanged(1);
        translations.lock().push_back(moved(r#""/near\/1""#, Some(("here", "there"))));
        translations.lock().push_back(moved(r#""/near/2""#, Some(("here", "there"))));
        translations.lock().push_back(moved(r#""/near/3""#, None));
        let back = |lines: &str| String::from_utf8(translations.back(lines.as_bytes())).unwrap();
        let lines = "{\"path\":\"/far\"}\n\n{\"x\":1, \"path\":\"/far\",\"id\":\"there\"}\n";
        let wanted = "{\"path\":\"/far\"}\n\n{\"x\":1, \"path\":\"/near\\/1\",\"id\":\"here\"}\n";
        assert_eq!(back(lines), wanted);
        // The id of the file's content is the same everywhere.
        let lines = "{\"path\":\"/far\",\"id\":\"content\"}\n";
        assert_eq!(back(lines), "{\"path\":\"/near/2\",\"id\":\"content\"}\n");
        assert_eq!(back("no record\n{\"path\":\"/far\"}\n"), "no record\n{\"path\":\"/far\"}\n");
    }
}
