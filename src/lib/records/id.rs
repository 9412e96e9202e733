use std::io::{self, Read};

/// Bytes of the BLAKE3 hash that an id keeps: 128 bits, so that a collision among 10¹² contents
/// has a chance below 10⁻¹⁴.
const ID_BYTES: usize = 16;

/// The id of some content: the first 128 bits of its BLAKE3 hash, in lower-case hex.
///
/// The same bytes have the same id on every machine and in every run.
pub fn content_id(bytes: &[u8]) -> String {
    hex(&blake3::hash(bytes))
}

fn hex(hash: &blake3::Hash) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let nibbles = hash.as_bytes()[..ID_BYTES].iter().flat_map(|b| [b >> 4, b & 15]);
    nibbles.map(|nibble| DIGITS[usize::from(nibble)]).collect()
}

/// [`content_id`] of what is read through it, for sources that do not fit memory.
pub struct ContentHasher<R> {
    inner: R,
    hasher: blake3::Hasher,
}

impl<R: Read> ContentHasher<R> {
    /// Hashes what is read from `inner`.
    pub fn new(inner: R) -> Self {
        Self { inner, hasher: blake3::Hasher::new() }
    }

    /// Reads what is left of the source, and gives the id of all of it.
    ///
    /// # Errors
    /// Those of reading.
    pub fn finish(mut self) -> io::Result<String> {
        self.hasher.update_reader(self.inner)?;
        Ok(hex(&self.hasher.finalize()))
    }
}

impl<R: Read> Read for ContentHasher<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..n]);
        Ok(n)
    }
}
