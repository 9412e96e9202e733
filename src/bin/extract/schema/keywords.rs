//! What the keywords of one JSON Schema say of values that hold no others.

use serde_json::{Map, Value};

use super::merge::types;
use super::reading::{ReadingError, refuse};
use super::shape::{Bounds, Kind, Shape};

/// Longest text and list that a grammar counts.
const MAX_COUNT: u64 = 1000;

/// Widest range of integers that a grammar holds.
const MAX_RANGE: i64 = 4000;

/// Characters of a description that the model is told.
const MAX_DESCRIPTION: usize = 200;

type Read<T = Shape> = Result<T, ReadingError>;

/// Keywords that say nothing about the value.
pub(super) fn is_annotation(key: &str) -> bool {
    matches!(
        key,
        "$schema"
            | "$id"
            | "$comment"
            | "$defs"
            | "$anchor"
            | "definitions"
            | "title"
            | "description"
            | "default"
            | "example"
            | "examples"
            | "deprecated"
            | "readOnly"
            | "writeOnly"
    )
}

/// The types that keywords speak of, where `type` is not said.
pub(super) fn implied(map: &Map<String, Value>) -> Option<Vec<String>> {
    let says = |keys: &[&str]| keys.iter().any(|key| map.contains_key(*key));
    let kind = if says(&["properties", "required", "additionalProperties", "patternProperties"]) {
        "object"
    } else if says(&["items", "prefixItems", "minItems", "maxItems", "uniqueItems"]) {
        "array"
    } else if says(&["pattern", "minLength", "maxLength", "format"]) {
        "string"
    } else if says(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]) {
        "number"
    } else {
        return None;
    };
    Some(vec![kind.to_owned()])
}

pub(super) fn choice(map: &Map<String, Value>, place: &str) -> Read {
    let of_type =
        |value: &&Value| types(map).is_none_or(|kinds| kinds.iter().any(|kind| is_of(value, kind)));
    let values: Vec<Value> = match (map.get("const"), map.get("enum")) {
        (Some(value), None) => vec![value.clone()],
        (only, Some(Value::Array(values))) => {
            values.iter().filter(|v| only.is_none_or(|only| only == *v)).cloned().collect()
        }
        _ => return Err(refuse(place, "`enum` is not a list")),
    };
    let values: Vec<Value> = values.iter().filter(of_type).cloned().collect();
    if values.is_empty() {
        return Err(refuse(place, "no value fulfils `const`, `enum` and `type` together"));
    }
    Ok(Shape::Choice(values))
}

fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|n| n.fract() == 0.0),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

pub(super) fn text(map: &Map<String, Value>, place: &str) -> Read {
    let (least, most) = counts(map, "minLength", "maxLength", place)?;
    let kind = map.get("format").and_then(Value::as_str).map_or(Kind::Plain, Kind::of_format);
    Ok(Shape::Text { kind, least, most })
}

/// Least and most, where a grammar can count as far.
pub(super) fn counts(
    map: &Map<String, Value>,
    least: &str,
    most: &str,
    place: &str,
) -> Read<(Option<u64>, Option<u64>)> {
    let count = |key: &str| map.get(key).and_then(Value::as_f64);
    let (low, high) = (count(least), count(most));
    if let (Some(low), Some(high)) = (low, high)
        && low > high
    {
        return Err(refuse(
            place,
            format!("nothing fulfils this schema: `{least}` is over `{most}`"),
        ));
    }
    let held = |n: &u64| *n <= MAX_COUNT;
    let whole = |key: &str| map.get(key).and_then(Value::as_u64).filter(held);
    Ok((whole(least), whole(most)))
}

/// The tightest bounds of a number, and whether anything is within them.
fn range(map: &Map<String, Value>, step: f64, place: &str) -> Read<(f64, f64)> {
    let bound = |key: &str| map.get(key).and_then(Value::as_f64);
    let above = bound("exclusiveMinimum").map_or(f64::NEG_INFINITY, |n| n + step);
    let below = bound("exclusiveMaximum").map_or(f64::INFINITY, |n| n - step);
    let least = bound("minimum").unwrap_or(f64::NEG_INFINITY).max(above);
    let most = bound("maximum").unwrap_or(f64::INFINITY).min(below);
    if least > most {
        return Err(refuse(place, "nothing fulfils this schema: its least is over its most"));
    }
    Ok((least, most))
}

/// What of an integer's range a grammar can hold: a short one, or that it is not negative.
#[expect(clippy::cast_possible_truncation, reason = "values are checked to be small before")]
pub(super) fn bounds(map: &Map<String, Value>, place: &str) -> Read<Bounds> {
    let (least, most) = range(map, 1.0, place)?;
    let (least, most) = (least.ceil(), most.floor());
    if least > most {
        return Err(refuse(place, "nothing fulfils this schema: no whole number is in its range"));
    }
    let near = |n: f64| n.abs() < 1e15;
    if near(least) && near(most) && (most - least) < MAX_RANGE as f64 {
        return Ok(Bounds { least: Some(least as i64), most: Some(most as i64) });
    }
    Ok(Bounds { least: (least >= 0.0).then_some(0), most: None })
}

/// What of a number's range a grammar can hold: that it is not negative, or from 0 to 1.
pub(super) fn unit(map: &Map<String, Value>, place: &str) -> Read<Bounds> {
    let (least, most) = range(map, 0.0, place)?;
    let positive = least >= 0.0;
    Ok(Bounds { least: positive.then_some(0), most: (positive && most <= 1.0).then_some(1) })
}

pub(super) fn description(schema: &Value) -> Option<String> {
    let text = ["description", "title"].iter().find_map(|key| schema.get(key)?.as_str())?;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = line.chars().take(MAX_DESCRIPTION).collect();
    (!short.is_empty()).then_some(short)
}
