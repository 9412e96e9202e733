//! Amounts of money: a number, and a currency of ISO 4217.

use iso_currency::Currency;
use serde_json::{Value, json};

use super::numbers::tokens;

/// Signs and words for currencies, folded; longer ones before those they begin with.
const SIGNS: [(&str, &str); 46] = [
    ("us$", "USD"),
    ("ca$", "CAD"),
    ("au$", "AUD"),
    ("nz$", "NZD"),
    ("hk$", "HKD"),
    ("mx$", "MXN"),
    ("r$", "BRL"),
    ("c$", "CAD"),
    ("a$", "AUD"),
    ("s$", "SGD"),
    ("€", "EUR"),
    ("£", "GBP"),
    ("₹", "INR"),
    ("₽", "RUB"),
    ("₩", "KRW"),
    ("₺", "TRY"),
    ("₴", "UAH"),
    ("₫", "VND"),
    ("₪", "ILS"),
    ("฿", "THB"),
    ("₦", "NGN"),
    ("₱", "PHP"),
    ("₸", "KZT"),
    ("zł", "PLN"),
    ("kč", "CZK"),
    ("ft", "HUF"),
    ("lei", "RON"),
    ("円", "JPY"),
    ("元", "CNY"),
    ("원", "KRW"),
    ("euros", "EUR"),
    ("euro", "EUR"),
    ("us dollars", "USD"),
    ("u.s. dollars", "USD"),
    ("pounds sterling", "GBP"),
    ("pounds", "GBP"),
    ("pound", "GBP"),
    ("yen", "JPY"),
    ("yuan", "CNY"),
    ("renminbi", "CNY"),
    ("rupees", "INR"),
    ("rubles", "RUB"),
    ("zloty", "PLN"),
    ("swiss francs", "CHF"),
    ("fr.", "CHF"),
    ("forint", "HUF"),
];

/// Signs that mean another currency in another region: sign, (region, currency), and what it
/// means elsewhere.
type Regional =
    (&'static [&'static str], &'static [(&'static str, &'static str)], Option<&'static str>);

const REGIONAL: [Regional; 3] = [
    (
        &["dollars", "dollar", "$"],
        &[
            ("CA", "CAD"),
            ("AU", "AUD"),
            ("NZ", "NZD"),
            ("SG", "SGD"),
            ("HK", "HKD"),
            ("TW", "TWD"),
            ("MX", "MXN"),
            ("AR", "ARS"),
            ("CL", "CLP"),
            ("CO", "COP"),
        ],
        Some("USD"),
    ),
    (&["¥"], &[("CN", "CNY")], Some("JPY")),
    (
        &["kronor", "kroner", "krona", "krone", "kr.", "kr"],
        &[("SE", "SEK"), ("NO", "NOK"), ("DK", "DKK"), ("IS", "ISK")],
        None,
    ),
];

/// An amount as it is compared and written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Amount {
    /// In plain notation.
    pub(crate) number: String,
    /// Code of ISO 4217.
    pub(crate) currency: Option<&'static str>,
}

impl Amount {
    /// The amount that a folded value is; none for what says anything else besides, such as
    /// "million".
    pub(crate) fn of(folded: &str, region: Option<&str>) -> Option<Self> {
        let mut found = tokens(folded);
        let token = found.next()?;
        if found.next().is_some() {
            return Self::spaced(folded, region);
        }
        let before = folded[..token.range.start].trim();
        let after = folded[token.range.end..].trim();
        let number = token.readings(folded).into_iter().next()?;
        let (negative, before) = match before.strip_prefix('-').or(before.strip_suffix('-')) {
            Some(rest) => (true, rest.trim()),
            None => (false, before),
        };
        // 1.240,- and 1.240.-
        let after = after.trim_start_matches(['-', '.', ',']).trim();
        let currency = match (before.is_empty(), after.is_empty()) {
            (true, true) => None,
            (false, true) => Some(currency(before, region)?),
            (true, false) => Some(currency(after, region)?),
            (false, false) => {
                // $5 USD: both, where they agree or the code is the surer one.
                let (one, other) = (currency(before, region)?, currency(after, region)?);
                Some(if Currency::from_code(&after.to_uppercase()).is_some() { other } else { one })
            }
        };
        let sign = if negative { "-" } else { "" };
        Some(Self { number: format!("{sign}{number}"), currency })
    }

