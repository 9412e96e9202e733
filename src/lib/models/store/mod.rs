//! The models on this machine's disk.
//!
//! One flat folder: `<dir>/<file>` and beside it `<file>.json` ([`Sidecar`]). A model found
//! elsewhere is there as a link. Hidden files are locks, unfinished downloads and remembered
//! checksums. Names from outside never become paths before they are checked: no name leads out
//! of the folder.

mod add;
mod resolve;
mod sidecar;
mod speeds;
#[cfg(test)]
mod tests;
mod tuned;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

pub(crate) use add::set_readable;
pub use add::{AddOptions, Added, Keep, suggest_name};
pub use resolve::{ResolveError, Resolved};
pub use sidecar::{Kept, Sidecar, Stamp};
pub(crate) use sidecar::{now, read_json, write_json};
pub use speeds::AUTO_PROMPT_RATE;
pub use tuned::{TunedFile, Tuning, Workbench};

use crate::catalogue::{Catalogue, CatalogueFileError, Entry};
use crate::digest::Sha256;
use crate::inspect::{InspectError, Inspection, check};

/// The folder of models, and the catalogue that gives the names.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
    catalogue: Catalogue,
    /// Where models that are given out are noted.
    log: Option<PathBuf>,
}

/// The store cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder of the store cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Not a name that a model could have.
    #[error("'{0}' is not a model name: a-z 0-9 . _ - only")]
    BadName(String),
    /// No such model in the store.
    #[error("model '{0}' is not here")]
    Missing(String),
    /// The name or the file name belongs to another model.
    #[error("the name '{0}' is taken by another file; choose one with --name")]
    Taken(String),
    /// The file is not a usable model.
    #[error("{}: {source}", path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: InspectError,
    },
    /// The file's content is not what it should be.
    #[error("{}: the checksum is {found}, where {expected} is due", path.display())]
    Checksum {
        /// Which file.
        path: PathBuf,
        /// The checksum of what is there.
        found: Sha256,
        /// The checksum it should have.
        expected: Sha256,
    },
    /// The caller asked to stop.
    #[error("stopped")]
    Stopped,
}

impl StoreError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::Interrupted => Self::Stopped,
            _ => Self::Io { path, source },
        }
    }
}

/// One model in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// What is known about it; `None` for a file that somebody put there by hand.
    pub sidecar: Option<Sidecar>,
    /// Size in bytes; `None` when a link leads nowhere.
    pub bytes: Option<u64>,
    /// The file changed since its checksum was taken.
    pub changed: bool,
}

/// What [`Store::remove`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// The path that is gone from the store.
    pub path: PathBuf,
    /// Bytes of disk given back, those of tuned files included; a link gives back none itself,
    /// its original stays.
    pub freed: u64,
    /// The original that the link led to, untouched.
    pub original: Option<PathBuf>,
}

impl Store {
    /// The store in `dir`, with the catalogue that is compiled in. The folder need not exist.
    pub fn open(dir: impl Into<PathBuf>) -> Self {
        Self::with_catalogue(dir, Catalogue::builtin())
    }

    /// The store in `dir` with this catalogue.
    pub fn with_catalogue(dir: impl Into<PathBuf>, catalogue: Catalogue) -> Self {
        Self { dir: dir.into(), catalogue, log: None }
    }

    /// Appends each model that is given out to a file, if there is to be one: a line of JSON with
    /// its `name` and its `path` as downloaded or imported.
    #[must_use]
    pub fn noting_in(self, log: Option<PathBuf>) -> Self {
        Self { log, ..self }
    }

    /// The store in `dir` with the user's catalogue file merged over the built-in one: the file's
    /// path, and whether it has to exist, as [`Catalogue::for_user`] takes them.
    ///
    /// # Errors
    /// The catalogue file cannot be used.
    pub fn for_user(
        dir: impl Into<PathBuf>,
        catalogue: Option<(PathBuf, bool)>,
    ) -> Result<Self, CatalogueFileError> {
        let catalogue = match &catalogue {
            Some((file, required)) => Catalogue::for_user(file, *required)?,
            None => Catalogue::builtin(),
        };
        Ok(Self::with_catalogue(dir, catalogue))
    }

