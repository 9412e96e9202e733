//! The body of `POST /v1/embeddings` and its answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::Embedding;
use serde::Serialize;
use serde_json::Value;

use crate::fields::Fields;
use crate::options;
use crate::refusal::Refusal;

/// The most texts of a request: OpenAI's own limit.
const MAX_TEXTS: usize = 2048;

/// A request to embed.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) model: Option<String>,
    pub(crate) texts: Vec<String>,
    pub(crate) format: Format,
}

/// How vectors are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// As JSON numbers.
    Float,
    /// As little-endian 32-bit floats in Base64 (RFC 4648 §4).
    Base64,
}

/// Reads an embeddings request.
pub(crate) fn read(mut fields: Fields) -> Result<Ask, Refusal> {
    fields.refuse_unsupported()?;
    let format = match fields.text("encoding_format")?.as_deref() {
        None | Some("float") => Format::Float,
        Some("base64") => Format::Base64,
        Some(_) => {
            let message = "encoding_format must be float or base64";
            return Err(Refusal::invalid("encoding_format", message));
        }
    };
    let texts = match fields.require("input")? {
        Value::Array(items) if (1..=MAX_TEXTS).contains(&items.len()) => {
            let items = items.into_iter().enumerate();
            let texts = items.map(|(at, item)| text(&format!("input[{at}]"), item));
            texts.collect::<Result<Vec<_>, _>>()?
        }
        Value::Array(_) => {
            let message = format!("input must hold 1 to {MAX_TEXTS} texts");
            return Err(Refusal::invalid("input", message));
        }
        item => vec![text("input", item)?],
    };
    Ok(Ask { model: options::model(&mut fields)?, texts, format })
}

fn text(place: &str, item: Value) -> Result<String, Refusal> {
    match item {
        Value::String(text) if !text.is_empty() => Ok(text),
        Value::String(_) => Err(Refusal::invalid(place, "an input must not be empty")),
        _ => Err(Refusal::invalid(place, "an input must be a string: tokens are not supported")),
    }
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Item<'a>>,
    model: &'a str,
    usage: Usage,
}

#[derive(Serialize)]
struct Item<'a> {
    object: &'static str,
    index: usize,
    embedding: Vector<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Vector<'a> {
    Float(&'a [f32]),
    Base64(String),
}

#[derive(Serialize)]
struct Usage {
    prompt_tokens: usize,
    total_tokens: usize,
}

/// The answer's body.
pub(crate) fn answer<'a>(
    model: &'a str,
    format: Format,
    embeddings: &'a [Embedding],
) -> impl Serialize + 'a {
    let tokens = embeddings.iter().map(|embedding| embedding.tokens).sum();
    let item = |(index, embedding)| Item {
        object: "embedding",
        index,
        embedding: vector(format, embedding),
    };
    List {
        object: "list",
        data: embeddings.iter().enumerate().map(item).collect(),
        model,
        usage: Usage { prompt_tokens: tokens, total_tokens: tokens },
    }
}

fn vector(format: Format, embedding: &Embedding) -> Vector<'_> {
    match format {
        Format::Float => Vector::Float(&embedding.vector),
        Format::Base64 => {
            let bytes: Vec<u8> = embedding.vector.iter().flat_map(|x| x.to_le_bytes()).collect();
            Vector::Base64(STANDARD.encode(bytes))
        }
    }
}
