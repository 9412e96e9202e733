//! Numbers that are out of the ordinary: by the last values, or by a chart that learned what is
//! normal.

use crate::rule::{Chart, Rule, Window};

/// Values that a window must have before anything can be out of the ordinary.
const ENOUGH: usize = 10;

/// Makes the median absolute deviation of normal values their standard deviation.
const MAD_SCALE: f64 = 1.4826;

/// What is said of a value that equals no other when all others are equal.
const FAR: f64 = 1e9;

/// What the detectors of one field remember.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Memory {
    /// The last values, oldest at `oldest` once it is full.
    pub(crate) series: Vec<f64>,
    pub(crate) oldest: u32,
    /// Which of the windows said so of the value before.
    pub(crate) alarms: u8,
    pub(crate) cusum: Learned,
    pub(crate) ewma: Learned,
}

/// What a chart knows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Learned {
    /// Values seen while learning and since.
    pub(crate) count: u32,
    pub(crate) mean: f64,
    /// Sum of squared differences from the mean.
    pub(crate) squares: f64,
    /// CUSUM: sum of what exceeds the slack upwards. EWMA: the moving average.
    pub(crate) up: f64,
    /// CUSUM: the same downwards.
    pub(crate) down: f64,
}

/// A value that is out of the ordinary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Anomaly {
    /// The name of the rule.
    pub(crate) rule: &'static str,
    /// How far off, in the unit of the rule's limit.
    pub(crate) score: f64,
}

impl Memory {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Looks at a value, and remembers it. A state that lasts is told once.
    pub(crate) fn see(&mut self, rule: &Rule, value: f64) -> Option<Anomaly> {
        let mut found = None;
        let mut note = |name, score: Option<f64>| {
            if let (Some(score), None) = (score, found) {
                found = Some(Anomaly { rule: name, score });
            }
        };
        let windows = [
            ("zscore", rule.zscore, z_score as fn(&[f64], f64) -> f64),
            ("mad", rule.mad, deviation),
        ];
        for (bit, (name, window, score)) in windows.into_iter().enumerate() {
            if let Some(window) = window {
                note(name, self.onset(1 << bit, window, score, value));
            }
        }
        note("cusum", rule.cusum.and_then(|chart| self.cusum.cusum(chart, value)));
        note("ewma", rule.ewma.and_then(|chart| self.ewma.ewma(chart, value)));
        let length = [rule.zscore, rule.mad].into_iter().flatten().map(|w| w.length).max();
        self.push(value, length.unwrap_or(0));
        found
    }

    fn onset(
        &mut self,
        bit: u8,
        window: Window,
        score: fn(&[f64], f64) -> f64,
        value: f64,
    ) -> Option<f64> {
        if self.series.len() < window.length.min(ENOUGH) {
            return None;
        }
        let score = score(&self.newest(window.length), value);
        let was = self.alarms & bit != 0;
        if score.abs() > window.limit {
            self.alarms |= bit;
            return (!was).then_some(score);
        }
        self.alarms &= !bit;
        None
    }

    /// The last `length` values, in no order.
    fn newest(&self, length: usize) -> Vec<f64> {
        let all = self.series.len();
        if all <= length {
            return self.series.clone();
        }
        let oldest = self.oldest as usize;
        (0..length).map(|back| self.series[(oldest + all - 1 - back) % all]).collect()
    }

    fn push(&mut self, value: f64, length: usize) {
        if self.series.len() > length {
            // The rule has a shorter window now: the newest stay.
            self.series = self.newest(length).into_iter().rev().collect();
            self.oldest = 0;
        }
        if self.series.len() < length {
            // A window that has become longer grows from its oldest value on.
            self.series.rotate_left(self.oldest as usize);
            self.oldest = 0;
            self.series.push(value);
        } else if let Some(oldest) = self.series.get_mut(self.oldest as usize) {
            *oldest = value;
            self.oldest = u32::try_from((self.oldest as usize + 1) % length).unwrap_or(0);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "at most 10,000 values")]
fn z_score(values: &[f64], value: f64) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    scaled(value - mean, (squares / (count - 1.0)).sqrt())
}

/// Distance from the median in median absolute deviations (Iglewicz and Hoaglin, 1993).
fn deviation(values: &[f64], value: f64) -> f64 {
    let mut values = values.to_vec();
    let middle = median(&mut values);
    for x in &mut values {
        *x = (*x - middle).abs();
    }
    scaled(value - middle, MAD_SCALE * median(&mut values))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(values[half - 1], values[half])
    } else {
        values[half]
    }
}

/// A difference in units of `scale`; where there is none, any difference is far.
fn scaled(difference: f64, scale: f64) -> f64 {
    if difference == 0.0 {
        0.0
    } else if scale > 0.0 && (difference / scale).is_finite() {
        difference / scale
    } else {
        FAR.copysign(difference)
    }
}

