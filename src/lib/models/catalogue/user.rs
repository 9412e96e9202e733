//! The user's own catalogue file.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::{Catalogue, CatalogueError};

/// Bytes that a catalogue file may have.
const LIMIT: u64 = 4 << 20;

/// The user's catalogue file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct CatalogueFileError {
    /// The file.
    path: PathBuf,
    /// Why.
    problem: Problem,
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Catalogue(#[from] CatalogueError),
}

impl Catalogue {
    /// The catalogue that is compiled in, with the user's file merged over it where there is one.
    ///
    /// # Errors
    /// The file exists, but cannot be read or is not a catalogue; with `required`, also when it
    /// does not exist.
    pub fn for_user(path: &Path, required: bool) -> Result<Self, CatalogueFileError> {
        let failed = |problem: Problem| CatalogueFileError { path: path.to_owned(), problem };
        match read(path) {
            Ok(text) => Self::builtin().merge(&text).map_err(|e| failed(e.into())),
            Err(e) if e.kind() == io::ErrorKind::NotFound && !required => Ok(Self::builtin()),
            Err(e) => Err(failed(e.into())),
        }
    }
}

fn read(path: &Path) -> io::Result<String> {
    let invalid = |why| io::Error::new(io::ErrorKind::InvalidData, why);
    // A FIFO would block on open.
    if !std::fs::metadata(path)?.is_file() {
        return Err(invalid("not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LIMIT {
        return Err(invalid("too large for a catalogue"));
    }
    String::from_utf8(bytes).map_err(|_| invalid("not UTF-8"))
}
