use std::path::Path;
use std::sync::OnceLock;

use proptest::prelude::*;

use crate::{Finder, Kind, Level, OwnKind, Scratch, Settings};

/// Made once for each level: the word lists are long.
fn finder(level: Level) -> &'static Finder {
    static FINDERS: [OnceLock<Finder>; 3] = [const { OnceLock::new() }; 3];
    let make = || Finder::new(Settings { level, ..Settings::default() }).expect("no patterns");
    FINDERS[level as usize].get_or_init(make)
}

/// What is found in a text, as "kind:text".
fn found(finder: &Finder, text: &str) -> Vec<String> {
    let mut scratch = Scratch::default();
    let all = finder.find(text, &mut scratch).iter();
    all.map(|f| format!("{}:{}", finder.name(f.kind), &text[f.start..f.end])).collect()
}

fn medium(text: &str) -> Vec<String> {
    found(finder(Level::Medium), text)
}

fn high(text: &str) -> Vec<String> {
    found(finder(Level::High), text)
}

/// The valid numbers under tests/data: kind, rule, value.
fn vectors() -> Vec<(String, String, String)> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/data/redact/check-digits.tsv");
    let text = std::fs::read_to_string(path).expect("check-digits.tsv");
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    let row = |line: &str| {
        let mut parts = line.split('\t').map(str::to_owned);
        let mut next = || parts.next().expect("three columns");
        (next(), next(), next())
    };
    rows.map(row).collect()
}

fn sentence(kind: &str, value: &str) -> String {
    match kind {
        "national_id" => format!("Her national identity number is {value}, she said."),
        "card" => format!("Charge it to card {value}, please."),
        _ => format!("Pay into {value}, please."),
    }
}

#[test]
fn every_valid_number_is_found() {
    let finder = finder(Level::Medium);
    let missed: Vec<_> = vectors()
        .into_iter()
        .filter(|(kind, _, value)| {
            let wanted = format!("{kind}:{value}");
            !found(finder, &sentence(kind, value)).contains(&wanted)
        })
        .collect();
    assert!(missed.is_empty(), "{} missed: {missed:?}", missed.len());
}

#[test]
fn grouped_cards_and_accounts_are_found() {
    for (text, wanted) in [
        ("card 4111 1111 1111 1111 ok", "card:4111 1111 1111 1111"),
        ("card 3782-822463-10005.", "card:3782-822463-10005"),
        ("12 4111111111111111", "card:4111111111111111"),
        ("IBAN DE89 3704 0044 0532 0130 00", "iban:DE89 3704 0044 0532 0130 00"),
        ("(gb82west12345698765432)", "iban:gb82west12345698765432"),
        ("CPF 529.982.247-25", "national_id:529.982.247-25"),
        ("NINO AB 12 34 56 C", "national_id:AB 12 34 56 C"),
        ("RVNR 65170839J003", "national_id:65170839J003"),
        ("NRIC S1234567D", "national_id:S1234567D"),
        ("id A123456(3)", "national_id:A123456(3)"),
        ("tw id A123456789", "national_id:A123456789"),
        ("SNILS 112-233-445 95", "national_id:112-233-445 95"),
    ] {
        assert_eq!(medium(text), [wanted], "{text}");
    }
}

#[test]
fn random_digits_that_fail_every_check_are_nothing() {
    let finder = finder(Level::Medium);
    let known = |value: &str| {
        let bytes = value.as_bytes();
        let national = crate::national::all().any(|rule| {
            rule.masks.iter().any(|(mask, _)| {
                mask.len() == bytes.len()
                    && mask.bytes().all(|form| matches!(form, b'9' | b'X'))
                    && (rule.check)(bytes)
            })
        });
        national || crate::check::luhn(bytes)
    };
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut tried = 0;
    while tried < 10_000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let length = 8 + (state % 12) as usize;
        let digits = format!("{:020}", state.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let value = &digits[20 - length..];
        if known(value) {
            continue;
        }
        tried += 1;
        for text in [
            value.to_owned(),
            sentence("card", value),
            sentence("national_id", value),
            format!("IBAN DE{value}"),
        ] {
            let wrong: Vec<_> = found(finder, &text)
                .into_iter()
                .filter(|f| ["card:", "iban:", "national_id:"].iter().any(|k| f.starts_with(k)))
                .collect();
            assert!(wrong.is_empty(), "{text}: {wrong:?}");
        }
    }
}