impl Learned {
    /// Learns from a value; the standard score of one that comes after that.
    fn score(&mut self, chart: Chart, value: f64) -> Option<f64> {
        self.count = self.count.saturating_add(1);
        if self.count <= chart.learn {
            // Welford, 1962.
            let before = value - self.mean;
            self.mean += before / f64::from(self.count);
            self.squares += before * (value - self.mean);
            return None;
        }
        let deviation = (self.squares / f64::from(chart.learn - 1)).sqrt();
        Some(scaled(value - self.mean, deviation))
    }

    /// The two-sided cumulative sum (Page, 1954). After an alarm it learns the new normal.
    fn cusum(&mut self, chart: Chart, value: f64) -> Option<f64> {
        let score = self.score(chart, value)?;
        self.up = (self.up + score - chart.factor).max(0.0);
        self.down = (self.down - score - chart.factor).max(0.0);
        let sum = if self.up >= self.down { self.up } else { -self.down };
        if sum.abs() <= chart.limit {
            return None;
        }
        *self = Self::default();
        Some(sum)
    }

    /// The exponentially weighted moving average (Roberts, 1959). After an alarm it learns the new
    /// normal.
    fn ewma(&mut self, chart: Chart, value: f64) -> Option<f64> {
        let score = self.score(chart, value)?;
        let weight = chart.factor;
        self.up += weight * (score - self.up);
        let age = f64::from(self.count - chart.learn);
        let spread = weight / (2.0 - weight) * (1.0 - (1.0 - weight).powf(2.0 * age));
        let off = scaled(self.up, spread.sqrt());
        if off.abs() <= chart.limit {
            return None;
        }
        *self = Self::default();
        Some(off)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::FieldRule;
    use proptest::prelude::*;

    fn rule(text: &str) -> Rule {
        format!("t {text}").parse::<FieldRule>().unwrap().rule
    }

    /// Values around 20, never twice the same.
    fn normal(n: u32) -> f64 {
        20.0 + f64::from(n * 7919 % 101) / 100.0 - 0.5
    }

    fn alarms(text: &str, values: impl Iterator<Item = f64>) -> Vec<usize> {
        let (rule, mut memory) = (rule(text), Memory::default());
        let seen = values.enumerate().filter(|(_, value)| memory.see(&rule, *value).is_some());
        seen.map(|(n, _)| n).collect()
    }

    #[test]
    fn a_spike_is_told_once() {
        for text in ["zscore=6:50", "mad=6:50"] {
            let spiked = (0..300).map(|n| if (200..203).contains(&n) { 40.0 } else { normal(n) });
            assert_eq!(alarms(text, spiked), [200], "{text}");
            assert_eq!(alarms(text, (0..300).map(normal)), Vec::<usize>::new(), "{text}");
        }
    }

    #[test]
    fn a_small_shift_is_found_by_the_charts_alone() {
        // By one standard deviation, which no single value shows.
        let shifted = || (0..400).map(|n| normal(n) + if n < 200 { 0.0 } else { 0.3 });
        assert_eq!(alarms("zscore=6:50", shifted()), Vec::<usize>::new());
        for text in ["cusum=0.5:8:100", "ewma=0.1:4:100"] {
            let found = alarms(text, shifted());
            assert!(found.len() == 1 && (200..260).contains(&found[0]), "{text}: {found:?}");
            assert_eq!(alarms(text, (0..400).map(normal)), Vec::<usize>::new(), "{text}");
        }
    }

    #[test]
    fn values_that_never_changed_make_any_other_far() {
        let flat = || (0..60).map(|n| if n == 50 { 5.1 } else { 5.0 });
        for text in ["zscore=3", "mad=3", "cusum=0.5:5", "ewma=0.2:3"] {
            assert_eq!(alarms(text, flat()), [50], "{text}");
        }
    }

    #[test]
    fn a_window_may_change_its_length() {
        let mut memory = Memory::default();
        for n in 0..10 {
            memory.see(&rule("zscore=3:5"), f64::from(n));
        }
        let sorted = |memory: &Memory, length| {
            let mut values = memory.newest(length);
            values.sort_unstable_by(f64::total_cmp);
            values
        };
        assert_eq!(sorted(&memory, 5), [5.0, 6.0, 7.0, 8.0, 9.0]);
        assert_eq!(sorted(&memory, 2), [8.0, 9.0]);
        memory.see(&rule("zscore=3:7"), 10.0);
        assert_eq!(sorted(&memory, 2), [9.0, 10.0]);
        assert_eq!(memory.series.len(), 6);
        memory.see(&rule("zscore=3:3"), 11.0);
        assert_eq!(sorted(&memory, 9), [9.0, 10.0, 11.0]);
    }

    proptest! {
        #[test]
        fn no_numbers_break_it(values in prop::collection::vec(any::<f64>(), 1..80)) {
            let rule = rule("zscore=3:4 mad=3:9 cusum=0.5:5:3 ewma=0.2:3:3");
            let mut memory = Memory::default();
            for value in values.into_iter().filter(|v| v.is_finite()) {
                memory.see(&rule, value);
                prop_assert!(memory.series.len() <= 9);
            }
        }
    }
}
