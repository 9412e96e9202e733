//! JSON Schema as GBNF: <https://json-schema.org/draft/2020-12>.
//!
//! The text is compact JSON: properties in the order of the schema, one optional space after `:`
//! and `,`. Keywords that a grammar cannot hold are refused, so what is generated always fulfils
//! the schema. Properties that the schema does not name are never generated.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::grammar::MAX_GRAMMAR;
use crate::keywords::{alternatives, counts, fitting, keywords, limits, literal, only};

/// Deepest nesting of a schema.
const MAX_DEPTH: usize = 32;

/// Most schemas within one.
const MAX_SCHEMAS: usize = 2000;

/// Widest range of integers that is written out.
const MAX_RANGE: i64 = 4096;

/// Rules that every grammar may use: (name, body, rules in it).
const BASIC: [(&str, &str, &[&str]); 12] = [
    ("gap", "\" \"?", &[]),
    ("char", r#"[^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u00" [0-9a-fA-F] [0-9a-fA-F])"#, &[]),
    ("string", r#""\"" char* "\"""#, &["char"]),
    ("natural", r#""0" | [1-9] [0-9]{0,14}"#, &[]),
    ("integer", r#""0" | "-"? [1-9] [0-9]{0,14}"#, &[]),
    ("positive", r#"natural ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,2})?"#, &["natural"]),
    ("number", r#""-"? positive"#, &["positive"]),
    ("unit", r#""0" ("." [0-9]{1,15})? | "1" (".0")?"#, &[]),
    ("boolean", r#""true" | "false""#, &[]),
    ("object", r#""{" (member ("," gap member)*)? "}""#, &["member", "gap"]),
    ("member", r#"string ":" gap value"#, &["string", "gap", "value"]),
    (
        "value",
        r#"object | "[" (value ("," gap value)*)? "]" | string | number | boolean | "null""#,
        &["object", "string", "number", "boolean", "gap"],
    ),
];

/// The grammar of the texts that fulfil `schema`, with the rule `root`.
///
/// # Errors
/// The keyword that is not supported, and where it is.
pub(crate) fn to_gbnf(schema: &Value) -> Result<String, String> {
    let mut grammar = Grammar::new(schema);
    let body = grammar.schema(schema, "#", 0)?;
    grammar.rule("root", &body)?;
    Ok(grammar.text)
}

struct Grammar<'a> {
    root: &'a Value,
    text: String,
    basic: Vec<&'static str>,
    /// References and the rules that stand for them.
    references: Vec<(&'a str, String)>,
    /// References whose rules have not consumed anything yet.
    open: Vec<&'a str>,
    rules: usize,
    schemas: usize,
}

type Body = Result<String, String>;

impl<'a> Grammar<'a> {
    fn new(root: &'a Value) -> Self {
        Self {
            root,
            text: String::new(),
            basic: Vec::new(),
            references: Vec::new(),
            open: Vec::new(),
            rules: 0,
            schemas: 0,
        }
    }

    fn rule(&mut self, name: &str, body: &str) -> Result<(), String> {
        let _ = writeln!(self.text, "{name} ::= {body}");
        if self.text.len() > MAX_GRAMMAR {
            return Err("the schema is too large".into());
        }
        Ok(())
    }

    /// A rule of its own for `body`; returns its name.
    fn named(&mut self, body: &str) -> Body {
        self.rules += 1;
        let name = format!("r{}", self.rules);
        self.rule(&name, body)?;
        Ok(name)
    }

    /// The name of a basic rule, which is added with those it needs.
    fn basic(&mut self, name: &'static str) -> Body {
        if !self.basic.contains(&name) {
            self.basic.push(name);
            if let Some((_, body, needs)) = BASIC.iter().find(|rule| rule.0 == name) {
                self.rule(name, body)?;
                for need in *needs {
                    self.basic(need)?;
                }
            }
        }
        Ok(name.to_owned())
    }

    /// The body for the schema at `place`.
    fn schema(&mut self, schema: &'a Value, place: &str, depth: usize) -> Body {
        self.schemas += 1;
        if depth > MAX_DEPTH || self.schemas > MAX_SCHEMAS {
            return Err(format!("{place}: the schema is too deep or too large"));
        }
        let map = match schema {
            Value::Bool(true) => return self.basic("value"),
            Value::Object(map) => map,
            _ => return Err(format!("{place}: nothing fulfils this schema, or it is not one")),
        };
        let said = |key: &str| map.contains_key(key);
        if said("$ref") {
            only(map, place, &["$ref"])?;
            return self.reference(&map["$ref"], place, depth);
        }
        if said("const") {
            only(map, place, &["const", "type"])?;
            return fitting(map, std::slice::from_ref(&map["const"]), place);
        }
        if let Some(values) = map.get("enum") {
            only(map, place, &["enum", "type"])?;
            let values = values.as_array().map_or(&[][..], Vec::as_slice);
            return fitting(map, values, place);
        }
        for key in ["anyOf", "allOf"] {
            let Some(parts) = map.get(key) else { continue };
            only(map, place, &[key])?;
            let parts = parts.as_array().map_or(&[][..], Vec::as_slice);
            if parts.is_empty() || (key == "allOf" && parts.len() > 1) {
                return Err(format!("{place}: `{key}` of {} schemas", parts.len()));
            }
            let each = parts.iter().enumerate();
            let bodies: Result<Vec<_>, _> = each
                .map(|(n, part)| self.schema(part, &format!("{place}/{key}/{n}"), depth + 1))
                .collect();
            return Ok(alternatives(&bodies?));
        }
        self.typed(map, place, depth)
    }

    fn typed(&mut self, map: &'a Map<String, Value>, place: &str, depth: usize) -> Body {
        let kinds: Vec<&str> = match map.get("type") {
            Some(Value::String(kind)) => vec![kind],
            Some(Value::Array(kinds)) if !kinds.is_empty() => {
                kinds.iter().map(|kind| kind.as_str().unwrap_or("?")).collect()
            }
            Some(_) => return Err(format!("{place}: `type` is neither a name nor a list")),
            None if map.contains_key("properties") => vec!["object"],
            None if map.contains_key("items") => vec!["array"],
            None => {
                only(map, place, &[])?;
                return self.basic("value");
            }
        };
        let known: Vec<&str> = kinds.iter().flat_map(|kind| keywords(kind)).copied().collect();
        only(map, place, &known)?;
        let bodies: Result<Vec<_>, _> =
            kinds.iter().map(|kind| self.kind(kind, map, place, depth)).collect();
        Ok(alternatives(&bodies?))
    }

    fn kind(&mut self, kind: &str, map: &'a Map<String, Value>, place: &str, depth: usize) -> Body {
        match kind {
            "null" => Ok("\"null\"".into()),
            "boolean" => self.basic("boolean"),
            "integer" => self.integer(map, place),
            "number" => self.number(map, place),
            "string" => self.string(map, place),
            "array" => self.array(map, place, depth),
            "object" => self.object(map, place, depth),
            _ => Err(format!("{place}: the type `{kind}` is not known")),
        }
    }

    fn integer(&mut self, map: &Map<String, Value>, place: &str) -> Body {
        let bound = |key: &str| match map.get(key) {
            None => Ok(None),
            Some(value) => {
                value.as_i64().map(Some).ok_or(format!("{place}: `{key}` is no integer"))
            }
        };
        match (bound("minimum")?, bound("maximum")?) {
            (None, None) => self.basic("integer"),
            (Some(0), None) => self.basic("natural"),
            (Some(least), Some(most))
                if least <= most && most.checked_sub(least).is_some_and(|n| n < MAX_RANGE) =>
            {
                let all: Vec<String> = (least..=most).map(|n| format!("\"{n}\"")).collect();
                self.named(&all.join(" | "))
            }
            _ => Err(format!(
                "{place}: of integers, only a minimum of 0 or ranges of {MAX_RANGE} are supported"
            )),
        }
    }

    fn number(&mut self, map: &Map<String, Value>, place: &str) -> Body {
        let bound = |key: &str| map.get(key).map(Value::as_f64);
        match (bound("minimum"), bound("maximum")) {
            (None, None) => self.basic("number"),
            (Some(Some(0.0)), None) => self.basic("positive"),
            (Some(Some(0.0)), Some(Some(1.0))) => self.basic("unit"),
            _ => Err(format!(
                "{place}: of numbers, only a minimum of 0 or the range 0 to 1 is supported"
            )),
        }
    }

    fn string(&mut self, map: &Map<String, Value>, place: &str) -> Body {
        let digits = |n: usize| format!("[0-9]{{{n}}}");
        let date = format!(
            "{} \"-\" (\"0\" [1-9] | \"1\" [0-2]) \"-\" (\"0\" [1-9] | \"1\" [0-9] | \"2\" [0-8])",
            digits(4)
        );
        let time = "([01] [0-9] | \"2\" [0-3]) \":\" [0-5] [0-9] \":\" [0-5] [0-9] \"Z\"";
        let sized = map.contains_key("minLength") || map.contains_key("maxLength");
        match map.get("format").map(Value::as_str) {
            None if sized => {
                let range = counts(map, "minLength", "maxLength", place)?;
                self.basic("char")?;
                self.named(&format!("\"\\\"\" char{range} \"\\\"\""))
            }
            None => self.basic("string"),
            Some(_) if sized => Err(format!("{place}: `format` together with a length")),
            Some(Some("date")) => self.named(&format!("\"\\\"\" {date} \"\\\"\"")),
            Some(Some("time")) => self.named(&format!("\"\\\"\" {time} \"\\\"\"")),
            Some(Some("date-time")) => {
                self.named(&format!("\"\\\"\" {date} \"T\" {time} \"\\\"\""))
            }
            Some(format) => {
                let format = format.unwrap_or("?");
                Err(format!("{place}: the format `{format}` is not supported"))
            }
        }
    }

    fn array(&mut self, map: &'a Map<String, Value>, place: &str, depth: usize) -> Body {
        let item = match map.get("items") {
            Some(items) => self.within(items, &format!("{place}/items"), depth)?,
            None => self.basic("value")?,
        };
        let item = self.named(&item)?;
        let (least, most) = limits(map, "minItems", "maxItems", place)?;
        let gap = self.basic("gap")?;
        if most == Some(0) {
            return Ok("\"[\" \"]\"".into());
        }
        let more = match most {
            Some(most) => format!("{{{},{}}}", least.saturating_sub(1), most - 1),
            None => format!("{{{},}}", least.saturating_sub(1)),
        };
        let some = format!("{item} (\",\" {gap} {item}){more}");
        let body = if least == 0 { format!("({some})?") } else { some };
        self.named(&format!("\"[\" {body} \"]\""))
    }

    fn object(&mut self, map: &'a Map<String, Value>, place: &str, depth: usize) -> Body {
        let none = Map::new();
        let properties = match map.get("properties") {
            Some(Value::Object(properties)) => Some(properties),
            Some(_) => return Err(format!("{place}: `properties` is not an object")),
            None => None,
        };
        let required: Vec<&str> = match map.get("required") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            Some(_) => return Err(format!("{place}: `required` is not a list")),
            None => Vec::new(),
        };
        let named = |name: &&&str| properties.unwrap_or(&none).contains_key(**name);
        if let Some(name) = required.iter().find(|name| !named(name)) {
            return Err(format!("{place}: `{name}` is required, but not among the properties"));
        }
        match (properties, map.get("additionalProperties")) {
            (Some(properties), _) => self.properties(properties, &required, place, depth),
            (None, Some(Value::Bool(false))) => Ok("\"{\" \"}\"".into()),
            (None, None | Some(Value::Bool(true))) => self.basic("object"),
            (None, Some(schema)) => {
                let value = self.within(schema, &format!("{place}/additionalProperties"), depth)?;
                let value = self.named(&value)?;
                let (key, gap) = (self.basic("string")?, self.basic("gap")?);
                let member = self.named(&format!("{key} \":\" {gap} {value}"))?;
                self.named(&format!("\"{{\" ({member} (\",\" {gap} {member})*)? \"}}\""))
            }
        }
    }

    /// Rules from the last property to the first. `first` is what may follow `{`, `later` what
    /// may follow a member; either has two rules a property.
    fn properties(
        &mut self,
        properties: &'a Map<String, Value>,
        required: &[&str],
        place: &str,
        depth: usize,
    ) -> Body {
        let gap = self.basic("gap")?;
        let mut members = Vec::with_capacity(properties.len());
        for (key, schema) in properties {
            let value = self.within(schema, &format!("{place}/properties/{key}"), depth)?;
            let key_text = literal(&Value::String(key.clone()));
            let member = self.named(&format!("{key_text} \":\" {gap} ({value})"))?;
            members.push((member, required.contains(&key.as_str())));
        }
        let (mut first, mut later) = ("\"\"".to_owned(), "\"\"".to_owned());
        for (member, needed) in members.iter().rev() {
            let skip = |rest: &str| if *needed { String::new() } else { format!(" | {rest}") };
            let after = format!("\",\" {gap} {member} {later}{}", skip(&later));
            let start = format!("{member} {later}{}", skip(&first));
            first = self.named(&start)?;
            later = self.named(&after)?;
        }
        self.named(&format!("\"{{\" {first} \"}}\""))
    }

    /// A schema inside brackets: references that it makes have consumed something.
    fn within(&mut self, schema: &'a Value, place: &str, depth: usize) -> Body {
        let open = std::mem::take(&mut self.open);
        let body = self.schema(schema, place, depth + 1);
        self.open = open;
        body
    }

    fn reference(&mut self, target: &'a Value, place: &str, depth: usize) -> Body {
        let target = target.as_str().ok_or(format!("{place}: `$ref` is not a text"))?;
        let pointer = target.strip_prefix('#').filter(|p| p.is_empty() || p.starts_with('/'));
        let found = pointer.and_then(|pointer| self.root.pointer(pointer));
        let schema = found.ok_or(format!("{place}: `$ref` to {target} leads nowhere here"))?;
        if self.open.contains(&target) {
            return Err(format!("{place}: `$ref` to {target} goes in a circle"));
        }
        if let Some((_, name)) = self.references.iter().find(|(known, _)| *known == target) {
            return Ok(name.clone());
        }
        self.rules += 1;
        let name = format!("r{}", self.rules);
        self.references.push((target, name.clone()));
        self.open.push(target);
        let body = self.schema(schema, target, depth + 1);
        self.open.pop();
        self.rule(&name, &body?)?;
        Ok(name)
    }
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
