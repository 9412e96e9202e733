//! `logprobs`: how likely each token was, as the two endpoints ask for it and tell it.

use engine::{Completion, LikelyToken, TokenChoice};
use serde_json::{Map, Value, json};

use crate::answer::Kind;
use crate::fields::Fields;
use crate::refusal::Refusal;

/// The most alternatives, as OpenAI's.
const MOST_OF_CHAT: u32 = 20;
const MOST_OF_TEXT: u32 = 5;

/// Chat: `logprobs` is a truth value, `top_logprobs` a number.
pub(crate) fn of_chat(fields: &mut Fields) -> Result<Option<usize>, Refusal> {
    let asked = fields.flag("logprobs")?;
    let top = at_most(fields, "top_logprobs", MOST_OF_CHAT)?;
    match (asked, top) {
        (true, top) => Ok(Some(top.unwrap_or(0))),
        (false, None | Some(0)) => Ok(None),
        (false, Some(_)) => {
            Err(Refusal::invalid("top_logprobs", "top_logprobs needs logprobs to be true"))
        }
    }
}

/// Completions: `logprobs` is the number of alternatives.
pub(crate) fn of_text(fields: &mut Fields) -> Result<Option<usize>, Refusal> {
    // Clients that know chats best say `false` for none.
    if fields.is_false("logprobs") {
        fields.take("logprobs");
    }
    at_most(fields, "logprobs", MOST_OF_TEXT)
}

fn at_most(fields: &mut Fields, name: &str, most: u32) -> Result<Option<usize>, Refusal> {
    match fields.count(name, 0)? {
        Some(count) if count > most => {
            Err(Refusal::invalid(name, format!("{name} must be at most {most}")))
        }
        count => Ok(count.and_then(|count| usize::try_from(count).ok())),
    }
}

/// What is told of an answer: null unless it was asked for.
pub(crate) fn told(kind: Kind, asked: bool, completion: &Completion) -> Value {
    match (asked, kind) {
        (false, _) => Value::Null,
        (true, Kind::Chat) => {
            let content: Vec<Value> = completion.tokens.iter().map(chat_token).collect();
            json!({ "content": content, "refusal": null })
        }
        (true, Kind::Text) => text_tokens(&completion.tokens),
    }
}

fn chat_token(choice: &TokenChoice) -> Value {
    let mut value = likely(&choice.taken);
    value["top_logprobs"] = choice.top.iter().map(likely).collect();
    value
}

fn likely(token: &LikelyToken) -> Value {
    json!({ "token": text(token), "logprob": logprob(token), "bytes": token.bytes })
}

fn text_tokens(choices: &[TokenChoice]) -> Value {
    let mut offset = 0;
    let mut offsets = Vec::new();
    for choice in choices {
        offsets.push(offset);
        offset += text(&choice.taken).chars().count();
    }
    let top = |choice: &TokenChoice| -> Map<String, Value> {
        choice.top.iter().map(|token| (text(token), logprob(token).into())).collect()
    };
    json!({
        "tokens": choices.iter().map(|choice| text(&choice.taken)).collect::<Vec<_>>(),
        "token_logprobs": choices.iter().map(|choice| logprob(&choice.taken)).collect::<Vec<_>>(),
        "top_logprobs": choices.iter().map(top).collect::<Vec<_>>(),
        "text_offset": offsets,
    })
}

/// Half a character is shown as a replacement; `bytes` has it as it is.
fn text(token: &LikelyToken) -> String {
    String::from_utf8_lossy(&token.bytes).into_owned()
}

/// JSON has no infinity: OpenAI says −9999 for what cannot be.
fn logprob(token: &LikelyToken) -> f64 {
    f64::from(token.logprob).max(-9999.0)
}
