//! Numbers that states and their insurances give to people, with the checks they have.

mod americas;
mod asia;
mod europe;
mod north;

use crate::check::is_day;

/// One such number.
pub(crate) struct National {
    /// Country and name, for `--explain`.
    pub(crate) name: &'static str,
    /// How it is written, and how sure one is of that without any word before: `9` a digit, `A` a
    /// letter, `X` either, `~` a space, point, hyphen or slash; anything else stands for itself.
    pub(crate) masks: &'static [(&'static str, f32)],
    /// Whether digits and capitals, without separators, pass.
    pub(crate) check: fn(&[u8]) -> bool,
}

/// A number with one check digit among plain digits: one in ten of any digits pass.
const WEAK: f32 = 0.2;
/// Two check digits, or one and a date.
const FAIR: f32 = 0.4;
/// Punctuation of its own, and a check.
const WRITTEN: f32 = 0.75;
/// Letters and a check.
const STRONG: f32 = 0.85;

/// Every number known.
pub(crate) fn all() -> impl Iterator<Item = &'static National> {
    europe::RULES.iter().chain(north::RULES).chain(americas::RULES).chain(asia::RULES)
}

/// The two digits at `at`.
fn pair(digits: &[u8], at: usize) -> u32 {
    match digits.get(at..at + 2) {
        Some([tens, ones]) => {
            u32::from(tens.wrapping_sub(b'0')) * 10 + u32::from(ones.wrapping_sub(b'0'))
        }
        _ => 99,
    }
}

/// Whether YYMMDD stands at the start.
fn begins_with_date(digits: &[u8]) -> bool {
    is_day(None, pair(digits, 2), pair(digits, 4))
}

/// Whether DDMMYY stands at the start.
fn begins_with_day(digits: &[u8]) -> bool {
    is_day(None, pair(digits, 2), pair(digits, 0))
}

/// Whether all characters are the same: no number of a person.
fn is_uniform(digits: &[u8]) -> bool {
    digits.iter().all(|b| *b == digits[0])
}

/// The value of a character in base 36.
fn value36(byte: u8) -> u32 {
    char::from(byte).to_digit(36).unwrap_or(0)
}
