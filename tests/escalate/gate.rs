//! Which records are sent, and how the threshold is found.

use serde_json::{Value, json};
use testkit::program;

use super::{answering, free};

fn lines(records: impl IntoIterator<Item = Value>) -> String {
    records.into_iter().map(|record| format!("{record}\n")).collect()
}

fn sent(records: &[Value]) -> Vec<i64> {
    records.iter().filter(|r| r["escalated"] == true).filter_map(|r| r["n"].as_i64()).collect()
}

#[test]
fn below_a_threshold_or_without_confidence_is_sent() {
    let endpoint = answering();
    let sure = [json!(0.7), json!(0.69), json!(null), json!("high"), json!(1)];
    let mut records: Vec<Value> = (0..)
        .zip(sure)
        .map(|(n, c)| json!({"n": n, "text": format!("t{n}"), "confidence": c}))
        .collect();
    records.push(json!({"n": 5, "text": "t5"}));
    let outcome = free(&endpoint).args(["--below", "0.7"]).stdin(lines(records)).run().code(1);
    let out = outcome.records();
    assert_eq!(sent(&out), [1, 2, 5]);
    assert_eq!(out[3]["error"]["code"], "missing-field");
    let both = free(&endpoint).args(["--below", "0.7", "--when", ".n == 1"]);
    let input = lines((0..3).map(|n| json!({"n": n, "text": format!("u{n}"), "confidence": 0.1})));
    assert_eq!(sent(&both.stdin(input).run().code(0).records()), [1]);
    free(&endpoint).args(["--below", "70"]).run().code(2).says("0 to 1");
}

#[test]
fn the_least_sure_come_last_and_the_rest_passes() {
    let input = lines((0..40).map(
        |n| json!({"n": n, "text": format!("t{n}"), "confidence": f64::from(n * 7 % 40) / 40.0}),
    ));
    for jobs in ["1", "4"] {
        let endpoint = answering();
        let run = free(&endpoint).args(["--top", "5", "--jobs", jobs, "--below", "0.9"]);
        let records = run.stdin(input.clone()).run().code(0).records();
        assert_eq!(records.len(), 40);
        let mut least: Vec<i64> = (0..40).filter(|n| n * 7 % 40 < 5).collect();
        least.sort_unstable();
        assert_eq!(sent(&records), least);
        assert!(records[..35].iter().all(|r| r["escalated"].is_null()));
        assert_eq!(endpoint.asked().len(), 5);
    }
    let endpoint = answering();
    let all = free(&endpoint).args(["--top", "3", "--all"]).stdin(input).run().code(0).records();
    assert_eq!((all.len(), endpoint.asked().len()), (38, 1));
    assert_eq!(all[37]["sources"].as_array().map(Vec::len), Some(3));
}

#[test]
fn an_audit_takes_the_same_sample_every_time() {
    let input = lines((0..200).map(
        |n| json!({"id": format!("r{n}"), "n": n, "text": format!("t{n}"), "confidence": 0.9}),
    ));
    let run = |more: &[&str]| {
        let endpoint = answering();
        let run = free(&endpoint).args(["--sample", "0.1"]).args(more).stdin(input.clone());
        let records = run.run().code(0).records();
        assert!(records.iter().all(|r| r["sampled"] == r["escalated"]));
        sent(&records)
    };
    let one = run(&[]);
    assert!((8..35).contains(&one.len()), "{}", one.len());
    assert_eq!(one, run(&["--below", "0.5"]));
    assert_ne!(one, run(&["--seed", "1"]));
    let endpoint = answering();
    let some = free(&endpoint).args(["--sample", "0.1", "--below", "0.5"]);
    let unsure = lines([json!({"n": 1, "text": "x", "confidence": 0.1})]);
    let record = some.stdin(unsure).run().code(0).record();
    assert_eq!((&record["escalated"], &record["sampled"]), (&json!(true), &Value::Null));
}

fn labelled() -> String {
    // The small model is wrong where it is less sure than 0.3, the big one twice in a hundred.
    lines((0..100).map(|n| {
        let sure = f64::from(n) / 100.0;
        let answer = if n % 50 == 10 { "no" } else { "Yes " };
        json!({"truth": "yes", "label": if sure < 0.3 { "no" } else { "yes" }, "confidence": sure,
               "answer": answer, "text": "x".repeat(400)})
    }))
}