    /// 1 240 500,25 EUR: groups with spaces between them.
    fn spaced(folded: &str, region: Option<&str>) -> Option<Self> {
        let mut joined = String::with_capacity(folded.len());
        let bytes = folded.as_bytes();
        for (at, c) in folded.char_indices() {
            let digit =
                |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
            let three = (1..=3).all(|n| digit(Some(at + n))) && !digit(Some(at + 4));
            if !(c == ' ' && digit(at.checked_sub(1)) && three) {
                joined.push(c);
            }
        }
        (joined.len() < folded.len()).then(|| Self::of(&joined, region))?
    }

    /// As it stands under `normalized`.
    pub(crate) fn to_json(&self) -> Value {
        // All digits are kept: it is no float.
        let number = self.number.parse().map_or_else(|_| json!(self.number), Value::Number);
        match self.currency {
            Some(currency) => json!({"amount": number, "currency": currency}),
            None => json!({"amount": number}),
        }
    }
}

/// The currency that a sign, word or code names.
fn currency(word: &str, region: Option<&str>) -> Option<&'static str> {
    if let Some((_, code)) = SIGNS.iter().find(|(sign, _)| *sign == word) {
        return Some(code);
    }
    for (signs, regions, elsewhere) in REGIONAL {
        if signs.contains(&word) {
            let here = regions.iter().find(|(name, _)| Some(*name) == region);
            return here.map(|(_, code)| *code).or(elsewhere);
        }
    }
    let code = word.to_uppercase();
    (code.len() == 3).then(|| Currency::from_code(&code)).flatten().map(|one| one.code())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::folded::folded_value;
    use super::*;

    fn amount(text: &str, region: Option<&str>) -> Option<(String, Option<&'static str>)> {
        Amount::of(&folded_value(text), region).map(|a| (a.number, a.currency))
    }

    #[test]
    fn an_amount_in_many_notations() {
        for (text, number, currency) in [
            ("€1,240.50", "1240.5", "EUR"),
            ("1.240,50 €", "1240.5", "EUR"),
            ("EUR 1240.50", "1240.5", "EUR"),
            ("1 240,50 euros", "1240.5", "EUR"),
            ("CHF 5'000.-", "5000", "CHF"),
            ("$5", "5", "USD"),
            ("US$5 USD", "5", "USD"),
            ("£ 12", "12", "GBP"),
            ("-12.00 GBP", "-12", "GBP"),
            ("￥５００", "500", "JPY"),
            ("500円", "500", "JPY"),
            ("1,240 usd", "1240", "USD"),
            ("99,99 zł", "99.99", "PLN"),
        ] {
            assert_eq!(amount(text, None), Some((number.into(), Some(currency))), "{text}");
        }
        assert_eq!(amount("240", None), Some(("240".into(), None)));
    }

    #[test]
    fn a_sign_means_what_it_means_in_the_region() {
        assert_eq!(amount("$5", Some("CA")), Some(("5".into(), Some("CAD"))));
        assert_eq!(amount("100 kr", Some("SE")), Some(("100".into(), Some("SEK"))));
        assert_eq!(amount("100 kr", None), None);
        assert_eq!(amount("¥100", Some("CN")), Some(("100".into(), Some("CNY"))));
    }

    #[test]
    fn what_says_more_is_no_amount() {
        for text in ["1.2 million euros", "5 apples", "5 to 6 euros", "euros", "", "19.11.2026 EUR"]
        {
            assert_eq!(amount(text, None), None, "{text}");
        }
        let amount = Amount { number: "1240.50".into(), currency: Some("EUR") };
        assert_eq!(amount.to_json().to_string(), r#"{"amount":1240.50,"currency":"EUR"}"#);
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "[$€a-z -]{0,4}[0-9., ]{0,12}[ €usdkrz.-]{0,4}") {
            let _ = amount(&text, Some("SE"));
        }
    }
}
