//! A wide schema in several requests: small models lose the thread over many fields.

use serde_json::Value;

use super::render;
use super::shape::{Property, Shape, Shapes};

/// Items that a list is thought to have.
const LIST: usize = 8;

/// What one request asks for.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The whole, or an object with some of its properties.
    pub(crate) shape: Shape,
    /// For the grammar.
    pub(crate) schema: Value,
    /// For the model.
    pub(crate) outline: String,
    /// About how many tokens an answer has: to a long text, and to an empty one.
    pub(crate) tokens: (usize, usize),
}

impl Part {
    fn new(shapes: &Shapes, shape: Shape) -> Self {
        Self {
            schema: render::schema(shapes, &shape),
            outline: render::outline(shapes, &shape),
            tokens: (shapes.tokens(&shape, LIST), shapes.tokens(&shape, 2)),
            shape,
        }
    }

    /// Whether the property of the whole is asked for here.
    pub(crate) fn has(&self, name: &str) -> bool {
        match &self.shape {
            Shape::Object(properties) => properties.iter().any(|one| one.name == name),
            _ => true,
        }
    }
}

/// Parts of about `fields` values each, in the order of the schema. What is one property stays
/// together, an object or a list of objects too.
pub(crate) fn split(shapes: &Shapes, root: &Shape, fields: usize) -> Vec<Part> {
    let Shape::Object(properties) = shapes.resolve(root) else {
        return vec![Part::new(shapes, root.clone())];
    };
    if shapes.leaves(root) <= fields {
        return vec![Part::new(shapes, root.clone())];
    }
    let mut groups: Vec<(usize, Vec<Property>)> = Vec::new();
    for property in properties {
        let leaves = shapes.leaves(&property.shape);
        match groups.last_mut() {
            Some((used, group)) if *used + leaves <= fields => {
                *used += leaves;
                group.push(property.clone());
            }
            _ => groups.push((leaves, vec![property.clone()])),
        }
    }
    groups.into_iter().map(|(_, group)| Part::new(shapes, Shape::Object(group))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{reading, short_form};
    use super::*;

    #[test]
    fn properties_are_divided_and_what_is_nested_stays_together() {
        let schema = short_form::parse("a, b, c {d, e, f, g}, h [{i, j}], k, l").unwrap();
        let (shapes, root) = reading::read(&schema).unwrap();
        let names = |fields| -> Vec<Vec<String>> {
            let parts = split(&shapes, &root, fields);
            let names = |part: &Part| match &part.shape {
                Shape::Object(all) => all.iter().map(|one| one.name.clone()).collect(),
                other => panic!("{other:?}"),
            };
            parts.iter().map(names).collect()
        };
        assert_eq!(names(3), [vec!["a", "b"], vec!["c"], vec!["h", "k"], vec!["l"]]);
        assert_eq!(names(10), [vec!["a", "b", "c", "h", "k", "l"]]);
        assert!(split(&shapes, &root, 3)[1].has("c") && !split(&shapes, &root, 3)[1].has("a"));
    }

    #[test]
    fn five_hundred_fields_become_many_requests() {
        let all: serde_json::Map<String, Value> =
            (0..500).map(|n| (format!("f{n}"), json!({"type": "string"}))).collect();
        let (shapes, root) = reading::read(&json!({"properties": all})).unwrap();
        let parts = split(&shapes, &root, 12);
        assert_eq!(parts.len(), 42);
        assert!(parts.iter().all(|part| part.tokens.0 < 1000), "{:?}", parts[0].tokens);
    }
}