    /// Where models are by default: `$XDG_DATA_HOME/headwater/models`, else
    /// `$HOME/.local/share/headwater/models` (XDG base directory specification: a relative
    /// `XDG_DATA_HOME` does not count). `None` without both.
    pub fn default_dir(home: Option<&Path>, xdg_data_home: Option<&Path>) -> Option<PathBuf> {
        let data = match xdg_data_home.filter(|p| p.is_absolute()) {
            Some(xdg) => xdg.to_owned(),
            None => home?.join(".local/share"),
        };
        Some(data.join("headwater/models"))
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The catalogue.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Where the file of a catalogue entry is, or would be.
    pub fn file_of(&self, entry: &Entry) -> PathBuf {
        self.dir.join(&entry.file)
    }

    /// The models in the store, by name.
    ///
    /// # Errors
    /// The folder exists but cannot be read.
    pub fn list(&self) -> Result<Vec<Listed>, StoreError> {
        let folder = match fs::read_dir(&self.dir) {
            Ok(folder) => folder,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
            Err(e) => return Err(StoreError::io(&self.dir)(e)),
        };
        let mut listed = vec![];
        for item in folder {
            let item = item.map_err(StoreError::io(&self.dir))?;
            let name = item.file_name();
            let Some(name) = name.to_str().filter(|n| crate::is_file_name(n)) else { continue };
            if item.file_type().is_ok_and(|t| t.is_dir()) {
                continue;
            }
            listed.push(self.listed(name));
        }
        listed.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.path.cmp(&b.path)));
        Ok(listed)
    }

    fn listed(&self, file: &str) -> Listed {
        let path = self.dir.join(file);
        let sidecar = Sidecar::read(&path);
        let metadata = fs::metadata(&path).ok();
        let stamp = metadata.as_ref().map(Stamp::of);
        let entry = self.catalogue.entries().iter().find(|e| e.file == file);
        let name = match (&sidecar, entry) {
            (_, Some(entry)) => entry.name.clone(),
            (Some(sidecar), None) => sidecar.name.clone(),
            (None, None) => file.to_ascii_lowercase(),
        };
        Listed {
            name,
            changed: sidecar.as_ref().is_some_and(|s| Some(s.stamp) != stamp),
            bytes: metadata.map(|m| m.len()),
            path,
            sidecar,
        }
    }

    /// The model with this name (alias, or name of an imported model), if it is in the store.
    pub(crate) fn present(&self, name: &str) -> Result<Option<Listed>, StoreError> {
        if let Some(entry) = self.catalogue.find(name) {
            let listed = self.listed(&entry.file);
            return Ok(listed.bytes.is_some().then_some(listed));
        }
        if !crate::is_model_name(name) {
            return Ok(None);
        }
        Ok(self.list()?.into_iter().find(|l| l.name == name))
    }

    fn named(&self, name: &str) -> Result<Listed, StoreError> {
        if !crate::is_model_name(name) {
            return Err(StoreError::BadName(name.chars().filter(|c| !c.is_control()).collect()));
        }
        let listed = match self.catalogue.find(name) {
            // Also a link that leads nowhere can be removed.
            Some(entry) => Some(self.listed(&entry.file))
                .filter(|l| l.bytes.is_some() || l.path.is_symlink() || l.sidecar.is_some()),
            None => self.present(name)?,
        };
        listed.ok_or_else(|| StoreError::Missing(name.to_owned()))
    }

    /// Reads the whole file of a model again and compares it with the catalogue's checksum, or
    /// the one it was added with.
    ///
    /// # Errors
    /// It is not here, unreadable, no usable model, or its content changed.
    pub fn verify(
        &self,
        name: &str,
        stop: &AtomicBool,
        seen: &mut dyn FnMut(u64),
    ) -> Result<(Listed, Inspection), StoreError> {
        let listed = self.named(name)?;
        let path = &listed.path;
        let metadata = fs::metadata(path).map_err(StoreError::io(path))?;
        let unusable = |source| StoreError::Unusable { path: path.clone(), source };
        if !metadata.is_file() {
            return Err(unusable(InspectError::NotAFile));
        }
        let found = Sha256::of_file(path, stop, seen).map_err(StoreError::io(path))?;
        let pinned = self.catalogue.entries().iter().find(|e| self.file_of(e) == *path);
        let expected =
            pinned.and_then(Entry::pinned).or_else(|| listed.sidecar.as_ref().map(|s| s.sha256));
        if let Some(expected) = expected.filter(|e| *e != found) {
            return Err(StoreError::Checksum { path: path.clone(), found, expected });
        }
        let inspection = match (pinned, &listed.sidecar) {
            (Some(entry), _) => check(path, entry.format),
            (None, Some(sidecar)) => check(path, sidecar.format),
            (None, None) => crate::inspect::inspect(path),
        }
        .map_err(unusable)?;
        self.note(&listed, found, &metadata, inspection.format).map_err(StoreError::io(path))?;
        Ok((self.named(name)?, inspection))
    }

    /// Remembers the checksum of a file in the store.
    fn note(
        &self,
        listed: &Listed,
        sha256: Sha256,
        metadata: &fs::Metadata,
        format: crate::catalogue::Format,
    ) -> io::Result<()> {
        let stamp = Stamp::of(metadata);
        let sidecar = match &listed.sidecar {
            Some(old) if old.stamp == stamp && old.sha256 == sha256 => return Ok(()),
            Some(old) => Sidecar { sha256, stamp, ..old.clone() },
            None => Sidecar {
                name: listed.name.clone(),
                format,
                sha256,
                stamp,
                source: "found in the store".into(),
                added: now(),
                kept: if listed.path.is_symlink() { Kept::Link } else { Kept::File },
            },
        };
        sidecar.write(&listed.path)
    }

    /// Removes a model from the store, with its tuned files. Of a linked model only the link and
    /// the note go.
    ///
    /// # Errors
    /// It is not here, or cannot be removed.
    pub fn remove(&self, name: &str) -> Result<Removed, StoreError> {
        let listed = self.named(name)?;
        let path = listed.path;
        let original = fs::read_link(&path).ok();
        let own = if original.is_none() { listed.bytes.unwrap_or(0) } else { 0 };
        let freed = own + self.remove_tuned(&path)?;
        for gone in [&path, &Sidecar::path_for(&path)] {
            remove_file(gone)?;
        }
        Ok(Removed { path, freed, original })
    }
}

/// Removes a file; whether there was one.
fn remove_file(path: &Path) -> Result<bool, StoreError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(StoreError::io(path)(e)),
    }
}
