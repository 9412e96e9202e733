//! Addresses of cryptocurrencies, by their check sums.

use crate::check::{base58_check, base58_ripple, bech32, ethereum};
use crate::kind::Kind;
use crate::scan::Scan;

impl Scan<'_> {
    /// An address that token `i` is: where it ends.
    pub(crate) fn wallet(&mut self, i: usize) -> Option<usize> {
        let token = self.tokens[i];
        if !self.wants(Kind::Wallet) || !(25..=100).contains(&token.len()) {
            return None;
        }
        let text = &self.bytes[token.start..token.end];
        let length = text.len();
        let lower = || text.to_ascii_lowercase();
        let (rule, score) = match text {
            [b'0', b'x' | b'X', digits @ ..] if ethereum(digits) => ("Ethereum", 0.95),
            [b'1' | b'3', ..] if length <= 35 && base58_check(text) => ("Bitcoin", 0.99),
            [b'b' | b'B', b'c' | b'C', b'1', ..] if bech32(&lower()) => ("Bitcoin", 0.99),
            [b'l' | b'L', b't' | b'T', b'c' | b'C', b'1', ..] if bech32(&lower()) => {
                ("Litecoin", 0.99)
            }
            [b'L' | b'M', ..] if length <= 35 && base58_check(text) => ("Litecoin", 0.99),
            [b'D' | b'A' | b'9', ..] if length <= 35 && base58_check(text) => ("Dogecoin", 0.99),
            [b'T', ..] if length == 34 && base58_check(text) => ("Tron", 0.99),
            [b'r', ..] if length <= 35 && base58_ripple(text) => ("XRP", 0.99),
            [b'4' | b'8', ..] if length == 95 && text.iter().all(u8::is_ascii_alphanumeric) => {
                ("Monero", 0.9)
            }
            _ => return None,
        };
        self.add((token.start, token.end), Kind::Wallet, rule, score).then_some(token.end)
    }
}
