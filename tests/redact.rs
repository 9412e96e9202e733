//! `redact` as its users run it.

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};
use testkit::{Program, program};

const KEY: &str = "a key for tests";

fn redact(args: &[&str]) -> Program {
    program("redact").args(args)
}

fn line(text: &str) -> String {
    format!("{}\n", json!({ "text": text }))
}

/// What a text becomes.
#[track_caller]
fn becomes(text: &str, args: &[&str]) -> String {
    let record = redact(args).stdin(line(text)).run().code(0).record();
    record["text"].as_str().expect("a text").to_owned()
}

fn vault(path: &Path, args: &[&str]) -> Program {
    let vault = path.to_str().expect("UTF-8");
    redact(&["--vault", vault]).args(args).env("HEADWATER_VAULT_KEY", KEY)
}

#[test]
fn one_original_has_one_placeholder_throughout_a_run() {
    let input =
        line("Dear Anna, write to bob@x.org or anna@x.org.") + &line("anna@x.org, bob@x.org");
    let records = redact(&[]).stdin(input).run().code(0).records();
    assert_eq!(records[0]["text"], "Dear <PERSON_1>, write to <EMAIL_1> or <EMAIL_2>.");
    assert_eq!(records[1]["text"], "<EMAIL_2>, <EMAIL_1>");
}

#[test]
fn spans_are_bytes_and_characters_of_the_text_as_it_is_now() {
    let text = "Grüße an Anna Berger, über zoë@x.org ✓ und 10.1.2.3.";
    let record = redact(&["--explain"]).stdin(line(text)).run().code(0).record();
    let now = record["text"].as_str().expect("a text");
    let list = record["redactions"].as_array().expect("a list");
    assert_eq!(list.len(), 3, "{list:?}");
    for one in list {
        let number = |key: &str| usize::try_from(one[key].as_u64().expect(key)).expect("small");
        let placeholder = one["placeholder"].as_str().expect("a placeholder");
        assert_eq!(&now[number("start")..number("end")], placeholder);
        let chars: String = now
            .chars()
            .skip(number("char_start"))
            .take(number("char_end") - number("char_start"))
            .collect();
        assert_eq!(chars, placeholder);
        assert!(one["rule"].is_string() && one["score"].as_f64() <= Some(1.0), "{one}");
    }
}

#[test]
fn a_second_run_changes_nothing() {
    let text =
        "Dear Anna, pay DE89 3704 0044 0532 0130 00 by card 4111111111111111; password=hunter2";
    let other = "Call +49 30 901820, see https://x.org/a and Frau Müller in Berlin. E-1234";
    let key = ("key.txt", "0123456789abcdef0123456789abcdef\n");
    for style in ["placeholder", "mask", "hash", "fake", "remove"] {
        let args = ["--style", style, "--key-file", "key.txt", "--no-via"];
        let run = |input: &str| {
            redact(&args).file(key.0, key.1).stdin(input).run().code(0).text().to_owned()
        };
        let first = run(&(line(text) + &line(other)));
        assert!(!first.contains("hunter2") && !first.contains("Müller"), "{first}");
        assert_eq!(run(&first), first, "{style}");
    }
    // Plain texts, where no record tells what was replaced.
    for style in ["placeholder", "mask", "hash", "remove"] {
        let run = |input: &str| {
            let run = redact(&["-R", "-r", "--style", style, "--key-file", "key.txt"]);
            run.file(key.0, key.1).stdin(input).run().code(0).text().to_owned()
        };
        let first = run(&format!("{text}\n{other}\n"));
        assert_eq!(run(&first), first, "{style}");
    }
}

#[test]
fn a_key_gives_the_same_placeholders_in_every_run() {
    let run = |key: &str, text: &str| {
        let args = redact(&["--key-file", "k"]).file("k", key).stdin(line(text));
        args.run().code(0).record()["text"].as_str().expect("a text").to_owned()
    };
    let (one, other) = ("a key of sixteen!\n", "another of sixteen");
    assert_eq!(run(one, "x@y.org"), run("a key of sixteen!", "x@y.org"));
    assert_ne!(run(one, "x@y.org"), run(other, "x@y.org"));
    assert_ne!(run(one, "x@y.org"), run(one, "z@y.org"));
    let text = run(one, "x@y.org");
    assert!(text.starts_with("<EMAIL_") && text.len() == 24, "{text}");
    redact(&["--key-file", "k"]).file("k", "short").run().code(2).says("16 are the least");
    redact(&["--style", "hash"]).run().code(2).says("--key-file");
}

