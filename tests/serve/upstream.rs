//! Models that other servers have: two and three real servers, and ones that the test plays.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Value, json};
use testkit::{Answer, Endpoint, Program, data, program};

use super::{Served, chat, post};

const BIG: &str = "qwen2.5-coder-0.5b";

fn plain() -> Program {
    let run = program("serve").args(["--embedder", "none", "--context", "1024"]);
    run.args(["--threads", "1"])
}

fn started(run: Program, listen: &str) -> Served {
    let running = run.args(["--listen", listen]).start();
    let address = running.message("listening on http://");
    Served { running, address }
}

/// A server that asks others: a name and an address, and further settings.
fn asking(upstreams: &[(&str, String, &str)], listen: &str) -> Served {
    let list: String = upstreams
        .iter()
        .map(|(name, url, more)| format!("[{name}]\nurl = \"{url}\"\n{more}\n"))
        .collect();
    let run = plain().file("up.toml", list).args(["--upstream", "up.toml"]);
    started(run.env("THEIR_KEY", "key-for-the-attic"), listen)
}

fn url(server: &Served) -> String {
    format!("http://{}/v1", server.address)
}

fn asks(model: &str) -> Value {
    let mut ask = chat("What is the capital of France?");
    ask["model"] = json!(model);
    ask
}

/// A server of another kind, with one model.
fn stranger(answer: impl Fn() -> Answer + Send + Sync + 'static) -> Endpoint {
    let models = json!({"data": [{"id": "far", "object": "model", "owned_by": "llamacpp"}]});
    Endpoint::start(move |asked| match asked.method.as_str() {
        "GET" => Answer::of(200, &models.to_string()),
        _ => answer(),
    })
}

const ANY: &str = "127.0.0.1:0";

#[test]
fn model_three_servers_in_a_row_answer_as_one() {
    let last = started(plain().args(["--model", BIG, "--parallel", "1"]), ANY);
    let middle = asking(&[("last", url(&last), "")], ANY);
    let first = asking(&[("middle", url(&middle), "")], ANY);
    let models = first.get("/v1/models").json();
    let list = models["data"].as_array().expect("a list");
    let far = list.iter().find(|model| model["id"] == BIG).expect("it is listed");
    assert_eq!(far["owned_by"], "middle/last");
    // The last one asks nobody, so nothing can go round through it.
    assert_eq!(far["headwater_path"].as_array().map(Vec::len), Some(2));
    assert_eq!(first.get(&format!("/v1/models/{BIG}")).status, 200);

    let reply = first.post("/v1/chat/completions", "", &asks(BIG));
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.json()["model"], BIG);
    let text = reply.json()["choices"][0]["message"]["content"].to_string();
    assert!(text.contains("Paris"), "{text}");
    let mut streamed = asks(BIG);
    streamed["stream"] = json!(true);
    let reply = first.post("/v1/chat/completions", "", &streamed);
    assert!(reply.body.matches("data: {").count() > 2, "{}", reply.body);
    assert!(reply.body.contains("[DONE]"), "{}", reply.body);
    let raw = json!({"model": BIG, "prompt": "One, two,", "max_tokens": 4, "temperature": 0});
    assert_eq!(first.post("/v1/completions", "", &raw).status, 200);
    // What is wrong is said by whom it concerns, and passed on.
    assert_eq!(
        first
            .post("/v1/chat/completions", "", &{
                let mut long = asks(BIG);
                long["messages"][0]["content"] = json!("word ".repeat(3000));
                long
            })
            .json()["error"]["code"],
        "context_length_exceeded"
    );

    // A client that leaves frees the model at the other end.
    let mut long = asks(BIG);
    (long["max_tokens"], long["stream"]) = (json!(900), json!(true));
    let body = long.to_string();
    let mut stream = TcpStream::connect(&first.address).expect("a connection");
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n\
                content-type: application/json\r\n";
    let raw = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(raw.as_bytes()).expect("it reads");
    stream.read_exact(&mut [0; 64]).expect("the beginning of an answer");
    drop(stream);
    assert_eq!(last.post("/v1/chat/completions", "", &asks(BIG)).status, 200);
    last.running.signal("TERM");
    last.running.message("1 abandoned");
    // And when the last one is gone, that is said.
    let gone = first.post("/v1/chat/completions", "", &asks(BIG));
    assert_eq!((gone.status, &gone.json()["error"]["code"]), (502, &json!("upstream_failed")));
    assert_eq!(first.get("/health").status, 200);
}

