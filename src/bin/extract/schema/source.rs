//! What `--schema` names: a file, JSON Schema, or the short form.

use std::collections::HashSet;
use std::io::Read as _;
use std::path::Path;

use cli::{InputFile, Stop};
use jsonschema::{PatternOptions, Validator};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::reading::{self, ReadingError};
use super::shape::{Shape, Shapes};
use super::short_form::{self, ShortFormError};

/// Bytes of a schema, at most.
const MAX_BYTES: u64 = 1 << 20;

/// Bytes that a compiled pattern may take.
const MAX_PATTERN: usize = 1 << 20;

/// A schema, ready for use.
#[derive(Debug)]
pub(crate) struct Schema {
    /// What a model is asked for.
    pub(crate) shapes: Shapes,
    pub(crate) root: Shape,
    /// Says whether an answer fulfils all of it.
    pub(crate) validator: Validator,
    /// As JSON Schema.
    pub(crate) source: Value,
}

/// Why a schema cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SchemaError {
    #[error("--schema {path}: {reason}")]
    File { path: String, reason: String },
    #[error("--schema is not JSON: {0}")]
    Json(serde_json::Error),
    #[error("--schema: `{0}` is there twice in one object")]
    Twice(String),
    #[error("--schema: {0}")]
    ShortForm(#[from] ShortFormError),
    #[error("--schema: {0}")]
    Reading(#[from] ReadingError),
    #[error("--schema is no JSON Schema: {0}")]
    Meaning(String),
}

impl Schema {
    /// The schema that the argument is or names: what begins with `{"` is JSON, what is a file
    /// is read, the rest is the short form.
    ///
    /// # Errors
    /// [`SchemaError`].
    pub(crate) fn of_argument(argument: &str, stop: &Stop) -> Result<Self, SchemaError> {
        let path = Path::new(argument);
        // A single word may be a field's name and a folder's, but a folder is no schema.
        if !is_json(argument) && (path.is_file() || argument.ends_with(".json")) {
            return Self::parse(&read(path, stop)?);
        }
        Self::parse(argument)
    }

    /// The schema in `text`: JSON or the short form.
    ///
    /// # Errors
    /// [`SchemaError`].
    pub(crate) fn parse(text: &str) -> Result<Self, SchemaError> {
        let text = text.trim_start_matches('\u{feff}').trim();
        if is_json(text) {
            let source = serde_json::from_str(text).map_err(SchemaError::Json)?;
            // Which of two properties of one name was meant, nobody knows.
            match twice(text) {
                Some(name) => Err(SchemaError::Twice(name)),
                None => Self::new(source),
            }
        } else {
            Self::new(short_form::parse(text)?)
        }
    }

    fn new(source: Value) -> Result<Self, SchemaError> {
        // Its own limits on depth and size come first: the validator has none.
        let (shapes, root) = reading::read(&source)?;
        let patterns = PatternOptions::fancy_regex()
            .backtrack_limit(100_000)
            .size_limit(MAX_PATTERN)
            .dfa_size_limit(MAX_PATTERN);
        let validator = jsonschema::options()
            .offline()
            // `format` says what a text is about; values stay as the text has them.
            .should_validate_formats(false)
            .with_pattern_options(patterns)
            .build(&source)
            .map_err(|error| SchemaError::Meaning(meaning(&error)))?;
        Ok(Self { shapes, root, validator, source })
    }
}

/// The members of an object, all that are written there.
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members(Vec::new()))
    }
}

impl<'de> Visitor<'de> for Members<'de> {
    type Value = Self;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some(member) = map.next_entry()? {
            self.0.push(member);
        }
        Ok(self)
    }
}

/// A name that an object somewhere in a JSON text has twice.
fn twice(text: &str) -> Option<String> {
    let mut open = vec![text];
    while let Some(value) = open.pop() {
        if value.starts_with('[') {
            let items: Vec<&RawValue> = serde_json::from_str(value).unwrap_or_default();
            open.extend(items.into_iter().map(RawValue::get));
        } else if value.starts_with('{')
            && let Ok(Members(members)) = serde_json::from_str(value)
        {
            let mut names = HashSet::new();
            for (name, value) in members {
                if !names.insert(name.clone()) {
                    return Some(name);
                }
                open.push(value.get());
            }
        }
    }
    None
}

fn meaning(error: &jsonschema::ValidationError<'_>) -> String {
    let place = error.instance_path().as_str().to_owned();
    let said: String = error.masked().to_string().chars().take(300).collect();
    if place.is_empty() { said } else { format!("#{place}: {said}") }
}

/// Whether a text is meant to be JSON: an object of the short form begins with a name.
fn is_json(text: &str) -> bool {
    let inside = text.trim_start().strip_prefix('{').map(str::trim_start);
    inside.is_some_and(|rest| rest.starts_with(['"', '}']))
}

fn read(path: &Path, stop: &Stop) -> Result<String, SchemaError> {
    let fail = |reason: String| SchemaError::File { path: path.display().to_string(), reason };
    let mut bytes = Vec::new();
    let file = InputFile::open(path, None, stop).map_err(|e| fail(e.to_string()))?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|e| fail(e.to_string()))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(fail(format!("over {MAX_BYTES} bytes: no schema")));
    }
    String::from_utf8(bytes).map_err(|_| fail("not UTF-8".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_the_short_form() {
        let both = [
            "name, age int",
            r#" {"type": "object", "required": ["name", "age"],
            "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}"#,
        ];
        for text in both {
            let schema = Schema::parse(text).unwrap();
            assert!(schema.validator.is_valid(&serde_json::json!({"name": "a", "age": 1})));
            assert!(!schema.validator.is_valid(&serde_json::json!({"name": "a"})));
        }
        assert!(Schema::parse("{name, age int}").is_ok());
        assert!(Schema::parse("[str]").is_ok());
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        for (text, reason) in [
            ("", "no fields"),
            ("{\"type\": ", "not JSON"),
            (r#"{"type": "text"}"#, "`text` is not known"),
            (r#"{"properties": {"a": {"minLength": -1}}}"#, "#/properties/a/minLength"),
            (r#"{"properties": {"a": {"pattern": "("}}}"#, "no JSON Schema"),
            (
                r#"{"properties": {"a": {"$ref": "https://example.org/"}}}"#,
                "only places in the schema",
            ),
            (r#"{"not": {"$ref": "https://example.org/x"}}"#, "no JSON Schema"),
            ("name, name", "twice"),
            (
                r#"{"anyOf": [{"enum": [1]}, {"type": "null", "type": "string"}]}"#,
                "`type` is there",
            ),
        ] {
            let error = Schema::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
        // JSON nested so deep that a reader might overflow its stack.
        let deep = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
        assert!(matches!(Schema::parse(&deep), Err(SchemaError::Json(_))));
    }
}
