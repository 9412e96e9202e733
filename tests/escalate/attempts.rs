//! Local attempts first.

use serde_json::json;
use testkit::{Answer, Endpoint, program};

use super::{PRICE, answering, ask, free};

const SCHEMA: &str = r#"{"type":"object","properties":{"n":{"enum":[1]}},"required":["n"],
                        "additionalProperties":false}"#;

#[test]
fn model_what_a_local_model_repeats_is_kept_and_the_rest_goes_on() {
    let endpoint = Endpoint::start(|_| Answer::chat("{\"n\": 1}"));
    // Under this schema there is one answer: the local model cannot but agree with itself.
    let run = free(&endpoint).file("s.json", SCHEMA).args(["--schema", "s.json"]);
    let record = run
        .args(["--try", "local:smollm2-135m", "--jobs", "1"])
        .stdin("{\"text\":\"x\"}\n")
        .run()
        .code(0)
        .record();
    assert_eq!(record["answer"], json!({"n": 1}), "{record}");
    assert_eq!((&record["escalated"], &record["agreement"]), (&json!(false), &json!(1.0)));
    assert!(endpoint.asked().is_empty());
    // Long free answers at random differ.
    let endpoint = answering();
    let record = free(&endpoint)
        .args(["--try", "local:smollm2-135m", "--jobs", "1", "--max-tokens", "24"])
        .stdin("{\"text\":\"Tell a story of a river and seven towns.\"}\n")
        .run()
        .code(0)
        .record();
    assert_eq!((&record["answer"], &record["escalated"]), (&json!("an answer"), &json!(true)));
    assert!(record["agreement"].is_null());
    assert_eq!(record["via"][0]["model"], "fake");
    assert!(record["via"][0]["tokens_in"].as_u64() > Some(10), "attempts are counted: {record}");
    assert_eq!(endpoint.asked().len(), 1);
}

#[test]
fn model_what_is_private_and_in_dispute_stays_here() {
    let endpoint = answering();
    let away = endpoint.url().replace("127.0.0.1", "localhost.");
    let run = |more: &[&str]| {
        program("escalate")
            .args(["-Q", "Tell a long story about this.", "--model", "fake", "--price", "0,0"])
            .args(["--to", &away, "--try", "local:smollm2-135m", "--max-tokens", "24"])
            .args(more)
            .stdin("{\"text\":\"Write to ann@example.org about the river.\"}\n")
            .run()
    };
    let error = run(&[]).code(1).record()["error"].clone();
    assert_eq!(error["code"], "refused");
    assert!(error["message"].as_str().is_some_and(|m| m.contains("--redact")), "{error}");
    assert!(endpoint.asked().is_empty());
}

#[test]
fn model_what_was_settled_here_counts_as_passed() {
    let state = tempfile::tempdir().expect("a folder");
    let endpoint = answering();
    let run = ask(&endpoint).args(PRICE).args(["--pipeline", "post", "--schema", "s.json"]);
    let run = run.file("s.json", SCHEMA).env("HEADWATER_STATE", state.path());
    let record = run
        .args(["--try", "local:smollm2-135m", "--samples", "5", "--agree", "0.6"])
        .stdin("{\"text\":\"x\"}\n")
        .run()
        .code(0)
        .record();
    assert_eq!((&record["escalated"], &record["agreement"]), (&json!(false), &json!(1.0)));
    let ledger = program("escalate").arg("--ledger").env("HEADWATER_STATE", state.path());
    let rows = ledger.run().code(0).records();
    let row = rows.iter().find(|row| row["pipeline"] == "post").expect("a row");
    assert_eq!((&row["passed"], &row["calls"]), (&json!(1), &json!(0)));
}

#[test]
fn only_a_model_on_this_machine_is_tried_and_only_about_single_records() {
    let endpoint = answering();
    free(&endpoint).args(["--try", "openai"]).run().code(2).says("local:MODEL");
    free(&endpoint).args(["--try", "local:none-such"]).run().code(2).says("none-such");
    for more in [&["--all"][..], &["--batch", "2"]] {
        free(&endpoint)
            .args(["--try", "local:smollm2-135m"])
            .args(more)
            .run()
            .code(2)
            .says("--try");
    }
    program("escalate").args(["-Q", "x", "--samples", "0"]).run().code(2);
}
