//! The shape that an answer has to have.

use std::sync::Arc;

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;
use serde_json::value::RawValue;

/// Most bytes of one compiled pattern of a schema.
const MAX_PATTERN: usize = 1 << 20;
/// Longest description of what is wrong, in characters: it goes back to the model.
const MAX_COMPLAINT: usize = 500;

/// A JSON Schema, compiled. Nothing is fetched: a schema that refers elsewhere is refused.
#[derive(Debug)]
pub(crate) struct Schema {
    source: Arc<Value>,
    validator: Validator,
}

impl Schema {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let source: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
        Self::new(source)
    }

    pub(crate) fn new(source: Value) -> Result<Self, String> {
        let patterns = PatternOptions::fancy_regex()
            .backtrack_limit(100_000)
            .size_limit(MAX_PATTERN)
            .dfa_size_limit(MAX_PATTERN);
        let validator = jsonschema::options()
            .offline()
            .with_pattern_options(patterns)
            .build(&source)
            .map_err(|e| shortened(&e.to_string()))?;
        Ok(Self { source: Arc::new(source), validator })
    }

    /// The schema as it was written.
    pub(crate) fn source(&self) -> &Arc<Value> {
        &self.source
    }

    /// Reads an answer: its JSON text as the model wrote it, or what is wrong with it.
    pub(crate) fn read(&self, answer: &str) -> Result<Box<RawValue>, String> {
        let text = unfenced(answer);
        let value: Value =
            serde_json::from_str(text).map_err(|e| format!("it is not JSON: {e}"))?;
        self.check(&value)?;
        RawValue::from_string(text.to_owned()).map_err(|e| e.to_string())
    }

    /// Holds a value against the schema.
    pub(crate) fn check(&self, value: &Value) -> Result<(), String> {
        self.validator.validate(value).map_err(|error| {
            let place = error.instance_path().as_str().to_owned();
            let place = if place.is_empty() { "the value".to_owned() } else { place };
            shortened(&format!("{place}: {error}"))
        })
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_COMPLAINT).collect()
}

/// The text without the code fence that models like to put around JSON.
pub(crate) fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let Some(inner) = text.strip_prefix("```").and_then(|t| t.strip_suffix("```")) else {
        return text;
    };
    let inner = inner.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    inner.trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_or_its_fault_is_said() {
        let schema = Schema::parse(
            r#"{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}"#,
        )
        .unwrap();
        let read = |text| schema.read(text).map(|raw| raw.get().to_owned());
        assert_eq!(read("{\"n\": 1}").unwrap(), "{\"n\": 1}");
        assert_eq!(read(" ```json\n{\"n\":2}\n``` ").unwrap(), "{\"n\":2}");
        assert!(read("{\"n\":\"1\"}").unwrap_err().starts_with("/n: "));
        assert!(read("{}").unwrap_err().contains("\"n\""));
        assert!(read("n = 1").unwrap_err().contains("not JSON"));
    }

    #[test]
    fn a_schema_that_is_none_or_refers_elsewhere_is_refused() {
        for bad in ["", "[]", "{\"type\":\"thing\"}", "{\"$ref\":\"https://example.com/s.json\"}"] {
            assert!(Schema::parse(bad).is_err(), "{bad}");
        }
    }
}
