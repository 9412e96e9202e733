//! `classify` as its users run it: heads on embeddings, calibration, disagreements.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Program, program, repository};

/// 48 short mails, labelled spam and ham by turns.
fn triage() -> String {
    let path = repository().join("examples/data/triage.jsonl");
    std::fs::read_to_string(path).expect("examples/data/triage.jsonl")
}

fn classify(args: &[&str]) -> Program {
    program("classify").args(args)
}

fn line(text: &str) -> String {
    format!("{}\n", json!({ "text": text }))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Trains a head on `records` and gives the file and the report.
fn trained(records: &str) -> (Vec<u8>, Value) {
    let folder = tempfile_of("records.jsonl", records);
    let path = folder.path().join("a.head");
    let args = ["--train", "records.jsonl", "-o"];
    let run = program("classify").file("records.jsonl", records).args(args).arg(&path).run();
    let report = run.code(0).record();
    (std::fs::read(path).expect("the head"), report)
}

fn tempfile_of(name: &str, content: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(name), content).expect("a file");
    folder
}

#[test]
fn model_a_head_is_trained_used_and_merged() {
    let (head, report) = trained(&triage());
    assert_eq!(
        (&report["records"], &report["classes"]),
        (&json!(48), &json!({"ham":24,"spam":24}))
    );
    assert!(number(&report["accuracy"]) > 0.85, "{report}");
    assert!(number(&report["calibration_error"]) < 0.2, "{report}");
    let input = [
        line("You have won the lottery, send your bank details to claim the money."),
        line("Can you bring the drawings of the pump to the meeting on Monday?"),
    ];
    let run = classify(&["--head", "a.head"]).file("a.head", &head).stdin(input.concat());
    let records = run.run().code(0).records();
    assert_eq!((&records[0]["label"], &records[1]["label"]), (&json!("spam"), &json!("ham")));
    for record in &records {
        let best = record["scores"].as_object().expect("scores").values().map(number);
        assert_eq!(number(&record["confidence"]), best.fold(0.0, f64::max));
        assert_eq!(record["via"][0]["model"], "all-minilm-l6-v2");
    }
    // Merged with itself it says the same.
    let folder = tempfile_of("a.head", std::str::from_utf8(&head).expect("JSON"));
    let at = |name: &str| folder.path().join(name);
    let merge =
        classify(&["--merge"]).args([at("a.head"), at("a.head")]).arg("-o").arg(at("b.head"));
    merge.run().code(0);
    let merged =
        classify(&["--head"]).arg(at("b.head")).stdin(input.concat()).run().code(0).records();
    for (one, other) in records.iter().zip(&merged) {
        let gap = number(&one["scores"]["spam"]) - number(&other["scores"]["spam"]);
        assert!(gap.abs() < 1e-3, "{one} {other}");
    }
    let doubled: Value =
        serde_json::from_slice(&std::fs::read(at("b.head")).expect("it")).expect("JSON");
    assert_eq!(doubled["counts"], json!([48, 48]));
}

#[test]
fn model_heads_of_two_places_know_together_what_each_knows() {
    let of = |part: usize| -> String {
        triage()
            .lines()
            .enumerate()
            .filter(|(n, _)| (n / 2) % 2 == part)
            .map(|(_, l)| format!("{l}\n"))
            .collect()
    };
    let ((a, _), (b, _)) = (trained(&of(0)), trained(&of(1)));
    let folder = tempfile_of("a.head", std::str::from_utf8(&a).expect("JSON"));
    std::fs::write(folder.path().join("b.head"), b).expect("a file");
    let at = |name: &str| folder.path().join(name);
    classify(&["--merge"])
        .args([at("a.head"), at("b.head")])
        .arg("-o")
        .arg(at("c.head"))
        .run()
        .code(0);
    let run = classify(&["--as", "predicted", "--head"]).arg(at("c.head")).stdin(triage());
    let records = run.run().code(0).records();
    let right = records.iter().filter(|r| r["label"] == r["predicted"]).count();
    assert!(right >= 45, "{right} of 48");
}

#[test]
fn model_training_is_the_same_every_time() {
    let ((one, _), (other, _)) = (trained(&triage()), trained(&triage()));
    let parse = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).expect("JSON");
    let (one, other) = (parse(&one), parse(&other));
    assert_eq!(one["strength"], other["strength"]);
    let gap = number(&one["temperature"]) - number(&other["temperature"]);
    assert!(gap.abs() < 0.05, "{gap}");
}

#[test]
fn model_what_cannot_be_trained_on_is_a_setup_error() {
    for (records, message) in [
        ("", "no labels"),
        ("{\"text\":\"a\",\"label\":\"x\"}\n{\"text\":\"b\",\"label\":\"x\"}\n", "only one label"),
        ("{\"text\":\"a\",\"label\":\"x\"}\n{\"text\":\"b\",\"label\":\"y\"}\n", "has one record"),
        ("{\"text\":\"a\"", "line 1"),
    ] {
        let run = classify(&["--train", "r.jsonl", "-o", "h"]).file("r.jsonl", records);
        run.run().code(2).says(message);
    }
    classify(&["--train", "none.jsonl", "-o", "h"]).run().code(2).says("none.jsonl");
    let nowhere = classify(&["--train", "r.jsonl", "-o", "no/h"]).file("r.jsonl", triage());
    nowhere.run().code(2).says("no/h");
}

#[test]
fn a_signal_ends_the_reading_of_labelled_records() {
    let mut running = classify(&["--train", "-", "-o", "a.head"]).start();
    running.send("{\"text\":\"a\",\"label\":\"x\"}");
    std::thread::sleep(Duration::from_millis(500));
    running.signal("INT");
    let (status, lines, messages) = running.end();
    assert_eq!((status, lines.len()), (130, 0), "{messages}");
}

