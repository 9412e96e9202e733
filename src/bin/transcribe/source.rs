//! The bytes of a recording, hashed for the record's id while the demuxer reads them: once, and
//! without keeping them.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use audio::{Decoder, Ffmpeg, ReadAt, Stream};
use cli::{Stdin, open_input};
use engine::{Cancel, Cancelled};
use records::{ContentHasher, Failure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::error::TranscribeError;
use crate::plan::Plan;

/// How far ahead of what is hashed a demuxer may jump before the bytes between are left for later.
const NEAR: u64 = 1 << 20;

/// How often a wait for a pipe looks whether it is still wanted.
const GLANCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// The most of a stream that is kept to hand it to ffmpeg: more than is read to find out that
/// nothing here knows what it is.
const HEAD: usize = 1 << 20;

/// A recording that is open.
pub(crate) enum Source {
    /// A regular file of so many bytes.
    File(Arc<HashedFile>, u64),
    /// A pipe or a device.
    Stream(Arc<HashedStream>),
}

impl Source {
    /// Opens the file at `path`, or stdin where there is none.
    ///
    /// # Errors
    /// Those of [`open_input`].
    pub(crate) fn open(path: Option<&Path>, plan: &Plan, cancel: &Cancel) -> Result<Self, Failure> {
        let Some(path) = path else {
            let stdin = Stdin::new(&plan.stop);
            // Without a time limit it is woken by what it watches itself.
            return Ok(Self::stream(match plan.timeout {
                None => Box::new(stdin),
                Some(_) => Box::new(Patient { pipe: TimedStdin(stdin), cancel: cancel.clone() }),
            }));
        };
        let file = open_input(path, plan.timeout, &plan.stop)?;
        let metadata = file.metadata().map_err(TranscribeError::Read)?;
        Ok(if metadata.is_file() {
            Self::File(Arc::new(HashedFile::new(file)), metadata.len())
        } else {
            Self::stream(Box::new(Patient { pipe: file, cancel: cancel.clone() }))
        })
    }

    fn stream(stream: Stream) -> Self {
        Self::Stream(Arc::new(HashedStream(Mutex::new(Some(ContentHasher::new(stream))))))
    }

    /// A decoder of its sound; to be had once. What is not known here goes through ffmpeg, which
    /// ends when `cancel` says so.
    ///
    /// # Errors
    /// As [`Decoder::open`].
    pub(crate) fn decoder(
        &self,
        pcm: Option<&audio::Pcm>,
        cancel: &Cancel,
    ) -> Result<Decoder, audio::Error> {
        let foreign =
            |e: &audio::Error| matches!(e, audio::Error::NotAudio | audio::Error::Unsupported(_));
        match (self, pcm) {
            (Self::File(file, _), Some(pcm)) => {
                let samples = Sequential { file: Arc::clone(file), at: 0 };
                Ok(Decoder::raw(Box::new(samples), pcm.clone()))
            }
            (Self::Stream(stream), Some(pcm)) => {
                let tee = Tee { stream: Arc::clone(stream), head: None };
                Ok(Decoder::raw(Box::new(tee), pcm.clone()))
            }
            (Self::File(file, len), None) => match Decoder::from_bytes(Arc::clone(file) as _, *len)
            {
                Err(e) if foreign(&e) => file.through_ffmpeg(cancel).unwrap_or(Err(e)),
                other => other,
            },
            (Self::Stream(stream), None) => {
                let head = Arc::new(Mutex::new(Some(Vec::new())));
                let tee = Tee { stream: Arc::clone(stream), head: Some(Arc::clone(&head)) };
                let outcome = Decoder::from_reader(Box::new(tee));
                let head = locked(&head).take().unwrap_or_default();
                match outcome {
                    Err(e) if foreign(&e) && head.len() < HEAD => {
                        stream_through_ffmpeg(head, stream, cancel).unwrap_or(Err(e))
                    }
                    other => other,
                }
            }
        }
    }

    /// The id of all its bytes; reads those that the decoder had no use for.
    ///
    /// # Errors
    /// Those of reading.
    pub(crate) fn id(&self) -> io::Result<String> {
        let id = match self {
            Self::File(file, _) => locked(&file.onward).take().map(ContentHasher::finish),
            Self::Stream(stream) => locked(&stream.0).take().map(ContentHasher::finish),
        };
        id.unwrap_or_else(|| Err(io::Error::other("the id was taken already")))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file that demuxers read here and there, hashed from start to end.
pub(crate) struct HashedFile {
    file: Arc<File>,
    onward: Mutex<Option<ContentHasher<Onward>>>,
    /// Bytes hashed so far; changed only with `onward` locked.
    hashed: Mutex<u64>,
}

impl HashedFile {
    pub(crate) fn new(file: File) -> Self {
        let file = Arc::new(file);
        let onward = Onward { file: Arc::clone(&file), at: 0 };
        Self { file, onward: Mutex::new(Some(ContentHasher::new(onward))), hashed: Mutex::new(0) }
    }
}

impl HashedFile {
    /// Its sound as ffmpeg decodes it, if that is installed and knows it.
    fn through_ffmpeg(&self, cancel: &Cancel) -> Option<Result<Decoder, audio::Error>> {
        // Versions before 6 cannot seek in what they are handed.
        [true, false].into_iter().find_map(|may_seek| {
            let mut input = self.file.try_clone().ok()?;
            io::Seek::rewind(&mut input).ok()?;
            let (ffmpeg, output) = Ffmpeg::start(input, may_seek).ok()?;
            decoded(ffmpeg, output, cancel)
        })
    }
}

/// What ffmpeg writes, if it knows its input.
fn decoded(
    ffmpeg: Ffmpeg,
    output: std::process::ChildStdout,
    cancel: &Cancel,
) -> Option<Result<Decoder, audio::Error>> {
    let output = Patient { pipe: output, cancel: cancel.clone() };
    match Decoder::through(ffmpeg, Box::new(output)) {
        Err(e @ audio::Error::Unreadable(_)) => Some(Err(e)),
        Err(e) => {
            log::info!("{e}");
            None
        }
        decoder => Some(decoder),
    }
}

/// A stream's sound as ffmpeg decodes it; `head` is what was read of it already.
fn stream_through_ffmpeg(
    head: Vec<u8>,
    stream: &Arc<HashedStream>,
    cancel: &Cancel,
) -> Option<Result<Decoder, audio::Error>> {
    let (mut ffmpeg, output) = Ffmpeg::start(Stdio::piped(), false).ok()?;
    let mut stdin = ffmpeg.stdin()?;
    let rest = Tee { stream: Arc::clone(stream), head: None };
    // It ends with the stream, or when ffmpeg takes no more.
    std::thread::spawn(move || io::copy(&mut io::Cursor::new(head).chain(rest), &mut stdin));
    decoded(ffmpeg, output, cancel)
}

impl ReadAt for HashedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut onward = locked(&self.onward);
        let mut hashed = locked(&self.hashed);
        let Some(hasher) = onward.as_mut() else { return self.file.read_at(buffer, offset) };
        if offset > *hashed && offset - *hashed <= NEAR {
            *hashed += io::copy(&mut hasher.by_ref().take(offset - *hashed), &mut io::sink())?;
        }
        if offset == *hashed {
            let n = hasher.read(buffer)?;
            *hashed += n as u64;
            return Ok(n);
        }
        let known = usize::try_from(hashed.saturating_sub(offset)).unwrap_or(usize::MAX);
        // Up to what is hashed, so that the next read goes on from there.
        let room = if known == 0 { buffer.len() } else { known.min(buffer.len()) };
        self.file.read_at(&mut buffer[..room], offset)
    }
}

/// A file read from start to end, whatever its own position is.
struct Onward {
    file: Arc<File>,
    at: u64,
}

impl Read for Onward {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(buffer, self.at).inspect(|n| self.at += *n as u64)
    }
}

