//! A model file's header is read or refused, in memory that the file's numbers do not decide.
#![no_main]

mod damage;
#[path = "../../../src/lib/models/fixture.rs"]
mod fixture;

use std::io::Cursor;
use std::sync::LazyLock;

use damage::damaged;
use fixture::{Gguf, vad, whisper};
use libfuzzer_sys::fuzz_target;

static SAMPLES: LazyLock<[Vec<u8>; 3]> = LazyLock::new(|| {
    let mut gguf = Gguf::llama(1);
    gguf.array("tokenizer.ggml.tokens", 8, 1, &[1, 0, 0, 0, 0, 0, 0, 0, b'a']);
    gguf.array("tokenizer.ggml.scores", 6, 1, &[0; 4]);
    [gguf.bytes(), whisper(51_865), vad()]
});

// The first byte says which sound file the rest damages; 0xff, that the rest is the file.
fuzz_target!(|data: &[u8]| {
    let [which, rest @ ..] = data else { return };
    let file = match which {
        0xff => rest.to_vec(),
        n => damaged(&SAMPLES[usize::from(*n) % SAMPLES.len()], rest, 4096),
    };
    let length = file.len() as u64;
    let Ok(found) = modelstore::inspect::inspect_reader(Cursor::new(file)) else { return };
    // The smallest weights take more than a bit each, and all of them are in the file.
    assert!(found.bytes == length && found.parameters / 8 <= length);
    assert!(found.tensors <= length);
});
