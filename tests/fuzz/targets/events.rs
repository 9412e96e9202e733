//! Lines for `changed`, in every format: each becomes a record that can be parsed, with every name
//! once, or says why not. Rules and times that nobody could mean are refused.
#![no_main]
#![allow(dead_code, reason = "what is done with records is no part of this")]

#[path = "../../../src/bin/changed/lines/mod.rs"]
mod lines;
#[path = "../../../src/bin/changed/rule.rs"]
mod rule;
#[path = "../../../src/bin/changed/time.rs"]
mod time;
#[path = "../../../src/bin/changed/value.rs"]
mod value;

use libfuzzer_sys::fuzz_target;
use records::Record;

use self::lines::{Format, From, Taken};

fuzz_target!(|text: &str| {
    for from in [From::Mosquitto, From::Columns, From::Csv, From::Tsv] {
        let mut format = Format::new(from, Vec::new(), "");
        for line in text.split('\n') {
            match format.line(line) {
                Taken::Record(record) => {
                    let record = record.expect("these formats make records");
                    let again = Record::parse(record.as_str().as_bytes()).expect("JSON");
                    let names: std::collections::BTreeSet<_> = again.keys().collect();
                    assert_eq!(names.len(), again.keys().count(), "{again:?}");
                }
                Taken::Bad(bytes, malformed) => {
                    assert!(!bytes.is_empty() && !malformed.reason.is_empty());
                }
                Taken::Header(_) | Taken::Part | Taken::Nothing => {}
            }
        }
    }
    if let Ok(rule) = text.parse::<rule::FieldRule>() {
        assert!(rule.rule.every >= 0 && rule.rule.debounce >= 0 && rule.rule.hysteresis >= 0.0);
    }
    if let Some((when, form)) = time::parse(text) {
        let written = time::write(when, form).to_string();
        assert_eq!(time::parse(&written).map(|(again, _)| again), Some(when), "{written}");
    }
    assert!(value::same(text, text));
});
