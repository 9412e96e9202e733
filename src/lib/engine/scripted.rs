//! Replies from a script instead of a model: for tests of what stands around an engine.

use crate::{
    Cancel, Complete, Completion, CompletionRequest, Embed, Embedding, Error, Message, ModelInfo,
    Prompt, Score, ScoreRequest, Scores, StopReason,
};

/// Answers with the reply of the first rule whose key occurs in the prompt; a token is a
/// whitespace-separated word.
#[derive(Debug)]
pub struct Scripted {
    info: ModelInfo,
    rules: Vec<(String, String)>,
}

impl Scripted {
    /// `rules` are (text that occurs in the prompt, reply), tried in order; `context` in tokens.
    pub fn new(context: usize, rules: Vec<(String, String)>) -> Self {
        let info = ModelInfo { name: "scripted".into(), sha256: String::new(), context };
        Self { info, rules }
    }
}

fn tokens(text: &str) -> usize {
    text.split_whitespace().count()
}

fn prompt_text(prompt: &Prompt) -> String {
    match prompt {
        Prompt::Raw(text) => text.clone(),
        Prompt::Chat(turns) => turns
            .iter()
            .map(|Message { content, .. }| content.as_str())
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

impl Complete for Scripted {
    fn model(&self) -> &ModelInfo {
        &self.info
    }

    fn count_tokens(&self, text: &str) -> Result<usize, Error> {
        Ok(tokens(text))
    }

    fn count_prompt_tokens(&self, prompt: &Prompt) -> Result<usize, Error> {
        Ok(tokens(&prompt_text(prompt)))
    }

    fn complete(
        &self,
        request: &CompletionRequest,
        cancel: &Cancel,
        on_text: &mut dyn FnMut(&str),
    ) -> Result<Completion, Error> {
        let prompt = prompt_text(&request.prompt);
        let tokens_in = tokens(&prompt);
        let needed = tokens_in + request.max_tokens;
        if needed > self.info.context {
            return Err(Error::TooLong { needed, context: self.info.context });
        }
        let reply = self.rules.iter().find(|(key, _)| prompt.contains(key.as_str()));
        let Some((_, reply)) = reply else {
            return Err(Error::Engine("the script has no reply to this prompt".into()));
        };
        let mut text = String::new();
        let mut tokens_out = 0;
        for piece in reply.split_inclusive(' ').take(request.max_tokens) {
            if let Some(reason) = cancel.reason() {
                return Err(Error::Cancelled(reason));
            }
            on_text(piece);
            text.push_str(piece);
            tokens_out += 1;
        }
        let stop = if text.len() == reply.len() { StopReason::Stop } else { StopReason::Length };
        let tokens = Vec::new();
        Ok(Completion { text, tokens_in, tokens_out, stop, mean_logprob: None, tokens })
    }
}

/// The candidate that is the script's reply is nine times as likely as each of the others.
impl Score for Scripted {
    fn model(&self) -> &ModelInfo {
        &self.info
    }

    fn score(&self, request: &ScoreRequest, cancel: &Cancel) -> Result<Scores, Error> {
        if let Some(reason) = cancel.reason() {
            return Err(Error::Cancelled(reason));
        }
        let candidates = &request.candidates;
        let distinct: std::collections::BTreeSet<&String> = candidates.iter().collect();
        if distinct.len() < candidates.len() || candidates.iter().any(String::is_empty) {
            return Err(Error::Constraint("candidates that are empty or alike".into()));
        }
        let longest = candidates.iter().map(|text| tokens(text)).max();
        let longest = longest.ok_or_else(|| Error::Constraint("there are no candidates".into()))?;
        let prompt = prompt_text(&request.prompt);
        let tokens_in = tokens(&prompt);
        let needed = tokens_in + longest;
        if needed > self.info.context {
            return Err(Error::TooLong { needed, context: self.info.context });
        }
        let reply = self.rules.iter().find(|(key, _)| prompt.contains(key.as_str()));
        let is_reply = |text: &String| reply.is_some_and(|(_, reply)| reply == text);
        let weight = |text: &String| if is_reply(text) { 0.9 } else { 0.1 };
        let sum: f64 = candidates.iter().map(weight).sum();
        let logprobs = candidates.iter().map(|text| (weight(text) / sum).ln()).collect();
        Ok(Scores { logprobs, tokens_in, tokens_out: 0 })
    }
}

impl Embed for Scripted {
    fn model(&self) -> &ModelInfo {
        &self.info
    }

    fn dimensions(&self) -> usize {
        4
    }

    fn embed(&self, texts: &[&str], _cancel: &Cancel) -> Result<Vec<Embedding>, Error> {
        let context = self.info.context;
        if let Some(needed) = texts.iter().map(|text| tokens(text)).find(|&n| n > context) {
            return Err(Error::TooLong { needed, context });
        }
        // Letters counted by their code modulo four: alike texts are near, and it is stable.
        let one = |text: &&str| {
            let mut vector = vec![1e-3_f32; 4];
            text.bytes().for_each(|b| vector[usize::from(b % 4)] += 1.0);
            let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
            vector.iter_mut().for_each(|x| *x /= norm);
            Embedding { vector, tokens: tokens(text) }
        };
        Ok(texts.iter().map(one).collect())
    }
}
