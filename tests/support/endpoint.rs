use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// What the endpoint was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `GET`, `POST`, ….
    pub method: String,
    /// The path of the request.
    pub path: String,
    /// Header lines.
    pub headers: Vec<String>,
    /// The JSON body; null when there is none.
    pub body: Value,
    /// The body as it came.
    pub raw: Vec<u8>,
}

/// What it answers: a status, further header lines, a body.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Header lines, without line ends.
    pub headers: Vec<String>,
    /// The body, sent as it is.
    pub body: Vec<u8>,
}

impl Answer {
    /// A chat completion that says `text`.
    pub fn chat(text: &str) -> Self {
        let body = json!({
            "id": "x", "object": "chat.completion", "model": "fake",
            "choices": [{"index": 0, "finish_reason": "stop",
                         "message": {"role": "assistant", "content": text}}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        });
        Self { status: 200, headers: Vec::new(), body: body.to_string().into_bytes() }
    }

    /// Any status and body.
    pub fn of(status: u16, body: &str) -> Self {
        Self { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }
}

/// An HTTP server on loopback that answers as the test says. It ends with the test's process.
pub struct Endpoint {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Endpoint {
    /// Starts it; `answer` sees each request.
    pub fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                thread::spawn(move || while serve(&stream, &*answer, &seen).is_some() {});
            }
        });
        Self { address, asked }
    }

    /// Its base URL, up to `/v1`.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no test panicked in it").clone()
    }
}

/// Answers one request; nothing when the connection ended.
fn serve(
    stream: &TcpStream,
    answer: &dyn Fn(&Asked) -> Answer,
    seen: &Mutex<Vec<Asked>>,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        match header.trim_end() {
            "" => break,
            header => headers.push(header.to_owned()),
        }
    }
    let length = headers.iter().find_map(|h| {
        let (name, value) = h.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let asked = Asked { method, path, headers, body: json, raw: body };
    seen.lock().ok()?.push(asked.clone());
    let Answer { status, headers, body } = answer(&asked);
    let mut head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n");
    for header in headers {
        head.push_str(&header);
        head.push_str("\r\n");
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    let mut stream = stream;
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&body).ok()
}
