//! A request from its admission to its end.

use crossbeam_channel::Sender;
use engine::{Cancel, Error};
use llama_cpp_2::token::LlamaToken;

use crate::answer::{Answer, Answering};
use crate::model::Model;
use crate::scoring::{Scoring, Step};

/// What a caller hears while its request is in work.
pub(crate) enum Event {
    /// Text that was made.
    Text(String),
    /// The end of a text.
    Answered(Answer),
    /// Log-probabilities of the candidates, and the tokens decoded for them.
    Scored(Vec<f64>, usize),
    /// The end of a request that could not be met.
    Failed(Error),
}

/// What is done once the prompt is decoded.
pub(crate) enum Work {
    /// The prompt is continued.
    Answer(Answering),
    /// Given continuations are compared.
    Score(Scoring),
}

/// A request as the scheduler gets it.
pub(crate) struct Job {
    /// The whole prompt; never empty.
    pub(crate) prompt: Vec<LlamaToken>,
    /// What follows.
    pub(crate) work: Work,
    /// Looked at before each step.
    pub(crate) cancel: Cancel,
    /// To the caller.
    pub(crate) events: Sender<Event>,
}

impl Job {
    /// Cells that the request may need in all.
    pub(crate) fn cells(&self) -> usize {
        self.prompt.len()
            + match &self.work {
                Work::Answer(answering) => answering.max_tokens(),
                Work::Score(scoring) => scoring.cells(),
            }
    }

    /// Tells the caller that it is over. A caller that has gone does not mind.
    pub(crate) fn fail(&self, error: Error) {
        let _ = self.events.send(Event::Failed(error));
    }
}

/// What the scheduler has to do for a request that has seen its logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Go on.
    Go,
    /// Forget the sequence from this token on, then go on.
    Back(usize),
    /// Free the slot.
    Leave,
}

/// A request that has a sequence of the context.
pub(crate) struct Slot {
    /// What was asked.
    pub(crate) job: Job,
    /// Tokens whose keys and values are in the cache.
    pub(crate) decoded: usize,
    /// Tokens at the beginning whose cells are counted with the kept prefix.
    pub(crate) shared: usize,
}

impl Slot {
    /// A request whose first `decoded` tokens are in its sequence already.
    pub(crate) fn new(job: Job, decoded: usize, shared: usize) -> Self {
        Self { job, decoded, shared }
    }

    /// Tokens of the prompt that are in the cache.
    pub(crate) fn prompt_decoded(&self) -> usize {
        self.decoded.min(self.job.prompt.len())
    }

    /// Whether the prompt is through.
    pub(crate) fn is_past_prompt(&self) -> bool {
        self.decoded >= self.job.prompt.len()
    }

    /// The next at most `room` tokens to decode, and whether the logits after each are needed.
    /// They count as decoded from now on.
    pub(crate) fn take(&mut self, room: usize) -> Vec<(LlamaToken, bool)> {
        let prompt = &self.job.prompt;
        let part: Vec<_> = if self.decoded < prompt.len() {
            let end = prompt.len().min(self.decoded + room);
            let last = |at: usize| at + 1 == prompt.len();
            (self.decoded..end).map(|at| (prompt[at], last(at))).collect()
        } else {
            match &mut self.job.work {
                Work::Answer(answering) => answering
                    .next()
                    .filter(|_| room > 0)
                    .map(|token| (token, true))
                    .into_iter()
                    .collect(),
                Work::Score(scoring) => {
                    let one = |next: &crate::candidates::Next| (next.token, next.asked.is_some());
                    let part: Vec<_> = scoring.next().iter().take(room).map(one).collect();
                    scoring.took(part.len());
                    part
                }
            }
        };
        self.decoded += part.len();
        part
    }

    /// Sees the logits after a decoded token.
    pub(crate) fn advance(&mut self, model: &Model, logits: &[f32]) -> Turn {
        let events = &self.job.events;
        match &mut self.job.work {
            Work::Answer(answering) => {
                if answering.see(model, logits, events) {
                    Turn::Leave
                } else {
                    Turn::Go
                }
            }
            Work::Score(scoring) => match scoring.see(logits) {
                Step::Go => Turn::Go,
                Step::Back(keep) => {
                    let len = self.job.prompt.len() + keep;
                    if len == self.decoded {
                        return Turn::Go;
                    }
                    self.decoded = len;
                    Turn::Back(len)
                }
                Step::End => {
                    let (logprobs, decoded) = scoring.finish();
                    let _ = events.send(Event::Scored(logprobs, decoded));
                    Turn::Leave
                }
            },
        }
    }
}
