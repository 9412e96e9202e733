use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use serve_cli::{Capacity, Registry};

use crate::client::{Reply, Running, loopback, post, start, start_with};
use crate::engines::{Slow, eventually};

fn slow_server(capacity: Capacity) -> (Running, Arc<Slow>) {
    let slow = Arc::new(Slow::new());
    let mut registry = Registry::new();
    registry.complete("slow", Arc::clone(&slow) as _, capacity).unwrap();
    registry.embed("slow", Arc::clone(&slow) as _, capacity).unwrap();
    (start_with(loopback(), registry), slow)
}

fn ask(server: &Running, path: &str, stream: bool) -> TcpStream {
    let body = json!({ "prompt": "x", "input": "x", "stream": stream }).to_string();
    let mut client = server.connect();
    client.write_all(post(path, "", &body).as_bytes()).unwrap();
    client
}

#[test]
fn a_client_that_leaves_cancels_its_request() {
    for (path, stream) in
        [("/v1/completions", false), ("/v1/completions", true), ("/v1/embeddings", false)]
    {
        let (server, slow) = slow_server(Capacity { parallel: 1, queue: 0 });
        let mut client = ask(&server, path, stream);
        eventually("the engine starts", || slow.started.load(Ordering::SeqCst) == 1);
        if stream {
            client.read_exact(&mut [0; 64]).unwrap();
        }
        drop(client);
        eventually("the engine is told", || slow.cancelled.load(Ordering::SeqCst) == 1);
        // The slot is free again.
        slow.release();
        eventually("room", || Reply::read(&mut ask(&server, path, false)).status == 200);
        assert_eq!(server.stop().abandoned, 1, "{path} {stream}");
    }
}

#[test]
fn a_client_that_leaves_the_queue_makes_room_in_it() {
    let (server, slow) = slow_server(Capacity { parallel: 1, queue: 1 });
    let mut first = ask(&server, "/v1/completions", false);
    eventually("the engine starts", || slow.started.load(Ordering::SeqCst) == 1);
    let second = ask(&server, "/v1/completions", false);
    let refused = || Reply::read(&mut ask(&server, "/v1/completions", false));
    // Whether this one or the second was first in the queue, one of them is refused.
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(refused().status, 429);
    drop(second);
    std::thread::sleep(Duration::from_millis(100));
    let mut third = ask(&server, "/v1/completions", false);
    slow.release();
    assert_eq!(Reply::read(&mut first).status, 200);
    assert_eq!(Reply::read(&mut third).status, 200);
    assert_eq!(slow.started.load(Ordering::SeqCst), 2, "who left the queue was never begun");
}

#[test]
fn a_full_queue_says_when_to_come_back() {
    let (server, slow) = slow_server(Capacity { parallel: 2, queue: 3 });
    let mut clients: Vec<_> = (0..9).map(|_| ask(&server, "/v1/completions", false)).collect();
    let waiting = std::thread::spawn({
        let slow = Arc::clone(&slow);
        move || {
            eventually("both slots are used", || slow.started.load(Ordering::SeqCst) == 2);
            std::thread::sleep(Duration::from_millis(300));
            slow.release();
        }
    });
    let replies: Vec<_> = clients.iter_mut().map(Reply::read).collect();
    waiting.join().unwrap();
    let refused: Vec<_> = replies.iter().filter(|reply| reply.status == 429).collect();
    assert_eq!(refused.len(), 4, "{replies:?}");
    for reply in refused {
        assert!(reply.head.contains("retry-after: 1"), "{reply:?}");
        assert_eq!(reply.error()["code"], "queue_full");
    }
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 5);
    assert_eq!(slow.most.load(Ordering::SeqCst), 2, "never more than the engine's sequences");
}

#[test]
fn a_request_that_takes_too_long_ends() {
    let slow = Arc::new(Slow::new());
    let mut registry = Registry::new();
    let capacity = Capacity { parallel: 1, queue: 4 };
    registry.complete("slow", Arc::clone(&slow) as _, capacity).unwrap();
    let mut config = loopback();
    config.limits.request = Duration::from_millis(200);
    let server = start_with(config, registry);
    let mut clients: Vec<_> = (0..2).map(|_| ask(&server, "/v1/completions", false)).collect();
    for client in &mut clients {
        let reply = Reply::read(client);
        assert_eq!((reply.status, &reply.error()["code"]), (504, &json!("timeout")));
    }
}

#[test]
fn requests_are_answered_side_by_side() {
    let server = start();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let reply = server.post("/v1/completions", &json!({ "prompt": "count" }));
                    assert_eq!(reply.json()["choices"][0]["text"], "one two three four five");
                }
            });
        }
    });
    assert_eq!(server.stop().requests, 160);
}

#[test]
fn further_connections_wait_their_turn() {
    let slow = Arc::new(Slow::new());
    let mut registry = Registry::new();
    registry.complete("slow", Arc::clone(&slow) as _, Capacity::new(4)).unwrap();
    let mut config = loopback();
    config.limits.connections = 1;
    let server = start_with(config, registry);
    let mut first = ask(&server, "/v1/completions", false);
    eventually("the engine starts", || slow.started.load(Ordering::SeqCst) == 1);
    let mut second = ask(&server, "/v1/completions", false);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(slow.started.load(Ordering::SeqCst), 1);
    slow.release();
    assert_eq!(Reply::read(&mut first).status, 200);
    assert_eq!(Reply::read(&mut second).status, 200);
}
