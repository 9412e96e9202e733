use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::{ApiKey, Member, Upstream};

/// Where the server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A TCP address; port 0 lets the system choose.
    Tcp(SocketAddr),
    /// A Unix socket for its owner only (mode 0600), made in a directory that exists.
    Unix(PathBuf),
}

impl Listen {
    /// Whether only this machine can reach it.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "http://{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// How to serve.
pub struct Config {
    /// Where to listen.
    pub listen: Listen,
    /// Any one of them opens everything but `/health`. None: no key is asked for, which is
    /// refused for an address that other machines can reach.
    pub keys: Vec<ApiKey>,
    /// People with keys of their own, and what they may use.
    pub members: Vec<Member>,
    /// Other servers, asked for models that are not served here.
    pub upstreams: Vec<Upstream>,
    /// The server's certificate and its key, both as PEM files: TLS for every TCP connection.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Host names, beside `localhost` and the address itself, that a request to a loopback
    /// address may carry in `Host`.
    pub names: Vec<String>,
    /// Bounds on what clients can take.
    pub limits: Limits,
}

impl Config {
    /// No keys, no further names, the default limits.
    pub fn new(listen: Listen) -> Self {
        Self {
            listen,
            keys: Vec::new(),
            members: Vec::new(),
            upstreams: Vec::new(),
            certificate: None,
            names: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// Bounds on what clients can take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest request body, in bytes; more is answered with 413.
    pub body_bytes: usize,
    /// Connections at a time; further ones wait in the system's backlog. An idle one takes some
    /// kilobytes.
    pub connections: usize,
    /// For the whole head of a request to arrive, and for an idle connection to send its next.
    pub head: Duration,
    /// For the whole body of a request to arrive.
    pub body: Duration,
    /// For a client to take some of the answer; a connection that takes nothing is cut.
    pub stall: Duration,
    /// For the engine, waiting in the queue included; over it the request ends with 504.
    pub request: Duration,
    /// For requests under way to end once the server is told to stop; then they are cancelled.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 8 << 20,
            connections: 4096,
            head: Duration::from_secs(20),
            body: Duration::from_secs(60),
            stall: Duration::from_secs(60),
            request: Duration::from_secs(600),
            drain: Duration::from_secs(30),
        }
    }
}
