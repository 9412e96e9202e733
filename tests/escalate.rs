//! `escalate` as its users run it, against a provider that the test plays.

#[path = "escalate/ask.rs"]
mod ask;
#[path = "escalate/attempts.rs"]
mod attempts;
#[path = "escalate/chain.rs"]
mod chain;
#[path = "escalate/crash.rs"]
mod crash;
#[path = "escalate/faults.rs"]
mod faults;
#[path = "escalate/gate.rs"]
mod gate;
#[path = "escalate/leaks.rs"]
mod leaks;
#[path = "escalate/money.rs"]
mod money;
#[path = "escalate/offline.rs"]
mod offline;
#[path = "escalate/tls.rs"]
mod tls;

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Answer, Endpoint, Program, program, programs_folder};

const KEY: &str = "sk-secret-of-the-test";

fn answering() -> Endpoint {
    Endpoint::start(|_| Answer::chat("an answer"))
}

fn ask(endpoint: &Endpoint) -> Program {
    program("escalate").args([
        "--model",
        "fake",
        "--question",
        "What is it?",
        "--to",
        &endpoint.url(),
    ])
}

fn free(endpoint: &Endpoint) -> Program {
    ask(endpoint).args(["--price", "0,0"])
}

#[test]
fn only_what_the_expression_chooses_is_sent() {
    let endpoint = answering();
    let sure = r#"{"confidence": 0.90,"text":"sure" , "n":12345678901234567890}"#;
    let input = format!("{sure}\n{{\"confidence\":0.2,\"text\":\"unsure <this>\"}}\n");
    let outcome = free(&endpoint).args(["--when", ".confidence < 0.6"]).stdin(input).run().code(0);
    let lines: Vec<&str> = outcome.text().lines().collect();
    assert_eq!(lines[0], sure, "what is not asked about passes byte for byte");
    let record = &outcome.records()[1];
    assert_eq!((&record["answer"], &record["escalated"]), (&json!("an answer"), &json!(true)));
    assert_eq!(record["via"][0]["tokens_in"], 10);
    let asked = endpoint.asked();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].path.ends_with("/v1/chat/completions"));
    let prompt = asked[0].body["messages"].to_string();
    assert!(prompt.contains("What is it?") && prompt.contains("unsure <this>"));
    assert!(!prompt.contains("\"sure\""));
}

#[test]
fn an_expression_can_be_wrong_or_fail_or_loop() {
    let endpoint = answering();
    let when = |expr: &str, input: &str| {
        free(&endpoint).args(["--when", expr]).stdin(input.to_owned()).run()
    };
    when(".a ==", "").code(2).says("--when");
    when("nonsense(.)", "").code(2).says("--when");
    let input = "{\"text\":\"x\",\"a\":\"word\"}\n{\"text\":\"y\",\"a\":1}\n";
    let failed = when("(.a | tonumber) > 0", input).code(1);
    let records = failed.records();
    assert!(records[0]["error"]["message"].as_str().is_some_and(|m| m.contains("--when")));
    assert_eq!(records[1]["answer"], "an answer");
    let endless = when("def f: f; f", "{\"text\":\"x\"}\n").code(1);
    assert!(endless.record()["error"].is_object());
    assert!(when("$ENV.HOME != null or env.HOME != null", "{\"text\":\"x\"}\n").code(0).record()
        ["answer"]
        .is_null());
}

#[test]
fn everything_left_is_one_question_in_input_order() {
    let endpoint = answering();
    let input: String = (0..30)
        .map(|n| {
            format!("{}\n", json!({"id": format!("r{n}"), "n": n, "text": format!("text-{n}-")}))
        })
        .collect();
    let outcome = free(&endpoint)
        .args(["--all", "--jobs", "4", "--when", ".n % 3 == 0"])
        .stdin(input)
        .run()
        .code(0);
    let records = outcome.records();
    assert_eq!(records.len(), 21, "20 pass, one answers");
    let answer = &records[20];
    assert_eq!(answer["answer"], "an answer");
    let expected: Vec<String> = (0..30).step_by(3).map(|n| format!("r{n}")).collect();
    assert_eq!(answer["sources"], json!(expected));
    let prompt =
        endpoint.asked()[0].body["messages"][1]["content"].as_str().expect("it").to_owned();
    let places: Vec<_> =
        (0..30).step_by(3).map(|n| prompt.find(&format!("text-{n}-")).expect("there")).collect();
    assert!(places.is_sorted());
    let nothing = free(&endpoint).args(["--all", "--when", "false"]).stdin("{\"text\":\"x\"}\n");
    assert_eq!(nothing.run().code(0).text(), "{\"text\":\"x\"}\n");
    assert_eq!(endpoint.asked().len(), 1);
}

