//! The answers that a request compares, as a tree of tokens.
//!
//! What the model thinks of a token is known once the tokens before it are decoded. So the tree
//! says after which of its nodes the model must be asked, and by which walks through the tree
//! that takes the fewest tokens.

use engine::{Error, Measure};
use llama_cpp_2::token::LlamaToken;

use crate::sampler::log_sum_exp;

/// A place in the tree; the root is the end of the prompt.
pub(crate) type Place = usize;

const ROOT: Place = 0;

#[derive(Debug)]
struct Node {
    token: LlamaToken,
    children: Vec<Place>,
    /// Log-probability of the way here from the root, as far as it is known.
    logprob: f64,
    /// Tokens of the way.
    depth: usize,
    /// The candidate that ends here.
    candidate: Option<usize>,
}

/// The tree, and what is known of it.
#[derive(Debug)]
pub(crate) struct Candidates {
    nodes: Vec<Node>,
    measure: Measure,
    count: usize,
    /// Tokens that end an answer; any of them ends a candidate.
    ends: Vec<LlamaToken>,
}

/// Stands for the end of a candidate. Never decoded: nothing follows it.
const END: LlamaToken = LlamaToken(-1);

/// A token to decode, and the place whose children it tells of, if anybody asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Next {
    pub(crate) token: LlamaToken,
    pub(crate) asked: Option<Place>,
}

/// A walk through the tree: keep the first `keep` tokens of the walk before, decode the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Walk {
    pub(crate) keep: usize,
    pub(crate) tokens: Vec<Next>,
}

impl Candidates {
    /// A tree of `answers`, each followed by one of the tokens `ends`.
    pub(crate) fn new(
        answers: &[Vec<LlamaToken>],
        ends: Vec<LlamaToken>,
        measure: Measure,
    ) -> Result<Self, Error> {
        let root =
            Node { token: END, children: Vec::new(), logprob: 0.0, depth: 0, candidate: None };
        let mut tree = Self { nodes: vec![root], measure, count: answers.len(), ends };
        for (candidate, answer) in answers.iter().enumerate() {
            if answer.is_empty() {
                return Err(Error::Constraint("a candidate is empty".into()));
            }
            let mut at = ROOT;
            for &token in answer.iter().chain(std::iter::once(&END)) {
                at = tree.child(at, token);
            }
            if tree.nodes[at].candidate.replace(candidate).is_some() {
                return Err(Error::Constraint("two candidates are the same to the model".into()));
            }
        }
        if tree.count == 0 {
            return Err(Error::Constraint("there are no candidates".into()));
        }
        Ok(tree)
    }

    fn child(&mut self, at: Place, token: LlamaToken) -> Place {
        let known = self.nodes[at].children.iter().copied();
        if let Some(child) = known.clone().find(|&child| self.nodes[child].token == token) {
            return child;
        }
        let child = self.nodes.len();
        let depth = self.nodes[at].depth + 1;
        let node = Node { token, children: Vec::new(), logprob: 0.0, depth, candidate: None };
        self.nodes.push(node);
        self.nodes[at].children.push(child);
        child
    }

    /// Tokens of the longest candidate, its end left out: cells that the walks may need.
    pub(crate) fn depth(&self) -> usize {
        self.nodes.iter().map(|node| node.depth).max().unwrap_or(0).saturating_sub(1)
    }

    fn is_asked(&self, at: Place) -> bool {
        match self.measure {
            Measure::Constrained => self.nodes[at].children.len() > 1,
            Measure::PerToken => !self.nodes[at].children.is_empty(),
        }
    }

    /// Notes what the model says after the place `at`.
    pub(crate) fn tell(&mut self, at: Place, logits: &[f32]) {
        let one = |token: LlamaToken| {
            let logit = usize::try_from(token.0).ok().and_then(|at| logits.get(at));
            f64::from(logit.copied().unwrap_or(f32::NEG_INFINITY))
        };
        // The likeliest end is the one that a greedy answer would take.
        let of = |token: LlamaToken| match token {
            END => self.ends.iter().copied().map(one).fold(f64::NEG_INFINITY, f64::max),
            token => one(token),
        };
        let children = self.nodes[at].children.clone();
        let all = match self.measure {
            Measure::PerToken => f64::from(log_sum_exp(logits)),
            Measure::Constrained => {
                let own = children.iter().map(|&child| of(self.nodes[child].token));
                let best = own.clone().fold(f64::NEG_INFINITY, f64::max);
                best + own.map(|logit| (logit - best).exp()).sum::<f64>().ln()
            }
        };
        let gains: Vec<f64> =
            children.iter().map(|&child| of(self.nodes[child].token) - all).collect();
        for (child, gain) in children.into_iter().zip(gains) {
            self.add(child, gain);
        }
    }

    /// All ways through `at` become likelier by `gain`.
    fn add(&mut self, at: Place, gain: f64) {
        let mut open = vec![at];
        while let Some(at) = open.pop() {
            self.nodes[at].logprob += gain;
            open.extend(&self.nodes[at].children);
        }
    }

    /// Whether the model's word on the first token is needed: not for a single candidate.
    pub(crate) fn asks_at_root(&self) -> bool {
        self.is_asked(ROOT)
    }

    /// The walks after the root, in an order in which each keeps much of the one before.
    pub(crate) fn walks(&self) -> Vec<Walk> {
        let mut walks = Vec::new();
        let mut before: Vec<Place> = Vec::new();
        self.collect(ROOT, &mut Vec::new(), &mut before, &mut walks);
        walks
    }

