//! What several windows of a text say, as one.

use serde_json::Value;

use super::shape::{Kind, Shape, Shapes};
use super::walk::{chosen, property};

/// Whether the text has a value of a kind.
pub(crate) type Supported<'a> = &'a dyn Fn(&Value, Kind) -> bool;

/// Of single values the first that the text has, else the first that says anything; of lists
/// all items, in order, each once.
pub(crate) fn union(
    shapes: &Shapes,
    shape: &Shape,
    mut values: Vec<Value>,
    supported: Supported<'_>,
) -> Value {
    if values.len() < 2 {
        return values.pop().unwrap_or(Value::Null);
    }
    values.retain(|value| !value.is_null());
    let Some(first) = values.first() else { return Value::Null };
    let shape = chosen(shapes, shape, first);
    match first {
        Value::Object(_) => objects(shapes, shape, values, supported),
        Value::Array(_) => lists(shape, values),
        _ => single(shape, values, supported),
    }
}

fn objects(shapes: &Shapes, shape: &Shape, values: Vec<Value>, supported: Supported<'_>) -> Value {
    let mut members: Vec<(String, Vec<Value>)> = Vec::new();
    for value in values {
        let Value::Object(map) = value else { continue };
        for (name, value) in map {
            match members.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push(value),
                None => members.push((name, vec![value])),
            }
        }
    }
    let one = |(name, values): (String, Vec<Value>)| {
        let value = union(shapes, property(shape, &name), values, supported);
        (name, value)
    };
    Value::Object(members.into_iter().map(one).collect())
}

fn lists(shape: &Shape, values: Vec<Value>) -> Value {
    let mut items: Vec<Value> = Vec::new();
    for value in values {
        let Value::Array(more) = value else { continue };
        for value in more {
            if value.as_str() != Some("") && !items.contains(&value) {
                items.push(value);
            }
        }
    }
    if let Shape::List { most: Some(most), .. } = shape {
        items.truncate(usize::try_from(*most).unwrap_or(usize::MAX));
    }
    Value::Array(items)
}

fn single(shape: &Shape, values: Vec<Value>, supported: Supported<'_>) -> Value {
    let kind = match shape {
        Shape::Text { kind, .. } => *kind,
        _ => Kind::Plain,
    };
    let says = |value: &&Value| value.as_str() != Some("");
    let best = values.iter().find(|value| says(value) && supported(value, kind));
    let best = best.or_else(|| values.iter().find(says)).or(values.first());
    best.cloned().unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{reading, short_form};
    use super::*;

    #[test]
    fn the_first_supported_value_and_every_item() {
        let schema = short_form::parse("name, age int?, mails [email], to {city?, zip?}").unwrap();
        let (shapes, root) = reading::read(&schema).unwrap();
        let windows = vec![
            json!({"name": "Invented", "age": null, "mails": ["a@x"], "to": {"city": null, "zip": "1"}}),
            json!({"name": "", "age": 44, "mails": ["a@x", "b@x", ""], "to": {"city": "Ulm", "zip": "2"}}),
            json!({"name": "Anna", "age": 45, "mails": [], "to": {"city": null, "zip": null}}),
        ];
        let supported = |value: &Value, _: Kind| value == "Anna";
        let one = union(&shapes, &root, windows, &supported);
        let expected = json!({"name": "Anna", "age": 44, "mails": ["a@x", "b@x"],
            "to": {"city": "Ulm", "zip": "1"}});
        assert_eq!(one, expected);
        assert_eq!(union(&shapes, &root, vec![], &supported), Value::Null);
    }
}
