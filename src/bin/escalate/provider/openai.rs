//! The chat completions interface: `POST BASE/chat/completions`, as published in OpenAI's API
//! reference and spoken by llama-server, vLLM, Ollama, LM Studio and `serve`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::wire::{count, model, presentable, reported};
use super::{Answer, Endpoint, LimitKey, Message, ProviderError, Question, Structured};

/// The request's body.
pub(super) fn request(endpoint: &Endpoint, question: &Question) -> serde_json::Result<Value> {
    let mut body = Map::new();
    body.insert("model".into(), endpoint.model.as_str().into());
    let messages = question.messages.iter().map(said).collect::<Result<Vec<_>, _>>()?;
    body.insert("messages".into(), messages.into());
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
    if let Some(schema) = &question.schema {
        let format = match endpoint.structured {
            Structured::JsonSchema => Some(json!({"type": "json_schema",
                            "json_schema": {"name": "answer", "schema": &**schema}})),
            Structured::JsonObject => Some(json!({"type": "json_object"})),
            Structured::None => None,
        };
        body.extend(format.map(|format| ("response_format".to_owned(), format)));
    }
    Ok(Value::Object(body))
}

/// A message: its content is a text, or with pictures a list of parts.
fn said(message: &Message) -> serde_json::Result<Value> {
    let mut said = serde_json::to_value(message)?;
    if !message.images.is_empty() {
        let mut parts = vec![json!({"type": "text", "text": message.content})];
        parts.extend(message.images.iter().map(|image| {
            let url = format!("data:{};base64,{}", image.media, image.base64);
            json!({"type": "image_url", "image_url": {"url": url}})
        }));
        said["content"] = parts.into();
    }
    Ok(said)
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
    usage: Option<Value>,
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
    #[serde(default)]
    refusal: Option<String>,
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

/// The answer in a body that came with a status of success.
pub(super) fn answer(endpoint: &Endpoint, body: &[u8]) -> Result<Answer, ProviderError> {
    let reply: Reply = serde_json::from_slice(body)
        .map_err(|e| ProviderError::Garbage(presentable(endpoint, &e.to_string())))?;
    reported(endpoint, reply.error)?;
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
    if let Some(refusal) = choice.message.refusal.filter(|r| !r.is_empty()) {
        return Err(ProviderError::Refused(presentable(endpoint, &refusal)));
    }
    if finish_reason == "content_filter" {
        return Err(ProviderError::Refused(finish_reason));
    }
    if text.trim().is_empty() {
        return Err(ProviderError::Empty(finish_reason));
    }
    let usage = reply.usage.unwrap_or_default();
    Ok(Answer {
        text,
        model: model(endpoint, reply.model),
        tokens_in: count(&usage, &["prompt_tokens"]),
        tokens_out: count(&usage, &["completion_tokens"]),
        finish_reason,
        pause: None,
    })
}
