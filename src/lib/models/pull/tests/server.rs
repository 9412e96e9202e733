//! A web server that does as it is told, for one test.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request as far as the tests look at it.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) path: String,
    pub(super) range: Option<u64>,
    pub(super) if_range: Option<String>,
}

/// What the server does with one request.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    /// Announced length; the body's own when absent.
    pub(super) length: Option<usize>,
    pub(super) body: Vec<u8>,
    /// Keeps the connection open without a word after the body.
    pub(super) stall: bool,
}

impl Reply {
    pub(super) fn status(status: u16) -> Self {
        Self { status, headers: vec![], length: None, body: vec![], stall: false }
    }

    /// The file, or the rest of it where the request asks for that and the ETag is the same.
    pub(super) fn file(request: &Request, file: &[u8], etag: &str) -> Self {
        let mut reply = Self::status(200).header("ETag", etag);
        let same = request.if_range.as_deref() == Some(etag);
        match request.range.map(|at| at as usize).filter(|_| same) {
            Some(at) if at >= file.len() => Self::status(416),
            Some(at) => {
                reply.status = 206;
                reply.body = file[at..].to_vec();
                let range = format!("bytes {at}-{}/{}", file.len() - 1, file.len());
                reply.header("Content-Range", range)
            }
            None => {
                reply.body = file.to_vec();
                reply
            }
        }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Announces everything and ends after `n` bytes.
    pub(super) fn cut(mut self, n: usize) -> Self {
        self.length = Some(self.body.len());
        self.body.truncate(n);
        self
    }

    pub(super) fn stalls(mut self) -> Self {
        self.stall = true;
        self
    }
}

pub(super) struct Server {
    pub(super) base: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers each request by `reply(request, number)`, the first being number 0.
    pub(super) fn start(reply: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let reply = Arc::new(reply);
        let seen = requests.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, reply) = (seen.clone(), reply.clone());
                std::thread::spawn(move || {
                    let Some(request) = parse(&stream) else { return };
                    let number = {
                        let mut seen = seen.lock().unwrap();
                        seen.push(request.clone());
                        seen.len() - 1
                    };
                    answer(&stream, reply(&request, number));
                });
            }
        });
        Self { base, requests }
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn parse(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    let path = first.split(' ').nth(1)?.to_owned();
    let mut request = Request { path, range: None, if_range: None };
    for line in lines {
        let line = line.ok()?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ")?;
        match name.to_ascii_lowercase().as_str() {
            "range" => {
                request.range = value.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok();
            }
            "if-range" => request.if_range = Some(value.to_owned()),
            _ => {}
        }
    }
    Some(request)
}

fn answer(mut stream: &TcpStream, reply: Reply) {
    let length = reply.length.unwrap_or(reply.body.len());
    let mut head = format!("HTTP/1.1 {} X\r\nContent-Length: {length}\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("Connection: close\r\n\r\n");
    // The client may have gone; that is what some of the tests do.
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(&reply.body);
    let _ = stream.flush();
    if reply.stall {
        std::thread::sleep(Duration::from_secs(20));
    }
}
