use super::{FAIR, National, STRONG, WEAK, WRITTEN, begins_with_date, begins_with_day};
use super::{is_uniform, pair, value36};
use crate::check::{digit, is_day, luhn, mod_11_10, number, weighted};

const fn rule(
    name: &'static str,
    masks: &'static [(&'static str, f32)],
    check: fn(&[u8]) -> bool,
) -> National {
    National { name, masks, check }
}

pub(super) const RULES: &[National] = &[
    rule("GB NHS number", &[("9999999999", WEAK), ("999~999~9999", FAIR)], nhs),
    rule("GB national insurance number", &[("AA999999A", 0.7), ("AA 99 99 99 A", STRONG)], nino),
    rule("DE tax id", &[("99999999999", FAIR), ("99~999~999~999", 0.7)], steuer_id),
    rule(
        "DE pension insurance number",
        &[("99999999A999", STRONG), ("99~999999~A~999", STRONG)],
        rvnr,
    ),
    rule("DE identity card", &[("AXXXXXXXX9", 0.3), ("AXXXXXXXX 9", 0.3)], ausweis),
    rule(
        "FR social security number",
        &[
            ("9999999XX999999", STRONG),
            ("9~99~99~9X~999~999~99", STRONG),
            ("9999999XX9999 99", STRONG),
            ("9 99 99 99 999 999 99", STRONG),
        ],
        nir,
    ),
    rule(
        "ES identity number",
        &[("99999999A", STRONG), ("99999999~A", STRONG), ("99.999.999~A", STRONG)],
        dni,
    ),
    rule("ES foreigner number", &[("A9999999A", STRONG), ("A~9999999~A", STRONG)], nie),
    rule(
        "ES company number",
        &[("A99999999", FAIR), ("A~99999999", FAIR), ("A9999999A", FAIR)],
        cif,
    ),
    rule(
        "IT tax code",
        &[("AAAAAA99A99A999A", 0.95), ("AAAAAAXXAXXAXXXA", STRONG), ("AAA AAA 99A99 A999A", 0.95)],
        codice_fiscale,
    ),
    rule(
        "NL citizen number",
        &[("999999999", WEAK), ("9999~99~999", FAIR), ("999~999~999", WEAK)],
        bsn,
    ),
    rule(
        "BE national number",
        &[("99999999999", FAIR), ("99.99.99~999.99", STRONG), ("999999~999~99", 0.6)],
        rijksregister,
    ),
    rule("PT tax number", &[("999999999", WEAK), ("999 999 999", WEAK)], nif),
    rule("CH insurance number", &[("9999999999999", 0.7), ("999.9999.9999.99", 0.9)], ahv),
    rule("AT insurance number", &[("9999999999", 0.25), ("9999 999999", FAIR)], svnr),
    rule("IE public service number", &[("9999999A", 0.6), ("9999999AA", 0.6)], pps),
    rule("GR insurance number", &[("99999999999", 0.3)], |d| begins_with_day(d) && luhn(d)),
    rule("HR personal number", &[("99999999999", WEAK)], mod_11_10),
    rule("RO personal number", &[("9999999999999", 0.6)], cnp),
    rule("BG personal number", &[("9999999999", 0.3)], egn),
    rule("CZ birth number", &[("9999999999", 0.3), ("999999/9999", WRITTEN)], rodne_cislo),
];

