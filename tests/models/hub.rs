//! A hub for one test: it serves one file, whole or from somewhere on.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How it serves the first request; the others are served whole.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum First {
    Whole,
    /// After a while.
    Late,
    /// Up to this byte; then nothing, with the connection open.
    Until(usize),
}

pub(crate) struct Hub {
    pub(crate) base: String,
    /// Where the range of each request starts.
    starts: Arc<Mutex<Vec<Option<usize>>>>,
}

impl Hub {
    pub(crate) fn start(file: Vec<u8>, first: First) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let starts: Arc<Mutex<Vec<Option<usize>>>> = Arc::default();
        let (seen, file) = (Arc::clone(&starts), Arc::new(file));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, file) = (Arc::clone(&seen), Arc::clone(&file));
                thread::spawn(move || serve(&stream, &file, first, &seen));
            }
        });
        Self { base, starts }
    }

    pub(crate) fn starts(&self) -> Vec<Option<usize>> {
        self.starts.lock().expect("no test panicked in it").clone()
    }
}

fn serve(
    mut stream: &TcpStream,
    file: &[u8],
    first: First,
    seen: &Mutex<Vec<Option<usize>>>,
) -> Option<()> {
    let mut start = None;
    for line in BufReader::new(stream).lines() {
        let line = line.ok()?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.strip_prefix("range: bytes=") {
            start = range.strip_suffix('-')?.parse().ok();
        }
    }
    let is_first = {
        let mut seen = seen.lock().ok()?;
        seen.push(start);
        seen.len() == 1
    };
    let first = if is_first { first } else { First::Whole };
    if first == First::Late {
        thread::sleep(Duration::from_millis(700));
    }
    let body = &file[start.unwrap_or(0).min(file.len())..];
    let status = match start {
        Some(at) => format!("206 X\r\nContent-Range: bytes {at}-{}/{}", file.len() - 1, file.len()),
        None => "200 X".into(),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nETag: \"one\"\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    if let First::Until(end) = first {
        stream.write_all(&body[..end]).ok()?;
        thread::sleep(Duration::from_secs(60));
        return None;
    }
    stream.write_all(body).ok()
}
