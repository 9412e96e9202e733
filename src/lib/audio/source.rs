//! Where bytes come from, and what went wrong with them: the demuxers see an I/O error as the end
//! of the input, so the source itself remembers it.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

use symphonia::core::io::MediaSource;

use crate::{Error, wave};

/// A reader that cannot seek, such as standard input.
pub type Stream = Box<dyn Read + Send + Sync>;

/// The longest page of an Ogg stream: its header, the table of its segments, and these. RFC 3533,
/// section 6.
const OGG_PAGE: usize = 27 + 255 + 255 * 255;

/// What a source met, for what is said at the end.
#[derive(Clone, Default)]
pub(crate) struct Witness(Arc<Mutex<Met>>);

#[derive(Default)]
struct Met {
    /// The first I/O error, for the message.
    error: Option<io::Error>,
    is_ogg: bool,
    /// Of an Ogg stream, the last bytes read, which end at `end` in the source.
    last: Vec<u8>,
    end: u64,
}

impl Witness {
    fn met(&self) -> std::sync::MutexGuard<'_, Met> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The error, once.
    pub(crate) fn take(&self) -> Option<io::Error> {
        self.met().error.take()
    }

    /// Whether this is an Ogg stream whose last page is not whole, or does not close its stream:
    /// nothing else in it tells how long it should be.
    pub(crate) fn is_unclosed(&self) -> bool {
        let met = self.met();
        met.is_ogg && !ends_closed(&met.last)
    }

    fn keep(&self, error: &io::Error) {
        let copy = match error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(error.kind(), error.to_string()),
        };
        self.met().error.get_or_insert(copy);
    }

    fn see(&self, bytes: &[u8], at: u64) {
        let mut met = self.met();
        if at == 0 && !bytes.is_empty() {
            met.is_ogg = bytes.starts_with(b"OggS");
        }
        if !met.is_ogg {
            return;
        }
        if at != met.end {
            met.last.clear();
        }
        met.last.extend_from_slice(bytes);
        met.end = at + bytes.len() as u64;
        if met.last.len() > 4 * OGG_PAGE {
            let over = met.last.len() - OGG_PAGE;
            met.last.drain(..over);
        }
    }
}

/// Whether the last Ogg page in `bytes` is whole and the last of its stream.
fn ends_closed(bytes: &[u8]) -> bool {
    let starts = |w: &[u8]| w == b"OggS\0";
    let Some(at) = bytes.windows(5).rposition(starts) else { return false };
    let page = &bytes[at..];
    let (Some(&kind), Some(&segments)) = (page.get(5), page.get(26)) else { return false };
    let Some(table) = page.get(27..27 + usize::from(segments)) else { return false };
    let body: usize = table.iter().map(|n| usize::from(*n)).sum();
    kind & 4 != 0 && page.len() >= 27 + table.len() + body
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

/// Reads until the buffer is full or the bytes end; gives how many there were.
pub(crate) fn read_full(bytes: &dyn ReadAt, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match bytes.read_at(&mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}

enum Input {
    Placed { bytes: Arc<dyn ReadAt>, len: u64, at: u64, may_seek: bool },
    Stream { bytes: io::Chain<Cursor<Vec<u8>>, Stream>, at: u64 },
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
    pub(crate) fn placed(bytes: Arc<dyn ReadAt>, len: u64, may_seek: bool) -> Self {
        let input = Input::Placed { bytes, len, at: 0, may_seek };
        Self { input, witness: Witness::default() }
    }

    /// Takes a stream; MP4 and CAF go to a temporary file, because they may have their index at
    /// the end.
    pub(crate) fn streamed(mut stream: Stream) -> Result<Streamed, Error> {
        let mut head = Vec::with_capacity(16);
        stream.by_ref().take(12).read_to_end(&mut head).map_err(Error::Unreadable)?;
        if head.is_empty() {
            return Err(Error::Empty);
        }
        if let Some(places) = wave::unwritten(&mut head, &mut stream).map_err(Error::Unreadable)? {
            wave::cover(&mut head, 0, places);
        }
        let needs_seek = head.get(4..8) == Some(b"ftyp") || head.starts_with(b"caff");
        let mut bytes = Cursor::new(head).chain(stream);
        if needs_seek {
            let mut file = tempfile::tempfile().map_err(Error::Unreadable)?;
            io::copy(&mut bytes, &mut file).map_err(Error::Unreadable)?;
            return Ok(Streamed::Spooled(file));
        }
        let input = Input::Stream { bytes, at: 0 };
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
            let (result, at) = match &mut self.input {
                Input::Placed { bytes, at, .. } => (bytes.read_at(buf, *at), at),
                Input::Stream { bytes, at } => (bytes.read(buf), at),
            };
            match result {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.witness.keep(&e);
                    return Err(e);
                }
                Ok(n) => {
                    self.witness.see(&buf[..n], *at);
                    *at += n as u64;
                    return Ok(n);
                }
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
