//! `--offline-batch`, against a provider whose batch interface the test plays.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Answer, Asked, Endpoint, Program, program};

/// What the provider has, and what it is to do.
#[derive(Default)]
struct State {
    files: BTreeMap<String, String>,
    batches: Vec<Value>,
    /// Requests whose answer never comes: path, and whether they take effect.
    hang: Option<(&'static str, bool)>,
    /// What a batch's status is; in progress where there is none.
    status: Option<&'static str>,
    /// Results of requests by the text that they are about, in place of an answer.
    results: BTreeMap<&'static str, Value>,
    /// Put before the results.
    rubbish: String,
}

type Shared = Arc<Mutex<State>>;

struct Provider {
    endpoint: Endpoint,
    shared: Shared,
    /// The programs' ledger.
    home: TempDir,
}

impl Provider {
    fn start() -> Self {
        let shared = Shared::default();
        let seen = Arc::clone(&shared);
        let endpoint = Endpoint::start(move |asked| openai(&seen, asked));
        Self { endpoint, shared, home: tempfile::tempdir().expect("a folder") }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.lock().expect("no panic")
    }

    fn run(&self, half: &str) -> Program {
        program("escalate")
            .args(["--model", "fake", "--to", &self.endpoint.url(), "--price", "1.00,1.00"])
            .args(["--attempts", "1", "--max-tokens", "10", "--offline-batch", half])
            .env("HEADWATER_STATE", self.home.path())
    }

    fn submit(&self) -> Program {
        self.run("submit").args(["--question", "What is it?", "--below", "0.5"])
    }

