//! A path to a field finds part of the record, and prints as a path to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use records::{Field, Record};

// The path, a line end, the record.
fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let (Some(path), Some(line)) = (parts.next(), parts.next()) else { return };
    let Ok(field) = String::from_utf8_lossy(path).parse::<Field>() else { return };
    let printed = field.to_string();
    assert_eq!(printed.parse::<Field>().as_ref(), Ok(&field), "{printed}");
    let Ok(record) = Record::parse(line) else { return };
    match field.raw(&record) {
        Some(raw) => assert!(record.as_str().contains(raw)),
        None => assert!(field.text(&record).is_err()),
    }
    if !record.has(field.top()) {
        assert!(field.raw(&record).is_none());
    }
});
