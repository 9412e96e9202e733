//! Values as they stand in records: JSON texts, compared by what they say.

use serde_json::Value;

/// Digits that a 64-bit float surely keeps.
const EXACT_DIGITS: usize = 15;

/// The finite number that a JSON text is, or that the string in it spells.
pub(crate) fn number(raw: &str) -> Option<f64> {
    let text = match raw.as_bytes() {
        [b'"', .., b'"'] if raw.len() > 2 => raw[1..raw.len() - 1].trim(),
        [b'-' | b'0'..=b'9', ..] => raw,
        _ => return None,
    };
    // What Rust reads besides numbers: "nan", "inf", "infinity".
    let is_number =
        text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    if !is_number {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Whether there is nothing: null, an empty string, or a number that is none.
pub(crate) fn is_nothing(raw: &str) -> bool {
    match raw {
        "null" | "\"\"" => true,
        _ if raw.len() > 12 => false,
        _ => {
            let name = raw.trim_matches('"').trim_start_matches(['-', '+']);
            ["nan", "inf", "infinity"].iter().any(|none| name.eq_ignore_ascii_case(none))
        }
    }
}

/// Whether two JSON texts say the same: strings however escaped, objects in whatever order,
/// numbers however written.
pub(crate) fn same(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let (Some(first), Some(second)) = (a.bytes().next(), b.bytes().next()) else { return false };
    let is_number = |byte| matches!(byte, b'-' | b'0'..=b'9');
    match (first, second) {
        _ if is_number(first) && is_number(second) => same_number(a, b),
        (b'"', b'"') if !a.contains('\\') && !b.contains('\\') => false,
        (b'"', b'"') | (b'{', b'{') | (b'[', b'[') => {
            // What cannot be parsed (a lone surrogate, deep nesting) is compared as text.
            let parse = |text| serde_json::from_str::<Value>(text).ok();
            parse(a).zip(parse(b)).is_some_and(|(a, b)| same_value(&a, &b))
        }
        _ => false,
    }
}

fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => same_number(&a.to_string(), &b.to_string()),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same_value(a, b)))
        }
        _ => a == b,
    }
}

fn same_number(a: &str, b: &str) -> bool {
    let long = |text: &str| text.len() > EXACT_DIGITS;
    // Two long integers may be the same float and yet differ.
    if a == b {
        return true;
    }
    !(long(a) && long(b)) && a.parse::<f64>().ok() == b.parse::<f64>().ok()
}

/// The text in a JSON string; any other value as it stands.
pub(crate) fn text(raw: &str) -> std::borrow::Cow<'_, str> {
    match raw.as_bytes() {
        [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => raw[1..raw.len() - 1].into(),
        [b'"', ..] => serde_json::from_str::<String>(raw).map_or(raw.into(), Into::into),
        _ => raw.into(),
    }
}

/// A text of some input as JSON: a number if it is one, null if there is nothing, else a string.
pub(crate) fn cell(text: &str, to: &mut String) {
    if text.is_empty() {
        to.push_str("null");
    } else if is_json_number(text) {
        to.push_str(text);
    } else {
        to.push_str(&Value::from(text).to_string());
    }
}

/// Whether a text is a number by the grammar of JSON (RFC 8259, section 6).
fn is_json_number(text: &str) -> bool {
    let rest = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let digits = |bytes: &[u8]| bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    let mut rest = &rest[whole..];
    if let [b'.', after @ ..] = rest {
        let count = digits(after);
        if count == 0 {
            return false;
        }
        rest = &after[count..];
    }
    if let [b'e' | b'E', after @ ..] = rest {
        let after = match after {
            [b'+' | b'-', after @ ..] => after,
            _ => after,
        };
        return !after.is_empty() && digits(after) == after.len();
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_and_what_is_none() {
        for (raw, expected) in [
            ("1", Some(1.0)),
            ("-2.5e3", Some(-2500.0)),
            ("\"21.5\"", Some(21.5)),
            ("\" 7 \"", Some(7.0)),
            ("\"\"", None),
            ("\"nan\"", None),
            ("\"inf\"", None),
            ("1e999", None),
            ("\"1,5\"", None),
            ("true", None),
            ("null", None),
        ] {
            assert_eq!(number(raw), expected, "{raw}");
        }
        for raw in ["null", "\"\"", "\"NaN\"", "\"-nan\"", "\"Infinity\"", "\"-inf\""] {
            assert!(is_nothing(raw), "{raw}");
        }
        for raw in ["0", "false", "\"nano\"", "\" \"", "{}", "[]"] {
            assert!(!is_nothing(raw), "{raw}");
        }
    }

    #[test]
    fn what_says_the_same() {
        for (a, b) in [
            ("1", "1.0"),
            ("100", "1e2"),
            ("\"a\"", "\"\\u0061\""),
            ("{\"a\":1,\"b\":[2]}", "{ \"b\": [2.0], \"a\": 1 }"),
        ] {
            assert!(same(a, b) && same(b, a), "{a} {b}");
        }
        for (a, b) in [
            ("12345678901234567890", "12345678901234567891"),
            ("1", "\"1\""),
            ("\"a\"", "\"A\""),
            ("[1,2]", "[2,1]"),
            ("{\"a\":1}", "{\"a\":1,\"b\":1}"),
            ("null", "false"),
            ("\"\\ud800\"", "\"\\ud801\""),
        ] {
            assert!(!same(a, b) && !same(b, a), "{a} {b}");
        }
    }

    proptest! {
        #[test]
        fn a_cell_is_json_and_keeps_its_text(cell_text in "[-+.eE0-9naif\"\\\\ ]{0,8}|.{0,12}") {
            let mut json = String::new();
            cell(&cell_text, &mut json);
            let value: Value = serde_json::from_str(&json).unwrap();
            match value {
                Value::Null => prop_assert!(cell_text.is_empty()),
                Value::Number(_) => prop_assert_eq!(&json, &cell_text),
                value => prop_assert_eq!(value.as_str(), Some(&cell_text[..])),
            }
        }

        #[test]
        fn same_is_reflexive_and_symmetric(a in "[\\[\\]{}:,\"0-9a\\\\]{0,10}", b in "[-0-9.e]{0,6}") {
            prop_assert!(same(&a, &a));
            prop_assert_eq!(same(&a, &b), same(&b, &a));
        }
    }
}
