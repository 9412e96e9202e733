//! Texts of many records, kept until all are read: one summary over each group of them.
//!
//! Texts wait in a temporary file without a name, so memory holds their places alone, and the
//! texts of one group while that group is summarized.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::{Mutex, PoisonError};

/// What parts the texts of a group: where a text is split before anywhere else.
const BETWEEN: &str = "\n\n";

/// One text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Member {
    number: u64,
    id: String,
    at: u64,
    length: usize,
}

#[derive(Debug)]
struct Kept {
    file: File,
    length: u64,
    groups: HashMap<String, Vec<Member>>,
}

/// The texts so far.
#[derive(Debug)]
pub(crate) struct Groups {
    kept: Mutex<Kept>,
}

/// The texts of a group, put together in the order of the input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Group {
    /// What they have in common, as JSON.
    pub(crate) key: String,
    pub(crate) text: String,
    /// Where each record's text is in it.
    members: Vec<(String, Range<usize>)>,
}

impl Groups {
    /// No texts yet.
    ///
    /// # Errors
    /// When no temporary file can be made.
    pub(crate) fn new() -> io::Result<Self> {
        let kept = Kept { file: tempfile::tempfile()?, length: 0, groups: HashMap::new() };
        Ok(Self { kept: Mutex::new(kept) })
    }

    /// Keeps a text of the record `id`, the `number`th of the input, under `key`.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub(crate) fn keep(&self, key: &str, number: u64, id: String, text: &str) -> io::Result<()> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.length;
        kept.file.write_all_at(text.as_bytes(), at)?;
        kept.length += text.len() as u64;
        let member = Member { number, id, at, length: text.len() };
        kept.groups.entry(key.to_owned()).or_default().push(member);
        Ok(())
    }

    /// The groups' keys, in the order of their first records. The groups are forgotten as they
    /// are taken with [`Groups::take`].
    pub(crate) fn keys(&self) -> Vec<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let first = |members: &[Member]| members.iter().map(|m| m.number).min();
        let mut keys: Vec<(Option<u64>, String)> =
            kept.groups.iter().map(|(key, members)| (first(members), key.clone())).collect();
        keys.sort();
        keys.into_iter().map(|(_, key)| key).collect()
    }

    /// The texts of the group `key`.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub(crate) fn take(&self, key: &str) -> io::Result<Group> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut members = kept.groups.remove(key).unwrap_or_default();
        members.sort_by_key(|member| member.number);
        let mut group = Group { key: key.to_owned(), ..Group::default() };
        for Member { id, at, length, .. } in members {
            let mut bytes = vec![0; length];
            kept.file.read_exact_at(&mut bytes, at)?;
            let text = String::from_utf8(bytes).map_err(io::Error::other)?;
            if !group.text.is_empty() {
                group.text.push_str(BETWEEN);
            }
            let start = group.text.len();
            group.text.push_str(&text);
            group.members.push((id, start..group.text.len()));
        }
        Ok(group)
    }
}

impl Group {
    /// Records in it.
    pub(crate) fn records(&self) -> usize {
        self.members.len()
    }

    /// The record that a span of the text begins in, and the span in that record's own text.
    pub(crate) fn place(&self, span: Range<usize>) -> Option<(&str, Range<usize>)> {
        let after = self.members.partition_point(|(_, range)| range.start <= span.start);
        let (id, range) = self.members.get(after.checked_sub(1)?)?;
        let own = |at: usize| at.min(range.end).saturating_sub(range.start);
        Some((id, own(span.start)..own(span.end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_in_order_by_group() -> io::Result<()> {
        let groups = Groups::new()?;
        for (key, number, text) in
            [("\"b\"", 2, "zwei"), ("\"a\"", 1, "one 水"), ("\"b\"", 0, "null"), ("\"a\"", 3, "")]
        {
            groups.keep(key, number, format!("id{number}"), text)?;
        }
        assert_eq!(groups.keys(), ["\"b\"", "\"a\""]);
        let group = groups.take("\"b\"")?;
        assert_eq!((group.text.as_str(), group.records()), ("null\n\nzwei", 2));
        assert_eq!(group.place(6..8), Some(("id2", 0..2)));
        assert_eq!(group.place(0..10), Some(("id0", 0..4)));
        let group = groups.take("\"a\"")?;
        assert_eq!(group.place(4..7), Some(("id1", 4..7)));
        assert_eq!(groups.take("\"a\"")?.records(), 0);
        Ok(())
    }
}
