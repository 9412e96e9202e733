use serde_json::json;

use super::super::{reading, short_form};
use super::*;

fn read(schema: &Value) -> (Shapes, Shape) {
    reading::read(schema).unwrap_or_else(|e| panic!("{schema}: {e}"))
}

fn short(text: &str) -> (Shapes, Shape) {
    read(&short_form::parse(text).expect("a schema"))
}

#[test]
fn leaves_have_paths_and_kinds() {
    let (shapes, root) = short("when date?, lines [{price money}], kind enum(a|b), \n to {n int}?");
    let value = json!({"when": "x", "lines": [{"price": "1 €"}, {"price": "2 €"}], "kind": "a",
        "to": {"n": 3}});
    let mut seen = Vec::new();
    leaves(&shapes, &root, &value, &mut |leaf| {
        seen.push((dotted(leaf.path), leaf.kind, leaf.chosen));
    });
    let expected = [
        ("when", Kind::Date, false),
        ("lines.0.price", Kind::Money, false),
        ("lines.1.price", Kind::Money, false),
        ("kind", Kind::Plain, true),
        ("to.n", Kind::Plain, false),
    ];
    let expected: Vec<_> = expected.map(|(path, kind, b)| (path.to_owned(), kind, b)).to_vec();
    assert_eq!(seen, expected);
    assert_eq!(dotted(&[Step::Name("a.b".into()), Step::At(0)]), "\"a.b\".0");
}

#[test]
fn null_for_what_may_be_absent_is_left_out() {
    let (shapes, root) = read(&json!({"required": ["a"], "properties": {
        "a": {"type": ["string", "null"]}, "b": {"type": "string"}, "c": {"type": ["null", "number"]},
        "d": {"type": "array", "uniqueItems": true, "items": {"properties": {"e": {"type": "string"}}}},
    }}));
    let mut value = json!({"a": null, "b": null, "c": null,
        "d": [{"e": null}, {"e": "x"}, {}, {"e": "x"}]});
    tidy(&shapes, &root, &mut value);
    assert_eq!(value, json!({"a": null, "c": null, "d": [{}, {"e": "x"}]}));
}

#[test]
fn nothing_is_said_where_the_shape_allows_it() {
    let (shapes, root) = short("name, age int?, tags [], to {street, n int?}");
    let empty = json!({"name": "", "age": null, "tags": [], "to": {"street": "", "n": null}});
    assert_eq!(nothing(&shapes, &root, 0), Some(empty));
    let (shapes, root) = short("age int");
    assert_eq!(nothing(&shapes, &root, 0), None);
}

#[test]
fn what_may_go_goes() {
    let (shapes, root) = read(&json!({"required": ["a", "list"], "properties": {
        "a": {"type": "string"}, "b": {"type": "string"}, "c": {"type": ["string", "null"]},
        "list": {"type": "array", "minItems": 1, "items": {"type": "string"}},
    }}));
    let mut value = json!({"a": "1", "b": "2", "c": "3", "list": ["4", "5"]});
    let name = |name: &str| Step::Name(name.into());
    assert!(!remove(&shapes, &root, &mut value, &[name("a")]));
    assert!(remove(&shapes, &root, &mut value, &[name("b")]));
    assert!(remove(&shapes, &root, &mut value, &[name("c")]));
    assert!(remove(&shapes, &root, &mut value, &[name("list"), Step::At(0)]));
    assert!(!remove(&shapes, &root, &mut value, &[name("list"), Step::At(0)]));
    assert_eq!(value, json!({"a": "1", "c": null, "list": ["5"]}));
}

#[test]
fn a_schema_that_refers_to_itself_is_walked() {
    let (shapes, root) = read(&json!({"anyOf": [{"$ref": "#/$defs/n"}, {"type": "null"}],
        "$defs": {"n": {"required": ["v"], "properties": {"v": {"type": "string"},
            "next": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/n"}]}}}}}));
    let value = json!({"v": "a", "next": {"v": "b", "next": null}});
    let mut paths = Vec::new();
    leaves(&shapes, &root, &value, &mut |leaf| paths.push(dotted(leaf.path)));
    assert_eq!(paths, ["v", "next.v", "next.next"]);
    assert_eq!(nothing(&shapes, &root, 0), Some(Value::Null));
}
