//! From a classifier's logits to probabilities that mean what they say.
//!
//! Temperature scaling (Guo et al. 2017), with an offset for each class where the classifier was
//! not trained on the task (bias-corrected temperature scaling: Alexandari et al. 2020).

use serde::{Deserialize, Serialize};

use crate::classifier::softmax;
use crate::minimise::{Objective, Unconverged, minimise};
use crate::regression::cross_entropy;

/// Probabilities are softmax(logits / temperature + offsets).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Calibration {
    /// Above 1 where the classifier is surer than it should be. Positive.
    pub(crate) temperature: f64,
    /// One a class; none are zeros.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) offsets: Vec<f64>,
}

/// Logits of records, and the class that each has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    /// One row a record.
    pub(crate) logits: Vec<Vec<f64>>,
    /// One class a record.
    pub(crate) labels: Vec<usize>,
}

impl Calibration {
    /// The probabilities of the classes.
    pub(crate) fn probabilities(&self, logits: &[f64]) -> Vec<f64> {
        softmax(&scaled(logits, 1.0 / self.temperature, &self.offsets))
    }

    /// Whether it can be used for `classes` classes.
    pub(crate) fn is_sound(&self, classes: usize) -> bool {
        self.temperature.is_finite()
            && self.temperature > 0.0
            && (self.offsets.is_empty() || self.offsets.len() == classes)
            && self.offsets.iter().all(|offset| offset.is_finite())
    }

    /// The calibration under which `answers` are likeliest, with a normal prior around the
    /// identity that weighs as much as one record: a few records, all answered right, are no
    /// reason for certainty.
    ///
    /// # Errors
    /// [`Unconverged`].
    pub(crate) fn fit(answers: &Answers, with_offsets: bool) -> Result<Self, Unconverged> {
        let classes = answers.logits.first().map_or(0, Vec::len);
        let start = vec![0.0; 1 + if with_offsets { classes } else { 0 }];
        let found = minimise(&Loss { answers }, start)?;
        Ok(Self { temperature: 1.0 / scale(&found), offsets: found[1..].to_vec() })
    }
}

fn scaled(logits: &[f64], scale: f64, offsets: &[f64]) -> Vec<f64> {
    let offsets = offsets.iter().copied().chain(std::iter::repeat(0.0));
    logits.iter().zip(offsets).map(|(logit, offset)| logit * scale + offset).collect()
}

/// 1/temperature. A line search may try steps whose exponential is infinite; the prior keeps the
/// result far inside these bounds.
fn scale(x: &[f64]) -> f64 {
    x[0].clamp(-30.0, 30.0).exp()
}

/// Mean cross-entropy and the prior, of −ln(temperature) and the offsets.
struct Loss<'a> {
    answers: &'a Answers,
}

impl Loss<'_> {
    #[expect(clippy::cast_precision_loss, reason = "there are not 2^52 records")]
    fn count(&self) -> f64 {
        self.answers.labels.len().max(1) as f64
    }

    fn each(&self) -> impl Iterator<Item = (&Vec<f64>, usize)> {
        self.answers.logits.iter().zip(self.answers.labels.iter().copied())
    }
}

impl Objective for Loss<'_> {
    fn value(&self, x: &[f64]) -> f64 {
        let scale = scale(x);
        let loss: f64 = self
            .each()
            .map(|(row, label)| cross_entropy(&scaled(row, scale, &x[1..]), label))
            .sum();
        (loss + x.iter().map(|x| x * x).sum::<f64>() / 2.0) / self.count()
    }

    fn gradient(&self, x: &[f64]) -> Vec<f64> {
        let scale = scale(x);
        let mut gradient = x.to_vec();
        for (row, label) in self.each() {
            let shares = softmax(&scaled(row, scale, &x[1..]));
            for (class, share) in shares.into_iter().enumerate() {
                let step = share - f64::from(u8::from(class == label));
                gradient[0] += step * row[class] * scale;
                if let Some(offset) = gradient.get_mut(1 + class) {
                    *offset += step;
                }
            }
        }
        let count = self.count();
        gradient.iter_mut().for_each(|slope| *slope /= count);
        gradient
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classifier::greatest;
    use proptest::prelude::*;

    fn answers() -> impl Strategy<Value = Answers> {
        let one = (prop::collection::vec(-30.0..30.0f64, 3), 0usize..3);
        prop::collection::vec(one, 1..50).prop_map(|all| {
            let (logits, labels) = all.into_iter().unzip();
            Answers { logits, labels }
        })
    }

    proptest! {
        #[test]
        fn the_gradient_is_that_of_the_value(
            answers in answers(),
            x in prop::collection::vec(-1.0..1.0f64, 4),
        ) {
            let loss = Loss { answers: &answers };
            for (at, slope) in loss.gradient(&x).into_iter().enumerate() {
                let near = |by: f64| {
                    let mut x = x.clone();
                    x[at] += by;
                    loss.value(&x)
                };
                let measured = (near(1e-6) - near(-1e-6)) / 2e-6;
                prop_assert!((slope - measured).abs() < 1e-3 * (1.0 + slope.abs()), "{slope} {measured}");
            }
        }

        #[test]
        fn a_fit_is_never_worse_than_none(answers in answers(), offsets: bool) {
            let found = Calibration::fit(&answers, offsets).unwrap();
            prop_assert!(found.is_sound(3));
            let loss = Loss { answers: &answers };
            let x = [vec![-found.temperature.ln()], found.offsets.clone()].concat();
            prop_assert!(loss.value(&x) <= loss.value(&vec![0.0; x.len()]) + 1e-9);
        }

        #[test]
        fn a_temperature_alone_changes_no_choice(answers in answers(), temperature in 0.01..100.0f64) {
            let calibration = Calibration { temperature, offsets: Vec::new() };
            for row in &answers.logits {
                let shares = calibration.probabilities(row);
                prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
                let best = greatest(row);
                prop_assert!(shares.iter().all(|share| *share <= shares[best]));
            }
        }
    }

    #[test]
    fn one_that_is_always_sure_and_half_right_is_cooled_down() {
        let logits = vec![vec![20.0, 0.0]; 100];
        let labels = (0..100).map(|n| n % 2).collect();
        let found = Calibration::fit(&Answers { logits, labels }, false).unwrap();
        let share = found.probabilities(&[20.0, 0.0])[0];
        assert!((share - 0.5).abs() < 0.2, "{share} {found:?}");
    }

    #[test]
    fn offsets_mend_a_leaning_to_one_class() {
        // The first class is always ahead, by more where it is right.
        let logits = (0..100).map(|n| vec![f64::from(5 + n % 2 * 3), 0.0]).collect();
        let labels = (0..100).map(|n| 1 - n % 2).collect();
        let found = Calibration::fit(&Answers { logits, labels }, true).unwrap();
        assert_eq!(greatest(&found.probabilities(&[5.0, 0.0])), 1);
        assert_eq!(greatest(&found.probabilities(&[8.0, 0.0])), 0);
    }

    #[test]
    fn certainty_needs_many_records() {
        let sure = |n: usize| {
            let answers = Answers { logits: vec![vec![1.0, 0.0]; n], labels: vec![0; n] };
            Calibration::fit(&answers, false).unwrap().probabilities(&[1.0, 0.0])[0]
        };
        assert!(sure(3) < sure(30) && sure(30) < sure(3000) && sure(3) < 0.95, "{}", sure(3));
    }
}
