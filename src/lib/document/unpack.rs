//! What is compressed as one file: gzip (RFC 1952), Zstandard (RFC 8878), bzip2.

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use ruzstd::decoding::StreamingDecoder;

use crate::error::ExtractError;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// gzip, with any number of members.
    Gzip,
    /// Zstandard, with any number of frames.
    Zstd,
    /// bzip2, with any number of streams.
    Bzip2,
}

/// What `source` says uncompressed: at most `limit` bytes, then [`io::ErrorKind::FileTooLarge`].
pub fn reader<'r>(kind: Compression, source: impl Read + 'r, limit: u64) -> Box<dyn Read + 'r> {
    let source = BufReader::new(source);
    match kind {
        Compression::Gzip => bounded(flate2::bufread::MultiGzDecoder::new(source), limit),
        Compression::Bzip2 => bounded(bzip2::bufread::MultiBzDecoder::new(source), limit),
        Compression::Zstd => bounded(Frames { state: State::Between(source) }, limit),
    }
}

fn bounded<'r>(source: impl Read + 'r, limit: u64) -> Box<dyn Read + 'r> {
    Box::new(Bounded { source, left: limit })
}

/// All of it.
///
/// # Errors
/// [`ExtractError::TooLarge`] when it is over `limit` bytes, [`ExtractError::Corrupt`].
pub(crate) fn whole(kind: Compression, bytes: &[u8], limit: u64) -> Result<Vec<u8>, ExtractError> {
    let mut out = Vec::new();
    match reader(kind, bytes, limit).read_to_end(&mut out) {
        Ok(_) => Ok(out),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            Err(ExtractError::TooLarge { what: "bytes", limit })
        }
        Err(error) => Err(ExtractError::corrupt(error)),
    }
}

/// The name of what is inside: `notes.md` for `notes.md.gz`, `all.tar` for `all.tgz`.
pub fn inner_name(name: &Path) -> PathBuf {
    let extension = name.extension().and_then(|e| e.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "gz" | "zst" | "bz2" | "z" => name.with_extension(""),
        "tgz" | "tzst" | "tbz" | "tbz2" => name.with_extension("tar"),
        _ => name.to_owned(),
    }
}

/// Fails where more comes than is allowed, so that a cut file is not taken for a whole one.
struct Bounded<R> {
    source: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left.saturating_add(1)).unwrap_or(usize::MAX);
        let most = most.min(buffer.len());
        let read = self.source.read(&mut buffer[..most])?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => {
                let message = "it expands to more than is allowed";
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
            }
        }
        Ok(read)
    }
}

/// Frames of Zstandard, one behind the other.
struct Frames<R: Read> {
    state: State<R>,
}

enum State<R: Read> {
    Between(R),
    Inside(Box<StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>),
    Ended,
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Ended => return Ok(0),
                State::Inside(mut decoder) => {
                    let read = decoder.read(buffer)?;
                    if read > 0 {
                        self.state = State::Inside(decoder);
                        return Ok(read);
                    }
                    self.state = State::Between(decoder.into_inner());
                }
                State::Between(mut source) => {
                    if source.fill_buf()?.is_empty() {
                        return Ok(0);
                    }
                    self.state = open_frame(source)?;
                }
            }
        }
    }
}

/// A frame to read, or the place after one that is to be skipped (RFC 8878, 3.1.2).
fn open_frame<R: BufRead>(mut source: R) -> io::Result<State<R>> {
    let mut head = [0; 4];
    let known = source.fill_buf()?;
    let length = known.len().min(4);
    head[..length].copy_from_slice(&known[..length]);
    if length == 4 && (0x184D_2A50..=0x184D_2A5F).contains(&u32::from_le_bytes(head)) {
        source.consume(4);
        source.read_exact(&mut head)?;
        let length = u64::from(u32::from_le_bytes(head));
        io::copy(&mut (&mut source).take(length), &mut io::sink())?;
        return Ok(State::Between(source));
    }
    let decoder = StreamingDecoder::new(source)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
    Ok(State::Inside(Box::new(decoder)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "hello\n" twice, each as a frame of its own, with a frame to skip between them.
    const ZSTD: &[u8] = &[
        0x28, 0xb5, 0x2f, 0xfd, 0x20, 6, 0x31, 0, 0, b'h', b'e', b'l', b'l', b'o', b'\n', 0x51,
        0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3, 0x28, 0xb5, 0x2f, 0xfd, 0x20, 6, 0x31, 0, 0, b'h',
        b'e', b'l', b'l', b'o', b'\n',
    ];

    #[test]
    fn frames_follow_each_other() {
        let text = whole(Compression::Zstd, ZSTD, 100).expect("readable");
        assert_eq!(text, b"hello\nhello\n");
        let cut = whole(Compression::Zstd, &ZSTD[..12], 100);
        assert!(matches!(cut, Err(ExtractError::Corrupt { .. })), "{cut:?}");
    }

    #[test]
    fn more_than_is_allowed_is_refused() {
        let exact = whole(Compression::Zstd, ZSTD, 12).expect("readable");
        assert_eq!(exact.len(), 12);
        let over = whole(Compression::Zstd, ZSTD, 11);
        assert!(matches!(over, Err(ExtractError::TooLarge { limit: 11, .. })), "{over:?}");
    }

    #[test]
    fn names_lose_what_says_how_they_are_compressed() {
        let inner = |name: &str| inner_name(Path::new(name)).to_string_lossy().into_owned();
        assert_eq!(inner("a/notes.md.gz"), "a/notes.md");
        assert_eq!(inner("all.TGZ"), "all.tar");
        assert_eq!(inner("plain"), "plain");
    }
}
