use proptest::prelude::*;
use serde_json::json;
use unicode_segmentation::UnicodeSegmentation as _;

use super::*;

fn found(text: &str, value: Value, kind: Kind) -> Option<(String, usize)> {
    let region: Region = "DE".parse().expect("a region");
    let span = Locator::new(text, &region).find(&value, kind)?;
    Some((text[span.start..span.end].to_owned(), span.count))
}

fn once(text: &str) -> Option<(String, usize)> {
    Some((text.to_owned(), 1))
}

#[test]
fn as_it_is_goes_before_in_other_letters() {
    let text = "ANNA wrote. Then Anna wrote again, and Anna left.";
    assert_eq!(found(text, json!("Anna"), Kind::Plain), Some(("Anna".into(), 2)));
    assert_eq!(found(text, json!("anna"), Kind::Plain), Some(("ANNA".into(), 3)));
    assert_eq!(found(text, json!("Ann"), Kind::Plain), None);
    assert_eq!(found(text, json!(""), Kind::Plain), None);
    assert_eq!(found(text, json!(true), Kind::Plain), None);
}

#[test]
fn cjk_and_combining_marks() {
    let text = "客户：张伟\u{3000}电话 ０３０-９０１８２０，Rene\u{301} zahlt ١٢ Euro";
    assert_eq!(found(text, json!("张伟"), Kind::Plain), once("张伟"));
    assert_eq!(found(text, json!("René"), Kind::Plain), once("Rene\u{301}"));
    assert_eq!(found(text, json!("Rene"), Kind::Plain), None);
    assert_eq!(found(text, json!(12), Kind::Plain), once("١٢"));
    assert_eq!(found(text, json!("030 901820"), Kind::Phone), once("０３０-９０１８２０"));
}

#[test]
fn numbers_dates_amounts_and_phones_in_other_forms() {
    let text = "Rechnung vom 19. November 2026: 1.240,50 € netto, Tel. (030) 90 18 20.";
    assert_eq!(found(text, json!(1240.5), Kind::Plain), once("1.240,50"));
    assert_eq!(found(text, json!("1240.50"), Kind::Plain), once("1.240,50"));
    assert_eq!(found(text, json!("2026-11-19"), Kind::Date), once("19. November 2026"));
    assert_eq!(found(text, json!("2026-11-20"), Kind::Date), None);
    assert_eq!(found(text, json!("EUR 1240.50"), Kind::Money), once("1.240,50 €"));
    assert_eq!(found(text, json!("USD 1240.50"), Kind::Money), None);
    assert_eq!(found(text, json!("EUR 1240.51"), Kind::Money), None);
    assert_eq!(found(text, json!("+49 30 901820"), Kind::Phone), once("(030) 90 18 20"));
    assert_eq!(found(text, json!("+49 30 901821"), Kind::Phone), None);
    // Only a field that is a date is read as one.
    assert_eq!(found(text, json!("2026-11-19"), Kind::Plain), None);
}

#[test]
fn an_amount_takes_the_currency_beside_it() {
    for (text, span) in [
        ("It costs 1,240.50 EUR.", "1,240.50 EUR"),
        ("It costs €1,240.50.", "€1,240.50"),
        ("Total (EUR 1.240,50), paid", "EUR 1.240,50"),
    ] {
        assert_eq!(found(text, json!("1240,50 euros"), Kind::Money), once(span), "{text}");
    }
}

proptest! {
    #[test]
    fn a_span_is_the_value_and_ends_where_characters_end(
        text in "([a-cÉé世👩🏽\u{301}ﬁＡ0-9.,€$ \n-]|19\\.11\\.2026|\u{1F1E9}\u{1F1EA}){0,40}",
        value in "[a-cé世\u{301}0-9.,€ -]{0,8}",
        kind in prop::sample::select(vec![Kind::Plain, Kind::Date, Kind::Money, Kind::Phone]),
    ) {
        let region: Region = "DE".parse().expect("a region");
        let locator = Locator::new(&text, &region);
        if let Some(span) = locator.find(&json!(value), kind) {
            let found = &text[span.start..span.end];
            let ends: Vec<usize> =
                text.grapheme_indices(true).map(|g| g.0).chain([text.len()]).collect();
            prop_assert!(ends.contains(&span.start) && ends.contains(&span.end));
            prop_assert!(span.count > 0);
            let same_words = folded_value(found) == folded_value(&value);
            let normal = |text: &str| super::super::normal::normalized(text, kind, &region);
            let same_form = normal(found).is_some() && (normal(found) == normal(&value) || kind == Kind::Money);
            let number = |text: &str| tokens(text).next().map(|t| t.readings(text)).unwrap_or_default();
            let (one, other) = (number(&folded_value(found)), number(&folded_value(&value)));
            let same_number = one.iter().any(|n| other.contains(n));
            let same_digits = phones::digits(&folded_value(found)) == phones::digits(&folded_value(&value));
            prop_assert!(same_words || same_form || same_number || same_digits, "{found:?} {value:?}");
        }
    }

    #[test]
    fn a_part_of_a_text_is_found_in_it(
        text in "([A-Za-zàéü世界]{1,8} ){1,12}", from in 0usize..12, words in 1usize..4,
    ) {
        let parts: Vec<&str> = text.split_whitespace().skip(from).take(words).collect();
        if !parts.is_empty() {
            let (value, region) = (parts.join(" "), Region::default());
            let span = Locator::new(&text, &region).find(&json!(value), Kind::Plain);
            let span = span.expect("it stands there");
            prop_assert_eq!(&text[span.start..span.end], value);
        }
    }
}
