use std::sync::Arc;

use engine::{Constraint, Message, Prompt, Role};
use serde_json::{Value, json};
use serve_cli::{Capacity, Registry};

use crate::client::{Running, head, loopback, start, start_with};
use crate::engines::Recorder;

#[test]
fn chat_answers_with_usage_and_finish_reason() {
    let server = start();
    let reply = server.post(
        "/v1/chat/completions",
        &json!({ "model": "tiny", "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": "What is the capital of France?" },
        ]}),
    );
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(reply.head.contains("content-type: application/json"));
    let mut body = reply.json();
    assert!(body["id"].take().as_str().unwrap().starts_with("chatcmpl-"));
    assert!(body["created"].take().as_u64().unwrap() > 1_700_000_000);
    let expected = json!({
        "id": null, "object": "chat.completion", "created": null, "model": "tiny",
        "system_fingerprint": null,
        "choices": [{
            "index": 0,
            "message": {
                "role": "assistant", "content": "Paris is the capital.", "refusal": null
            },
            "logprobs": null, "finish_reason": "stop",
        }],
        "usage": { "prompt_tokens": 8, "completion_tokens": 4, "total_tokens": 12 },
    });
    assert_eq!(body, expected);
    let summary = server.stop();
    assert_eq!((summary.requests, summary.refused, summary.abandoned), (1, 0, 0));
    assert_eq!((summary.tokens_in, summary.tokens_out), (8, 4));
}

#[test]
fn completion_ends_at_the_limit() {
    let server = start();
    let reply = server.post("/v1/completions", &json!({ "prompt": "count", "max_tokens": 2 }));
    let body = reply.json();
    assert_eq!(body["object"], "text_completion");
    assert_eq!(body["model"], "tiny");
    assert_eq!(body["choices"][0]["text"], "one two ");
    assert_eq!(body["choices"][0]["finish_reason"], "length");
    assert_eq!(body["usage"]["completion_tokens"], 2);
}

#[test]
fn ids_differ() {
    let server = start();
    let ask = || server.post("/v1/completions", &json!({ "prompt": "count" })).json();
    assert_ne!(ask()["id"], ask()["id"]);
}

#[test]
fn models_are_listed_and_shown() {
    let server = start();
    let list = server.get("/v1/models").json();
    assert_eq!(list["object"], "list");
    let ids: Vec<_> = list["data"].as_array().unwrap().iter().map(|m| &m["id"]).collect();
    assert_eq!(ids, ["tiny", "vectors"]);
    assert_eq!(server.get("/v1/models/tiny").json(), list["data"][0]);
    let unknown = server.get("/v1/models/org/other");
    assert_eq!((unknown.status, &unknown.error()["code"]), (404, &json!("model_not_found")));
}

#[test]
fn health_answers_get_and_head() {
    let server = start();
    let reply = server.get("/health");
    assert_eq!((reply.status, reply.json()), (200, json!({ "status": "ok" })));
    let reply = server.raw(head("HEAD", "/health", "").as_bytes());
    assert_eq!((reply.status, reply.body.as_str()), (200, ""));
}

#[test]
fn one_connection_carries_many_requests() {
    use std::io::{Read as _, Write as _};
    let server = start();
    let mut stream = server.connect();
    for _ in 0..3 {
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"}") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            seen.push(byte[0]);
        }
        assert!(seen.starts_with(b"HTTP/1.1 200"));
    }
}

fn recording() -> (Running, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::new());
    let mut registry = Registry::new();
    registry.complete("recorder", Arc::clone(&recorder) as _, Capacity::new(1)).unwrap();
    (start_with(loopback(), registry), recorder)
}

