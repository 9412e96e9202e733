//! Values along their shapes.

use serde_json::{Map, Value};

use super::shape::{Kind, Shape, Shapes};

/// A step from a value to one inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Name(String),
    At(usize),
}

/// Steps as a dotted path, as `--field` takes it: `lines.0.price`, `"a.b".c`.
pub(crate) fn dotted(path: &[Step]) -> String {
    let shown: Vec<String> = path
        .iter()
        .map(|step| match step {
            Step::At(number) => number.to_string(),
            Step::Name(name) if name.is_empty() || name.contains(['.', '"']) => {
                Value::from(name.as_str()).to_string()
            }
            Step::Name(name) => name.clone(),
        })
        .collect();
    shown.join(".")
}

/// A value that holds no others.
pub(crate) struct Leaf<'a> {
    pub(crate) path: &'a [Step],
    pub(crate) value: &'a Value,
    pub(crate) kind: Kind,
    /// One of the schema's own values: the text need not have it.
    pub(crate) chosen: bool,
}

/// Shows `visit` each leaf, in order.
pub(crate) fn leaves(
    shapes: &Shapes,
    shape: &Shape,
    value: &Value,
    visit: &mut dyn FnMut(&Leaf<'_>),
) {
    descend(shapes, shape, value, &mut Vec::new(), visit);
}

fn descend(
    shapes: &Shapes,
    shape: &Shape,
    value: &Value,
    path: &mut Vec<Step>,
    visit: &mut dyn FnMut(&Leaf<'_>),
) {
    let shape = chosen(shapes, shape, value);
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                path.push(Step::Name(name.clone()));
                descend(shapes, property(shape, name), value, path, visit);
                path.pop();
            }
        }
        Value::Array(items) => {
            for (number, value) in items.iter().enumerate() {
                path.push(Step::At(number));
                descend(shapes, item(shape), value, path, visit);
                path.pop();
            }
        }
        value => {
            let kind = match shape {
                Shape::Text { kind, .. } => *kind,
                _ => Kind::Plain,
            };
            visit(&Leaf { path, value, kind, chosen: matches!(shape, Shape::Choice(_)) });
        }
    }
}

/// The shape of a property.
pub(crate) fn property<'s>(shape: &'s Shape, name: &str) -> &'s Shape {
    match shape {
        Shape::Object(properties) => {
            properties.iter().find(|one| one.name == name).map_or(&Shape::Any, |one| &one.shape)
        }
        Shape::Map(value) => value,
        _ => &Shape::Any,
    }
}

/// The shape of a list's items.
pub(crate) fn item(shape: &Shape) -> &Shape {
    match shape {
        Shape::List { items, .. } => items,
        _ => &Shape::Any,
    }
}

/// The shape with definitions followed, and of several the one that the value has.
pub(crate) fn chosen<'s>(shapes: &'s Shapes, shape: &'s Shape, value: &Value) -> &'s Shape {
    let mut shape = shapes.resolve(shape);
    // Alternatives within alternatives are as deep as the schema is.
    while let Shape::OneOf(each) = shape {
        let fitting =
            each.iter().map(|one| shapes.resolve(one)).find(|one| fits(shapes, one, value));
        match fitting {
            Some(next) if !std::ptr::eq(next, shape) => shape = next,
            _ => return &Shape::Any,
        }
    }
    shape
}

/// Whether a value is of a shape's type; of an object, whether it has the right properties.
fn fits(shapes: &Shapes, shape: &Shape, value: &Value) -> bool {
    match (shape, value) {
        (Shape::Any, _)
        | (Shape::Null, Value::Null)
        | (Shape::Bool, Value::Bool(_))
        | (Shape::Number { .. }, Value::Number(_))
        | (Shape::Text { .. }, Value::String(_))
        | (Shape::List { .. }, Value::Array(_))
        | (Shape::Map(_), Value::Object(_)) => true,
        (Shape::Integer { .. }, Value::Number(n)) => n.is_i64() || n.is_u64(),
        (Shape::Choice(values), value) => values.contains(value),
        (Shape::Object(properties), Value::Object(map)) => {
            let known = |name: &String| properties.iter().any(|one| one.name == *name);
            map.keys().all(known)
                && properties.iter().all(|one| !one.required || map.contains_key(&one.name))
        }
        (Shape::OneOf(each), value) => each.iter().any(|one| match one {
            // One step at a time: definitions may lead back here.
            Shape::Defined(_) => matches!(
                (shapes.resolve(one), value),
                (Shape::Object(_) | Shape::Map(_), Value::Object(_)) | (Shape::Any, _)
            ),
            one => fits(shapes, one, value),
        }),
        _ => false,
    }
}

