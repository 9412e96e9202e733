//! A line that parses stays a record of the same values through every edit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use records::{Field, Malformed, Record, Step};

/// What every edit has to leave: the text of each member but those named.
fn others(record: &Record, edited: &[&str]) -> Vec<(String, String)> {
    let keys: Vec<String> = record.keys().map(|key| key.into_owned()).collect();
    let kept = keys.into_iter().filter(|key| !edited.contains(&key.as_str()));
    kept.map(|key| {
        let raw = record.raw(&key).expect("a key that is listed is there").to_owned();
        (key, raw)
    })
    .collect()
}

fuzz_target!(|data: &[u8]| {
    let Ok(mut record) = Record::parse(data) else {
        let stand_in = Malformed::to_record(data);
        assert!(Record::parse(stand_in.as_str().as_bytes()).is_ok_and(|again| again == stand_in));
        return;
    };
    let edited = ["via", "added"];
    let before = others(&record, &edited);
    for (key, raw) in &before {
        assert!(record.has(key));
        assert_eq!(Field::key(key).raw(&record), Some(raw.as_str()));
    }
    let _ = record.id();
    record.push_step(&Step::default());
    record.set("added", "é\"\\");
    assert_eq!(others(&record, &edited), before);
    assert_eq!(record.get::<String>("added").as_ref().ok(), Some(&Some("é\"\\".to_owned())));
    record.remove("added");
    record.set("via", &1);
    assert_eq!(others(&record, &edited), before);
    for (key, _) in &before {
        record.remove(key);
    }
    let again = Record::parse(record.as_str().as_bytes()).expect("an edited record is a record");
    assert_eq!(again, record);
    assert!(record.keys().all(|key| key == "via"));
});
