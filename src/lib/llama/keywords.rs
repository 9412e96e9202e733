//! Reading the keywords of one JSON Schema.

use serde_json::{Map, Value};

use crate::grammar::MAX_REPEAT;

/// Keywords that say nothing about the value.
const ANNOTATIONS: [&str; 14] = [
    "$schema",
    "$id",
    "$comment",
    "$defs",
    "$anchor",
    "definitions",
    "title",
    "description",
    "default",
    "example",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
];

/// Keywords that a type understands.
pub(crate) fn keywords(kind: &str) -> &'static [&'static str] {
    match kind {
        "integer" | "number" => &["type", "minimum", "maximum"],
        "string" => &["type", "minLength", "maxLength", "format"],
        "array" => &["type", "items", "minItems", "maxItems"],
        "object" => &["type", "properties", "required", "additionalProperties"],
        _ => &["type"],
    }
}

/// Refuses keywords that are neither `known` nor annotations.
pub(crate) fn only(map: &Map<String, Value>, place: &str, known: &[&str]) -> Result<(), String> {
    let fine = |key: &str| known.contains(&key) || ANNOTATIONS.contains(&key);
    match map.keys().find(|key| !fine(key)) {
        Some(key) => Err(format!("{place}: `{key}` is not supported here")),
        None => Ok(()),
    }
}

/// The values of `const` or `enum` that are of the schema's type, as alternatives.
pub(crate) fn fitting(
    map: &Map<String, Value>,
    values: &[Value],
    place: &str,
) -> Result<String, String> {
    let is = |value: &Value, kind: &str| match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    };
    let of_type = |value: &&Value| match map.get("type") {
        None => true,
        Some(Value::String(kind)) => is(value, kind),
        Some(kinds) => {
            kinds.as_array().into_iter().flatten().filter_map(Value::as_str).any(|k| is(value, k))
        }
    };
    let bodies: Vec<String> = values.iter().filter(of_type).map(literal).collect();
    if bodies.is_empty() {
        return Err(format!("{place}: no value fulfils `const` or `enum`"));
    }
    Ok(alternatives(&bodies))
}

/// One of several bodies.
pub(crate) fn alternatives(bodies: &[String]) -> String {
    match bodies {
        [one] => one.clone(),
        many => format!("({})", many.join(" | ")),
    }
}

/// Compact JSON as a GBNF string.
pub(crate) fn literal(value: &Value) -> String {
    let mut text = String::from("\"");
    for c in value.to_string().chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '\n' | '\r' | '\t' => text.extend(c.escape_default()),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

/// The bounds that two keywords give.
pub(crate) fn limits(
    map: &Map<String, Value>,
    least: &str,
    most: &str,
    place: &str,
) -> Result<(u64, Option<u64>), String> {
    let read = |key: &str| match map.get(key) {
        None => Ok(None),
        Some(value) => match value.as_u64() {
            Some(n) if n <= MAX_REPEAT => Ok(Some(n)),
            _ => Err(format!("{place}: `{key}` must be a whole number up to {MAX_REPEAT}")),
        },
    };
    let (low, high) = (read(least)?.unwrap_or(0), read(most)?);
    if high.is_some_and(|high| high < low) {
        return Err(format!("{place}: `{most}` is less than `{least}`"));
    }
    Ok((low, high))
}

/// The same as a repetition in GBNF.
pub(crate) fn counts(
    map: &Map<String, Value>,
    least: &str,
    most: &str,
    place: &str,
) -> Result<String, String> {
    let (low, high) = limits(map, least, most, place)?;
    let high = high.map_or_else(String::new, |high| high.to_string());
    Ok(format!("{{{low},{high}}}"))
}
