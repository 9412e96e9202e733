//! Multinomial logistic regression with an L2 penalty.

use crate::classifier::softmax;
use crate::minimise::{Objective, Unconverged, minimise};

/// Vectors and the class of each.
#[derive(Clone, Debug)]
pub(crate) struct Samples<'a> {
    /// All of the same length.
    pub(crate) vectors: Vec<&'a [f32]>,
    /// The class of each vector.
    pub(crate) labels: Vec<usize>,
    /// How many classes there are.
    pub(crate) classes: usize,
}

/// A linear function for each class: what the regression fits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Linear {
    /// A row of weights for each class.
    pub(crate) weights: Vec<Vec<f64>>,
    /// One number a class.
    pub(crate) bias: Vec<f64>,
}

impl Linear {
    /// A vector's logits.
    pub(crate) fn logits(&self, vector: &[f32]) -> Vec<f64> {
        self.weights.iter().zip(&self.bias).map(|(row, bias)| dot(row, vector) + bias).collect()
    }

    /// The same function of the vector up to a constant that all classes share: each feature's
    /// weights, and the biases, add up to zero.
    #[must_use]
    pub(crate) fn centred(mut self) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "there are not 2^52 classes")]
        let count = self.bias.len().max(1) as f64;
        let dimensions = self.weights.first().map_or(0, Vec::len);
        for at in 0..dimensions {
            let mean = self.weights.iter().map(|row| row[at]).sum::<f64>() / count;
            self.weights.iter_mut().for_each(|row| row[at] -= mean);
        }
        let mean = self.bias.iter().sum::<f64>() / count;
        self.bias.iter_mut().for_each(|bias| *bias -= mean);
        self
    }

    /// What [`Loss`] is a function of.
    fn flat(&self) -> Vec<f64> {
        let unit = bias_input(self.weights.first().map_or(0, Vec::len));
        let row = |(row, bias): (&Vec<f64>, &f64)| [row.as_slice(), &[bias / unit]].concat();
        self.weights.iter().zip(&self.bias).flat_map(row).collect()
    }

    fn from_flat(flat: &[f64], dimensions: usize) -> Self {
        let unit = bias_input(dimensions);
        let rows = flat.chunks_exact(dimensions + 1);
        let split = |row: &[f64]| (row[..dimensions].to_vec(), row[dimensions] * unit);
        let (weights, bias) = rows.map(split).unzip();
        Self { weights, bias }
    }
}

/// The bias is the weight of a constant input of this size, that of an element of a unit vector:
/// the search goes ten times as fast where all inputs are alike.
#[expect(clippy::cast_precision_loss, reason = "there are not 2^52 dimensions")]
fn bias_input(dimensions: usize) -> f64 {
    1.0 / (dimensions.max(1) as f64).sqrt()
}

/// Sums eight products at a time: the compiler may not reorder sums, and does so only when told.
fn dot(weights: &[f64], vector: &[f32]) -> f64 {
    let mut sums = [0.0; 8];
    let (left, right) = (weights.chunks_exact(8), vector.chunks_exact(8));
    let rest: f64 =
        left.remainder().iter().zip(right.remainder()).map(|(w, &x)| w * f64::from(x)).sum();
    for (w, x) in left.zip(right) {
        for ((sum, w), &x) in sums.iter_mut().zip(w).zip(x) {
            *sum += w * f64::from(x);
        }
    }
    rest + sums.iter().sum::<f64>()
}

/// Mean cross-entropy in nats, plus `strength`/2 times the squared weights. Biases are free.
struct Loss<'a> {
    samples: &'a Samples<'a>,
    dimensions: usize,
    strength: f64,
}

impl Loss<'_> {
    fn rows<'x>(&self, x: &'x [f64]) -> std::slice::ChunksExact<'x, f64> {
        x.chunks_exact(self.dimensions + 1)
    }

    fn logits(&self, x: &[f64], vector: &[f32]) -> Vec<f64> {
        let (d, unit) = (self.dimensions, bias_input(self.dimensions));
        self.rows(x).map(|row| dot(&row[..d], vector) + row[d] * unit).collect()
    }

    #[expect(clippy::cast_precision_loss, reason = "there are not 2^52 records")]
    fn count(&self) -> f64 {
        self.samples.labels.len().max(1) as f64
    }
}

