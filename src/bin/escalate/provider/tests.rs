//! A server that misbehaves in every way we could think of.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use super::*;

const KEY: &str = "sk-very-secret-0123456789";
const GOOD: &str = r#"{"model":"big-1","choices":[{"message":{"role":"assistant","content":"42"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1}}"#;

/// What the server does with one connection after it read the request.
type Reply = Box<dyn FnOnce(&mut TcpStream) + Send>;

/// Answers one connection after another with what `replies` writes, and hands over the requests.
fn server(replies: Vec<Reply>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/v1/", listener.local_addr().unwrap());
    let (sender, requests) = channel();
    thread::spawn(move || {
        for reply in replies {
            let Ok((mut stream, _)) = listener.accept() else { return };
            let _ = sender.send(read_request(&mut stream));
            reply(&mut stream);
        }
    });
    (address, requests)
}

fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let n = stream.read(&mut chunk).unwrap_or(0);
        bytes.extend_from_slice(&chunk[..n]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let length = text
            .to_ascii_lowercase()
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.split("\r\n").next().and_then(|n| n.parse::<usize>().ok()));
        let complete = text
            .split_once("\r\n\r\n")
            .is_some_and(|(_, body)| length.is_some_and(|length| body.len() >= length));
        if n == 0 || complete {
            return text;
        }
    }
}

fn reply(head: &'static str, body: impl Into<String>) -> Reply {
    let body = body.into();
    Box::new(move |stream| {
        let length = body.len();
        let _ = write!(
            stream,
            "HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
    })
}

const JSON: &str = "200 OK\r\nContent-Type: application/json";

fn raw(text: &'static str) -> Reply {
    Box::new(move |stream| {
        let _ = stream.write_all(text.as_bytes());
    })
}

fn client_at(url: &str) -> Client {
    let ms = Duration::from_millis;
    Client::new(Endpoint {
        key: Some(Secret::new(format!("{KEY}\n")).unwrap()),
        timeouts: Timeouts { connect: ms(500), first_byte: ms(400), total: ms(800) },
        ..Endpoint::new("test", Address::Url(url.into()), "big")
    })
    .unwrap()
}

fn question() -> Question {
    let messages = vec![Message::system("be brief".into()), Message::user("why?".into())];
    Question { messages, max_tokens: 16, temperature_milli: Some(0), seed: Some(7), schema: None }
}

/// The error of one attempt; no form of it shows the key.
fn error_of(r: Reply) -> ProviderError {
    let (url, _requests) = server(vec![r]);
    let client = client_at(&url);
    let error = client.ask_once(&question()).unwrap_err();
    for text in [error.to_string(), format!("{error:?}"), format!("{client:?}")] {
        assert!(!text.contains(KEY), "{text}");
        assert!(text.len() < 2000);
    }
    error
}

#[test]
fn a_good_answer_and_what_was_sent() {
    let (url, requests) = server(vec![reply(JSON, GOOD)]);
    let answer = client_at(&url).ask_once(&question()).unwrap();
    let expected = Answer {
        text: "42".into(),
        model: "big-1".into(),
        tokens_in: Some(9),
        tokens_out: Some(1),
        finish_reason: "stop".into(),
        pause: None,
    };
    assert_eq!(answer, expected);
    let request = requests.recv().unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{head}");
    assert_eq!(request.matches(KEY).count(), 1);
    let bearer = format!("authorization: bearer {KEY}");
    assert!(head.to_ascii_lowercase().lines().any(|line| line == bearer), "{head}");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["model"], "big");
    assert_eq!(body["messages"][1]["content"], "why?");
    assert_eq!((&body["max_tokens"], &body["seed"]), (&16.into(), &7.into()));
}

#[test]
fn other_shapes_of_an_answer() {
    let parts = r#"{"choices":[{"message":{"content":[{"type":"text","text":"4"},{"type":"text","text":"2"}]}}]}"#;
    let (url, _requests) = server(vec![reply(JSON, parts)]);
    let answer = client_at(&url).ask_once(&question()).unwrap();
    assert_eq!((answer.text.as_str(), answer.model.as_str()), ("42", "big"));
    assert_eq!((answer.tokens_in, answer.tokens_out), (None, None));
}

