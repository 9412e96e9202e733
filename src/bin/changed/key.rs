//! What an event is about: the value of the expression given with --key.

use expression::{ExpressionError, Guard, Limits};
use keyset::Key;
use records::{Code, Failure, Field, Record};

/// How the key of a record is found.
pub(crate) enum KeyOf {
    /// All records are about one thing.
    One,
    /// Paths alone need no interpreter, which takes a hundred times as long.
    Paths(Shape),
    /// Anything else that jq can say.
    Expression(Guard),
}

/// An expression that is made of paths.
#[derive(Debug, PartialEq)]
pub(crate) enum Shape {
    /// `.a // .b`: the first that is neither null nor false.
    FirstOf(Vec<Field>),
    /// `[.a, .b]`
    All(Vec<Field>),
}

/// Finds the keys of records.
pub(crate) struct Keys {
    of: KeyOf,
    /// The expression: keys of another one are other keys.
    scope: String,
    scratch: Vec<u8>,
}

impl Keys {
    pub(crate) fn new(expression: Option<&str>) -> Result<Self, ExpressionError> {
        let of = match expression {
            None => KeyOf::One,
            Some(code) => match shape(code) {
                Some(shape) => KeyOf::Paths(shape),
                None => KeyOf::Expression(Guard::new(code, Limits::default())?),
            },
        };
        let scope = expression.unwrap_or_default().trim().to_owned();
        Ok(Self { of, scope, scratch: Vec::new() })
    }

    /// Members that are the key and nothing else: they never change within it.
    pub(crate) fn members(&self) -> impl Iterator<Item = &str> {
        let fields = match &self.of {
            KeyOf::Paths(Shape::All(fields)) => &fields[..],
            KeyOf::Paths(Shape::FirstOf(fields)) if fields.len() == 1 => &fields[..],
            _ => &[],
        };
        fields.iter().filter(|field| field.to_string() == field.top()).map(Field::top)
    }

    /// The key of a record.
    pub(crate) fn of(&mut self, record: &Record) -> Result<Key, Failure> {
        self.scratch.clear();
        self.scratch.extend_from_slice(self.scope.as_bytes());
        self.scratch.push(0);
        match &self.of {
            KeyOf::One => {}
            KeyOf::Paths(Shape::FirstOf(fields)) => {
                let mut values = fields.iter().filter_map(|field| field.raw(record));
                let value = values.find(|raw| !matches!(*raw, "null" | "false"));
                let value = value.ok_or_else(|| none(&self.scope))?;
                push(value, &mut self.scratch);
            }
            KeyOf::Paths(Shape::All(fields)) => {
                let mut found = false;
                for field in fields {
                    let raw = field.raw(record).unwrap_or("null");
                    found |= raw != "null";
                    push(raw, &mut self.scratch);
                }
                if !found {
                    return Err(none(&self.scope));
                }
            }
            KeyOf::Expression(expression) => {
                let values = expression.values(record.as_str(), 2).map_err(|e| {
                    let code = match e {
                        ExpressionError::Gone => Code::Bug,
                        _ => Code::Unsupported,
                    };
                    Failure::new(code, format!("--key: {e}"))
                })?;
                match &values[..] {
                    [value] if value != "null" => push(value, &mut self.scratch),
                    [_] | [] => return Err(none(&self.scope)),
                    _ => {
                        let message = "--key: the expression has more than one value";
                        return Err(Failure::new(Code::Unsupported, message));
                    }
                }
            }
        }
        Ok(Key::of(&self.scratch))
    }
}

fn none(scope: &str) -> Failure {
    Failure::new(Code::MissingField, format!("the record has no key: {scope}"))
}

/// A value with its length; strings by what they say.
fn push(raw: &str, to: &mut Vec<u8>) {
    let escaped = raw.starts_with('"') && raw.contains('\\');
    let plain = if escaped { serde_json::from_str::<String>(raw).ok() } else { None };
    let plain = plain.map(|text| format!("\"{text}\""));
    let raw = plain.as_deref().unwrap_or(raw);
    to.extend_from_slice(&(raw.len() as u64).to_le_bytes());
    to.extend_from_slice(raw.as_bytes());
}

/// The paths that an expression is made of; none where it has anything else.
fn shape(code: &str) -> Option<Shape> {
    let code = code.trim();
    if let Some(inner) = code.strip_prefix('[').and_then(|c| c.strip_suffix(']')) {
        return inner.split(',').map(path).collect::<Option<_>>().map(Shape::All);
    }
    code.split("//").map(path).collect::<Option<_>>().map(Shape::FirstOf)
}

/// `.a.b`, of letters, digits and underscores.
fn path(code: &str) -> Option<Field> {
    let keys = code.trim().strip_prefix('.')?;
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if keys.split('.').all(is_name) { keys.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(expression: &str, record: &str) -> Result<Key, Code> {
        let record = Record::parse(record.as_bytes()).unwrap();
        Keys::new(Some(expression)).unwrap().of(&record).map_err(|failure| failure.code)
    }

    #[test]
    fn paths_need_no_interpreter() {
        for code in [".a", " .a.b_1 ", ".a // .b", "[.a,.b.c]", "._A"] {
            assert!(shape(code).is_some(), "{code}");
        }
        for code in [".", ".a[0]", ".a?", ".a + .b", "[.a | length]", ".1", "[]", ". a", ".a.", "a"]
        {
            assert!(shape(code).is_none(), "{code}");
        }
    }

    #[test]
    fn keys_are_equal_where_values_are() {
        assert_eq!(key(".a", r#"{"a":"x"}"#), key(".a", r#"{"b":1,"a":"\u0078"}"#));
        assert_ne!(key(".a", r#"{"a":"1"}"#), key(".a", r#"{"a":1}"#));
        assert_ne!(key(".a", r#"{"a":"x"}"#), key(".b", r#"{"b":"x"}"#));
        assert_eq!(key(".a // .b", r#"{"a":null,"b":2}"#), key(".a // .b", r#"{"b":2}"#));
        assert_ne!(
            key("[.a,.b]", r#"{"a":"xy","b":"z"}"#),
            key("[.a,.b]", r#"{"a":"x","b":"yz"}"#)
        );
    }

    #[test]
    fn a_record_without_a_key_fails() {
        for code in [".a", ".a // .b", "[.a, .b]"] {
            assert_eq!(key(code, r#"{"c":1}"#), Err(Code::MissingField), "{code}");
        }
    }
}
