//! Shapes that an answer cannot go on within for ever.
//!
//! Small models fall into repeating themselves, and neither a text nor a list that a schema sets
//! no bounds to has an end then. What did not end is asked for once more within bounds.

use serde_json::Value;

use super::render;
use super::shape::{Bounds, Kind, Shape, Shapes};

/// Characters of a text.
const CHARS: u64 = 200;

/// Items of a list: the most that fit the tokens there are.
const ITEMS: [u64; 4] = [64, 24, 8, 2];

/// A shape within bounds.
pub(crate) struct Bounded {
    /// For the grammar.
    pub(crate) schema: Value,
    items: u64,
}

impl Bounded {
    /// A shape whose values take about so many tokens at most.
    pub(crate) fn new(shapes: &Shapes, shape: &Shape, tokens: usize) -> Self {
        let [most, rest @ ..] = ITEMS;
        let mut items = most;
        for fewer in rest {
            let list = usize::try_from(items).unwrap_or(usize::MAX);
            if shapes.tokens(&bounded(shape, items), list) > tokens {
                items = fewer;
            }
        }
        let defined = shapes.defined.iter().map(|shape| bounded(shape, items)).collect();
        Self { schema: render::schema(&Shapes { defined }, &bounded(shape, items)), items }
    }

    /// Whether a value may have ended for no reason but the bounds.
    pub(crate) fn ends(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => text.chars().count() as u64 >= CHARS,
            Value::Array(items) => {
                items.len() as u64 >= self.items || items.iter().any(|item| self.ends(item))
            }
            Value::Object(map) => map.values().any(|value| self.ends(value)),
            _ => false,
        }
    }
}

fn bounded(shape: &Shape, most_items: u64) -> Shape {
    let inner = |shape: &Shape| bounded(shape, most_items);
    // What a schema asks for goes before.
    let within = |least: Option<u64>, most: Option<u64>, bound: u64| {
        Some(most.unwrap_or(u64::MAX).min(bound.max(least.unwrap_or(0))))
    };
    match shape {
        Shape::Any => {
            let text = Shape::Text { kind: Kind::Plain, least: None, most: Some(CHARS) };
            let number = Shape::Number { bounds: Bounds::default() };
            Shape::OneOf(vec![Shape::Null, Shape::Bool, number, text])
        }
        Shape::Text { kind, least, most } => {
            Shape::Text { kind: *kind, least: *least, most: within(*least, *most, CHARS) }
        }
        Shape::List { items, least, most, unique } => Shape::List {
            items: Box::new(inner(items)),
            least: *least,
            most: within(Some(*least), *most, most_items),
            unique: *unique,
        },
        Shape::Object(properties) => {
            let mut properties = properties.clone();
            properties.iter_mut().for_each(|one| one.shape = inner(&one.shape));
            Shape::Object(properties)
        }
        Shape::Map(value) => Shape::Map(Box::new(inner(value))),
        Shape::OneOf(shapes) => Shape::OneOf(shapes.iter().map(inner).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{reading, short_form};
    use super::*;

    fn of(short: &str, tokens: usize) -> Bounded {
        let schema = short_form::parse(short).expect("a schema");
        let (shapes, root) = reading::read(&schema).expect("a schema");
        Bounded::new(&shapes, &root, tokens)
    }

    #[test]
    fn texts_and_lists_get_bounds_that_fit() {
        let of_list = |tokens| of("name, pumps [int]", tokens).schema["properties"].clone();
        assert_eq!(of_list(2000)["name"]["maxLength"], 200);
        assert_eq!(of_list(2000)["pumps"]["maxItems"], 64);
        assert_eq!(of_list(600)["pumps"]["maxItems"], 24);
        assert_eq!(of_list(0)["pumps"]["maxItems"], 2);
    }

    #[test]
    fn what_the_schema_asks_for_goes_before() {
        let schema = json!({"properties": {
            "a": {"type": "string", "minLength": 300}, "b": {"type": "string", "maxLength": 5},
            "c": {"type": "array", "minItems": 70}, "d": {"type": "array", "maxItems": 3}}});
        let (shapes, root) = reading::read(&schema).expect("a schema");
        let all = Bounded::new(&shapes, &root, 0).schema;
        let of = |name: &str| all["properties"][name]["anyOf"][0].clone();
        assert_eq!((&of("a")["maxLength"], &of("b")["maxLength"]), (&json!(300), &json!(5)));
        assert_eq!((&of("c")["maxItems"], &of("d")["maxItems"]), (&json!(70), &json!(2)));
    }

    #[test]
    fn an_end_at_a_bound_is_seen() {
        let bounded = of("name, pumps [int]", 0);
        assert!(bounded.ends(&json!({"name": "a", "pumps": [1, 2]})));
        assert!(bounded.ends(&json!({"name": "a".repeat(200), "pumps": []})));
        assert!(!bounded.ends(&json!({"name": "a", "pumps": [1]})));
    }
}
