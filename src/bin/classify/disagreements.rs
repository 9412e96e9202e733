//! Which records to look at, and label, next.

use std::sync::{Mutex, PoisonError};

use records::{Record, Usage};
use serde::Serialize;

/// What a record in doubt carries.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Disagreement {
    /// The label that the classifier would give.
    pub(crate) label: String,
    /// Its probability.
    pub(crate) score: f64,
    /// The label that the record has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) given: Option<String>,
    /// 1 − the probability of the given label, or of the classifier's where none is given.
    pub(crate) doubt: f64,
}

impl Disagreement {
    /// The likeliest class, `best`, against the label that is given, if any. A given label that
    /// is no class has the probability 0.
    pub(crate) fn new(
        classes: &[String],
        probabilities: &[f64],
        best: usize,
        given: Option<String>,
    ) -> Self {
        let of = |at: usize| probabilities.get(at).copied().unwrap_or(0.0);
        let believed = match &given {
            Some(label) => classes.iter().position(|class| class == label).map_or(0.0, of),
            None => of(best),
        };
        Self { label: classes[best].clone(), score: of(best), given, doubt: 1.0 - believed }
    }
}

/// A record, what it is in doubt about, and what finding out used.
struct InDoubt {
    disagreement: Disagreement,
    number: u64,
    record: Record,
    usage: Usage,
}

/// The records in greatest doubt so far: memory is bounded by their number.
pub(crate) struct Doubtful {
    most: usize,
    kept: Mutex<Vec<InDoubt>>,
}

impl Doubtful {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, kept: Mutex::default() }
    }

    /// Takes note of a record; `number` is its place in the input.
    pub(crate) fn add(
        &self,
        disagreement: Disagreement,
        number: u64,
        record: Record,
        usage: Usage,
    ) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(InDoubt { disagreement, number, record, usage });
        // Sorting now and then costs less than keeping the list sorted.
        if kept.len() >= 2 * self.most {
            shorten(&mut kept, self.most);
        }
    }

    /// The records, the greatest doubt first, each with its `disagreement`.
    pub(crate) fn take(&self) -> Vec<(Record, Usage)> {
        let mut kept =
            std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        shorten(&mut kept, self.most);
        let finish = |mut one: InDoubt| {
            let id = one.record.id();
            one.record.set("disagreement", &one.disagreement);
            one.record.set("id", &id);
            (one.record, one.usage)
        };
        kept.into_iter().map(finish).collect()
    }
}

/// Keeps the `most` in greatest doubt; of equal ones, those that came first.
fn shorten(kept: &mut Vec<InDoubt>, most: usize) {
    kept.sort_by(|a, b| {
        let by_doubt = b.disagreement.doubt.total_cmp(&a.disagreement.doubt);
        by_doubt.then(a.number.cmp(&b.number))
    });
    kept.truncate(most);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_contradicted_label_is_in_greater_doubt_than_a_missing_one() {
        let classes = ["ham".to_owned(), "spam".to_owned()];
        let doubt = |given: Option<&str>| {
            Disagreement::new(&classes, &[0.9, 0.1], 0, given.map(str::to_owned)).doubt
        };
        assert!((doubt(Some("spam")) - 0.9).abs() < 1e-9);
        assert!((doubt(Some("ham")) - 0.1).abs() < 1e-9);
        assert!((doubt(None) - 0.1).abs() < 1e-9);
        assert!((doubt(Some("eggs")) - 1.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn the_greatest_doubts_are_kept_in_order(
            doubts in prop::collection::vec(0u32..50, 0..80),
            most in 1usize..12,
        ) {
            let doubtful = Doubtful::new(most);
            for (number, doubt) in (0u64..).zip(&doubts) {
                let disagreement = Disagreement {
                    label: "x".into(),
                    score: 0.5,
                    given: None,
                    doubt: f64::from(*doubt),
                };
                let mut record = Record::new();
                record.set("n", &number);
                doubtful.add(disagreement, number, record, Usage::default());
            }
            let found: Vec<u64> =
                doubtful.take().iter().filter_map(|(r, _)| r.get("n").ok()?).collect();
            let mut expected: Vec<u64> = (0u64..).zip(&doubts).map(|(n, _)| n).collect();
            expected.sort_by_key(|&n| std::cmp::Reverse(doubts[usize::try_from(n).unwrap()]));
            expected.truncate(most);
            prop_assert_eq!(found, expected);
        }
    }
}
