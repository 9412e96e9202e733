use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Serialize;
use serde::de::{DeserializeOwned, Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::{Failure, Malformed, Step, Text, content_id};

/// One record: the text of a JSON object, and where its members are in it.
///
/// Reading a member parses that member alone; setting one rewrites that member alone. All other
/// bytes stay as they came.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    line: String,
    members: Vec<Member>,
}

/// Where a member is in the line: the key with its quotes, and the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) key: Range<usize>,
    pub(crate) value: Range<usize>,
}

/// A member is there, but of another type than asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{key}': {reason}")]
pub struct ValueError {
    /// The key.
    pub key: String,
    /// What is wrong.
    pub reason: String,
}

impl ValueError {
    /// serde_json's message without its position, which would be one inside the value.
    pub(crate) fn reason(error: &serde_json::Error) -> String {
        let message = error.to_string();
        message.split(" at line ").next().unwrap_or_default().to_owned()
    }
}

impl Record {
    /// An empty object.
    pub fn new() -> Self {
        Self { line: "{}".into(), members: Vec::new() }
    }

    /// A record about a file.
    pub fn of_path(path: &std::path::Path) -> Self {
        let line = String::with_capacity(path.as_os_str().len() + 16);
        let mut record = Self { line, members: Vec::with_capacity(1) };
        record.line.push_str("{}");
        record.set("path", &Text::from_os(path.as_os_str()));
        record
    }

    /// Makes room at once for more members, about so many bytes in all.
    pub fn reserve(&mut self, members: usize, bytes: usize) {
        self.members.reserve(members);
        self.line.reserve(bytes);
    }

    /// Parses a line. Space around the object is dropped, everything else is kept.
    ///
    /// # Errors
    /// [`Malformed`] when the line is not one JSON object in UTF-8.
    pub fn parse(line: &[u8]) -> Result<Self, Malformed> {
        let line = simdutf8::compat::from_utf8(line)
            .map_err(|e| Malformed::json(format!("not UTF-8 at byte {}", e.valid_up_to() + 1)))?;
        let line = line.trim_matches([' ', '\t', '\r', '\n']);
        let members = index(line)?;
        Ok(Self { line: line.to_owned(), members })
    }

    /// The line, without its end.
    pub fn as_str(&self) -> &str {
        &self.line
    }

    /// Keys in order, decoded.
    pub fn keys(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.members.iter().map(|m| decode_key(&self.line[m.key.clone()]))
    }

