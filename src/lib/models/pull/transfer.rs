//! One HTTP request, on a thread of its own.
//!
//! The caller gets what arrives through a channel, so that it can stop, or give up on a server
//! that stalls, at any moment: also while a name is resolved or a connection is set up.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use ureq::http::{HeaderMap, Response, Uri};
use ureq::{Agent, Body};

use super::PullOptions;
use super::options::is_loopback;

const REDIRECTS: usize = 10;

/// What the server says about the file before it sends it.
#[derive(Debug, Clone, Default)]
pub(super) struct Head {
    pub(super) status: u16,
    /// ETag of the answer that carries the bytes, if it is a strong one.
    pub(super) etag: Option<String>,
    /// The hub's own ETag of the file: the SHA-256 of a large file.
    pub(super) linked_etag: Option<String>,
    /// The hub's own size of the file.
    pub(super) linked_size: Option<u64>,
    pub(super) length: Option<u64>,
    pub(super) content_range: Option<String>,
    pub(super) retry_after: Option<String>,
}

/// A request could not be made or did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum TransferError {
    /// Worth another try.
    #[error("{0}")]
    Passing(String),
    /// Nobody was reached: worth another try only where somebody was, shortly before.
    #[error("{0}")]
    Unreachable(String),
    /// Not worth one.
    #[error("{0}")]
    Final(String),
    #[error("stopped")]
    Stopped,
}

enum Message {
    Head(Box<Head>),
    Chunk(Vec<u8>),
    End,
    Error(TransferError),
}

/// A request under way.
pub(super) struct Transfer<'a> {
    messages: Receiver<Message>,
    stall: Duration,
    connect: Duration,
    stop: &'a AtomicBool,
}

/// Where a range starts and the ETag that it belongs to.
pub(super) type From = Option<(u64, String)>;

/// Starts a GET of `url`.
pub(super) fn start<'a>(
    url: &str,
    from: From,
    options: &PullOptions,
    stop: &'a AtomicBool,
) -> Result<Transfer<'a>, TransferError> {
    let agent = agent(options)?;
    let (sender, messages) = sync_channel(4);
    let url = url.to_owned();
    // Plain HTTP is for a mirror on this machine, and such a mirror only leads to itself.
    let plain = options.hub_base.starts_with("http://");
    std::thread::Builder::new()
        .name("transfer".into())
        .spawn(move || work(&agent, url, from.as_ref(), plain, &sender))
        .map_err(|e| TransferError::Final(e.to_string()))?;
    // The names may resolve to several addresses, each with its own time limit.
    let connect = options.connect_timeout * 3 + options.stall_timeout;
    Ok(Transfer { messages, stall: options.stall_timeout, connect, stop })
}

fn agent(options: &PullOptions) -> Result<Agent, TransferError> {
    let proxy = options.proxy.as_deref().map(|p| proxy(p, &options.no_proxy)).transpose()?;
    Ok(Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .accept_encoding("identity")
        .user_agent(concat!("headwater-models/", env!("CARGO_PKG_VERSION")))
        .proxy(proxy)
        .timeout_resolve(Some(options.connect_timeout))
        .timeout_connect(Some(options.connect_timeout))
        .timeout_recv_response(Some(options.stall_timeout))
        .timeout_per_read(Some(options.stall_timeout))
        .build()
        .new_agent())
}

/// The proxy at `address`, for all hosts but those in `except`. The message does not repeat the
/// address: a password may be in it.
fn proxy(address: &str, except: &[String]) -> Result<ureq::Proxy, TransferError> {
    let failed =
        |e: ureq::Error| TransferError::Final(format!("the proxy's address cannot be used: {e}"));
    let plain = ureq::Proxy::new(address).map_err(failed)?;
    let mut builder = ureq::Proxy::builder(plain.protocol()).host(plain.host()).port(plain.port());
    if let Some(user) = plain.username() {
        builder = builder.username(user);
    }
    if let Some(password) = plain.password() {
        builder = builder.password(password);
    }
    except.iter().fold(builder, |b, host| b.no_proxy(host)).build().map_err(failed)
}

fn work(
    agent: &Agent,
    url: String,
    from: Option<&(u64, String)>,
    plain: bool,
    to: &SyncSender<Message>,
) {
    // A send fails when the caller has gone: then there is nothing left to do.
    let last = match request(agent, url, from, plain) {
        Ok((head, response)) => {
            if to.send(Message::Head(Box::new(head))).is_err() {
                return;
            }
            stream(response, to)
        }
        Err(e) => Message::Error(e),
    };
    let _ = to.send(last);
}

fn stream(response: Response<Body>, to: &SyncSender<Message>) -> Message {
    let mut body = response.into_body().into_with_config().limit(u64::MAX).reader();
    loop {
        let mut chunk = vec![0; 1 << 16];
        match body.read(&mut chunk) {
            Ok(0) => return Message::End,
            Ok(n) => {
                chunk.truncate(n);
                if to.send(Message::Chunk(chunk)).is_err() {
                    return Message::End;
                }
            }
            Err(e) => {
                let text = format!("the connection broke: {e}");
                return Message::Error(TransferError::Passing(text));
            }
        }
    }
}

