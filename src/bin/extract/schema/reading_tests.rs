use serde_json::json;

use super::super::shape::Kind;
use super::*;

fn shape(schema: &Value) -> Shape {
    let (shapes, shape) = read(schema).unwrap_or_else(|e| panic!("{schema}: {e}"));
    shapes.resolve(&shape).clone()
}

fn names(shape: &Shape) -> Vec<(&str, bool)> {
    match shape {
        Shape::Object(all) => all.iter().map(|one| (one.name.as_str(), one.required)).collect(),
        other => panic!("no object: {other:?}"),
    }
}

#[test]
fn what_nothing_fulfils_or_nobody_can_hold_is_refused_with_its_place() {
    for (schema, reason) in [
        (json!(false), "#: nothing fulfils"),
        (json!({"type": "text"}), "#: the type `text` is not known"),
        (json!({"type": "string", "enum": [1]}), "#: no value fulfils"),
        (json!({"enum": []}), "#: no value fulfils"),
        (json!({"type": "string", "minLength": 3, "maxLength": 2}), "`minLength` is over"),
        (json!({"type": "integer", "minimum": 3, "maximum": 2}), "its least is over its most"),
        (json!({"type": "integer", "minimum": 2.2, "maximum": 2.8}), "no whole number"),
        (json!({"allOf": [{"type": "string"}, {"type": "integer"}]}), "string and integer at once"),
        (json!({"allOf": [{"enum": ["a"]}, {"enum": ["b"]}]}), "no value is in both"),
        (
            json!({"properties": {"a": {"$ref": "#/nowhere"}}}),
            "#/properties/a: `$ref` to #/nowhere",
        ),
        (json!({"$ref": "https://example.org/x.json"}), "only places in the schema itself"),
        (json!({"$ref": "#"}), "has no end"),
        (json!({"anyOf": []}), "`anyOf` without schemas"),
        (json!({"$dynamicRef": "#x"}), "`$dynamicRef` is not supported"),
        (
            json!({"properties": {"next": {"$ref": "#"}}, "required": ["next"]}),
            "what it requires has no end",
        ),
    ] {
        let found = read(&schema).unwrap_err().to_string();
        assert!(found.contains(reason), "{schema}: {found}");
    }
}

#[test]
fn recursion_refers_to_itself() {
    let schema = json!({
        "$ref": "#/$defs/node",
        "$defs": {"node": {"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string"},
            "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
        }}},
    });
    let (shapes, root) = read(&schema).unwrap();
    assert_eq!((root, shapes.defined.len()), (Shape::Defined(0), 1));
    assert_eq!(names(&shapes.defined[0]), [("name", true), ("children", false)]);
    // Through `allOf` it is followed without an end, and refused.
    let circle = json!({"allOf": [{"$ref": "#"}]});
    assert!(read(&circle).is_err());
}

#[test]
fn parts_that_hold_together_become_one() {
    let schema = json!({
        "$defs": {"base": {"type": "object", "required": ["id"],
            "properties": {"id": {"type": "integer", "minimum": 1}}}},
        "allOf": [{"$ref": "#/$defs/base"}, {"properties": {"name": {"type": "string"}}}],
        "required": ["name"],
    });
    // A reference within `allOf` is one of the parts.
    let schema = shape(&schema);
    assert_eq!(names(&schema), [("name", true), ("id", true)]);
    let either = shape(&json!({"type": "object", "properties": {"a": {}, "b": {}},
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}, {"type": "string"}]}));
    match either {
        Shape::OneOf(each) => {
            assert_eq!(each.len(), 2, "one that contradicts the rest is none");
            assert_eq!(names(&each[0]), [("a", true), ("b", false)]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_grammar_cannot_hold_is_let_through() {
    let bounds = |schema: Value| match shape(&schema) {
        Shape::Integer { bounds } | Shape::Number { bounds } => (bounds.least, bounds.most),
        other => panic!("{other:?}"),
    };
    assert_eq!(bounds(json!({"type": "integer", "minimum": 1, "maximum": 9})), (Some(1), Some(9)));
    assert_eq!(bounds(json!({"type": "integer", "minimum": 7})), (Some(0), None));
    assert_eq!(bounds(json!({"type": "integer", "maximum": 7})), (None, None));
    assert_eq!(bounds(json!({"type": "number", "exclusiveMinimum": 0})), (Some(0), None));
    assert_eq!(bounds(json!({"type": "number", "minimum": 0, "maximum": 1})), (Some(0), Some(1)));
    let text = |schema: Value| match shape(&schema) {
        Shape::Text { kind, least, most } => (kind, least, most),
        other => panic!("{other:?}"),
    };
    let long = json!({"type": "string", "pattern": "^a", "maxLength": 99_999, "format": "uuid"});
    assert_eq!(text(long), (Kind::Plain, None, None));
    assert_eq!(text(json!({"type": "string", "format": "date"})).0, Kind::Date);
}

#[test]
fn size_and_depth_are_bounded() {
    let mut deep = json!({"type": "null"});
    for _ in 0..100 {
        deep = json!({"type": "array", "items": deep});
    }
    assert!(read(&deep).unwrap_err().to_string().contains("too deep"));
    let wide = |n: usize| {
        let all: Map<String, Value> =
            (0..n).map(|n| (format!("f{n}"), json!({"type": "string"}))).collect();
        json!({"type": "object", "properties": all})
    };
    assert_eq!(names(&shape(&wide(500))).len(), 500);
    assert!(read(&wide(100_000)).is_err());
}
