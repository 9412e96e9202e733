use serde_json::json;

use super::*;

fn refused(schema: &Value) -> String {
    match to_gbnf(schema) {
        Ok(grammar) => panic!("accepted: {grammar}"),
        Err(reason) => reason,
    }
}

#[test]
fn an_object_with_optional_properties() {
    let schema = json!({
        "type": "object",
        "properties": {"a": {"type": "null"}, "b": {"type": "boolean"}},
        "required": ["b"],
        "additionalProperties": false,
    });
    let grammar = to_gbnf(&schema).unwrap();
    assert!(grammar.contains(r#"r1 ::= "\"a\"" ":" gap ("null")"#), "{grammar}");
    assert!(grammar.contains(r#"r3 ::= r2 """#), "{grammar}");
    assert!(grammar.contains(r#"r5 ::= r1 r4 | r3"#), "{grammar}");
    assert!(grammar.ends_with("root ::= r7\n"), "{grammar}");
}

#[test]
fn every_keyword_that_is_not_held_is_refused_with_its_place() {
    for (schema, reason) in [
        (json!(false), "#: nothing fulfils"),
        (json!(3), "#: nothing fulfils"),
        (json!({"type": "text"}), "#: the type `text` is not known"),
        (json!({"type": "string", "pattern": "a"}), "#: `pattern` is not supported here"),
        (json!({"type": "string", "format": "email"}), "#: the format `email`"),
        (json!({"oneOf": [{}]}), "#: `oneOf` is not supported"),
        (json!({"not": {}}), "#: `not` is not supported"),
        (json!({"type": "array", "items": {"minimum": 1}}), "#/items: `minimum`"),
        (json!({"type": "array", "uniqueItems": true}), "#: `uniqueItems`"),
        (json!({"type": "array", "minItems": 3, "maxItems": 2}), "#: `maxItems` is less"),
        (json!({"type": "array", "minItems": 9_999_999}), "#: `minItems` must be"),
        (json!({"type": "integer", "minimum": 7}), "#: of integers"),
        (json!({"type": "integer", "minimum": i64::MIN, "maximum": i64::MAX}), "#: of integers"),
        (json!({"type": "number", "maximum": 7}), "#: of numbers"),
        (json!({"type": "object", "required": ["x"]}), "#: `x` is required"),
        (json!({"type": "string", "enum": [1]}), "#: no value fulfils"),
        (json!({"enum": []}), "#: no value fulfils"),
        (json!({"$ref": "https://example.org/x"}), "#: `$ref` to https"),
        (json!({"$ref": "#/nowhere"}), "#: `$ref` to #/nowhere leads nowhere"),
        (json!({"$ref": "#"}), "#: `$ref` to # goes in a circle"),
        (json!({"anyOf": [{"$ref": "#"}]}), "#/anyOf/0: `$ref` to # goes in a circle"),
    ] {
        let found = refused(&schema);
        assert!(found.contains(reason), "{schema}: {found}");
    }
}

#[test]
fn a_recursive_schema_refers_to_itself() {
    let schema = json!({
        "$ref": "#/$defs/node",
        "$defs": {"node": {
            "type": "object",
            "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
            "required": ["next"],
        }},
    });
    let grammar = to_gbnf(&schema).unwrap();
    assert!(grammar.contains(r#"gap ((r1 | "null"))"#), "{grammar}");
    assert!(grammar.contains("\nr1 ::= "), "{grammar}");
}

#[test]
fn depth_and_size_are_bounded() {
    let mut deep = json!({"type": "null"});
    for _ in 0..100 {
        deep = json!({"type": "array", "items": deep});
    }
    assert!(refused(&deep).contains("too deep"));
    let wide = |n: usize| {
        let all: Map<String, Value> =
            (0..n).map(|n| (format!("field{n}"), json!({"type": "string"}))).collect();
        json!({"type": "object", "properties": all})
    };
    assert!(to_gbnf(&wide(500)).is_ok());
    assert!(refused(&wide(100_000)).contains("too"));
}

#[test]
fn texts_in_a_schema_cannot_leave_their_string() {
    let grammar = to_gbnf(&json!({"const": "a\"\n | [x] \\ é"})).unwrap();
    assert_eq!(grammar, "root ::= \"\\\"a\\\\\\\"\\\\n | [x] \\\\\\\\ é\\\"\"\n");
}

#[test]
fn what_is_made_passes_the_check_of_grammars() {
    for schema in [
        json!({}),
        json!({"type": ["string", "null"], "maxLength": 20}),
        json!({"type": "array", "items": {"enum": ["a", 1, null]}, "minItems": 1, "maxItems": 3}),
        json!({"type": "array", "maxItems": 0}),
        json!({"type": "object", "properties": {}}),
        json!({"type": "object", "additionalProperties": {"type": "number", "minimum": 0}}),
        json!({"properties": {"when": {"type": "string", "format": "date-time"}}}),
        json!({"type": "integer", "minimum": -3, "maximum": 3}),
    ] {
        let made = crate::grammar::compile(&engine::Constraint::JsonSchema(schema.clone()));
        assert!(made.is_ok(), "{schema}: {made:?}");
    }
}
