use super::{FAIR, National, STRONG, WEAK, WRITTEN, is_uniform, pair};
use crate::check::{digit, is_day, luhn, number, weighted};

pub(super) const RULES: &[National] = &[
    National {
        name: "US social security number",
        masks: &[("999-99-9999", 0.65), ("999 99 9999", 0.5), ("999999999", 0.1)],
        check: ssn,
    },
    National {
        name: "US taxpayer number",
        masks: &[("999-99-9999", 0.65), ("999999999", 0.1)],
        check: itin,
    },
    National {
        name: "CA insurance number",
        masks: &[("999~999~999", FAIR), ("999999999", WEAK)],
        check: sin,
    },
    National {
        name: "BR CPF",
        masks: &[("999.999.999-99", STRONG), ("99999999999", FAIR)],
        check: cpf,
    },
    National {
        name: "BR CNPJ",
        masks: &[("99.999.999/9999-99", STRONG), ("99999999999999", FAIR)],
        check: cnpj,
    },
    National { name: "MX CURP", masks: &[("AAAA999999AAAAAAX9", 0.95)], check: curp },
    National {
        name: "AR CUIT",
        masks: &[("99-99999999-9", WRITTEN), ("99999999999", 0.3)],
        check: cuit,
    },
    National {
        name: "CL RUT",
        masks: &[
            ("99.999.999-X", STRONG),
            ("9.999.999-X", STRONG),
            ("99999999-X", 0.6),
            ("9999999-X", 0.5),
        ],
        check: rut,
    },
];

/// No check digit; areas, groups and serials that were never given.
fn ssn(d: &[u8]) -> bool {
    let (area, group, serial) = (number(&d[..3]), pair(d, 3), number(&d[5..]));
    let advertised = matches!(d, b"078051120" | b"219099999" | b"123456789");
    area != 0
        && area != 666
        && area < 900
        && group != 0
        && serial != 0
        && !advertised
        && !is_uniform(d)
}

fn itin(d: &[u8]) -> bool {
    d[0] == b'9' && matches!(pair(d, 3), 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

fn sin(d: &[u8]) -> bool {
    d[0] != b'8' && !is_uniform(d) && luhn(d)
}

/// The check digit of sums with weights that fall to 2.
fn mod_11(digits: &[u8], weights: &[u32]) -> u32 {
    match 11 - weighted(digits, weights) % 11 {
        10 | 11 => 0,
        check => check,
    }
}

fn cpf(d: &[u8]) -> bool {
    let first = mod_11(&d[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2]);
    let second = mod_11(&d[..10], &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    !is_uniform(d) && first == digit(d[9]) && second == digit(d[10])
}

fn cnpj(d: &[u8]) -> bool {
    let first = mod_11(&d[..12], &[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]);
    let second = mod_11(&d[..13], &[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]);
    !is_uniform(d) && first == digit(d[12]) && second == digit(d[13])
}

fn curp(d: &[u8]) -> bool {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ";
    let value = |b: &u8| ALPHABET.iter().position(|a| a == b).unwrap_or(0) as u32;
    let sum: u32 = d[..17].iter().zip((2..=18).rev()).map(|(b, weight)| value(b) * weight).sum();
    b"HMX".contains(&d[10])
        && is_day(None, pair(d, 6), pair(d, 8))
        && (10 - sum % 10) % 10 == digit(d[17])
}

fn cuit(d: &[u8]) -> bool {
    let sum = weighted(&d[..10], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    let check = match 11 - sum {
        11 => 0,
        10 => 9,
        check => check,
    };
    matches!(pair(d, 0), 20 | 23 | 24 | 27 | 30 | 33 | 34 | 50 | 51 | 55) && check == digit(d[10])
}

fn rut(d: &[u8]) -> bool {
    let Some((check, body)) = d.split_last() else { return false };
    let weights = [2, 3, 4, 5, 6, 7].iter().cycle();
    let sum: u32 = body.iter().rev().zip(weights).map(|(b, w)| digit(*b) * w).sum();
    let expected = b"0123456789K0"[(11 - sum % 11) as usize];
    !is_uniform(body) && *check == expected
}
