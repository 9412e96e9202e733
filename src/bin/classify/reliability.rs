//! How far probabilities can be relied on.

use serde::Serialize;

use crate::classifier::greatest;

/// Bins of the calibration error.
const BINS: usize = 10;

/// Accuracies to find thresholds for.
const TARGETS: [f64; 3] = [0.95, 0.98, 0.99];

/// 97.5 % point of the normal distribution.
const Z: f64 = 1.959_964;

/// One answer: how sure, and whether right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Graded {
    confidence: f64,
    right: bool,
}

/// Grades the likeliest class of each record.
pub(crate) fn grade(probabilities: &[Vec<f64>], labels: &[usize]) -> Vec<Graded> {
    let one = |(shares, label): (&Vec<f64>, &usize)| {
        let best = greatest(shares);
        Graded { confidence: shares.get(best).copied().unwrap_or(0.0), right: best == *label }
    };
    probabilities.iter().zip(labels).map(one).collect()
}

/// The share that is right.
pub(crate) fn accuracy(graded: &[Graded]) -> f64 {
    share(graded.iter().filter(|g| g.right).count(), graded.len())
}

/// Expected calibration error: the mean distance between confidence and accuracy, over ten bins
/// of equal width weighted by their records (Naeini et al. 2015).
pub(crate) fn calibration_error(graded: &[Graded]) -> f64 {
    let mut bins = [(0usize, 0.0f64, 0usize); BINS];
    for one in graded {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a bin's number"
        )]
        let at = ((one.confidence * BINS as f64) as usize).min(BINS - 1);
        bins[at].0 += 1;
        bins[at].1 += one.confidence;
        bins[at].2 += usize::from(one.right);
    }
    #[expect(clippy::cast_precision_loss, reason = "a mean needs no 53 bits")]
    let gap = |(_, sum, right): (usize, f64, usize)| (sum - right as f64).abs();
    let gaps: f64 = bins.into_iter().map(gap).sum();
    #[expect(clippy::cast_precision_loss, reason = "a mean needs no 53 bits")]
    let count = graded.len().max(1) as f64;
    gaps / count
}

/// What may stay local when answers below a threshold are handed on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Coverage {
    /// The accuracy that is wanted.
    pub(crate) target: f64,
    /// Answers at least this sure reach it; absent where none do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) threshold: Option<f64>,
    /// The share of the records that these are.
    pub(crate) coverage: f64,
    /// How accurate they are here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) accuracy: Option<f64>,
    /// How accurate they are at least, with 97.5 % confidence (Wilson 1927): few records prove
    /// little.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) accuracy_at_least: Option<f64>,
}

/// Accuracy against coverage, for each target.
pub(crate) fn coverages(graded: &[Graded]) -> Vec<Coverage> {
    let mut sorted = graded.to_vec();
    sorted.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    TARGETS.iter().map(|&target| coverage(&sorted, target)).collect()
}

/// The most of `sorted`, surest first, that are right often enough.
fn coverage(sorted: &[Graded], target: f64) -> Coverage {
    let mut right = 0;
    let mut best = None;
    for (at, one) in sorted.iter().enumerate() {
        right += usize::from(one.right);
        // Answers that are equally sure are handed on together.
        let ends = sorted.get(at + 1).is_none_or(|next| next.confidence < one.confidence);
        if ends && share(right, at + 1) >= target {
            best = Some((at + 1, right, one.confidence));
        }
    }
    Coverage {
        target,
        threshold: best.map(|(_, _, confidence)| confidence),
        coverage: best.map_or(0.0, |(kept, ..)| share(kept, sorted.len())),
        accuracy: best.map(|(kept, right, _)| share(right, kept)),
        accuracy_at_least: best.map(|(kept, right, _)| at_least(right, kept)),
    }
}

/// The lower end of Wilson's interval for `right` of `all`.
#[expect(clippy::cast_precision_loss, reason = "a share needs no 53 bits")]
fn at_least(right: usize, all: usize) -> f64 {
    let (n, p) = (all as f64, share(right, all));
    let spread = (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    ((p + Z * Z / (2.0 * n) - Z * spread) / (1.0 + Z * Z / n)).max(0.0)
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no 53 bits")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn graded(all: &[(f64, bool)]) -> Vec<Graded> {
        all.iter().map(|&(confidence, right)| Graded { confidence, right }).collect()
    }

    #[test]
    fn the_error_is_the_gap_between_confidence_and_accuracy() {
        let honest = graded(&[(0.75, true), (0.75, true), (0.75, true), (0.75, false)]);
        assert!(calibration_error(&honest) < 1e-12);
        let boaster = graded(&[(1.0, false), (1.0, true)]);
        assert!((calibration_error(&boaster) - 0.5).abs() < 1e-12);
        assert!(calibration_error(&[]) < 1e-12);
    }

    #[test]
    fn a_threshold_keeps_what_is_right_often_enough() {
        let all = graded(&[(0.9, true), (0.8, true), (0.7, false), (0.6, true)]);
        let found = coverage(&all, 0.95);
        assert_eq!((found.threshold, found.accuracy), (Some(0.8), Some(1.0)));
        assert!((found.coverage - 0.5).abs() < 1e-12);
        let none = coverage(&graded(&[(0.9, false)]), 0.95);
        assert_eq!((none.threshold, none.coverage), (None, 0.0));
    }

    #[test]
    fn answers_that_are_equally_sure_stay_together() {
        let all = graded(&[(0.9, true), (0.9, false), (0.5, true)]);
        assert_eq!(coverage(&all, 0.95).threshold, None);
    }

    #[test]
    fn few_records_prove_little() {
        assert!((at_least(10, 10) - 0.7225).abs() < 1e-3);
        assert!(at_least(1000, 1000) > 0.99);
    }

    proptest! {
        #[test]
        fn a_threshold_reaches_its_target(
            all in prop::collection::vec((0.0..=1.0f64, any::<bool>()), 0..60),
        ) {
            let all = graded(&all);
            prop_assert!((0.0..=1.0).contains(&calibration_error(&all)));
            for found in coverages(&all) {
                let Some(threshold) = found.threshold else { continue };
                let kept: Vec<Graded> =
                    all.iter().copied().filter(|g| g.confidence >= threshold).collect();
                prop_assert!(accuracy(&kept) >= found.target);
                prop_assert!((share(kept.len(), all.len()) - found.coverage).abs() < 1e-12);
                prop_assert!(found.accuracy_at_least <= found.accuracy);
            }
        }
    }
}