    /// Members in order: keys decoded, values as JSON text.
    pub fn members(&self) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
        self.members
            .iter()
            .map(|m| (decode_key(&self.line[m.key.clone()]), &self.line[m.value.clone()]))
    }

    /// Whether there is a member `key`.
    pub fn has(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    // The last of several equal keys counts, as in jq and most parsers.
    fn position(&self, key: &str) -> Option<usize> {
        self.members.iter().rposition(|m| {
            let raw = &self.line[m.key.clone()];
            if raw.contains('\\') { decode_key(raw) == key } else { &raw[1..raw.len() - 1] == key }
        })
    }

    /// The JSON text of a member's value.
    pub fn raw(&self, key: &str) -> Option<&str> {
        self.position(key).map(|at| &self.line[self.members[at].value.clone()])
    }

    /// A member's value.
    ///
    /// # Errors
    /// [`ValueError`] when it is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, ValueError> {
        let Some(raw) = self.raw(key) else { return Ok(None) };
        serde_json::from_str(raw)
            .map(Some)
            .map_err(|e| ValueError { key: key.to_owned(), reason: ValueError::reason(&e) })
    }

    /// Sets a member: its value is replaced where it stands, or it is added at the end.
    ///
    /// # Panics
    /// If `value` cannot be JSON (a map with keys that are no strings): a defect of the caller.
    pub fn set<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        #[expect(clippy::expect_used, reason = "types of this project always serialise")]
        let json = serde_json::to_string(value).expect("a value that is JSON");
        self.set_json(key, &json);
    }

    fn set_json(&mut self, key: &str, json: &str) {
        if let Some(at) = self.position(key) {
            let old = self.members[at].value.clone();
            self.line.replace_range(old.clone(), json);
            self.members[at].value.end = old.start + json.len();
            for member in &mut self.members[at + 1..] {
                for range in [&mut member.key, &mut member.value] {
                    range.start = range.start - old.len() + json.len();
                    range.end = range.end - old.len() + json.len();
                }
            }
            return;
        }
        self.line.pop();
        self.line.reserve(key.len() + json.len() + 5);
        if !self.members.is_empty() {
            self.line.push(',');
        }
        let key_start = self.line.len();
        if key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            self.line.extend(["\"", key, "\""]);
        } else {
            self.line.push_str(&serde_json::Value::from(key).to_string());
        }
        let key = key_start..self.line.len();
        self.line.push(':');
        let value = self.line.len()..self.line.len() + json.len();
        self.line.push_str(json);
        self.line.push('}');
        self.members.push(Member { key, value });
    }

    /// Takes a member out; other members keep their text.
    pub fn remove(&mut self, key: &str) {
        while let Some(at) = self.position(key) {
            let cut = match (at, self.members.get(at + 1)) {
                (_, Some(next)) => self.members[at].key.start..next.key.start,
                (0, None) => self.members[0].key.start..self.members[0].value.end,
                (_, None) => self.members[at - 1].value.end..self.members[at].value.end,
            };
            self.line.replace_range(cut.clone(), "");
            self.members.remove(at);
            for member in &mut self.members[at..] {
                for range in [&mut member.key, &mut member.value] {
                    range.start -= cut.len();
                    range.end -= cut.len();
                }
            }
        }
    }

    /// The record's `id`, or the id that its text has: see [`content_id`].
    pub fn id(&self) -> String {
        match self.get::<String>("id") {
            Ok(Some(id)) => id,
            _ => content_id(self.line.as_bytes()),
        }
    }

    /// Adds a step to `via`. A `via` that is no array is left as it is: it is the user's.
    pub fn push_step(&mut self, step: &Step) {
        #[expect(clippy::expect_used, reason = "a Step is strings and numbers")]
        let json = serde_json::to_string(step).expect("a step is JSON");
        let grown = match self.raw("via") {
            None => format!("[{json}]"),
            Some(raw) => match raw.strip_prefix('[').and_then(|r| r.strip_suffix(']')) {
                Some(inner) if inner.trim().is_empty() => format!("[{json}]"),
                Some(inner) => format!("[{inner},{json}]"),
                None => return,
            },
        };
        self.set_json("via", &grown);
    }

    /// Adds `error`.
    pub fn fail(&mut self, failure: &Failure) {
        self.set("error", failure);
    }
}

impl Default for Record {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

/// A key as it stands in the line, quotes and escapes taken off.
pub(crate) fn decode_key(raw: &str) -> Cow<'_, str> {
    let inner = &raw[1..raw.len() - 1];
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    // A lone surrogate cannot be decoded: such a key is only equal to itself.
    serde_json::from_str::<String>(raw).map_or(Cow::Borrowed(inner), Cow::Owned)
}

/// Checks that `line` is one JSON object and finds its members. The check does not recurse, so
/// deep nesting is no danger.
pub(crate) fn index(line: &str) -> Result<Vec<Member>, Malformed> {
    if !line.starts_with('{') {
        return Err(Malformed::json(what_it_is(line)));
    }
    let mut parser = serde_json::Deserializer::from_str(line);
    let members = parser
        .deserialize_map(Members { line })
        .and_then(|members| parser.end().map(|()| members))
        .map_err(|e| {
            Malformed::json(format!("{} at byte {}", ValueError::reason(&e), e.column()))
        })?;
    Ok(members)
}

fn what_it_is(line: &str) -> String {
    match serde_json::from_str::<&RawValue>(line) {
        Ok(value) => match value.get().as_bytes().first() {
            Some(b'[') => "a record is a JSON object, this is an array".into(),
            Some(b'"') => "a record is a JSON object, this is a string".into(),
            Some(b'-' | b'0'..=b'9') => "a record is a JSON object, this is a number".into(),
            _ => "a record is a JSON object, this is a literal".into(),
        },
        Err(_) => "not JSON".into(),
    }
}

struct Members<'l> {
    line: &'l str,
}

impl<'de> Visitor<'de> for Members<'de> {
    type Value = Vec<Member>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let place = |part: &RawValue| {
            let start = part.get().as_ptr() as usize - self.line.as_ptr() as usize;
            start..start + part.get().len()
        };
        let mut members = Vec::with_capacity(8);
        while let Some(key) = map.next_key::<&'de RawValue>()? {
            let value = map.next_value::<&'de RawValue>()?;
            members.push(Member { key: place(key), value: place(value) });
        }
        Ok(members)
    }
}
