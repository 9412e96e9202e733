//! WAV files whose length was never written: a recorder writes 0, and the length when it ends. One
//! that is killed, or writes to a pipe, leaves a header by which the file ends where its sound
//! begins. Such lengths are read as "unknown", 0xFFFF_FFFF.
//!
//! Format: RIFF, Multimedia Programming Interface and Data Specifications 1.0, part II.

use std::io::{self, Read};
use std::sync::Arc;

use crate::source::ReadAt;

/// `RIFF`, a length, `WAVE`.
const START: usize = 12;
/// An id and a length.
const CHUNK: usize = 8;
/// The most bytes before the sound that are looked at: a stream may be chunks without end.
const MOST: u64 = 1 << 16;
/// Where the length of all of it is.
const WHOLE_AT: usize = 4;
const UNKNOWN: [u8; 4] = [0xFF; 4];

/// Reads on, after the first 12 bytes in `head`, up to the first byte of a WAV file's sound, adding
/// to `head` what was read. Gives the places of the lengths that were never written.
///
/// # Errors
/// Those of the stream.
pub(crate) fn unwritten(head: &mut Vec<u8>, stream: &mut dyn Read) -> io::Result<Option<[u64; 2]>> {
    if !head.starts_with(b"RIFF") || head.get(8..START) != Some(b"WAVE") {
        return Ok(None);
    }
    let number = |bytes: &[u8]| bytes.try_into().map_or(0, u32::from_le_bytes);
    loop {
        let at = head.len();
        stream.take(CHUNK as u64).read_to_end(head)?;
        let Some(chunk) = head.get(at..at + CHUNK) else { return Ok(None) };
        let length = number(&chunk[4..]);
        if chunk.starts_with(b"data") {
            let ends = u64::from(number(&head[WHOLE_AT..START - 4])) + CHUNK as u64;
            let claims_none = length == 0 && ends <= head.len() as u64;
            let is_wrong = claims_none && stream.take(1).read_to_end(head)? == 1;
            return Ok(is_wrong.then_some([WHOLE_AT as u64, (at + 4) as u64]));
        }
        // Chunks begin at even places.
        let body = u64::from(length) + u64::from(length % 2);
        if head.len() as u64 + body > MOST || stream.take(body).read_to_end(head)? as u64 != body {
            return Ok(None);
        }
    }
}

/// Writes "unknown" over lengths in bytes that begin at `offset`.
pub(crate) fn cover(bytes: &mut [u8], offset: u64, places: [u64; 2]) {
    for (place, byte) in places.into_iter().flat_map(|place| (place..).zip(UNKNOWN)) {
        let at = place.checked_sub(offset).and_then(|at| usize::try_from(at).ok());
        if let Some(old) = at.and_then(|at| bytes.get_mut(at)) {
            *old = byte;
        }
    }
}

/// Bytes at any place, with lengths covered where they were never written.
///
/// # Errors
/// Those of the file.
pub(crate) fn covered(bytes: Arc<dyn ReadAt>) -> io::Result<Arc<dyn ReadAt>> {
    let mut reader = Reader { bytes: bytes.as_ref(), at: 0 };
    let mut head = Vec::with_capacity(64);
    (&mut reader as &mut dyn Read).take(START as u64).read_to_end(&mut head)?;
    Ok(match unwritten(&mut head, &mut reader)? {
        Some(places) => Arc::new(Covered { bytes, places }),
        None => bytes,
    })
}

struct Covered {
    bytes: Arc<dyn ReadAt>,
    places: [u64; 2],
}

impl ReadAt for Covered {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let n = self.bytes.read_at(buffer, offset)?;
        cover(&mut buffer[..n], offset, self.places);
        Ok(n)
    }
}

/// Reads one byte after the other.
struct Reader<'b> {
    bytes: &'b dyn ReadAt,
    at: u64,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.bytes.read_at(buffer, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(whole: u32, chunks: &[(&[u8; 4], u32, usize)]) -> Vec<u8> {
        let mut out = [b"RIFF".as_slice(), &whole.to_le_bytes(), b"WAVE"].concat();
        for (id, length, body) in chunks {
            out.extend(*id);
            out.extend(length.to_le_bytes());
            out.resize(out.len() + body, 7);
        }
        out
    }

    fn places(bytes: &[u8]) -> Option<[u64; 2]> {
        let (start, mut rest) = bytes.split_at(START.min(bytes.len()));
        let mut head = start.to_vec();
        let found = unwritten(&mut head, &mut rest).expect("no error");
        assert!(bytes.starts_with(&head), "nothing is lost");
        found
    }

    #[test]
    fn only_lengths_that_were_never_written_are_covered() {
        let sound = (b"data", 0, 5000);
        assert_eq!(places(&file(0, &[(b"fmt ", 16, 16), sound])), Some([4, 40]));
        assert_eq!(places(&file(36, &[(b"fmt ", 16, 16), sound])), Some([4, 40]));
        let odd = file(0, &[(b"fmt ", 16, 16), (b"LIST", 5, 6), sound]);
        assert_eq!(places(&odd), Some([4, 54]));
        // An empty sound, without and with something after it.
        assert_eq!(places(&file(36, &[(b"fmt ", 16, 16), (b"data", 0, 0)])), None);
        assert_eq!(places(&file(900, &[(b"fmt ", 16, 16), sound])), None);
        assert_eq!(places(&file(36, &[(b"fmt ", 16, 16), (b"data", 10, 10)])), None);
        for bytes in [b"".as_slice(), b"RIFF", b"RIFF\0\0\0\0WAVEdat", b"OggS\0\0\0\0WAVEdata"] {
            assert_eq!(places(bytes), None);
        }
        assert_eq!(places(&file(0, &[(b"junk", u32::MAX, 100)])), None);
        let mut head = file(0, &[]);
        let found = unwritten(&mut head, &mut std::io::repeat(0)).expect("no error");
        assert!(found.is_none() && head.len() as u64 <= MOST + CHUNK as u64, "chunks without end");
    }

    #[test]
    fn what_is_read_in_pieces_is_covered_in_pieces() {
        let bytes = file(0, &[(b"fmt ", 16, 16), (b"data", 0, 20)]);
        let mut whole = bytes.clone();
        cover(&mut whole, 0, [4, 40]);
        assert_eq!((&whole[4..8], &whole[40..44]), (&UNKNOWN[..], &UNKNOWN[..]));
        for size in 1..bytes.len() {
            let mut pieces = bytes.clone();
            for (n, piece) in pieces.chunks_mut(size).enumerate() {
                cover(piece, (n * size) as u64, [4, 40]);
            }
            assert_eq!(pieces, whole, "{size}");
        }
    }
}
