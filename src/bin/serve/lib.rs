//! Local models behind an OpenAI-compatible HTTP server.
//!
//! | path | what |
//! |---|---|
//! | `POST /v1/chat/completions` | chat, streamed as server-sent events on request |
//! | `POST /v1/completions` | continues a bare text |
//! | `POST /v1/embeddings` | texts as vectors |
//! | `GET /v1/models`, `GET /v1/models/ID` | what is served |
//! | `GET /health` | alive; needs no key |
//! | `GET /metrics` | counts and times, for Prometheus |
//!
//! Requests that cannot be answered as asked are refused with OpenAI's error object instead of
//! being answered differently. The server listens on loopback or a Unix socket without a key and
//! anywhere else only with one; there is no CORS, and request bodies must say they are JSON, so
//! that a web page cannot use somebody's local models behind their back.
//!
//! [`Server::bind`] takes any engines behind [`engine::Complete`] and [`engine::Embed`].

#![forbid(unsafe_code)]

mod answer;
mod args;
mod body;
mod chat;
mod completions;
mod config;
mod connection;
mod embeddings;
mod error;
mod federation;
mod fields;
mod generation;
mod guard;
mod key;
mod lane;
mod likelihoods;
mod listener;
mod member;
mod metrics;
mod options;
mod plan;
mod refusal;
mod registry;
mod relay;
mod requests;
mod resident;
mod routes;
mod server;
mod several;
mod sse;
mod stall;
mod state;
mod tls;
mod upstream;

pub use args::Serve;
pub use config::{Config, Limits, Listen};
pub use error::ServeError;
pub use key::ApiKey;
pub use lane::Capacity;
pub use member::Member;
pub use registry::Registry;
pub use server::{Server, Summary};
pub use upstream::Upstream;
