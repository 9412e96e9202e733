//! Heads trained on several machines become one, without their records leaving: federated
//! averaging (McMahan et al. 2017), one round.

use crate::head::Head;
use crate::regression::Linear;

/// Why heads cannot be averaged.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MergeError {
    #[error("there is no head to merge")]
    None,
    #[error("the heads are of different embedding models: {0} and {1}")]
    Models(String, String),
}

/// Averages `heads`, each weighted by its training records. The classes are those of all heads;
/// a class takes its row from the heads that know it.
///
/// # Errors
/// [`MergeError`].
pub(crate) fn merge(heads: &[Head]) -> Result<Head, MergeError> {
    let first = heads.first().ok_or(MergeError::None)?;
    let alike = |head: &Head| {
        head.model.sha256 == first.model.sha256 && head.dimensions == first.dimensions
    };
    if let Some(other) = heads.iter().find(|head| !alike(head)) {
        return Err(MergeError::Models(first.model.name.clone(), other.model.name.clone()));
    }
    let mut classes: Vec<(String, u64)> = Vec::new();
    for (name, count) in heads.iter().flat_map(|head| head.classes.iter().zip(&head.counts)) {
        match classes.iter_mut().find(|(known, _)| known == name) {
            Some((_, sum)) => *sum = sum.saturating_add(*count),
            None => classes.push((name.clone(), *count)),
        }
    }
    // Rows are comparable between heads once each head's add up to zero.
    let linears: Vec<Linear> = heads.iter().map(|head| head.linear().centred()).collect();
    let (weights, bias) = classes
        .iter()
        .map(|(name, _)| {
            let know: Vec<(&Head, &Linear, usize)> = heads
                .iter()
                .zip(&linears)
                .filter_map(|(head, linear)| {
                    let at = head.classes.iter().position(|class| class == name)?;
                    Some((head, linear, at))
                })
                .collect();
            let shares = shares(know.iter().map(|(head, ..)| *head));
            let mut row = vec![0.0; first.dimensions];
            let mut bias = 0.0;
            for ((_, linear, at), share) in know.iter().zip(&shares) {
                row.iter_mut().zip(&linear.weights[*at]).for_each(|(sum, w)| *sum += share * w);
                bias += share * linear.bias[*at];
            }
            (row, bias)
        })
        .unzip();
    let linear = Linear { weights, bias }.centred();
    let temperature =
        heads.iter().zip(shares(heads.iter())).map(|(head, share)| share * head.temperature).sum();
    Ok(Head::new(first.model.clone(), classes, linear, temperature, None))
}

/// Each head's share of all training records.
#[expect(clippy::cast_precision_loss, reason = "a share needs no 53 bits")]
fn shares<'h>(heads: impl Iterator<Item = &'h Head>) -> Vec<f64> {
    // A head that does not say counts as one record.
    let records: Vec<f64> = heads.map(|head| head.records().max(1) as f64).collect();
    let sum: f64 = records.iter().sum();
    records.into_iter().map(|n| n / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classifier::softmax;
    use crate::head::ModelRef;
    use proptest::prelude::*;

    fn head(classes: &[&str], counts: &[u64], rows: &[f64]) -> Head {
        let weights: Vec<Vec<f64>> = rows.chunks(3).map(|row| row[..2].to_vec()).collect();
        let bias = rows.chunks(3).map(|row| row[2]).collect();
        let classes = classes.iter().map(|c| (*c).to_owned()).zip(counts.iter().copied());
        let model = ModelRef { name: "m".into(), sha256: "ab".into() };
        Head::new(model, classes.collect(), Linear { weights, bias }, 1.5, Some(0.1))
    }

    fn rows(n: usize) -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(-3.0..3.0f64, 3 * n)
    }

    fn close(a: &[f64], b: &[f64]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9)
    }

    proptest! {
        #[test]
        fn a_head_merged_with_itself_is_itself(
            rows in rows(3),
            counts in prop::collection::vec(1u64..1000, 3),
            times in 1usize..5,
            x in prop::collection::vec(-1.0f32..1.0, 2),
        ) {
            let one = head(&["a", "b", "c"], &counts, &rows);
            let merged = merge(&vec![one.clone(); times]).unwrap();
            prop_assert_eq!(&merged.classes, &one.classes);
            prop_assert_eq!(merged.records(), one.records() * times as u64);
            prop_assert!((merged.temperature - one.temperature).abs() < 1e-9);
            let of = |head: &Head| softmax(&head.linear().logits(&x));
            prop_assert!(close(&of(&merged), &of(&one)));
        }

        #[test]
        fn the_order_of_heads_does_not_matter(a in rows(2), b in rows(2), n in 1u64..50) {
            let (a, b) = (head(&["x", "y"], &[n, 3], &a), head(&["x", "y"], &[5, 5], &b));
            let (ab, ba) = (merge(&[a.clone(), b.clone()]).unwrap(), merge(&[b, a]).unwrap());
            prop_assert!(close(&ab.weights.concat(), &ba.weights.concat()));
            prop_assert!(close(&ab.bias, &ba.bias));
        }
    }

    #[test]
    fn a_head_of_more_records_counts_more() {
        let a = head(&["x", "y"], &[45, 45], &[1.0, 0.0, 0.0, -1.0, 0.0, 0.0]);
        let b = head(&["x", "y"], &[5, 5], &[-1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        let merged = merge(&[a, b]).unwrap();
        assert!((merged.weights[0][0] - 0.8).abs() < 1e-9);
        assert_eq!(merged.counts, [50, 50]);
    }

    #[test]
    fn classes_are_united() {
        let a = head(&["x", "y"], &[5, 5], &[1.0, 0.0, 0.5, -1.0, 0.0, -0.5]);
        let b = head(&["y", "z"], &[5, 5], &[0.0, 1.0, 0.0, 0.0, -1.0, 0.0]);
        let merged = merge(&[a, b]).unwrap();
        assert_eq!(merged.classes, ["x", "y", "z"]);
        assert_eq!(merged.counts, [5, 10, 5]);
        let of = |x: &[f32]| crate::classifier::greatest(&merged.linear().logits(x));
        assert_eq!((of(&[1.0, 0.0]), of(&[-1.0, 1.0]), of(&[0.0, -1.0])), (0, 1, 2));
    }

    #[test]
    fn heads_of_different_models_do_not_mix() {
        let a = head(&["x", "y"], &[5, 5], &[1.0, 0.0, 0.5, -1.0, 0.0, -0.5]);
        let mut b = a.clone();
        b.model.sha256 = "cd".into();
        assert!(matches!(merge(&[a, b]), Err(MergeError::Models(..))));
        assert_eq!(merge(&[]), Err(MergeError::None));
    }
}
