//! Two JSON Schemas as one that asks for both, as far as a shape is concerned.

use serde_json::{Map, Value, json};

use super::reading::{ReadingError, refuse};

/// What `type` says, as a list.
pub(super) fn types(map: &Map<String, Value>) -> Option<Vec<String>> {
    match map.get("type")? {
        Value::String(kind) => Some(vec![kind.clone()]),
        Value::Array(kinds) => {
            Some(kinds.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        _ => None,
    }
}

/// `base` and `part` as one schema.
///
/// # Errors
/// When they contradict each other.
pub(super) fn merge(
    mut base: Map<String, Value>,
    part: Map<String, Value>,
    place: &str,
) -> Result<Map<String, Value>, ReadingError> {
    if let (Some(ours), Some(theirs)) = (types(&base), types(&part)) {
        base.insert("type".into(), json!(both(&ours, &theirs, place)?));
    }
    for (key, theirs) in part {
        let Some(ours) = base.get(&key).cloned() else {
            base.insert(key, theirs);
            continue;
        };
        let merged = match key.as_str() {
            "type" => ours,
            "properties" => properties(ours, theirs),
            "required" => union(ours, theirs),
            "allOf" => joined(ours, theirs),
            "enum" => shared(&ours, &theirs, place)?,
            "items" | "additionalProperties" => json!({"allOf": [ours, theirs]}),
            "minimum" | "minLength" | "minItems" | "exclusiveMinimum" => larger(ours, theirs),
            "maximum" | "maxLength" | "maxItems" | "exclusiveMaximum" => larger(theirs, ours),
            "$ref" => {
                let more = json!([{"$ref": theirs}]);
                let parts = base.remove("allOf").unwrap_or_else(|| json!([]));
                base.insert("allOf".into(), joined(parts, more));
                ours
            }
            "const" if ours != theirs => {
                return Err(refuse(place, "nothing fulfils this schema: two values of `const`"));
            }
            _ => ours,
        };
        base.insert(key, merged);
    }
    Ok(base)
}

/// Types that are of both lists; a whole number is a number.
fn both(ours: &[String], theirs: &[String], place: &str) -> Result<Vec<String>, ReadingError> {
    let fits = |kind: &str, list: &[String]| {
        list.iter().any(|one| one == kind || (one == "number" && kind == "integer"))
    };
    let mut kinds: Vec<String> = ours.iter().filter(|kind| fits(kind, theirs)).cloned().collect();
    for kind in theirs {
        if fits(kind, ours) && !kinds.contains(kind) && !ours.contains(kind) {
            kinds.push(kind.clone());
        }
    }
    if kinds.is_empty() {
        let list = |kinds: &[String]| kinds.join(" or ");
        let reason = format!("{} and {} at once", list(ours), list(theirs));
        return Err(refuse(place, format!("nothing fulfils this schema: {reason}")));
    }
    Ok(kinds)
}

fn properties(ours: Value, theirs: Value) -> Value {
    let (Value::Object(mut ours), Value::Object(theirs)) = (ours.clone(), theirs) else {
        return ours;
    };
    for (name, schema) in theirs {
        let merged = match ours.remove(&name) {
            Some(before) if before != schema => json!({"allOf": [before, schema]}),
            _ => schema,
        };
        ours.insert(name, merged);
    }
    Value::Object(ours)
}

fn union(ours: Value, theirs: Value) -> Value {
    let (Value::Array(mut ours), Value::Array(theirs)) = (ours.clone(), theirs) else {
        return ours;
    };
    for name in theirs {
        if !ours.contains(&name) {
            ours.push(name);
        }
    }
    Value::Array(ours)
}

fn joined(ours: Value, theirs: Value) -> Value {
    match (ours, theirs) {
        (Value::Array(mut ours), Value::Array(theirs)) => {
            ours.extend(theirs);
            Value::Array(ours)
        }
        (ours, _) => ours,
    }
}

fn shared(ours: &Value, theirs: &Value, place: &str) -> Result<Value, ReadingError> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let theirs = list(theirs);
    let values: Vec<Value> = list(ours).into_iter().filter(|v| theirs.contains(v)).collect();
    if values.is_empty() {
        return Err(refuse(place, "nothing fulfils this schema: no value is in both `enum`"));
    }
    Ok(Value::Array(values))
}

fn larger(one: Value, other: Value) -> Value {
    if one.as_f64() >= other.as_f64() { one } else { other }
}
