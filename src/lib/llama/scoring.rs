//! A request to score candidates, from the last token of its prompt on.

use std::collections::VecDeque;

use crate::candidates::{Candidates, Next, Walk};

/// Walks through the tree of candidates, one after the other.
pub(crate) struct Scoring {
    candidates: Candidates,
    walks: VecDeque<Walk>,
    /// What is left of the walk under way.
    left: VecDeque<Next>,
    /// Places whose logits the batch under way brings, in order.
    awaited: VecDeque<usize>,
    decoded: usize,
}

/// What follows after logits were seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// More of the same walk.
    Go,
    /// Another walk, which keeps this many tokens after the prompt.
    Back(usize),
    /// All is known.
    End,
}

impl Scoring {
    pub(crate) fn new(candidates: Candidates) -> Self {
        let walks = candidates.walks().into();
        let awaited = VecDeque::from([0]);
        Self { candidates, walks, left: VecDeque::new(), awaited, decoded: 0 }
    }

    /// Cells that the walks need after the prompt.
    pub(crate) fn cells(&self) -> usize {
        self.candidates.depth()
    }

    /// Tokens to decode next.
    pub(crate) fn next(&self) -> &VecDeque<Next> {
        &self.left
    }

    /// The first `n` of them are in the batch.
    pub(crate) fn took(&mut self, n: usize) {
        self.decoded += n;
        self.awaited.extend(self.left.drain(..n).filter_map(|next| next.asked));
    }

    /// Sees the logits of the next awaited place.
    pub(crate) fn see(&mut self, logits: &[f32]) -> Step {
        if let Some(place) = self.awaited.pop_front()
            && (place != 0 || self.candidates.asks_at_root())
        {
            self.candidates.tell(place, logits);
        }
        if !self.awaited.is_empty() || !self.left.is_empty() {
            return Step::Go;
        }
        match self.walks.pop_front() {
            Some(walk) => {
                self.left = walk.tokens.into();
                Step::Back(walk.keep)
            }
            None => Step::End,
        }
    }

    /// The log-probabilities, and how many tokens were decoded for them.
    pub(crate) fn finish(&self) -> (Vec<f64>, usize) {
        (self.candidates.logprobs(), self.decoded)
    }
}
