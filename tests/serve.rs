//! `serve` as its users run it, with the real small models.

#[path = "serve/faults.rs"]
mod faults;
#[path = "serve/members.rs"]
mod members;
#[path = "serve/upstream.rs"]
mod upstream;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Running, program};

struct Served {
    running: Running,
    address: String,
}

fn serve(args: &[&str]) -> Served {
    // One thread: two that wait for each other crawl on a machine whose cores are taken.
    let run = program("serve").args(["--listen", "127.0.0.1:0", "--context", "1024"]);
    let running = run.args(["--threads", "1"]).args(args).start();
    let address = running.message("listening on http://");
    Served { running, address }
}

struct Reply {
    status: u16,
    headers: String,
    body: String,
}

impl Reply {
    /// A header's value.
    fn head(&self, name: &str) -> Option<String> {
        let pairs = self.headers.lines().filter_map(|line| line.split_once(':'));
        let mut found = pairs.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.trim().to_owned())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }
}

impl Served {
    fn send(&self, raw: &str) -> Reply {
        send(&self.address, raw)
    }

    fn get(&self, path: &str) -> Reply {
        self.send(&format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
            self.address
        ))
    }

    fn post(&self, path: &str, key: &str, body: &Value) -> Reply {
        post(&self.address, path, key, body)
    }
}

fn send(address: &str, raw: &str) -> Reply {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(100))).expect("a timeout");
    stream.write_all(raw.as_bytes()).expect("it reads");
    let mut text = Vec::new();
    stream.read_to_end(&mut text).expect("an answer");
    let text = String::from_utf8_lossy(&text).into_owned();
    let status = text.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    let (headers, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    Reply { status, headers: headers.to_owned(), body: body.to_owned() }
}

fn post(address: &str, path: &str, key: &str, body: &Value) -> Reply {
    let body = body.to_string();
    let length = body.len();
    send(
        address,
        &format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{key}\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ),
    )
}

fn chat(text: &str) -> Value {
    json!({"messages": [{"role": "user", "content": text}], "max_tokens": 12, "temperature": 0})
}

