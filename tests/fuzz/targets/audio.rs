//! Any bytes are sound or an error, from a file as from a pipe; blocks are a second at most.
#![no_main]

use std::io::{self, Cursor};
use std::sync::Arc;

use audio::{BLOCK, Decoder, Pcm, ReadAt};
use libfuzzer_sys::fuzz_target;

struct Bytes(Vec<u8>);

impl ReadAt for Bytes {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let start = usize::try_from(offset).map_or(self.0.len(), |at| at.min(self.0.len()));
        let n = buffer.len().min(self.0.len() - start);
        buffer[..n].copy_from_slice(&self.0[start..start + n]);
        Ok(n)
    }
}

fn decode(decoder: Result<Decoder, audio::Error>) {
    let Ok(mut decoder) = decoder else { return };
    let mut last = false;
    for _ in 0..100 {
        let Ok(Some(block)) = decoder.next_block() else { return };
        assert!(!last && !block.is_empty() && block.len() <= BLOCK);
        assert!(block.iter().all(|x| (-1.0..=1.0).contains(x)));
        last = block.len() < BLOCK;
    }
}

fuzz_target!(|data: &[u8]| {
    decode(Decoder::from_reader(Box::new(Cursor::new(data.to_vec()))));
    decode(Decoder::from_bytes(Arc::new(Bytes(data.to_vec())), data.len() as u64));
    // The first line is the form of the samples after it.
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let form = std::str::from_utf8(&data[..end]).ok().and_then(|form| form.parse::<Pcm>().ok());
    if let Some(form) = form {
        decode(Ok(Decoder::raw(Box::new(Cursor::new(data[end..].to_vec())), form)));
    }
});
