use engine::{Cancel, Error, ModelInfo};

use crate::calibration::Calibration;

/// What a classifier thinks of a text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Opinion {
    /// One a class: natural logarithms of likelihoods, up to a common constant.
    pub(crate) logits: Vec<f64>,
    /// Tokens that the model read.
    pub(crate) tokens_in: usize,
    /// Tokens that it decoded beyond them.
    pub(crate) tokens_out: usize,
    /// Parts that the text was read in.
    pub(crate) parts: usize,
}

/// A way of choosing one of several classes. Shared by all workers.
pub(crate) trait Classifier: Send + Sync {
    /// The classes, in the order of [`Opinion::logits`].
    fn classes(&self) -> &[String];

    /// The model behind it.
    fn model(&self) -> &ModelInfo;

    /// A hash of all that decides its opinion of a text: a calibration holds for one of these.
    fn identity(&self) -> String;

    /// The calibration it comes with, where it has one.
    fn calibration(&self) -> Option<&Calibration> {
        None
    }

    /// Its opinion of a text that is not blank.
    ///
    /// # Errors
    /// Those of the engine.
    fn opinion(&self, text: &str, cancel: &Cancel) -> Result<Opinion, Error>;
}

/// The place of the greatest number, the first of several; 0 when there is none.
pub(crate) fn greatest(numbers: &[f64]) -> usize {
    let better = |best: usize, (at, x): (usize, &f64)| if *x > numbers[best] { at } else { best };
    numbers.iter().enumerate().fold(0, better)
}

/// The logarithms' shares of one.
pub(crate) fn softmax(logits: &[f64]) -> Vec<f64> {
    let best = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let shares: Vec<f64> = logits.iter().map(|logit| (logit - best).exp()).collect();
    let sum: f64 = shares.iter().sum();
    shares.into_iter().map(|share| share / sum).collect()
}
