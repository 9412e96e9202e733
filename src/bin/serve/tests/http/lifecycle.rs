use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::json;
use serve_cli::{Capacity, Registry, ServeError, Server};

use crate::client::{Reply, Running, loopback, post, registry, scripted, start, start_with};
use crate::engines::{Slow, eventually};

fn slow_server(drain: Duration) -> (Running, Arc<Slow>) {
    let slow = Arc::new(Slow::new());
    let mut registry = Registry::new();
    registry.complete("slow", Arc::clone(&slow) as _, Capacity::new(1)).unwrap();
    let mut config = loopback();
    config.limits.drain = drain;
    (start_with(config, registry), slow)
}

fn begin(server: &Running, slow: &Slow, stream: bool) -> TcpStream {
    let body = json!({ "prompt": "x", "stream": stream }).to_string();
    let mut client = server.connect();
    client.write_all(post("/v1/completions", "", &body).as_bytes()).unwrap();
    eventually("the engine starts", || slow.started.load(Ordering::SeqCst) == 1);
    client
}

#[test]
fn what_is_under_way_is_finished() {
    let (server, slow) = slow_server(Duration::from_secs(20));
    let address = server.address();
    let mut client = begin(&server, &slow, false);
    let thread = server.tell_to_stop();
    eventually("the port is closed", || TcpStream::connect(address).is_err());
    slow.release();
    let reply = Reply::read(&mut client);
    assert_eq!(reply.json()["choices"][0]["text"], "word end");
    let summary = thread.join().unwrap().unwrap();
    assert_eq!((summary.requests, summary.abandoned), (1, 0));
}

#[test]
fn what_takes_too_long_is_cancelled_and_told() {
    let (server, slow) = slow_server(Duration::from_millis(100));
    let mut client = begin(&server, &slow, false);
    let start = Instant::now();
    let thread = server.tell_to_stop();
    let reply = Reply::read(&mut client);
    assert_eq!((reply.status, &reply.error()["code"]), (503, &json!("stopping")));
    assert_eq!(thread.join().unwrap().unwrap().abandoned, 1);
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_stream_that_is_cancelled_ends_with_an_error() {
    let (server, slow) = slow_server(Duration::from_millis(100));
    let mut client = begin(&server, &slow, true);
    let thread = server.tell_to_stop();
    let reply = Reply::read(&mut client);
    assert_eq!(reply.status, 200);
    assert!(reply.body.contains("\"code\":\"stopping\""), "{reply:?}");
    assert!(!reply.body.contains("[DONE]"));
    assert_eq!(thread.join().unwrap().unwrap().abandoned, 1);
}

#[test]
fn idle_connections_do_not_hold_up_the_end() {
    let server = start();
    let mut idle = server.connect();
    idle.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    idle.read_exact(&mut [0; 32]).unwrap();
    let _silent = server.connect();
    let start = Instant::now();
    server.stop();
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_client_that_reads_nothing_is_cut() {
    let mut registry = Registry::new();
    let reply = "word ".repeat(40_000);
    let engine = engine::scripted::Scripted::new(100_000, vec![("x".into(), reply)]);
    registry.complete("long", Arc::new(engine), Capacity::new(1)).unwrap();
    let mut config = loopback();
    config.limits.stall = Duration::from_millis(200);
    config.limits.connections = 1;
    let server = start_with(config, registry);
    let mut client = server.connect();
    let body = json!({ "prompt": "x", "stream": true }).to_string();
    client.write_all(post("/v1/completions", "", &body).as_bytes()).unwrap();
    let start = Instant::now();
    assert_eq!(server.get("/health").status, 200, "its connection is free for others");
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn an_address_in_use_is_an_error() {
    let server = start();
    let mut config = loopback();
    config.listen = server.listen.clone();
    let error = Server::bind(config, registry()).err().unwrap();
    assert!(matches!(error, ServeError::Listen { .. }), "{error:?}");
    assert!(error.to_string().contains(&server.address().to_string()));
}

#[test]
fn a_registry_has_models_with_names_of_their_own() {
    assert!(matches!(Server::bind(loopback(), Registry::new()), Err(ServeError::NoModel)));
    let mut registry = Registry::new();
    let capacity = Capacity::new(1);
    registry.complete("a", scripted(), capacity).unwrap();
    registry.embed("a", scripted(), capacity).unwrap();
    let error = registry.complete("a", scripted(), capacity);
    assert!(matches!(error, Err(ServeError::DuplicateModel(name)) if name == "a"));
    assert!(matches!(registry.embed("", scripted(), capacity), Err(ServeError::UnnamedModel)));
}