#[test]
fn model_a_head_that_does_not_fit_is_refused() {
    let (head, _) = trained(&triage());
    let with = |head: &[u8], args: &[&str]| {
        classify(&["--head", "a.head"])
            .args(args)
            .file("a.head", head)
            .stdin(line("x"))
            .run()
            .code(2)
    };
    with(&head, &["--model", "smollm2-135m"]);
    with(b"{}", &[]).says("not a head");
    with(&head[..head.len() / 2], &[]).says("not a head");
    let changed = |key: &str, value: &str| {
        let mut head: Value = serde_json::from_slice(&head).expect("a head is JSON");
        *head.pointer_mut(key).expect("a head has it") = value.into();
        head.to_string().into_bytes()
    };
    with(&changed("/format", "else"), &[]).says("format");
    with(&changed("/model/sha256", "00"), &[]).says("trained on embeddings of");
    let merge = classify(&["--merge", "a.head", "b.txt", "-o", "c"]).file("a.head", &head);
    merge.file("b.txt", "x").run().code(2).says("b.txt");
}

#[test]
fn model_heads_take_texts_of_every_length() {
    let (head, _) = trained(&triage());
    let long = "Win a prize, send your bank details today. ".repeat(300);
    let input = [line(""), line(&long), line("水泵坏了。星期四修理。"), line("x")].concat();
    let run = classify(&["--head", "a.head", "--unsure-below", "0.9"]).file("a.head", head);
    let records = run.stdin(input).run().code(0).records();
    assert_eq!(records[0]["label"], "unsure");
    assert_eq!(records[1]["label"], "spam");
    assert!(records[1]["parts"].as_u64() >= Some(5), "{}", records[1]["parts"]);
    for record in &records[2..] {
        assert_eq!(record["label"] == "unsure", number(&record["confidence"]) < 0.9);
    }
}

// ---- confidence ----------------------------------------------------------------------------

#[test]
fn model_a_calibration_gives_labels_a_confidence() {
    let folder = tempfile_of("triage.jsonl", &triage());
    let at = |name: &str| folder.path().join(name);
    let calibrate = classify(&["--labels", "spam,ham", "--calibrate"]).arg(at("triage.jsonl"));
    let report = calibrate.arg("-o").arg(at("c.json")).run().code(0).record();
    assert_eq!(report["records"], 48);
    let coverage = report["coverage"].as_array().expect("coverage");
    let targets: Vec<f64> = coverage.iter().map(|one| number(&one["target"])).collect();
    assert_eq!(targets, [0.95, 0.98, 0.99]);
    assert!(
        number(&report["calibration_error"]) <= number(&report["calibration_error_before"]) + 0.1
    );
    assert!(number(&report["accuracy"]) >= number(&report["accuracy_before"]) - 0.05, "{report}");
    let with = |labels: &str| {
        let run = classify(&["--labels", labels, "--calibration"]).arg(at("c.json"));
        run.stdin(line("Claim your free prize now.")).run()
    };
    let record = with("spam,ham").code(0).record();
    let best = record["scores"].as_object().expect("scores").values().map(number);
    assert_eq!(number(&record["confidence"]), best.fold(0.0, f64::max));
    // It holds for these labels alone.
    with("spam,eggs").code(2).says("other labels");
    let few = classify(&["--labels", "spam,ham", "--calibrate", "few.jsonl", "-o", "c"]);
    few.file("few.jsonl", line("x")).run().code(2).says("are needed");
}

#[test]
fn model_a_head_can_be_calibrated_on_other_records() {
    let (head, _) = trained(&triage());
    let run = classify(&["--head", "a.head", "--calibrate", "-", "-o", "c.json"]);
    let report = run.file("a.head", head).stdin(triage()).run().code(0).record();
    // The records it was trained on: everything is right and may stay.
    assert!(number(&report["accuracy"]) > 0.95, "{report}");
    assert!(number(&report["coverage"][0]["coverage"]) > 0.9, "{report}");
}

#[test]
fn model_disagreements_are_what_to_look_at_first() {
    let (head, _) = trained(&triage());
    // One label is wrong, and one is missing.
    let mut lines: Vec<Value> =
        triage().lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    lines[0]["label"] = json!("ham");
    lines[3].as_object_mut().expect("a record").remove("label");
    let input: String = lines.iter().map(|l| format!("{l}\n")).collect();
    let run = |n: &str| {
        let run = classify(&["--head", "a.head", n]).file("a.head", &head).stdin(input.clone());
        run.run().code(0).records()
    };
    let records = run("--disagreements=5");
    assert_eq!(records.len(), 5);
    assert_eq!((&records[0]["text"], &records[0]["label"]), (&lines[0]["text"], &json!("ham")));
    let first = &records[0]["disagreement"];
    assert_eq!((&first["label"], &first["given"]), (&json!("spam"), &json!("ham")));
    let doubts: Vec<f64> = records.iter().map(|r| number(&r["disagreement"]["doubt"])).collect();
    assert!(doubts.is_sorted_by(|a, b| a >= b), "{doubts:?}");
    let all = run("--disagreements");
    let texts: BTreeSet<&str> = all.iter().filter_map(|r| r["text"].as_str()).collect();
    assert_eq!((all.len(), texts.len()), (48, 48));
    let unlabelled = all.iter().find(|r| r["text"] == lines[3]["text"]).expect("it");
    assert!(unlabelled["label"].is_null() && unlabelled["disagreement"]["given"].is_null());
}
