use serde::{Deserialize, Serialize};

use crate::{Cancel, Error, ModelInfo};

/// Who says a chat message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions of the program.
    System,
    /// The user's turn; untrusted text belongs here.
    User,
    /// The model's own earlier turn.
    Assistant,
}

/// One turn of a chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said. Always treated as plain text: control tokens of the model's chat
    /// template that occur in it are ordinary characters.
    pub content: String,
}

impl Message {
    /// A turn of `role`.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into() }
    }
}

/// What the model continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// Turns, laid out by the chat template of the model's own file.
    Chat(Vec<Message>),
    /// Bare text to continue, without any template.
    Raw(String),
}

/// How the next token is chosen. The default is greedy.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// 0 chooses the likeliest token always.
    pub temperature: f32,
    /// Nucleus: the smallest set of tokens whose probability reaches this share.
    pub top_p: f32,
    /// The k likeliest tokens only; 0 for all.
    pub top_k: u32,
    /// Factor against tokens of the last 64; 1 is none.
    pub repeat_penalty: f32,
    /// The same seed and prompt give the same text on the same build.
    pub seed: u32,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 0.0, top_p: 1.0, top_k: 0, repeat_penalty: 1.0, seed: 0 }
    }
}

/// What the text must look like.
#[derive(Clone, Debug, PartialEq)]
pub enum Constraint {
    /// A grammar in llama.cpp's GBNF.
    Grammar(String),
    /// A JSON Schema that the text, as JSON, fulfils.
    JsonSchema(serde_json::Value),
}

/// One request to complete a prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct CompletionRequest {
    /// What to continue.
    pub prompt: Prompt,
    /// The most tokens to generate.
    pub max_tokens: usize,
    /// Generation ends before any of these.
    pub stop: Vec<String>,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// What the text must look like, if anything.
    pub constraint: Option<Constraint>,
    /// Tell of each token how likely it was, and so many of the likeliest in its place.
    pub logprobs: Option<usize>,
}

impl CompletionRequest {
    /// A greedy, unconstrained request.
    pub fn new(prompt: Prompt, max_tokens: usize) -> Self {
        Self {
            prompt,
            max_tokens,
            stop: Vec::new(),
            sampling: Sampling::default(),
            constraint: None,
            logprobs: None,
        }
    }
}

/// Why generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The model ended its turn, or a stop string was reached.
    Stop,
    /// `max_tokens` was reached.
    Length,
}

/// What a model answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// The generated text, stop strings left out.
    pub text: String,
    /// Tokens of the prompt.
    pub tokens_in: usize,
    /// Tokens generated.
    pub tokens_out: usize,
    /// Why generation ended.
    pub stop: StopReason,
    /// Mean natural log-probability of the generated tokens; not a calibrated confidence.
    pub mean_logprob: Option<f32>,
    /// The tokens of the text, in order, where the request asks for them.
    pub tokens: Vec<TokenChoice>,
}

/// A generated token, and what else might have been.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenChoice {
    /// The one that was taken.
    pub taken: LikelyToken,
    /// The likeliest in its place, the likeliest first.
    pub top: Vec<LikelyToken>,
}

/// A token and its probability under the model, before any sampling parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct LikelyToken {
    /// Its text; a character may be spread over several tokens.
    pub bytes: Vec<u8>,
    /// Natural logarithm of the probability.
    pub logprob: f32,
}

/// A model that continues prompts. Shared by all workers; an engine batches what they ask at
/// the same time.
pub trait Complete: Send + Sync {
    /// Which model this is.
    fn model(&self) -> &ModelInfo;

    /// Tokens of `text` as plain text, without a template.
    ///
    /// # Errors
    /// [`Error::Engine`] if the model's tokenizer fails.
    fn count_tokens(&self, text: &str) -> Result<usize, Error>;

    /// Tokens of the whole prompt as the model would see it, template included.
    ///
    /// # Errors
    /// As [`Complete::count_tokens`].
    fn count_prompt_tokens(&self, prompt: &Prompt) -> Result<usize, Error>;

    /// Answers `request`; `on_text` sees each piece of text as it is made, whole characters
    /// only, and their concatenation is [`Completion::text`].
    ///
    /// # Errors
    /// [`Error::TooLong`] when prompt and `max_tokens` exceed the context: nothing is cut.
    /// [`Error::Cancelled`] when `cancel` was set; [`Error::Constraint`] for a bad grammar or
    /// schema; [`Error::Engine`] for the rest.
    fn complete(
        &self,
        request: &CompletionRequest,
        cancel: &Cancel,
        on_text: &mut dyn FnMut(&str),
    ) -> Result<Completion, Error>;
}