#[test]
fn a_failed_question_about_all_loses_no_record() {
    let endpoint = Endpoint::start(|_| Answer::of(400, "{\"error\":{\"message\":\"no\"}}"));
    let input = "{\"n\":1,\"text\":\"x\"}\n{\"n\":2,\"text\":\"y\"}\n";
    let records = free(&endpoint).arg("--all").stdin(input).run().code(1).records();
    let numbers: Vec<_> = records.iter().map(|r| r["n"].clone()).collect();
    assert_eq!(numbers, [json!(1), json!(2)]);
    assert!(records.iter().all(|r| r["error"]["code"] == "remote"));
}

#[test]
fn a_key_goes_into_its_header_and_nowhere_else() {
    let endpoint = Endpoint::start(|asked| {
        // A provider that repeats what it was sent must not make us print it.
        let echo = asked.headers.iter().find(|h| h.to_lowercase().starts_with("authorization"));
        Answer::of(401, &json!({"error": {"message": echo}}).to_string())
    });
    for run in [
        ask(&endpoint).env("MY_KEY", KEY).args(["--key-env", "MY_KEY"]),
        ask(&endpoint).file("key.txt", format!("{KEY}\n")).args(["--key-file", "key.txt"]),
    ] {
        let outcome = run.args(["-vvv"]).stdin("{\"text\":\"x\"}\n").run().code(1);
        assert!(!outcome.text().contains(KEY), "{outcome}");
        assert!(!outcome.messages().contains(KEY), "{outcome}");
    }
    let asked = endpoint.asked();
    assert_eq!(asked.len(), 2);
    for asked in asked {
        assert!(asked.headers.iter().any(|h| h.ends_with(&format!("Bearer {KEY}"))));
        assert!(!asked.body.to_string().contains(KEY) && !asked.path.contains(KEY));
    }
    ask(&endpoint).args(["--key-env", "NO_SUCH_KEY"]).run().code(2).says("NO_SUCH_KEY");
}

fn provider_failure(endpoint: &Endpoint, attempts: &str) -> Value {
    let input = "{\"n\":1,\"text\":\"x\"}\n{\"n\":2,\"text\":\"y\"}\n";
    let run = free(endpoint).args(["--attempts", attempts, "--timeout", "2", "--jobs", "1"]);
    let records = run.stdin(input).run().code(1).records();
    assert_eq!(records.len(), 2);
    records[0]["error"].clone()
}

#[test]
fn what_a_provider_can_do_wrong_is_one_failure_each() {
    for (status, body) in [
        (200, "garbage"),
        (200, "{}"),
        (200, "{\"choices\":[]}"),
        (400, "{\"error\":{\"message\":\"bad request\"}}"),
        (302, ""),
        (500, "oops"),
    ] {
        let endpoint = Endpoint::start(move |_| Answer::of(status, body));
        let error = provider_failure(&endpoint, "1");
        assert_eq!(error["code"], "remote", "{status} {body}: {error}");
        // A garbled answer may be a passing fault of something on the way; a refusal is not.
        let retry = error["retry"] == true;
        assert!(status == 200 || retry == (status == 500), "{status} {body}: {error}");
    }
    let slow = Endpoint::start(|_| {
        std::thread::sleep(Duration::from_secs(6));
        Answer::chat("too late")
    });
    assert_eq!(provider_failure(&slow, "1")["code"], "timeout");
    let gone = "http://127.0.0.1:1/v1";
    let run = program("escalate").args(["--model", "m", "--question", "q", "--to", gone]);
    let run = run.args(["--price", "0,0", "--attempts", "1"]).stdin("{\"text\":\"x\"}\n").run();
    let record = run.code(1).record();
    assert_eq!(
        (&record["error"]["code"], &record["error"]["retry"]),
        (&json!("remote"), &json!(true))
    );
}

#[test]
fn a_passing_overload_is_waited_for() {
    let calls = AtomicUsize::new(0);
    let endpoint = Endpoint::start(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
        0 => Answer::of(503, "busy"),
        1 => Answer { headers: vec!["Retry-After: 1".into()], ..Answer::of(429, "slow down") },
        _ => Answer::chat("at last"),
    });
    let started = Instant::now();
    let record = free(&endpoint).stdin("{\"text\":\"x\"}\n").run().code(0).record();
    assert_eq!(record["answer"], "at last");
    assert!(started.elapsed() >= Duration::from_secs(1), "Retry-After was honoured");
    assert_eq!(endpoint.asked().len(), 3);
}

/// A call costs 15 micro-dollars at this price: 10 tokens in, 5 out.
const PRICE: [&str; 2] = ["--price", "1.00,1.00"];

