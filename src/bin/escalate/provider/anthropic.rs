//! Anthropic's messages interface: `POST BASE/messages`, as published in its API reference
//! (version 2023-06-01).

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::wire::{count, model, presentable, reported};
use super::{Answer, Endpoint, Message, ProviderError, Question};

/// The version of the interface, sent with each request.
pub(super) const VERSION: &str = "2023-06-01";
/// Name of the tool whose input is the answer, where a schema is asked for.
const TOOL: &str = "answer";

/// The request's body: the system's words stand apart, and a schema is the input of a tool that
/// the model has to use. A tool's input is an object: for other schemas the prompt has to do.
pub(super) fn request(endpoint: &Endpoint, question: &Question) -> Value {
    let (system, chat): (Vec<_>, Vec<_>) =
        question.messages.iter().partition(|message| message.role == "system");
    let system: Vec<&str> = system.into_iter().map(|m| m.content.as_str()).collect();
    let messages: Vec<Value> = chat.into_iter().map(said).collect();
    let mut body = Map::new();
    body.insert("model".into(), endpoint.model.as_str().into());
    body.insert("max_tokens".into(), question.max_tokens.into());
    if !system.is_empty() {
        body.insert("system".into(), system.join("\n\n").into());
    }
    body.insert("messages".into(), messages.into());
    if let Some(milli) = question.temperature_milli {
        body.insert("temperature".into(), (f64::from(milli) / 1000.0).into());
    }
    if let Some(schema) = question.schema.as_ref().filter(|schema| schema["type"] == "object") {
        let tool =
            json!({"name": TOOL, "description": "Gives the answer.", "input_schema": &**schema});
        body.insert("tools".into(), json!([tool]));
        body.insert("tool_choice".into(), json!({"type": "tool", "name": TOOL}));
    }
    Value::Object(body)
}

/// A message: its content is a text, or with pictures a list of blocks.
fn said(message: &Message) -> Value {
    if message.images.is_empty() {
        return json!({"role": message.role, "content": message.content});
    }
    let images = message.images.iter().map(|image| {
        let source = json!({"type": "base64", "media_type": image.media, "data": image.base64});
        json!({"type": "image", "source": source})
    });
    let text = json!({"type": "text", "text": message.content});
    let blocks: Vec<Value> = images.chain([text]).collect();
    json!({"role": message.role, "content": blocks})
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    content: Option<Vec<Block>>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Option<Value>,
}

#[derive(Deserialize)]
struct Block {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    input: Option<Value>,
}

/// The answer in a body that came with a status of success.
pub(super) fn answer(endpoint: &Endpoint, body: &[u8]) -> Result<Answer, ProviderError> {
    let reply: Reply = serde_json::from_slice(body)
        .map_err(|e| ProviderError::Garbage(presentable(endpoint, &e.to_string())))?;
    reported(endpoint, reply.error)?;
    let blocks =
        reply.content.ok_or_else(|| ProviderError::Garbage("it holds no content".into()))?;
    let finish_reason = match reply.stop_reason.as_deref() {
        // The other interface's words, so that readers of records need one list.
        Some("end_turn" | "stop_sequence" | "tool_use") => "stop".to_owned(),
        Some("max_tokens") => "length".to_owned(),
        other => presentable(endpoint, other.unwrap_or_default()),
    };
    if finish_reason == "refusal" {
        return Err(ProviderError::Refused(finish_reason));
    }
    let input = blocks.iter().find_map(|block| block.input.as_ref());
    let text = match input {
        Some(input) => input.to_string(),
        None => blocks.into_iter().filter_map(|block| block.text).collect(),
    };
    if text.trim().is_empty() {
        return Err(ProviderError::Empty(finish_reason));
    }
    let usage = reply.usage.unwrap_or_default();
    // What is written to a cache or read from it is input too.
    const INPUT: [&str; 3] =
        ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"];
    Ok(Answer {
        text,
        model: model(endpoint, reply.model),
        tokens_in: count(&usage, &INPUT),
        tokens_out: count(&usage, &["output_tokens"]),
        finish_reason,
        pause: None,
    })
}