#[test]
fn marks_and_computers_are_found() {
    for (text, wanted) in [
        ("Write to anna.berger+x@mail.beispiel.de.", "email:anna.berger+x@mail.beispiel.de"),
        ("<jo@a-b.co.uk>", "email:jo@a-b.co.uk"),
        ("from 192.168.1.17 port 22", "ip:192.168.1.17"),
        ("net 10.0.0.0/8.", "ip:10.0.0.0/8"),
        ("at fe80::1ff:fe23:4567:890a now", "ip:fe80::1ff:fe23:4567:890a"),
        ("2001:db8::8a2e:370:7334: down", "ip:2001:db8::8a2e:370:7334"),
        ("hw 00:1B:44:11:3A:B7", "mac:00:1B:44:11:3A:B7"),
        ("hw de-ad-be-ef-00-01,", "mac:de-ad-be-ef-00-01"),
        ("see https://x.org/a?b=c(d).", "url:https://x.org/a?b=c(d)"),
        ("(www.x.org/a)", "url:www.x.org/a"),
        ("call +49 (0) 30 901820 now", "phone:+49 (0) 30 901820"),
        ("(415) 555-2671", "phone:(415) 555-2671"),
        ("Tel. 06 12 34 56 78", "phone:06 12 34 56 78"),
        ("at 52.520008, 13.404954", "coordinates:52.520008, 13.404954"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "wallet:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
        ("plate B-AB 1234", "plate:B-AB 1234"),
    ] {
        assert_eq!(medium(text), [wanted], "{text}");
    }
    for nothing in [
        "version 1.2.3.4",
        "1.2.3.4.5",
        "12:34:56",
        "a@b",
        "256.1.1.1",
        "c::d of C++ std::io",
        "order 12345678",
        "in 2024",
        "5.3.1",
        "10 + 12",
        "v2.0.1-rc.3",
        "x[1] = y[2];",
    ] {
        assert_eq!(medium(nothing), [] as [&str; 0], "{nothing}");
    }
}

#[test]
fn secrets_and_labels_are_found() {
    for (text, wanted) in [
        ("password=hunter2", "password:hunter2"),
        ("\"db_password\": \"s3cr et!\"", "password:s3cr et!"),
        ("Das Passwort lautet Sommer2024!", "password:Sommer2024!"),
        ("mot de passe : azerty12", "password:azerty12"),
        ("mysql --password hunter2 -u", "password:hunter2"),
        (
            "token: ghp_0123456789abcdefghijABCDEFGHIJ012345",
            "secret:ghp_0123456789abcdefghijABCDEFGHIJ012345",
        ),
        ("AKIAIOSFODNN7EXAMPLE", "secret:AKIAIOSFODNN7EXAMPLE"),
        ("Authorization: Bearer q8Xv2LzP0aRt7WmK4cYd", "secret:q8Xv2LzP0aRt7WmK4cYd"),
        ("user=alice42", "username:alice42"),
        ("for invalid user bob from", "username:bob"),
    ] {
        assert!(medium(text).contains(&wanted.to_owned()), "{text}: {:?}", medium(text));
    }
    let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----";
    assert_eq!(medium(&format!("a {key} b")), [format!("secret:{key}")]);
    for nothing in
        ["password reset required", "password: <PASSWORD_1>", "the user was here", "token ring"]
    {
        assert_eq!(medium(nothing), [] as [&str; 0], "{nothing}");
    }
}

#[test]
fn dates_and_amounts_are_found_when_asked_for() {
    for (text, wanted) in [
        ("on 2026-11-21T12:30:00Z it", "date:2026-11-21T12:30:00Z"),
        ("[21/Nov/2026:12:30:00 +0000]", "date:21/Nov/2026:12:30:00 +0000"),
        ("am 12. März 1985 in", "date:12. März 1985"),
        ("el 3 de mayo de 2024", "date:3 de mayo de 2024"),
        ("March 12, 1985", "date:March 12, 1985"),
        ("due 21.11.2026.", "date:21.11.2026"),
        ("costs $1,234.50", "amount:$1,234.50"),
        ("kostet 1.234,50 €", "amount:1.234,50 €"),
        ("USD 12", "amount:USD 12"),
    ] {
        assert_eq!(high(text), [wanted], "{text}");
        assert_eq!(medium(text), [] as [&str; 0], "{text}");
    }
    assert_eq!(medium("geboren am 12.03.1985"), ["birth_date:12.03.1985"]);
    assert_eq!(medium("geb. am 2. Februar 1990"), ["birth_date:2. Februar 1990"]);
    assert_eq!(medium("geboren 2. 3. 1990"), ["birth_date:2. 3. 1990"]);
    assert_eq!(medium("née le 3 mars 1980 à"), ["birth_date:3 mars 1980"]);
    assert_eq!(high("31.02.2024 is no day"), [] as [&str; 0]);
}

#[test]
fn names_are_found_by_lists_and_context() {
    for (text, wanted) in [
        ("I met Anna Berger yesterday.", "person:Anna Berger"),
        ("Dear Mr Xqutz, thanks", "person:Xqutz"),
        ("Sehr geehrte Frau Dr. Müller-Lüdenscheidt,", "person:Müller-Lüdenscheidt"),
        ("Dear Zbyx,", "person:Zbyx"),
        ("Best regards,\nZbyx Qornt\n", "person:Zbyx Qornt"),
        ("patient: Zbyx Qornt", "person:Zbyx Qornt"),
        ("J. Smith wrote", "person:J. Smith"),
        ("with Vincent van Gogh.", "person:Vincent van Gogh"),
        ("bei der Müller & Söhne GmbH an", "organisation:Müller & Söhne GmbH"),
        ("She lives in Barcelona now", "place:Barcelona"),
        ("Hauptstraße 12a, 10115 Berlin", "address:Hauptstraße 12a, 10115 Berlin"),
        ("at 12 Baker Street, London", "address:12 Baker Street, London"),
        ("12, rue Victor Hugo, 75001 Paris", "address:12, rue Victor Hugo, 75001 Paris"),
    ] {
        assert_eq!(medium(text), [wanted], "{text}");
    }
    for nothing in
        ["The meeting is on Monday.", "Will you come?", "Best regards", "Wir treffen uns am Markt."]
    {
        assert_eq!(medium(nothing), [] as [&str; 0], "{nothing}");
    }
}

#[test]
fn own_kinds_words_and_exceptions() {
    let own = OwnKind {
        name: "employee".into(),
        regex: Some(r"E-\d{4}".into()),
        words: vec!["Projekt Möwe".into()],
        context: vec!["staff".into()],
        score: 0.8,
    };
    let settings = Settings {
        own: vec![own],
        allow: vec!["support@x.org".into()],
        deny: vec!["Bluebird".into()],
        ..Settings::default()
    };
    let finder = Finder::new(settings).expect("good patterns");
    assert_eq!(found(&finder, "staff E-1234 and"), ["employee:E-1234"]);
    assert_eq!(found(&finder, "part E-1234 and"), [] as [&str; 0]);
    assert_eq!(found(&finder, "the staff of projekt Möwe"), ["employee:projekt Möwe"]);
    assert_eq!(found(&finder, "SUPPORT@x.org, bluebird, bluebirds"), ["private:bluebird"]);
    let bad = OwnKind { name: "x".into(), regex: Some("(".into()), ..OwnKind::default() };
    assert!(Finder::new(Settings { own: vec![bad], ..Settings::default() }).is_err());
}

#[test]
fn kinds_and_scores_are_chosen() {
    let settings = Settings { kinds: Some(vec![Kind::Date]), ..Settings::default() };
    let dates = Finder::new(settings).expect("no patterns");
    assert_eq!(found(&dates, "anna@x.org on 2026-11-21"), ["date:2026-11-21"]);
    let settings = Settings { without: vec![Kind::Email], ..Settings::default() };
    let rest = Finder::new(settings).expect("no patterns");
    assert_eq!(found(&rest, "anna@x.org 10.1.2.3"), ["ip:10.1.2.3"]);
    let settings = Settings { least: vec![(Kind::Ip, 0.95)], ..Settings::default() };
    let strict = Finder::new(settings).expect("no patterns");
    assert_eq!(found(&strict, "10.1.2.3"), [] as [&str; 0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text_is_searched(text in "\\PC{0,200}") {
        check(&text);
    }

    #[test]
    fn texts_of_marks_and_words_are_searched(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "Anna", "Dear", "Mr", "von", "Berger", "GmbH", "Straße", "12", "10115", "Berlin", "@", ".",
                ",", " ", "\n", ":", "//", "http", "password", "=", "\"", "user", "<PERSON_1>", "<", ">",
                "+49", "(", ")", "-", "/", "2026", "€", "März", "é", "\u{301}", "DE89", "0x", "eyJ", "'", "°",
                "-----BEGIN", "PRIVATE KEY", "www", "::", "ff", "1.2.3.4", "你好", "\u{a0}", "AB", "\\",
            ]),
            0..40,
        )
    ) {
        check(&parts.concat());
    }
}

/// What holds of every text: findings are in order, whole characters, and outside placeholders.
fn check(text: &str) {
    for level in [Level::Low, Level::High] {
        let finder = finder(level);
        let mut scratch = Scratch::default();
        let mut last = 0;
        for f in finder.find(text, &mut scratch) {
            assert!(f.start >= last && f.start < f.end && f.end <= text.len(), "{f:?}");
            assert!(text.is_char_boundary(f.start) && text.is_char_boundary(f.end), "{f:?}");
            assert!((0.0..=1.0).contains(&f.score), "{f:?}");
            assert!(crate::placeholders(&text[f.start..f.end]).is_empty(), "{f:?}");
            last = f.end;
        }
    }
}
