use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the server cannot start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Other machines could use it freely.
    #[error("{0} can be reached from other machines: a key is required")]
    KeyRequired(SocketAddr),
    /// A key that nobody could send in a header.
    #[error("a key must be 1 to 512 visible ASCII characters")]
    BadKey,
    /// What stands in place of a key's digest is none.
    #[error("key_sha256 must be 64 hexadecimal digits, as sha256sum prints them")]
    BadDigest,
    /// The list of members cannot be used.
    #[error("members: {0}")]
    Members(String),
    /// The list of other servers cannot be used.
    #[error("upstreams: {0}")]
    Upstreams(String),
    /// The certificate or its key cannot be used.
    #[error("tls: {0}")]
    Tls(String),
    /// A model that is larger than all of them may be together.
    #[error("{0} is larger than --memory")]
    TooLarge(String),
    /// Two models under one name and task.
    #[error("two models are called {0}")]
    DuplicateModel(String),
    /// A model without a name.
    #[error("a model needs a name")]
    UnnamedModel,
    /// There is nothing to serve.
    #[error("no model to serve")]
    NoModel,
    /// Another server answers on the socket.
    #[error("{}: another server is listening here", .0.display())]
    InUse(PathBuf),
    /// What is there is not ours to replace.
    #[error("{}: exists and is not a socket", .0.display())]
    NotASocket(PathBuf),
    /// The address cannot be listened on.
    #[error("cannot listen on {place}: {source}")]
    Listen {
        /// The address or path.
        place: String,
        /// What the system says.
        source: io::Error,
    },
}
