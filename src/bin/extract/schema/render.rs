//! A shape for the engine, as the JSON Schema that its grammars hold, and for the model, as text.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::shape::{Bounds, Property, Shape, Shapes};

/// The schema of an object with `properties`, or of `root` where that is no object.
pub(crate) fn schema(shapes: &Shapes, root: &Shape) -> Value {
    let mut schema = one(shapes, root);
    let defined: Map<String, Value> = shapes
        .defined
        .iter()
        .enumerate()
        .map(|(number, shape)| (format!("d{number}"), one(shapes, shape)))
        .collect();
    if let (Value::Object(map), false) = (&mut schema, defined.is_empty()) {
        if map.contains_key("$ref") {
            // A reference stands alone.
            return json!({"allOf": [{"$ref": map["$ref"]}], "$defs": defined});
        }
        map.insert("$defs".into(), Value::Object(defined));
    }
    schema
}

fn one(shapes: &Shapes, shape: &Shape) -> Value {
    match shape {
        Shape::Any => json!({}),
        Shape::Null => json!({"type": "null"}),
        Shape::Bool => json!({"type": "boolean"}),
        Shape::Integer { bounds } => number("integer", *bounds),
        Shape::Number { bounds } => number("number", *bounds),
        Shape::Text { least, most, .. } => {
            limited(json!({"type": "string"}), [("minLength", *least), ("maxLength", *most)])
        }
        Shape::Choice(values) => json!({"enum": values}),
        Shape::List { items, least, most, .. } => {
            let list = json!({"type": "array", "items": one(shapes, items)});
            limited(list, [("minItems", (*least > 0).then_some(*least)), ("maxItems", *most)])
        }
        Shape::Object(properties) => object(shapes, properties),
        Shape::Map(value) => json!({"type": "object", "additionalProperties": one(shapes, value)}),
        Shape::OneOf(each) => {
            json!({"anyOf": each.iter().map(|shape| one(shapes, shape)).collect::<Vec<_>>()})
        }
        Shape::Defined(number) => json!({"$ref": format!("#/$defs/d{number}")}),
    }
}

/// All properties are asked for: small models leave out what they may. Null stands for what the
/// schema lets be absent.
fn object(shapes: &Shapes, properties: &[Property]) -> Value {
    let mut all = Map::new();
    for property in properties {
        let value = one(shapes, &property.shape);
        let value = if property.required || shapes.takes_null(&property.shape) {
            value
        } else {
            json!({"anyOf": [value, {"type": "null"}]})
        };
        all.insert(property.name.clone(), value);
    }
    let required: Vec<&String> = all.keys().collect();
    json!({
        "type": "object",
        "required": required,
        "properties": all,
        "additionalProperties": false,
    })
}

fn number(kind: &str, bounds: Bounds) -> Value {
    let mut schema = json!({"type": kind});
    for (key, value) in [("minimum", bounds.least), ("maximum", bounds.most)] {
        if let Some(value) = value {
            schema[key] = json!(value);
        }
    }
    schema
}

fn limited(mut schema: Value, limits: [(&str, Option<u64>); 2]) -> Value {
    for (key, value) in limits {
        if let Some(value) = value {
            schema[key] = json!(value);
        }
    }
    schema
}

/// Deepest definition that is written out for the model.
const DEPTH: usize = 2;

/// What the model is told of a shape: JSON with a word for each value, and what the user says
/// about it.
pub(crate) fn outline(shapes: &Shapes, root: &Shape) -> String {
    let mut text = String::new();
    write(shapes, root, 0, &mut text);
    text
}

fn write(shapes: &Shapes, shape: &Shape, depth: usize, text: &mut String) {
    match shape {
        Shape::Any => text.push_str("any JSON"),
        Shape::Null => text.push_str("null"),
        Shape::Bool => text.push_str("true or false"),
        Shape::Integer { .. } => text.push_str("whole number"),
        Shape::Number { .. } => text.push_str("number"),
        Shape::Text { kind, .. } => text.push_str(kind.wish()),
        Shape::Choice(values) => {
            let words: Vec<String> = values.iter().map(Value::to_string).collect();
            text.push_str(&words.join(" or "));
        }
        Shape::List { items, .. } => {
            text.push('[');
            write(shapes, items, depth, text);
            text.push_str(", …]");
        }
        Shape::Object(properties) => {
            text.push('{');
            for (number, property) in properties.iter().enumerate() {
                let comma = if number == 0 { "" } else { ", " };
                let _ = write!(text, "{comma}{}: ", Value::from(property.name.as_str()));
                write(shapes, &property.shape, depth, text);
                if !property.required && !shapes.takes_null(&property.shape) {
                    text.push_str(" or null");
                }
                if let Some(description) = &property.description {
                    let _ = write!(text, " ({description})");
                }
            }
            text.push('}');
        }
        Shape::Map(value) => {
            text.push_str("{name: ");
            write(shapes, value, depth, text);
            text.push_str(", …}");
        }
        Shape::OneOf(each) => {
            for (number, shape) in each.iter().enumerate() {
                text.push_str(if number == 0 { "" } else { " or " });
                write(shapes, shape, depth, text);
            }
        }
        Shape::Defined(_) if depth >= DEPTH => text.push_str("the same"),
        Shape::Defined(number) => {
            if let Some(shape) = shapes.defined.get(*number) {
                write(shapes, shape, depth + 1, text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{reading, short_form};
    use super::*;

    fn shown(short: &str) -> (Value, String) {
        let schema_of = short_form::parse(short).unwrap();
        let (shapes, root) = reading::read(&schema_of).unwrap();
        (schema(&shapes, &root), outline(&shapes, &root))
    }

    #[test]
    fn the_model_is_told_each_field_in_words() {
        let (_, told) =
            shown("name: of the sender, due date?, lines [{what, price money}], ok bool");
        assert_eq!(
            told,
            "{\"name\": text (of the sender), \"due\": date as written or null, \"lines\": \
             [{\"what\": text, \"price\": amount with currency as written}, …], \
             \"ok\": true or false}"
        );
    }

    #[test]
    fn the_grammar_asks_for_what_may_be_absent_too() {
        let read = reading::read(&json!({
            "properties": {"a": {"type": "string", "pattern": "x"}, "b": {"type": ["null", "integer"]}},
        }));
        let (shapes, root) = read.unwrap();
        let asked = schema(&shapes, &root);
        assert_eq!(asked["required"], json!(["a", "b"]));
        assert_eq!(
            asked["properties"]["a"],
            json!({"anyOf": [{"type": "string"}, {"type": "null"}]})
        );
        assert_eq!(
            asked["properties"]["b"],
            json!({"anyOf": [{"type": "null"}, {"type": "integer"}]})
        );
    }

    #[test]
    fn definitions_come_along() {
        let node = json!({"$ref": "#/$defs/n", "$defs": {"n": {"properties": {
            "next": {"$ref": "#/$defs/n"}}}}});
        let (shapes, root) = reading::read(&node).unwrap();
        let asked = schema(&shapes, &root);
        assert_eq!(asked["allOf"][0]["$ref"], "#/$defs/d0");
        let next = &asked["$defs"]["d0"]["properties"]["next"]["anyOf"];
        assert_eq!(next[0]["$ref"], "#/$defs/d0");
        assert!(outline(&shapes, &root).contains("the same or null"));
    }
}
