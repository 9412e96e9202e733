//! `--calibrate`: from labelled recordings to a threshold.

use std::path::Path;

use cli::Error;
use records::Record;
use serde::{Deserialize, Serialize};

use crate::command::{DEFAULT_JUDGE, Judge};
use crate::listen::round;

const FORMAT: &str = "headwater-commands-1";
/// Recordings of either kind below which nothing is fitted.
const LEAST: usize = 5;
/// How sharp a border may become: scores of few recordings fall apart by chance.
const SHARPEST: f64 = 0.05;

/// A labelled recording.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Example {
    /// Of the best phrase.
    pub(crate) score: f64,
    /// Whether the best phrase is the right one.
    pub(crate) right: bool,
}

/// A calibration as it stands in its record, and how often it is right.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Calibration {
    format: String,
    /// Of phrases and model: another list needs another threshold.
    made_for: String,
    threshold: f64,
    spread: f64,
    recordings: usize,
    /// Of those whose best phrase was the right one, how many are accepted.
    accepted: f64,
    /// Of the others, how many are rejected.
    rejected: f64,
}

/// The calibration that fits the examples best.
///
/// # Errors
/// A message for people: too few examples of either kind.
pub(crate) fn fit(examples: &[Example], made_for: &str) -> Result<Record, String> {
    let right = examples.iter().filter(|e| e.right).count();
    let wrong = examples.len() - right;
    if right < LEAST || wrong < LEAST {
        return Err(format!(
            "{right} recordings whose best phrase is right, and {wrong} others: at least {LEAST} \
             of each are needed"
        ));
    }
    let judge = logistic(examples);
    let share = |wanted: bool, of: usize| {
        let hits = examples
            .iter()
            .filter(|e| e.right == wanted && (judge.probability(e.score) >= 0.5) == wanted);
        round(hits.count() as f64 / of as f64, 1000.0)
    };
    let calibration = Calibration {
        format: FORMAT.to_owned(),
        made_for: made_for.to_owned(),
        threshold: judge.threshold,
        spread: judge.spread,
        recordings: examples.len(),
        accepted: share(true, right),
        rejected: share(false, wrong),
    };
    let line = serde_json::to_vec(&calibration).map_err(|e| e.to_string())?;
    Record::parse(&line).map_err(|e| e.to_string())
}

/// Logistic regression on one score by gradient descent, both kinds with equal weight.
fn logistic(examples: &[Example]) -> Judge {
    let right = examples.iter().filter(|e| e.right).count() as f64;
    let wrong = examples.len() as f64 - right;
    let weight = |e: &Example| 0.5 / if e.right { right } else { wrong };
    // Probability = 1 / (1 + exp(-(slope * score + shift))).
    let mut slope = 1.0 / DEFAULT_JUDGE.spread;
    let mut shift = -DEFAULT_JUDGE.threshold * slope;
    for _ in 0..20_000 {
        let (mut by_slope, mut by_shift) = (0.0, 0.0);
        for e in examples {
            // Far below, all scores say the same.
            let score = e.score.max(-5.0);
            let p = 1.0 / (1.0 + (-(slope * score + shift)).exp());
            let error = weight(e) * (p - f64::from(u8::from(e.right)));
            by_slope += error * score;
            by_shift += error;
        }
        slope = (slope - 0.5 * by_slope).clamp(0.1, 1.0 / SHARPEST);
        shift -= 0.5 * by_shift;
    }
    Judge { threshold: round(-shift / slope, 1000.0), spread: round(1.0 / slope, 1000.0) }
}

/// The judge in a file that `--calibrate` made for the same phrases and model.
///
/// # Errors
/// It was made for others, or is no calibration.
pub(crate) fn load(path: &Path, made_for: &str) -> Result<Judge, Error> {
    let fail = |why: String| Error::setup(format!("{}: {why}", path.display()));
    let text = std::fs::read(path).map_err(|e| fail(e.to_string()))?;
    let read: Calibration = serde_json::from_slice(&text)
        .map_err(|e| fail(format!("not a calibration of commands: {e}")))?;
    let Calibration { threshold, spread, .. } = read;
    if read.format != FORMAT || !threshold.is_finite() || !(spread > 0.0 && spread.is_finite()) {
        return Err(fail("not a calibration of commands".into()));
    }
    if read.made_for != made_for {
        return Err(fail("was made for other phrases or another model; --calibrate again".into()));
    }
    Ok(Judge { threshold, spread })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_falls_between_right_and_wrong() {
        let example = |score, right| Example { score, right };
        let mut examples: Vec<Example> =
            (0..20).map(|n| example(-0.02 * f64::from(n), true)).collect();
        examples.extend((0..20).map(|n| example(-2.0 - 0.1 * f64::from(n), false)));
        let judge = logistic(&examples);
        assert!((-2.0..-0.4).contains(&judge.threshold), "{judge:?}");
        assert!(judge.spread >= SHARPEST);
        assert!(examples.iter().all(|e| (judge.probability(e.score) > 0.5) == e.right));
        let line = fit(&examples, "x").expect("enough");
        let read: Calibration = serde_json::from_str(line.as_str()).expect("a calibration");
        assert_eq!((read.accepted, read.rejected), (1.0, 1.0));
        assert_eq!((read.threshold, read.spread), (judge.threshold, judge.spread));
        fit(&examples[..22], "x").expect_err("two are too few");
    }
}
