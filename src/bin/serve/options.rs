//! What chat and completion requests have in common: everything but the prompt.

use engine::{Constraint, Prompt, Sampling};
use serde_json::{Value, json};

use crate::fields::Fields;
use crate::refusal::Refusal;

/// The most stop strings of a request; OpenAI's own limit is 4.
const MAX_STOPS: usize = 16;

/// The most answers to one request.
const MAX_CHOICES: u32 = 16;

/// A request to generate, as the client put it.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) model: Option<String>,
    pub(crate) prompt: Prompt,
    /// `None`: as many as the context holds after the prompt.
    pub(crate) max_tokens: Option<usize>,
    pub(crate) stop: Vec<String>,
    pub(crate) sampling: Sampling,
    pub(crate) constraint: Option<Constraint>,
    /// `Some` asks for each token's log-probability, and so many of the likeliest in its place.
    pub(crate) logprobs: Option<usize>,
    /// How many answers are wanted.
    pub(crate) choices: u32,
    /// `Some` asks for server-sent events.
    pub(crate) stream: Option<StreamOptions>,
}

/// How to stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamOptions {
    /// A last chunk tells the token counts.
    pub(crate) include_usage: bool,
}

impl Ask {
    /// Reads everything but the prompt and `logprobs`, which the endpoints spell differently.
    /// `random` is the seed of a request that names none.
    pub(crate) fn read(
        mut fields: Fields,
        (prompt, logprobs): (Prompt, Option<usize>),
        random: impl FnOnce() -> u32,
    ) -> Result<Self, Refusal> {
        fields.refuse_unsupported()?;
        let choices = choices(&mut fields)?;
        if logprobs.is_some() && fields.is_true("stream") {
            return Err(Refusal::unsupported("logprobs with stream"));
        }
        Ok(Self {
            choices,
            logprobs,
            model: model(&mut fields)?,
            prompt,
            max_tokens: max_tokens(&mut fields)?,
            stop: stop(&mut fields)?,
            sampling: sampling(&mut fields, random)?,
            constraint: constraint(&mut fields)?,
            stream: stream(&mut fields)?,
        })
    }
}

/// `n`. Streams of several answers would have to be woven into one: they are refused.
fn choices(fields: &mut Fields) -> Result<u32, Refusal> {
    let choices = fields.count("n", 1)?.unwrap_or(1);
    if choices > MAX_CHOICES {
        return Err(Refusal::invalid("n", format!("n must be at most {MAX_CHOICES}")));
    }
    if choices > 1 && fields.is_true("stream") {
        return Err(Refusal::unsupported("n with stream"));
    }
    Ok(choices)
}

/// The model's name; an empty one is none.
pub(crate) fn model(fields: &mut Fields) -> Result<Option<String>, Refusal> {
    Ok(fields.text("model")?.filter(|name| !name.is_empty()))
}

fn max_tokens(fields: &mut Fields) -> Result<Option<usize>, Refusal> {
    // `max_tokens` is the older name of the same limit.
    let older = fields.count("max_tokens", 1)?;
    let newer = fields.count("max_completion_tokens", 1)?;
    Ok(newer.or(older).and_then(|count| usize::try_from(count).ok()))
}

fn stop(fields: &mut Fields) -> Result<Vec<String>, Refusal> {
    let wrong = || {
        let message = format!("stop must be a string or up to {MAX_STOPS} strings, none empty");
        Refusal::invalid("stop", message)
    };
    let string = |value| match value {
        Value::String(text) if !text.is_empty() => Ok(text),
        _ => Err(wrong()),
    };
    match fields.take("stop") {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) if items.len() <= MAX_STOPS => {
            items.into_iter().map(string).collect()
        }
        Some(value) => Ok(vec![string(value)?]),
    }
}

/// OpenAI's defaults, temperature 1 and the whole distribution, and llama.cpp's names for what
/// OpenAI has no field for.
fn sampling(fields: &mut Fields, random: impl FnOnce() -> u32) -> Result<Sampling, Refusal> {
    let seed = match fields.integer("seed")? {
        // Both halves count, so that seeds that differ anywhere stay different in most cases.
        Some(seed) => (seed ^ (seed >> 32)) as u32,
        None => random(),
    };
    Ok(Sampling {
        temperature: fields.number("temperature", 0.0, 2.0)?.unwrap_or(1.0),
        top_p: fields.number("top_p", 0.0, 1.0)?.unwrap_or(1.0),
        top_k: fields.count("top_k", 0)?.unwrap_or(0),
        repeat_penalty: fields.number("repeat_penalty", 0.1, 10.0)?.unwrap_or(1.0),
        seed,
    })
}

/// `response_format`, or llama.cpp's `grammar`.
fn constraint(fields: &mut Fields) -> Result<Option<Constraint>, Refusal> {
    let format = fields.object("response_format")?;
    let grammar = fields.text("grammar")?.filter(|grammar| !grammar.is_empty());
    let format = format.map(format_constraint).transpose()?.flatten();
    match (format, grammar) {
        (Some(_), Some(_)) => {
            Err(Refusal::invalid("grammar", "grammar and response_format exclude each other"))
        }
        (None, Some(grammar)) => Ok(Some(Constraint::Grammar(grammar))),
        (format, None) => Ok(format),
    }
}

fn format_constraint(mut format: Fields) -> Result<Option<Constraint>, Refusal> {
    let invalid = |what: &str, message: &str| Refusal::invalid(what, message);
    match format.text("type").ok().flatten().as_deref() {
        Some("text") => Ok(None),
        Some("json_object") => {
            let schema = format.take("schema").unwrap_or_else(|| json!({ "type": "object" }));
            schema_constraint("response_format.schema", schema)
        }
        Some("json_schema") => {
            let inner = format.take("json_schema");
            let schema = match inner {
                Some(Value::Object(mut inner)) => inner.remove("schema"),
                _ => None,
            };
            let at = "response_format.json_schema.schema";
            let schema = schema.ok_or_else(|| invalid(at, "a json_schema needs its schema"))?;
            schema_constraint(at, schema)
        }
        _ => Err(invalid(
            "response_format.type",
            "response_format.type must be text, json_object or json_schema",
        )),
    }
}

fn schema_constraint(at: &str, schema: Value) -> Result<Option<Constraint>, Refusal> {
    if !schema.is_object() {
        return Err(Refusal::invalid(at, "a schema must be an object"));
    }
    Ok(Some(Constraint::JsonSchema(schema)))
}

fn stream(fields: &mut Fields) -> Result<Option<StreamOptions>, Refusal> {
    let stream = fields.flag("stream")?;
    let Some(mut options) = fields.object("stream_options")? else {
        return Ok(stream.then(StreamOptions::default));
    };
    if !stream {
        let message = "stream_options are only for a request that streams";
        return Err(Refusal::invalid("stream_options", message));
    }
    Ok(Some(StreamOptions { include_usage: options.flag("include_usage")? }))
}
