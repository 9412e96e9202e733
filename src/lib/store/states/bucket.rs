//! Some dozens of keys in one row.

use rusqlite::{Connection, params};

use super::StateRow;
use crate::database::Fault;

/// The number of a key's bucket.
pub(super) fn number(key: &[u8; 16], bits: u32) -> i64 {
    let high = u64::from_be_bytes(key[..8].try_into().unwrap_or_default());
    high.checked_shr(64 - bits).unwrap_or(0).cast_signed()
}

/// Keys that are about to be written.
#[derive(Default)]
pub(super) struct Bucket {
    keys: Vec<u8>,
    due: Option<i64>,
}

/// Stands for no time.
const NEVER: i64 = i64::MIN;

impl Bucket {
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn push(&mut self, row: &StateRow<'_>) {
        self.keys.extend_from_slice(&row.key);
        self.keys.extend_from_slice(&row.seen.to_le_bytes());
        self.keys.extend_from_slice(&row.due.unwrap_or(NEVER).to_le_bytes());
        self.keys.extend_from_slice(&(row.data.len() as u64).to_le_bytes());
        self.keys.extend_from_slice(row.data);
        self.due = self.due.into_iter().chain(row.due).min();
    }

    pub(super) fn write(self, tx: &Connection, table: &str, number: i64) -> Result<(), Fault> {
        if !self.keys.is_empty() {
            tx.prepare_cached(&format!("INSERT OR REPLACE INTO {table} VALUES (?1, ?2, ?3)"))?
                .execute(params![number, self.keys, self.due])?;
        }
        Ok(())
    }
}

/// The keys of a bucket; none at the place where it is damaged.
pub(super) fn entries(mut bytes: &[u8]) -> impl Iterator<Item = Option<StateRow<'_>>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let mut take = |count: usize| {
            let (taken, rest) = bytes.split_at_checked(count)?;
            bytes = rest;
            Some(taken)
        };
        let mut entry = || {
            let key = take(16)?.try_into().ok()?;
            let mut number = || Some(i64::from_le_bytes(take(8)?.try_into().ok()?));
            let (seen, due, length) = (number()?, number()?, number()?);
            let data = take(usize::try_from(length).ok()?)?;
            Some(StateRow { key, data, seen, due: Some(due).filter(|due| *due != NEVER) })
        };
        let entry = entry();
        if entry.is_none() {
            bytes = &[];
        }
        Some(entry)
    })
}
