//! Which sentences say what the others say: `LexRank` (Erkan and Radev 2004, "LexRank:
//! Graph-based lexical centrality as salience in text summarization"), the variant with weights.

/// Chance that the random walk goes on over the graph instead of jumping to a sentence at random.
const DAMPING: f64 = 0.85;

/// The walk has settled when no chance changes by more than this.
const SETTLED: f64 = 1e-6;

/// How alike each two of n sentences are.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    n: usize,
    weights: Vec<f32>,
}

impl Graph {
    /// The graph of `n` sentences; `alike` gives 0 to 1 and is asked once for each pair.
    pub(crate) fn new(n: usize, mut alike: impl FnMut(usize, usize) -> f32) -> Self {
        let mut weights = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..i {
                let weight = alike(i, j).clamp(0.0, 1.0);
                weights[i * n + j] = weight;
                weights[j * n + i] = weight;
            }
        }
        Self { n, weights }
    }

    /// How alike sentences `i` and `j` are.
    pub(crate) fn between(&self, i: usize, j: usize) -> f32 {
        self.weights[i * self.n + j]
    }

    /// How central each sentence is: the chance to find the random walk there, with `prior` as
    /// the chances to jump to each. Both sum to one.
    pub(crate) fn centrality(&self, prior: &[f64]) -> Vec<f64> {
        let n = self.n;
        let row = |i: usize| &self.weights[i * n..(i + 1) * n];
        let degrees: Vec<f64> =
            (0..n).map(|i| row(i).iter().map(|&w| f64::from(w)).sum()).collect();
        let mut chances = prior.to_vec();
        for _ in 0..200 {
            // A sentence like no other one jumps.
            let lost: f64 =
                chances.iter().zip(&degrees).filter(|(_, d)| **d <= 0.0).map(|(c, _)| c).sum();
            let jump = 1.0 - DAMPING + DAMPING * lost;
            let mut next: Vec<f64> = prior.iter().map(|p| p * jump).collect();
            for i in (0..n).filter(|&i| degrees[i] > 0.0) {
                let each = DAMPING * chances[i] / degrees[i];
                next.iter_mut().zip(row(i)).for_each(|(to, &w)| *to += each * f64::from(w));
            }
            let moved = next.iter().zip(&chances).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            chances = next;
            if moved < SETTLED {
                break;
            }
        }
        chances
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hub_of_a_star_is_central_and_chances_sum_to_one() {
        let star = Graph::new(4, |i, j| if j == 0 && i < 3 { 0.8 } else { 0.0 });
        let found = star.centrality(&[0.25; 4]);
        assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{found:?}");
        assert!(found[0] > found[1] && found[1] > found[3], "{found:?}");
        assert!((found[1] - found[2]).abs() < 1e-6);
    }

    #[test]
    fn no_sentence_is_no_graph() {
        assert!(Graph::new(0, |_, _| 0.0).centrality(&[]).is_empty());
    }
}
