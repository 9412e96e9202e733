use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde_json::value::RawValue;

use crate::record::{decode_key, index};
use crate::{Record, Text, ValueError};

/// A dotted path to a value: `text`, `transcript.language`, `segments.0.text`. A key that holds
/// a dot is quoted as in JSON: `"a.b".c`. A number indexes an array, or is a key of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    keys: Vec<String>,
}

/// Why a field could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// The path is not well formed.
    #[error("'{0}' is no field path")]
    Syntax(String),
    /// The record has no such value.
    #[error("the record has no '{0}'")]
    Missing(String),
    /// The value is of another type.
    #[error("'{field}': {reason}")]
    Type {
        /// The path.
        field: String,
        /// What is wrong.
        reason: String,
    },
}

impl Field {
    /// The field that is the top-level key `key`.
    pub fn key(key: &str) -> Self {
        Self { keys: vec![key.to_owned()] }
    }

    /// The top-level key where the path begins.
    pub fn top(&self) -> &str {
        &self.keys[0]
    }

    /// The raw JSON text of the value, or `None` where there is none.
    pub fn raw<'r>(&self, record: &'r Record) -> Option<&'r str> {
        let mut value = record.raw(&self.keys[0])?;
        for key in &self.keys[1..] {
            value = step(value, key)?;
        }
        Some(value)
    }

    /// The value as text.
    ///
    /// # Errors
    /// [`FieldError::Missing`] and [`FieldError::Type`].
    pub fn text(&self, record: &Record) -> Result<Text, FieldError> {
        let raw = self.raw(record).ok_or_else(|| FieldError::Missing(self.to_string()))?;
        serde_json::from_str(raw).map_err(|e| FieldError::Type {
            field: self.to_string(),
            reason: ValueError::reason(&e),
        })
    }
}

fn step<'r>(value: &'r str, key: &str) -> Option<&'r str> {
    match value.as_bytes().first()? {
        b'{' => {
            let members = index(value).ok()?;
            let at = members.iter().rposition(|m| decode_key(&value[m.key.clone()]) == key)?;
            Some(&value[members[at].value.clone()])
        }
        b'[' => {
            let position: usize = key.parse().ok()?;
            let items: Vec<&'r RawValue> = serde_json::from_str(value).ok()?;
            items.get(position).map(|item| item.get())
        }
        _ => None,
    }
}

impl FromStr for Field {
    type Err = FieldError;

    fn from_str(path: &str) -> Result<Self, FieldError> {
        let bad = || FieldError::Syntax(path.to_owned());
        let mut keys = Vec::new();
        let mut rest = path;
        loop {
            let (key, after) = if rest.starts_with('"') {
                let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<String>();
                let key = stream.next().and_then(Result::ok).ok_or_else(bad)?;
                (key, &rest[stream.byte_offset()..])
            } else {
                let end = rest.find('.').unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            };
            if key.is_empty() {
                return Err(bad());
            }
            keys.push(key);
            match after.strip_prefix('.') {
                Some(more) => rest = more,
                None if after.is_empty() => return Ok(Self { keys }),
                None => return Err(bad()),
            }
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.keys.iter().map(|key| {
            if key.contains(['.', '"']) {
                // As JSON escapes it, so that it can be read again; Rust's escapes differ.
                Cow::Owned(serde_json::Value::from(key.as_str()).to_string())
            } else {
                Cow::Borrowed(key.as_str())
            }
        });
        f.write_str(&shown.collect::<Vec<_>>().join("."))
    }
}
