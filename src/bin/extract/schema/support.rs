//! Which values the text has, and what becomes of those it has not.

use clap::ValueEnum;
use serde_json::{Map, Value};

use super::locate::Locator;
use super::normal::{Region, normalized};
use super::shape::{Shape, Shapes};
use super::walk::{Leaf, Step, dotted, leaves, remove};

/// What becomes of a value that does not stand in the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Policy {
    /// It stays, and "unsupported" lists it
    #[default]
    Flag,
    /// It becomes null or is left out; where the schema asks for it, it stays and is listed
    Drop,
    /// It stays, and nothing is said
    Keep,
}

/// What is known of the values.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Support {
    /// Places in the text, by dotted path.
    pub(crate) spans: Map<String, Value>,
    /// Paths of values that the text does not have.
    pub(crate) unsupported: Vec<String>,
    /// Values in standard form, by dotted path.
    pub(crate) normalized: Map<String, Value>,
    /// The share of values that the text has; none where no value could be looked for.
    pub(crate) share: Option<f64>,
}

/// Whether the text must have a value like this: not so null, true and false, the schema's own
/// values, and nothing.
pub(crate) fn is_claim(leaf: &Leaf<'_>) -> bool {
    !leaf.chosen
        && match leaf.value {
            Value::Number(_) => true,
            Value::String(text) => !text.trim().is_empty(),
            _ => false,
        }
}

/// Looks for each value, and applies the policy. `valid` says whether what is left still
/// fulfils the schema.
pub(crate) fn check(
    (shapes, root): (&Shapes, &Shape),
    data: &mut Value,
    locator: &Locator<'_>,
    region: &Region,
    policy: Policy,
    valid: &dyn Fn(&Value) -> bool,
) -> Support {
    let mut missing: Vec<Vec<Step>> = Vec::new();
    let mut claims = 0_u32;
    leaves(shapes, root, data, &mut |leaf| {
        if is_claim(leaf) {
            claims += 1;
            if locator.find(leaf.value, leaf.kind).is_none() {
                missing.push(leaf.path.to_vec());
            }
        }
    });
    let share = share(claims, missing.len());
    if policy == Policy::Drop {
        // The last first: the places of those before it in a list do not change.
        for path in missing.iter().rev() {
            let before = data.clone();
            if !(remove(shapes, root, data, path) && valid(data)) {
                *data = before;
            }
        }
    }
    let mut support = Support { share, ..Support::default() };
    leaves(shapes, root, data, &mut |leaf| {
        if let Some(span) = locator.find(leaf.value, leaf.kind)
            && let Ok(span) = serde_json::to_value(span)
        {
            support.spans.insert(dotted(leaf.path), span);
        } else if is_claim(leaf) && policy != Policy::Keep {
            support.unsupported.push(dotted(leaf.path));
        }
        if let Value::String(text) = leaf.value
            && let Some(normal) = normalized(text, leaf.kind, region)
        {
            support.normalized.insert(dotted(leaf.path), normal);
        }
    });
    support
}

/// Four digits after the point.
fn share(claims: u32, missing: usize) -> Option<f64> {
    let missing = u32::try_from(missing).unwrap_or(claims);
    (claims > 0).then(|| {
        let share = f64::from(claims - missing) / f64::from(claims);
        (share * 1e4).round() / 1e4
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{reading, short_form};
    use super::*;

    const TEXT: &str = "Anna Berger pays 1.240,50 € on 19.11.2026. Mail: anna@example.org";

    fn checked(short: &str, mut data: Value, policy: Policy) -> (Value, Support) {
        let schema = short_form::parse(short).expect("a schema");
        let (shapes, root) = reading::read(&schema).expect("a schema");
        let region: Region = "DE".parse().expect("a region");
        let locator = Locator::new(TEXT, &region);
        let support = check((&shapes, &root), &mut data, &locator, &region, policy, &|_| true);
        (data, support)
    }

    #[test]
    fn what_the_text_has_gets_a_span_and_a_standard_form() {
        let (_, support) = checked(
            "name, total money, due date, mails [email]",
            json!({"name": "anna berger", "total": "1.240,50 €", "due": "19.11.2026",
                "mails": ["anna@example.org"]}),
            Policy::Flag,
        );
        assert_eq!(support.spans["name"], json!({"start": 0, "end": 11}));
        let mail = &support.spans["mails.0"];
        assert_eq!(&TEXT[mail["start"].as_u64().unwrap() as usize..], "anna@example.org");
        assert_eq!(support.normalized["due"], "2026-11-19");
        assert_eq!(
            support.normalized["total"].to_string(),
            r#"{"amount":1240.5,"currency":"EUR"}"#
        );
        assert_eq!((support.unsupported.len(), support.share), (0, Some(1.0)));
    }

    #[test]
    fn what_was_made_up_is_flagged_dropped_or_kept() {
        let short = "name, boss?, age int, tags [str], kind enum(bill|offer), open bool";
        let data = json!({"name": "Anna", "boss": "Max", "age": 44, "tags": ["mail", "cat", "dog"],
            "kind": "bill", "open": true});
        let (kept, support) = checked(short, data.clone(), Policy::Flag);
        assert_eq!(support.unsupported, ["boss", "age", "tags.1", "tags.2"]);
        assert_eq!((kept, support.share), (data.clone(), Some(0.3333)));
        let (left, support) = checked(short, data.clone(), Policy::Drop);
        assert_eq!(left["boss"], Value::Null);
        assert_eq!(left["tags"], json!(["mail"]));
        // The schema asks for it.
        assert_eq!((support.unsupported, support.share), (vec!["age".to_owned()], Some(0.3333)));
        let (kept, support) = checked(short, data.clone(), Policy::Keep);
        assert_eq!((kept, support.unsupported.len()), (data, 0));
    }
}
