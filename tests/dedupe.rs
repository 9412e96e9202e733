//! `dedupe` over records and texts, as its users run it. Files: tests/dedupe_files.rs.

use serde_json::{Value, json};
use testkit::{Program, program};

fn dedupe(args: &[&str]) -> Program {
    program("dedupe").args(args)
}

#[test]
fn the_first_of_equal_lines_passes_untouched() {
    let input = "{\"n\":1}\n{ \"n\": 1}\n{\"n\":1}\n{\"n\":2,\"via\":[{\"ms\":1}]}\n{\"n\":2}\n";
    let outcome = dedupe(&[]).stdin(input).run().code(0);
    assert_eq!(outcome.text(), "{\"n\":1}\n{ \"n\": 1}\n{\"n\":2,\"via\":[{\"ms\":1}]}\n");
    let lines = dedupe(&["-R", "-r"]).stdin("b\na\nb\n\nc\n\n").run().code(0);
    assert_eq!(lines.text(), "b\na\n\nc\n");
}

#[test]
fn fields_decide_and_a_missing_one_is_a_failure() {
    let input = "{\"a\":{\"b\":\"x\"},\"c\":1}\n{\"a\":{\"b\":\"X \"},\"c\":1}\n{\"c\":1}\n{\"a\":{\"b\":\"y\"},\"c\":1}\n";
    let by = dedupe(&["--by", "a.b,c", "--fold", "case,space"]).stdin(input).run().code(1);
    let records = by.records();
    assert_eq!(records.len(), 3, "{by}");
    assert_eq!(records[1]["error"]["code"], "missing-field");
    assert_eq!(records[2]["a"]["b"], "y");
    assert_eq!(dedupe(&["--by", "c"]).stdin(input).run().code(0).records().len(), 1);
}

#[test]
fn a_report_says_what_each_record_repeats() {
    let input = "{\"id\":\"one\",\"t\":\"x\"}\n{\"id\":\"two\",\"t\":\"X\"}\n{\"id\":\"three\",\"t\":\"z\"}\n";
    let args = ["--by", "t", "--fold", "case", "--report"];
    let records = dedupe(&args).stdin(input).run().code(0).records();
    let dups: Vec<&Value> = records.iter().map(|r| &r["dup"]).collect();
    assert_eq!(dups[0]["kind"], "first");
    assert!(dups[0]["of"].is_null() && dups[0]["group"] != dups[2]["group"]);
    assert_eq!(dups[1]["group"], dups[0]["group"]);
    assert_eq!((&dups[1]["of"], &dups[1]["kind"]), (&json!("one"), &json!("exact")));
    assert_eq!(dups[1]["similarity"], 1.0);
    assert_eq!(dups[1]["why"], "same: 't', case aside");
    let repeated = dedupe(&["--by", "t", "--fold", "case", "-d"]).stdin(input).run().code(0);
    assert_eq!(repeated.record()["id"], "two");
}

#[test]
fn exactness_is_given_up_only_where_it_is_asked_for() {
    let input: String = (0..20_000).map(|n| format!("{{\"n\":{}}}\n", n % 10_000)).collect();
    let args = ["--approximate", "0.02", "--memory", "1M", "--stats"];
    let run = dedupe(&args).stdin(input.as_str()).run().code(0);
    let passed = run.records().len();
    assert!((9_800..=10_000).contains(&passed), "{passed}");
    let messages = run.messages();
    let stats = messages.lines().find(|line| line.starts_with('{')).expect("totals");
    let stats: Value = serde_json::from_str(stats).expect("JSON");
    assert_eq!(stats["counts"]["repeated"], 20_000 - passed);
    let report = dedupe(&["--approximate", "0.02", "--report"]).stdin("{}\n{}\n").run().code(0);
    let dup = &report.records()[1]["dup"];
    assert_eq!((&dup["kind"], &dup["of"]), (&json!("likely"), &Value::Null), "{report}");
    assert!(dup["why"].as_str().is_some_and(|why| why.contains("0.02")), "{report}");
    for args in [["--approximate", "0"], ["--approximate", "1"], ["--near", "--approximate=0.1"]] {
        assert_eq!(dedupe(&args).stdin("").run().code(2).text(), "");
    }
}

#[test]
fn more_contents_than_fit_in_memory_are_told_apart_all_the_same() {
    let input: String = (0..60_000).map(|n| format!("line {}\n", n % 40_000)).collect();
    for memory in ["1", "100K", "1G"] {
        let outcome = dedupe(&["-R", "-r", "--memory", memory]).stdin(input.clone()).run().code(0);
        assert_eq!(outcome.text().lines().count(), 40_000);
        assert!(outcome.text().lines().enumerate().all(|(n, line)| line == format!("line {n}")));
    }
    let full = dedupe(&["-R", "--memory", "1"]).env("TMPDIR", "/no/such/folder").stdin(input).run();
    assert_eq!(full.code(1).records()[10]["error"]["code"], "unreadable");
}

