use std::io::Write as _;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::client::{Reply, head, loopback, post, registry, start, start_with};

fn user(content: &Value) -> Value {
    json!({ "messages": [{ "role": "user", "content": content }] })
}

#[test]
fn what_is_not_a_json_object_is_refused() {
    let server = start();
    let deep = "[".repeat(100_000);
    for body in ["", "{", "nonsense", "[]", "\"text\"", "null", "{\"a\":1}x", "{'a':1}", &deep] {
        let reply = server.post_text("/v1/chat/completions", body);
        assert_eq!(reply.status, 400, "{reply:?}");
        assert_eq!(reply.error()["type"], "invalid_request_error");
    }
    let bytes = [
        head("POST", "/v1/completions", "Content-Type: application/json\r\nContent-Length: 2\r\n")
            .as_bytes(),
        b"\xff\xfe",
    ]
    .concat();
    assert_eq!(server.raw(&bytes).status, 400);
}

#[test]
fn fields_of_the_wrong_kind_are_named() {
    let server = start();
    for (field, value) in [
        ("model", json!(3)),
        ("max_tokens", json!(0)),
        ("max_tokens", json!(-1)),
        ("max_tokens", json!("10")),
        ("max_tokens", json!(1.5)),
        ("max_completion_tokens", json!(1e30)),
        ("temperature", json!(2.1)),
        ("temperature", json!(-0.1)),
        ("temperature", json!("hot")),
        ("top_p", json!(1.1)),
        ("top_k", json!(-1)),
        ("seed", json!(1.5)),
        ("stop", json!("")),
        ("stop", json!([1])),
        ("stop", json!(vec!["x"; 17])),
        ("stream", json!("yes")),
        ("stream_options", json!({ "include_usage": true })),
        ("response_format", json!("json")),
        ("grammar", json!({})),
        ("logprobs", json!(1)),
        ("top_logprobs", json!(2)),
        ("top_logprobs", json!(21)),
    ] {
        let mut body = user(&json!("count"));
        body[field] = value.clone();
        let reply = server.post("/v1/chat/completions", &body);
        assert_eq!(reply.status, 400, "{field} {value} {reply:?}");
        assert_eq!(reply.error()["param"], field);
    }
}

#[test]
fn formats_without_a_schema_are_refused() {
    let server = start();
    for (format, param) in [
        (json!({}), "response_format.type"),
        (json!({ "type": "xml" }), "response_format.type"),
        (json!({ "type": "json_schema" }), "response_format.json_schema.schema"),
        (
            json!({ "type": "json_schema", "json_schema": { "schema": [] } }),
            "response_format.json_schema.schema",
        ),
        (json!({ "type": "json_object", "schema": 3 }), "response_format.schema"),
    ] {
        let mut body = user(&json!("count"));
        body["response_format"] = format.clone();
        let reply = server.post("/v1/chat/completions", &body);
        assert_eq!((reply.status, &reply.error()["param"]), (400, &json!(param)), "{format}");
    }
}

#[test]
fn what_would_have_to_be_ignored_is_refused() {
    let server = start();
    for (field, value) in [
        ("tools", json!([{ "type": "function" }])),
        ("tool_choice", json!("required")),
        ("functions", json!([{}])),
        ("logit_bias", json!({ "50256": -100 })),
        ("frequency_penalty", json!(0.5)),
        ("presence_penalty", json!(-1)),
        ("modalities", json!(["text", "audio"])),
        ("echo", json!(true)),
        ("suffix", json!("after")),
        ("best_of", json!(3)),
    ] {
        let mut body = user(&json!("count"));
        body[field] = value.clone();
        body["prompt"] = json!("count");
        for path in ["/v1/chat/completions", "/v1/completions"] {
            let reply = server.post(path, &body);
            assert_eq!(reply.status, 400, "{field} {value} {reply:?}");
            let error = reply.error();
            assert_eq!(
                (&error["param"], &error["code"]),
                (&json!(field), &json!("unsupported_parameter"))
            );
        }
    }
}

