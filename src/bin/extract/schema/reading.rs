//! JSON Schema as a [`Shape`]: <https://json-schema.org/draft/2020-12>.
//!
//! The shape may allow more than the schema: what neither it nor a grammar can hold (`pattern`,
//! `not`, `if`, `oneOf` being one only, …) is checked on the answer. It never allows less, but
//! for properties that the schema does not name: nobody asked for them.

use serde_json::{Map, Value};

use super::finite::has_an_end;
use super::keywords::{bounds, choice, counts, description, implied, is_annotation, text, unit};
use super::merge::{merge, types};
use super::shape::{Property, Shape, Shapes};

/// Deepest nesting, that of the engine.
const MAX_DEPTH: usize = 24;

/// Most schemas within one.
const MAX_SCHEMAS: usize = 2000;

/// Why a schema cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub(crate) struct ReadingError {
    place: String,
    reason: String,
}

pub(super) fn refuse(place: &str, reason: impl Into<String>) -> ReadingError {
    ReadingError { place: place.to_owned(), reason: reason.into() }
}

/// Reads a schema.
///
/// # Errors
/// The keyword that cannot be used, or that nothing fulfils, and where it is.
pub(crate) fn read(schema: &Value) -> Result<(Shapes, Shape), ReadingError> {
    let mut reader =
        Reader { root: schema, shapes: Shapes::default(), pointers: Vec::new(), schemas: 0 };
    let shape = reader.shape(schema, "#", 0)?;
    let Reader { shapes, .. } = reader;
    if !has_an_end(&shapes, &shape) {
        return Err(refuse("#", "nothing fulfils this schema: what it requires has no end"));
    }
    Ok((shapes, shape))
}

struct Reader<'a> {
    root: &'a Value,
    shapes: Shapes,
    /// References met, by the number of their definition.
    pointers: Vec<String>,
    schemas: usize,
}

type Read<T = Shape> = Result<T, ReadingError>;

