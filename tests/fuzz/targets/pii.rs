//! What is private in any text: findings in order, none over another, on whole characters; what
//! they leave, read again, holds up.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pii::{Finder, Scratch, Settings};

static FINDER: LazyLock<Finder> =
    LazyLock::new(|| Finder::new(Settings::default()).expect("the usual settings are valid"));

fuzz_target!(|text: &str| {
    let mut scratch = Scratch::default();
    let found = FINDER.find(text, &mut scratch).to_vec();
    let mut end = 0;
    let mut masked = String::new();
    for finding in &found {
        assert!(finding.start >= end && finding.start < finding.end);
        assert!((0.0..=1.0).contains(&finding.score) && !finding.rule.is_empty());
        masked.push_str(&text[end..finding.start]);
        masked.push_str("<PRIVATE_1>");
        assert!(!text[finding.start..finding.end].is_empty());
        end = finding.end;
    }
    masked.push_str(&text[end..]);
    // The same text gives the same findings, whatever was read before.
    FINDER.find(&masked, &mut scratch);
    assert_eq!(FINDER.find(text, &mut scratch), found);
});
