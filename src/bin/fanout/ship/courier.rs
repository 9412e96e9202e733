//! Files that records name, brought to a host before the records are.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use records::{Record, Text};
use serde_json::value::RawValue;
use ssh::{Mailbox, Order, SshError};

use super::Depot;
use super::transfer::Parcel;
use crate::connection::{Connection, Way};
use crate::inventory::Host;

/// Paths as records had them, in the order of sending.
type Near = VecDeque<Box<RawValue>>;

/// What a path there is here: by the record's id and the path there.
#[derive(Default)]
pub(crate) struct Translations {
    paths: Mutex<HashMap<(String, String), Near>>,
}

impl Translations {
    fn note(&self, id: String, far: String, near: Box<RawValue>) {
        let mut paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        paths.entry((id, far)).or_default().push_back(near);
    }

    /// Lines of answers with the paths that their records had.
    pub(crate) fn back(&self, lines: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(lines.len());
        for line in lines.split_inclusive(|b| *b == b'\n') {
            match self.line(line) {
                Some(record) => {
                    out.extend_from_slice(record.as_str().as_bytes());
                    out.push(b'\n');
                }
                None => out.extend_from_slice(line),
            }
        }
        out
    }

    fn line(&self, line: &[u8]) -> Option<Record> {
        let mut record = Record::parse(line).ok()?;
        let far: String = record.get("path").ok()??;
        let key = (record.id(), far);
        let mut paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = paths.get_mut(&key)?;
        let near = queue.pop_front()?;
        if queue.is_empty() {
            paths.remove(&key);
        }
        record.set("path", &near);
        Some(record)
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
                let line = match record.get::<Text>("path") {
                    Ok(Some(path)) => self.bring(&mut connection, &record, &path)?,
                    // No path of a file: the command has its own opinion on that.
                    _ => (*record).clone(),
                };
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
    ) -> Result<Record, SshError> {
        let mut there = record.clone();
        // The id is made from the record as it is here, not as it is there.
        let id = record.id();
        there.set("id", &id);
        let parcel = match Parcel::new(std::path::Path::new(path.as_os())) {
            Ok(parcel) => parcel,
            // It was there when the record was read: the command will say what it finds.
            Err(error) => {
                log::warn!("{}: {error}", path.as_os().display());
                return Ok(there);
            }
        };
        let open = match connection {
            Some(open) => open,
            None => connection.insert(self.way.open(&self.host.route, &Default::default())?),
        };
        let far = self.depot.put(open, &parcel)?;
        if let Some(near) = record.raw("path").map(str::to_owned)
            && let Ok(near) = RawValue::from_string(near)
        {
            self.translations.note(id, far.clone(), near);
        }
        there.set("path", &far);
        Ok(there)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_get_the_paths_of_their_records_back() {
        let translations = Translations::default();
        let near = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        translations.note("a".into(), "/far".into(), near(r#""/near\/1""#));
        translations.note("a".into(), "/far".into(), near(r#""/near/2""#));
        let line = b"{\"x\":1, \"path\":\"/far\",\"id\":\"a\"}\n";
        let other = b"{\"path\":\"/other\",\"id\":\"a\"}\nno record\n";
        let back = |line: &[u8]| String::from_utf8(translations.back(line)).unwrap();
        assert_eq!(back(line), "{\"x\":1, \"path\":\"/near\\/1\",\"id\":\"a\"}\n");
        assert_eq!(back(line), "{\"x\":1, \"path\":\"/near/2\",\"id\":\"a\"}\n");
        assert_eq!(back(line).as_bytes(), line);
        assert_eq!(back(other).as_bytes(), other);
    }
}
