//! A document of any kind becomes text whose pages tile it, or an error, within its limits.
#![no_main]

mod contained;

use std::time::{Duration, Instant};

use document::{Document, Input, Limits, Wanted, extract};
use libfuzzer_sys::fuzz_target;

/// What a parser that does not look at the clock may take beyond it, and the slow build.
const SLACK: Duration = Duration::from_secs(10);

fn check(document: &Document, limits: &Limits, depth: usize) {
    assert!(document.text.len() <= limits.max_text);
    assert!(document.pages.len() <= limits.max_pages);
    assert!(document.children.len() <= limits.max_children);
    assert!(depth <= limits.max_depth);
    let mut end = 0;
    for page in &document.pages {
        assert!(page.start == end && page.start <= page.end);
        assert!(document.text.is_char_boundary(page.end));
        end = page.end;
    }
    assert!(document.pages.is_empty() || end == document.text.len());
    for heading in &document.outline {
        assert!(document.text.is_char_boundary(heading.start));
    }
    for table in &document.tables {
        assert!(document.text.get(table.start..table.end).is_some());
    }
    for child in &document.children {
        if let Ok(document) = &child.outcome {
            check(document, limits, depth + 1);
        }
    }
}

fuzz_target!(init: contained::allow_foreign_panics(), |input: (bool, &[u8])| {
    let (full, bytes) = input;
    let wanted = Wanted { full, tables: full, pages: None };
    let limits = Limits {
        max_bytes: 1 << 20,
        max_text: 1 << 16,
        max_stream: 1 << 20,
        max_pages: 50,
        max_objects: 10_000,
        max_children: 20,
        time: Duration::from_secs(5),
        ..Limits::default()
    };
    let start = Instant::now();
    let document = extract(Input { bytes, wanted }, None, &limits);
    assert!(start.elapsed() < limits.time + SLACK);
    if let Ok(document) = document {
        check(&document, &limits, 0);
    }
});
