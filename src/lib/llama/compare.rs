//! How far a file with the same weights in another format is from the original.
//!
//! Both read the same text in pieces; after each piece the next-token distributions are
//! compared row by row, so that never more than a piece's logits are in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};

use engine::{Cancel, Error};
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;
use modelstore::tuning::Loss;

use crate::Options;
use crate::facts::{self, Facts};
use crate::model::{Model, nonzero, size};

/// Tokens that are read from a fresh context.
const CHUNK: usize = 256;

/// Tokens at the beginning of a chunk whose successors are not looked at: nobody could guess
/// them.
const LEAD: usize = 16;

/// Tokens of the text that are read, at most.
const MAX_TOKENS: usize = 8192;

/// Tokens without which nothing can be said.
const MIN_TOKENS: usize = 64;

/// Bytes of logits that one context gives at once, at most.
const MAX_LOGITS: usize = 16 << 20;

/// Sums over the rows that were compared.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sums {
    rows: usize,
    /// Of the reference, in nats.
    reference: f64,
    /// Of the candidate, in nats.
    candidate: f64,
    divergence: f64,
    agreed: usize,
}

impl Sums {
    /// Adds the distributions of the token that follows, which was `next`.
    fn add(&mut self, reference: &[f32], candidate: &[f32], next: usize) {
        let (Some(&own), Some(&other)) = (reference.get(next), candidate.get(next)) else { return };
        let (p_norm, p_top) = normaliser(reference);
        let (q_norm, q_top) = normaliser(candidate);
        let divergence: f64 = reference
            .iter()
            .zip(candidate)
            .map(|(&p, &q)| {
                let (p, q) = (f64::from(p) - p_norm, f64::from(q) - q_norm);
                // Far below what a sum could notice; also where both are minus infinity.
                if p < -40.0 { 0.0 } else { p.exp() * (p - q) }
            })
            .sum();
        self.rows += 1;
        self.reference += p_norm - f64::from(own);
        self.candidate += q_norm - f64::from(other);
        // Rounding may take it below zero.
        self.divergence += divergence.max(0.0);
        self.agreed += usize::from(p_top == q_top);
    }

    fn join(self, other: Self) -> Self {
        Self {
            rows: self.rows + other.rows,
            reference: self.reference + other.reference,
            candidate: self.candidate + other.candidate,
            divergence: self.divergence + other.divergence,
            agreed: self.agreed + other.agreed,
        }
    }

    fn loss(&self) -> Loss {
        let rows = self.rows.max(1) as f64;
        Loss {
            kl: self.divergence / rows,
            perplexity: (self.candidate / rows).exp(),
            original_perplexity: (self.reference / rows).exp(),
            top1: self.agreed as f64 / rows,
        }
    }
}

/// Logarithm of the sum of the exponentials, and the place of the largest.
fn normaliser(logits: &[f32]) -> (f64, usize) {
    let (mut top, mut at) = (f32::NEG_INFINITY, 0);
    for (n, &logit) in logits.iter().enumerate() {
        if logit > top {
            (top, at) = (logit, n);
        }
    }
    let sum: f64 = logits.iter().map(|&logit| f64::from(logit - top).exp()).sum();
    (f64::from(top) + sum.ln(), at)
}

/// Compares the next-token distributions of `candidate` with those of `reference` over `text`,
/// of which the first 8192 tokens count: perplexity of both, mean KL divergence, and how often
/// they agree on the likeliest token. Works with `reference.contexts` threads. `progress` hears
/// how many of the chunks of text are done.
///
/// # Errors
/// [`Error::Load`] when one is no generator or memory is short; [`Error::Engine`] when they have
/// not the same vocabulary or the text is too short to say anything; [`Error::Cancelled`].
pub fn compare(
    reference: &Options,
    candidate: &Options,
    text: &str,
    cancel: &Cancel,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Loss, Error> {
    let threads = reference.contexts.clamp(1, 512);
    let pair = Pair::load(reference, candidate, threads)?;
    let tokens = pair.models[0].0.plain(text)?;
    let chunks = pair.chunks(&tokens)?;
    let next = AtomicUsize::new(0);
    let (outbox, inbox) = mpsc::channel();
    let results = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.min(chunks.len()))
            .map(|_| {
                let (pair, chunks, next, outbox) = (&pair, &chunks, &next, outbox.clone());
                scope.spawn(move || work(pair, chunks, next, cancel, &outbox))
            })
            .collect();
        drop(outbox);
        let mut results = vec![Sums::default(); chunks.len()];
        for (count, (at, sums)) in inbox.iter().enumerate() {
            results[at] = sums;
            progress(count + 1, chunks.len());
        }
        workers.into_iter().try_for_each(|worker| {
            worker.join().unwrap_or_else(|_| Err(Error::Engine("the comparison panicked".into())))
        })?;
        Ok(results)
    })?;
    // In the order of the text: the same sum whatever the number of threads.
    Ok(results.into_iter().fold(Sums::default(), Sums::join).loss())
}

