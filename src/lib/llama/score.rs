//! Scoring, as callers see it.

use engine::{Cancel, Error, ModelInfo, Score, ScoreRequest, Scores};

use crate::Llama;
use crate::answer::gone;
use crate::candidates::Candidates;
use crate::scoring::Scoring;
use crate::slot::{Event, Work};

impl Score for Llama {
    fn model(&self) -> &ModelInfo {
        self.info()
    }

    fn score(&self, request: &ScoreRequest, cancel: &Cancel) -> Result<Scores, Error> {
        if let Some(reason) = cancel.reason() {
            return Err(Error::Cancelled(reason));
        }
        let model = self.weights();
        let answers: Result<Vec<_>, _> =
            request.candidates.iter().map(|text| model.continuation(text)).collect();
        let candidates = Candidates::new(&answers?, model.ends_all().to_vec(), request.measure)?;
        let prompt = self.fitting(&request.prompt, candidates.depth())?;
        let tokens_in = prompt.len();
        let work = Work::Score(Scoring::new(candidates));
        let (logprobs, tokens_out) = self.ask(prompt, work, cancel, |event| match event {
            Event::Scored(logprobs, decoded) => Some(Ok((logprobs, decoded))),
            Event::Failed(error) => Some(Err(error)),
            Event::Text(_) | Event::Answered(_) => Some(Err(gone())),
        })?;
        if logprobs.iter().any(|score| score.is_nan()) {
            return Err(Error::Engine("the model's logits are not numbers".into()));
        }
        Ok(Scores { logprobs, tokens_in, tokens_out })
    }
}