#[test]
fn a_budget_stops_in_time_and_records_pass() {
    let endpoint = answering();
    let input: String =
        (0..60).map(|n| format!("{}\n", json!({"n": n, "text": format!("x{n:02}")}))).collect();
    let outcome = ask(&endpoint)
        .args(PRICE)
        .args(["--budget", "0.0013", "--max-tokens", "10", "--jobs", "3"])
        .stdin(input)
        .run()
        .code(3)
        .says("over the budget");
    let records = outcome.records();
    assert_eq!(records.len(), 60);
    let (asked, passed): (Vec<&Value>, Vec<&Value>) =
        records.iter().partition(|r| r["escalated"] == true);
    assert!(!asked.is_empty() && !passed.is_empty(), "{outcome}");
    assert!(passed.iter().all(|r| r["escalated"] == false && r["answer"].is_null()));
    assert_eq!(endpoint.asked().len(), asked.len());
    let spent: f64 = asked.iter().map(|r| r["via"][0]["cost"].as_f64().expect("a cost")).sum();
    assert!(spent <= 0.0013, "{spent}");
}

#[test]
fn a_killed_process_has_spent_what_it_set_aside() {
    let stuck = Endpoint::start(|_| {
        std::thread::sleep(Duration::from_secs(30));
        Answer::chat("never seen")
    });
    let state = tempfile::tempdir().expect("a folder");
    let budget = ["--budget-day", "0.0012", "--max-tokens", "10"];
    let mut running =
        ask(&stuck).args(PRICE).args(budget).env("HEADWATER_STATE", state.path()).start();
    running.send("{\"text\":\"x\"}");
    while stuck.asked().is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    running.signal("KILL");
    assert_eq!(running.end().0, 137);
    let endpoint = answering();
    let again = ask(&endpoint).args(PRICE).args(budget).env("HEADWATER_STATE", state.path());
    let outcome = again.stdin("{\"text\":\"x\"}\n").run().code(3);
    assert_eq!(outcome.record()["escalated"], false, "the dead call still counts");
    assert!(endpoint.asked().is_empty());
}

#[test]
fn a_budget_needs_a_price_and_a_provider_a_name() {
    let endpoint = answering();
    ask(&endpoint).args(["--budget", "1"]).run().code(2).says("--price");
    let unpriced = program("escalate").args(["--question", "q", "--to", "groq"]);
    unpriced.env("GROQ_API_KEY", "k").run().code(2).says("--price");
    program("escalate").args(["--question", "q", "--to", "nobody"]).run().code(2).says("openai");
    program("escalate")
        .args(["--question", "q", "--to", "openai"])
        .run()
        .code(2)
        .says("OPENAI_API_KEY");
    program("escalate").args(["--question", "q", "--to", "local:none"]).run().code(2);
    let missing = program("escalate").env("HEADWATER_MODELS", "/nonexistent");
    let missing = missing.args(["--question", "q", "--to", "local:smollm2-135m"]).run().code(2);
    missing.says("models pull smollm2-135m");
    let empty = program("escalate").env("HEADWATER_MODELS", "/nonexistent");
    empty.args(["--question", "q"]).run().code(2).says("models pull");
    ask(&endpoint).args(["--price", "1"]).run().code(2).says("--price");
}

/// Processes named `serve` that were started for the socket folders of this test run's user.
fn private_servers(parent: u32) -> usize {
    let output = Command::new("ps").args(["-eo", "ppid=,args="]).output().expect("ps runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let serve = programs_folder().join("serve").display().to_string();
    text.lines()
        .filter(|l| l.contains(&serve) && l.trim_start().starts_with(&format!("{parent} ")))
        .count()
}

#[test]
fn model_a_local_model_answers_and_its_server_goes_with_us() {
    let local = || {
        program("escalate")
            .args(["--to", "local:smollm2-135m", "--max-tokens", "12"])
            .args(["--question", "Which animal is this about?"])
    };
    let record = local().stdin("{\"text\":\"The cat sat on the mat.\"}\n").run().code(0).record();
    assert!(record["answer"].as_str().is_some_and(|a| !a.is_empty()));
    assert_eq!(record["via"][0]["cost"], 0.0);
    for signal in ["INT", "KILL"] {
        let mut running = local().stdin("").start();
        running.send("{\"text\":\"The dog sat on the log.\"}");
        running.line();
        let id = running.id();
        assert_eq!(private_servers(id), 1);
        let child = child_of(id);
        // In the middle of an answer of many tokens.
        running.send(&format!("{{\"text\":\"{}\"}}", "The dog sat on the log. ".repeat(60)));
        std::thread::sleep(Duration::from_millis(300));
        running.signal(signal);
        running.end();
        let deadline = Instant::now() + Duration::from_secs(10);
        while alive(&child) {
            assert!(Instant::now() < deadline, "serve outlived {signal}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn child_of(parent: u32) -> String {
    let output = Command::new("ps").args(["-o", "pid=", "--ppid", &parent.to_string()]).output();
    String::from_utf8_lossy(&output.expect("ps runs").stdout).trim().to_owned()
}

fn alive(pid: &str) -> bool {
    let status = Command::new("kill").args(["-0", pid]).stderr(Stdio::null()).status();
    status.expect("kill runs").success()
}