#[test]
fn placeholders_of_strangers_are_never_restored() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("vault");
    let secret = vault(&path, &[]).stdin(line("Dear Anna, hello.")).run().code(0).record();
    assert_eq!(secret["text"], "Dear <PERSON_1>, hello.");
    // A stranger hopes that an answer tells who that is.
    let mail = "Who is <PERSON_1>, and who <PERSON_99>?";
    let hidden = vault(&path, &[]).stdin(line(mail)).run().code(0).record();
    assert_eq!(hidden["text"], "Who is <PLACEHOLDER_1>, and who <PLACEHOLDER_2>?");
    let back = vault(&path, &["--restore"]).stdin(format!("{hidden}\n")).run().code(0).record();
    assert_eq!(back["text"], mail);
    // The record's own placeholders are known by its list, and only those.
    let again = vault(&path, &["--no-via"]).stdin(format!("{secret}\n")).run().code(0).record();
    assert_eq!((&again["text"], &again["redactions"]), (&secret["text"], &secret["redactions"]));
    // A number that was seen is not given out.
    let next = vault(&path, &[]).stdin(line("Dear Bob, hello.")).run().code(0).record();
    assert_eq!(next["text"], "Dear <PERSON_100>, hello.");
}

#[test]
fn originals_come_back_however_a_model_wrote_the_placeholders() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("vault");
    let text = "Frau Müller schrieb an a@x.org";
    assert_eq!(
        vault(&path, &[]).stdin(line(text)).run().code(0).record()["text"],
        "Frau <PERSON_1> schrieb an <EMAIL_1>"
    );
    for (written, wanted) in [
        ("<PERSON_1>", "Müller"),
        ("<person_1>'s mail", "Müller's mail"),
        ("<Person_1s> mail", "Müllers mail"),
        ("< PERSON 1 >", "Müller"),
        ("[PERSON_1]", "Müller"),
        ("&lt;PERSON_1&gt;", "Müller"),
        ("PERSON_1 and PERSON_1s", "Müller and Müllers"),
        ("PERSON\\_1", "Müller"),
        ("**<EMAIL_1>**.", "**a@x.org**."),
        ("<PERSON_12> person 1, PERSON_1x", "<PERSON_12> person 1, PERSON_1x"),
    ] {
        let input = format!("{}\n", json!({ "answer": written, "n": 1.50 }));
        let run = vault(&path, &["--restore", "--field", "answer"]).stdin(input).run().code(0);
        assert_eq!(run.record()["answer"], wanted, "{written}");
    }
}

#[test]
fn a_reader_follows_the_writer_in_one_pipe() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("vault");
    let mut writer = vault(&path, &[]).start();
    let mut reader = vault(&path, &["--restore"]).start();
    for n in 0..3 {
        writer.send(line(&format!("mail{n}@x.org")).trim_end());
        let hidden = writer.line();
        assert!(hidden.contains(&format!("<EMAIL_{}>", n + 1)), "{hidden}");
        reader.send(&hidden);
        let back: Value = serde_json::from_str(&reader.line()).expect("a record");
        assert_eq!(back["text"], format!("mail{n}@x.org"));
        assert!(back["redactions"].is_null(), "{back}");
    }
    writer.close_stdin();
    reader.close_stdin();
    assert_eq!((writer.end().0, reader.end().0), (0, 0));
}

#[test]
fn a_vault_needs_its_key_and_keeps_nothing_readable() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("vault");
    let name = path.to_str().expect("UTF-8");
    redact(&["--vault", name]).run().code(2).says("HEADWATER_VAULT_KEY");
    vault(&path, &[]).stdin(line("anna@x.org")).run().code(0);
    let bytes = std::fs::read(&path).expect("the vault");
    assert!(!bytes.windows(4).any(|w| w == b"anna"));
    let wrong = || redact(&["--vault", name]).env("HEADWATER_VAULT_KEY", "other");
    wrong().run().code(2).says("not this vault's");
    wrong().arg("--restore").run().code(2).says("not this vault's");
    let file = redact(&["--vault", name, "--vault-key-file", "k", "--restore"])
        .file("k", format!("{KEY}\n"));
    let back = file.stdin(line("<EMAIL_1>")).run().code(0).record();
    assert_eq!(back["text"], "anna@x.org");
    let command = format!("printf '%s\\n' '{KEY}'");
    let printed = redact(&["--vault", name, "--vault-key-command", &command, "--restore"]);
    let back = printed.stdin(line("<EMAIL_1>")).run().code(0).record();
    assert_eq!(back["text"], "anna@x.org");
    redact(&["--vault", name, "--vault-key-command", "exit 3"]).run().code(2).says("for the key");
    vault(&path, &["--style", "mask"]).run().code(2).says("--style placeholder");
    let gone = folder.path().join("gone");
    let run = vault(&gone, &["--restore"]).stdin(line("no placeholder") + &line("<EMAIL_1>"));
    let records = run.run().code(1).records();
    assert!(records[0]["error"].is_null());
    assert_eq!(records[1]["error"]["code"], "unreadable");
}

