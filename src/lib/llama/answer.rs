//! A request to continue a prompt, from the last token of its prompt on.

use crossbeam_channel::Sender;
use engine::{Error, LikelyToken, StopReason, TokenChoice};
use llama_cpp_2::token::LlamaToken;

use crate::model::Model;
use crate::sampler::{self, Chooser, Chosen};
use crate::slot::Event;
use crate::text::TextHolder;

/// The end of a good answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Tokens generated.
    pub(crate) tokens: usize,
    /// Why it ended.
    pub(crate) stop: StopReason,
    /// Mean natural log-probability.
    pub(crate) mean_logprob: Option<f32>,
    /// What was chosen, where that was asked for.
    pub(crate) choices: Vec<TokenChoice>,
}

/// Generation under way.
pub(crate) struct Answering {
    chooser: Chooser,
    holder: TextHolder,
    max_tokens: usize,
    /// The last generated token, to be decoded next.
    next: Option<LlamaToken>,
    generated: usize,
    logprob_sum: f64,
    /// How many alternatives to each token are told of, if tokens are at all.
    alternatives: Option<usize>,
    choices: Vec<TokenChoice>,
}

impl Answering {
    /// Nothing generated yet; `max_tokens` is at least one.
    pub(crate) fn new(
        chooser: Chooser,
        holder: TextHolder,
        max_tokens: usize,
        alternatives: Option<usize>,
    ) -> Self {
        Self {
            chooser,
            holder,
            max_tokens,
            next: None,
            generated: 0,
            logprob_sum: 0.0,
            alternatives,
            choices: Vec::new(),
        }
    }

    /// The most tokens to generate.
    pub(crate) fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// The generated token to decode.
    pub(crate) fn next(&self) -> Option<LlamaToken> {
        self.next
    }

    /// Chooses a token from the logits of the last decoded one. True when the request is over.
    pub(crate) fn see(&mut self, model: &Model, logits: &[f32], events: &Sender<Event>) -> bool {
        let chosen = match self.chooser.choose(logits, |token| model.ends(token)) {
            Ok(chosen) => chosen,
            Err(error) => {
                let _ = events.send(Event::Failed(error));
                return true;
            }
        };
        self.generated += 1;
        self.logprob_sum += f64::from(chosen.logprob);
        if model.ends(chosen.token) {
            return self.finish(StopReason::Stop, events);
        }
        if let Some(n) = self.alternatives {
            let likely = |chosen: Chosen| LikelyToken {
                bytes: model.bytes(chosen.token),
                logprob: chosen.logprob,
            };
            let top = sampler::top(logits, n).into_iter().map(likely).collect();
            self.choices.push(TokenChoice { taken: likely(chosen), top });
        }
        let said = self.holder.push(&model.bytes(chosen.token));
        if !say(said.text, events) {
            return true;
        }
        if said.stopped {
            return self.finish(StopReason::Stop, events);
        }
        if self.generated >= self.max_tokens {
            return self.finish(StopReason::Length, events);
        }
        self.next = Some(chosen.token);
        false
    }

    fn finish(&mut self, stop: StopReason, events: &Sender<Event>) -> bool {
        let rest = self.holder.finish();
        if say(rest, events) {
            #[expect(clippy::cast_precision_loss, reason = "a count of tokens")]
            #[expect(clippy::cast_possible_truncation, reason = "a mean of f32")]
            let mean = (self.logprob_sum / self.generated.max(1) as f64) as f32;
            let choices = std::mem::take(&mut self.choices);
            let tokens = self.generated;
            let answer = Answer { tokens, stop, mean_logprob: Some(mean), choices };
            let _ = events.send(Event::Answered(answer));
        }
        true
    }
}

/// False when the caller has gone.
fn say(text: String, events: &Sender<Event>) -> bool {
    text.is_empty() || events.send(Event::Text(text)).is_ok()
}

/// What a caller is told when the engine has ended under it.
pub(crate) fn gone() -> Error {
    Error::Engine("the engine's thread has ended".into())
}
