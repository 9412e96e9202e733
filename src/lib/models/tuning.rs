//! Which weight format of a model to keep on a machine: what was measured, and the choice.

use serde::{Deserialize, Serialize};

/// A record of this many prompt tokens and [`ANSWER_TOKENS`] generated ones is what a format has
/// to be fast at: about a message of a page and a sentence on it.
const PROMPT_TOKENS: f64 = 256.0;

/// See [`PROMPT_TOKENS`].
const ANSWER_TOKENS: f64 = 32.0;

/// A format less than this much faster than the original is not worth a second file.
const MIN_GAIN: f64 = 1.05;

/// Mean KL divergence of the next-token distributions up to which a loss counts as not
/// measurable, in nats: about what Q8_0 does to weights that were in 16 bits, with room for the
/// sample's noise.
pub const MAX_KL: f64 = 0.02;

/// Perplexity over the original's, up to which a loss counts as not measurable.
pub const MAX_PERPLEXITY_RATIO: f64 = 1.01;

/// How fast a model file runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Prompt tokens a second.
    pub prompt_rate: f64,
    /// Generated tokens a second; none for models that only read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_rate: Option<f64>,
}

impl Speed {
    /// Seconds for a usual record; infinite where the figures make no sense.
    fn seconds(&self) -> f64 {
        let time = |tokens: f64, rate: f64| {
            if rate.is_finite() && rate > 0.0 { tokens / rate } else { f64::INFINITY }
        };
        let answer = self.answer_rate.map_or(0.0, |rate| time(ANSWER_TOKENS, rate));
        time(PROMPT_TOKENS, self.prompt_rate) + answer
    }

    /// How many times as fast as `other` a usual record is handled.
    pub fn gain_over(&self, other: &Self) -> f64 {
        let (own, others) = (self.seconds(), other.seconds());
        if own.is_finite() && others.is_finite() { others / own } else { 0.0 }
    }

    /// Whether it is enough faster than `original` to be worth a second file.
    pub fn is_worth_it(&self, original: &Self) -> bool {
        self.gain_over(original) >= MIN_GAIN
    }
}

/// What a format changes in the model's answers, over a sample of text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Loss {
    /// Mean KL divergence of the next-token distributions from the original's, in nats.
    pub kl: f64,
    /// Perplexity on the sample.
    pub perplexity: f64,
    /// The original's perplexity on the same sample.
    pub original_perplexity: f64,
    /// How often the most likely next token is the original's, 0 to 1.
    pub top1: f64,
}

/// One file of a model: the original, or the same weights in another format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Weight format, e.g. `Q8_0`.
    pub format: String,
    /// Size in bytes.
    pub bytes: u64,
    /// How fast it runs.
    pub speed: Speed,
    /// What it costs in quality; none for the original, and where the speed was reason enough
    /// not to look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,
}

/// Up to where a loss counts as not measurable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// For [`Loss::kl`].
    pub kl: f64,
    /// For [`Loss::perplexity`] over [`Loss::original_perplexity`].
    pub perplexity_ratio: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { kl: MAX_KL, perplexity_ratio: MAX_PERPLEXITY_RATIO }
    }
}

impl Limits {
    /// Whether a loss is within the limits. One that is no number is not.
    pub fn allow(&self, loss: &Loss) -> bool {
        let ratio = loss.perplexity / loss.original_perplexity;
        loss.kl.is_finite()
            && loss.kl <= self.kl
            && ratio.is_finite()
            && ratio <= self.perplexity_ratio
    }
}

/// The fastest of `candidates` whose loss is within the limits and that is worth a file beside
/// `original`; none when the original is best.
pub fn choose(original: &Speed, candidates: &[Measured], limits: &Limits) -> Option<usize> {
    candidates
        .iter()
        .enumerate()
        .filter(|(_, row)| row.loss.as_ref().is_some_and(|loss| limits.allow(loss)))
        .filter(|(_, row)| row.speed.is_worth_it(original))
        .min_by(|(_, a), (_, b)| a.speed.seconds().total_cmp(&b.speed.seconds()))
        .map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speed(prompt: f64, answer: f64) -> Speed {
        Speed { prompt_rate: prompt, answer_rate: Some(answer) }
    }

    fn row(format: &str, prompt: f64, answer: f64, kl: f64, perplexity: f64) -> Measured {
        let loss = Loss { kl, perplexity, original_perplexity: 9.14, top1: 0.9 };
        Measured { format: format.into(), bytes: 1, speed: speed(prompt, answer), loss: Some(loss) }
    }

    /// Measured by hand for SmolLM2-135M on two cores with AVX-512 VNNI.
    fn by_hand() -> (Speed, Vec<Measured>) {
        let rows =
            vec![row("Q8_0", 690.0, 130.0, 0.002, 9.18), row("Q4_0", 767.0, 192.0, 0.2, 11.12)];
        (speed(301.0, 126.0), rows)
    }

    #[test]
    fn the_fastest_without_a_measurable_loss_is_chosen() {
        let (original, mut rows) = by_hand();
        assert_eq!(choose(&original, &rows, &Limits::default()), Some(0));
        let lax = Limits { kl: 1.0, perplexity_ratio: 2.0 };
        assert_eq!(choose(&original, &rows, &lax), Some(1));
        rows.push(row("IQ4_NL", 700.0, 190.0, 0.019, 9.2));
        assert_eq!(choose(&original, &rows, &Limits::default()), Some(2));
    }

    #[test]
    fn the_original_stays_when_nothing_is_worth_a_file() {
        let (original, rows) = by_hand();
        assert_eq!(choose(&original, &[], &Limits::default()), None);
        assert_eq!(choose(&speed(680.0, 130.0), &rows[..1], &Limits::default()), None);
        assert_eq!(choose(&original, &rows[1..], &Limits::default()), None);
        let unmeasured = Measured { loss: None, ..rows[0].clone() };
        assert_eq!(choose(&original, &[unmeasured], &Limits::default()), None);
    }

    #[test]
    fn both_limits_hold() {
        let (original, _) = by_hand();
        for (kl, perplexity) in [(0.021, 9.14), (0.0, 9.24)] {
            let rows = [row("Q8_0", 690.0, 130.0, kl, perplexity)];
            assert_eq!(choose(&original, &rows, &Limits::default()), None, "{kl} {perplexity}");
        }
    }

    #[test]
    fn figures_without_sense_choose_nothing() {
        let (original, _) = by_hand();
        for bad in [f64::NAN, f64::INFINITY, -1.0, 0.0] {
            let rows = [row("Q8_0", bad, 130.0, 0.0, 9.14), row("Q4_0", 900.0, bad, 0.0, 9.14)];
            assert_eq!(choose(&original, &rows, &Limits::default()), None, "{bad}");
        }
        for bad in [f64::NAN, f64::INFINITY] {
            let rows = [row("a", 900.0, 300.0, bad, 9.14), row("b", 900.0, 300.0, 0.0, bad)];
            assert_eq!(choose(&original, &rows, &Limits::default()), None, "{bad}");
        }
    }

    #[test]
    fn both_parts_of_the_work_count() {
        // Twice as fast at prompts, but generation crawls.
        let rows = [row("a", 600.0, 13.0, 0.0, 9.14)];
        assert_eq!(choose(&speed(300.0, 130.0), &rows, &Limits::default()), None);
        let reader = |rate| Speed { prompt_rate: rate, answer_rate: None };
        assert!((reader(200.0).gain_over(&reader(100.0)) - 2.0).abs() < 1e-9);
    }
}
