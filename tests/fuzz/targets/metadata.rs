//! A picture's or video's metadata is read or refused; what is read keeps its own rules.
#![no_main]

mod damage;
#[allow(dead_code)]
#[path = "../../../src/lib/metadata/tests/samples/mod.rs"]
mod samples;

use std::io::Cursor;
use std::path::Path;
use std::sync::LazyLock;

use damage::damaged;
use libfuzzer_sys::fuzz_target;
use metadata::{Options, Sidecar, Takeout};

static SAMPLES: LazyLock<Vec<(&'static str, Vec<u8>)>> = LazyLock::new(samples::all);

// The first byte says which sound file the rest damages; 0xff, that the rest is the file.
fuzz_target!(|data: &[u8]| {
    let [which, rest @ ..] = data else { return };
    let (name, file) = match which {
        0xff => ("a.jpg", rest.to_vec()),
        n => {
            let (name, sound) = &SAMPLES[usize::from(*n) % SAMPLES.len()];
            (*name, damaged(sound, rest, 1 << 16))
        }
    };
    let _ = Sidecar::parse(&file);
    let _ = Takeout::parse(&file);
    let length = file.len() as u64;
    let Ok(found) = metadata::read(Path::new(name), &mut Cursor::new(file)) else { return };
    assert!(found.previews.iter().all(|p| p.offset < length));
    assert!(found.gps.is_none_or(|g| g.latitude.abs() <= 90.0 && g.longitude.abs() <= 180.0));
    let options = Options::at(jiff::Timestamp::UNIX_EPOCH);
    if let Some(taken) = metadata::date(&found.stamps, &options).taken {
        assert!((0.0..=1.0).contains(&taken.confidence));
        assert!((1826..=1970).contains(&taken.local.year()));
    }
});
