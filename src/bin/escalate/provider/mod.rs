//! Asking a model over HTTP: the OpenAI-compatible chat completions interface, and Anthropic's
//! messages. Blocking, one request at a time on each thread; connections are kept and shared.

mod anthropic;
mod batches;
mod client;
mod error;
mod openai;
mod pause;
mod preset;
mod retry;
mod secret;
mod unix;
mod way;
mod wire;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cost::Price;
use crate::reach::Reach;

pub use batches::{BatchCalls, BatchResult, Ending, Progress};
pub use client::{Client, healthy};
pub use error::ProviderError;
pub use preset::{BadPresets, Preset, Presets};
pub use retry::{Retry, RetryPolicy};
pub use secret::{BadSecret, Secret};

/// Where a model is asked.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Name in reports: `openai`, `family`.
    pub name: String,
    /// How to reach it.
    pub address: Address,
    /// The key, where one is needed.
    pub key: Option<Secret>,
    /// The model's name there.
    pub model: String,
    /// What it costs; `None` when nobody said.
    pub price: Option<Price>,
    /// The interface it speaks.
    pub api: Api,
    /// How its interface calls the limit of the answer.
    pub limit_key: LimitKey,
    /// How its interface is told of a schema.
    pub structured: Structured,
    /// Tokens of a request and its answer together, where known.
    pub context: Option<u64>,
    /// How far away it is.
    pub reach: Reach,
    /// The way there.
    pub route: Route,
    /// Time limits.
    pub timeouts: Timeouts,
}

impl Endpoint {
    /// An endpoint of which nothing else is known: no key, no price, anybody's.
    #[must_use]
    pub fn new(name: &str, address: Address, model: &str) -> Self {
        Self {
            name: name.to_owned(),
            address,
            key: None,
            model: model.to_owned(),
            price: None,
            api: Api::default(),
            limit_key: LimitKey::default(),
            structured: Structured::default(),
            context: None,
            reach: Reach::Cloud,
            route: Route::default(),
            timeouts: Timeouts::default(),
        }
    }

    /// The body of the request that asks a question.
    ///
    /// # Errors
    /// [`ProviderError::Garbage`] when it cannot be written as JSON.
    pub fn request(&self, question: &Question) -> Result<Vec<u8>, ProviderError> {
        wire::request(self, question)
    }

    /// Reads the body of a response whose status was success.
    ///
    /// # Errors
    /// [`ProviderError::Garbage`], [`ProviderError::Reported`] or [`ProviderError::Empty`].
    pub fn answer(&self, body: &[u8]) -> Result<Answer, ProviderError> {
        wire::answer(self, body)
    }

    /// What the body of any other response says: one short line, without the key.
    #[must_use]
    pub fn failure(&self, body: &[u8]) -> String {
        wire::failure(self, body)
    }
}

/// How to reach an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `https://host/v1` or `http://host:port/v1`, without `/chat/completions`.
    Url(String),
    /// HTTP over a Unix socket; the path of the interface is `/v1`.
    Socket(PathBuf),
}

/// The way to an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// `http://`, `socks5://` or `socks5h://host:port`; the last resolves names at the proxy.
    pub proxy: Option<String>,
    /// Certificates (PEM) that are trusted instead of the well-known ones.
    pub ca: Option<PathBuf>,
}

/// Interfaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// OpenAI's chat completions, and all that is compatible.
    #[default]
    Openai,
    /// Anthropic's messages.
    Anthropic,
}

/// How a schema is said, besides in words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Structured {
    /// `response_format` with the schema.
    #[default]
    JsonSchema,
    /// `response_format` that asks for JSON only.
    JsonObject,
    /// Not at all.
    None,
}

/// Name of the field that limits the answer's tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitKey {
    /// The common one.
    #[default]
    MaxTokens,
    /// OpenAI's newer models refuse the common one. Counts hidden reasoning too.
    MaxCompletionTokens,
}

/// Time limits of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the connection stands, TLS included.
    pub connect: Duration,
    /// From the sent request to the complete head of the answer.
    pub first_byte: Duration,
    /// For everything together: a server that drips cannot exceed it.
    pub total: Duration,
}

impl Default for Timeouts {
    /// 10 s, 120 s, 300 s.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(10), first_byte: seconds(120), total: seconds(300) }
    }
}

/// One message of a chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: &'static str,
    /// Its text.
    pub content: String,
    /// Pictures that go with it.
    #[serde(skip)]
    pub images: Vec<Arc<Image>>,
}

/// A picture.
#[derive(Debug, PartialEq, Eq)]
pub struct Image {
    /// `image/png` and its like.
    pub media: &'static str,
    /// Its bytes.
    pub base64: String,
    /// BLAKE3 of its bytes.
    pub digest: [u8; 32],
}

impl Message {
    /// Instructions.
    #[must_use]
    pub fn system(content: String) -> Self {
        Self { role: "system", content, images: Vec::new() }
    }

    /// What the model said before.
    #[must_use]
    pub fn assistant(content: String) -> Self {
        Self { role: "assistant", content, images: Vec::new() }
    }

    /// The question and its data.
    #[must_use]
    pub fn user(content: String) -> Self {
        Self { role: "user", content, images: Vec::new() }
    }
}

/// What is asked of a model.
#[derive(Clone, Debug)]
pub struct Question {
    /// The chat so far.
    pub messages: Vec<Message>,
    /// Most tokens of the answer.
    pub max_tokens: u64,
    /// Randomness of the answer in thousandths (0 is greedy); `None` leaves it to the server.
    pub temperature_milli: Option<u32>,
    /// Makes greedy or random answers repeatable where the server can.
    pub seed: Option<u64>,
    /// JSON Schema of the answer.
    pub schema: Option<Arc<serde_json::Value>>,
}

/// What a model said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The text, not empty.
    pub text: String,
    /// The model that answered, by its own account, else the one that was asked.
    pub model: String,
    /// Tokens of the request, where the server counted.
    pub tokens_in: Option<u64>,
    /// Tokens of the answer, where the server counted.
    pub tokens_out: Option<u64>,
    /// `stop`, `length` (cut at `max_tokens`), …; empty when the server did not say.
    pub finish_reason: String,
    /// How long the server wants not to be asked again.
    #[serde(skip)]
    pub pause: Option<Duration>,
}
