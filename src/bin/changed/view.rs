//! What is compared in place of a value: what a picture shows, the direction of an embedding.
//!
//! Both are kept as JSON, as any other value is: an object with the picture's path and its
//! likeness, and a string with the numbers in base64.

use std::borrow::Cow;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use images::{Likeness, LookError, Options, look_at};
use records::{Code, Failure, Text};
use serde::{Deserialize, Serialize};

use crate::rule::Rule;

/// Numbers that an embedding may have: every model's fewer.
const MOST_NUMBERS: usize = 65_536;

/// A picture that was looked at.
#[derive(Serialize, Deserialize)]
struct Picture {
    path: Text,
    likeness: Likeness,
}

/// What a rule compares of a value: the value itself, if it is no rule about pictures or meaning.
pub(crate) fn of<'a>(rule: &Rule, field: &str, raw: &'a str) -> Result<Cow<'a, str>, Failure> {
    if raw == "null" {
        Ok(raw.into())
    } else if rule.picture.is_some() {
        picture(field, raw).map(Cow::Owned)
    } else if rule.meaning.is_some() {
        embedding(field, raw).map(Cow::Owned)
    } else {
        Ok(raw.into())
    }
}

fn picture(field: &str, raw: &str) -> Result<String, Failure> {
    let path: Text = serde_json::from_str(raw).map_err(|_| {
        Failure::new(Code::Unsupported, format!("'{field}' is no path of a picture"))
    })?;
    let seen = look_at(Path::new(path.as_os()), &Options::default()).map_err(|error| {
        let code = match &error {
            LookError::Io(_) => Code::Unreadable,
            LookError::TooLarge { .. } => Code::TooLong,
            _ => Code::Unsupported,
        };
        Failure::new(code, format!("the picture of '{field}': {error}"))
    })?;
    let picture = Picture { path, likeness: seen.likeness };
    serde_json::to_string(&picture).map_err(|e| Failure::new(Code::Bug, e))
}

/// At length 1: the angle is what counts (Salton's cosine).
fn embedding(field: &str, raw: &str) -> Result<String, Failure> {
    let fail = |what: &str| Failure::new(Code::Unsupported, format!("'{field}' {what}"));
    let numbers: Vec<f64> = serde_json::from_str(raw)
        .map_err(|_| fail("is no embedding: a list of numbers is wanted, as embed writes it"))?;
    if numbers.is_empty() || numbers.len() > MOST_NUMBERS {
        return Err(fail("has no numbers, or too many for an embedding"));
    }
    let length = numbers.iter().map(|n| n * n).sum::<f64>().sqrt();
    if !length.is_normal() {
        return Err(fail("has no direction: all its numbers are 0, or some too large"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 1")]
    let bytes = numbers.iter().flat_map(|n| ((n / length) as f32).to_le_bytes());
    Ok(format!("\"{}\"", STANDARD.encode(bytes.collect::<Vec<u8>>())))
}

/// How alike two values are by a rule about pictures or meaning: 1 for the same, 0 for those that
/// have nothing in common. None where one of them is no picture or embedding, or that of another
/// model.
pub(crate) fn likeness(rule: &Rule, a: &str, b: &str) -> Option<f64> {
    let share = if rule.picture.is_some() {
        let picture = |json| serde_json::from_str::<Picture>(json).ok();
        picture(a)?.likeness.same_view(&picture(b)?.likeness)
    } else {
        rule.meaning?;
        let numbers = |json: &str| {
            let bytes = STANDARD.decode(json.strip_prefix('"')?.strip_suffix('"')?).ok()?;
            let numbers = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
            Some(numbers.map(f64::from).collect::<Vec<f64>>())
        };
        let (a, b) = (numbers(a)?, numbers(b)?);
        if a.len() != b.len() {
            return None;
        }
        a.iter().zip(&b).map(|(a, b)| a * b).sum::<f64>().clamp(0.0, 1.0)
    };
    Some((share * 1e4).round() / 1e4)
}

/// What of a value people are shown: of a picture its path, of an embedding nothing.
pub(crate) fn shown<'a>(rule: &Rule, value: Cow<'a, str>) -> Option<Cow<'a, str>> {
    if rule.meaning.is_some() {
        return None;
    }
    if rule.picture.is_none() {
        return Some(value);
    }
    let Ok(picture) = serde_json::from_str::<Picture>(&value) else { return Some(value) };
    serde_json::to_string(&picture.path).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning() -> Rule {
        Rule { meaning: Some(0.9), ..Rule::default() }
    }

    #[test]
    fn embeddings_are_compared_by_their_angle() {
        let rule = meaning();
        let of = |raw: &str| of(&rule, "e", raw).map(Cow::into_owned);
        let (x, y, xy) = (of("[2,0]").unwrap(), of("[0,0.5]").unwrap(), of("[1e9,2e9]").unwrap());
        assert_eq!(likeness(&rule, &x, &of("[1,0]").unwrap()), Some(1.0));
        assert_eq!(likeness(&rule, &x, &y), Some(0.0));
        assert_eq!(likeness(&rule, &x, &xy), Some(0.4472));
        assert_eq!(likeness(&rule, &x, &of("[-1,0]").unwrap()), Some(0.0));
        assert_eq!(likeness(&rule, &x, &of("[1,0,0]").unwrap()), None, "another model");
        assert_eq!(likeness(&rule, &x, "null"), None);
        assert_eq!(shown(&rule, x.into()), None);
        assert_eq!(of("null").unwrap(), "null");
        for bad in ["[]", "[0,0]", "[1e308,1e308]", "[\"a\"]", "\"text\"", "7", "{}", "[1,null]"] {
            assert_eq!(of(bad).unwrap_err().code, Code::Unsupported, "{bad}");
        }
    }

    #[test]
    fn a_value_without_such_a_rule_is_itself() {
        assert_eq!(of(&Rule::default(), "x", "[1]").unwrap(), "[1]");
        assert_eq!(shown(&Rule::default(), "[1]".into()).unwrap(), "[1]");
        assert_eq!(likeness(&Rule::default(), "\"\"", "\"\""), None);
    }
}
