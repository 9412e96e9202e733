use std::io::Read as _;
use std::io::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};
use serve_cli::{Capacity, Registry};

use crate::client::{Reply, loopback, post, start, start_with};
use crate::engines::{Recorder, Slow};

/// The data of each event, after a check of the framing.
fn events(reply: &Reply) -> Vec<String> {
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(reply.head.contains("content-type: text/event-stream"), "{reply:?}");
    let frames = reply.body.strip_suffix("\n\n").expect("a complete last frame").split("\n\n");
    frames.map(|frame| frame.strip_prefix("data: ").expect("a data line").to_owned()).collect()
}

fn parse(events: &[String]) -> Vec<Value> {
    events.iter().map(|event| serde_json::from_str(event).unwrap()).collect()
}

#[test]
fn a_chat_arrives_in_chunks() {
    let server = start();
    let reply = server.post(
        "/v1/chat/completions",
        &json!({ "stream": true, "messages": [{ "role": "user", "content": "lines" }] }),
    );
    let mut events = events(&reply);
    assert_eq!(events.pop().as_deref(), Some("[DONE]"));
    let chunks = parse(&events);
    for chunk in &chunks {
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert_eq!(chunk["id"], chunks[0]["id"]);
        assert_eq!(chunk.get("usage"), None);
    }
    let delta = |at: usize| &chunks[at]["choices"][0]["delta"];
    assert_eq!(delta(0), &json!({ "role": "assistant", "content": "" }));
    let text: String =
        chunks[1..].iter().filter_map(|c| c["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, "one\ntwo \"three\" \u{1F30D}");
    let last = &chunks.last().unwrap()["choices"][0];
    assert_eq!((&last["delta"], &last["finish_reason"]), (&json!({}), &json!("stop")));
    assert!(chunks[..chunks.len() - 1].iter().all(|c| c["choices"][0]["finish_reason"].is_null()));
}

#[test]
fn usage_comes_last_when_asked_for() {
    let server = start();
    let reply = server.post(
        "/v1/completions",
        &json!({
            "prompt": "count", "max_tokens": 2, "stream": true,
            "stream_options": { "include_usage": true },
        }),
    );
    let mut events = events(&reply);
    assert_eq!(events.pop().as_deref(), Some("[DONE]"));
    let mut chunks = parse(&events);
    let counts = chunks.pop().unwrap();
    assert_eq!(counts["choices"], json!([]));
    assert_eq!(
        counts["usage"],
        json!({ "prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3 })
    );
    assert!(chunks.iter().all(|chunk| chunk["usage"].is_null() && chunk.get("usage").is_some()));
    let texts: Vec<_> = chunks.iter().map(|c| c["choices"][0]["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["one ", "two ", ""]);
    assert_eq!(chunks[2]["choices"][0]["finish_reason"], "length");
}

#[test]
fn an_empty_answer_still_has_a_beginning_and_an_end() {
    let server = start();
    let reply = server.post(
        "/v1/chat/completions",
        &json!({ "stream": true, "messages": [{ "role": "user", "content": "silence" }] }),
    );
    let events = events(&reply);
    assert_eq!(events.len(), 3, "{events:?}");
    assert_eq!(events[2], "[DONE]");
}

#[test]
fn a_failure_in_the_middle_is_an_error_event_and_not_done() {
    let mut registry = Registry::new();
    registry.complete("recorder", Arc::new(Recorder::new()), Capacity::new(1)).unwrap();
    let server = start_with(loopback(), registry);
    let reply = server.post("/v1/completions", &json!({ "prompt": "fail late", "stream": true }));
    let events = parse(&events(&reply));
    assert_eq!(events.len(), 2, "{events:?}");
    assert_eq!(events[0]["choices"][0]["text"], "so far");
    assert_eq!(events[1]["error"]["code"], "engine_error");
}

#[test]
fn each_piece_is_sent_when_it_is_made() {
    let slow = Arc::new(Slow::new());
    let mut registry = Registry::new();
    registry.complete("slow", Arc::clone(&slow) as _, Capacity::new(1)).unwrap();
    let server = start_with(loopback(), registry);
    let mut stream = server.connect();
    let body = json!({ "prompt": "x", "stream": true }).to_string();
    stream.write_all(post("/v1/completions", "", &body).as_bytes()).unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("\"text\":\"word\"") {
        let mut bytes = [0; 1024];
        let count = stream.read(&mut bytes).unwrap();
        assert!(count > 0, "closed before the first piece");
        seen.extend_from_slice(&bytes[..count]);
    }
    slow.release();
    stream.read_to_end(&mut seen).unwrap();
    let reply = Reply::parse(&seen);
    assert!(reply.body.ends_with("data: [DONE]\n\n"));
    assert!(reply.body.contains("\"system_fingerprint\":\"fp_0123456789ab\""));
}
