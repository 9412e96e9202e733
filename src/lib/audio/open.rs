//! The ways to open a [`Decoder`].

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::mpeg4::{claimed_len, is_encrypted};
use crate::source::{ReadAt, Source, Stream, Streamed, read_full};
use crate::{Decoder, Error, wave};

impl Decoder {
    /// Opens a file, a FIFO or a device.
    ///
    /// # Errors
    /// Any [`Error`] but [`Error::Truncated`]; a directory is [`Error::Unreadable`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::Unreadable)?;
        let metadata = file.metadata().map_err(Error::Unreadable)?;
        if metadata.is_dir() {
            return Err(Error::Unreadable(io::ErrorKind::IsADirectory.into()));
        }
        if metadata.is_file() {
            Self::from_bytes(Arc::new(file), metadata.len())
        } else {
            Self::from_reader(Box::new(file))
        }
    }

    /// Reads `len` bytes of something that can be read at any place.
    ///
    /// # Errors
    /// As [`Decoder::open`].
    pub fn from_bytes(bytes: Arc<dyn ReadAt>, len: u64) -> Result<Self, Error> {
        if len == 0 {
            return Err(Error::Empty);
        }
        let bytes = wave::covered(bytes).map_err(Error::Unreadable)?;
        let mut head = [0; 3];
        let n = read_full(bytes.as_ref(), &mut head, 0).map_err(Error::Unreadable)?;
        // Where its reader may seek, the length of an MP3 without one in its header is estimated,
        // and nobody can tell which of the two it is.
        let may_seek = !matches!(head[..n], [b'I', b'D', b'3'] | [0xFF, 0xE0..=0xFF, _]);
        let claimed = claimed_len(bytes.as_ref(), len).map_err(Error::Unreadable)?;
        let source = Source::placed(Arc::clone(&bytes), claimed, may_seek);
        Self::from_source(source).or_else(|error| match error {
            // Readers that may seek refuse a cut file whose beginning is good.
            Error::Unsupported(_) | Error::Corrupt { .. } | Error::Truncated { .. } => {
                let again = Source::placed(bytes, len, false);
                Self::from_source(again).map_err(|_| error)
            }
            Error::NoAudioTrack if is_encrypted(bytes.as_ref(), len).unwrap_or(false) => {
                Err(Error::Unsupported("it is encrypted (DRM)".into()))
            }
            _ => Err(error),
        })
    }

    /// Reads from something that cannot seek, such as standard input.
    ///
    /// # Errors
    /// As [`Decoder::open`].
    pub fn from_reader(reader: Stream) -> Result<Self, Error> {
        match Source::streamed(reader)? {
            Streamed::Direct(source) => Self::from_source(source),
            Streamed::Spooled(file) => {
                let len = file.metadata().map_err(Error::Unreadable)?.len();
                Self::from_bytes(Arc::new(file), len)
            }
        }
    }
}
