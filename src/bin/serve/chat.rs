//! The body of `POST /v1/chat/completions`.

use engine::{Message, Prompt, Role};
use serde_json::Value;

use crate::fields::Fields;
use crate::likelihoods;
use crate::options::Ask;
use crate::refusal::Refusal;

/// Reads a chat request.
pub(crate) fn read(mut fields: Fields, random: impl FnOnce() -> u32) -> Result<Ask, Refusal> {
    let Value::Array(turns) = fields.require("messages")? else {
        return Err(Refusal::invalid("messages", "messages must be an array"));
    };
    if turns.is_empty() {
        return Err(Refusal::invalid("messages", "messages must not be empty"));
    }
    let turns = turns.into_iter().enumerate().map(|(at, turn)| message(at, turn));
    let turns = turns.collect::<Result<Vec<_>, _>>()?;
    let logprobs = likelihoods::of_chat(&mut fields)?;
    Ask::read(fields, (Prompt::Chat(turns), logprobs), random)
}

fn message(at: usize, turn: Value) -> Result<Message, Refusal> {
    let place = format!("messages[{at}]");
    let Value::Object(turn) = turn else {
        return Err(Refusal::invalid(place, "a message must be an object"));
    };
    let mut turn = Fields::new(turn);
    let role = match turn.take("role").as_ref().and_then(Value::as_str) {
        Some("system" | "developer") => Role::System,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("tool" | "function") => return Err(Refusal::unsupported(format!("{place}.role"))),
        _ => {
            let message = "role must be system, developer, user or assistant";
            return Err(Refusal::invalid(format!("{place}.role"), message));
        }
    };
    for name in ["tool_calls", "function_call", "audio"] {
        if turn.take(name).is_some() {
            return Err(Refusal::unsupported(format!("{place}.{name}")));
        }
    }
    let content = content(&format!("{place}.content"), turn.take("content"))?;
    Ok(Message { role, content })
}

/// A string, or text parts, which follow each other without anything between them.
fn content(place: &str, content: Option<Value>) -> Result<String, Refusal> {
    match content {
        Some(Value::String(text)) => Ok(text),
        Some(Value::Array(parts)) if !parts.is_empty() => {
            parts.into_iter().enumerate().map(|(at, item)| part(place, at, item)).collect()
        }
        _ => Err(Refusal::invalid(place, "content must be a string or an array of text parts")),
    }
}

fn part(place: &str, at: usize, part: Value) -> Result<String, Refusal> {
    let place = format!("{place}[{at}]");
    let Value::Object(part) = part else {
        return Err(Refusal::invalid(place, "a part must be an object"));
    };
    let mut part = Fields::new(part);
    match part.take("type").as_ref().and_then(Value::as_str) {
        Some("text") => match part.take("text") {
            Some(Value::String(text)) => Ok(text),
            _ => Err(Refusal::invalid(format!("{place}.text"), "text must be a string")),
        },
        Some(_) => Err(Refusal::unsupported(format!("{place}.type"))),
        None => Err(Refusal::invalid(format!("{place}.type"), "a part needs a type")),
    }
}