/// A stream, and the hash of what was read from it; nothing once the hash was taken.
pub(crate) struct HashedStream(Mutex<Option<ContentHasher<Stream>>>);

/// The decoder's end of a [`HashedStream`]; keeps what is read until somebody takes it.
struct Tee {
    stream: Arc<HashedStream>,
    head: Option<Arc<Mutex<Option<Vec<u8>>>>>,
}

impl Read for Tee {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = locked(&self.stream.0).as_mut().map_or(Ok(0), |hasher| hasher.read(buffer))?;
        if let Some(head) = &self.head
            && let Some(head) = locked(head).as_mut()
        {
            let room = HEAD - head.len();
            head.extend_from_slice(&buffer[..n.min(room)]);
        }
        Ok(n)
    }
}

/// A file read from start to end by way of its hash.
struct Sequential {
    file: Arc<HashedFile>,
    at: u64,
}

impl Read for Sequential {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(buffer, self.at).inspect(|n| self.at += *n as u64)
    }
}

/// A pipe or device that is waited for only as long as the record may take.
struct Patient<R> {
    pipe: R,
    cancel: Cancel,
}

impl<R: Read + AsFd> Read for Patient<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.cancel.reason() {
                Some(Cancelled::Timeout) => return Err(io::ErrorKind::TimedOut.into()),
                Some(Cancelled::Stopping) => return Err(io::ErrorKind::ConnectionAborted.into()),
                None => {}
            }
            match poll(&mut [PollFd::new(&self.pipe, PollFlags::IN)], Some(&GLANCE)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return self.pipe.read(buffer),
                Err(e) => return Err(e.into()),
            }
        }
    }
}

/// Stdin that tells what it reads from.
struct TimedStdin(Stdin);

impl AsFd for TimedStdin {
    fn as_fd(&self) -> BorrowedFd<'_> {
        rustix::stdio::stdin()
    }
}

impl Read for TimedStdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}