fn request(
    agent: &Agent,
    mut url: String,
    from: Option<&(u64, String)>,
    plain: bool,
) -> Result<(Head, Response<Body>), TransferError> {
    let mut head = Head::default();
    for _ in 0..=REDIRECTS {
        allow(&url, plain)?;
        let mut request = agent.get(&url);
        if let Some((at, etag)) = from {
            request = request.header("range", format!("bytes={at}-")).header("if-range", etag);
        }
        let response = request.call().map_err(|e| failure(&e))?;
        let headers = response.headers();
        // The hub describes the file in its own answer, before it sends elsewhere for the bytes.
        let linked = text(headers, "x-linked-etag").map(|e| e.trim_matches('"').to_owned());
        head.linked_etag = head.linked_etag.or(linked);
        head.linked_size = head.linked_size.or_else(|| number(headers, "x-linked-size"));
        let status = response.status().as_u16();
        if let (301 | 302 | 303 | 307 | 308, Some(location)) = (status, text(headers, "location")) {
            url = join(&url, &location)?;
            continue;
        }
        head.status = status;
        head.etag = text(headers, "etag").filter(|e| e.starts_with('"'));
        head.length = number(headers, "content-length");
        head.content_range = text(headers, "content-range");
        head.retry_after = text(headers, "retry-after");
        return Ok((head, response));
    }
    Err(TransferError::Final("too many redirects".into()))
}

/// HTTPS everywhere; plain HTTP only to this machine, and only when the caller's mirror is there.
fn allow(url: &str, plain: bool) -> Result<(), TransferError> {
    let uri: Uri =
        url.parse().map_err(|_| TransferError::Final("the server's address is no URL".into()))?;
    let host = uri.host().unwrap_or_default();
    match uri.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if plain && is_loopback(host) => Ok(()),
        _ => Err(TransferError::Final(format!("{host}: not HTTPS"))),
    }
}

fn join(base: &str, location: &str) -> Result<String, TransferError> {
    if location.contains("://") {
        return Ok(location.to_owned());
    }
    let bad = || TransferError::Final("a redirect to nowhere".into());
    let uri: Uri = base.parse().map_err(|_| bad())?;
    let (scheme, authority) = uri.scheme_str().zip(uri.authority()).ok_or_else(bad)?;
    match location.strip_prefix("//") {
        Some(rest) => Ok(format!("{scheme}://{rest}")),
        None if location.starts_with('/') => Ok(format!("{scheme}://{authority}{location}")),
        None => Err(bad()),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.trim().to_owned())
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    text(headers, name)?.parse().ok()
}

fn failure(error: &ureq::Error) -> TransferError {
    let text = match error {
        ureq::Error::HostNotFound => "the host's name cannot be resolved".to_owned(),
        ureq::Error::Timeout(what) => format!("timed out ({what})"),
        ureq::Error::Io(e) if e.to_string().starts_with(LOOKUP) => {
            "the host's name cannot be resolved".to_owned()
        }
        ureq::Error::Io(e) => e.to_string(),
        other => other.to_string(),
    };
    match error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => {
            TransferError::Unreachable(text)
        }
        ureq::Error::Io(e) if is_unreachable(e) => TransferError::Unreachable(text),
        // What TLS does not accept, such as a certificate, it does not accept a second time.
        ureq::Error::Io(e) if e.kind() == io::ErrorKind::InvalidData => TransferError::Final(text),
        ureq::Error::Timeout(_) | ureq::Error::Io(_) | ureq::Error::Protocol(_) => {
            TransferError::Passing(text)
        }
        _ => TransferError::Final(text),
    }
}

/// The standard library gives a failed look-up no kind of its own.
const LOOKUP: &str = "failed to lookup address";

fn is_unreachable(error: &io::Error) -> bool {
    use io::ErrorKind::{
        AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkDown, NetworkUnreachable,
    };
    let kinds =
        [AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkDown, NetworkUnreachable];
    kinds.contains(&error.kind()) || error.to_string().starts_with(LOOKUP)
}

impl Transfer<'_> {
    fn next(&self, limit: Duration) -> Result<Message, TransferError> {
        let start = Instant::now();
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(TransferError::Stopped);
            }
            match self.messages.recv_timeout(Duration::from_millis(50)) {
                Ok(Message::Error(e)) => return Err(e),
                Ok(message) => return Ok(message),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(TransferError::Passing("the transfer ended unexpectedly".into()));
                }
                Err(RecvTimeoutError::Timeout) if start.elapsed() >= limit => {
                    let text = format!("nothing arrived for {} s", limit.as_secs_f32());
                    return Err(TransferError::Passing(text));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// The server's answer.
    pub(super) fn head(&self) -> Result<Head, TransferError> {
        match self.next(self.connect)? {
            Message::Head(head) => Ok(*head),
            _ => Err(TransferError::Passing("an answer without a head".into())),
        }
    }

    /// The next bytes; `None` at the end.
    pub(super) fn chunk(&self) -> Result<Option<Vec<u8>>, TransferError> {
        match self.next(self.stall)? {
            Message::Chunk(bytes) => Ok(Some(bytes)),
            _ => Ok(None),
        }
    }
}
