//! The JSON files that classify writes and reads.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use cli::{InputFile, Stop};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes of a file, at most: a head of a thousand classes of a thousand numbers has 20 MB.
const MAX_BYTES: u64 = 256 << 20;

/// A file cannot be read, written or used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub(crate) struct FileError {
    pub(crate) path: PathBuf,
    pub(crate) reason: String,
}

impl FileError {
    pub(crate) fn new(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self { path: path.to_owned(), reason: reason.to_string() }
    }
}

/// Reads a file of the kind that `what` names.
///
/// # Errors
/// When it cannot be read, or is something else.
pub(crate) fn read<T: DeserializeOwned>(
    path: &Path,
    what: &str,
    stop: &Stop,
) -> Result<T, FileError> {
    let fail = |reason: &dyn std::fmt::Display| FileError::new(path, reason);
    let mut bytes = Vec::new();
    let file = InputFile::open(path, None, stop).map_err(|e| fail(&e))?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|e| fail(&e))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(fail(&format!("over {MAX_BYTES} bytes: not {what}")));
    }
    serde_json::from_slice(&bytes).map_err(|e| fail(&format!("not {what}: {e}")))
}

/// Writes a file: whole, or not at all.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(path: &Path, content: &impl Serialize) -> Result<(), FileError> {
    let fail = |reason: &dyn std::fmt::Display| FileError::new(path, reason);
    let json = serde_json::to_string(content).map_err(|e| fail(&e))?;
    // A pipe or a device is written to, not replaced.
    if std::fs::metadata(path).is_ok_and(|m| !m.is_file()) {
        return std::fs::write(path, format!("{json}\n")).map_err(|e| fail(&e));
    }
    // As any new file: what the umask leaves of it.
    let permissions = std::fs::Permissions::from_mode(0o666);
    let mut file = tempfile::Builder::new()
        .permissions(permissions)
        .tempfile_in(folder_of(path))
        .map_err(|e| fail(&e))?;
    file.write_all(json.as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(|e| fail(&e))?;
    file.as_file().sync_all().map_err(|e| fail(&e))?;
    file.persist(path).map_err(|e| fail(&e.error))?;
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Whether a file can be made beside `path`: better known before an hour of work than after it.
///
/// # Errors
/// When it cannot.
pub(crate) fn check_folder(path: &Path) -> Result<(), FileError> {
    if path.is_dir() {
        return Err(FileError::new(path, "is a folder"));
    }
    tempfile::tempfile_in(folder_of(path)).map(drop).map_err(|e| FileError::new(path, e))
}
