//! Reading, comparing and copying whole files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;

use crate::entry::Snapshot;

/// Bytes compared or copied at once.
const BUFFER: usize = 256 * 1024;

/// Opens a regular file by its own name, not through a symbolic link.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let flags =
        OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).map_err(|e| match e {
        rustix::io::Errno::LOOP => io::Error::other("is a symbolic link"),
        e => e.into(),
    })?);
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("is no regular file")) }
}

/// The BLAKE3 hash of two files, in hex, if they are the same byte by byte.
pub(crate) fn compare(one: &File, other: &File) -> io::Result<Option<String>> {
    let (mut a, mut b) = (vec![0; BUFFER], vec![0; BUFFER]);
    let mut hasher = blake3::Hasher::new();
    let mut at = 0;
    loop {
        let n = read_full(one, &mut a, at)?;
        if read_full(other, &mut b, at)? != n || a[..n] != b[..n] {
            return Ok(None);
        }
        if n == 0 {
            return Ok(Some(hasher.finalize().to_hex().to_string()));
        }
        hasher.update(&a[..n]);
        at += n as u64;
    }
}

/// Fills the buffer as far as the file goes.
fn read_full(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match file.read_at(&mut buffer[done..], at + done as u64) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}

/// The BLAKE3 hash of a file, in hex.
pub(crate) fn hash_of(file: &File) -> io::Result<String> {
    let mut buffer = vec![0; BUFFER];
    let mut hasher = blake3::Hasher::new();
    let mut at = 0;
    loop {
        let n = read_full(file, &mut buffer, at)?;
        if n == 0 {
            return Ok(hasher.finalize().to_hex().to_string());
        }
        hasher.update(&buffer[..n]);
        at += n as u64;
    }
}

/// As [`copy`], and reads again what was written, from the device as far as the system allows.
/// None when it differs: then nothing is left.
pub(crate) fn copy_verified(from: &File, to: &Path, was: &Snapshot) -> io::Result<Option<String>> {
    let hash = copy(from, to, was)?;
    let read = || -> io::Result<String> {
        let file = open_regular(to)?;
        // Only a hint: a file system that keeps it in memory verifies that.
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
        hash_of(&file)
    };
    let again = read();
    if again.as_ref().is_ok_and(|again| *again == hash) {
        return Ok(Some(hash));
    }
    let _ = fs::remove_file(to);
    again.map(|_| None)
}

/// Makes `to`, which must not be there, a clone of `from`: a file of its own that shares its
/// blocks, with the metadata of `was`.
pub(crate) fn clone_into(from: &File, to: &Path, was: &Snapshot) -> io::Result<()> {
    let clone = OpenOptions::new().write(true).create_new(true).open(to)?;
    let cloned = rustix::fs::ioctl_ficlone(&clone, from)
        .map_err(|e| match e {
            Errno::OPNOTSUPP | Errno::XDEV | Errno::INVAL | Errno::NOTTY => {
                io::Error::new(io::ErrorKind::Unsupported, "this file system has no reflinks")
            }
            e => e.into(),
        })
        .and_then(|()| restore_metadata(&clone, to, was))
        .and_then(|()| clone.sync_all());
    if cloned.is_err() {
        let _ = fs::remove_file(to);
    }
    cloned
}

/// Makes `to`, which must not be there, a copy of `from` with the metadata of `was`; it is on the
/// disk when this returns. Gives the hash of what was copied, in hex. On failure nothing is left.
pub(crate) fn copy(from: &File, to: &Path, was: &Snapshot) -> io::Result<String> {
    let target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    let copied = copy_into(from, target, to, was);
    if copied.is_err() {
        // What failed matters more than that the part cannot be removed either.
        let _ = fs::remove_file(to);
    }
    copied
}

fn copy_into(from: &File, mut target: File, to: &Path, was: &Snapshot) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    let mut reader = File::try_clone(from)?;
    io::Seek::rewind(&mut reader)?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let n = reader.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        hasher.update(&buffer[..n]);
        target.write_all(&buffer[..n])?;
    }
    restore_metadata(&target, to, was)?;
    target.sync_all()?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// Gives a file the owner, permissions and time of change that another one had.
pub(crate) fn restore_metadata(file: &File, path: &Path, was: &Snapshot) -> io::Result<()> {
    if let Err(error) = std::os::unix::fs::fchown(file, Some(was.uid), Some(was.gid)) {
        // Only root may give files away; everybody's own are theirs already.
        if error.kind() != io::ErrorKind::PermissionDenied {
            return Err(error);
        }
    }
    file.set_permissions(fs::Permissions::from_mode(was.mode))?;
    let time = Timespec { tv_sec: was.mtime.0, tv_nsec: was.mtime.1 };
    let times = Timestamps { last_access: time, last_modification: time };
    Ok(rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Makes sure that what happened to names in the folder of `path` is on the disk.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
