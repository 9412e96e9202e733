//! Lines do not depend on how the bytes arrive, and none exceeds the limit.
#![no_main]

use std::io::{ErrorKind, Read};

use libfuzzer_sys::fuzz_target;
use records::{Line, LineReader};

/// Twice the size of the reader's buffer, and some: more is only slower.
const LONGEST: usize = 140_000;

/// Gives `piece` bytes at a time, and is interrupted before each where that is asked for.
struct Pieces<'a> {
    left: &'a [u8],
    piece: usize,
    interrupts: bool,
    interrupted: bool,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.interrupted = self.interrupts && !self.interrupted;
        if self.interrupted {
            return Err(ErrorKind::Interrupted.into());
        }
        let n = self.piece.min(buffer.len()).min(self.left.len());
        buffer[..n].copy_from_slice(&self.left[..n]);
        self.left = &self.left[n..];
        Ok(n)
    }
}

fn lines(left: &[u8], piece: usize, interrupts: bool, max: usize) -> Vec<(Vec<u8>, Option<u64>)> {
    let pieces = Pieces { left, piece, interrupts, interrupted: false };
    let mut reader = LineReader::new(pieces, max);
    let mut out = Vec::new();
    loop {
        match reader.next_line() {
            Ok(None) => return out,
            Ok(Some(Line::Whole(line))) => {
                assert!(line.len() <= max && !line.contains(&b'\n'));
                out.push((line.to_vec(), None));
            }
            Ok(Some(Line::TooLong { start, bytes })) => {
                assert!(start.len() <= max && bytes > max as u64 && !start.contains(&b'\n'));
                out.push((start.to_vec(), Some(bytes)));
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::Interrupted),
        }
        assert!(out.len() as u64 == reader.number());
    }
}

// Size of a piece, longest line, how often the bytes are repeated.
fuzz_target!(|input: (u16, u32, u16, bool, &[u8])| {
    let (piece, max, times, interrupts, bytes) = input;
    let most = LONGEST.checked_div(bytes.len()).unwrap_or(0);
    let data = bytes.repeat(usize::from(times).min(most).max(1));
    // Many small reads of much data show nothing that fewer do not.
    let piece = usize::from(piece).max(1 + data.len() / 4096);
    let max = max as usize % LONGEST;
    let whole = lines(&data, usize::MAX, false, max);
    assert_eq!(lines(&data, piece, interrupts, max), whole);
    let feeds = data.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(whole.len(), feeds + usize::from(data.last().is_some_and(|byte| *byte != b'\n')));
});
