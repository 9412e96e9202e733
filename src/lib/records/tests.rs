use std::io::{self, Read};

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{Code, Failure, Field, Line, LineReader, Malformed, Record, Step, Text, Writer};

fn record(line: &str) -> Record {
    Record::parse(line.as_bytes()).unwrap()
}

#[test]
fn untouched_text_is_kept_byte_for_byte() {
    let line = r#"{ "b" : 12345678901234567890123 , "a":1.50e+3,"\u0061":"\ud800", "b":[ ] }"#;
    let mut r = record(line);
    assert_eq!(r.as_str(), line);
    r.set("new", &1);
    assert_eq!(
        r.as_str(),
        r#"{ "b" : 12345678901234567890123 , "a":1.50e+3,"\u0061":"\ud800", "b":[ ] ,"new":1}"#
    );
}

#[test]
fn the_last_of_equal_keys_counts_also_when_escaped() {
    assert_eq!(record(r#"{"a":1,"\u0061":2}"#).get::<i32>("a").unwrap(), Some(2));
    assert_eq!(record(r#"{"a":1,"b":2,"a":3}"#).get::<i32>("a").unwrap(), Some(3));
}

#[test]
fn setting_replaces_in_place_and_keeps_later_members() {
    let mut r = record(r#"{"a":1,"b":"x","c":[1,2]}"#);
    r.set("b", "a longer value");
    assert_eq!(r.as_str(), r#"{"a":1,"b":"a longer value","c":[1,2]}"#);
    assert_eq!(r.raw("c"), Some("[1,2]"));
    r.set("a", &Value::Null);
    r.remove("b");
    assert_eq!(r.as_str(), r#"{"a":null,"c":[1,2]}"#);
    r.remove("c");
    r.remove("a");
    assert_eq!(r.as_str(), "{}");
    r.set("z\"", &true);
    assert_eq!(r.as_str(), r#"{"z\"":true}"#);
    assert_eq!(r.get::<bool>("z\"").unwrap(), Some(true));
}

#[test]
fn lines_that_are_no_records_say_what_they_are() {
    for (line, reason) in [
        ("[1]", "this is an array"),
        ("\"x\"", "this is a string"),
        ("-1", "this is a number"),
        ("null", "this is a literal"),
        ("hello", "not JSON"),
        (r#"{"a":1"#, "EOF"),
        (r#"{"a":1} x"#, "trailing characters"),
        (r#"{"a":1}{"b":2}"#, "trailing characters"),
        (r#"{"a":01}"#, "invalid number"),
        ("{'a':1}", "key must be a string"),
    ] {
        let error = Record::parse(line.as_bytes()).unwrap_err();
        assert_eq!(error.code, Code::BadJson);
        assert!(error.reason.contains(reason), "{line}: {}", error.reason);
    }
    assert!(Record::parse(b"{\"a\":\"\xff\"}").unwrap_err().reason.contains("not UTF-8 at byte 7"));
}

#[test]
fn nesting_of_any_depth_passes() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let r = record(&deep);
    assert_eq!(r.as_str(), deep);
    assert!(r.get::<Value>("a").is_err(), "reading it fails, and does not overflow the stack");
}

#[test]
fn an_error_record_keeps_the_start_of_the_line() {
    let failure = Failure::new(Code::BadJson, "not JSON");
    let line = "é".repeat(4096);
    let r = Malformed::to_record(line.as_bytes());
    assert_eq!(r.get::<String>("line").unwrap().unwrap(), "é".repeat(2048));
    let mut r = Malformed::to_record(b"\xff\xfe");
    r.fail(&failure);
    assert_eq!(r.raw("line"), Some(r#"{"bytes":"//4="}"#));
    assert_eq!(r.get::<Failure>("error").unwrap(), Some(failure));
}

#[test]
fn codes_are_spelled_as_documented() {
    for code in Code::ALL {
        assert_eq!(serde_json::to_value(code).unwrap(), json!(code.as_str()));
    }
}

#[test]
fn steps_are_appended_to_via() {
    let step =
        Step { program: "p".into(), version: "1".into(), host: "h".into(), ..Step::default() };
    let mut r = record("{}");
    r.push_step(&step);
    r.push_step(&step);
    assert_eq!(
        r.as_str(),
        r#"{"via":[{"program":"p","version":"1","host":"h","ms":0},{"program":"p","version":"1","host":"h","ms":0}]}"#
    );
    let mut users = record(r#"{"via":"mine"}"#);
    users.push_step(&step);
    assert_eq!(users.as_str(), r#"{"via":"mine"}"#);
}

#[test]
fn fields_are_paths() {
    let r = record(r#"{"a":{"b.c":[10,{"d":"x"}]},"text":{"bytes":"/w=="}}"#);
    let field = |path: &str| path.parse::<Field>().unwrap();
    assert_eq!(field(r#"a."b.c".1.d"#).raw(&r), Some("\"x\""));
    assert_eq!(field(r#"a."b.c".0"#).raw(&r), Some("10"));
    assert_eq!(field("a.x").raw(&r), None);
    assert_eq!(field("text").text(&r).unwrap(), Text::Bytes(vec![0xFF]));
    assert!(field("a").text(&r).unwrap_err().to_string().contains("'a'"));
    assert_eq!(field("b").text(&r).unwrap_err().to_string(), "the record has no 'b'");
    assert_eq!(field(r#"a."b.c".0"#).to_string(), r#"a."b.c".0"#);
    // What is printed is a path again, also where Rust and JSON escape differently.
    let odd = Field::key("a.\u{8}\0\u{200b}\"");
    assert_eq!(odd.to_string().parse(), Ok(odd));
    for bad in ["", ".", "a.", ".a", "a..b", "\"a", "\"a\"b"] {
        assert!(bad.parse::<Field>().is_err(), "{bad}");
    }
}

/// Gives its bytes in pieces of the sizes asked for.
struct Pieces<'a>(&'a [u8], Vec<usize>);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let want = self.1.pop().unwrap_or(7).max(1);
        let n = want.min(buffer.len()).min(self.0.len());
        buffer[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

/// A whole line, or the start and the length of one that is too long.
type ReadLine = Result<Vec<u8>, (Vec<u8>, u64)>;

fn lines(input: &[u8], pieces: Vec<usize>, max: usize) -> Vec<ReadLine> {
    let mut reader = LineReader::new(Pieces(input, pieces), max);
    let mut out = Vec::new();
    while let Some(line) = reader.next_line().unwrap() {
        out.push(match line {
            Line::Whole(line) => Ok(line.to_vec()),
            Line::TooLong { start, bytes } => Err((start.to_vec(), bytes)),
        });
    }
    out
}

#[test]
fn a_line_over_the_limit_is_skipped_and_the_next_is_whole() {
    let input = b"ok\n0123456789\nafter\n0123456789";
    for size in [1, 3, 11, 100] {
        assert_eq!(
            lines(input, vec![size; 100], 5),
            [
                Ok(b"ok".to_vec()),
                Err((b"01234".to_vec(), 10)),
                Ok(b"after".to_vec()),
                Err((b"01234".to_vec(), 10))
            ]
        );
    }
}

#[test]
fn the_reader_knows_whether_it_would_have_to_read() {
    let mut reader = LineReader::new(Pieces(b"a\nb\nc", vec![1, 4]), 100);
    assert!(!reader.has_complete_line());
    assert_eq!(reader.next_line().unwrap(), Some(Line::Whole(b"a")));
    assert!(reader.has_complete_line());
    assert_eq!(reader.next_line().unwrap(), Some(Line::Whole(b"b")));
    assert!(!reader.has_complete_line());
    assert_eq!(reader.next_line().unwrap(), Some(Line::Whole(b"c")));
    assert!(reader.has_complete_line());
    assert_eq!(reader.next_line().unwrap(), None);
}

#[test]
fn a_terminal_gets_no_control_characters() {
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out, true);
    writer.record(&record("{\"a\":\"\u{7f}\u{9b}31m é\"}")).unwrap();
    writer.plain("x\u{1b}[31m\u{9b}\ty".as_bytes()).unwrap();
    writer.flush().unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text, "{\"a\":\"\\u007f\\u009b31m é\"}\nx\u{fffd}[31m\u{fffd}\ty\n");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((".{0,4}", inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect()))
        ]
    })
}

proptest! {
    #[test]
    fn lines_do_not_depend_on_how_they_arrive(
        input in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'x'), any::<u8>()], 0..200),
        pieces in prop::collection::vec(1usize..50, 0..50),
        max in 1usize..40,
    ) {
        let whole = lines(&input, vec![1000], max);
        prop_assert_eq!(&lines(&input, pieces, max), &whole);
        let expected = input.split(|b| *b == b'\n').count() - usize::from(input.ends_with(b"\n") || input.is_empty());
        prop_assert_eq!(whole.len(), expected);
    }

    #[test]
    fn edits_agree_with_edits_of_a_parsed_copy(
        pairs in prop::collection::vec(("[a-e\"\\\\é]{1,2}", any_json()), 0..6),
        edits in prop::collection::vec(("[a-e\"\\\\é]{1,2}", prop::option::of(any_json())), 0..8),
    ) {
        let mut model: serde_json::Map<String, Value> = pairs.into_iter().collect();
        let mut r = record(&Value::Object(model.clone()).to_string());
        for (key, value) in edits {
            match value {
                Some(value) => { r.set(&key, &value); model.insert(key, value); }
                None => { r.remove(&key); model.shift_remove(&key); }
            }
            prop_assert_eq!(r.as_str(), Value::Object(model.clone()).to_string());
            // The index still fits the text.
            prop_assert_eq!(&record(r.as_str()), &r);
        }
    }

    #[test]
    fn parsing_never_panics_and_agrees_with_serde(line in prop::collection::vec(any::<u8>(), 0..64)) {
        let ours = Record::parse(&line).is_ok();
        let theirs = serde_json::from_slice::<serde_json::Map<String, Value>>(&line).is_ok();
        prop_assert!(ours || !theirs);
    }

    #[test]
    fn text_survives_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let text = Text::from_bytes(bytes.clone());
        let json = serde_json::to_string(&text).unwrap();
        let back: Text = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(back.as_bytes(), bytes.as_slice());
        prop_assert_eq!(json.starts_with('"'), std::str::from_utf8(&bytes).is_ok());
    }
}
