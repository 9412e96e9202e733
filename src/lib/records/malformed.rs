use crate::{Code, Record, Text};

/// What of a line that is no record is kept in its error record: enough to find it by.
const KEPT_BYTES: usize = 4096;

/// A line that is not a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Malformed {
    /// [`Code::BadJson`] or [`Code::TooLong`].
    pub code: Code,
    /// What is wrong with it.
    pub reason: String,
}

impl Malformed {
    /// Not JSON, or JSON of another kind.
    pub fn json(reason: impl Into<String>) -> Self {
        Self { code: Code::BadJson, reason: reason.into() }
    }

    /// Longer than the limit.
    pub fn too_long(bytes: u64, limit: usize) -> Self {
        Self {
            code: Code::TooLong,
            reason: format!("the line has {bytes} bytes; the limit is {limit} (--max-line)"),
        }
    }

    /// The record that stands for such a line: its first 4096 bytes under `line`. The failure is
    /// to be added.
    pub fn to_record(line: &[u8]) -> Record {
        let mut end = line.len().min(KEPT_BYTES);
        // A character that straddles the cut would make all of it count as bytes.
        while end > 0 && end < line.len() && line[end] & 0xC0 == 0x80 {
            end -= 1;
        }
        let mut record = Record::new();
        record.set("line", &Text::from_bytes(line[..end].to_vec()));
        record
    }
}
