//! Whether anything fulfils a schema that refers to itself.

use super::shape::{Shape, Shapes};

/// Whether some value of finite size has this shape: an object that requires an object of its own
/// kind has none, and a model would write until its tokens are over.
pub(crate) fn has_an_end(shapes: &Shapes, root: &Shape) -> bool {
    let mut ends = vec![false; shapes.defined.len()];
    // Each round that changes something settles at least one definition.
    for _ in 0..=shapes.defined.len() {
        let before = ends.clone();
        for (number, shape) in shapes.defined.iter().enumerate() {
            ends[number] = ends_with(shape, &before);
        }
        if ends == before {
            break;
        }
    }
    ends_with(root, &ends)
}

fn ends_with(shape: &Shape, ends: &[bool]) -> bool {
    match shape {
        Shape::Defined(number) => ends.get(*number).copied().unwrap_or(false),
        Shape::List { items, least, .. } => *least == 0 || ends_with(items, ends),
        Shape::Object(properties) => {
            properties.iter().all(|one| !one.required || ends_with(&one.shape, ends))
        }
        Shape::OneOf(shapes) => shapes.iter().any(|one| ends_with(one, ends)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::shape::Property;
    use super::*;

    fn node(required: bool) -> Shape {
        let next =
            Property { name: "next".into(), shape: Shape::Defined(0), required, description: None };
        Shape::Object(vec![next])
    }

    #[test]
    fn an_object_may_hold_its_own_kind_but_not_require_it() {
        let shapes = |required| Shapes { defined: vec![node(required)] };
        assert!(has_an_end(&shapes(false), &Shape::Defined(0)));
        assert!(!has_an_end(&shapes(true), &Shape::Defined(0)));
        let list =
            Shape::List { items: Box::new(Shape::Defined(0)), least: 0, most: None, unique: false };
        assert!(has_an_end(&shapes(true), &list));
    }
}
