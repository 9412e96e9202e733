use std::collections::VecDeque;

use crate::Key;
use crate::filter::Filter;

/// Filters at a time, at most: each may have its share of the wrong answers.
const FILTERS: usize = 16;

/// Parts of the memory that the first filter has, and those that need not be smaller than others.
const FIRST: u64 = 1024;
const LARGE: u64 = 8;

/// A set of keys that may say of a key that it is there though it is not, and that forgets: what
/// fills its memory most is as old as it can be. It never touches a disk.
///
/// Split-block Bloom filters (Putze et al., 2007), each twice as large as the one before up to an
/// eighth of the memory (after the scalable filters of Almeida et al., 2007); where one more would
/// not fit, the oldest goes.
pub struct Sketch {
    filters: VecDeque<Filter>,
    /// Keys that the last filter still takes.
    left: u64,
    memory: u64,
    /// Keys in a block of a filter, at most on the average.
    load: f64,
}

impl Sketch {
    /// A set in at most `memory` bytes. Of the keys that are not in it, no more than `rate` are
    /// said to be there: 0 to 1.
    pub fn new(memory: u64, rate: f64) -> Self {
        let load = load(rate / FILTERS as f64);
        Self { filters: VecDeque::new(), left: 0, memory, load }
    }

    /// Whether a key was there; it is put in if not.
    pub fn insert(&mut self, key: Key) -> bool {
        if self.filters.iter().rev().any(|filter| filter.may_have(key.0)) {
            return true;
        }
        if self.left == 0 {
            self.grow();
        }
        self.left -= 1;
        if let Some(filter) = self.filters.back_mut() {
            filter.insert(key.0);
        }
        false
    }

    fn grow(&mut self) {
        let before = self.filters.back().map_or(self.memory / FIRST / 2, Filter::bytes);
        let bytes = (2 * before).min(self.memory / LARGE);
        let used = |filters: &VecDeque<Filter>| filters.iter().map(Filter::bytes).sum::<u64>();
        while self.filters.len() >= FILTERS
            || (used(&self.filters) + bytes > self.memory && !self.filters.is_empty())
        {
            self.filters.pop_front();
        }
        let filter = Filter::of_bytes(bytes);
        self.left = ((filter.bytes() / 64) as f64 * self.load).max(1.0) as u64;
        self.filters.push_back(filter);
    }
}

/// The mean number of keys in a block at which a filter is wrong about no more than `rate` of the
/// keys that are not in it.
fn load(rate: f64) -> f64 {
    let (mut low, mut high) = (0.0, 512.0);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if wrong(middle) <= rate { low = middle } else { high = middle }
    }
    low
}

/// How often a block of 8 words of 64 bits, with one bit of each key in each word, seems to have a
/// key. Some blocks have more keys than the mean: their numbers are as Poisson says.
fn wrong(mean: f64) -> f64 {
    let mut share = (-mean).exp();
    let mut sum = 0.0;
    for keys in 0..2000 {
        sum += share * (1.0 - (63f64 / 64.0).powi(keys)).powi(8);
        share *= mean / f64::from(keys + 1);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u64) -> Key {
        Key::of(&n.to_le_bytes())
    }

    #[test]
    fn no_more_keys_are_taken_for_others_than_may_be() {
        for rate in [0.05, 0.002] {
            let mut sketch = Sketch::new(4 << 20, rate);
            let wrong = (0..400_000).filter(|n| sketch.insert(key(*n))).count();
            assert!(wrong as f64 <= rate * 400_000.0, "{rate}: {wrong}");
            // It is not so much better that memory is wasted.
            assert!(wrong > 0, "{rate}");
            let again = (0..400_000).filter(|n| sketch.insert(key(*n))).count();
            assert_eq!(again, 400_000);
        }
    }

    #[test]
    fn what_does_not_fit_is_forgotten_oldest_first() {
        let memory = 64 << 10;
        let mut sketch = Sketch::new(memory, 0.01);
        for n in 0..1_000_000 {
            sketch.insert(key(n));
        }
        assert!(sketch.filters.iter().map(Filter::bytes).sum::<u64>() <= memory);
        // What was taken for a key before it was not put in.
        let last = (990_000..1_000_000).filter(|n| sketch.insert(key(*n))).count();
        assert!(last > 9_800, "{last} of the last");
        let known = (0..1000).filter(|n| sketch.insert(key(*n))).count();
        assert!(known < 50, "{known} of the first");
    }
}
