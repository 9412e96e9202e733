//! Asia, Africa, Oceania.

use super::{FAIR, National, STRONG, WEAK, begins_with_date, is_uniform, pair, value36};
use crate::check::{digit, is_day, luhn, mod_11_2, number, verhoeff, weighted};

pub(super) const RULES: &[National] = &[
    National { name: "CN resident id", masks: &[("99999999999999999X", 0.95)], check: resident },
    National {
        name: "IN Aadhaar",
        masks: &[("999999999999", 0.25), ("9999 9999 9999", 0.5), ("9999-9999-9999", 0.5)],
        check: |d| d[0] >= b'2' && verhoeff(d),
    },
    National {
        name: "IN PAN",
        masks: &[("AAAAA9999A", 0.55)],
        check: |d| b"PCHFATBLJG".contains(&d[3]),
    },
    National {
        name: "KR resident number",
        masks: &[("999999-9999999", 0.7), ("9999999999999", FAIR)],
        check: rrn,
    },
    National {
        name: "JP individual number",
        masks: &[("999999999999", WEAK), ("9999~9999~9999", WEAK)],
        check: my_number,
    },
    National { name: "TW identity number", masks: &[("A999999999", 0.7)], check: taiwan },
    National { name: "SG identity number", masks: &[("A9999999A", STRONG)], check: nric },
    National {
        name: "HK identity number",
        masks: &[("A999999(X)", STRONG), ("AA999999(X)", STRONG), ("A999999X", FAIR)],
        check: hkid,
    },
    National {
        name: "IL identity number",
        masks: &[("999999999", WEAK), ("99999999-9", FAIR)],
        check: luhn,
    },
    National {
        name: "TH identity number",
        masks: &[("9999999999999", 0.3), ("9~9999~99999~99~9", STRONG)],
        check: thai,
    },
    National {
        name: "ZA identity number",
        masks: &[("9999999999999", 0.55), ("999999 9999 999", 0.6)],
        check: south_africa,
    },
    National {
        name: "AU tax file number",
        masks: &[("999999999", WEAK), ("999~999~999", 0.3)],
        check: tfn,
    },
    National {
        name: "AU Medicare",
        masks: &[("9999999999", WEAK), ("9999~99999~9", 0.6)],
        check: medicare,
    },
];

fn resident(d: &[u8]) -> bool {
    let year = u32::try_from(number(&d[6..10])).unwrap_or(0);
    (1850..=2100).contains(&year)
        && is_day(Some(year), pair(d, 10), pair(d, 12))
        && d[0] != b'0'
        && mod_11_2(d)
}

/// Numbers given since October 2020 have no check digit, so it is only asked for the date.
fn rrn(d: &[u8]) -> bool {
    let sum = weighted(&d[..12], &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]);
    begins_with_date(d) && d[6] != b'9' && d[6] != b'0' && (11 - sum % 11) % 10 == digit(d[12])
}

fn my_number(d: &[u8]) -> bool {
    let rest = weighted(&d[..11], &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    let check = if rest <= 1 { 0 } else { 11 - rest };
    !is_uniform(d) && check == digit(d[11])
}

fn taiwan(d: &[u8]) -> bool {
    const LETTERS: &[u8; 26] = b"ABCDEFGHJKLMNPQRSTUVXYWZIO";
    let Some(letter) = LETTERS.iter().position(|b| *b == d[0]) else { return false };
    let code = letter as u32 + 10;
    let sum = code / 10 + code % 10 * 9 + weighted(&d[1..], &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
    matches!(d[1], b'1' | b'2' | b'8' | b'9') && sum.is_multiple_of(10)
}

fn nric(d: &[u8]) -> bool {
    let sum = weighted(&d[1..8], &[2, 7, 6, 5, 4, 3, 2]);
    let (letters, shift): (&[u8; 11], u32) = match d[0] {
        b'S' => (b"JZIHGFEDCBA", 0),
        b'T' => (b"JZIHGFEDCBA", 4),
        b'F' => (b"XWUTRQPNMLK", 0),
        b'G' => (b"XWUTRQPNMLK", 4),
        b'M' => (b"XWUTRQPNJLK", 3),
        _ => return false,
    };
    let at = ((sum + shift) % 11) as usize;
    // The series M counts from the other end.
    letters[if d[0] == b'M' { 10 - at } else { at }] == d[8]
}

fn hkid(d: &[u8]) -> bool {
    let (letters, rest) = d.split_at(d.len() - 7);
    let value = |b: u8| value36(b);
    let head = match letters {
        [one] => 36 * 9 + value(*one) * 8,
        [one, two] => value(*one) * 9 + value(*two) * 8,
        _ => return false,
    };
    let check = if rest[6] == b'A' { 10 } else { digit(rest[6]) };
    (rest[6].is_ascii_digit() || rest[6] == b'A')
        && (head + weighted(&rest[..6], &[7, 6, 5, 4, 3, 2]) + check).is_multiple_of(11)
}

fn thai(d: &[u8]) -> bool {
    let sum = weighted(&d[..12], &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    matches!(d[0], b'1'..=b'8') && (11 - sum % 11) % 10 == digit(d[12])
}

fn south_africa(d: &[u8]) -> bool {
    is_day(None, pair(d, 2), pair(d, 4)) && matches!(d[10], b'0' | b'1' | b'2') && luhn(d)
}

fn tfn(d: &[u8]) -> bool {
    !is_uniform(d) && weighted(d, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11)
}

fn medicare(d: &[u8]) -> bool {
    let sum = weighted(&d[..8], &[1, 3, 7, 9, 1, 3, 7, 9]);
    matches!(d[0], b'2'..=b'6') && sum % 10 == digit(d[8])
}