fn nhs(d: &[u8]) -> bool {
    let check = 11 - weighted(&d[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    !is_uniform(d) && check != 10 && check % 11 == digit(d[9])
}

/// HMRC's manual NIM39110: letters that are not used, and prefixes that are not given.
fn nino(d: &[u8]) -> bool {
    let refused = [*b"BG", *b"GB", *b"KN", *b"NK", *b"NT", *b"TN", *b"ZZ"];
    !b"DFIQUV".contains(&d[0])
        && !b"DFIQUVO".contains(&d[1])
        && !refused.contains(&[d[0], d[1]])
        && (b'A'..=b'D').contains(&d[8])
}

/// One digit of the first ten comes twice or thrice, and the rest once at most.
fn steuer_id(d: &[u8]) -> bool {
    let mut times = [0_u8; 10];
    d[..10].iter().for_each(|b| times[digit(*b) as usize] += 1);
    let repeated = times.iter().filter(|n| **n > 1).count();
    d[0] != b'0' && repeated == 1 && times.iter().all(|n| *n <= 3) && mod_11_10(d)
}

/// VKVV § 4: the letter counts as two digits, and digit sums are added.
fn rvnr(d: &[u8]) -> bool {
    let letter = u32::from(d[8].wrapping_sub(b'A')) + 1;
    let (birth, month) = (pair(d, 2), pair(d, 4));
    let mut digits: Vec<u32> = d[..8].iter().map(|b| digit(*b)).collect();
    digits.extend([letter / 10, letter % 10, digit(d[9]), digit(d[10])]);
    let weights = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];
    let sum: u32 = digits.iter().zip(weights).map(|(d, w)| d * w / 10 + d * w % 10).sum();
    (1..=31).contains(&birth) && (1..=12).contains(&month) && sum % 10 == digit(d[11])
}

/// ICAO 9303: weights 7, 3, 1 over the value of each character.
fn ausweis(d: &[u8]) -> bool {
    let digits = d[..9].iter().filter(|b| b.is_ascii_digit()).count();
    let used = |b: &u8| b.is_ascii_digit() || b"CFGHJKLMNPRTVWXYZ".contains(b);
    let sum: u32 = d[..9].iter().zip([7, 3, 1].iter().cycle()).map(|(b, w)| value36(*b) * w).sum();
    digits >= 3 && d[..9].iter().all(used) && sum % 10 == digit(d[9])
}

fn nir(d: &[u8]) -> bool {
    let mut plain = d.to_vec();
    let corsica = match &d[5..7] {
        b"2A" => 19,
        b"2B" => 18,
        rest if rest.iter().all(u8::is_ascii_digit) => pair(d, 5),
        _ => return false,
    };
    plain[5] = b'0' + (corsica / 10) as u8;
    plain[6] = b'0' + (corsica % 10) as u8;
    if !plain.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let month = pair(&plain, 3);
    let month_known = (1..=12).contains(&month) || (20..=42).contains(&month) || month >= 50;
    b"123478".contains(&d[0])
        && month_known
        && 97 - number(&plain[..13]) % 97 == u64::from(pair(&plain, 13))
}

const DNI: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

fn dni(d: &[u8]) -> bool {
    DNI[(number(&d[..8]) % 23) as usize] == d[8]
}

fn nie(d: &[u8]) -> bool {
    let Some(first) = b"XYZ".iter().position(|b| *b == d[0]) else { return false };
    let value = first as u64 * 10_000_000 + number(&d[1..8]);
    DNI[(value % 23) as usize] == d[8]
}

fn cif(d: &[u8]) -> bool {
    let odd: u32 = [1, 3, 5, 7].iter().map(|at| digit(d[*at]) * 2).map(|n| n / 10 + n % 10).sum();
    let even: u32 = [2, 4, 6].iter().map(|at| digit(d[*at])).sum();
    let check = (10 - (odd + even) % 10) % 10;
    let letter = b"JABCDEFGHI"[check as usize] == d[8];
    let figure = d[8].is_ascii_digit() && digit(d[8]) == check;
    // Which kinds of company have a letter and which a digit is told differently by each source.
    b"ABCDEFGHJNPQRSUVW".contains(&d[0]) && (letter || figure)
}

/// Decree of 12 March 1974: odd places have values of their own; digits may be replaced by
/// letters where two people would have the same code.
fn codice_fiscale(d: &[u8]) -> bool {
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    let replaced = |b: u8| b.is_ascii_digit() || b"LMNPQRSTUV".contains(&b);
    let places = [6, 7, 9, 10, 12, 13, 14];
    if !places.iter().all(|at| replaced(d[*at])) || !b"ABCDEHLMPRST".contains(&d[8]) {
        return false;
    }
    let place = |b: u8| {
        if b.is_ascii_digit() { digit(b) } else { u32::from(b.wrapping_sub(b'A')) }
    };
    let sum: u32 = d[..15]
        .iter()
        .enumerate()
        .map(|(at, b)| if at % 2 == 0 { ODD[place(*b) as usize % 26] } else { place(*b) })
        .sum();
    u32::from(d[15].wrapping_sub(b'A')) == sum % 26
}

fn bsn(d: &[u8]) -> bool {
    let sum = weighted(&d[..8], &[9, 8, 7, 6, 5, 4, 3, 2]);
    !is_uniform(d) && sum % 11 == digit(d[8])
}

/// Born since 2000: a 2 before the nine digits.
fn rijksregister(d: &[u8]) -> bool {
    let (born, check) = (number(&d[..9]), u64::from(pair(d, 9)));
    let month = pair(d, 2) % 20;
    let date = (month == 0 || pair(d, 4) == 0) || is_day(None, month, pair(d, 4));
    let since = 2_000_000_000 + born;
    date && month <= 12 && (97 - born % 97 == check || 97 - since % 97 == check)
}

fn nif(d: &[u8]) -> bool {
    let check = 11 - weighted(&d[..8], &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    b"1235689".contains(&d[0]) && check % 11 % 10 == digit(d[8])
}

fn ahv(d: &[u8]) -> bool {
    let sum = weighted(&d[..12], &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]);
    d.starts_with(b"756") && (10 - sum % 10) % 10 == digit(d[12])
}

fn svnr(d: &[u8]) -> bool {
    let sum = weighted(d, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]);
    let month = pair(d, 6);
    d[0] != b'0'
        && is_day(None, if month > 12 { 1 } else { month }, pair(d, 4))
        && sum % 11 == digit(d[3])
}

fn pps(d: &[u8]) -> bool {
    let second = d.get(8).map_or(0, |b| u32::from(b - b'A' + 1) % 23);
    let sum = weighted(&d[..7], &[8, 7, 6, 5, 4, 3, 2]) + second * 9;
    b"WABCDEFGHIJKLMNOPQRSTUV"[(sum % 23) as usize] == d[7]
}

fn cnp(d: &[u8]) -> bool {
    let sum = weighted(&d[..12], &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    d[0] != b'0' && begins_with_date(&d[1..]) && (if sum == 10 { 1 } else { sum }) == digit(d[12])
}

fn egn(d: &[u8]) -> bool {
    let month = pair(d, 2) % 20;
    let sum = weighted(&d[..9], &[2, 4, 8, 5, 10, 9, 7, 3, 6]);
    is_day(None, month, pair(d, 4)) && sum % 11 % 10 == digit(d[9])
}

fn rodne_cislo(d: &[u8]) -> bool {
    // Women have 50 more in the month; 20 more when the day's numbers ran out.
    let month = pair(d, 2) % 50;
    let month = if month > 20 { month - 20 } else { month };
    let rest = number(&d[..9]) % 11 % 10;
    is_day(None, month, pair(d, 4)) && rest == u64::from(digit(d[9]))
}