/// A worker's thread: takes chunk after chunk.
fn work(
    pair: &Pair<'_>,
    chunks: &[&[LlamaToken]],
    next: &AtomicUsize,
    cancel: &Cancel,
    outbox: &Sender<(usize, Sums)>,
) -> Result<(), Error> {
    let mut reader = Reader::new(pair)?;
    loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let Some(chunk) = chunks.get(at) else { return Ok(()) };
        let sums = reader.read(chunk, cancel)?;
        // The other end stays until all workers are done.
        let _ = outbox.send((at, sums));
    }
}

/// Two models with one vocabulary.
struct Pair<'o> {
    models: [(Arc<Model>, &'o Options); 2],
    /// Tokens that are decoded together.
    piece: usize,
}

impl<'o> Pair<'o> {
    fn load(reference: &'o Options, candidate: &'o Options, threads: usize) -> Result<Self, Error> {
        let facts = [generator(reference)?, generator(candidate)?];
        // Both are in memory at once, each with a small context a thread.
        let rest = |facts: &Facts| {
            let context = facts.kv_bytes_per_token.saturating_mul(CHUNK as u64);
            let buffers = (2 * MAX_LOGITS as u64).saturating_add(facts.width << 10);
            context.saturating_add(buffers).saturating_mul(threads as u64)
        };
        let other = facts[1].file_bytes.saturating_add(rest(&facts[1]));
        facts[0].check_memory(reference, rest(&facts[0]).saturating_add(other))?;
        let models = [
            (Model::load(reference, &facts[0])?, reference),
            (Model::load(candidate, &facts[1])?, candidate),
        ];
        let [ours, theirs] = [&models[0], &models[1]].map(|(model, _)| model.inner().n_vocab());
        if ours != theirs {
            let reason = format!("a vocabulary of {theirs} tokens, where {ours} are due");
            return Err(candidate.refuse(reason));
        }
        let row = usize::try_from(ours).unwrap_or(0).max(1) * size_of::<f32>();
        Ok(Self { models, piece: (MAX_LOGITS / row).clamp(1, 64) })
    }

    /// The text's tokens in chunks of equal length.
    fn chunks<'t>(&self, tokens: &'t [LlamaToken]) -> Result<Vec<&'t [LlamaToken]>, Error> {
        if tokens.len() < MIN_TOKENS {
            return Err(Error::Engine(format!(
                "the sample is too short: {} tokens, where at least {MIN_TOKENS} are needed",
                tokens.len()
            )));
        }
        let tokens = &tokens[..tokens.len().min(MAX_TOKENS)];
        // No remainder that is too short to say anything.
        let length = tokens.len().div_ceil(tokens.len().div_ceil(CHUNK - 1));
        Ok(tokens.chunks(length).collect())
    }
}

fn generator(options: &Options) -> Result<Facts, Error> {
    let facts = facts::read(options)?;
    if facts.embeds || facts.architecture.starts_with("t5") {
        return Err(options.refuse("not a model that generates text"));
    }
    Ok(facts)
}

/// A context of each model of a pair, on one thread.
struct Reader<'p> {
    contexts: [LlamaContext<'p>; 2],
    batch: LlamaBatch<'static>,
    piece: usize,
    /// Comes before every chunk, where the model wants it.
    first: Option<LlamaToken>,
}

