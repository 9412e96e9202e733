//! From what the user wrote after `--model` to a file that an engine may open.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use super::{Listed, Sidecar, Stamp, Store, StoreError, read_json, write_json};
use crate::catalogue::{Role, Task};
use crate::digest::Sha256;
use crate::inspect::{InspectError, Inspection, check};

/// A model file that may be handed to an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The file.
    pub path: PathBuf,
    /// Name of the model: the catalogue's, the one it was added with, or the path as given.
    pub name: String,
    /// Checksum of the file, for `via` and for cache keys.
    pub sha256: Sha256,
    /// The model that was asked for, where another one that does the same job is used in its
    /// place: to be said to the user.
    pub in_place_of: Option<String>,
    /// Its weight format, where it is the file that `models tune` made of the model for this
    /// processor.
    pub tuned: Option<String>,
    /// What the file's header says.
    pub inspection: Inspection,
}

/// There is no usable model.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// In the catalogue, but not on this machine.
    #[error("model '{0}' is not here; get it with: models pull {0}")]
    Missing(String),
    /// Neither in the catalogue nor in the store nor a file.
    #[error("model '{0}' is not known; see: models list, or take in a file: models import FILE")]
    Unknown(String),
    /// For another task.
    #[error("model '{name}' is for {is}, not for {wanted}")]
    WrongTask {
        /// The model.
        name: String,
        /// What it is for.
        is: Task,
        /// What was asked for.
        wanted: Task,
    },
    /// No model of the default set does this task.
    #[error("no model is named, and the catalogue has no default one for {0}")]
    NoDefault(Task),
    /// The file is damaged or something else.
    #[error("{}: {source}", path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: InspectError,
    },
    /// The content is not what it was when it was added.
    #[error("model '{name}' changed on the disk; get it again with: models pull {name}")]
    Changed {
        /// The model.
        name: String,
    },
    /// `--model auto`, and no model was measured on this machine.
    #[error("no model for the task '{0}' was measured on this machine; run: models fit")]
    Unmeasured(Task),
    /// `--model auto`, and all models are too large or too slow.
    #[error("no model here fits: {0}; name one with --model")]
    NoneFits(String),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A remembered checksum of a file outside the store.
#[derive(Serialize, Deserialize)]
struct Remembered {
    path: PathBuf,
    #[serde(flatten)]
    stamp: Stamp,
    sha256: Sha256,
}

impl Store {
    /// The file for a name, alias or path, ready for an engine: it is there, it is the content it
    /// should be (by size and time of change; read as a whole only when those changed), it is of
    /// the format that `task` needs, and its header holds ([`crate::inspect`]).
    ///
    /// Something with a `/`, or that ends in `.gguf` or `.bin` and exists, is a path.
    /// When the named model is not here but one of its alternatives is, that one is given, and
    /// [`Resolved::in_place_of`] says so. Nothing is downloaded.
    ///
    /// A model that was tuned on this processor is given as its tuned file, while the original
    /// is still the one it was made of: [`Resolved::tuned`] says so.
    ///
    /// # Errors
    /// See [`ResolveError`]; a missing model's message names the command that gets it.
    pub fn resolve(&self, name_or_path: &str, task: Task) -> Result<Resolved, ResolveError> {
        self.resolve_as(name_or_path, task, false)
    }

    /// [`Store::resolve`]; with `as_downloaded`, never a tuned file.
    ///
    /// # Errors
    /// As [`Store::resolve`].
    pub fn resolve_as(
        &self,
        name_or_path: &str,
        task: Task,
        as_downloaded: bool,
    ) -> Result<Resolved, ResolveError> {
        let (resolved, original) = self.find(name_or_path, task, as_downloaded)?;
        self.note_use(&resolved.name, &original);
        Ok(resolved)
    }

    /// The file to use, and the one that was downloaded or imported.
    pub(super) fn find(
        &self,
        name_or_path: &str,
        task: Task,
        as_downloaded: bool,
    ) -> Result<(Resolved, PathBuf), ResolveError> {
        let original = self.resolve_original(name_or_path, task)?;
        let path = original.path.clone();
        if as_downloaded || original.path.parent() != Some(&self.dir) {
            return Ok((original, path));
        }
        let in_place_of = original.in_place_of.clone();
        let tuned = self.tuned(&original).map(|tuned| Resolved { in_place_of, ..tuned });
        Ok((tuned.unwrap_or(original), path))
    }

    /// See [`Store::noting_in`].
    pub(super) fn note_use(&self, name: &str, path: &Path) {
        let Some(log) = &self.log else { return };
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let line = serde_json::json!({ "name": name, "path": path.to_string_lossy() });
        let written = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(log)
            .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
        if let Err(error) = written {
            log::warn!("{}: {error}", log.display());
        }
    }