#[test]
fn check_refuses_what_is_left_and_says_nothing_of_it() {
    let input = line("nothing here") + &line("mail anna@x.org, bob@x.org");
    let outcome = redact(&["--check"]).stdin(input).run().code(1);
    let records = outcome.records();
    assert_eq!(records[0], json!({"text": "nothing here"}));
    assert_eq!(records[1]["error"]["code"], "refused");
    assert_eq!(records[1]["error"]["message"], "private texts are left: 2 email");
    assert!(!outcome.messages().contains("anna"), "{outcome}");
    let clean = redact(&[]).stdin(line("mail anna@x.org")).run().code(0).text().to_owned();
    redact(&["--check"]).stdin(clean).run().code(0);
}

#[test]
fn whole_records_lose_what_is_private_anywhere_in_them() {
    let input = r#"{"path":"/home/anna.berger@x.org/a.txt","n":4111111111111111 , "k@x.org":[{"password":"geheim"}],"x":1.50,"via":[{"program":"x","host":"10.1.2.3"}]}"#;
    let outcome = redact(&["--field", ".", "--no-via"]).stdin(format!("{input}\n")).run().code(0);
    let record = outcome.record();
    assert_eq!(record["path"], "/home/<EMAIL_1>/a.txt");
    assert_eq!(record["n"], "<CARD_1>");
    assert_eq!(record["<EMAIL_2>"][0]["password"], "<PASSWORD_1>");
    assert_eq!(record["via"][0]["host"], "<IP_1>");
    assert!(outcome.text().contains("\"x\":1.50,"), "{outcome}");
    let fields: Vec<&str> = record["redactions"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|r| r["field"].as_str())
        .collect();
    assert!(fields.contains(&"path") && fields.contains(&"via.0.host"), "{fields:?}");
}

#[test]
fn several_fields_and_nested_ones() {
    let input = r#"{"a":{"b":"x@y.org","n":1.0},"text":"x@y.org","z":"x@y.org"}"#;
    let args = ["--fields", "a.b,text,missing", "--no-via"];
    let outcome = redact(&args).stdin(format!("{input}\n")).run().code(0);
    let wanted = r#"{"a":{"b":"<EMAIL_1>","n":1.0},"text":"<EMAIL_1>","z":"x@y.org","#;
    assert!(outcome.text().starts_with(wanted), "{outcome}");
    let plain = redact(&["--field", "a.b", "-r"]).stdin(format!("{input}\n")).run().code(0);
    assert_eq!(plain.text(), "<EMAIL_1>\n");
    redact(&["--fields", "missing,gone"]).stdin(format!("{input}\n")).run().code(1);
    redact(&["--fields", "a,b", "-r"]).run().code(2).says("one field");
}

#[test]
fn kinds_lists_and_levels_are_the_users() {
    let own = "[[kind]]\nname = \"employee\"\nregex = 'E-\\d{4}'\ncontext = [\"staff\"]\n";
    let text = "staff E-1234 met Zbyx on 2026-11-21 at info@x.org";
    let run = redact(&["--own", "own.toml", "--allow", "allow", "--deny", "deny"])
        .file("own.toml", own)
        .file("allow", "info@x.org\n")
        .file("deny", "zbyx\n")
        .stdin(line(text));
    let record = run.run().code(0).record();
    assert_eq!(record["text"], "staff <EMPLOYEE_1> met <PRIVATE_1> on 2026-11-21 at info@x.org");
    assert_eq!(becomes("on 2026-11-21 a@x.org", &["--kinds", "date"]), "on <DATE_1> a@x.org");
    assert_eq!(becomes("on 2026-11-21", &["--level", "high"]), "on <DATE_1>");
    assert_eq!(becomes("at 10.1.2.3", &["--confidence", "ip=0.95"]), "at 10.1.2.3");
    assert_eq!(becomes("a@x.org 10.1.2.3", &["--without", "email"]), "a@x.org <IP_1>");
    redact(&["--kinds", "nose"]).run().code(2).says("no kind 'nose'");
    redact(&["--own", "o"])
        .file("o", "[[kind]]\nname='a'\nregex='('\n")
        .run()
        .code(2)
        .says("kind 'a'");
    redact(&["--own", "o"])
        .file("o", "[[kind]]\nname='person'\nwords=['x']\n")
        .run()
        .code(2)
        .says("is there");
}

