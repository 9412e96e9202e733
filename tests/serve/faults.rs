//! What clients, signals and other servers can do to it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::program;

use super::{chat, post, send, serve};

#[test]
fn model_a_request_under_way_is_answered_before_the_end() {
    let mut server = serve(&["--embedder", "none"]);
    let address = server.address.clone();
    let client = std::thread::spawn(move || {
        let mut ask = chat("Tell me about rivers.");
        ask["max_tokens"] = json!(4);
        post(&address, "/v1/chat/completions", "", &ask)
    });
    std::thread::sleep(Duration::from_millis(100));
    server.running.signal("TERM");
    let started = Instant::now();
    let (status, _, messages) = server.running.end();
    assert_eq!(status, 143);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    let reply = client.join().expect("the client");
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert!(reply.json()["choices"][0]["message"]["content"].is_string());
    assert_eq!(messages.matches("listening on").count(), 1, "{messages}");
    server.address.clear();
}

#[test]
fn model_rubbish_is_refused_and_the_server_goes_on() {
    let server = serve(&["--embedder", "none"]);
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
                content-type: application/json\r\n";
    let body = |body: &str| format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    let deep = format!("{{\"messages\":{}", "[".repeat(50_000));
    for raw in [
        body("{"),
        body("[]"),
        body("{\"messages\":[]}"),
        body("{\"messages\":[{\"role\":\"user\"}]}"),
        body("{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":-1}"),
        body(&deep),
        "GET /v1/models HTTP/1.1\r\nconnection: close\r\n\r\n".to_owned(),
        format!("{head}content-length: 99999999999\r\n\r\n{{"),
    ] {
        let reply = send(&server.address, &raw);
        let shown: String = raw.chars().skip(head.len()).take(60).collect();
        assert!((400..500).contains(&reply.status), "{} for {shown}", reply.status);
    }
    // Half a request, and nobody there for the rest.
    let mut half = TcpStream::connect(&server.address).expect("a connection");
    half.write_all(head.as_bytes()).expect("it reads");
    drop(half);
    // One word of a megabyte is too long, and said so without minutes of work.
    let started = Instant::now();
    let reply = server.post("/v1/chat/completions", "", &chat(&"a".repeat(1 << 20)));
    assert_eq!(reply.status, 400, "{}", reply.body);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    assert_eq!(server.post("/v1/chat/completions", "", &chat("Hi")).status, 200);
}

#[test]
fn model_a_client_that_leaves_takes_its_request_along() {
    let server = serve(&["--embedder", "none", "--parallel", "1"]);
    let mut long = chat("Count from one to a thousand.");
    long["max_tokens"] = json!(900);
    long["stream"] = json!(true);
    let body = long.to_string();
    let mut stream = TcpStream::connect(&server.address).expect("a connection");
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n\
                content-type: application/json\r\n";
    let raw = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(raw.as_bytes()).expect("it reads");
    stream.read_exact(&mut [0; 64]).expect("the beginning of an answer");
    drop(stream);
    let reply = server.post("/v1/chat/completions", "", &chat("Hi"));
    assert_eq!(reply.status, 200, "the only place was free again: {}", reply.body);
    server.running.signal("TERM");
    server.running.message("1 abandoned");
}

#[test]
fn model_a_key_comes_from_the_environment_or_a_file_that_holds_one() {
    let running = program("serve")
        .env("HEADWATER_SERVE_KEY", "of-the-house")
        .args(["--listen", "127.0.0.1:0", "--embedder", "none"])
        .start();
    let address = running.message("listening on http://");
    let get = |key: &str| {
        let lines = format!("GET /v1/models HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
        send(&address, &format!("{lines}{key}\r\n")).status
    };
    assert_eq!(get(""), 401);
    assert_eq!(get("authorization: Bearer of-the-house\r\n"), 200);
    let empty = program("serve").file("keys.txt", "\n").args(["--key-file", "keys.txt"]);
    empty.run().code(2).says("no key");
    program("serve").args(["--key-file", "none.txt"]).run().code(2).says("none.txt");
}

#[test]
fn model_a_socket_in_use_and_a_file_in_its_place_are_left_alone() {
    let first = program("serve").args(["--socket", "s", "--embedder", "none"]);
    let path = first.folder().join("s");
    let running = first.start();
    running.message("listening on");
    let second = program("serve").arg("--socket").arg(&path).args(["--embedder", "none"]);
    second.run().code(2).says("s");
    assert!(path.exists());
    let occupied = program("serve").file("s", "a letter").args(["--socket", "s"]);
    let file = occupied.folder().join("s");
    let occupied = occupied.args(["--embedder", "none"]).start();
    occupied.message("s:");
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), "a letter");
    assert_eq!(occupied.end().0, 2);
}
