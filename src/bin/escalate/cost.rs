//! What a call may cost, and what it did cost: in nano-dollars, without floating point.

use serde::Deserialize;
use store::NanoUsd;

use crate::provider::Message;

/// Prices of a model, for a million tokens each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// For a million tokens of the request.
    pub input: NanoUsd,
    /// For a million tokens of the answer.
    pub output: NanoUsd,
}

/// Tokens to which a price refers.
const PER: u128 = 1_000_000;
/// Tokens that a chat template may put around one message (role, separators); the published
/// templates use three to ten.
const TOKENS_PER_MESSAGE: u64 = 32;
/// Most tokens that a picture counts for: OpenAI's price list has 36,835 for the largest one that
/// a small model is shown, others have some thousands.
const TOKENS_PER_IMAGE: u64 = 40_000;
/// Tokens that a provider may add once: its own system lines, the start of the answer.
const TOKENS_PER_REQUEST: u64 = 256;

impl Price {
    /// A model that costs nothing, such as one on this machine.
    pub const FREE: Self = Self { input: NanoUsd::ZERO, output: NanoUsd::ZERO };

    /// The cost of so many tokens, rounded up to a whole nano-dollar. `None` when it does not
    /// fit (billions of dollars).
    #[must_use]
    pub fn cost(&self, tokens_in: u64, tokens_out: u64) -> Option<NanoUsd> {
        let part = |tokens: u64, price: NanoUsd| u128::from(tokens) * u128::from(price.get());
        let sum = part(tokens_in, self.input).checked_add(part(tokens_out, self.output))?;
        u64::try_from(sum.div_ceil(PER)).ok().and_then(NanoUsd::new)
    }

    /// Half of it, rounded up: what batches cost at OpenAI and Anthropic.
    #[must_use]
    pub fn halved(&self) -> Self {
        let half = |price: NanoUsd| NanoUsd::new(price.get().div_ceil(2)).unwrap_or(price);
        Self { input: half(self.input), output: half(self.output) }
    }

    /// Whether nothing can be charged.
    #[must_use]
    pub fn is_free(&self) -> bool {
        *self == Self::FREE
    }
}

/// An upper bound of the tokens of a request. A byte-level tokenizer, as all of today's big
/// models use, makes at most one token of a byte (text of rare symbols comes close to that;
/// English takes about four bytes a token). Half the bytes would be exceeded by such text, and
/// a reservation that can be exceeded is no limit: so one token a byte, and an allowance for
/// the chat template.
#[must_use]
pub fn most_tokens(messages: &[Message]) -> u64 {
    messages
        .iter()
        .map(|m| {
            let images = (m.images.len() as u64).saturating_mul(TOKENS_PER_IMAGE);
            (m.content.len() as u64).saturating_add(images).saturating_add(TOKENS_PER_MESSAGE)
        })
        .fold(TOKENS_PER_REQUEST, u64::saturating_add)
}

/// Tokens that a request about a text of so many bytes is likely to have: for an estimate, never
/// for a limit. English takes about four bytes a token in today's big tokenizers, German and
/// French three; the question and the instructions around it about 150 tokens.
#[must_use]
pub fn likely_tokens(bytes: u64) -> u64 {
    const BYTES_PER_TOKEN: u64 = 4;
    const AROUND: u64 = 150;
    bytes.div_ceil(BYTES_PER_TOKEN).saturating_add(AROUND)
}

/// The most that a call can cost when its answer is limited to `max_tokens`, with a schema of so
/// many bytes. `None` when it does not fit.
#[must_use]
pub fn worst_case(
    price: &Price,
    messages: &[Message],
    schema_bytes: usize,
    max_tokens: u64,
) -> Option<NanoUsd> {
    price.cost(most_tokens(messages).saturating_add(schema_bytes as u64), max_tokens)
}

/// Prices are written as decimal strings of dollars, so that no binary fraction comes in.
impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Written {
            input: String,
            output: String,
        }
        let written = Written::deserialize(deserializer)?;
        let dollars = |text: &str| {
            NanoUsd::parse_usd(text).ok_or_else(|| {
                serde::de::Error::custom(format!("\"{text}\" is not a price in dollars"))
            })
        };
        Ok(Self { input: dollars(&written.input)?, output: dollars(&written.output)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn price(input: &str, output: &str) -> Price {
        let usd = |s| NanoUsd::parse_usd(s).unwrap();
        Price { input: usd(input), output: usd(output) }
    }

    #[test]
    fn costs_are_exact_and_rounded_up() {
        let price = price("0.15", "0.60");
        assert_eq!(price.cost(1_000_000, 1_000_000).unwrap().to_string(), "0.75");
        assert_eq!(price.cost(1, 1).unwrap().get(), 750);
        assert_eq!(self::price("0.000001", "0").cost(1, 0).unwrap().get(), 1);
        assert_eq!(Price::FREE.cost(u64::MAX, u64::MAX), Some(NanoUsd::ZERO));
        assert_eq!(self::price("9000000000", "0").cost(u64::MAX, 0), None);
    }

    proptest! {
        // A failing case is printed; a file of it beside the sources would not be kept anyway.
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_worst_case_is_never_below_a_byte_level_tokenizer(texts in prop::collection::vec(".*", 0..5)) {
            let messages: Vec<_> = texts.iter().map(|t| Message::user(t.clone())).collect();
            let bytes: usize = texts.iter().map(String::len).sum();
            prop_assert!(most_tokens(&messages) >= bytes as u64);
            let price = price("3", "15");
            let worst = worst_case(&price, &messages, 0, 100).unwrap();
            prop_assert!(price.cost(bytes as u64, 100).unwrap() <= worst);
        }
    }
}
