use super::{FAIR, National, STRONG, WEAK, WRITTEN, begins_with_date, begins_with_day, pair};
use crate::check::{digit, is_day, luhn, mod_11_10, number, weighted};

pub(super) const RULES: &[National] = &[
    National { name: "PL PESEL", masks: &[("99999999999", FAIR)], check: pesel },
    National {
        name: "SE personal number",
        masks: &[
            ("9999999999", 0.3),
            ("999999-9999", WRITTEN),
            ("999999+9999", WRITTEN),
            ("999999999999", FAIR),
            ("99999999-9999", WRITTEN),
        ],
        check: personnummer,
    },
    National {
        name: "FI identity code",
        masks: &[("999999-999X", STRONG), ("999999+999X", STRONG), ("999999A999X", STRONG)],
        check: hetu,
    },
    National {
        name: "NO birth number",
        masks: &[("99999999999", 0.45), ("999999 99999", 0.6)],
        check: fodselsnummer,
    },
    National {
        name: "DK CPR number",
        masks: &[("999999-9999", 0.3), ("9999999999", WEAK)],
        check: begins_with_day,
    },
    National { name: "EE or LT personal code", masks: &[("99999999999", FAIR)], check: isikukood },
    National {
        name: "RU SNILS",
        masks: &[("999-999-999~99", WRITTEN), ("99999999999", WEAK)],
        check: snils,
    },
    National { name: "RU tax number", masks: &[("999999999999", FAIR)], check: inn },
    National { name: "TR identity number", masks: &[("99999999999", FAIR)], check: tckn },
    National { name: "HR OIB", masks: &[("HR99999999999", STRONG)], check: |d| mod_11_10(&d[2..]) },
];

fn pesel(d: &[u8]) -> bool {
    let sum = weighted(d, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]);
    is_day(None, pair(d, 2) % 20, pair(d, 4)) && sum.is_multiple_of(10)
}

fn personnummer(d: &[u8]) -> bool {
    let short = if d.len() == 12 { &d[2..] } else { d };
    // Coordination numbers have 60 more in the day.
    let day = pair(short, 4);
    let century = d.len() == 10 || matches!(pair(d, 0), 18..=20);
    century && is_day(None, pair(short, 2), if day > 60 { day - 60 } else { day }) && luhn(short)
}

/// The control character of the date and the serial number together.
fn hetu(d: &[u8]) -> bool {
    let mut digits = d[..6].to_vec();
    digits.extend_from_slice(&d[d.len() - 4..d.len() - 1]);
    let century = d.len() == 10 || b"ABCDEFYXWVU".contains(&d[6]);
    digits.iter().all(u8::is_ascii_digit)
        && century
        && begins_with_day(d)
        && b"0123456789ABCDEFHJKLMNPRSTUVWXY"[(number(&digits) % 31) as usize] == d[d.len() - 1]
}

fn fodselsnummer(d: &[u8]) -> bool {
    let first = weighted(&d[..10], &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]);
    let second = weighted(d, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]);
    // D-numbers have 40 more in the day.
    let day = pair(d, 0);
    is_day(None, pair(d, 2) % 40, if day > 40 { day - 40 } else { day })
        && first.is_multiple_of(11)
        && second.is_multiple_of(11)
}

fn isikukood(d: &[u8]) -> bool {
    let first = weighted(&d[..10], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
    let second = weighted(&d[..10], &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11;
    let check = if first < 10 { first } else { second % 10 };
    (b'1'..=b'8').contains(&d[0]) && begins_with_date(&d[1..]) && check == digit(d[10])
}

fn snils(d: &[u8]) -> bool {
    let sum = weighted(&d[..9], &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101 % 100;
    sum == pair(d, 9)
}

fn inn(d: &[u8]) -> bool {
    let first = weighted(&d[..10], &[7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10;
    let second = weighted(&d[..11], &[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10;
    !d.starts_with(b"00") && first == digit(d[10]) && second == digit(d[11])
}

fn tckn(d: &[u8]) -> bool {
    let odd = weighted(&d[..9], &[1, 0, 1, 0, 1, 0, 1, 0, 1]);
    let even = weighted(&d[..8], &[0, 1, 0, 1, 0, 1, 0, 1]);
    let all: u32 = d[..10].iter().map(|b| digit(*b)).sum();
    let tenth = (odd * 7 + 100 - even % 10) % 10;
    d[0] != b'0' && tenth == digit(d[9]) && all % 10 == digit(d[10])
}
