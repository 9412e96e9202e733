//! What leaves this machine: what is private stays, or goes as placeholders and comes back.

use serde_json::{Value, json};
use testkit::{Answer, Endpoint, Program, program};

use super::{answering, free};

const PRIVATE: &str = "Ring +44 20 7946 0958 or write to ann.smith@mail.example, please";

/// Asks a provider that is said to be far away.
fn away(endpoint: &Endpoint) -> Program {
    let list =
        format!("[far]\nurl = \"{}\"\nmodel = \"fake\"\nprivacy = \"cloud\"\n", endpoint.url());
    let run = program("escalate").file("p.toml", list).args(["--providers", "p.toml"]);
    run.args(["--to", "far", "--price", "0,0", "--question", "What?"])
}

fn line(record: &Value) -> String {
    format!("{record}\n")
}

fn prompts(endpoint: &Endpoint) -> String {
    endpoint.asked().iter().map(|asked| asked.body["messages"].to_string()).collect()
}

#[test]
fn what_is_private_does_not_leave_unless_it_is_allowed_to() {
    let endpoint = answering();
    let input =
        line(&json!({"n": 1, "text": PRIVATE})) + &line(&json!({"n": 2, "text": "harmless"}));
    for more in [&[][..], &["--all"], &["--batch", "2"]] {
        let records = away(&endpoint).args(more).stdin(input.clone()).run().code(1).records();
        let error = &records.iter().find(|r| r["n"] == 1).expect("it passes")["error"];
        assert_eq!(error["code"], "refused", "{error}");
        let message = error["message"].as_str().expect("a text");
        assert!(message.contains("email") && message.contains("--redact"), "{message}");
        assert!(!message.contains("ann"), "{message}");
    }
    assert!(!prompts(&endpoint).contains("mail.example"));
    let some = away(&endpoint).arg("--allow-pii=phone").stdin(input.clone());
    assert_eq!(some.run().code(1).records()[0]["error"]["code"], "refused");
    away(&endpoint).arg("--allow-pii").stdin(input.clone()).run().code(0);
    assert!(prompts(&endpoint).contains("ann.smith@mail.example"));
    away(&endpoint).arg("--allow-pii=nonsense").run().code(2).says("nonsense");
    let near = answering();
    free(&near).stdin(input).run().code(0);
    assert!(prompts(&near).contains("mail.example"), "what stays here is not searched");
}

#[test]
fn who_is_here_is_asked_instead() {
    let (far, near) = (answering(), Endpoint::start(|_| Answer::chat("from here")));
    let list = format!(
        "[far]\nurl = \"{}\"\nmodel = \"f\"\nprivacy = \"cloud\"\n[near]\nurl = \"{}\"\nmodel = \"n\"\n",
        far.url(),
        near.url()
    );
    let run = program("escalate").file("p.toml", list).args(["--providers", "p.toml"]);
    let run = run.args(["--to", "far,near", "--price", "0,0", "--question", "What?"]);
    let input = line(&json!({"text": PRIVATE})) + &line(&json!({"text": "harmless"}));
    let records = run.stdin(input).run().code(0).records();
    assert_eq!(records[0]["answer"], "from here");
    assert_eq!(records[1]["answer"], "an answer");
    assert!(!prompts(&far).contains("mail.example"));
}

#[test]
fn placeholders_go_out_and_originals_come_back() {
    // Says back what it was given.
    let echo = Endpoint::start(|asked| {
        let all = asked.body["messages"][1]["content"].as_str().expect("a text").to_owned();
        Answer::chat(&all)
    });
    let input = line(&json!({"id": "ann.smith@mail.example", "text": PRIVATE}))
        + &line(&json!({"text": "<EMAIL_1> and bob@mail.example"}));
    let records = away(&echo).arg("--redact").stdin(input.clone()).run().code(0).records();
    assert!(!prompts(&echo).contains("mail.example"), "{}", prompts(&echo));
    let answer = |n: usize| records[n]["answer"].as_str().expect("a text").to_owned();
    assert!(answer(0).contains(PRIVATE) && answer(0).contains("id: ann.smith@mail.example"));
    assert!(answer(1).contains("<EMAIL_1> and bob@mail.example"));
    assert_eq!(records[0]["text"], PRIVATE, "the record keeps its own text");
    let all = away(&echo).args(["--redact", "--all"]).stdin(input.clone()).run().code(0).record();
    let text = all["answer"].as_str().expect("a text");
    assert!(text.contains(PRIVATE) && text.contains("<EMAIL_1> and bob@mail.example"), "{text}");
    assert!(!prompts(&echo).contains("mail.example"));
}

