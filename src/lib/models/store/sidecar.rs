//! The note beside each model file: what it is, and how it was last seen.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::catalogue::Format;
use crate::digest::Sha256;

const SIDECAR_LIMIT: u64 = 1 << 16;

/// Size and time of change of a file: cheap to ask, and different once the file is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Size in bytes.
    pub bytes: u64,
    /// Time of the last change, in nanoseconds since 1970.
    pub mtime_ns: u64,
}

impl Stamp {
    /// The stamp of a file with this metadata.
    pub fn of(metadata: &Metadata) -> Self {
        Self { bytes: metadata.len(), mtime_ns: metadata.modified().map_or(0, nanoseconds) }
    }
}

fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// How the file is in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kept {
    /// The store's own file.
    File,
    /// A link to somebody else's file, which the store never removes.
    Link,
}

/// What `FILE.json` beside a model file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sidecar {
    /// Name of the model.
    pub name: String,
    /// Format of the file.
    pub format: Format,
    /// Its checksum when it was last read as a whole.
    pub sha256: Sha256,
    /// Size and time of change at that time.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// Where it came from.
    pub source: String,
    /// When it was added, in seconds since 1970.
    pub added: u64,
    /// The store's own file or a link.
    pub kept: Kept,
}

impl Sidecar {
    /// Path of the sidecar of a model file.
    pub(crate) fn path_for(file: &Path) -> PathBuf {
        let mut name = file.as_os_str().to_owned();
        name.push(".json");
        name.into()
    }

    /// The sidecar of `file`; `None` when there is none or it is no sidecar.
    pub(crate) fn read(file: &Path) -> Option<Self> {
        read_json(&Self::path_for(file))
    }

    /// Writes the sidecar of `file`, all or nothing.
    pub(crate) fn write(&self, file: &Path) -> io::Result<()> {
        write_json(&Self::path_for(file), self)
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    nanoseconds(SystemTime::now()) / 1_000_000_000
}

/// A small JSON file; `None` when it is absent, large or something else.
pub(crate) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Option<T> {
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut text = Vec::new();
    File::open(path).ok()?.take(SIDECAR_LIMIT).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Writes a small JSON file, all or nothing.
pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".json-").tempfile_in(dir)?;
    serde_json::to_writer_pretty(&mut file, value)?;
    file.write_all(b"\n")?;
    super::add::set_readable(file.path())?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}
