use serde_json::{Map, Value};

use crate::refusal::Refusal;

/// The top-level fields of a request body, read by name and type; errors name the field.
/// `null` counts as absent, as OpenAI's API has it.
#[derive(Debug)]
pub(crate) struct Fields(Map<String, Value>);

/// A field this server would have to ignore, and the values that ask for nothing.
type Unsupported = (&'static str, fn(&Value) -> bool);

fn zero(value: &Value) -> bool {
    value.as_f64() == Some(0.0)
}

fn one(value: &Value) -> bool {
    value.as_f64() == Some(1.0)
}

fn off(value: &Value) -> bool {
    *value == Value::Bool(false)
}

fn empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

fn text_only(value: &Value) -> bool {
    *value == serde_json::json!(["text"])
}

fn no_tool(value: &Value) -> bool {
    matches!(value.as_str(), Some("none" | "auto"))
}

fn never(_: &Value) -> bool {
    false
}

/// Fields that change the answer. What only concerns accounting, storage or speed (`user`,
/// `store`, `metadata`, `service_tier`, …) is left alone.
const UNSUPPORTED: &[Unsupported] = &[
    ("best_of", one),
    ("tools", empty),
    ("tool_choice", no_tool),
    ("functions", empty),
    ("function_call", no_tool),
    ("logit_bias", empty),
    ("frequency_penalty", zero),
    ("presence_penalty", zero),
    ("min_p", zero),
    ("echo", off),
    ("suffix", empty),
    ("modalities", text_only),
    ("audio", never),
    ("web_search_options", never),
    ("dimensions", never),
];

impl Fields {
    pub(crate) fn new(mut map: Map<String, Value>) -> Self {
        map.retain(|_, value| !value.is_null());
        Self(map)
    }

    /// The model that is asked for, if one is named.
    pub(crate) fn named_model(&self) -> Option<&str> {
        self.0.get("model").and_then(Value::as_str).filter(|name| !name.is_empty())
    }

    /// Whether a field says so; what is no truth value is complained about where it is read.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Value::Bool(true))
    }

    /// Whether a field says that it is not so.
    pub(crate) fn is_false(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Value::Bool(false))
    }

    /// All of them, to be passed on.
    pub(crate) fn into_map(self) -> Map<String, Value> {
        self.0
    }

    /// # Errors
    /// The first field whose value this server would have to ignore.
    pub(crate) fn refuse_unsupported(&self) -> Result<(), Refusal> {
        let asked = |(name, neutral): &&Unsupported| self.0.get(*name).is_some_and(|v| !neutral(v));
        match UNSUPPORTED.iter().find(asked) {
            Some((name, _)) => Err(Refusal::unsupported(*name)),
            None => Ok(()),
        }
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    pub(crate) fn require(&mut self, name: &str) -> Result<Value, Refusal> {
        self.take(name).ok_or_else(|| Refusal::invalid(name, format!("{name} is required")))
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Refusal::invalid(name, format!("{name} must be a string"))),
        }
    }

    pub(crate) fn object(&mut self, name: &str) -> Result<Option<Fields>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Fields::new(map))),
            Some(_) => Err(Refusal::invalid(name, format!("{name} must be an object"))),
        }
    }

    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, Refusal> {
        match self.take(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(Refusal::invalid(name, format!("{name} must be true or false"))),
        }
    }

    /// A number from `least` to `most`.
    pub(crate) fn number(
        &mut self,
        name: &str,
        least: f32,
        most: f32,
    ) -> Result<Option<f32>, Refusal> {
        let Some(value) = self.take(name) else { return Ok(None) };
        // Only a JSON number counts, and one that f64 cannot hold is outside any range here.
        let number = value.as_f64().map(|wide| wide as f32);
        match number.filter(|number| (least..=most).contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(Refusal::invalid(
                name,
                format!("{name} must be a number from {least} to {most}"),
            )),
        }
    }

    /// A whole number of at least `least`.
    pub(crate) fn count(&mut self, name: &str, least: u32) -> Result<Option<u32>, Refusal> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let count = value.as_u64().and_then(|wide| u32::try_from(wide).ok());
        match count.filter(|count| *count >= least) {
            Some(count) => Ok(Some(count)),
            None => Err(Refusal::invalid(
                name,
                format!("{name} must be a whole number from {least} to {}", u32::MAX),
            )),
        }
    }

    pub(crate) fn integer(&mut self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match value.as_i64() {
            Some(integer) => Ok(Some(integer)),
            None => Err(Refusal::invalid(name, format!("{name} must be a 64-bit integer"))),
        }
    }
}