    fn ledger(&self) -> Value {
        let run = program("escalate").arg("--ledger").env("HEADWATER_STATE", self.home.path());
        run.run().code(0).records().pop().expect("a sum")
    }
}

/// The text that a request is about.
fn about(request: &Value) -> String {
    let prompt = request["body"]["messages"][1]["content"].as_str().expect("a prompt");
    prompt.lines().find(|l| l.starts_with("text ")).expect("a text").to_owned()
}

fn openai(shared: &Shared, asked: &Asked) -> Answer {
    let (path, hang) = {
        let state = shared.lock().expect("no panic");
        let path = asked.path.strip_prefix("/v1").expect("the base").to_owned();
        (path.clone(), state.hang.filter(|(at, _)| asked.method == "POST" && *at == path))
    };
    if hang.is_some_and(|(_, takes_effect)| !takes_effect) {
        thread::sleep(Duration::from_secs(60));
    }
    let answer = reply(&mut shared.lock().expect("no panic"), asked, &path);
    if hang.is_some() {
        thread::sleep(Duration::from_secs(60));
    }
    answer
}

fn reply(state: &mut State, asked: &Asked, path: &str) -> Answer {
    let path = path.split('?').next().unwrap_or_default();
    let value = match (asked.method.as_str(), path) {
        ("POST", "/files") => {
            let raw = String::from_utf8_lossy(&asked.raw).into_owned();
            let lines: Vec<&str> = raw.lines().filter(|l| l.starts_with("{\"custom_id")).collect();
            let id = format!("file-{}", state.files.len());
            assert!(raw.contains("name=\"purpose\"\r\n\r\nbatch\r\n"), "{raw}");
            state.files.insert(id.clone(), lines.join("\n"));
            json!({"id": id})
        }
        ("POST", "/batches") => {
            assert_eq!(asked.body["endpoint"], "/v1/chat/completions");
            let id = format!("batch_{}", state.batches.len());
            let batch = json!({"id": id, "input_file_id": asked.body["input_file_id"],
                               "metadata": asked.body["metadata"]});
            state.batches.push(batch.clone());
            batch
        }
        ("GET", "/batches") => json!({"data": state.batches, "has_more": false}),
        ("GET", path) if path.starts_with("/batches/") => {
            let id = path.trim_start_matches("/batches/");
            let known = state.batches.iter().any(|batch| batch["id"] == id);
            if !known {
                return Answer::of(404, "{\"error\":{\"message\":\"no such batch\"}}");
            }
            let ended = state.status.is_some_and(|s| s != "failed");
            json!({"id": id, "status": state.status.unwrap_or("in_progress"),
                   "errors": {"data": [{"message": "line 1 is wrong"}]},
                   "output_file_id": ended.then(|| format!("of-{id}"))})
        }
        ("GET", path) => return Answer::of(200, &results(state, path)),
        _ => return Answer::of(404, "{}"),
    };
    Answer::of(200, &value.to_string())
}

/// The results of a batch, in an order that is not that of the requests.
fn results(state: &State, path: &str) -> String {
    let id = path.trim_start_matches("/files/of-").trim_end_matches("/content");
    let batch = state.batches.iter().find(|batch| batch["id"] == id).expect("a batch");
    let file = &state.files[batch["input_file_id"].as_str().expect("a file")];
    let mut lines = Vec::new();
    for request in file.lines().rev() {
        let request: Value = serde_json::from_str(request).expect("a request");
        let text = about(&request);
        let good = || {
            let body = String::from_utf8(Answer::chat(&text.to_uppercase()).body).expect("text");
            json!({"response": {"status_code": 200,
                                "body": serde_json::from_str::<Value>(&body).expect("json")}})
        };
        let mut result = state.results.get(text.as_str()).cloned().unwrap_or_else(good);
        if !result.is_null() {
            result["custom_id"] = request["custom_id"].clone();
            lines.push(result.to_string());
        }
    }
    format!("{}{}", state.rubbish, lines.join("\n"))
}

fn input() -> String {
    (0..6)
        .map(|n| {
            format!(
                "{}\n",
                json!({"n": n, "confidence": f64::from(n % 2), "text": format!("text {n}")})
            )
        })
        .collect()
}

fn numbers(records: &[Value]) -> Vec<i64> {
    records.iter().map(|r| r["n"].as_i64().expect("a number")).collect()
}

#[test]
fn what_is_submitted_comes_back_once_in_its_order_at_the_batchs_price() {
    let provider = Provider::start();
    let passed = provider.submit().stdin(input()).run().code(0).says("3 records wait").records();
    assert_eq!(numbers(&passed), [1, 3, 5]);
    assert!(provider.ledger()["pending"].as_f64() > Some(0.0));
    let running = provider.run("collect").run().code(0).says("1 batches are under way");
    assert_eq!(running.text(), "");
    provider.state().status = Some("completed");
    let records = provider.run("collect").run().code(0).records();
    assert_eq!(numbers(&records), [0, 2, 4]);
    for record in &records {
        let text = format!("TEXT {}", record["n"]);
        assert_eq!((&record["answer"], &record["escalated"]), (&json!(text), &json!(true)));
        // Ten tokens in, five out, a dollar for a million.
        assert_eq!(record["via"][0]["cost"], 15e-6);
    }
    let ledger = provider.ledger();
    assert_eq!((&ledger["calls"], &ledger["spent"]), (&json!(3), &json!(45e-6)));
    assert_eq!(ledger["pending"], 0.0);
    assert_eq!(provider.run("collect").run().code(0).text(), "");
    // What was answered is there for every later run.
    let again = provider.submit().stdin(input()).run().code(0).records();
    assert_eq!(again.len(), 6);
    assert_eq!(provider.state().batches.len(), 1);
}

#[test]
fn killed_at_any_step_one_batch_is_made_and_paid() {
    for (at, takes_effect) in
        [("/files", false), ("/files", true), ("/batches", false), ("/batches", true)]
    {
        let provider = Provider::start();
        provider.state().hang = Some((at, takes_effect));
        let mut running = provider.submit().start();
        for line in input().lines() {
            running.send(line);
        }
        running.close_stdin();
        let path = format!("/v1{at}");
        while !provider.endpoint.asked().iter().any(|a| a.method == "POST" && a.path == path)
            || (takes_effect && at == "/batches" && provider.state().batches.is_empty())
        {
            thread::sleep(Duration::from_millis(5));
        }
        running.signal("KILL");
        running.end();
        provider.state().hang = None;
        // The user's job runs again over the same input.
        let passed = provider.submit().stdin(input()).run().code(0).records();
        assert_eq!(numbers(&passed), [1, 3, 5], "{at}");
        assert_eq!(provider.state().batches.len(), 1, "{at}: {takes_effect}");
        provider.state().status = Some("completed");
        let records = provider.run("collect").run().code(0).records();
        assert_eq!(numbers(&records), [0, 2, 4], "{at}");
        assert_eq!(provider.ledger()["spent"], 45e-6, "{at}");
    }
}

#[test]
fn what_was_gathered_is_sent_by_whoever_comes_next() {
    let provider = Provider::start();
    let mut running = provider.submit().args(["--jobs", "1"]).start();
    let line = json!({"n": 0, "confidence": 0.1, "text": "text 0"}).to_string();
    running.send(&line);
    // It passes only after the first one was taken in.
    running.send("{\"n\":1,\"confidence\":1,\"text\":\"x\"}");
    running.line();
    running.signal("KILL");
    running.end();
    assert!(provider.state().batches.is_empty());
    provider.state().status = Some("completed");
    let records = provider.run("collect").run().code(0).records();
    assert_eq!((numbers(&records), provider.state().batches.len()), (vec![0], 1));
}

#[test]
fn each_request_has_an_outcome_of_its_own_and_the_same_line_twice_is_two_records() {
    let provider = Provider::start();
    let line = |n: i64| json!({"n": n, "text": format!("text {n}")}).to_string();
    let lines: Vec<String> = [0, 1, 2, 3, 4, 0].map(line).into();
    let run = provider.run("submit").args(["--question", "q"]);
    assert_eq!(run.stdin(lines.join("\n")).run().code(0).text(), "");
    {
        let mut state = provider.state();
        state.status = Some("expired");
        let refused = json!({"response": {"status_code": 400,
                             "body": {"error": {"message": "too rude"}}}});
        state.results.insert("text 1", refused);
        let expired = json!({"response": null, "error": {"code": "batch_expired"}});
        state.results.insert("text 2", expired);
        state.results.insert("text 3", Value::Null);
        let garbled = json!({"response": {"status_code": 200, "body": {"choices": 7}}});
        state.results.insert("text 4", garbled);
        let stranger = json!({"custom_id": "not-ours", "response": {"status_code": 200}});
        state.rubbish = format!("<html>\n\n{stranger}\n");
    }
    let records = provider.run("collect").run().code(1).records();
    assert_eq!(numbers(&records), [0, 1, 2, 3, 4, 0]);
    assert_eq!(
        (&records[0]["answer"], &records[5]["answer"]),
        (&json!("TEXT 0"), &json!("TEXT 0"))
    );
    assert_eq!(records[5]["via"][0]["cached"], true);
    let error = |n: usize| (&records[n]["error"]["code"], &records[n]["error"]["retry"]);
    assert!(records[1]["error"]["message"].as_str().is_some_and(|m| m.contains("too rude")));
    assert_eq!(error(2), (&json!("timeout"), &json!(true)));
    assert_eq!(error(3), (&json!("timeout"), &json!(true)));
    assert_eq!(records[4]["error"]["code"], "remote");
    let ledger = provider.ledger();
    // One answer; and what nobody can read may have been charged for.
    let (spent, expired) = (ledger["spent"].as_f64(), ledger["expired"].as_f64());
    assert!(expired > Some(0.0), "{ledger}");
    assert!((spent.unwrap_or(0.0) - expired.unwrap_or(0.0) - 15e-6).abs() < 1e-12, "{ledger}");
    // What failed is asked again by the next submit, the answered one is not.
    let run = provider.run("submit").args(["--question", "q"]).stdin(lines.join("\n"));
    assert_eq!(numbers(&run.run().code(0).says("4 records wait").records()), [0, 0]);
}

#[test]
fn a_budget_holds_for_what_waits_and_a_failed_batch_gives_it_back() {
    let provider = Provider::start();
    let submit = || provider.submit().args(["--budget-day", "0.002"]).stdin(input()).run();
    let records = submit().code(3).says("over the budget").records();
    let unasked: Vec<&Value> = records.iter().filter(|r| r["escalated"] == false).collect();
    assert!((1..3).contains(&unasked.len()), "{}", unasked.len());
    let pending = provider.ledger()["pending"].as_f64().expect("a sum");
    assert!(pending > 0.0 && pending <= 0.002, "{pending}");
    provider.state().status = Some("failed");
    let failed = provider.run("collect").run().code(1).records();
    assert_eq!(failed.len() + unasked.len(), 3);
    let message = failed[0]["error"]["message"].as_str().expect("why");
    assert!(message.contains("line 1 is wrong"), "{message}");
    assert_eq!(provider.ledger()["spent"], 0.0);
}

#[test]
fn a_provider_that_talks_nonsense_loses_nothing() {
    let mode = Arc::new(Mutex::new((200, "<html>")));
    let said = Arc::clone(&mode);
    let broken = Endpoint::start(move |_| {
        let (status, body) = *said.lock().expect("no panic");
        Answer::of(status, body)
    });
    let home = tempfile::tempdir().expect("a folder");
    let run = |half: &str| {
        program("escalate")
            .args(["--model", "fake", "--to", &broken.url(), "--price", "1,1", "--attempts", "1"])
            .args(["--offline-batch", half, "--question", "q"])
            .env("HEADWATER_STATE", home.path())
    };
    let line = "{\"n\":1,\"text\":\"text 1\"}\n";
    for (status, body) in
        [(200, "<html>"), (200, "{}"), (200, "{\"id\":\"../../v1/secrets\"}"), (302, ""), (500, "")]
    {
        *mode.lock().expect("no panic") = (status, body);
        run("submit").stdin(line).run().code(1).says("was not sent");
        assert_eq!(run("collect").run().code(1).text(), "", "{body}");
    }
    assert!(broken.asked().iter().all(|asked| !asked.path.contains("secrets")));
    // And one that refuses for good: the record hears why.
    *mode.lock().expect("no panic") = (404, "{\"error\":{\"message\":\"no batches here\"}}");
    run("submit").stdin(line).run();
    let record = run("collect").run().code(1).record();
    assert!(record["error"]["message"].as_str().is_some_and(|m| m.contains("no batches here")));
}

#[test]
fn placeholders_and_shapes_survive_the_wait() {
    let provider = Provider::start();
    let run = provider.run("submit").args(["--question", "q", "--redact", "--schema", "s.json"]);
    let run = run.file("s.json", "{\"type\":\"object\",\"required\":[\"to\"]}");
    let line = "{\"text\":\"text to ann@mail.example\"}\n";
    assert_eq!(run.stdin(line).run().code(0).text(), "");
    {
        let mut state = provider.state();
        assert!(!state.files["file-0"].contains("ann@"));
        state.status = Some("completed");
        let body = Answer::chat("{\"to\":\"<EMAIL_1>\"}").body;
        let body: Value = serde_json::from_slice(&body).expect("json");
        let result = json!({"response": {"status_code": 200, "body": body}});
        state.results.insert("text to <EMAIL_1>", result);
    }
    // At most ten seconds, of which it needs none.
    let collect = provider.run("collect").args(["--wait", "--timeout", "10"]);
    assert_eq!(collect.run().code(0).record()["answer"], json!({"to": "ann@mail.example"}));
}

#[test]
fn anthropics_interface_keeps_no_word_of_ours_and_is_read_all_the_same() {
    // Somebody else's batch of the same size, and from the second request on ours.
    let requests = Arc::new(Mutex::new(Vec::<Value>::new()));
    let made = Arc::clone(&requests);
    let endpoint = Endpoint::start(move |asked| {
        let mut made = made.lock().expect("no panic");
        let counts = json!({"processing": 0, "succeeded": 1});
        let batch =
            |id: &str| json!({"id": id, "processing_status": "ended", "request_counts": counts});
        match (asked.method.as_str(), asked.path.split('?').next().unwrap_or_default()) {
            ("POST", "/v1/messages/batches") => {
                assert!(asked.headers.iter().any(|h| h.starts_with("anthropic-version")));
                let first = made.is_empty();
                made.push(asked.body["requests"][0].clone());
                // Nobody hears that the first one was taken in.
                if first { Answer::of(500, "oops") } else { Answer::of(200, "{\"id\":\"ours\"}") }
            }
            ("GET", "/v1/messages/batches") => {
                Answer::of(200, &json!({"data": [batch("theirs")], "has_more": false}).to_string())
            }
            ("GET", path) if path.ends_with("/results") => {
                let request = made.last().expect("a request");
                assert!(request["params"]["messages"].is_array(), "{request}");
                let id =
                    if path.contains("theirs") { &json!("other-1") } else { &request["custom_id"] };
                let message = json!({"model": "fake", "stop_reason": "end_turn",
                                     "content": [{"type": "text", "text": "yes"}],
                                     "usage": {"input_tokens": 10, "output_tokens": 5}});
                let result = json!({"type": "succeeded", "message": message});
                Answer::of(200, &json!({"custom_id": id, "result": result}).to_string())
            }
            ("GET", path) => {
                Answer::of(200, &batch(path.rsplit('/').next().expect("id")).to_string())
            }
            _ => Answer::of(404, "{}"),
        }
    });
    let home = tempfile::tempdir().expect("a folder");
    let list =
        format!("[far]\nurl = \"{}\"\nmodel = \"fake\"\napi = \"anthropic\"\n", endpoint.url());
    let run = |half: &str| {
        program("escalate")
            .file("p.toml", &list)
            .args(["--providers", "p.toml", "--to", "far", "--price", "1,1", "--attempts", "1"])
            .args(["--offline-batch", half, "--question", "q"])
            .env("HEADWATER_STATE", home.path())
    };
    run("submit").stdin("{\"text\":\"x\"}\n").run().code(1);
    // One that may be ours is found; its results say that it is not.
    run("collect").run();
    let record = run("collect").run().code(0).record();
    assert_eq!(record["answer"], "yes", "{record}");
    assert_eq!(requests.lock().expect("no panic").len(), 2);
}

#[test]
fn it_goes_with_one_provider_elsewhere_and_single_records() {
    let to = |to: &str, more: &[&str]| {
        let run =
            program("escalate").args(["--offline-batch", "submit", "--model", "m", "--to", to]);
        run.args(["--question", "q", "--price", "1,1"]).args(more).run()
    };
    let local = program("escalate").args(["--offline-batch", "submit", "--question", "q"]);
    local.args(["--to", "local:smollm2-135m"]).run().code(2).says("--offline-batch");
    to("http://127.0.0.1:1/v1,http://127.0.0.1:2/v1", &[]).code(2).says("--offline-batch");
    for more in [&["--all"][..], &["--batch", "2"], &["--top", "2"]] {
        to("http://127.0.0.1:1/v1", more).code(2);
    }
    let run = program("escalate").args(["--offline-batch", "submit", "--model", "m"]);
    run.args(["--to", "http://127.0.0.1:1/v1", "--price", "1,1"]).run().code(2).says("--question");
}
