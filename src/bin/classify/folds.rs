//! Cross-validation: which record is kept aside when.

use records::content_id;

/// Divides records into `folds` parts of which each has its share of every class (stratified).
/// The part follows from the text, not from the place in the file, and records with the same text
/// mostly come into the same part, so that none is tested on a copy of itself.
pub(crate) fn assign(texts: &[&str], labels: &[usize], folds: usize, seed: u64) -> Vec<usize> {
    let folds = folds.max(1);
    let mut parts = vec![0; texts.len()];
    let mut order: Vec<(usize, String, usize)> = texts
        .iter()
        .zip(labels)
        .enumerate()
        .map(|(at, (text, &label))| (label, content_id(format!("{seed} {text}").as_bytes()), at))
        .collect();
    order.sort();
    for class in order.chunk_by(|a, b| a.0 == b.0) {
        for (rank, (_, _, at)) in class.iter().enumerate() {
            parts[*at] = rank * folds / class.len();
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_class_is_spread_evenly(
            labels in prop::collection::vec(0usize..3, 0..90),
            folds in 2usize..8,
            seed: u64,
        ) {
            let texts: Vec<String> = (0..labels.len()).map(|n| format!("text {n}")).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let parts = assign(&texts, &labels, folds, seed);
            prop_assert!(parts.iter().all(|part| *part < folds));
            for class in 0..3 {
                let count = |fold: usize| {
                    parts.iter().zip(&labels).filter(|(p, l)| **p == fold && **l == class).count()
                };
                let counts: Vec<usize> = (0..folds).map(count).collect();
                let (least, most) = (counts.iter().min(), counts.iter().max());
                prop_assert!(most.unwrap() - least.unwrap() <= 1, "{counts:?}");
            }
        }
    }

    #[test]
    fn the_order_of_the_file_does_not_matter_and_the_seed_does() {
        let texts: Vec<String> = (0..40).map(|n| n.to_string()).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let labels = vec![0; 40];
        let parts = assign(&texts, &labels, 5, 1);
        let reversed: Vec<&str> = texts.iter().rev().copied().collect();
        let mut again = assign(&reversed, &labels, 5, 1);
        again.reverse();
        assert_eq!(parts, again);
        assert_ne!(parts, assign(&texts, &labels, 5, 2));
    }

    #[test]
    fn copies_stay_together() {
        let texts = ["a", "b", "a", "c", "a", "d", "a", "e"];
        let parts = assign(&texts, &[0; 8], 2, 0);
        let of_a: Vec<usize> =
            texts.iter().zip(&parts).filter(|(t, _)| **t == "a").map(|(_, p)| *p).collect();
        let apart = of_a.iter().filter(|p| **p != of_a[0]).count();
        assert!(apart <= 2, "{parts:?}");
    }
}