impl Objective for Loss<'_> {
    fn value(&self, x: &[f64]) -> f64 {
        let all = self.samples.vectors.iter().zip(&self.samples.labels);
        let loss: f64 = all.map(|(v, &label)| cross_entropy(&self.logits(x, v), label)).sum();
        let weights = self.rows(x).flat_map(|row| &row[..self.dimensions]);
        loss / self.count() + self.strength / 2.0 * weights.map(|w| w * w).sum::<f64>()
    }

    fn gradient(&self, x: &[f64]) -> Vec<f64> {
        let (d, n) = (self.dimensions, self.count());
        let unit = bias_input(d);
        let mut gradient = x.to_vec();
        for row in gradient.chunks_exact_mut(d + 1) {
            row[..d].iter_mut().for_each(|w| *w *= self.strength);
            row[d] = 0.0;
        }
        for (vector, &label) in self.samples.vectors.iter().zip(&self.samples.labels) {
            let shares = softmax(&self.logits(x, vector));
            for (class, row) in gradient.chunks_exact_mut(d + 1).enumerate() {
                let step = (shares[class] - f64::from(u8::from(class == label))) / n;
                row[..d].iter_mut().zip(*vector).for_each(|(g, &v)| *g += step * f64::from(v));
                row[d] += step * unit;
            }
        }
        gradient
    }
}

/// −ln of the probability that `logits` give to `label`, in nats.
pub(crate) fn cross_entropy(logits: &[f64], label: usize) -> f64 {
    let best = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|logit| (logit - best).exp()).sum();
    best + sum.ln() - logits[label]
}

/// Fits `samples`. Every class must have a vector; `strength` must be positive. `start` saves
/// steps and does not change the result.
///
/// # Errors
/// [`Unconverged`].
pub(crate) fn fit(
    samples: &Samples<'_>,
    strength: f64,
    start: Option<&Linear>,
) -> Result<Linear, Unconverged> {
    let dimensions = samples.vectors.first().map_or(0, |vector| vector.len());
    let start = start.map_or_else(|| vec![0.0; samples.classes * (dimensions + 1)], Linear::flat);
    let loss = Loss { samples, dimensions, strength };
    Ok(Linear::from_flat(&minimise(&loss, start)?, dimensions).centred())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Points = Vec<(Vec<f32>, usize)>;

    /// 3 classes, each there at least once.
    fn points() -> impl Strategy<Value = Points> {
        let one = (prop::collection::vec(-1.0f32..1.0, 11), 0usize..3);
        prop::collection::vec(one, 6..40).prop_map(|mut points| {
            points.iter_mut().take(3).enumerate().for_each(|(class, point)| point.1 = class);
            points
        })
    }

    fn samples(points: &Points) -> Samples<'_> {
        Samples {
            vectors: points.iter().map(|p| p.0.as_slice()).collect(),
            labels: points.iter().map(|p| p.1).collect(),
            classes: 3,
        }
    }

    proptest! {
        #[test]
        fn the_gradient_is_that_of_the_value(
            points in points(),
            x in prop::collection::vec(-2.0..2.0f64, 36),
            strength in 1e-6..1.0f64,
        ) {
            let samples = samples(&points);
            let loss = Loss { samples: &samples, dimensions: 11, strength };
            for (at, slope) in loss.gradient(&x).into_iter().enumerate() {
                let near = |by: f64| {
                    let mut x = x.clone();
                    x[at] += by;
                    loss.value(&x)
                };
                let measured = (near(1e-5) - near(-1e-5)) / 2e-5;
                prop_assert!((slope - measured).abs() < 1e-6, "{at}: {slope} {measured}");
            }
        }

        #[test]
        fn the_fit_is_where_the_gradient_is_nothing_wherever_it_starts(
            points in points(),
            exponent in -5.0..0.0f64,
        ) {
            let samples = samples(&points);
            let strength = 10f64.powf(exponent);
            let found = fit(&samples, strength, None).unwrap();
            let loss = Loss { samples: &samples, dimensions: 11, strength };
            for slope in loss.gradient(&found.flat()) {
                prop_assert!(slope.abs() < 1e-5, "{slope}");
            }
            let away = fit(&samples, 1.0, None).unwrap();
            let again = fit(&samples, strength, Some(&away)).unwrap();
            let (a, b) = (loss.value(&found.flat()), loss.value(&again.flat()));
            prop_assert!((a - b).abs() < 1e-6, "{a} {b}");
        }

        #[test]
        fn centring_changes_no_probability(points in points(), x in prop::collection::vec(-2.0..2.0f64, 36)) {
            let linear = Linear::from_flat(&x, 11);
            let centred = linear.clone().centred();
            prop_assert!(centred.bias.iter().sum::<f64>().abs() < 1e-9);
            for (vector, _) in &points {
                let (a, b) = (softmax(&linear.logits(vector)), softmax(&centred.logits(vector)));
                prop_assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-9));
            }
        }
    }

    #[test]
    fn the_dot_product_counts_every_element() {
        let weights: Vec<f64> = (1..=19).map(f64::from).collect();
        let vector = vec![1.0f32; 19];
        assert!((dot(&weights, &vector) - 190.0).abs() < 1e-12);
    }
}