    fn resolve_original(&self, name_or_path: &str, task: Task) -> Result<Resolved, ResolveError> {
        let path = Path::new(name_or_path);
        let model_file = path.extension().is_some_and(|e| e == "gguf" || e == "bin");
        if name_or_path.contains('/') || (model_file && path.is_file()) {
            return self.resolve_path(path, task);
        }
        if let Some(entry) = self.catalogue.find(name_or_path) {
            if entry.task != task {
                let name = entry.name.clone();
                return Err(ResolveError::WrongTask { name, is: entry.task, wanted: task });
            }
            for candidate in std::iter::once(entry).chain(self.catalogue.alternatives(entry)) {
                if let Some(listed) = self.present(&candidate.name)? {
                    let mut resolved = self.resolve_listed(&listed, task)?;
                    if candidate.name != entry.name {
                        resolved.in_place_of = Some(entry.name.clone());
                    }
                    return Ok(resolved);
                }
            }
            return Err(ResolveError::Missing(name_or_path.to_owned()));
        }
        match self.present(name_or_path)? {
            Some(listed) => self.resolve_listed(&listed, task),
            None => Err(ResolveError::Unknown(
                name_or_path.chars().filter(|c| !c.is_control()).take(200).collect(),
            )),
        }
    }

    /// The model of the default set for `task` (and `role`, see
    /// [`crate::Catalogue::default_for`]).
    ///
    /// # Errors
    /// As for [`Store::resolve`].
    pub fn resolve_default(
        &self,
        task: Task,
        role: Option<Role>,
    ) -> Result<Resolved, ResolveError> {
        let entry = self.catalogue.default_for(task, role);
        let name = &entry.ok_or(ResolveError::NoDefault(task))?.name;
        self.resolve(name, task)
    }

    fn resolve_listed(&self, listed: &Listed, task: Task) -> Result<Resolved, ResolveError> {
        let path = &listed.path;
        let inspection = checked(path, task)?;
        let metadata = fs::metadata(path).map_err(StoreError::io(path))?;
        let stamp = Stamp::of(&metadata);
        let entry = self.catalogue.entries().iter().find(|e| self.file_of(e) == *path);
        let pinned = entry.and_then(crate::Entry::pinned);
        let trusted = listed
            .sidecar
            .as_ref()
            .filter(|s| s.stamp == stamp && pinned.is_none_or(|p| p == s.sha256));
        let sha256 = if let Some(sidecar) = trusted {
            sidecar.sha256
        } else {
            let sha256 = whole(path)?;
            let expected = pinned.or(listed.sidecar.as_ref().map(|s| s.sha256));
            if expected.is_some_and(|e| e != sha256) {
                return Err(ResolveError::Changed { name: listed.name.clone() });
            }
            if let Err(e) = self.note(listed, sha256, &metadata, inspection.format) {
                // A store that cannot be written costs time at each start, no more.
                log::debug!("cannot write {}: {e}", Sidecar::path_for(path).display());
            }
            sha256
        };
        Ok(Resolved {
            path: path.clone(),
            name: listed.name.clone(),
            sha256,
            in_place_of: None,
            tuned: None,
            inspection,
        })
    }

    fn resolve_path(&self, path: &Path, task: Task) -> Result<Resolved, ResolveError> {
        let inspection = checked(path, task)?;
        let real = fs::canonicalize(path).map_err(StoreError::io(path))?;
        let stamp = Stamp::of(&fs::metadata(&real).map_err(StoreError::io(path))?);
        let key = blake3::hash(real.as_os_str().as_encoded_bytes()).to_hex();
        let memo = self.dir.join(".checksums").join(format!("{key}.json"));
        let remembered =
            read_json::<Remembered>(&memo).filter(|r| r.path == real && r.stamp == stamp);
        let sha256 = match remembered {
            Some(remembered) => remembered.sha256,
            None => {
                let sha256 = whole(&real)?;
                let fresh = Remembered { path: real, stamp, sha256 };
                let folder = self.dir.join(".checksums");
                let written = fs::create_dir_all(&folder).and_then(|()| write_json(&memo, &fresh));
                if let Err(e) = written {
                    log::debug!("cannot write {}: {e}", memo.display());
                }
                sha256
            }
        };
        Ok(Resolved {
            path: path.to_owned(),
            name: path.display().to_string(),
            sha256,
            in_place_of: None,
            tuned: None,
            inspection,
        })
    }
}

fn checked(path: &Path, task: Task) -> Result<Inspection, ResolveError> {
    check(path, task.format())
        .map_err(|source| ResolveError::Unusable { path: path.to_owned(), source })
}

fn whole(path: &Path) -> Result<Sha256, ResolveError> {
    let never = AtomicBool::new(false);
    Ok(Sha256::of_file(path, &never, &mut |_| ()).map_err(StoreError::io(path))?)
}
