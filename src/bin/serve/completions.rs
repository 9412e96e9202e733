//! The body of `POST /v1/completions`.

use engine::Prompt;
use serde_json::Value;

use crate::fields::Fields;
use crate::likelihoods;
use crate::options::Ask;
use crate::refusal::Refusal;

/// Reads a completion request. Several prompts would give several choices, which is `n` by
/// another name; tokens would be another model's.
pub(crate) fn read(mut fields: Fields, random: impl FnOnce() -> u32) -> Result<Ask, Refusal> {
    let prompt = match fields.require("prompt")? {
        Value::String(text) => text,
        Value::Array(mut prompts) => match (prompts.len(), prompts.pop()) {
            (1, Some(Value::String(text))) => text,
            _ => {
                let message = "prompt must be one string: neither several nor tokens are supported";
                return Err(Refusal::invalid("prompt", message));
            }
        },
        _ => return Err(Refusal::invalid("prompt", "prompt must be a string")),
    };
    let logprobs = likelihoods::of_text(&mut fields)?;
    Ask::read(fields, (Prompt::Raw(prompt), logprobs), random)
}
