//! Any expression on any record ends, within its limits.
#![no_main]

mod contained;

use std::time::{Duration, Instant};

use expression::{Expression, Limits};
use libfuzzer_sys::fuzz_target;

// The expression, a NUL, the record: seeds can be written by hand.
fuzz_target!(init: contained::allow_foreign_panics(), |data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else { return };
    let (expression, record) = text.split_once('\0').unwrap_or((text, "{}"));
    let limits = Limits { steps: 10_000, time: Duration::from_millis(200) };
    let start = Instant::now();
    if let Ok(gate) = Expression::new(expression, limits) {
        let _ = gate.admits(record);
    }
    // The caller itself waits two seconds longer than the limit; the build is slow.
    assert!(start.elapsed() < Duration::from_secs(10), "{expression}");
});