#[test]
fn every_option_reaches_the_engine() {
    let (server, recorder) = recording();
    let reply = server.post(
        "/v1/chat/completions",
        &json!({
            "messages": [
                { "role": "developer", "content": "a" },
                { "role": "user", "name": "Ann", "content": [
                    { "type": "text", "text": "b" }, { "type": "text", "text": "c" },
                ]},
                { "role": "assistant", "content": "d", "tool_calls": null },
            ],
            "max_tokens": 50, "max_completion_tokens": 7, "stop": ["x", "y"],
            "temperature": 0.5, "top_p": 0.9, "top_k": 40, "repeat_penalty": 1.1, "seed": 42,
            "response_format": { "type": "json_schema", "json_schema": {
                "name": "answer", "strict": true, "schema": { "type": "string" },
            }},
            "user": "someone", "store": false, "metadata": { "a": "b" }, "n": 1, "tools": [],
            "logprobs": false, "frequency_penalty": 0, "presence_penalty": 0.0,
            "logit_bias": {}, "made_up": true,
        }),
    );
    assert_eq!(reply.status, 200, "{reply:?}");
    let asked = recorder.last();
    let turns = [(Role::System, "a"), (Role::User, "bc"), (Role::Assistant, "d")];
    let turns = turns.map(|(role, content)| Message::new(role, content));
    assert_eq!(asked.prompt, Prompt::Chat(turns.into()));
    assert_eq!((asked.max_tokens, asked.stop), (7, vec!["x".into(), "y".into()]));
    let sampling = asked.sampling;
    assert_eq!((sampling.temperature, sampling.top_p, sampling.top_k), (0.5, 0.9, 40));
    assert_eq!((sampling.repeat_penalty, sampling.seed), (1.1, 42));
    assert_eq!(asked.constraint, Some(Constraint::JsonSchema(json!({ "type": "string" }))));
}

#[test]
fn defaults_are_those_of_openai() {
    let (server, recorder) = recording();
    let body = json!({
        "prompt": ["hello"], "stop": null, "seed": null, "max_tokens": null,
        "response_format": { "type": "text" },
    });
    for _ in 0..2 {
        assert_eq!(server.post("/v1/completions", &body).status, 200);
    }
    let asked = recorder.asked.lock().unwrap();
    assert_eq!(asked[0].prompt, Prompt::Raw("hello".into()));
    assert_eq!(asked[0].max_tokens, 90, "the rest of the context");
    assert_eq!((asked[0].sampling.temperature, asked[0].sampling.top_p), (1.0, 1.0));
    assert_eq!((&asked[0].stop, &asked[0].constraint), (&Vec::new(), &None));
    assert_ne!(asked[0].sampling.seed, asked[1].sampling.seed, "random when not given");
}

#[test]
fn formats_become_constraints() {
    let (server, recorder) = recording();
    let constraint = |extra: Value| {
        let mut body = json!({ "prompt": "x", "stop": "end" });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let reply = server.post("/v1/completions", &body);
        assert_eq!(reply.status, 200, "{reply:?}");
        recorder.last().constraint
    };
    let object = constraint(json!({ "response_format": { "type": "json_object" } }));
    assert_eq!(object, Some(Constraint::JsonSchema(json!({ "type": "object" }))));
    let grammar = constraint(json!({ "grammar": "root ::= \"yes\"" }));
    assert_eq!(grammar, Some(Constraint::Grammar("root ::= \"yes\"".into())));
}

#[test]
fn an_engine_that_breaks_is_an_answer() {
    let (server, _recorder) = recording();
    for (prompt, status, code) in [
        ("panic", 500, "engine_error"),
        ("fail", 500, "engine_error"),
        ("schema", 400, "invalid_value"),
        ("whole context", 400, "context_length_exceeded"),
    ] {
        for stream in [false, true] {
            let reply =
                server.post("/v1/completions", &json!({ "prompt": prompt, "stream": stream }));
            let code_seen = reply.error()["code"].clone();
            assert_eq!((reply.status, code_seen), (status, json!(code)), "{prompt} {stream}");
        }
    }
    let after = server.post("/v1/completions", &json!({ "prompt": "fine" }));
    assert_eq!(after.json()["choices"][0]["text"], "ok");
}
