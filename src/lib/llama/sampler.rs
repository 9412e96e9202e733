//! Choosing the next token from the logits of a step.

use engine::{Error, Sampling};
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;

use crate::model::Model;

/// Tokens that the repeat penalty looks back at.
const PENALTY_WINDOW: usize = 64;

/// One request's way of choosing.
pub(crate) struct Chooser {
    /// Penalties, cuts and the draw; none when the likeliest token is taken as it is.
    chain: Option<LlamaSampler>,
    grammar: Option<LlamaSampler>,
}

/// A chosen token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Chosen {
    /// The token.
    pub(crate) token: LlamaToken,
    /// Natural logarithm of its probability under the model, before any sampling parameter.
    pub(crate) logprob: f32,
}

impl Chooser {
    /// Sampling as asked for; `grammar` is GBNF that has been checked.
    pub(crate) fn new(
        model: &Model,
        sampling: &Sampling,
        grammar: Option<&str>,
        prompt: &[LlamaToken],
    ) -> Result<Self, Error> {
        let grammar = grammar
            .map(|text| LlamaSampler::grammar(model.inner(), text, "root"))
            .transpose()
            .map_err(|_| Error::Constraint("llama.cpp refuses the grammar".into()))?;
        Ok(Self { chain: chain(model, sampling, prompt)?, grammar })
    }

    /// Chooses from `logits` (one a token of the vocabulary) and moves the grammar on; `ends`
    /// says which tokens end an answer.
    pub(crate) fn choose(
        &mut self,
        logits: &[f32],
        ends: impl Fn(LlamaToken) -> bool,
    ) -> Result<Chosen, Error> {
        let mut token = match &self.chain {
            Some(_) => self.pick(candidates(logits))?,
            None => likeliest(logits)?,
        };
        if let Some(grammar) = &mut self.grammar {
            // Most choices fit the grammar: looking at one token is far cheaper than at all.
            let mut one = array(vec![LlamaTokenData::new(token, 1.0, 0.0)]);
            one.apply_sampler(grammar);
            if !fits(&one) {
                let mut allowed = candidates(logits);
                allowed.apply_sampler(grammar);
                allowed.data.retain(|candidate| candidate.logit() > f32::NEG_INFINITY);
                if allowed.data.is_empty() {
                    return Err(Error::Constraint("no token of the model fits the grammar".into()));
                }
                token = self.pick(allowed)?;
            }
        }
        if !ends(token) {
            // The end of an answer must not reach the grammar: llama.cpp aborts on it.
            if let Some(grammar) = &mut self.grammar {
                grammar.accept(token);
            }
            if let Some(chain) = &mut self.chain {
                chain.accept(token);
            }
        }
        let at = usize::try_from(token.0).ok().and_then(|at| logits.get(at));
        let logit = at.copied().unwrap_or(f32::NEG_INFINITY);
        Ok(Chosen { token, logprob: logit - log_sum_exp(logits) })
    }

    fn pick(&mut self, mut from: LlamaTokenDataArray) -> Result<LlamaToken, Error> {
        let picked = match &mut self.chain {
            Some(chain) => {
                from.apply_sampler(chain);
                from.selected_token()
            }
            None => from
                .data
                .iter()
                .max_by(|a, b| a.logit().total_cmp(&b.logit()).then(b.id().cmp(&a.id())))
                .map(LlamaTokenData::id),
        };
        picked.ok_or_else(nothing)
    }
}

fn nothing() -> Error {
    Error::Engine("no token could be chosen".into())
}

/// The first of the likeliest tokens.
fn likeliest(logits: &[f32]) -> Result<LlamaToken, Error> {
    let mut best = (None, f32::NEG_INFINITY);
    for (id, &logit) in (0_i32..).zip(logits) {
        if logit > best.1 {
            best = (Some(LlamaToken(id)), logit);
        }
    }
    best.0.ok_or_else(nothing)
}

fn array(data: Vec<LlamaTokenData>) -> LlamaTokenDataArray {
    LlamaTokenDataArray::new(data, false)
}

fn fits(array: &LlamaTokenDataArray) -> bool {
    array.data.first().is_some_and(|one| one.logit() > f32::NEG_INFINITY)
}

fn candidates(logits: &[f32]) -> LlamaTokenDataArray {
    let one = |(id, &logit)| LlamaTokenData::new(LlamaToken(id), logit, 0.0);
    LlamaTokenDataArray::from_iter((0_i32..).zip(logits).map(one), false)
}