#[test]
fn model_the_interface_answers_as_openais_does() {
    let server = serve(&[]);
    assert_eq!(server.get("/health").status, 200);
    let models = server.get("/v1/models").json();
    let ids: Vec<_> = models["data"].as_array().expect("data").iter().map(|m| &m["id"]).collect();
    assert_eq!(ids, ["smollm2-135m", "all-minilm-l6-v2"]);

    let reply = server.post("/v1/chat/completions", "", &chat("What is the capital of France?"));
    assert_eq!(reply.status, 200, "{}", reply.body);
    let answer = reply.json();
    let text = answer["choices"][0]["message"]["content"].as_str().expect("content");
    assert!(text.contains("Paris"), "{text}");
    assert_eq!(answer["object"], "chat.completion");
    assert!(answer["usage"]["prompt_tokens"].as_u64() > Some(5));

    let mut streamed = chat("What is the capital of France?");
    streamed["stream"] = json!(true);
    let reply = server.post("/v1/chat/completions", "", &streamed);
    assert!(reply.body.contains("data: {") && reply.body.contains("data: [DONE]"));
    assert!(reply.body.contains("Paris"), "{}", reply.body);

    let mut several = chat("Name an animal.");
    (several["n"], several["temperature"], several["seed"]) = (json!(3), json!(1.5), json!(7));
    let reply = server.post("/v1/chat/completions", "", &several).json();
    let choices = reply["choices"].as_array().expect("choices");
    assert_eq!(choices.iter().map(|c| &c["index"]).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(choices.iter().any(|c| c["message"] != choices[0]["message"]), "{reply}");
    several["n"] = json!(17);
    assert_eq!(server.post("/v1/chat/completions", "", &several).status, 400);
    several["n"] = json!(2);
    several["stream"] = json!(true);
    assert_eq!(server.post("/v1/chat/completions", "", &several).status, 400);

    let raw = json!({"prompt": "One, two, three,", "max_tokens": 6, "temperature": 0});
    let reply = server.post("/v1/completions", "", &raw).json();
    assert!(reply["choices"][0]["text"].as_str().is_some_and(|t| t.contains("four")), "{reply}");

    let texts = json!({"model": "all-minilm-l6-v2", "input": ["a cat", "a kitten", "tax law"]});
    let vectors = server.post("/v1/embeddings", "", &texts).json();
    let vector = |n: usize| -> Vec<f64> {
        let list = vectors["data"][n]["embedding"].as_array().expect("a vector");
        list.iter().map(|x| x.as_f64().expect("a number")).collect()
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let (cat, kitten, law) = (vector(0), vector(1), vector(2));
    assert_eq!(cat.len(), 384);
    assert!((dot(&cat, &cat) - 1.0).abs() < 1e-3);
    assert!(dot(&cat, &kitten) > dot(&cat, &law) + 0.2);
}

#[test]
fn model_each_token_has_its_probability_where_that_is_asked_for() {
    let server = serve(&["--embedder", "none"]);
    let mut ask = chat("What is the capital of France?");
    (ask["temperature"], ask["logprobs"], ask["top_logprobs"]) = (json!(0), json!(true), json!(3));
    let reply = server.post("/v1/chat/completions", "", &ask).json();
    let choice = &reply["choices"][0];
    let content = choice["logprobs"]["content"].as_array().expect("tokens");
    let token = |value: &Value| value["token"].as_str().expect("a text").to_owned();
    let together: String = content.iter().map(token).collect();
    assert_eq!(together, choice["message"]["content"].as_str().expect("a text"), "{reply}");
    for one in content {
        let top = one["top_logprobs"].as_array().expect("alternatives");
        assert_eq!(top.len(), 3, "{one}");
        // The likeliest was taken, and the others follow in order.
        assert_eq!((&top[0]["token"], &top[0]["logprob"]), (&one["token"], &one["logprob"]));
        let logprobs: Vec<f64> = top.iter().filter_map(|t| t["logprob"].as_f64()).collect();
        assert!(logprobs[0] <= 1e-3 && logprobs.is_sorted_by(|a, b| a >= b), "{one}");
        let bytes: Vec<u8> = serde_json::from_value(one["bytes"].clone()).expect("bytes");
        assert_eq!(String::from_utf8_lossy(&bytes), token(one));
    }

    let mut raw = json!({"prompt": "One, two, three,", "max_tokens": 12, "temperature": 0});
    (raw["logprobs"], raw["stop"]) = (json!(2), json!([", six"]));
    let reply = server.post("/v1/completions", "", &raw).json();
    let (text, told) = (&reply["choices"][0]["text"], &reply["choices"][0]["logprobs"]);
    let tokens: Vec<String> = serde_json::from_value(told["tokens"].clone()).expect("tokens");
    // Of what was said for the stop string, nothing.
    assert_eq!(tokens.concat(), text.as_str().expect("a text"), "{reply}");
    assert_eq!(told["text_offset"][1], tokens[0].chars().count(), "{reply}");
    assert_eq!(told["top_logprobs"][0].as_object().map(serde_json::Map::len), Some(2), "{reply}");
    assert_eq!(told["token_logprobs"].as_array().map(Vec::len), Some(tokens.len()), "{reply}");

    raw["logprobs"] = json!(0);
    let reply = server.post("/v1/completions", "", &raw).json();
    assert_eq!(reply["choices"][0]["logprobs"]["top_logprobs"][0], json!({}), "{reply}");
    (ask["stream"], ask["max_tokens"]) = (json!(true), json!(4));
    assert_eq!(server.post("/v1/chat/completions", "", &ask).status, 400, "not in a stream");
}

#[test]
fn model_what_is_wrong_is_refused_in_openais_words() {
    let server = serve(&["--embedder", "none"]);
    let refused = |path: &str, body: Value, status: u16| {
        let reply = server.post(path, "", &body);
        assert_eq!(reply.status, status, "{}", reply.body);
        assert!(reply.json()["error"]["message"].is_string(), "{}", reply.body);
    };
    refused("/v1/chat/completions", json!({}), 400);
    refused("/v1/chat/completions", json!({"messages": "no"}), 400);
    let mut other = chat("x");
    other["model"] = json!("gpt-9");
    refused("/v1/chat/completions", other, 404);
    refused("/v1/chat/completions", chat(&"word ".repeat(3000)), 400);
    refused("/v1/nothing", json!({}), 404);
    assert_eq!(server.send("nonsense\r\n\r\n").status, 400);
    let rebound = "GET /v1/models HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n";
    assert!(server.send(rebound).status >= 400, "another host's name is not ours");
    assert_eq!(server.get("/health").status, 200, "and it still runs");
}

#[test]
fn model_a_key_is_needed_where_one_is_set() {
    let mut server = serve_with_key();
    assert_eq!(server.get("/health").status, 200);
    assert_eq!(server.get("/v1/models").status, 401);
    let with = |key: &str| format!("authorization: Bearer {key}\r\n");
    let right = server.post("/v1/chat/completions", &with("of-the-house"), &chat("Hi"));
    assert_eq!(right.status, 200, "{}", right.body);
    let wrong = server.post("/v1/chat/completions", &with("of-the-mouse"), &chat("Hi"));
    assert_eq!(wrong.status, 401);
    server.running.signal("TERM");
    let (status, _, messages) = server.running.end();
    assert_eq!(status, 143);
    assert!(!messages.contains("of-the-house"), "{messages}");
    server.address.clear();
    let open = program("serve").args(["--listen", "0.0.0.0:0"]).run();
    open.code(2).says("key");
}

fn serve_with_key() -> Served {
    let running = program("serve")
        .file("keys.txt", "of-the-house\n")
        .args(["--listen", "127.0.0.1:0", "--key-file", "keys.txt", "--embedder", "none"])
        .start();
    let address = running.message("listening on http://");
    Served { running, address }
}

#[test]
fn model_many_clients_are_all_answered() {
    let server = serve(&["--embedder", "none", "--queue", "64", "--parallel", "8"]);
    std::thread::scope(|scope| {
        let address = server.address.as_str();
        let clients: Vec<_> = (0..50)
            .map(|n| {
                scope.spawn(move || {
                    let mut ask = chat(&format!("Say {n}."));
                    ask["max_tokens"] = json!(4);
                    post(address, "/v1/chat/completions", "", &ask)
                })
            })
            .collect();
        for client in clients {
            let reply = client.join().expect("a client");
            assert_eq!(reply.status, 200, "{}", reply.body);
        }
    });
}

#[test]
fn model_a_private_socket_ends_with_its_owner() {
    let run = program("serve").args(["--socket", "s", "--embedder", "none", "--exit-on-stdin-eof"]);
    let path = run.folder().join("s");
    let mut running = run.start();
    running.message("listening on");
    let mode = std::fs::metadata(&path).expect("the socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut stream = UnixStream::connect(&path).expect("a connection");
    stream
        .write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .expect("it reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    let started = Instant::now();
    running.close_stdin();
    assert_eq!(running.end().0, 0);
    assert!(started.elapsed() < Duration::from_secs(15));
    assert!(!path.exists(), "the socket is gone");
}

#[test]
fn model_a_second_server_or_a_wrong_model_is_said() {
    let server = serve(&["--embedder", "none"]);
    program("serve").args(["--listen", &server.address, "--embedder", "none"]).run().code(2);
    program("serve").args(["--model", "all-minilm-l6-v2"]).run().code(2);
    program("serve").args(["--embedder", "smollm2-135m"]).run().code(2);
}
