//! The catalogue compiled in is valid and complete; bad ones are refused.

use super::*;

#[test]
fn the_builtin_one_is_valid() {
    let catalogue = Catalogue::builtin();
    let defaults: Vec<&str> = catalogue.defaults().map(|e| e.name.as_str()).collect();
    let expected =
        ["whisper-tiny.en", "silero-vad", "smollm2-135m", "qwen2.5-coder-0.5b", "all-minilm-l6-v2"];
    assert_eq!(defaults, expected);
    let name = |task, role| catalogue.default_for(task, role).map(|e| e.name.as_str());
    assert_eq!(name(Task::Complete, None), Some("smollm2-135m"));
    assert_eq!(name(Task::Complete, Some(Role::Big)), Some("qwen2.5-coder-0.5b"));
    assert_eq!(name(Task::Embed, None), Some("all-minilm-l6-v2"));
    assert_eq!(catalogue.find("tiny.en").map(|e| e.name.as_str()), Some("whisper-tiny.en"));
}

#[test]
fn every_entry_can_be_had() {
    for entry in Catalogue::builtin().entries() {
        assert!(!entry.sources.is_empty(), "{}", entry.name);
        assert!(entry.memory >= entry.bytes, "{}", entry.name);
        assert!(!entry.licence.is_empty() && !entry.description.is_empty(), "{}", entry.name);
    }
}

#[test]
fn default_models_do_not_need_the_hub() {
    for entry in Catalogue::builtin().defaults() {
        let package = entry.sources.iter().any(|s| matches!(s, Source::Pypi(_)));
        assert!(package && entry.pinned().is_some(), "{}", entry.name);
    }
}

const GOOD: &str = r#"
[[model]]
name = "mine"
task = "complete"
file = "mine.gguf"
format = "gguf"
bytes = 10
memory = 20
licence = "MIT"
sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
description = "a model"
[[model.source]]
kind = "hub"
url = "https://example.org/mine.gguf"
"#;

#[test]
fn a_user_file_adds_and_replaces() {
    let merged = Catalogue::builtin().merge(GOOD).unwrap();
    assert_eq!(merged.find("mine").unwrap().bytes, 10);
    let count = merged.entries().len();
    let again = merged.merge(&GOOD.replace("bytes = 10", "bytes = 11")).unwrap();
    assert_eq!((again.entries().len(), again.find("mine").unwrap().bytes), (count, 11));
}

#[test]
fn bad_entries_are_refused() {
    let changes = [
        ("\"mine\"", "\"Mine\""),
        ("\"mine\"", "\"../mine\""),
        ("\"mine\"", "\".mine\""),
        ("\"mine\"", "\"\""),
        ("\"mine.gguf\"", "\"../../etc/x\""),
        ("\"mine.gguf\"", "\"a/b.gguf\""),
        ("\"mine.gguf\"", "\".hidden\""),
        ("\"mine.gguf\"", "\"mine.json\""),
        ("https://", "http://"),
        ("https://", "file:///"),
        ("https://example.org", "https://user@example.org"),
        ("https://example.org", "https://"),
        ("ba7816bf", "ba7816b"),
        ("bytes = 10", "bytes = 0"),
        ("bytes = 10", "bytes = -1"),
        ("\"complete\"", "\"transcribe\""),
        ("\"complete\"", "\"sing\""),
        ("licence", "license"),
        ("bytes = 10", "bytes = 10\nalternatives = [\"absent\"]"),
        ("bytes = 10", "bytes = 10\nalternatives = [\"mine\"]"),
        ("bytes = 10", "bytes = 10\naliases = [\"mine\"]"),
    ];
    Catalogue::parse(GOOD).unwrap();
    for (from, to) in changes {
        let text = GOOD.replace(from, to);
        assert_ne!(text, GOOD);
        assert!(Catalogue::parse(&text).is_err(), "{from} -> {to}");
    }
    assert!(Catalogue::parse("model = 3").is_err());
}

#[test]
fn names_and_files_belong_to_one_entry() {
    let twice = format!("{GOOD}{GOOD}");
    assert!(Catalogue::parse(&twice).is_err());
    assert!(Catalogue::builtin().merge(&twice).is_err());
    let alias = GOOD.replace("bytes = 10", "bytes = 10\naliases = [\"smollm2\"]");
    assert!(Catalogue::builtin().merge(&alias).is_err());
    let file = GOOD.replace("mine.gguf", "smollm2-135m-instruct.q4_1.GGUF");
    assert!(Catalogue::builtin().merge(&file).is_err());
}

#[test]
fn bad_packages_are_refused() {
    let package = |lines: &str| {
        let source = format!("kind = \"pypi\"\n{lines}");
        let text = GOOD.replace("kind = \"hub\"\nurl = \"https://example.org/mine.gguf\"", &source);
        Catalogue::parse(&text).map(|_| ())
    };
    let good = "package = \"p\"\nversion = \"1.0\"\nmembers = [\"a/b.gguf\"]";
    package(good).unwrap();
    package("parts = [{ package = \"p\", version = \"1\", member = \"x\" }]").unwrap();
    for bad in [
        good.replace("\"p\"", "\"--index-url=x\""),
        good.replace("\"p\"", "\"https://x/y.whl\""),
        good.replace("\"1.0\"", "\"1.0 --pre\""),
        good.replace("a/b.gguf", "../b.gguf"),
        good.replace("a/b.gguf", "/etc/passwd"),
        good.replace("a/b.gguf", "a\\\\b"),
        good.replace("[\"a/b.gguf\"]", "[\"a\", \"b\"]"),
        good.replace("[\"a/b.gguf\"]", "[]"),
        "package = \"p\"\nmembers = [\"x\"]".into(),
        format!("{good}\nweights = \"f16\""),
        format!("{good}\nconvert = \"bert\""),
        format!("{good}\nconvert = \"silero\"\nweights = \"f16\""),
        String::new(),
    ] {
        assert!(package(&bad).is_err(), "{bad}");
    }
}