#[test]
fn calibration_prints_the_curve_and_chooses() {
    let calibrate = |more: &[&str]| {
        let run = program("escalate").file("labelled.jsonl", labelled());
        run.args(["--calibrate", "labelled.jsonl", "--to", "openai"]).args(more).run()
    };
    let points = calibrate(&["--want-accuracy", "0.95"]).code(0).records();
    let (first, last) = (&points[0], &points[points.len() - 1]);
    assert_eq!((&first["policy"], &first["accuracy"]), (&json!("always-small"), &json!(0.7)));
    assert_eq!((&last["policy"], &last["accuracy"]), (&json!("always-big"), &json!(0.98)));
    assert_eq!((first["cost"].as_f64(), &last["threshold"]), (Some(0.0), &Value::Null));
    // 250 tokens in at 0.15 and 512 out at 0.60 dollars for a million, a thousand times.
    assert!(last["cost"].as_f64().is_some_and(|c| (0.3..0.4).contains(&c)), "{last}");
    let chosen: Vec<&Value> = points.iter().filter(|p| p["chosen"] == true).collect();
    assert_eq!((chosen.len(), &chosen[0]["threshold"]), (1, &json!(0.26)));
    assert!(chosen[0]["accuracy_low"].as_f64() < chosen[0]["accuracy"].as_f64());
    assert_eq!(calibrate(&["--want-accuracy", "0.95", "-r"]).code(0).text(), "0.26\n");
    let cheap = calibrate(&["--want-cost", "0.05", "-r"]).code(0);
    let threshold: f64 = cheap.text().trim().parse().expect("a number");
    assert!((0.1..0.2).contains(&threshold), "{threshold}");
    calibrate(&["--want-accuracy", "1"]).code(1).says("no threshold");
}

#[test]
fn calibration_says_which_lines_it_cannot_use() {
    let run = |text: &str| {
        let run = program("escalate").file("l.jsonl", text);
        run.args(["--calibrate", "l.jsonl", "--price", "1,1"]).run()
    };
    let good = "{\"truth\":\"a\",\"label\":\"a\",\"confidence\":0.5}\n";
    let outcome = run(&format!("{good}not json\n\n{{\"label\":\"b\",\"confidence\":1}}\n"));
    let outcome = outcome.code(1).says("l.jsonl, line 2").says("line 4");
    let codes: Vec<Value> = outcome.records().iter().map(|r| r["error"]["code"].clone()).collect();
    assert_eq!(codes[..2], [json!("bad-json"), json!("missing-field")]);
    run("").code(2).says("no labelled records");
    program("escalate").args(["--calibrate", "missing.jsonl"]).run().code(2).says("missing.jsonl");
}

#[test]
fn an_expression_that_wants_all_memory_costs_its_record_only() {
    let endpoint = answering();
    let input = lines((0..4).map(|n| json!({"n": n, "text": format!("t{n}"), "big": n % 2 == 0})));
    for hungry in ["\"x\" * 1e10 | length > 0", "[limit(4e6; repeat(\"x\" * 1000))] | length > 0"] {
        let expression = format!("if .big then {hungry} else true end");
        let run = free(&endpoint).args(["--when", &expression]).stdin(input.clone());
        let records = run.run().code(1).records();
        assert_eq!(sent(&records), [1, 3], "{hungry}");
        for hungry in [&records[0], &records[2]] {
            assert_eq!(hungry["error"]["code"], "unsupported", "{hungry}");
        }
    }
}

#[test]
fn the_process_that_evaluates_goes_with_us() {
    let endpoint = answering();
    let mut running = free(&endpoint).args(["--when", "[range(3)] | length == 3"]).start();
    running.send("{\"text\":\"x\"}");
    running.line();
    let child = super::child_of(running.id());
    assert!(super::alive(&child));
    running.signal("KILL");
    running.end();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while super::alive(&child) {
        assert!(std::time::Instant::now() < deadline, "it outlived its parent");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