#[test]
fn a_prompt_with_placeholders_of_its_own_is_searched_and_redacted_too() {
    let echo = Endpoint::start(|asked| {
        Answer::chat(asked.body["messages"][1]["content"].as_str().expect("a text"))
    });
    let list = format!("[far]\nurl = \"{}\"\nmodel = \"fake\"\nprivacy = \"cloud\"\n", echo.url());
    let run = |more: &[&str]| {
        let run = program("escalate").file("p.toml", &list).file("q.txt", "Who? {{a}} and {{b}}");
        run.args(["--providers", "p.toml", "--to", "far", "--price", "0,0", "--prompt", "q.txt"])
            .args(more)
            .stdin(line(&json!({"a": "ann@mail.example", "b": ["ann@mail.example"]})))
            .run()
    };
    assert_eq!(run(&[]).code(1).error_code(), "refused");
    let record = run(&["--redact"]).code(0).record();
    assert!(record["answer"].as_str().is_some_and(|a| a.matches("ann@mail.example").count() == 2));
    assert_eq!(prompts(&echo).matches("<EMAIL_1>").count(), 2);
}

#[test]
fn a_dry_run_shows_what_would_be_sent_and_sends_nothing() {
    let endpoint = answering();
    let input = line(&json!({"n": 1, "text": PRIVATE})) + &line(&json!({"n": 2, "text": "second"}));
    let run = away(&endpoint).args(["--redact", "--dry-run"]).stdin(input.clone());
    let shown = run.run().code(0).records();
    assert_eq!(shown.len(), 2);
    assert_eq!((&shown[0]["to"], &shown[0]["privacy"]), (&json!("far"), &json!("cloud")));
    let body = shown[0]["request"]["messages"].to_string();
    assert!(body.contains("<EMAIL_1>") && !body.contains("mail.example"), "{body}");
    for (more, requests) in
        [(&["--all"][..], 1), (&["--batch", "2"], 1), (&["--when", ".n > 1"], 1)]
    {
        let run = away(&endpoint).args(["--redact", "--dry-run"]).args(more);
        assert_eq!(run.stdin(input.clone()).run().code(0).records().len(), requests, "{more:?}");
    }
    let refused = away(&endpoint).arg("--dry-run").stdin(input).run().code(1).records();
    assert_eq!(refused[0]["error"]["code"], "refused");
    assert!(endpoint.asked().is_empty());
}

#[test]
fn a_picture_goes_with_the_question() {
    let endpoint = answering();
    let picture = [0x89, b'P', b'N', b'G', 1, 2, 3];
    let asking = |run: Program, more: &[&str]| {
        run.file("a.png", picture)
            .file("b.txt", "no picture")
            .args(["--attach", "path"])
            .args(more)
            .stdin("{\"path\":\"a.png\"}\n{\"path\":\"b.txt\",\"text\":\"x\"}\n{\"path\":\"c.png\"}\n{}\n")
            .run()
            .code(1)
    };
    let records = asking(free(&endpoint), &[]).records();
    let codes: Vec<&Value> = records.iter().map(|r| &r["error"]["code"]).collect();
    let expected = [Value::Null, json!("unsupported"), json!("unreadable"), json!("missing-field")];
    assert_eq!(codes, expected.iter().collect::<Vec<_>>());
    let sent = &endpoint.asked()[0].body["messages"][1]["content"];
    assert_eq!(sent[0]["type"], "text");
    assert_eq!(sent[1]["image_url"]["url"], "data:image/png;base64,iVBORwECAw==");
    let far = answering();
    let refused = asking(away(&far), &[]).records();
    assert_eq!(refused[0]["error"]["code"], "refused", "a picture cannot be searched");
    asking(away(&far), &["--allow-pii"]);
    assert_eq!(far.asked().len(), 1);
    let list = format!("[a]\nurl = \"{}\"\nmodel = \"m\"\napi = \"anthropic\"\n", endpoint.url());
    let run = program("escalate").file("p.toml", list).args(["--providers", "p.toml", "--dry-run"]);
    let run = run.args(["--to", "a", "--price", "0,0", "-Q", "What?"]);
    let block = asking(run, &[]).records()[0]["request"]["messages"][0]["content"][0].clone();
    assert_eq!(
        block["source"],
        json!({"type": "base64", "media_type": "image/png", "data": "iVBORwECAw=="})
    );
    program("escalate").args(["-Q", "x", "--attach", "path", "--all"]).run().code(2);
}
