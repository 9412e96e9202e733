//! The short form of a schema: `name, age int?, emails [email], address {street, city}`.
//!
//! ```text
//! schema   = type | fields
//! fields   = field { ("," | newline) field }
//! field    = name [type] [":" description]
//! type     = (word | "enum(" a "|" b … ")" | "[" [type | fields] "]" | "{" fields "}") ["?"]
//! ```
//! A field without a type is a text. `?` allows null, for what a text may not say.

use serde_json::{Map, Value, json};

/// Deepest nesting: more is not something that a person writes.
const MAX_DEPTH: usize = 16;

/// Why a text is no schema in the short form.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at character {at} of the schema")]
pub(crate) struct ShortFormError {
    reason: String,
    at: usize,
}

/// Reads the short form as JSON Schema.
///
/// # Errors
/// What is wrong, and where.
pub(crate) fn parse(text: &str) -> Result<Value, ShortFormError> {
    let mut parser = Parser { text, at: 0 };
    parser.space(true);
    let root = match parser.peek() {
        Some('[' | '{') => parser.kind(0)?,
        _ => parser.fields(None, 0)?,
    };
    parser.space(true);
    match parser.peek() {
        None => Ok(root),
        Some(c) => Err(parser.error(format!("unexpected {c:?}"))),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

type Parsed = Result<Value, ShortFormError>;

impl<'a> Parser<'a> {
    fn error(&self, reason: impl Into<String>) -> ShortFormError {
        ShortFormError { reason: reason.into(), at: self.text[..self.at].chars().count() + 1 }
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn eat(&mut self, c: char) -> bool {
        let there = self.peek() == Some(c);
        if there {
            self.at += c.len_utf8();
        }
        there
    }

    /// Spaces; line ends too where they separate nothing.
    fn space(&mut self, lines: bool) {
        self.take(|c| c.is_whitespace() && (lines || c != '\n'));
    }

    fn take(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest.find(|c| !accept(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn word(&mut self) -> &'a str {
        self.take(|c| c.is_alphanumeric() || c == '_' || c == '-' || c == '$')
    }

    /// Fields up to `end`, which is eaten.
    fn fields(&mut self, end: Option<char>, depth: usize) -> Parsed {
        let mut properties = Map::new();
        loop {
            self.take(|c| c.is_whitespace() || c == ',');
            match (self.peek(), end) {
                (Some(c), Some(end)) if c == end => {
                    self.eat(end);
                    break;
                }
                (None, None) => break,
                (None, Some(end)) => return Err(self.error(format!("{end:?} is missing"))),
                _ => {}
            }
            let start = self.at;
            let name = self.word();
            if name.is_empty() {
                return Err(self.error("a name is expected"));
            }
            if properties.contains_key(name) {
                self.at = start;
                return Err(self.error(format!("'{name}' is there twice")));
            }
            let schema = self.field(depth)?;
            properties.insert(name.to_owned(), schema);
            self.space(false);
            match self.peek() {
                None | Some(',' | '\n') => {}
                c if c == end => {}
                Some(c) => return Err(self.error(format!("unexpected {c:?} after '{name}'"))),
            }
        }
        if properties.is_empty() {
            return Err(self.error("no fields"));
        }
        let required: Vec<&String> = properties.keys().collect();
        Ok(json!({
            "type": "object",
            "required": required,
            "properties": properties,
            "additionalProperties": false,
        }))
    }

    /// What stands after a field's name.
    fn field(&mut self, depth: usize) -> Parsed {
        self.space(false);
        let mut schema = match self.peek() {
            Some(c) if c.is_alphanumeric() || matches!(c, '[' | '{') => self.kind(depth)?,
            Some('?') => {
                self.eat('?');
                nullable(json!({"type": "string"}))
            }
            _ => json!({"type": "string"}),
        };
        self.space(false);
        if self.eat(':') {
            let description = self.take(|c| !matches!(c, ',' | '\n' | '}' | ']')).trim();
            if let Some(map) = schema.as_object_mut() {
                map.insert("description".into(), description.into());
            }
        }
        Ok(schema)
    }

    fn kind(&mut self, depth: usize) -> Parsed {
        if depth > MAX_DEPTH {
            return Err(self.error(format!("over {MAX_DEPTH} brackets in each other")));
        }
        let schema = if self.eat('[') {
            self.list(depth)?
        } else if self.eat('{') {
            self.fields(Some('}'), depth + 1)?
        } else {
            self.named()?
        };
        Ok(if self.eat('?') { nullable(schema) } else { schema })
    }

    fn list(&mut self, depth: usize) -> Parsed {
        self.space(true);
        let items = match self.peek() {
            Some(']') => json!({"type": "string"}),
            _ => self.kind(depth + 1)?,
        };
        self.space(true);
        if !self.eat(']') {
            return Err(self.error("']' is missing"));
        }
        Ok(json!({"type": "array", "items": items}))
    }

    fn named(&mut self) -> Parsed {
        let start = self.at;
        let word = self.word();
        let text = |format: &str| json!({"type": "string", "format": format});
        Ok(match word {
            "str" | "string" | "text" => json!({"type": "string"}),
            "int" | "integer" => json!({"type": "integer"}),
            "float" | "number" => json!({"type": "number"}),
            "bool" | "boolean" => json!({"type": "boolean"}),
            "date" | "money" | "phone" | "email" => text(word),
            "url" | "uri" => text("uri"),
            "enum" => self.choice()?,
            _ => {
                self.at = start;
                return Err(self.error(format!(
                    "'{word}' is no type: str, int, float, bool, date, money, phone, email, url, \
                     enum(a|b), [type] or {{fields}}"
                )));
            }
        })
    }

    fn choice(&mut self) -> Parsed {
        if !self.eat('(') {
            return Err(self.error("'(' is expected after enum"));
        }
        let inside = self.take(|c| c != ')');
        if !self.eat(')') {
            return Err(self.error("')' is missing"));
        }
        let values: Vec<&str> = inside.split('|').map(str::trim).collect();
        if values.iter().any(|value| value.is_empty()) {
            return Err(self.error("an empty value in enum"));
        }
        Ok(json!({"enum": values}))
    }
}

/// The same schema, with null allowed.
fn nullable(schema: Value) -> Value {
    let Value::Object(mut map) = schema else { return schema };
    if let Some(Value::Array(values)) = map.get_mut("enum") {
        values.push(Value::Null);
    } else if let Some(kind) = map.get("type").cloned() {
        map.insert("type".into(), json!([kind, "null"]));
    }
    Value::Object(map)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_example_of_the_manual() {
        let schema = parse("name, age int, emails [str]").unwrap();
        assert_eq!(schema["required"], json!(["name", "age", "emails"]));
        assert_eq!(schema["properties"]["name"], json!({"type": "string"}));
        assert_eq!(schema["properties"]["age"], json!({"type": "integer"}));
        let strings = json!({"type": "array", "items": {"type": "string"}});
        assert_eq!(schema["properties"]["emails"], strings);
    }

    #[test]
    fn everything_it_can_say() {
        let schema = parse(
            "due date?: when it must be paid\n total money, kind enum(invoice | offer)?\n\
             to {name, phone phone?}, lines [{what, price float, tags []}] , open bool",
        )
        .unwrap();
        let of = |name: &str| &schema["properties"][name];
        let due = json!({"type": ["string", "null"], "format": "date",
            "description": "when it must be paid"});
        assert_eq!(of("due"), &due);
        assert_eq!(of("total")["format"], "money");
        assert_eq!(of("kind"), &json!({"enum": ["invoice", "offer", null]}));
        assert_eq!(of("to")["required"], json!(["name", "phone"]));
        assert_eq!(of("lines")["items"]["properties"]["tags"]["type"], "array");
        assert_eq!(parse("[{name}]").unwrap()["type"], "array");
        assert_eq!(parse("名前, 年齢 int").unwrap()["required"], json!(["名前", "年齢"]));
        assert_eq!(parse("a?").unwrap()["properties"]["a"]["type"], json!(["string", "null"]));
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (text, reason) in [
            ("", "no fields at character 1"),
            ("a, a", "'a' is there twice at character 4"),
            ("a in", "'in' is no type"),
            ("a [", "'' is no type"),
            ("a [str", "']' is missing"),
            ("a {b", "'}' is missing"),
            ("a enum(x|)", "an empty value"),
            ("a enum", "'(' is expected"),
            ("a int b", "unexpected 'b' after 'a'"),
            ("!", "a name is expected at character 1"),
            ("[str] x", "unexpected 'x'"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
        assert!(parse(&format!("a {}", "[".repeat(100_000))).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "[a-c \\[\\]{}?|():,\n世]{0,40}") {
            let _ = parse(&text);
        }
    }
}