#[test]
fn a_state_file_remembers_over_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("seen.db");
    let run = |more: &[&str], input: &str| {
        let run = dedupe(&["-R", "-r", "--state"]).arg(&state).args(more).stdin(input).run();
        run.code(0).text().to_owned()
    };
    assert_eq!(run(&[], "a\nb\na\n"), "a\nb\n");
    assert_eq!(run(&[], "b\nc\n"), "c\n");
    // Compared by something else, nothing was seen yet.
    assert_eq!(run(&["--fold", "case"], "A\na\n"), "A\n");
    assert_eq!(run(&["--expire", "1h"], "c\nd\n"), "d\n");
    std::thread::sleep(std::time::Duration::from_millis(2100));
    assert_eq!(run(&["--expire", "1s"], "c\nd\n"), "c\nd\n");
    let report = dedupe(&["-R", "--report", "--state"]).arg(&state).stdin("d\n").run().code(0);
    assert_eq!(report.record()["dup"]["of"], report.record()["id"]);
}

#[test]
fn state_files_that_are_no_good_are_refused_and_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("seen.db");
    let run = || dedupe(&["-R", "--state"]).arg(&state).stdin("a\n").run();
    std::fs::write(&state, "half a database ".repeat(500)).expect("a file");
    run().code(2).says("damaged or not a database");
    assert!(std::fs::read(&state).expect("it").starts_with(b"half a database"));
    std::fs::remove_file(&state).expect("removed");
    run().code(0);
    let newer = std::process::Command::new("sqlite3")
        .arg(&state)
        .arg("INSERT INTO migration (name) VALUES ('0099-later')")
        .status();
    if newer.is_ok_and(|status| status.success()) {
        run().code(2).says("newer version");
    }
}

#[test]
fn a_reader_that_leaves_does_not_make_contents_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("seen.db");
    let mut running = dedupe(&["-R", "-r", "--state"]).arg(&state).start();
    running.send("first");
    assert_eq!(running.line(), "first");
    running.close_stdout();
    while running.try_send("second") {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(running.end().0, 0);
    let again = dedupe(&["-R", "-r", "--state"]).arg(&state).stdin("second\n").run().code(0);
    assert_eq!(again.text(), "second\n");
}

const NEWS: &str = "The river rose two metres in the night. The mill stands under water, and the \
    bridge to the town is closed until the mayor has seen it on Friday. Nobody was hurt, said \
    the miller, who had moved his family to higher ground in time.";

#[test]
fn near_texts_are_found_and_a_report_is_grouped_anew_without_them() {
    let edited = NEWS.replace("Friday", "Monday");
    let far = NEWS.replace("Friday", "Monday").replace("mill ", "church ").replace("two", "three");
    let texts = [NEWS, "Something else, about a pump.", &edited, &far, NEWS];
    let input: String = (1..)
        .zip(texts)
        .map(|(n, t)| format!("{}\n", json!({"id": n.to_string(), "text": t})))
        .collect();
    let near = dedupe(&["--near", "--threshold", "0.6", "--report"]).stdin(input.clone()).run();
    let near = near.code(0);
    let records = near.records();
    let of: Vec<&Value> = records.iter().map(|r| &r["dup"]["of"]).collect();
    assert_eq!(of, [&json!(null), &json!(null), &json!("1"), &json!("3"), &json!("1")], "{near}");
    assert!(records.iter().all(|r| r["dup"]["group"] == if r["id"] == "2" { "2" } else { "1" }));
    assert_eq!(records[4]["dup"]["similarity"], 1.0);
    let similarity = |n: usize| records[n]["dup"]["similarity"].as_f64().expect("a number");
    // Of 43 sequences of three words, three have the word that was changed.
    assert!((similarity(2) - 40.0 / 46.0).abs() < 1e-4, "{near}");
    assert!(similarity(3) > 0.6 && similarity(3) < 0.85);

    let again = dedupe(&["--rethreshold", "0.85", "--report"]).stdin(near.stdout.clone()).run();
    let again = again.code(0).records();
    assert_eq!(again[3]["dup"]["kind"], "first");
    assert_eq!(again[3]["dup"]["nearest"]["of"], "3");
    assert_eq!(again[2]["dup"], records[2]["dup"]);
    let direct = dedupe(&["--near", "--threshold", "0.85", "--report"]).stdin(input).run();
    for (direct, again) in direct.code(0).records().iter().zip(&again) {
        assert_eq!(direct["dup"]["group"], again["dup"]["group"]);
    }
    let kept = dedupe(&["--rethreshold", "0.85"]).stdin(near.stdout).run().code(0);
    let ids: Vec<Value> = kept.records().iter().map(|r| r["id"].clone()).collect();
    assert_eq!(ids, ["1", "2", "4"]);
    assert_eq!(dedupe(&["--rethreshold", "0.9"]).stdin("{}\n").run().error_code(), "missing-field");
}