#[test]
fn messages_must_be_text() {
    let server = start();
    for (messages, param) in [
        (json!([]), "messages"),
        (json!({}), "messages"),
        (json!(["hello"]), "messages[0]"),
        (json!([{ "content": "x" }]), "messages[0].role"),
        (json!([{ "role": "robot", "content": "x" }]), "messages[0].role"),
        (json!([{ "role": "tool", "content": "x" }]), "messages[0].role"),
        (json!([{ "role": "user" }]), "messages[0].content"),
        (json!([{ "role": "user", "content": 3 }]), "messages[0].content"),
        (json!([{ "role": "user", "content": [] }]), "messages[0].content"),
        (json!([{ "role": "user", "content": ["x"] }]), "messages[0].content[0]"),
        (
            json!([{ "role": "user", "content": [{ "type": "text" }] }]),
            "messages[0].content[0].text",
        ),
        (
            json!([{ "role": "user", "content": [
                { "type": "text", "text": "x" },
                { "type": "image_url", "image_url": { "url": "data:" } },
            ]}]),
            "messages[0].content[1].type",
        ),
        (
            json!([{ "role": "assistant", "content": "x", "tool_calls": [{}] }]),
            "messages[0].tool_calls",
        ),
    ] {
        let reply = server.post("/v1/chat/completions", &json!({ "messages": messages }));
        assert_eq!((reply.status, &reply.error()["param"]), (400, &json!(param)), "{messages}");
    }
    for prompt in [json!(null), json!([]), json!(["a", "b"]), json!([1, 2]), json!([[1]]), json!(1)]
    {
        let reply = server.post("/v1/completions", &json!({ "prompt": prompt }));
        assert_eq!((reply.status, &reply.error()["param"]), (400, &json!("prompt")), "{prompt}");
    }
}

#[test]
fn unknown_models_paths_and_methods() {
    let server = start();
    let mut body = user(&json!("count"));
    body["model"] = json!("gpt-99");
    let reply = server.post("/v1/chat/completions", &body);
    assert_eq!((reply.status, &reply.error()["code"]), (404, &json!("model_not_found")));
    body["model"] = json!("vectors");
    let reply = server.post("/v1/chat/completions", &body);
    assert_eq!((reply.status, &reply.error()["param"]), (400, &json!("model")));
    let reply = server.get("/v1/nothing");
    assert_eq!((reply.status, &reply.error()["code"]), (404, &json!("not_found")));
    let reply = server.get("/v1/chat/completions");
    assert_eq!((reply.status, &reply.error()["code"]), (405, &json!("method_not_allowed")));
    assert!(reply.head.contains("allow: post"), "{reply:?}");
}

#[test]
fn too_long_for_the_context() {
    let server = start();
    for stream in [false, true] {
        let long = "count ".repeat(64);
        for extra in [json!({ "prompt": long }), json!({ "prompt": "count", "max_tokens": 64 })] {
            let mut body = extra;
            body["stream"] = json!(stream);
            let reply = server.post("/v1/completions", &body);
            assert_eq!(reply.status, 400, "{reply:?}");
            let error = reply.error();
            assert_eq!(error["code"], "context_length_exceeded");
            assert!(error["message"].as_str().unwrap().contains("64 tokens"), "{error}");
        }
    }
}

#[test]
fn a_huge_body_is_refused_declared_or_not() {
    let mut config = loopback();
    config.limits.body_bytes = 1 << 20;
    let server = start_with(config, registry());
    let big = "x".repeat((1 << 20) + 1);
    let reply = server.post_text("/v1/completions", &big);
    assert_eq!((reply.status, &reply.error()["code"]), (413, &json!("request_too_large")));
    let chunked = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n";
    let request = head("POST", "/v1/completions", chunked)
        + &format!("{:x}\r\n{big}\r\n0\r\n\r\n", big.len());
    assert_eq!(server.raw(request.as_bytes()).status, 413);
    // A client that waits for leave to send hears at once that it need not.
    let expect =
        "Content-Type: application/json\r\nContent-Length: 99999999999\r\nExpect: 100-continue\r\n";
    let start = Instant::now();
    assert_eq!(server.raw(head("POST", "/v1/completions", expect).as_bytes()).status, 413);
    assert!(start.elapsed() < Duration::from_secs(1));
    let fits = format!("{{\"prompt\":\"count{}\"}}", " ".repeat((1 << 20) - 64));
    assert_eq!(server.post_text("/v1/completions", &fits).status, 200);
}

