use super::*;
use crate::limits::Limits;

fn read(source: &str) -> Document {
    extract(source.as_bytes(), &Budget::start(&Limits::default())).expect("in time")
}

#[test]
fn paragraphs_and_what_is_no_text() {
    let document = read(
        r"{\rtf1\ansi{\fonttbl{\f0 Times;}}{\info{\title On rivers}{\author Ann}{\company C}}
{\*\generator none;}\pard One {\b bold} word\par Two\line lines\par {\v hidden}}",
    );
    assert_eq!(document.text, "One bold word\n\nTwo\nlines");
    assert_eq!(document.title.as_deref(), Some("On rivers"));
    assert_eq!(document.authors, ["Ann"]);
    assert!(!document.truncated);
}

#[test]
fn characters_of_many_kinds() {
    let text =
        read(r"{\rtf1\ansi\ansicpg1252 caf\'e9 \u8364?\u-10179?\u-8704? a\~b \{x\} \emdash}").text;
    assert_eq!(text, "café €😀 a b {x} —");
    let russian =
        read(r"{\rtf1{\fonttbl{\f1\fcharset204 Arial;}}\f1 \'cf\'f0\'e8\'e2\'e5\'f2}").text;
    assert_eq!(russian, "Привет");
    let japanese = read(r"{\rtf1{\fonttbl{\f1\fcharset128 M;}}{\f1 \'93\'fa\'96\'7b} end}").text;
    assert_eq!(japanese, "日本 end");
}

#[test]
fn tables_lists_and_notes() {
    let document = read(
        r"{\rtf1 Before\par\trowd\pard\intbl a\cell b\cell\row\trowd\pard\intbl c\cell d\cell\row
\pard After{\footnote A note.} it\par{\listtext 1.}\ls1 item\par}",
    );
    assert_eq!(document.text, "Before\n\na\tb\nc\td\n\nAfter it\n\nA note.\n\n- item");
}

#[test]
fn headings_are_listed() {
    let document = read(r"{\rtf1\pard\outlinelevel0 Start\par\pard text\par}");
    assert_eq!(document.outline[0].title, "Start");
}

#[test]
fn what_is_damaged_is_read_as_far_as_it_goes() {
    assert!(read(r"{\rtf1 cut {\b off").truncated);
    assert_eq!(read(r"{\rtf1 a}}}} b\'zz\bin99999 c").text.trim(), "a bzz");
    let deep = format!("{{\\rtf1 {}in{}", "{".repeat(200_000), "}".repeat(200_001));
    assert_eq!(read(&deep).text, "in");
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_tokens_end(source in r"(\\(par|cell|row|trowd|intbl|pard|u-?[0-9]{1,6}|bin[0-9]|'[0-9a-f]{2}|\*|footnote|fonttbl|f1|uc[0-9])|[{} a-z]){0,80}") {
        let _document = read(&format!("{{\\rtf1 {source}"));
    }
}
