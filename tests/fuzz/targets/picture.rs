//! Any bytes are a picture or an error, within bounded memory; what is seen of it is in its range.
#![no_main]

mod contained;

use std::io::Cursor;

use images::{Hints, Options, kind, look};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: contained::allow_foreign_panics(), |data: &[u8]| {
    let options = Options { thumbnail: Some(64), memory: 16 << 20, ..Options::default() };
    let Ok(look) = look(Cursor::new(data), &options) else { return };
    assert!(look.width > 0 && look.height > 0);
    assert!(look.sharpness.is_finite() && look.sharpness >= 0.0);
    for share in [look.exposure.mean, look.exposure.shadows, look.exposure.highlights] {
        assert!((0.0..=1.0).contains(&share));
    }
    assert!(look.likeness.compare(&look.likeness) == 1.0);
    assert!(kind(&look, &Hints::default()).confidence > 0.3);
});
