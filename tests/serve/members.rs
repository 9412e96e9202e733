//! Members with keys and limits, and what operators see.

use serde_json::json;
use testkit::program;

use super::{Served, chat, send};

/// SHA-256 of "of-ann" and "of-bob", as sha256sum prints them.
const MEMBERS: &str = "\
[ann]
key_sha256 = \"42a2b2fc363ad9ba98e08b7a7222bd674e54d1e364eba0dfe15e6fdda1e1f6b0\"
requests_per_day = 2

[bob]
key_sha256 = \"afaf76da0eb764754faab931a4930ad4164c8f764ffaa14d6a28d279d2b7a997\"
tokens_per_day = 5
";

fn served(members: &str) -> Served {
    let running = program("serve")
        .file("members.toml", members)
        .args(["--listen", "127.0.0.1:0", "--members", "members.toml", "--embedder", "none"])
        .args(["--threads", "1"])
        .start();
    let address = running.message("listening on http://");
    Served { running, address }
}

#[test]
fn model_members_have_keys_and_limits_of_their_own() {
    let server = served(MEMBERS);
    let key = |name: &str| format!("authorization: Bearer of-{name}\r\n");
    let ask = |name: &str| server.post("/v1/chat/completions", &key(name), &chat("Hi"));
    assert_eq!(server.get("/v1/models").status, 401);
    assert_eq!(ask("eve").status, 401);
    assert_eq!((ask("ann").status, ask("ann").status), (200, 200));
    let third = ask("ann");
    assert_eq!(third.status, 429);
    assert_eq!(third.json()["error"]["code"], "rate_limit_exceeded");
    // The request that exceeds the day's tokens is answered, the next one is not.
    assert_eq!(ask("bob").status, 200);
    let raw = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{}\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{}",
        server.address,
        key("bob"),
        chat("Hi").to_string().len(),
        chat("Hi")
    );
    let mut stream = std::net::TcpStream::connect(&server.address).expect("a connection");
    std::io::Write::write_all(&mut stream, raw.as_bytes()).expect("it reads");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut stream, &mut text).expect("an answer");
    assert!(text.starts_with("HTTP/1.1 429") && text.contains("retry-after: "), "{text}");

    let get = format!(
        "GET /metrics HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{}\r\n",
        server.address,
        key("ann")
    );
    let metrics = send(&server.address, &get);
    assert_eq!(metrics.status, 200);
    for line in [
        "# TYPE headwater_requests_total counter",
        "headwater_requests_total{path=\"/v1/chat/completions\",status=\"200\"} 3",
        "headwater_requests_total{path=\"/v1/chat/completions\",status=\"429\"} 2",
        "headwater_request_seconds_count{path=\"/v1/chat/completions\"} 6",
        "headwater_requests_running{model=\"smollm2-135m\"} 0",
        "headwater_tokens_total{direction=\"out\",member=\"bob\"}",
    ] {
        assert!(metrics.body.contains(line), "{line} in {}", metrics.body);
    }
    assert!(!metrics.body.contains("of-ann"));
    assert_eq!(server.get("/metrics").status, 401);
}

#[test]
fn model_members_open_a_server_to_others_and_a_wrong_list_is_said() {
    for (list, said) in [
        ("[ann]\n", "key_sha256"),
        ("[ann]\nkey_sha256 = \"of-ann\"\n", "hexadecimal"),
        ("[ann\n", "members"),
    ] {
        let run = program("serve").file("members.toml", list).args(["--embedder", "none"]);
        run.args(["--members", "members.toml"]).run().code(2).says(said);
    }
    program("serve").args(["--members", "none.toml"]).run().code(2).says("none.toml");
}

#[test]
fn model_a_full_queue_says_when_to_come_again() {
    let server = super::serve(&["--embedder", "none", "--parallel", "1", "--queue", "0"]);
    let mut long = chat("Count from one to a thousand.");
    long["max_tokens"] = json!(900);
    long["stream"] = json!(true);
    let mut stream = std::net::TcpStream::connect(&server.address).expect("a connection");
    let body = long.to_string();
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n\
                content-type: application/json\r\n";
    let raw = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    std::io::Write::write_all(&mut stream, raw.as_bytes()).expect("it reads");
    std::io::Read::read_exact(&mut stream, &mut [0; 64]).expect("the beginning of an answer");
    let refused = server.post("/v1/chat/completions", "", &chat("Hi"));
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert_eq!(refused.json()["error"]["code"], "queue_full");
}

#[test]
fn model_models_come_when_asked_for_and_go_when_another_one_needs_the_room() {
    // Room for the larger one alone.
    let args = ["--embedder", "none", "--also", "qwen2.5-coder-0.5b", "--memory", "500"];
    let server = super::serve(&args);
    let loaded = || -> Vec<String> {
        let text = server.get("/metrics").body;
        let lines = text.lines().filter(|line| line.starts_with("headwater_model_loaded"));
        lines.filter(|line| line.ends_with(" 1")).map(str::to_owned).collect()
    };
    assert!(loaded().len() == 1 && loaded()[0].contains("smollm2"), "{:?}", loaded());
    for (model, name) in [("qwen2.5-coder-0.5b", "qwen"), ("smollm2-135m", "smollm2")] {
        let mut ask = chat("Hi");
        ask["model"] = json!(model);
        let reply = server.post("/v1/chat/completions", "", &ask);
        assert_eq!((reply.status, &reply.json()["model"]), (200, &json!(model)), "{}", reply.body);
        assert!(loaded().len() == 1 && loaded()[0].contains(name), "{:?}", loaded());
    }
    assert_eq!(server.get("/v1/models").json()["data"].as_array().map(Vec::len), Some(2));
    program("serve").args(["--embedder", "none", "--memory", "1"]).run().code(2).says("--memory");
    program("serve").args(["--embedder", "none", "--also", "none-such"]).run().code(2);
}
