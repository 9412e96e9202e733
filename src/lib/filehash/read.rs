use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use keyset::Key;
use rustix::fs::{Advice, Mode, OFlags, fadvise, open};
use store::FileState;

/// Bytes of the first and of the last part that are looked at: what a disk reads at once anyway.
pub(crate) const EDGE: u64 = 16 * 1024;

/// Bytes read at once.
const BUFFER: u64 = 256 * 1024;

/// Free memory below which the pages of what was read are given back at once, so that they do
/// not drive out others'.
const SCARCE: u64 = 256 << 20;

/// Which part of a file is hashed. The numbers stand in the files of hashes: they stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Start = 1,
    End = 2,
    All = 3,
}

/// Why a file could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system said no.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is not the file that it was.
    #[error("it changed while it was looked at")]
    Changed,
    /// The search was stopped.
    #[error("stopped")]
    Stopped,
}

/// Hashes a part of a file that must be, before and after, in the state that is known.
pub(crate) fn hash(
    path: &Path,
    state: FileState,
    part: Part,
    buffer: &mut Vec<u8>,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Key, ReadError> {
    // NONBLOCK: it may have become a FIFO meanwhile.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::from(open(path, flags, Mode::empty()).map_err(io::Error::from)?);
    let is_unchanged =
        |file: &File| Ok::<_, io::Error>(FileState::from(&file.metadata()?) == state);
    if !is_unchanged(&file)? {
        return Err(ReadError::Changed);
    }
    let (mut at, end) = match part {
        Part::Start => (0, state.size.min(EDGE)),
        Part::End => (state.size.saturating_sub(EDGE), state.size),
        Part::All => (0, state.size),
    };
    let large = end - at > BUFFER;
    if large {
        // Advice: without it reading is only slower.
        let _ = fadvise(&file, 0, None, Advice::Sequential);
    }
    let mut hasher = (end - at > BUFFER).then(blake3::Hasher::new);
    let key = loop {
        let length = usize::try_from((end - at).min(BUFFER)).unwrap_or(0);
        buffer.resize(length, 0);
        file.read_exact_at(buffer, at).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => ReadError::Changed,
            _ => ReadError::Io(e),
        })?;
        at += length as u64;
        let Some(hasher) = &mut hasher else { break Key::of(buffer) };
        hasher.update(buffer);
        if at == end {
            break Key::from_hash(&hasher.finalize());
        }
        if stop() {
            return Err(ReadError::Stopped);
        }
    };
    if !is_unchanged(&file)? {
        return Err(ReadError::Changed);
    }
    if large && is_memory_scarce() {
        let _ = fadvise(&file, 0, None, Advice::DontNeed);
    }
    Ok(key)
}

fn is_memory_scarce() -> bool {
    let info = rustix::system::sysinfo();
    // `as`: the type is another one on other systems.
    (info.freeram as u64).saturating_mul(info.mem_unit.into()) < SCARCE
}