/// Takes out what was asked for only to be answered with null, and what a list of different
/// items has twice.
pub(crate) fn tidy(shapes: &Shapes, shape: &Shape, value: &mut Value) {
    let shape = chosen(shapes, shape, value);
    match value {
        Value::Object(map) => {
            if let Shape::Object(properties) = shape {
                for property in properties {
                    let absent = map.get(&property.name).is_some_and(Value::is_null)
                        && !property.required
                        && !shapes.takes_null(&property.shape);
                    if absent {
                        map.shift_remove(&property.name);
                    }
                }
            }
            for (name, value) in map.iter_mut() {
                tidy(shapes, property(shape, name), value);
            }
        }
        Value::Array(items) => {
            items.iter_mut().for_each(|value| tidy(shapes, item(shape), value));
            if matches!(shape, Shape::List { unique: true, .. }) {
                let mut seen: Vec<Value> = Vec::new();
                items.retain(|value| {
                    let new = !seen.contains(value);
                    if new {
                        seen.push(value.clone());
                    }
                    new
                });
            }
        }
        _ => {}
    }
}

/// A value that says nothing: null, or nothing at all, or an empty one. None where the shape
/// asks for something.
pub(crate) fn nothing(shapes: &Shapes, shape: &Shape, depth: usize) -> Option<Value> {
    if shapes.takes_null(shape) {
        return Some(Value::Null);
    }
    // Deeper than a schema is: a definition that leads to itself.
    if depth > 64 {
        return None;
    }
    match shapes.resolve(shape) {
        Shape::Text { .. } => Some(Value::from("")),
        Shape::List { least: 0, .. } => Some(Value::Array(Vec::new())),
        Shape::Map(_) => Some(Value::Object(Map::new())),
        Shape::Object(properties) => {
            let required = properties.iter().filter(|one| one.required);
            let named = |one: &super::shape::Property| {
                Some((one.name.clone(), nothing(shapes, &one.shape, depth + 1)?))
            };
            Some(Value::Object(required.map(named).collect::<Option<Map<_, _>>>()?))
        }
        Shape::OneOf(each) => each.iter().find_map(|one| nothing(shapes, one, depth + 1)),
        _ => None,
    }
}

/// Takes the value at `path` out, as the shape allows: null, left out, or one item fewer. False
/// when it does not allow it.
pub(crate) fn remove(shapes: &Shapes, shape: &Shape, value: &mut Value, path: &[Step]) -> bool {
    let shape = chosen(shapes, shape, value);
    match (value, path) {
        (Value::Object(map), [Step::Name(name)]) => {
            let Shape::Object(properties) = shape else {
                return map.shift_remove(name).is_some();
            };
            let Some(one) = properties.iter().find(|one| one.name == *name) else { return false };
            if shapes.takes_null(&one.shape) {
                map.insert(name.clone(), Value::Null);
                return true;
            }
            !one.required && map.shift_remove(name).is_some()
        }
        (Value::Array(items), [Step::At(at)]) => {
            let least = match shape {
                Shape::List { least, .. } => usize::try_from(*least).unwrap_or(usize::MAX),
                _ => 0,
            };
            let may = items.len() > least && *at < items.len();
            if may {
                items.remove(*at);
            }
            may
        }
        (Value::Object(map), [Step::Name(name), rest @ ..]) => map
            .get_mut(name)
            .is_some_and(|value| remove(shapes, property(shape, name), value, rest)),
        (Value::Array(items), [Step::At(at), rest @ ..]) => {
            items.get_mut(*at).is_some_and(|value| remove(shapes, item(shape), value, rest))
        }
        _ => false,
    }
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