fn chain(
    model: &Model,
    sampling: &Sampling,
    prompt: &[LlamaToken],
) -> Result<Option<LlamaSampler>, Error> {
    let &Sampling { temperature, top_p, top_k, repeat_penalty, seed } = sampling;
    let sound = temperature.is_finite() && temperature >= 0.0 && top_p > 0.0 && top_p <= 1.0;
    if !sound || !repeat_penalty.is_finite() || repeat_penalty <= 0.0 {
        return Err(Error::Engine("a sampling parameter is out of range".into()));
    }
    let greedy = temperature == 0.0;
    let penalized = (repeat_penalty - 1.0).abs() > f32::EPSILON;
    if greedy && !penalized {
        return Ok(None);
    }
    let mut samplers = Vec::new();
    if penalized {
        let window = i32::try_from(PENALTY_WINDOW).unwrap_or(i32::MAX);
        let vocabulary = model.inner().n_vocab();
        samplers.push(LlamaSampler::penalties(vocabulary, window, repeat_penalty, 0.0, 0.0));
    }
    if greedy {
        samplers.push(LlamaSampler::greedy());
    } else {
        if top_k > 0 {
            samplers.push(LlamaSampler::top_k(i32::try_from(top_k).unwrap_or(i32::MAX)));
        }
        if top_p < 1.0 {
            samplers.push(LlamaSampler::top_p(top_p, 1));
        }
        samplers.push(LlamaSampler::temp(temperature));
        samplers.push(LlamaSampler::dist(seed));
    }
    let recent = &prompt[prompt.len().saturating_sub(PENALTY_WINDOW)..];
    Ok(Some(LlamaSampler::chain(samplers, true).with_tokens(recent.iter().copied())))
}

/// The `n` likeliest tokens with their log-probabilities, the likeliest first.
pub(crate) fn top(logits: &[f32], n: usize) -> Vec<Chosen> {
    let all = log_sum_exp(logits);
    let mut best: Vec<Chosen> = Vec::with_capacity(n + 1);
    for (id, &logit) in (0_i32..).zip(logits) {
        let logprob = logit - all;
        if best.len() < n || best.last().is_some_and(|least| logprob > least.logprob) {
            let at = best.partition_point(|better| better.logprob >= logprob);
            best.insert(at, Chosen { token: LlamaToken(id), logprob });
            best.truncate(n);
        }
    }
    best
}

/// ln Σ eˣ over the whole vocabulary. An approximation of eˣ that the compiler can vectorise
/// keeps this under a hundredth of a step.
pub(crate) fn log_sum_exp(logits: &[f32]) -> f32 {
    const LANES: usize = 16;
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if !top.is_finite() {
        return top;
    }
    let mut sums = [0.0_f32; LANES];
    let chunks = logits.chunks_exact(LANES);
    let rest: f32 = chunks.remainder().iter().map(|&x| exp(x - top)).sum();
    for chunk in chunks {
        for (sum, &x) in sums.iter_mut().zip(chunk) {
            *sum += exp(x - top);
        }
    }
    top + (sums.iter().sum::<f32>() + rest).ln()
}

/// eˣ for x ≤ 0 with a relative error under 1e-4 down to e⁻⁸⁰: 2 to the whole part by its bits, the
/// fraction by a polynomial. Below e⁻⁸⁷ it stays at the smallest normal number.
fn exp(x: f32) -> f32 {
    let scaled = (x * std::f32::consts::LOG2_E).max(-126.0);
    let whole = (scaled + 0.5).floor();
    let f = scaled - whole;
    let fraction = 1.0
        + f * (std::f32::consts::LN_2
            + f * (0.240_226_5 + f * (0.055_504_1 + f * (0.009_618_1 + f * 0.001_333_4))));
    #[expect(clippy::cast_possible_truncation, reason = "-126 to 0")]
    #[expect(clippy::cast_sign_loss, reason = "1 to 127 after the shift")]
    let power = f32::from_bits(((whole as i32 + 127) as u32) << 23);
    power * fraction
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn exp_is_close(x in -80.0_f32..=0.0) {
            let exact = f64::from(x).exp();
            let error = (f64::from(exp(x)) - exact).abs() / exact;
            // The product with log₂ e is rounded: the error grows with |x|.
            prop_assert!(error < 1e-5 + 1e-6 * f64::from(-x), "{x}: {error}");
        }

        #[test]
        fn log_sum_exp_is_close(logits in proptest::collection::vec(-40.0_f32..40.0, 1..200)) {
            let exact = logits.iter().map(|&x| f64::from(x).exp()).sum::<f64>().ln();
            prop_assert!((f64::from(log_sum_exp(&logits)) - exact).abs() < 1e-4);
        }
    }

    #[test]
    fn the_likeliest_come_first() {
        let found = top(&[0.0, 3.0, -1.0, 3.0, 2.0], 3);
        let ids: Vec<i32> = found.iter().map(|chosen| chosen.token.0).collect();
        assert_eq!(ids, [1, 3, 4]);
        let sum: f32 = top(&[0.0, 3.0, -1.0], 9).iter().map(|chosen| chosen.logprob.exp()).sum();
        assert!((sum - 1.0).abs() < 1e-4, "{sum}");
        assert!(top(&[1.0], 0).is_empty());
    }

    #[test]
    fn probabilities_far_below_the_top_do_not_matter() {
        assert!((log_sum_exp(&[0.0, f32::NEG_INFINITY, -1000.0])).abs() < 1e-4);
        assert_eq!(log_sum_exp(&[f32::NEG_INFINITY]), f32::NEG_INFINITY);
    }
}
