use std::time::Duration;

/// Work, in seconds, that a worker is to have waiting: what covers our own delays.
const AHEAD: f64 = 0.1;

/// Records that may be with one worker.
const MOST: usize = 2048;

/// Bytes of records that may be with one worker, beyond a first one.
pub(crate) const MOST_BYTES: usize = 8 << 20;

/// How many records a worker may have: so many that it never waits for us, and no more.
///
/// Between two answers lies the time that it needs for one (`service`); from sending to answer,
/// when it has nothing else, that and the way (`latency`). In flight are as many as it handles
/// in that time, and a tenth of a second's more. Nobody gets a second record before the first is
/// answered: a worker that comes a little later is to find something left.
#[derive(Debug)]
pub(crate) struct Credit {
    service: Option<f64>,
    latency: Option<f64>,
    limit: usize,
}

impl Credit {
    pub(crate) fn new() -> Self {
        Self { service: None, latency: None, limit: 1 }
    }

    /// `count` answers came at once, after the worker had been busy with them for `busy`.
    pub(crate) fn measure(&mut self, count: usize, busy: Duration) {
        if count == 0 {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "a few thousand at most")]
        let each = busy.as_secs_f64() / count as f64;
        let keep = 0.8f64.powi(i32::try_from(count).unwrap_or(i32::MAX));
        self.service = Some(self.service.map_or(each, |old| keep * old + (1.0 - keep) * each));
        self.grow();
    }

    /// An answer came to the only record that the worker had.
    pub(crate) fn measure_alone(&mut self, took: Duration) {
        let took = took.as_secs_f64();
        self.latency = Some(self.latency.map_or(took, |least| least.min(took)));
    }

    fn grow(&mut self) {
        let Some(service) = self.service else { return };
        let wanted = (self.latency.unwrap_or(0.0) + AHEAD) / service.max(1e-7) + 1.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let wanted = wanted.clamp(2.0, MOST as f64) as usize;
        self.limit = wanted.min(self.limit * 2);
    }

    /// Records that it may have at a time.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Seconds that it needs for a record, when that is known.
    pub(crate) fn service(&self) -> Option<f64> {
        self.service
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(each: Duration, way: Duration) -> usize {
        let mut credit = Credit::new();
        credit.measure_alone(each + way);
        for _ in 0..64 {
            credit.measure(1, each);
        }
        credit.limit()
    }

    #[test]
    fn quick_workers_get_many_and_slow_ones_few() {
        let ms = Duration::from_millis;
        assert_eq!(settled(Duration::from_secs(2), ms(0)), 2);
        assert_eq!(settled(ms(50), ms(0)), 4);
        assert_eq!(settled(ms(1), ms(40)), 142);
        assert_eq!(settled(Duration::from_micros(10), ms(0)), MOST);
        // A worker that is many inside: what it has in flight follows how fast it answers.
        assert!(settled(ms(125), ms(875)) >= 9);
    }

    #[test]
    fn one_answer_gives_no_flood() {
        let mut credit = Credit::new();
        credit.measure(1, Duration::from_micros(1));
        assert_eq!(credit.limit(), 2);
        credit.measure(0, Duration::ZERO);
        assert_eq!(credit.limit(), 2);
    }
}