#[test]
fn texts_that_mean_nearly_the_same_are_found_by_their_embeddings() {
    let line = |id: &str, e: Value| format!("{}\n", json!({"id": id, "text": "x", "embedding": e}));
    let input = line("a", json!([1, 0, 0]))
        + &line("b", json!([0, 1, 0]))
        + &line("c", json!([0.97, 0.243, 0]))
        + &line("d", json!([1, 0]))
        + &line("e", json!("no"))
        + &line("f", Value::Null)
        + &line("g", json!([0, 0, 0]));
    let outcome = dedupe(&["--near=meaning", "--report"]).stdin(input.clone()).run().code(1);
    let records = outcome.records();
    assert_eq!(records[2]["dup"]["of"], "a", "{outcome}");
    assert_eq!(records[2]["dup"]["similarity"], 0.97);
    assert_eq!(records[1]["dup"]["nearest"], json!({"of": "a", "similarity": 0.0}));
    let codes: Vec<&Value> = records[3..].iter().map(|r| &r["error"]["code"]).collect();
    assert_eq!(codes, ["unsupported", "unsupported", "missing-field", "unsupported"]);
    // The same report with another threshold, and a run with it.
    let three: String = input.lines().take(3).map(|line| format!("{line}\n")).collect();
    let report = dedupe(&["--near=meaning", "--report"]).stdin(three.clone()).run().code(0);
    let again = dedupe(&["--rethreshold", "0.99"]).stdin(report.stdout.clone()).run().code(0);
    let direct = dedupe(&["--near=meaning", "--threshold", "0.99"]).stdin(three.clone()).run();
    assert_eq!((again.records().len(), direct.code(0).records().len()), (3, 3));
    assert_eq!(dedupe(&["--near=meaning"]).stdin(three).run().code(0).records().len(), 2);
    dedupe(&["--near=meaning", "--files", "."]).stdin("").run().code(2).says("embedding");
    dedupe(&["--near=nonsense"]).stdin("").run().code(2);
}

#[test]
fn near_texts_in_any_language() {
    let chinese =
        "河水在夜里上涨了两米，磨坊被水淹没，通往镇上的桥已经关闭，直到市长星期五亲自察看为止。";
    let input = format!("{chinese}\nПаводок прошёл ночью.\n{}\n", chinese.replace("五", "一"));
    for args in [&["--near", "-R", "-r"][..], &["--near", "-R", "-r", "--shingle", "char:4"]] {
        let outcome = dedupe(args).stdin(input.clone()).run().code(0);
        assert_eq!(outcome.text().lines().count(), 2, "{outcome}");
    }
    let bytes = dedupe(&["--near"]).stdin("{\"text\":{\"bytes\":\"//8=\"}}\n").run().code(1);
    assert_eq!(bytes.error_code(), "unsupported");
}

#[test]
fn texts_of_a_folder_are_read_when_texts_are_compared() {
    let outcome = dedupe(&["--near", "-r", "--as", "path", "notes"])
        .file("notes/a.txt", NEWS)
        .file("notes/b.txt", NEWS.to_uppercase())
        .file("notes/c.txt", "short")
        .run()
        .code(0);
    assert_eq!(outcome.text(), "notes/a.txt\nnotes/c.txt\n");
}

#[test]
fn values_that_are_none_and_lines_that_are_no_json() {
    let input = "{\"a\":null}\n{\"a\":NaN}\n{\"a\":null}\n{\"a\":\"NaN\"}\n{\"b\":1}\n{\"a\":1e999}\n\
        {\"a\":\n\n{\"a\":1e999}\n";
    let outcome = dedupe(&["--by", "a"]).stdin(input).run().code(1);
    let said: Vec<Value> = outcome
        .records()
        .iter()
        .map(|r| if r["error"].is_null() { r["a"].clone() } else { r["error"]["code"].clone() })
        .collect();
    // Null is a value like any other; a number that no float holds is compared as it is written.
    assert_eq!(said.len(), 6, "{outcome}");
    assert_eq!(said[..4], [Value::Null, json!("bad-json"), json!("NaN"), json!("missing-field")]);
    assert_eq!(said[5], json!("bad-json"));
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    for args in [
        &["--near", "--threshold", "0"][..],
        &["--near", "--threshold", "1.5"],
        &["--near", "--shingle", "word:0"],
        &["--near", "--by", "a"],
        &["--by", "a..b"],
        &["--expire", "3d"],
        &["--state", "x", "--expire", "soon"],
        &["--memory", "lots"],
        &["--fold", "colour"],
    ] {
        dedupe(args).stdin("").run().code(2);
    }
}