#[test]
fn dry_run_tells_and_changes_nothing() {
    let text = "mail anna@x.org";
    let record = redact(&["-n"]).stdin(line(text)).run().code(0).record();
    assert_eq!(record["text"], text);
    let one = &record["redactions"][0];
    assert_eq!(
        (&one["kind"], &one["start"], &one["end"]),
        (&json!("email"), &json!(5), &json!(15))
    );
    assert!(one["placeholder"].is_null());
}

#[test]
fn totals_count_kinds() {
    let input = line("a@x.org b@x.org 10.1.2.3");
    let outcome = redact(&["--stats", "-q"]).stdin(input).run().code(0);
    let stats: Value = serde_json::from_str(outcome.messages().trim()).expect("one line");
    assert_eq!(stats["counts"], json!({"email": 2, "ip": 1}));
}

#[test]
fn many_workers_give_one_original_one_placeholder() {
    let input: String = (0..600).map(|n| line(&format!("mail{}@x.org", n % 7))).collect();
    let records = redact(&["--jobs", "4"]).stdin(input).run().code(0).records();
    for (n, record) in records.iter().enumerate() {
        assert_eq!(record["text"], records[n % 7]["text"]);
    }
}

#[test]
fn what_is_no_text_fails_by_itself() {
    let input = "{\"text\":{\"bytes\":\"//8=\"}}\n{\"text\":5}\n{\"text\":\"\"}\n\
                 {\"text\":\"a@x.org\",\"text\":\"\"}\n";
    let records = redact(&[]).stdin(input).run().code(1).records();
    let codes: Vec<_> =
        records.iter().map(|r| r["error"]["code"].as_str().unwrap_or("none")).collect();
    assert_eq!(codes, ["unsupported", "unsupported", "none", "unsupported"]);
}

#[test]
fn long_lines_without_an_end_take_time_in_proportion() {
    for part in [
        "password password ",
        "http://",
        "a@",
        "1,111",
        "Anna ",
        "<PERSON_",
        "1.1.1.1.",
        "-----BEGIN ",
    ] {
        let text = part.repeat((2 << 20) / part.len());
        for level in ["low", "high"] {
            redact(&["--level", level, "-n"]).stdin(line(&text)).run().code(0);
        }
    }
}

/// Texts in which placeholders, private things and odd characters meet.
fn texts() -> impl Strategy<Value = Vec<String>> {
    let part = prop_oneof![
        "\\PC{0,12}",
        prop::sample::select(vec![
            "<PERSON_1>",
            "<EMAIL_2>",
            "<PLACEHOLDER_1>",
            "<PERSON_1",
            "PERSON_1",
            "person_1s",
            "<person_2>",
            "[EMAIL_1]",
            "Anna Berger",
            "Frau Müller",
            "a@x.org",
            "+49 30 901820",
            "10.1.2.3",
            " ",
            "\n",
            "\"",
            "4111 1111 1111 1111",
            "password=x1y2z3",
            "https://x.org/<EMAIL_1>",
            "\\",
            "{",
            "&lt;PERSON_1&gt;",
        ])
        .prop_map(str::to_owned),
    ];
    let text = prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat());
    prop::collection::vec(text, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_redacted_comes_back(texts in texts()) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("vault");
        let input: String = texts.iter().map(|text| line(text)).collect();
        let hidden = vault(&path, &["--level", "high"]).stdin(input).run().code(0);
        let back = vault(&path, &["--restore"]).stdin(hidden.stdout).run().code(0).records();
        for (text, record) in texts.iter().zip(&back) {
            prop_assert_eq!(record["text"].as_str(), Some(text.as_str()));
        }
    }
}
