//! A request from its admission to its answer.

use crossbeam_channel::Sender;
use engine::{Cancel, Error, StopReason};
use llama_cpp_2::token::LlamaToken;

use crate::model::Model;
use crate::sampler::Chooser;
use crate::text::TextHolder;

/// What a caller hears while its request is answered.
pub(crate) enum Event {
    /// Text that was made.
    Text(String),
    /// The end; nothing follows.
    Done(Result<Answer, Error>),
}

/// The end of a good answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    /// Tokens generated.
    pub(crate) tokens: usize,
    /// Why it ended.
    pub(crate) stop: StopReason,
    /// Mean natural log-probability.
    pub(crate) mean_logprob: Option<f32>,
}

/// A request as the scheduler gets it.
pub(crate) struct Job {
    /// The whole prompt; never empty.
    pub(crate) prompt: Vec<LlamaToken>,
    /// The most tokens to generate; at least one.
    pub(crate) max_tokens: usize,
    /// How tokens are chosen.
    pub(crate) chooser: Chooser,
    /// Where text waits.
    pub(crate) holder: TextHolder,
    /// Looked at before each step.
    pub(crate) cancel: Cancel,
    /// To the caller.
    pub(crate) events: Sender<Event>,
}

impl Job {
    /// Cells that the request may need in all.
    pub(crate) fn cells(&self) -> usize {
        self.prompt.len() + self.max_tokens
    }

    /// Tells the caller that it is over. A caller that has gone does not mind.
    pub(crate) fn fail(&self, error: Error) {
        let _ = self.events.send(Event::Done(Err(error)));
    }
}

/// A request that has a sequence of the context.
pub(crate) struct Slot {
    /// What was asked.
    pub(crate) job: Job,
    /// Tokens whose keys and values are in the cache.
    pub(crate) decoded: usize,
    /// Tokens at the beginning whose cells are counted with the kept prefix.
    pub(crate) shared: usize,
    /// The last generated token, to be decoded next.
    next: Option<LlamaToken>,
    generated: usize,
    logprob_sum: f64,
}

impl Slot {
    /// A request whose first `decoded` tokens are in its sequence already.
    pub(crate) fn new(job: Job, decoded: usize, shared: usize) -> Self {
        Self { job, decoded, shared, next: None, generated: 0, logprob_sum: 0.0 }
    }

    /// Tokens of the prompt that are in the cache.
    pub(crate) fn prompt_decoded(&self) -> usize {
        self.decoded.min(self.job.prompt.len())
    }

    /// The generated token to decode; none while the prompt is not through.
    pub(crate) fn next(&self) -> Option<LlamaToken> {
        self.next
    }

    /// The next at most `room` tokens of the prompt.
    pub(crate) fn prompt_part(&self, room: usize) -> &[LlamaToken] {
        let rest = &self.job.prompt[self.prompt_decoded()..];
        &rest[..rest.len().min(room)]
    }

    /// Chooses a token from the logits of the last decoded one. True when the request is over.
    pub(crate) fn advance(&mut self, model: &Model, logits: &[f32]) -> bool {
        let chosen = match self.job.chooser.choose(logits, |token| model.ends(token)) {
            Ok(chosen) => chosen,
            Err(error) => {
                self.job.fail(error);
                return true;
            }
        };
        self.generated += 1;
        self.logprob_sum += f64::from(chosen.logprob);
        if model.ends(chosen.token) {
            return self.finish(StopReason::Stop);
        }
        let said = self.job.holder.push(&model.bytes(chosen.token));
        if !self.say(said.text) {
            return true;
        }
        if said.stopped {
            return self.finish(StopReason::Stop);
        }
        if self.generated >= self.job.max_tokens {
            return self.finish(StopReason::Length);
        }
        self.next = Some(chosen.token);
        false
    }

    /// False when the caller has gone.
    fn say(&self, text: String) -> bool {
        text.is_empty() || self.job.events.send(Event::Text(text)).is_ok()
    }

    fn finish(&mut self, stop: StopReason) -> bool {
        let rest = self.job.holder.finish();
        if self.say(rest) {
            #[expect(clippy::cast_precision_loss, reason = "a count of tokens")]
            #[expect(clippy::cast_possible_truncation, reason = "a mean of f32")]
            let mean = (self.logprob_sum / self.generated.max(1) as f64) as f32;
            let answer = Answer { tokens: self.generated, stop, mean_logprob: Some(mean) };
            let _ = self.job.events.send(Event::Done(Ok(answer)));
        }
        true
    }
}
