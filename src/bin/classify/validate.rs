//! How good a head or a calibration is on records it has not seen.

use crate::calibration::{Answers, Calibration};
use crate::minimise::Unconverged;
use crate::regression::{Linear, Samples, cross_entropy, fit};

/// Strengths of the L2 penalty, from strong to weak: vectors have unit length and the loss is a
/// mean, so that the same grid does for every set of records.
pub(crate) const STRENGTHS: [f64; 11] =
    [1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6];

/// The strength that does best, and what the heads fitted with it say of the records that they
/// were not fitted to.
#[derive(Debug)]
pub(crate) struct Validated {
    pub(crate) strength: f64,
    pub(crate) answers: Answers,
}

/// Fits a head to all parts but one, for each part and strength. The strength with the least
/// cross-entropy on the parts left out is chosen.
///
/// # Errors
/// [`Unconverged`].
pub(crate) fn validate(
    samples: &Samples<'_>,
    parts: &[usize],
    folds: usize,
) -> Result<Validated, Unconverged> {
    let of_folds: Result<Vec<_>, Unconverged> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..folds).map(|fold| scope.spawn(move || path(samples, parts, fold))).collect();
        let ended = |thread: std::thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().map(ended).collect()
    });
    // By strength, the logits of every record.
    let mut by_strength = vec![vec![Vec::new(); samples.labels.len()]; STRENGTHS.len()];
    for (at, rows) in of_folds?.into_iter().flatten() {
        for (strength, logits) in rows.into_iter().enumerate() {
            by_strength[strength][at] = logits;
        }
    }
    let loss = |logits: &[Vec<f64>]| -> f64 {
        logits.iter().zip(&samples.labels).map(|(row, &label)| cross_entropy(row, label)).sum()
    };
    let best = (0..STRENGTHS.len())
        .min_by(|&a, &b| loss(&by_strength[a]).total_cmp(&loss(&by_strength[b])))
        .unwrap_or(0);
    let answers = Answers { logits: by_strength.swap_remove(best), labels: samples.labels.clone() };
    Ok(Validated { strength: STRENGTHS[best], answers })
}

/// A record's place, and its logits at each strength.
type Row = (usize, Vec<Vec<f64>>);

/// Heads fitted without the part `fold`, from strong to weak, each starting where the last ended.
fn path(samples: &Samples<'_>, parts: &[usize], fold: usize) -> Result<Vec<Row>, Unconverged> {
    let inside = |at: &usize| parts[*at] != fold;
    let all = 0..samples.labels.len();
    let (kept, left): (Vec<usize>, Vec<usize>) = all.partition(inside);
    let kept = Samples {
        vectors: kept.iter().map(|&at| samples.vectors[at]).collect(),
        labels: kept.iter().map(|&at| samples.labels[at]).collect(),
        classes: samples.classes,
    };
    let mut rows: Vec<Row> = left.into_iter().map(|at| (at, Vec::new())).collect();
    let mut last: Option<Linear> = None;
    for strength in STRENGTHS {
        let head = fit(&kept, strength, last.as_ref())?;
        rows.iter_mut().for_each(|(at, found)| found.push(head.logits(samples.vectors[*at])));
        last = Some(head);
    }
    Ok(rows)
}

/// Probabilities of records, each calibrated by what was fitted to the other parts.
///
/// # Errors
/// [`Unconverged`].
pub(crate) fn calibrate_across(
    answers: &Answers,
    parts: &[usize],
    folds: usize,
    with_offsets: bool,
) -> Result<Vec<Vec<f64>>, Unconverged> {
    let mut probabilities = vec![Vec::new(); answers.labels.len()];
    for fold in 0..folds {
        let kept = |at: &usize| parts[*at] != fold;
        let places: Vec<usize> = (0..answers.labels.len()).filter(kept).collect();
        let others = Answers {
            logits: places.iter().map(|&at| answers.logits[at].clone()).collect(),
            labels: places.iter().map(|&at| answers.labels[at]).collect(),
        };
        let calibration = Calibration::fit(&others, with_offsets)?;
        for at in (0..answers.labels.len()).filter(|at| !kept(at)) {
            probabilities[at] = calibration.probabilities(&answers.logits[at]);
        }
    }
    Ok(probabilities)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folds::assign;
    use crate::reliability::{accuracy, calibration_error, grade};

    /// Two clouds of unit vectors; every tenth record has the wrong label.
    fn clouds(n: usize) -> (Vec<Vec<f32>>, Vec<usize>, Vec<String>) {
        let mut vectors = Vec::new();
        let mut labels = Vec::new();
        for at in 0..n {
            let class = at % 2;
            // Fractions of a golden ratio: spread out, and the same in every run.
            let noise = |k: f64| ((at as f64 * 0.618_034 * k).fract() - 0.5) * 0.8;
            let side = if class == 0 { 0.6 } else { -0.6 };
            let mut v = [side + noise(1.0), noise(1.7), 0.5 + noise(2.3)];
            let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
            v.iter_mut().for_each(|x| *x /= norm);
            vectors.push(v.iter().map(|x| *x as f32).collect());
            labels.push(if at % 10 == 3 { 1 - class } else { class });
        }
        (vectors, labels, (0..n).map(|at| format!("text {at}")).collect())
    }

    #[test]
    fn records_left_out_are_judged_honestly() {
        let (vectors, labels, texts) = clouds(300);
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let parts = assign(&texts, &labels, 5, 0);
        let vectors = vectors.iter().map(Vec::as_slice).collect();
        let samples = Samples { vectors, labels: labels.clone(), classes: 2 };
        let found = validate(&samples, &parts, 5).unwrap();
        assert!(STRENGTHS.contains(&found.strength));
        assert_eq!(found.answers.logits.len(), 300);
        let probabilities = calibrate_across(&found.answers, &parts, 5, false).unwrap();
        let graded = grade(&probabilities, &labels);
        // A tenth of the labels is wrong on purpose.
        assert!((0.85..=0.92).contains(&accuracy(&graded)), "{}", accuracy(&graded));
        assert!(calibration_error(&graded) < 0.06, "{}", calibration_error(&graded));
    }

    #[test]
    fn labels_without_reason_are_not_believed() {
        let (vectors, _, texts) = clouds(120);
        let labels: Vec<usize> = (0..120).map(|n| (n / 2) % 2).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let parts = assign(&texts, &labels, 5, 0);
        let vectors = vectors.iter().map(Vec::as_slice).collect();
        let samples = Samples { vectors, labels: labels.clone(), classes: 2 };
        let found = validate(&samples, &parts, 5).unwrap();
        let probabilities = calibrate_across(&found.answers, &parts, 5, false).unwrap();
        assert!(probabilities.iter().flatten().all(|p| *p < 0.75), "{:?}", found.strength);
    }
}
