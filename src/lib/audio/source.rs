//! Where bytes come from, and what went wrong with them: the demuxers see an I/O error as the end
//! of the input, so the source itself remembers it.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

use symphonia::core::io::MediaSource;

use crate::Error;

/// A reader that cannot seek, such as standard input.
pub type Stream = Box<dyn Read + Send + Sync>;

/// The first I/O error a source met, kept for the message.
#[derive(Clone, Default)]
pub(crate) struct Witness(Arc<Mutex<Option<io::Error>>>);

impl Witness {
    /// The error, once.
    pub(crate) fn take(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn keep(&self, error: &io::Error) {
        let copy = match error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(error.kind(), error.to_string()),
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(copy);
    }
}

/// Bytes that can be read at any place, such as a file's; a caller that wants to see what is read
/// stands between with one of its own.
pub trait ReadAt: Send + Sync {
    /// Reads some bytes that begin at `offset`; 0 at the end.
    ///
    /// # Errors
    /// Those of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl ReadAt for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }
}

enum Input {
    Placed { bytes: Arc<dyn ReadAt>, len: u64, at: u64, may_seek: bool },
    Stream(io::Chain<Cursor<Vec<u8>>, Stream>),
}

/// A stream that was looked at.
pub(crate) enum Streamed {
    /// It can be decoded as it comes.
    Direct(Source),
    /// It was first written to an unnamed temporary file.
    Spooled(File),
}

/// Bytes for a demuxer, with a [`Witness`] of errors.
pub(crate) struct Source {
    input: Input,
    witness: Witness,
}

impl Source {
    /// `len` bytes of a file, to be read in any order or, where it may not seek, as if they came
    /// through a pipe.
    pub(crate) fn placed(bytes: Arc<dyn ReadAt>, len: u64, may_seek: bool) -> Result<Self, Error> {
        if len == 0 {
            return Err(Error::Empty);
        }
        let input = Input::Placed { bytes, len, at: 0, may_seek };
        Ok(Self { input, witness: Witness::default() })
    }

    /// Takes a stream; MP4 and CAF go to a temporary file, because they may have their index at
    /// the end.
    pub(crate) fn streamed(mut stream: Stream) -> Result<Streamed, Error> {
        let mut head = Vec::with_capacity(16);
        stream.by_ref().take(12).read_to_end(&mut head).map_err(Error::Unreadable)?;
        if head.is_empty() {
            return Err(Error::Empty);
        }
        let needs_seek = head.get(4..8) == Some(b"ftyp") || head.starts_with(b"caff");
        let mut bytes = Cursor::new(head).chain(stream);
        if needs_seek {
            let mut file = tempfile::tempfile().map_err(Error::Unreadable)?;
            io::copy(&mut bytes, &mut file).map_err(Error::Unreadable)?;
            return Ok(Streamed::Spooled(file));
        }
        let input = Input::Stream(bytes);
        Ok(Streamed::Direct(Self { input, witness: Witness::default() }))
    }

    /// A handle on the errors of this source.
    pub(crate) fn witness(&self) -> Witness {
        self.witness.clone()
    }
}

impl Read for Source {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let result = match &mut self.input {
                Input::Placed { bytes, at, .. } => {
                    bytes.read_at(buf, *at).inspect(|n| *at += *n as u64)
                }
                Input::Stream(stream) => stream.read(buf),
            };
            match result {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.witness.keep(&e);
                    return Err(e);
                }
                Ok(n) => return Ok(n),
            }
        }
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let Input::Placed { len, at, may_seek: true, .. } = &mut self.input else {
            return Err(io::ErrorKind::NotSeekable.into());
        };
        let to = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(by) => at.checked_add_signed(by),
            SeekFrom::End(by) => len.checked_add_signed(by),
        };
        *at = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(*at)
    }
}

impl MediaSource for Source {
    fn is_seekable(&self) -> bool {
        matches!(self.input, Input::Placed { may_seek: true, .. })
    }

    fn byte_len(&self) -> Option<u64> {
        match self.input {
            Input::Placed { len, may_seek: true, .. } => Some(len),
            _ => None,
        }
    }
}