#[test]
fn model_servers_that_ask_each_other_do_not_go_round() {
    let free = TcpListener::bind(ANY).expect("a port").local_addr().expect("an address");
    let ghost = "models = [\"ghost\"]";
    let first = asking(&[("second", format!("http://{free}/v1"), ghost)], ANY);
    let second = asking(&[("first", url(&first), ghost)], &free.to_string());
    for server in [&first, &second] {
        let reply = server.post("/v1/chat/completions", "", &asks("ghost"));
        assert_eq!(reply.status, 508, "{}", reply.body);
        assert_eq!(reply.json()["error"]["code"], "loop_detected");
    }
    // Each asked once, and not again and again.
    let metrics = first.get("/metrics").body;
    let loops = "headwater_requests_total{path=\"/v1/chat/completions\",status=\"508\"} 3";
    assert!(metrics.contains(loops), "{metrics}");
    let hops = |hops: &str| {
        let key = format!("headwater-hops: {hops}\r\n");
        post(&first.address, "/v1/chat/completions", &key, &asks("ghost")).status
    };
    assert_eq!(hops("a,b,c,d"), 508, "too many have passed it on");
}

#[test]
fn model_what_tells_who_asks_stays_here() {
    let their = stranger(|| Answer::chat("from afar"));
    let run = plain()
        .file("up.toml", format!("[attic]\nurl = \"{}\"\nkey_env = \"THEIR_KEY\"\n", their.url()))
        .env("THEIR_KEY", "key-for-the-attic")
        .env("HEADWATER_SERVE_KEY", "of-the-house")
        .args(["--upstream", "up.toml"]);
    let server = started(run, ANY);
    let mut ask = asks("far");
    ask["user"] = json!("ann");
    let key = "authorization: Bearer of-the-house\r\ncookie: secret=1\r\n";
    let reply = server.post("/v1/chat/completions", key, &ask);
    assert_eq!(reply.json()["choices"][0]["message"]["content"], "from afar");
    let list = post(&server.address, "/v1/chat/completions", "", &ask);
    assert_eq!(list.status, 401, "members alone may ask");
    let asked = their.asked();
    let posts: Vec<_> = asked.iter().filter(|asked| asked.method == "POST").collect();
    assert_eq!(posts.len(), 1);
    let headers = posts[0].headers.join("\n").to_lowercase();
    assert!(headers.contains("authorization: bearer key-for-the-attic"), "{headers}");
    assert!(!headers.contains("of-the-house") && !headers.contains("cookie"), "{headers}");
    assert!(posts[0].body["user"].is_null() && posts[0].body["model"] == "far");
    server.running.signal("TERM");
    let (_, _, messages) = server.running.end();
    assert!(!messages.contains("key-for-the-attic"), "{messages}");
}

