//! The JSON that goes out and comes back.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Answer, Endpoint, LimitKey, ProviderError, Question};

/// Longest text of a server's message that is passed on, in characters.
const MAX_MESSAGE: usize = 300;

/// The request's body.
pub(super) fn request(endpoint: &Endpoint, question: &Question) -> Result<Vec<u8>, ProviderError> {
    let mut body = Map::new();
    let garbage = |e: serde_json::Error| ProviderError::Garbage(e.to_string());
    body.insert("model".into(), endpoint.model.as_str().into());
    body.insert("messages".into(), serde_json::to_value(&question.messages).map_err(garbage)?);
    let limit = match endpoint.limit_key {
        LimitKey::MaxTokens => "max_tokens",
        LimitKey::MaxCompletionTokens => "max_completion_tokens",
    };
    body.insert(limit.into(), question.max_tokens.into());
    body.insert("stream".into(), false.into());
    if let Some(milli) = question.temperature_milli {
        body.insert("temperature".into(), (f64::from(milli) / 1000.0).into());
    }
    if let Some(seed) = question.seed {
        body.insert("seed".into(), seed.into());
    }
    serde_json::to_vec(&Value::Object(body)).map_err(garbage)
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Said,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    content: Option<Content>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    text: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
}

/// The answer in a body that came with a status of success.
pub(super) fn answer(endpoint: &Endpoint, body: &[u8]) -> Result<Answer, ProviderError> {
    let reply: Reply = serde_json::from_slice(body)
        .map_err(|e| ProviderError::Garbage(presentable(endpoint, &e.to_string())))?;
    if let Some(error) = reply.error.filter(|e| !e.is_null()) {
        return Err(ProviderError::Reported(message(endpoint, &error)));
    }
    let choice = reply
        .choices
        .and_then(|choices| choices.into_iter().next())
        .ok_or_else(|| ProviderError::Garbage("it holds no choices".into()))?;
    let text = match choice.message.content {
        Some(Content::Text(text)) => text,
        Some(Content::Parts(parts)) => parts.into_iter().filter_map(|p| p.text).collect(),
        None => String::new(),
    };
    let finish_reason = presentable(endpoint, &choice.finish_reason.unwrap_or_default());
    if text.trim().is_empty() {
        return Err(ProviderError::Empty(finish_reason));
    }
    let (tokens_in, tokens_out) =
        reply.usage.map_or((None, None), |u| (u.prompt_tokens, u.completion_tokens));
    let model = reply.model.filter(|m| !m.is_empty()).unwrap_or_else(|| endpoint.model.clone());
    Ok(Answer { text, model, tokens_in, tokens_out, finish_reason })
}

/// What a body that came with a status of failure says.
pub(super) fn failure(endpoint: &Endpoint, body: &[u8]) -> String {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => message(endpoint, value.get("error").unwrap_or(&value)),
        Err(_) => presentable(endpoint, &String::from_utf8_lossy(body)),
    }
}

fn message(endpoint: &Endpoint, error: &Value) -> String {
    match error.get("message").unwrap_or(error) {
        Value::String(text) => presentable(endpoint, text),
        other => presentable(endpoint, &other.to_string()),
    }
}

/// A text from outside as one line of limited length, without control characters, and without
/// the key, should the server have echoed it.
pub(super) fn presentable(endpoint: &Endpoint, text: &str) -> String {
    // Before shortening, which could cut the key in two.
    let text = endpoint.key.as_ref().map_or_else(|| text.to_owned(), |key| key.redact(text));
    let mut short: String =
        text.chars().take(MAX_MESSAGE).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MAX_MESSAGE).is_some() {
        short.push('…');
    }
    short.trim().to_owned()
}
