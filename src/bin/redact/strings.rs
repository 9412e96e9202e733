//! Every string of a JSON text, changed where it stands; all other bytes stay.

use std::ops::Range;

/// A string or a number in a JSON text.
pub(crate) struct Leaf<'j> {
    /// The text, escapes taken off; a number as it is written.
    pub(crate) text: &'j str,
    /// The key it stands under; none for elements of a bare array.
    pub(crate) key: Option<&'j str>,
    /// The path to it, dotted.
    pub(crate) path: &'j dyn Fn() -> String,
}

/// Digits of the shortest number that is looked at: less is no card, account or phone.
const DIGITS: usize = 7;

enum Level {
    Object(String),
    Array(usize),
}

/// The text of a JSON value, with what `change` gives in place of its strings and long numbers; a
/// number that is changed becomes a string. None where nothing was changed. `json` is valid JSON.
pub(crate) fn rewrite<E>(
    json: &str,
    mut change: impl FnMut(&Leaf<'_>) -> Result<Option<String>, E>,
) -> Result<Option<String>, E> {
    let bytes = json.as_bytes();
    let mut out: Option<String> = None;
    let (mut at, mut copied) = (0, 0);
    let mut stack: Vec<Level> = Vec::new();
    while at < bytes.len() {
        let range = match bytes[at] {
            b'"' => at..string_end(bytes, at),
            b'-' | b'0'..=b'9' => at..number_end(bytes, at),
            b => {
                structure(b, &mut stack);
                at += 1;
                continue;
            }
        };
        at = range.end;
        let is_string = bytes[range.start] == b'"';
        let digits = json[range.clone()].bytes().filter(u8::is_ascii_digit).count();
        if !is_string && digits < DIGITS {
            continue;
        }
        let text =
            if is_string { decode(&json[range.clone()]) } else { json[range.clone()].into() };
        let is_key = is_string && next_is_colon(bytes, at);
        let changed = {
            let key = stack.iter().rev().find_map(|level| match level {
                Level::Object(key) => Some(key.as_str()),
                Level::Array(_) => None,
            });
            let key = key.filter(|key| !is_key && !key.is_empty());
            let path = || path(&stack);
            change(&Leaf { text: &text, key, path: &path })?
        };
        if is_key && let Some(Level::Object(key)) = stack.last_mut() {
            key.clone_from(&text);
        }
        if let Some(changed) = changed {
            let out = out.get_or_insert_with(String::new);
            put(out, &json[copied..range.start], &changed);
            copied = range.end;
        }
    }
    if let Some(out) = &mut out {
        out.push_str(&json[copied..]);
    }
    Ok(out)
}

fn put(out: &mut String, before: &str, text: &str) {
    out.push_str(before);
    out.push_str(&serde_json::Value::from(text).to_string());
}

fn structure(byte: u8, stack: &mut Vec<Level>) {
    match byte {
        b'{' => stack.push(Level::Object(String::new())),
        b'[' => stack.push(Level::Array(0)),
        b'}' | b']' => drop(stack.pop()),
        b',' => {
            if let Some(Level::Array(number)) = stack.last_mut() {
                *number += 1;
            }
        }
        _ => {}
    }
}

fn path(stack: &[Level]) -> String {
    let parts = stack.iter().map(|level| match level {
        Level::Object(key) => key.clone(),
        Level::Array(number) => number.to_string(),
    });
    parts.collect::<Vec<_>>().join(".")
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

fn number_end(bytes: &[u8], start: usize) -> usize {
    let inside = |b: &&u8| matches!(**b, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
    start + bytes[start..].iter().take_while(inside).count()
}

fn next_is_colon(bytes: &[u8], at: usize) -> bool {
    let space = |b: &&u8| matches!(**b, b' ' | b'\t' | b'\r' | b'\n');
    bytes[at..].iter().find(|b| !space(b)) == Some(&b':')
}

/// A string's text. A lone surrogate, which no text can hold, leaves the string as it is written.
fn decode(raw: &str) -> String {
    serde_json::from_str(raw).unwrap_or_else(|_| raw.trim_matches('"').to_owned())
}

/// Where the text of a value stands in a longer text of which it is a part.
pub(crate) fn place(whole: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    start..start + part.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shout(json: &str) -> (Option<String>, Vec<String>) {
        let mut paths = Vec::new();
        let out = rewrite::<()>(json, |leaf| {
            let change = leaf.text.contains('x') || leaf.text.starts_with('4');
            if change {
                paths.push((leaf.path)());
            }
            Ok(change.then(|| leaf.text.to_uppercase()))
        });
        (out.expect("no error"), paths)
    }

    #[test]
    fn strings_keys_and_long_numbers_are_changed_in_place() {
        let json = r#"{ "a":[1, "x\"y", {"b" : 4111111111111111}],"cx":2.50,"d":"\u0078é" }"#;
        let (out, paths) = shout(json);
        let wanted = r#"{ "a":[1, "X\"Y", {"b" : "4111111111111111"}],"CX":2.50,"d":"XÉ" }"#;
        assert_eq!(out.as_deref(), Some(wanted));
        assert_eq!(paths, ["a.1", "a.2.b", "a", "d"]);
        assert_eq!(shout(r#"{"a":[1,null,true,"b"]}"#).0, None);
    }
}
