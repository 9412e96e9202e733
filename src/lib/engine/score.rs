use crate::{Cancel, Error, ModelInfo, Prompt};

/// Which continuations of a prompt to compare.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreRequest {
    /// What is continued.
    pub prompt: Prompt,
    /// Whole answers, such as the labels of a classifier: no two alike, none empty. One that is
    /// the beginning of another is told from it by the end of the model's turn.
    pub candidates: Vec<String>,
    /// Which likelihood is wanted.
    pub measure: Measure,
}

/// How the likelihood of a candidate of several tokens is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    /// The candidate's log-probability when the model may say nothing but a candidate: at each
    /// token the probabilities of the tokens that lead to some candidate are scaled to one, as
    /// in decoding under a grammar of the candidates. A token without an alternative costs
    /// nothing, so long candidates have no disadvantage, and candidates whose first tokens
    /// differ cost no decoding beyond the prompt.
    #[default]
    Constrained,
    /// The mean log-probability of the candidate's tokens, the end of the model's turn included,
    /// over the whole vocabulary.
    PerToken,
}

/// How likely the candidates are.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// Natural logarithm, one a candidate, in the request's order. With
    /// [`Measure::Constrained`] the probabilities add up to one.
    pub logprobs: Vec<f64>,
    /// Tokens of the prompt.
    pub tokens_in: usize,
    /// Tokens of candidates that had to be decoded.
    pub tokens_out: usize,
}

impl Scores {
    /// The candidates' shares of one: softmax of the log-probabilities.
    #[must_use]
    pub fn probabilities(&self) -> Vec<f64> {
        let best = self.logprobs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let shares: Vec<f64> = self.logprobs.iter().map(|score| (score - best).exp()).collect();
        let sum: f64 = shares.iter().sum();
        shares.into_iter().map(|share| share / sum).collect()
    }
}

/// A model that tells how likely given continuations are, without generating any.
pub trait Score: Send + Sync {
    /// Which model this is.
    fn model(&self) -> &ModelInfo;

    /// Scores the candidates of `request`.
    ///
    /// # Errors
    /// [`Error::TooLong`] when the prompt and the longest candidate exceed the context: nothing
    /// is cut. [`Error::Constraint`] for candidates that are empty, twice there, or not to be
    /// told apart by their tokens; [`Error::Cancelled`] and [`Error::Engine`] as in
    /// [`crate::Complete::complete`].
    fn score(&self, request: &ScoreRequest, cancel: &Cancel) -> Result<Scores, Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_add_up_to_one_however_unlikely() {
        let logprobs = vec![-1000.0, -1001.0, f64::NEG_INFINITY];
        let scores = Scores { logprobs, tokens_in: 1, tokens_out: 0 };
        let shares = scores.probabilities();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((shares[0] / shares[1] - 1f64.exp()).abs() < 1e-9);
        assert!(shares[2].abs() < f64::EPSILON);
    }
}
