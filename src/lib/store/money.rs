//! Money as an integer.

use std::fmt;

/// Nano-dollars in one US dollar.
pub const NANO_PER_USD: u64 = 1_000_000_000;

/// An amount of money in nano-dollars (10⁻⁹ US dollar), never negative.
///
/// A price of $0.15 per million tokens is 150 nano-dollars a token, so that per-token prices
/// are whole numbers and sums over any number of calls are exact. The largest amount is
/// `i64::MAX` (SQLite's integer), about $9.2 billion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NanoUsd(i64);

impl NanoUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The largest amount.
    pub const MAX: Self = Self(i64::MAX);

    /// An amount given in nano-dollars, `None` above the largest amount.
    #[must_use]
    pub fn new(nano: u64) -> Option<Self> {
        i64::try_from(nano).ok().map(Self)
    }

    /// The amount in nano-dollars.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0.unsigned_abs()
    }

    /// The sum, `None` when it does not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, zero where `other` is larger.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).max(0))
    }

    /// The amount as SQLite keeps it.
    pub(crate) fn to_sql(self) -> i64 {
        self.0
    }

    /// An amount read from a column. A negative one can only come from a damaged file: it is
    /// read as the largest amount, so that no cap lets anything more through.
    pub(crate) fn from_sql(value: i64) -> Self {
        if value < 0 { Self(i64::MAX) } else { Self(value) }
    }

    /// Reads a decimal number of dollars such as `0.50`, exactly. At most nine decimals; no
    /// sign, exponent or separators.
    #[must_use]
    pub fn parse_usd(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
            return None;
        }
        let whole: u64 = whole.parse().ok()?;
        let fraction: u64 = format!("{fraction:0<9}").parse().ok()?;
        Self::new(whole.checked_mul(NANO_PER_USD)?.checked_add(fraction)?)
    }
}

/// Dollars with as many decimals as needed and at least two: `0.50`, `0.000015`.
impl fmt::Display for NanoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nano = self.get();
        let fraction = format!("{:09}", nano % NANO_PER_USD);
        let trimmed = fraction.trim_end_matches('0');
        write!(f, "{}.{trimmed:0<2}", nano / NANO_PER_USD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dollars_are_read_exactly() {
        let nano = |s| NanoUsd::parse_usd(s).map(NanoUsd::get);
        assert_eq!(nano("0.50"), Some(500_000_000));
        assert_eq!(nano("12"), Some(12_000_000_000));
        assert_eq!(nano("0.000000001"), Some(1));
        for bad in ["", ".", "1.", ".5", "-1", "+1", "1e3", "0.0000000001", "1,5", "99999999999"] {
            assert_eq!(nano(bad), None, "{bad}");
        }
    }

    proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

        #[test]
        fn printed_dollars_read_back(nano in 0..=i64::MAX as u64) {
            let amount = NanoUsd::new(nano).unwrap();
            prop_assert_eq!(NanoUsd::parse_usd(&amount.to_string()), Some(amount));
        }

        #[test]
        fn parsing_never_panics(text in ".*") {
            let _ = NanoUsd::parse_usd(&text);
        }
    }
}
