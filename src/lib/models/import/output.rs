//! A new file that appears under its name only when it is complete.

use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::error::ImportError;

/// Bytes gathered before they are written and hashed.
const BUFFER: usize = 1 << 18;

/// Size and checksum of a file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// Length of the file.
    pub(super) bytes: u64,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub(super) sha256: String,
}

/// Lets `fill` write a file at `path`: first under a temporary name beside it, then synced to
/// disk, then renamed. An existing file is replaced.
///
/// If anything fails, `path` is untouched and the temporary file is gone.
///
/// # Errors
/// What `fill` returns; [`ImportError::Io`] naming `path`.
pub(super) fn write_atomically<T>(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> Result<T, ImportError>,
) -> Result<(T, Written), ImportError> {
    let here = |error: io::Error| ImportError::from(error).in_file(path);
    let dir = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let file = tempfile::Builder::new()
        .prefix(".import-")
        .suffix(".part")
        // What any new file gets; the process's mask still applies.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(dir)
        .map_err(here)?;
    let hashed = Hashed { file, digest: Sha256::new(), bytes: 0 };
    let mut out = BufWriter::with_capacity(BUFFER, hashed);
    let result = fill(&mut out)?;
    let hashed = out.into_inner().map_err(|error| here(error.into_error()))?;
    let written = Written { bytes: hashed.bytes, sha256: hex(&hashed.digest.finalize()) };
    hashed.file.as_file().sync_all().map_err(here)?;
    hashed.file.persist(path).map_err(|error| here(error.error))?;
    // The new name itself must reach the disk too.
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(here)?;
    Ok((result, written))
}

/// Whether writing to `out` would replace `source`.
pub(super) fn is_same_file(out: &Path, source: &Path) -> bool {
    match (fs::canonicalize(out), fs::canonicalize(source)) {
        (Ok(out), Ok(source)) => out == source,
        _ => false,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The temporary file together with the checksum of what was written to it.
struct Hashed {
    file: NamedTempFile,
    digest: Sha256,
    bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.digest.update(bytes.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