impl Reader<'_> {
    fn shape(&mut self, schema: &Value, place: &str, depth: usize) -> Read {
        self.schemas += 1;
        if depth > MAX_DEPTH || self.schemas > MAX_SCHEMAS {
            return Err(refuse(place, "the schema is too deep or too large"));
        }
        let map = match schema {
            Value::Bool(true) => return Ok(Shape::Any),
            Value::Object(map) => map,
            _ => return Err(refuse(place, "nothing fulfils this schema, or it is not one")),
        };
        if let Some(key) = ["$dynamicRef", "$recursiveRef"].iter().find(|k| map.contains_key(**k)) {
            return Err(refuse(place, format!("`{key}` is not supported; `$ref` is")));
        }
        if let Some(target) = map.get("$ref") {
            return self.reference(target, map, place, depth);
        }
        if let Some(parts) = map.get("allOf") {
            return self.all_of(parts, map, place, depth);
        }
        if map.contains_key("const") || map.contains_key("enum") {
            return choice(map, place);
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(parts) = map.get(key) {
                return self.any_of(key, parts, map, place, depth);
            }
        }
        self.typed(map, place, depth)
    }

    fn reference(
        &mut self,
        target: &Value,
        map: &Map<String, Value>,
        place: &str,
        depth: usize,
    ) -> Read {
        let schema = self.target(target, place)?;
        let siblings = map.keys().any(|key| !is_annotation(key) && key != "$ref");
        if siblings {
            let mut rest = map.clone();
            rest.remove("$ref");
            let merged = self.merged(rest, schema, place)?;
            return self.shape(&Value::Object(merged), place, depth + 1);
        }
        let pointer = target.as_str().unwrap_or_default();
        if let Some(number) = self.pointers.iter().position(|known| known == pointer) {
            return Ok(Shape::Defined(number));
        }
        let number = self.pointers.len();
        self.pointers.push(pointer.to_owned());
        // Its place is taken before it is read: it may refer to itself.
        self.shapes.defined.push(Shape::Defined(number));
        let shape = self.shape(&schema, pointer, depth + 1)?;
        if let Some(place) = self.shapes.defined.get_mut(number) {
            *place = shape;
        }
        Ok(Shape::Defined(number))
    }

    fn target(&self, target: &Value, place: &str) -> Read<Value> {
        let name = target.as_str().ok_or_else(|| refuse(place, "`$ref` is not a text"))?;
        let pointer = name.strip_prefix('#').filter(|p| p.is_empty() || p.starts_with('/'));
        let pointer = pointer.ok_or_else(|| {
            refuse(place, format!("`$ref` to {name}: only places in the schema itself, #/…"))
        })?;
        let found = self.root.pointer(pointer);
        let found =
            found.ok_or_else(|| refuse(place, format!("`$ref` to {name} leads nowhere")))?;
        Ok(found.clone())
    }

    fn all_of(
        &mut self,
        parts: &Value,
        map: &Map<String, Value>,
        place: &str,
        depth: usize,
    ) -> Read {
        let mut merged = map.clone();
        merged.remove("allOf");
        for part in parts.as_array().into_iter().flatten() {
            merged = self.merged(merged, part.clone(), place)?;
        }
        self.shape(&Value::Object(merged), place, depth + 1)
    }

    /// `base` and `part` as one schema; a reference is followed first, one that is left over
    /// becomes a part of its own.
    fn merged(
        &self,
        base: Map<String, Value>,
        part: Value,
        place: &str,
    ) -> Read<Map<String, Value>> {
        match part {
            Value::Bool(true) => Ok(base),
            Value::Object(part) => merge(base, part, place),
            _ => Err(refuse(place, "nothing fulfils this schema, or it is not one")),
        }
    }

    fn any_of(
        &mut self,
        key: &str,
        parts: &Value,
        map: &Map<String, Value>,
        place: &str,
        depth: usize,
    ) -> Read {
        let mut base = map.clone();
        base.remove(key);
        base.retain(|key, _| !is_annotation(key));
        let mut shapes = Vec::new();
        let mut refused = None;
        for (number, part) in parts.as_array().into_iter().flatten().enumerate() {
            let place = format!("{place}/{key}/{number}");
            // One that nothing fulfils together with the rest is no alternative.
            let shape = if base.is_empty() {
                self.shape(part, &place, depth + 1)
            } else {
                self.merged(base.clone(), part.clone(), &place)
                    .and_then(|merged| self.shape(&Value::Object(merged), &place, depth + 1))
            };
            match shape {
                Ok(shape) => shapes.push(shape),
                Err(reason) => refused = Some(reason),
            }
        }
        match (shapes.len(), refused) {
            (0, Some(reason)) => Err(reason),
            (0, None) => Err(refuse(place, format!("`{key}` without schemas"))),
            (1, _) => Ok(shapes.remove(0)),
            _ => Ok(Shape::OneOf(shapes)),
        }
    }

    fn typed(&mut self, map: &Map<String, Value>, place: &str, depth: usize) -> Read {
        let Some(kinds) = types(map).or_else(|| implied(map)) else { return Ok(Shape::Any) };
        let mut shapes = Vec::new();
        for kind in &kinds {
            shapes.push(match kind.as_str() {
                "null" => Shape::Null,
                "boolean" => Shape::Bool,
                "integer" => Shape::Integer { bounds: bounds(map, place)? },
                "number" => Shape::Number { bounds: unit(map, place)? },
                "string" => text(map, place)?,
                "array" => self.list(map, place, depth)?,
                "object" => self.object(map, place, depth)?,
                other => return Err(refuse(place, format!("the type `{other}` is not known"))),
            });
        }
        match shapes.len() {
            0 => Err(refuse(place, "`type` without types")),
            1 => Ok(shapes.remove(0)),
            _ => Ok(Shape::OneOf(shapes)),
        }
    }

    fn list(&mut self, map: &Map<String, Value>, place: &str, depth: usize) -> Read {
        let (least, most) = counts(map, "minItems", "maxItems", place)?;
        let tuple = [map.get("prefixItems"), map.get("items")].into_iter().flatten();
        let mut shapes = Vec::new();
        for part in tuple {
            let place = format!("{place}/items");
            match part {
                Value::Array(parts) => {
                    for part in parts {
                        shapes.push(self.shape(part, &place, depth + 1)?);
                    }
                }
                // Nothing beyond the first items.
                Value::Bool(false) if !shapes.is_empty() => {}
                part => shapes.push(self.shape(part, &place, depth + 1)?),
            }
        }
        let items = match shapes.len() {
            0 => Shape::Any,
            1 => shapes.remove(0),
            _ => Shape::OneOf(shapes),
        };
        let unique = map.get("uniqueItems") == Some(&Value::Bool(true));
        Ok(Shape::List { items: Box::new(items), least: least.unwrap_or(0), most, unique })
    }

    fn object(&mut self, map: &Map<String, Value>, place: &str, depth: usize) -> Read {
        let required: Vec<&str> = map
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut properties = Vec::new();
        if let Some(Value::Object(named)) = map.get("properties") {
            for (name, schema) in named {
                let required = required.contains(&name.as_str());
                // What must not be there is not asked for.
                if schema == &Value::Bool(false) && !required {
                    continue;
                }
                let place = format!("{place}/properties/{name}");
                let shape = self.shape(schema, &place, depth + 1)?;
                let description = description(schema);
                properties.push(Property { name: name.clone(), shape, required, description });
            }
        }
        for name in required {
            if !properties.iter().any(|one| one.name == name) {
                let shape = match map.get("additionalProperties") {
                    Some(schema) => {
                        self.shape(schema, &format!("{place}/additionalProperties"), depth + 1)?
                    }
                    None => Shape::Any,
                };
                properties.push(Property {
                    name: name.into(),
                    shape,
                    required: true,
                    description: None,
                });
            }
        }
        match map.get("additionalProperties") {
            _ if !properties.is_empty() => Ok(Shape::Object(properties)),
            Some(Value::Bool(false)) => Ok(Shape::Object(properties)),
            None | Some(Value::Bool(true)) => Ok(Shape::Map(Box::new(Shape::Any))),
            Some(schema) => {
                let value =
                    self.shape(schema, &format!("{place}/additionalProperties"), depth + 1)?;
                Ok(Shape::Map(Box::new(value)))
            }
        }
    }
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
