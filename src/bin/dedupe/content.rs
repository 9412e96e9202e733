//! What makes two records the same.

use keyset::Key;
use records::{Code, Failure, Field, Record};
use serde_json::Value;

use crate::fold::Folds;

/// What of a record is compared.
pub(crate) struct Content {
    by: Vec<Field>,
    folds: Folds,
}

impl Content {
    /// The values of some fields, or with none of them the whole record, `via` aside.
    pub(crate) fn new(by: Vec<Field>, folds: Folds) -> Self {
        Self { by, folds }
    }

    /// The key that records with the same content have. `scratch` is reused from record to
    /// record.
    pub(crate) fn key(&self, record: &Record, scratch: &mut Vec<u8>) -> Result<Key, Failure> {
        scratch.clear();
        if !self.by.is_empty() {
            for field in &self.by {
                let raw = field.raw(record).ok_or_else(|| {
                    Failure::new(Code::MissingField, format!("the record has no '{field}'"))
                })?;
                self.value(raw, scratch)?;
            }
        } else if !self.folds.is_empty() {
            let mut value = parse(record.as_str())?;
            if let Value::Object(map) = &mut value {
                map.shift_remove("via");
            }
            self.canonical(&value, scratch);
        } else if record.has("via") {
            // What happened to it on the way is no part of what it says.
            let mut plain = record.clone();
            plain.remove("via");
            return Ok(Key::of(plain.as_str().as_bytes()));
        } else {
            return Ok(Key::of(record.as_str().as_bytes()));
        }
        Ok(Key::of(scratch))
    }

    /// What the reason for two records being the same is, for people.
    pub(crate) fn describe(&self) -> String {
        let what = if self.by.is_empty() {
            "the whole record".to_owned()
        } else {
            let names: Vec<String> = self.by.iter().map(|f| format!("'{f}'")).collect();
            names.join(" and ")
        };
        format!("same: {what}{}", self.folds.describe())
    }

    /// Everything that a key depends on besides the record.
    pub(crate) fn scope(&self) -> String {
        format!("{:?} {:?}", self.by, self.folds)
    }

    fn value(&self, raw: &str, to: &mut Vec<u8>) -> Result<(), Failure> {
        match raw.as_bytes() {
            [b'"', inner @ .., b'"'] if self.folds.is_empty() && !inner.contains(&b'\\') => {
                push(b's', inner, to);
            }
            [b'"' | b'{' | b'[', ..] => self.canonical(&parse(raw)?, to),
            _ => push(b'v', raw.as_bytes(), to),
        }
        Ok(())
    }

    /// Bytes that tell any two values apart, objects in order of their keys.
    fn canonical(&self, value: &Value, to: &mut Vec<u8>) {
        match value {
            Value::String(text) => push(b's', self.folds.apply(text).as_bytes(), to),
            Value::Array(items) => {
                push(b'a', &items.len().to_le_bytes(), to);
                items.iter().for_each(|item| self.canonical(item, to));
            }
            Value::Object(map) => {
                push(b'o', &map.len().to_le_bytes(), to);
                let mut members: Vec<_> = map.iter().collect();
                members.sort_unstable_by_key(|member| member.0);
                for (key, value) in members {
                    push(b'k', key.as_bytes(), to);
                    self.canonical(value, to);
                }
            }
            other => push(b'v', other.to_string().as_bytes(), to),
        }
    }
}

/// A part with its kind and length before it, so that no two lists of parts give the same bytes.
fn push(kind: u8, bytes: &[u8], to: &mut Vec<u8>) {
    to.push(kind);
    to.extend_from_slice(&bytes.len().to_le_bytes());
    to.extend_from_slice(bytes);
}

fn parse(raw: &str) -> Result<Value, Failure> {
    // A lone surrogate, or nesting beyond the parser's limit.
    serde_json::from_str(raw)
        .map_err(|e| Failure::new(Code::Unsupported, format!("cannot be compared: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::Fold;

    fn same(by: &[&str], folds: &[Fold], a: &str, b: &str) -> bool {
        let by = by.iter().map(|f| f.parse().unwrap()).collect();
        let content = Content::new(by, Folds::new(folds));
        let key = |line: &str| {
            content.key(&Record::parse(line.as_bytes()).unwrap(), &mut Vec::new()).unwrap()
        };
        key(a) == key(b)
    }

    #[test]
    fn whole_records_are_the_same_letter_by_letter_except_for_via() {
        let whole = |a, b| same(&[], &[], a, b);
        assert!(whole(r#"{"a":1,"via":[1]}"#, r#"{"a":1,"via":[2]}"#));
        assert!(whole(r#"{"a":1}"#, r#"{"a":1,"via":[2]}"#));
        assert!(!whole(r#"{"a":1}"#, r#"{"a":1.0}"#));
        assert!(!whole(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#));
    }

    #[test]
    fn folded_records_are_compared_by_what_they_say() {
        let folded = |a, b| same(&[], &[Fold::Case], a, b);
        assert!(folded(r#"{"a":"X","b":[1]}"#, r#"{ "b": [ 1 ], "a": "\u0078" }"#));
        assert!(!folded(r#"{"a":["x","y"]}"#, r#"{"a":["xy"]}"#));
        assert!(!folded(r#"{"a":"1"}"#, r#"{"a":1}"#));
    }

    #[test]
    fn fields_are_compared_by_value() {
        let by = |a, b| same(&["a.x", "b"], &[], a, b);
        assert!(by(r#"{"a":{"x":"\u0031"},"b":null,"c":1}"#, r#"{"b":null,"a":{"x":"1"}}"#));
        assert!(!by(r#"{"a":{"x":"1"},"b":2}"#, r#"{"a":{"x":1},"b":2}"#));
        // The border between two values counts.
        assert!(!by(r#"{"a":{"x":"12"},"b":"3"}"#, r#"{"a":{"x":"1"},"b":"23"}"#));
        assert!(same(&["b"], &[], r#"{"b":{"x":1,"y":2}}"#, r#"{"b":{ "y":2,"x":1}}"#));
    }

    #[test]
    fn what_cannot_be_compared_is_a_failure() {
        let content = Content::new(vec!["a".parse().unwrap()], Folds::default());
        let key =
            |line: &str| content.key(&Record::parse(line.as_bytes()).unwrap(), &mut Vec::new());
        assert_eq!(key("{}").unwrap_err().code, Code::MissingField);
        assert_eq!(key(r#"{"a":"\ud800"}"#).unwrap_err().code, Code::Unsupported);
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(9000), "]".repeat(9000));
        assert_eq!(key(&deep).unwrap_err().code, Code::Unsupported);
    }
}
