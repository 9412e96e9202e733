//! A server on its own thread, and just enough of an HTTP client to misbehave with.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use engine::scripted::Scripted;
use serde_json::Value;
use serve_cli::{Capacity, Config, Listen, Registry, ServeError, Server, Summary};
use tokio::sync::oneshot;

/// A running server.
pub(crate) struct Running {
    pub(crate) listen: Listen,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<Summary, ServeError>>,
}

/// Replies every test may rely on.
pub(crate) fn scripted() -> Arc<Scripted> {
    let rules = [
        ("capital of France", "Paris is the capital."),
        ("lines", "one\ntwo \"three\" \u{1F30D}"),
        ("count", "one two three four five"),
        ("silence", ""),
    ];
    let rules = rules.map(|(key, reply)| (key.into(), reply.into()));
    Arc::new(Scripted::new(64, rules.into()))
}

pub(crate) fn loopback() -> Config {
    Config::new(Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 0))))
}

pub(crate) fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.complete("tiny", scripted(), Capacity::new(2)).unwrap();
    registry.embed("vectors", scripted(), Capacity::new(2)).unwrap();
    registry
}

pub(crate) fn start() -> Running {
    start_with(loopback(), registry())
}

pub(crate) fn start_with(config: Config, registry: Registry) -> Running {
    let server = Server::bind(config, registry).unwrap();
    let listen = server.local_addr().clone();
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::spawn(move || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(server.run(async { drop(stopped.await) }))
    });
    Running { listen, stop, thread }
}

impl Running {
    pub(crate) fn address(&self) -> SocketAddr {
        match self.listen {
            Listen::Tcp(address) => address,
            Listen::Unix(_) => panic!("not a TCP server"),
        }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Sends `request` as it is and reads until the server closes.
    pub(crate) fn raw(&self, request: &[u8]) -> Reply {
        let mut stream = self.connect();
        stream.write_all(request).unwrap();
        Reply::read(&mut stream)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.raw(head("GET", path, "").as_bytes())
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        self.post_text(path, &body.to_string())
    }

    pub(crate) fn post_text(&self, path: &str, body: &str) -> Reply {
        self.raw(post(path, "", body).as_bytes())
    }

    /// Tells the server to stop, without waiting.
    pub(crate) fn tell_to_stop(self) -> JoinHandle<Result<Summary, ServeError>> {
        self.stop.send(()).unwrap();
        self.thread
    }

    pub(crate) fn stop(self) -> Summary {
        self.tell_to_stop().join().unwrap().unwrap()
    }
}

/// A request head that asks the server to close after the answer; `headers` end in CRLF each.
pub(crate) fn head(method: &str, path: &str, headers: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n")
}

pub(crate) fn post(path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    let headers =
        format!("Content-Type: application/json\r\nContent-Length: {length}\r\n{headers}");
    head("POST", path, &headers) + body
}

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn read(stream: &mut impl Read) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        Self::parse(&bytes)
    }

    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).expect("a status").parse().unwrap();
        let head = head.to_ascii_lowercase();
        let body = match head.contains("transfer-encoding: chunked") {
            true => unchunk(body),
            false => body.into(),
        };
        Self { status, head, body }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The error object, after a check of its shape.
    pub(crate) fn error(&self) -> Value {
        let mut value = self.json();
        let error = value["error"].take();
        let keys: Vec<_> = error.as_object().expect("an error object").keys().collect();
        assert_eq!(keys, ["message", "type", "param", "code"], "{self:?}");
        assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()));
        error
    }
}

/// RFC 9112 §7.1, without extensions and trailers; fails when the last chunk is missing.
fn unchunk(mut rest: &str) -> String {
    let mut body = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n").expect("a chunk size");
        let size = usize::from_str_radix(size, 16).expect("a hexadecimal size");
        if size == 0 {
            assert_eq!(after, "\r\n");
            return body;
        }
        body.push_str(&after[..size]);
        rest = after[size..].strip_prefix("\r\n").expect("the end of a chunk");
    }
}
