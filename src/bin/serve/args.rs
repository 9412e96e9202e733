use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use cli::{Error, Exit, GeneralArgs, Program, Session};
use llama::ModelArgs;

use crate::plan::Plan;

/// Serve local models over HTTP, as OpenAI's API
///
/// Offers /v1/chat/completions, /v1/completions, /v1/embeddings, /v1/models, /health and /metrics.
/// Listens on loopback; any other address needs a key. Members, each with a key, take turns. Runs
/// until it is stopped.
#[derive(Debug, Parser)]
#[command(name = "serve")]
pub struct Serve {
    /// Address to listen on
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Listen on a Unix socket instead, open to this user alone
    #[arg(long, value_name = "PATH", conflicts_with = "listen")]
    pub socket: Option<PathBuf>,

    /// A further model, loaded when somebody asks for it. May be given several times
    #[arg(long, value_name = "NAME")]
    pub also: Vec<String>,

    /// Memory for the weights of all these models together, in MiB: the one that was not used for
    /// longest goes when another one is asked for [default: no limit]
    #[arg(long, value_name = "MIB")]
    pub memory: Option<u64>,

    /// Model for /v1/embeddings: a name in the store, a GGUF file, or 'none'
    /// [default: all-minilm-l6-v2 if it is in the store]
    #[arg(long, value_name = "NAME")]
    pub embedder: Option<String>,

    /// Keys that clients must send, one a line; HEADWATER_SERVE_KEY holds one too
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,

    /// Members with keys of their own, in TOML: a table for each, with key_sha256 (what sha256sum
    /// says of the key) and, where there are limits, requests_per_minute, requests_per_day,
    /// tokens_per_day, parallel
    #[arg(long, value_name = "FILE")]
    pub members: Option<PathBuf>,

    /// Other communities' servers, in TOML: a table for each, with url (up to /v1), key_env or
    /// key_file, and, where they set limits, requests_per_minute, requests_per_day,
    /// tokens_per_day, parallel. They are asked for models that are not served here
    #[arg(long, value_name = "FILE")]
    pub upstream: Option<PathBuf>,

    /// Certificate (PEM, with those that lead to its authority): speak TLS
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "socket")]
    pub tls_cert: Option<PathBuf>,

    /// The certificate's key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Host names that clients may use for this server, besides its address
    #[arg(long, value_name = "NAME")]
    pub name: Vec<String>,

    /// Requests that may wait for their turn; more are answered 429
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub queue: usize,

    /// Connections at a time, idle ones too; more wait
    #[arg(long, value_name = "N", default_value_t = 4096,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub connections: u32,

    /// Seconds that requests under way get to end when the server is stopped; then they are
    /// cancelled
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub grace: u64,

    /// Stop when stdin ends: for a program that started this one
    #[arg(long)]
    pub exit_on_stdin_eof: bool,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub model: ModelArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub general: GeneralArgs,
}

impl Program for Serve {
    const NAME: &'static str = "serve";
    const CHATTY: bool = true;
    const EXAMPLES: &'static str = include_str!("examples.txt");

    fn general(&self) -> &GeneralArgs {
        &self.general
    }

    fn run(self, session: &Session) -> Result<Exit, Error> {
        Plan::new(&self, session)?.run(session)
    }
}
