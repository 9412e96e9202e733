use engine::{Completion, StopReason};
use serde_json::{Value, json};

use crate::likelihoods;

/// Which of the two endpoints answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Chat,
    Text,
}

/// What every object of one answer repeats.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) kind: Kind,
    /// Unique, with the prefix OpenAI gives it.
    pub(crate) id: String,
    /// Unix seconds.
    pub(crate) created: u64,
    pub(crate) model: String,
    /// Changes when answers may: the beginning of the model file's SHA-256.
    pub(crate) fingerprint: Option<String>,
    /// Whether it tells how likely each token was.
    pub(crate) likelihoods: bool,
}

impl Answer {
    /// The answers as one object; the prompt counts once.
    pub(crate) fn whole(&self, completions: &[Completion]) -> Value {
        let choice = |(index, completion): (usize, &Completion)| {
            let text = &completion.text;
            let reason = reason(completion.stop);
            let logprobs = likelihoods::told(self.kind, self.likelihoods, completion);
            match self.kind {
                Kind::Chat => json!({
                    "index": index,
                    "message": { "role": "assistant", "content": text, "refusal": null },
                    "logprobs": logprobs,
                    "finish_reason": reason,
                }),
                Kind::Text => json!({
                    "index": index, "text": text, "logprobs": logprobs, "finish_reason": reason
                }),
            }
        };
        let object = match self.kind {
            Kind::Chat => "chat.completion",
            Kind::Text => "text_completion",
        };
        let mut value = self.object(object, completions.iter().enumerate().map(choice).collect());
        let tokens_in = completions.first().map_or(0, |completion| completion.tokens_in);
        let tokens_out = completions.iter().map(|completion| completion.tokens_out).sum();
        value["usage"] = usage(tokens_in, tokens_out);
        value
    }

    /// The chunk that begins a streamed chat; completions have none.
    pub(crate) fn opening(&self) -> Option<Value> {
        match self.kind {
            Kind::Chat => {
                Some(self.chunk(json!({ "role": "assistant", "content": "" }), Value::Null))
            }
            Kind::Text => None,
        }
    }

    /// The chunk that carries a piece of text.
    pub(crate) fn piece(&self, text: &str) -> Value {
        match self.kind {
            Kind::Chat => self.chunk(json!({ "content": text }), Value::Null),
            Kind::Text => self.chunk(Value::from(text), Value::Null),
        }
    }

    /// The chunk that says why generation ended.
    pub(crate) fn ending(&self, stop: StopReason) -> Value {
        match self.kind {
            Kind::Chat => self.chunk(json!({}), Value::from(reason(stop))),
            Kind::Text => self.chunk(Value::from(""), Value::from(reason(stop))),
        }
    }

    /// The chunk without choices that tells the token counts.
    pub(crate) fn counts(&self, completion: &Completion) -> Value {
        let mut value = self.object(self.chunk_object(), Vec::new());
        value["usage"] = usage(completion.tokens_in, completion.tokens_out);
        value
    }

    fn chunk(&self, content: Value, finish_reason: Value) -> Value {
        let key = match self.kind {
            Kind::Chat => "delta",
            Kind::Text => "text",
        };
        let choice = json!({
            "index": 0,
            key: content,
            "logprobs": null,
            "finish_reason": finish_reason,
        });
        self.object(self.chunk_object(), vec![choice])
    }

    fn chunk_object(&self) -> &'static str {
        match self.kind {
            Kind::Chat => "chat.completion.chunk",
            Kind::Text => "text_completion",
        }
    }

    fn object(&self, object: &str, choices: Vec<Value>) -> Value {
        json!({
            "id": self.id,
            "object": object,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
            "choices": choices,
        })
    }
}

fn reason(stop: StopReason) -> &'static str {
    match stop {
        StopReason::Stop => "stop",
        StopReason::Length => "length",
    }
}

fn usage(tokens_in: usize, tokens_out: usize) -> Value {
    json!({
        "prompt_tokens": tokens_in,
        "completion_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
    })
}
