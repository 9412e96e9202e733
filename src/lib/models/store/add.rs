//! Files that are on this machine already, taken into the store.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::{Kept, Sidecar, Stamp, Store, StoreError, now};
use crate::catalogue::Checksum;
use crate::digest::Sha256;
use crate::inspect::{InspectError, Inspection, inspect};

/// Whether the store gets a copy or a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// A copy: the original may go.
    Copy,
    /// A symbolic link: no second copy on the disk; the original has to stay.
    Link,
    /// The file itself, which is on the same disk: it goes to its place in the store.
    Move,
}

/// How a file is taken in.
#[derive(Debug, Clone)]
pub struct AddOptions {
    /// The name it gets; without one, the catalogue's name if the file is one of the catalogue's,
    /// else one made of its file name.
    pub name: Option<String>,
    /// The name in place of the one made of the file name, for files with meaningless ones.
    pub suggested: Option<String>,
    /// Copy or link.
    pub keep: Keep,
    /// What to remember as its origin; without it, its path.
    pub source: Option<String>,
}

/// A file that is in the store now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its checksum.
    pub sha256: Sha256,
    /// What it is.
    pub inspection: Inspection,
    /// It is the file of this catalogue entry.
    pub known: bool,
}

impl Store {
    /// Takes a model file into the store: inspected, hashed, then copied or linked.
    ///
    /// # Errors
    /// It is no usable model, the name is bad or taken, or the disk does not play along.
    pub fn add_file(
        &self,
        file: &Path,
        options: &AddOptions,
        stop: &AtomicBool,
        seen: &mut dyn FnMut(u64),
    ) -> Result<Added, StoreError> {
        let inspection = inspect(file).map_err(|source| match source {
            InspectError::Io(source) => StoreError::Io { path: file.to_owned(), source },
            source => StoreError::Unusable { path: file.to_owned(), source },
        })?;
        let original = fs::canonicalize(file).map_err(StoreError::io(file))?;
        let metadata = fs::metadata(&original).map_err(StoreError::io(file))?;
        let sha256 = Sha256::of_file(&original, stop, seen).map_err(StoreError::io(file))?;
        let (name, file_name, known) = self.place(file, options, sha256, &inspection)?;
        fs::create_dir_all(&self.dir).map_err(StoreError::io(&self.dir))?;
        let path = self.dir.join(&file_name);
        self.refuse_taken(&path, &name, sha256)?;
        // The store's own good file is not given up for a link to another copy.
        let has_own = !path.is_symlink()
            && Sidecar::read(&path).is_some_and(|s| {
                s.sha256 == sha256 && fs::metadata(&path).is_ok_and(|m| Stamp::of(&m) == s.stamp)
            });
        let inside = has_own || fs::canonicalize(&path).is_ok_and(|there| there == original);
        let kept = match (inside, options.keep) {
            // It lies in the store, or is linked there, already.
            (true, _) if path.is_symlink() => Kept::Link,
            (true, _) => Kept::File,
            (false, Keep::Copy) => {
                copy(&original, &path).map_err(StoreError::io(&path))?;
                Kept::File
            }
            (false, Keep::Move) => {
                set_readable(&original)
                    .and_then(|()| fs::rename(&original, &path))
                    .map_err(StoreError::io(&path))?;
                Kept::File
            }
            (false, Keep::Link) => {
                link(&original, &path).map_err(StoreError::io(&path))?;
                Kept::Link
            }
        };
        let stamp = match kept {
            Kept::Link => Stamp::of(&metadata),
            Kept::File => Stamp::of(&fs::metadata(&path).map_err(StoreError::io(&path))?),
        };
        let source = options.source.clone().unwrap_or_else(|| original.display().to_string());
        let sidecar = Sidecar {
            name: name.clone(),
            format: inspection.format,
            sha256,
            stamp,
            source,
            added: now(),
            kept,
        };
        sidecar.write(&path).map_err(StoreError::io(&path))?;
        Ok(Added { name, path, sha256, inspection, known })
    }

    /// Name and file name for a file with this content.
    fn place(
        &self,
        file: &Path,
        options: &AddOptions,
        sha256: Sha256,
        inspection: &Inspection,
    ) -> Result<(String, String, bool), StoreError> {
        if let Some(name) = &options.name {
            if !crate::is_model_name(name) {
                return Err(StoreError::BadName(
                    name.chars().filter(|c| !c.is_control()).collect(),
                ));
            }
            if let Some(entry) = self.catalogue.find(name) {
                let fits = match entry.sha256 {
                    Checksum::Pinned(expected) => expected == sha256,
                    Checksum::FromHub => entry.format == inspection.format,
                };
                if !fits {
                    return Err(StoreError::Taken(name.clone()));
                }
                return Ok((entry.name.clone(), entry.file.clone(), true));
            }
        } else if let Some(entry) = self.catalogue.with_checksum(sha256) {
            return Ok((entry.name.clone(), entry.file.clone(), true));
        }
        let named = options.name.as_ref().or(options.suggested.as_ref());
        let name = named.cloned().unwrap_or_else(|| suggest_name(file));
        if !crate::is_model_name(&name) {
            return Err(StoreError::BadName(name));
        }
        if self.catalogue.find(&name).is_some() {
            return Err(StoreError::Taken(name));
        }
        let file_name = format!("{name}.{}", inspection.format.extension());
        if self.catalogue.entries().iter().any(|e| e.file.eq_ignore_ascii_case(&file_name)) {
            return Err(StoreError::Taken(name));
        }
        Ok((name, file_name, false))
    }

    /// Another model's file is not overwritten.
    fn refuse_taken(&self, path: &Path, name: &str, sha256: Sha256) -> Result<(), StoreError> {
        let other = Sidecar::read(path).is_some_and(|s| s.sha256 != sha256 || s.name != name);
        let ours = self.catalogue.entries().iter().any(|e| self.file_of(e) == path);
        if path.exists() && other && !ours {
            return Err(StoreError::Taken(name.to_owned()));
        }
        Ok(())
    }
}

/// A model name made of a file name.
pub fn suggest_name(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let name: String = stem
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' })
        .take(90)
        .collect();
    let name = name.trim_matches(['.', '-']).to_owned();
    if crate::is_model_name(&name) { name } else { "model".into() }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let dir = to.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".copy-").tempfile_in(dir)?;
    io::copy(&mut fs::File::open(from)?, &mut file)?;
    file.as_file().sync_all()?;
    set_readable(file.path())?;
    file.persist(to).map_err(|e| e.error)?;
    Ok(())
}

/// Temporary files are made for their owner only; models may be read by everybody.
pub(crate) fn set_readable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

/// Makes `to` a link, replacing what is there in one step.
fn link(original: &Path, to: &Path) -> io::Result<()> {
    let dir = to.parent().unwrap_or(Path::new("."));
    let scratch = tempfile::Builder::new().prefix(".link-").tempdir_in(dir)?;
    let fresh = scratch.path().join("link");
    std::os::unix::fs::symlink(original, &fresh)?;
    fs::rename(&fresh, to)
}
