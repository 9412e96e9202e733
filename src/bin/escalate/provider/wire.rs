//! The JSON that goes out and comes back, whatever the interface.

use serde_json::Value;

use super::{Answer, Api, Endpoint, ProviderError, Question, anthropic, openai};

/// Longest text of a server's message that is passed on, in characters.
const MAX_MESSAGE: usize = 300;

/// The request's body.
pub(super) fn request(endpoint: &Endpoint, question: &Question) -> Result<Vec<u8>, ProviderError> {
    let garbage = |e: serde_json::Error| ProviderError::Garbage(e.to_string());
    let body = match endpoint.api {
        Api::Openai => openai::request(endpoint, question).map_err(garbage)?,
        Api::Anthropic => anthropic::request(endpoint, question),
    };
    serde_json::to_vec(&body).map_err(garbage)
}

/// Where it is sent, below the base of the address.
pub(super) fn path(endpoint: &Endpoint) -> &'static str {
    match endpoint.api {
        Api::Openai => "/chat/completions",
        Api::Anthropic => "/messages",
    }
}

/// The answer in a body that came with a status of success.
pub(super) fn answer(endpoint: &Endpoint, body: &[u8]) -> Result<Answer, ProviderError> {
    match endpoint.api {
        Api::Openai => openai::answer(endpoint, body),
        Api::Anthropic => anthropic::answer(endpoint, body),
    }
}

/// A number of tokens: the sum of what is there under these names. What is no such number was
/// not counted.
pub(super) fn count(usage: &Value, names: &[&str]) -> Option<u64> {
    let mut sum = None;
    for value in names.iter().filter_map(|name| usage.get(name)).filter(|v| !v.is_null()) {
        sum = Some(sum.unwrap_or(0_u64).checked_add(value.as_u64()?)?);
    }
    sum
}

/// Success by status, an error by content.
pub(super) fn reported(endpoint: &Endpoint, error: Option<Value>) -> Result<(), ProviderError> {
    match error.filter(|e| !e.is_null()) {
        None => Ok(()),
        Some(error) => Err(ProviderError::Reported(message(endpoint, &error))),
    }
}

/// The model by its own account, else the one that was asked.
pub(super) fn model(endpoint: &Endpoint, said: Option<String>) -> String {
    // A key that is part of its name is not to make it unreadable: the user wrote that name.
    let said = said.filter(|model| *model != endpoint.model);
    let said = said.map(|model| presentable(endpoint, &model)).filter(|model| !model.is_empty());
    said.unwrap_or_else(|| endpoint.model.clone())
}

/// What a body that came with a status of failure says.
pub(super) fn failure(endpoint: &Endpoint, body: &[u8]) -> String {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => message(endpoint, value.get("error").unwrap_or(&value)),
        Err(_) => presentable(endpoint, &String::from_utf8_lossy(body)),
    }
}

pub(super) fn message(endpoint: &Endpoint, error: &Value) -> String {
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
