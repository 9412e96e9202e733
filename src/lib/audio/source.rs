//! Where bytes come from, and what went wrong with them: the demuxers see an I/O error as the end
//! of the input, so the source itself remembers it.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use symphonia::core::io::MediaSource;

use crate::Error;

/// A reader that cannot seek, such as standard input.
pub(crate) type Stream = Box<dyn Read + Send + Sync>;

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

enum Input {
    File { file: File, len: u64 },
    Stream(io::Chain<Cursor<Vec<u8>>, Stream>),
}

/// Bytes for a demuxer, with a [`Witness`] of errors.
pub(crate) struct Source {
    input: Input,
    witness: Witness,
}

impl Source {
    /// Opens a file, or a FIFO or device as a stream.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::Unreadable)?;
        let metadata = file.metadata().map_err(Error::Unreadable)?;
        if metadata.is_dir() {
            return Err(Error::Unreadable(io::ErrorKind::IsADirectory.into()));
        }
        if metadata.is_file() { Self::from_file(file) } else { Self::from_stream(Box::new(file)) }
    }

    /// Opens a file as if it were a pipe.
    pub(crate) fn open_unseekable(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::Unreadable)?;
        let input = Input::Stream(Cursor::new(Vec::new()).chain(Box::new(file)));
        Ok(Self { input, witness: Witness::default() })
    }

    fn from_file(mut file: File) -> Result<Self, Error> {
        let len = file.seek(SeekFrom::End(0)).map_err(Error::Unreadable)?;
        file.rewind().map_err(Error::Unreadable)?;
        if len == 0 {
            return Err(Error::Empty);
        }
        Ok(Self { input: Input::File { file, len }, witness: Witness::default() })
    }

    /// Takes a stream; MP4 and CAF are first written to an unnamed temporary file, because they
    /// may have their index at the end.
    pub(crate) fn from_stream(mut stream: Stream) -> Result<Self, Error> {
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
            return Self::from_file(file);
        }
        Ok(Self { input: Input::Stream(bytes), witness: Witness::default() })
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
                Input::File { file, .. } => file.read(buf),
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
        match &mut self.input {
            Input::File { file, .. } => file.seek(to),
            Input::Stream(_) => Err(io::ErrorKind::NotSeekable.into()),
        }
    }
}

impl MediaSource for Source {
    fn is_seekable(&self) -> bool {
        matches!(self.input, Input::File { .. })
    }

    fn byte_len(&self) -> Option<u64> {
        match self.input {
            Input::File { len, .. } => Some(len),
            Input::Stream(_) => None,
        }
    }
}