    /// Adds the walks to the asked places under `at`; `way` leads there from the root.
    fn collect(
        &self,
        at: Place,
        way: &mut Vec<Place>,
        before: &mut Vec<Place>,
        walks: &mut Vec<Walk>,
    ) {
        // Depth is bounded by the longest candidate, which fits the context.
        let mut deeper = false;
        for &child in &self.nodes[at].children {
            way.push(child);
            if self.asked_within(child) {
                deeper = true;
                self.collect(child, way, before, walks);
            }
            way.pop();
        }
        if at != ROOT && !deeper && self.is_asked(at) {
            let keep = way.iter().zip(before.iter()).take_while(|(a, b)| a == b).count();
            let next = |&place: &Place| Next {
                token: self.nodes[place].token,
                asked: self.is_asked(place).then_some(place),
            };
            walks.push(Walk { keep, tokens: way[keep..].iter().map(next).collect() });
            before.clone_from(way);
        }
    }

    fn asked_within(&self, at: Place) -> bool {
        self.is_asked(at) || self.nodes[at].children.iter().any(|&child| self.asked_within(child))
    }

    /// Log-probabilities in the order of the answers, once every asked place was told of.
    pub(crate) fn logprobs(&self) -> Vec<f64> {
        let mut logprobs = vec![f64::NEG_INFINITY; self.count];
        for node in &self.nodes {
            let Some(candidate) = node.candidate else { continue };
            #[expect(clippy::cast_precision_loss, reason = "a count of tokens")]
            let length = match self.measure {
                Measure::Constrained => 1.0,
                Measure::PerToken => node.depth as f64,
            };
            logprobs[candidate] = node.logprob / length;
        }
        logprobs
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EOG: LlamaToken = LlamaToken(0);
    const WORDS: i32 = 6;

    fn tokens(ids: &[i32]) -> Vec<LlamaToken> {
        ids.iter().map(|&id| LlamaToken(id)).collect()
    }

    /// A model whose logits depend on the tokens so far.
    fn logits(way: &[LlamaToken]) -> Vec<f32> {
        let seed: i32 = way.iter().fold(1, |sum, token| sum * 7 % 1009 + token.0);
        #[expect(clippy::cast_precision_loss, reason = "small")]
        (0..WORDS).map(|id| (seed * (id + 3) % 11) as f32 / 3.0).collect()
    }

    /// Walks as the scheduler does; returns the scores and the tokens decoded.
    fn score(answers: &[Vec<LlamaToken>], measure: Measure) -> (Vec<f64>, usize) {
        let mut tree = Candidates::new(answers, vec![EOG], measure).unwrap();
        if tree.asks_at_root() {
            tree.tell(ROOT, &logits(&[]));
        }
        let (mut way, mut decoded) = (Vec::new(), 0);
        for walk in tree.walks() {
            way.truncate(walk.keep);
            for next in walk.tokens {
                way.push(next.token);
                decoded += 1;
                if let Some(place) = next.asked {
                    tree.tell(place, &logits(&way));
                }
            }
        }
        (tree.logprobs(), decoded)
    }

    fn per_token(answer: &[LlamaToken]) -> f64 {
        let whole: Vec<_> = answer.iter().copied().chain([EOG]).collect();
        let one = |at: usize| {
            let logits = logits(&whole[..at]);
            let id = usize::try_from(whole[at].0).unwrap();
            let sum: f64 = logits.iter().map(|&x| f64::from(x).exp()).sum();
            f64::from(logits[id]) - sum.ln()
        };
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let mean = (0..whole.len()).map(one).sum::<f64>() / whole.len() as f64;
        mean
    }

    #[test]
    fn labels_that_differ_at_once_cost_nothing() {
        let answers = [tokens(&[1, 2, 3]), tokens(&[2, 2]), tokens(&[3])];
        assert_eq!(score(&answers, Measure::Constrained).1, 0);
    }

    #[test]
    fn a_label_that_begins_another_is_told_by_its_end() {
        let answers = [tokens(&[1]), tokens(&[1, 2]), tokens(&[3])];
        let (scores, decoded) = score(&answers, Measure::Constrained);
        assert_eq!(decoded, 1);
        assert!((scores.iter().map(|s| s.exp()).sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn what_cannot_be_told_apart_is_refused() {
        let error = |answers: &[Vec<LlamaToken>]| {
            Candidates::new(answers, vec![EOG], Measure::Constrained).unwrap_err()
        };
        assert!(matches!(error(&[tokens(&[1]), tokens(&[1])]), Error::Constraint(_)));
        assert!(matches!(error(&[vec![]]), Error::Constraint(_)));
        assert!(matches!(error(&[]), Error::Constraint(_)));
    }

    proptest! {
        #[test]
        fn scores_are_those_of_each_candidate_alone(
            answers in prop::collection::btree_set(prop::collection::vec(1..WORDS, 1..5), 1..9),
        ) {
            let answers: Vec<_> = answers.iter().map(|ids| tokens(ids)).collect();
            let (scores, decoded) = score(&answers, Measure::PerToken);
            for (answer, score) in answers.iter().zip(&scores) {
                prop_assert!((per_token(answer) - score).abs() < 1e-4);
            }
            prop_assert!(decoded <= answers.iter().map(Vec::len).sum());
            let (scores, fewer) = score(&answers, Measure::Constrained);
            prop_assert!((scores.iter().map(|s| s.exp()).sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!(fewer <= decoded);
        }
    }
}