#[test]
fn content_that_is_no_answer() {
    use ProviderError as E;
    assert!(matches!(error_of(reply(JSON, "{\"choices\":[")), E::Garbage(_)));
    assert!(matches!(error_of(reply(JSON, "\u{1}\u{2}")), E::Garbage(_)));
    assert!(matches!(error_of(reply(JSON, "")), E::Garbage(_)));
    assert!(matches!(error_of(reply(JSON, "{}")), E::Garbage(m) if m.contains("choices")));
    assert!(matches!(error_of(reply(JSON, r#"{"choices":[]}"#)), E::Garbage(_)));
    assert!(matches!(error_of(reply(JSON, r#"{"choices":[{}]}"#)), E::Garbage(_)));
    let empty = r#"{"choices":[{"message":{"content":" \n"},"finish_reason":"length"}]}"#;
    assert_eq!(error_of(reply(JSON, empty)), E::Empty("length".into()));
    let html = "200 OK\r\nContent-Type: text/html";
    assert!(matches!(error_of(reply(html, "<html>")), E::ContentType(t) if t == "text/html"));
    let reported = r#"{"error":{"message":"quota\nused up"}}"#;
    assert_eq!(error_of(reply(JSON, reported)), E::Reported("quota used up".into()));
}

#[test]
fn an_echoed_key_is_taken_out() {
    let echo = format!(r#"{{"error":{{"message":"bad key {KEY}"}}}}"#);
    let error = error_of(reply("401 Unauthorized\r\nContent-Type: application/json", echo.clone()));
    assert_eq!(error.to_string(), "http status 401: bad key [key]");
    assert!(!error.retry() && !error.may_have_cost());
    error_of(reply(JSON, echo));
    // Where shortening would cut the key in two.
    let long = format!("{}{KEY}", "x".repeat(290));
    let text = error_of(reply("400 Bad Request", long)).to_string();
    assert!(!text.contains("sk-very"), "{text}");
    let long = format!(r#"{{"error":"{}{KEY}"}}"#, "x".repeat(290));
    let text = error_of(reply(JSON, long)).to_string();
    assert!(!text.contains("sk-very"), "{text}");
    let kind = error_of(raw("HTTP/1.1 200 OK\r\nContent-Type: sk-very-secret-0123456789\r\n\r\n"));
    assert!(matches!(kind, ProviderError::ContentType(_)));
}

#[test]
fn broken_connections() {
    use ProviderError as E;
    assert!(matches!(error_of(raw("")), E::Broken(_)));
    assert!(matches!(error_of(raw("SSH-2.0-OpenSSH_9.2\r\n")), E::Garbage(_) | E::Broken(_)));
    let cut =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"cho";
    let error = error_of(raw(cut));
    assert!(matches!(error, E::Broken(_)), "{error:?}");
    assert!(error.retry() && error.may_have_cost());
    let chunked = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
    assert!(matches!(error_of(raw(chunked)), E::Broken(_)));
}

#[test]
fn nobody_there() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = client_at(&format!("http://{free}/v1")).ask_once(&question()).unwrap_err();
    assert!(matches!(error, ProviderError::Connect(_)), "{error:?}");
    assert!(error.retry() && !error.may_have_cost());
}

#[test]
fn slow_servers_are_left_in_time() {
    let start = Instant::now();
    let error = error_of(Box::new(|_| thread::sleep(Duration::from_secs(3))));
    assert_eq!(error, ProviderError::Timeout("waiting for the answer"));
    assert!(error.may_have_cost());
    // One byte every 50 ms: each read succeeds, the whole does not.
    let drip = |stream: &mut TcpStream| {
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n"
        );
        while stream.write_all(b" ").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    };
    assert_eq!(error_of(Box::new(drip)), ProviderError::Timeout("in all"));
    assert!(start.elapsed() < Duration::from_millis(2500), "{:?}", start.elapsed());
}

#[test]
fn an_endless_answer_is_cut() {
    let endless = |stream: &mut TcpStream| {
        let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n");
        let block = vec![b' '; 1 << 20];
        while stream.write_all(&block).is_ok() {}
    };
    assert_eq!(error_of(Box::new(endless)), ProviderError::TooLarge(16 << 20));
}

#[test]
fn redirects_are_not_followed() {
    for head in [
        "302 Found\r\nLocation: http://127.0.0.1:1/",
        "307 Temporary Redirect\r\nLocation: http://example.invalid/",
        "301 Moved\r\nLocation: /v1/elsewhere",
    ] {
        assert!(matches!(error_of(reply(head, "")), ProviderError::Redirect(_)), "{head}");
    }
}

#[test]
fn a_request_that_waits_can_be_left() {
    let (url, _requests) = server(vec![Box::new(|_| thread::sleep(Duration::from_secs(3)))]);
    let start = Instant::now();
    let outcome = client_at(&url).ask(&question(), &|| true);
    assert_eq!(outcome, Err(ProviderError::Abandoned));
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn anthropics_messages_are_spoken_natively() {
    let body = r#"{"type":"message","model":"big-2","stop_reason":"max_tokens",
        "content":[{"type":"text","text":"4"},{"type":"text","text":"2"}],
        "usage":{"input_tokens":7,"cache_read_input_tokens":3,"output_tokens":2}}"#;
    let refusal = r#"{"content":[],"stop_reason":"refusal"}"#;
    let tool = r#"{"content":[{"type":"tool_use","name":"answer","input":{"n":1}}],"stop_reason":"tool_use"}"#;
    let (url, requests) = server(vec![reply(JSON, body), reply(JSON, refusal), reply(JSON, tool)]);
    let endpoint = Endpoint { api: Api::Anthropic, ..client_at(&url).endpoint().clone() };
    let client = Client::new(endpoint).unwrap();
    let answer = client.ask_once(&question()).unwrap();
    assert_eq!((answer.text.as_str(), answer.finish_reason.as_str()), ("42", "length"));
    assert_eq!((answer.tokens_in, answer.tokens_out), (Some(10), Some(2)));
    let request = requests.recv().unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v1/messages HTTP/1.1\r\n"), "{head}");
    let head = head.to_ascii_lowercase();
    assert!(head.contains(&format!("x-api-key: {KEY}")) && !head.contains("authorization"));
    assert!(head.contains("anthropic-version: 2023-06-01"));
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((&body["system"], &body["max_tokens"]), (&"be brief".into(), &16.into()));
    assert_eq!(body["messages"], serde_json::json!([{"role": "user", "content": "why?"}]));
    assert!(matches!(client.ask_once(&question()), Err(ProviderError::Refused(_))));
    let schema = serde_json::json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    let question = Question { schema: Some(Arc::new(schema)), ..question() };
    assert_eq!(client.ask_once(&question).unwrap().text, "{\"n\":1}");
    requests.recv().unwrap();
    let request = requests.recv().unwrap();
    assert!(
        request.contains("\"tool_choice\":{\"type\":\"tool\",\"name\":\"answer\"}"),
        "{request}"
    );
}

#[test]
fn a_proxy_and_certificates_must_be_what_they_say() {
    let endpoint = client_at("http://localhost/v1").endpoint().clone();
    let with = |proxy: Option<&str>, ca: Option<&str>| {
        let route = Route { proxy: proxy.map(Into::into), ca: ca.map(Into::into) };
        Client::new(Endpoint { route, ..endpoint.clone() })
    };
    for proxy in ["http://p:1", "socks5://p:1", "socks5h://user:word@p:1"] {
        assert!(with(Some(proxy), None).is_ok(), "{proxy}");
    }
    for (proxy, ca) in
        [(Some("ftp://p"), None), (None, Some("/nowhere")), (None, Some("/dev/null"))]
    {
        let error = with(proxy, ca).unwrap_err();
        assert!(matches!(error, ProviderError::Address(_)), "{error}");
    }
}

#[test]
fn addresses_and_keys_are_checked() {
    let endpoint = client_at("http://localhost/v1").endpoint().clone();
    for bad in ["", "localhost", "ftp://x/", "http://", "https://u:p@h/v1", "https://h/v1?key=k"] {
        let address = Address::Url(bad.into());
        let outcome = Client::new(Endpoint { address, ..endpoint.clone() });
        assert!(matches!(outcome, Err(ProviderError::Address(_))), "{bad}");
    }
    for bad in ["", " \n", "two words", "line\nline", "schlüssel"] {
        assert_eq!(Secret::new(bad.into()).unwrap_err(), BadSecret);
    }
    assert_eq!(format!("{:?}", Secret::new(KEY.into()).unwrap()), "Secret([redacted])");
}