#[test]
fn bodies_that_do_not_say_they_are_json_are_refused() {
    let server = start();
    let body = json!({ "prompt": "count" }).to_string();
    let send = |kind: &str| {
        let headers = format!("{kind}Content-Length: {}\r\n", body.len());
        server.raw((head("POST", "/v1/completions", &headers) + &body).as_bytes())
    };
    for kind in
        ["", "Content-Type: text/plain\r\n", "Content-Type: application/x-www-form-urlencoded\r\n"]
    {
        let reply = send(kind);
        assert_eq!((reply.status, &reply.error()["code"]), (415, &json!("not_json")));
    }
    assert_eq!(send("Content-Type: Application/JSON; charset=utf-8\r\n").status, 200);
}

#[test]
fn malformed_http_does_not_stop_the_server() {
    let server = start();
    for request in [
        &b"nonsense\r\n\r\n"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"GET /\0 HTTP/1.1\r\n\r\n",
    ] {
        assert_eq!(server.raw(request).status, 400, "{}", String::from_utf8_lossy(request));
    }
    let long =
        format!("GET /health HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(1 << 17));
    let mut stream = server.connect();
    // The server may close before all is written.
    let _ = stream.write_all(long.as_bytes());
    let many = format!("GET /health HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(200));
    assert_eq!(server.raw(many.as_bytes()).status, 431);
    assert_eq!(server.get("/health").status, 200);
}

#[test]
fn slow_clients_are_cut_off() {
    let mut config = loopback();
    config.limits.head = Duration::from_millis(200);
    config.limits.body = Duration::from_millis(200);
    let server = start_with(config, registry());
    let start = Instant::now();
    let mut stalled = server.connect();
    stalled.write_all(b"GET /health HT").unwrap();
    let mut left = Vec::new();
    let _ = std::io::Read::read_to_end(&mut stalled, &mut left);
    let mut silent = server.connect();
    let _ = std::io::Read::read_to_end(&mut silent, &mut left);
    let mut cut = server.connect();
    let whole = post("/v1/completions", "", "{\"prompt\":\"count\"}");
    cut.write_all(&whole.as_bytes()[..whole.len() - 4]).unwrap();
    let reply = Reply::read(&mut cut);
    assert_eq!((reply.status, &reply.error()["code"]), (408, &json!("request_timeout")));
    assert!(start.elapsed() < Duration::from_secs(5));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the body holds, the answer is an answer or an error object, never a 5xx.
    #[test]
    fn any_field_values_are_answered(
        field in prop::sample::select(vec![
            "messages", "model", "stop", "seed", "temperature", "max_tokens", "response_format",
            "stream_options", "tools", "grammar", "n",
        ]),
        value in prop::sample::select(vec![
            json!(null), json!(true), json!(-1), json!(1e308), json!(18446744073709551615_u64),
            json!("\u{0}"), json!([]), json!([null]), json!([[]]), json!({}), json!({ "type": null }),
            json!([{ "role": {}, "content": [{}] }]),
        ]),
    ) {
        use std::sync::LazyLock;
        static SERVER: LazyLock<crate::client::Running> = LazyLock::new(start);
        let mut body = user(&json!("count"));
        body[field] = value;
        let reply = SERVER.post("/v1/chat/completions", &body);
        match reply.status {
            200 => prop_assert_eq!(&reply.json()["object"], "chat.completion"),
            400 | 404 => { reply.error(); }
            other => prop_assert!(false, "{} for {}", other, body),
        }
    }
}