impl<'p> Reader<'p> {
    fn new(pair: &'p Pair<'_>) -> Result<Self, Error> {
        let context = |(model, options): &'p (Arc<Model>, &Options)| {
            let params = LlamaContextParams::default()
                .with_n_ctx(nonzero(CHUNK))
                .with_n_batch(size(pair.piece))
                .with_n_ubatch(size(pair.piece))
                .with_n_seq_max(1);
            model.context(&Options { threads: 1, ..(*options).clone() }, params)
        };
        let vocabulary = pair.models[0].0.inner().vocab();
        Ok(Self {
            contexts: [context(&pair.models[0])?, context(&pair.models[1])?],
            batch: LlamaBatch::new(pair.piece, 1),
            piece: pair.piece,
            first: vocabulary.should_add_bos().then(|| vocabulary.bos()),
        })
    }

    fn read(&mut self, chunk: &[LlamaToken], cancel: &Cancel) -> Result<Sums, Error> {
        let tokens: Vec<LlamaToken> = self.first.into_iter().chain(chunk.iter().copied()).collect();
        self.contexts.iter_mut().for_each(LlamaContext::clear_kv_cache);
        let mut sums = Sums::default();
        let is_row = |at: usize| at >= LEAD && at + 1 < tokens.len();
        for (n, piece) in tokens.chunks(self.piece).enumerate() {
            if let Some(reason) = cancel.reason() {
                return Err(Error::Cancelled(reason));
            }
            let start = n * self.piece;
            self.batch.clear();
            for (i, &token) in piece.iter().enumerate() {
                let failed = |error: String| Error::Engine(format!("filling a batch: {error}"));
                let at = i32::try_from(start + i).map_err(|error| failed(error.to_string()))?;
                // llama.cpp wants to give at least one row of every batch.
                let output = is_row(start + i) || i + 1 == piece.len();
                let added = self.batch.add(token, at, &[0], output);
                added.map_err(|error| failed(error.to_string()))?;
            }
            for context in &mut self.contexts {
                let decoded = context.decode(&mut self.batch);
                decoded.map_err(|error| Error::Engine(format!("decode: {error}")))?;
            }
            for i in (0..piece.len()).filter(|i| is_row(start + i)) {
                let row = i32::try_from(i).map_err(|error| Error::Engine(error.to_string()))?;
                let [ours, theirs] = &self.contexts;
                let next = usize::try_from(tokens[start + i + 1].0).unwrap_or(usize::MAX);
                sums.add(ours.get_logits_ith(row), theirs.get_logits_ith(row), next);
            }
        }
        Ok(sums)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_distributions_do_not_differ() {
        let mut sums = Sums::default();
        sums.add(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0], 2);
        // Logits are defined up to a constant.
        sums.add(&[1.0, 2.0, 3.0], &[101.0, 102.0, 103.0], 0);
        let loss = sums.loss();
        assert!(loss.kl < 1e-9 && loss.top1 == 1.0, "{loss:?}");
        assert!((loss.perplexity - loss.original_perplexity).abs() < 1e-6, "{loss:?}");
    }

    #[test]
    fn a_known_divergence() {
        // p = (0.5, 0.5), q = (0.25, 0.75): KL = 0.5 ln 2 + 0.5 ln (2/3).
        let mut sums = Sums::default();
        sums.add(&[0.0, 0.0], &[0.0, 3.0_f32.ln()], 0);
        let loss = sums.loss();
        let expected = 0.5 * 2.0_f64.ln() + 0.5 * (2.0_f64 / 3.0).ln();
        assert!((loss.kl - expected).abs() < 1e-6, "{loss:?}");
        assert!((loss.original_perplexity - 2.0).abs() < 1e-6, "{loss:?}");
        assert!((loss.perplexity - 4.0).abs() < 1e-5, "{loss:?}");
        assert_eq!(loss.top1, 0.0);
    }

    #[test]
    fn forbidden_tokens_cost_nothing_on_both_sides() {
        let mut sums = Sums::default();
        let row = [0.0, f32::NEG_INFINITY, 1.0];
        sums.add(&row, &row, 0);
        assert!(sums.loss().kl < 1e-9);
        // What the candidate rules out is a loss without bound.
        sums.add(&[0.0, 0.0], &[0.0, f32::NEG_INFINITY], 0);
        assert_eq!(sums.loss().kl, f64::INFINITY);
    }
}
