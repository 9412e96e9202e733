//! Check digits: the arithmetic that tells a number from any other digits.
//!
//! Every function takes ASCII digits, or capitals where it says so, without separators.

mod base58;
mod bech32;
mod ethereum;
mod iban;

pub(crate) use base58::{base58_check, base58_ripple};
pub(crate) use bech32::bech32;
pub(crate) use ethereum::ethereum;
pub(crate) use iban::{iban, iban_length};

/// The value of a digit.
pub(crate) fn digit(byte: u8) -> u32 {
    u32::from(byte.wrapping_sub(b'0'))
}

/// The digits as a number; at most 18 of them.
pub(crate) fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |sum, b| sum * 10 + u64::from(digit(*b)))
}

/// Luhn's sum (ISO/IEC 7812-1, annex B), the last digit being the check digit.
pub(crate) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, b)| match (at % 2, digit(*b) * 2) {
            (0, _) => digit(*b),
            (_, twice) if twice > 9 => twice - 9,
            (_, twice) => twice,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The digits times the weights, summed.
pub(crate) fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(b, weight)| digit(*b) * weight).sum()
}

/// ISO 7064 MOD 11,10: the last digit checks those before.
pub(crate) fn mod_11_10(digits: &[u8]) -> bool {
    let Some((last, rest)) = digits.split_last() else { return false };
    let product = rest.iter().fold(10, |product, b| {
        let sum = (digit(*b) + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == digit(*last)
}

/// ISO 7064 MOD 11-2, with X for ten at the end.
pub(crate) fn mod_11_2(digits: &[u8]) -> bool {
    let Some((last, rest)) = digits.split_last() else { return false };
    let sum = rest.iter().fold(0, |sum, b| (sum + digit(*b)) * 2 % 11);
    let check = (12 - sum) % 11;
    if check == 10 { *last == b'X' } else { digit(*last) == check }
}

/// Verhoeff's scheme over the dihedral group of order ten.
pub(crate) fn verhoeff(digits: &[u8]) -> bool {
    const PERMUTED: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let multiply = |a: u32, b: u32| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b - 5) % 5,
        (false, true) => 5 + (a - 5 + 5 - b) % 5,
        (false, false) => (a - b + 5) % 5,
    };
    let sum = digits.iter().rev().enumerate().fold(0, |sum, (at, b)| {
        let value = (0..at % 8).fold(digit(*b), |v, _| PERMUTED[v as usize]);
        multiply(sum, value)
    });
    sum == 0
}

/// Whether a day is in the calendar; without a year every February has 29 days.
pub(crate) fn is_day(year: Option<u32>, month: u32, day: u32) -> bool {
    let leap = year.is_none_or(|y| y % 4 == 0 && (y % 100 != 0 || y % 400 == 0));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_hold() {
        // Luhn's patent; ISO 7064; Verhoeff's own example; a resident identity card of GB 11643.
        assert!(luhn(b"79927398713") && !luhn(b"79927398710"));
        assert!(mod_11_10(b"86095742719") && !mod_11_10(b"86095742718"));
        assert!(mod_11_2(b"11010519491231002X") && !mod_11_2(b"110105194912310021"));
        assert!(verhoeff(b"2363") && !verhoeff(b"2364"));
    }

    #[test]
    fn every_wrong_digit_is_noticed() {
        for (valid, check) in [
            (&b"4111111111111111"[..], luhn as fn(&[u8]) -> bool),
            (b"86095742719", mod_11_10),
            (b"234123412346", verhoeff),
        ] {
            assert!(check(valid));
            for at in 0..valid.len() {
                for other in (b'0'..=b'9').filter(|b| *b != valid[at]) {
                    let mut wrong = valid.to_vec();
                    wrong[at] = other;
                    assert!(!check(&wrong), "{}", String::from_utf8_lossy(&wrong));
                }
            }
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        assert!(is_day(Some(2024), 2, 29) && !is_day(Some(2023), 2, 29));
        assert!(!is_day(Some(1900), 2, 29) && is_day(Some(2000), 2, 29));
        assert!(is_day(None, 2, 29) && !is_day(None, 2, 30) && !is_day(None, 13, 1));
    }
}