#[test]
fn model_quotas_are_kept_here_and_there() {
    let status = std::sync::Arc::new(AtomicU16::new(200));
    let now = std::sync::Arc::clone(&status);
    let their = stranger(move || match now.load(Ordering::Relaxed) {
        200 => Answer::chat("from afar"),
        429 => Answer { headers: vec!["Retry-After: 77".into()], ..Answer::of(429, "{}") },
        other => Answer::of(other, "<html>"),
    });
    let server = asking(&[("attic", their.url(), "requests_per_day = 4")], ANY);
    let ask = || server.post("/v1/chat/completions", "", &asks("far"));
    assert_eq!(ask().status, 200);
    status.store(429, Ordering::Relaxed);
    let refused = ask();
    assert_eq!((refused.status, refused.head("retry-after")), (429, Some("77".to_owned())));
    for (theirs, ours) in [(401, 502), (500, 502)] {
        status.store(theirs, Ordering::Relaxed);
        assert_eq!(ask().status, ours);
    }
    status.store(200, Ordering::Relaxed);
    let over = ask();
    assert_eq!(over.status, 429, "the fifth of the day");
    assert!(over.json()["error"]["message"].as_str().is_some_and(|m| m.contains("a day")));
    assert_eq!(their.asked().iter().filter(|asked| asked.method == "POST").count(), 4);
}

#[test]
fn model_the_next_one_is_asked_and_nonsense_is_not_passed_on() {
    let gone = TcpListener::bind(ANY).expect("a port").local_addr().expect("an address");
    let good = stranger(|| Answer::chat("from afar"));
    let far = "models = [\"far\"]";
    let down = format!("http://{gone}/v1");
    let server = asking(&[("a-down", down, far), ("b-good", good.url(), "")], ANY);
    for _ in 0..2 {
        assert_eq!(server.post("/v1/chat/completions", "", &asks("far")).status, 200);
    }
    assert_eq!(server.post("/v1/chat/completions", "", &asks("nowhere")).status, 404);
    for body in ["<html>", "[1]", "{\"half\":", ""] {
        let bad = stranger(move || Answer::of(200, body));
        let server = asking(&[("bad", bad.url(), "")], ANY);
        let reply = server.post("/v1/chat/completions", "", &asks("far"));
        assert_eq!(reply.status, 502, "{body}: {}", reply.body);
    }
    let redirect = stranger(|| Answer {
        headers: vec!["Location: http://127.0.0.1:1/".into()],
        ..Answer::of(302, "")
    });
    let server = asking(&[("moved", redirect.url(), "")], ANY);
    assert_eq!(server.post("/v1/chat/completions", "", &asks("far")).status, 502);
}

#[test]
fn model_tls_on_both_sides() {
    let run =
        plain().args(["--tls-cert", &path("tls/server.pem"), "--tls-key", &path("tls/server.key")]);
    let running = run.args(["--listen", ANY, "--model", BIG]).start();
    let address = running.message("listening on https://");
    let port = address.rsplit(':').next().expect("a port");
    let list = |ca: &str| {
        format!("[safe]\nurl = \"https://localhost:{port}/v1\"\nca = \"{}\"\n", path(ca))
    };
    let run = plain().file("up.toml", list("tls/ca.pem")).args(["--upstream", "up.toml"]);
    let first = started(run, ANY);
    let reply = first.post("/v1/chat/completions", "", &asks(BIG));
    assert_eq!(reply.status, 200, "{}", reply.body);
    // Without that authority there is nobody to trust.
    let run = plain().file(
        "up.toml",
        format!("[safe]\nurl = \"https://localhost:{port}/v1\"\nmodels = [\"{BIG}\"]\n"),
    );
    let wary = started(run.args(["--upstream", "up.toml"]), ANY);
    assert_eq!(wary.post("/v1/chat/completions", "", &asks(BIG)).status, 502);
    plain()
        .args(["--tls-cert", "none.pem", "--tls-key", "none.key"])
        .run()
        .code(2)
        .says("none.pem");
}

fn path(name: &str) -> String {
    data(name).display().to_string()
}

#[test]
fn model_a_wrong_list_is_said() {
    for (list, said) in [("[a]\n", "url"), ("[a\n", "upstreams"), ("[a]\nurl = \"x\"\n", "http")] {
        plain().file("up.toml", list).args(["--upstream", "up.toml"]).run().code(2).says(said);
    }
    plain().args(["--upstream", "none.toml"]).run().code(2).says("none.toml");
}
