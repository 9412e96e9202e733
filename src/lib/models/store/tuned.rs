//! Files of a model in the format that this machine runs fastest.
//!
//! They lie in `.tuned` in the store, which nothing lists as models; `.tuned/FILE.json` says for
//! each processor what was measured, which file was chosen, and which original it was made of.
//! A note that is damaged, of another processor or of another original counts as none: the
//! original is used.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use super::{Listed, Resolved, Stamp, Store, StoreError, now, read_json, write_json};
use crate::catalogue::Format;
use crate::cpu;
use crate::digest::Sha256;
use crate::inspect::check;
use crate::pull::lock::{self, Lock};
use crate::tuning::{Measured, Speed};

const FOLDER: &str = ".tuned";
const SCRATCH: &str = ".making-";

/// Processors that one note knows; a store on a network disk may have several.
const MAX_PROCESSORS: usize = 32;

/// What was found out about a model on one kind of processor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tuning {
    /// [`cpu::signature`] of the processor.
    pub cpu: String,
    /// Checksum of the file that was measured against, and that the chosen one was made of.
    pub original: Sha256,
    /// Its speed and size.
    pub measured: Measured,
    /// The formats that were tried.
    pub candidates: Vec<Measured>,
    /// The file that is used in place of the original; none where the original is best.
    pub chosen: Option<TunedFile>,
    /// The limit of the mean KL divergence.
    pub max_kl: f64,
    /// Checksum of the sample text.
    pub sample: Sha256,
    /// When, in seconds since 1970.
    pub at: u64,
}

/// A file in the folder of tuned ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TunedFile {
    /// Its name there.
    pub file: String,
    /// Its weight format, e.g. `Q8_0`.
    pub format: String,
    /// Its checksum.
    pub sha256: Sha256,
    /// Its size and time of change when the checksum was taken.
    pub stamp: Stamp,
}

/// The note of one model file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Note {
    tunings: Vec<Tuning>,
}

impl Note {
    fn path(folder: &Path, original: &Path) -> Option<PathBuf> {
        let name = original.file_name()?.to_str()?;
        Some(folder.join(format!("{name}.json")))
    }

    /// The note about `original`; an empty one when there is none or it cannot be believed.
    fn read(folder: &Path, original: &Path) -> Self {
        let note = Self::path(folder, original).and_then(|path| read_json::<Self>(&path));
        let mut note = note.unwrap_or_default();
        // A name that is no plain file name could lead anywhere.
        let is_plain = |t: &Tuning| t.chosen.iter().all(|c| crate::is_file_name(&c.file));
        note.tunings.retain(is_plain);
        note.tunings.truncate(MAX_PROCESSORS);
        note
    }

    fn for_cpu(self, cpu: &str, original: Sha256) -> Option<Tuning> {
        self.tunings.into_iter().find(|t| t.cpu == cpu && t.original == original)
    }
}

/// A place to make files in, with the right to change what is tuned: one process at a time.
/// What was not kept is gone when this is dropped.
#[derive(Debug)]
pub struct Workbench {
    folder: PathBuf,
    scratch: tempfile::TempDir,
    _lock: Lock,
}

impl Workbench {
    /// The folder for files in the making, on the same disk as the store.
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }
}

impl Store {
    fn tuned_folder(&self) -> PathBuf {
        self.dir.join(FOLDER)
    }

    /// What is remembered about a model on this processor, as long as its file is the same.
    pub fn tuning(&self, listed: &Listed) -> Option<Tuning> {
        let original = listed.sidecar.as_ref().filter(|_| !listed.changed)?.sha256;
        Note::read(&self.tuned_folder(), &listed.path).for_cpu(cpu::signature(), original)
    }

    /// The tuned file for this processor in place of `original`; none where there is none that
    /// can be trusted.
    pub(super) fn tuned(&self, original: &Resolved) -> Option<Resolved> {
        self.tuned_for(original, cpu::signature)
    }

    fn tuned_for(
        &self,
        original: &Resolved,
        cpu: impl FnOnce() -> &'static str,
    ) -> Option<Resolved> {
        let note = Note::read(&self.tuned_folder(), &original.path);
        if note.tunings.is_empty() {
            return None;
        }
        let chosen = note.for_cpu(cpu(), original.sha256)?.chosen?;
        match self.usable(&chosen, original) {
            Ok(resolved) => Some(resolved),
            Err(error) => {
                let name = &original.name;
                log::warn!("{error}; {name} is used as downloaded; again: models tune {name}");
                None
            }
        }
    }

    fn usable(&self, chosen: &TunedFile, original: &Resolved) -> Result<Resolved, StoreError> {
        let path = self.tuned_folder().join(&chosen.file);
        let metadata = fs::metadata(&path).map_err(StoreError::io(&path))?;
        let inspection = check(&path, Format::Gguf)
            .map_err(|source| StoreError::Unusable { path: path.clone(), source })?;
        // A store that was copied has files with new times and the old contents.
        if Stamp::of(&metadata) != chosen.stamp {
            verify(&path, chosen.sha256, &AtomicBool::new(false), &mut |_| ())?;
        }
        Ok(Resolved {
            path,
            name: original.name.clone(),
            sha256: chosen.sha256,
            in_place_of: None,
            tuned: Some(chosen.format.clone()),
            inspection,
        })
    }

    /// Makes a place to tune in, and clears away what a killed process left. Calls `waiting`
    /// once when another process tunes; `None` when `stop` was set meanwhile.
    ///
    /// # Errors
    /// The store's folder cannot be written.
    pub fn workbench(
        &self,
        stop: &AtomicBool,
        waiting: &dyn Fn(),
    ) -> Result<Option<Workbench>, StoreError> {
        let folder = self.tuned_folder();
        fs::create_dir_all(&folder).map_err(StoreError::io(&folder))?;
        let held = lock::lock(&self.dir, "tuned", stop, waiting);
        let Some(lock) = held.map_err(StoreError::io(&self.dir))? else { return Ok(None) };
        clear(&folder).map_err(StoreError::io(&folder))?;
        let scratch = tempfile::Builder::new().prefix(SCRATCH).tempdir_in(&folder);
        let scratch = scratch.map_err(StoreError::io(&folder))?;
        Ok(Some(Workbench { folder, scratch, _lock: lock }))
    }

    /// Remembers a tuning of `original` for its processor, and keeps `made`, a file on the
    /// workbench, as the chosen one. The file that was chosen before goes.
    ///
    /// # Errors
    /// The disk does not play along, or `stop` was set: then nothing changed.
    pub fn keep_tuning(
        &self,
        bench: &Workbench,
        original: &Path,
        mut tuning: Tuning,
        made: Option<(&Path, &str)>,
        stop: &AtomicBool,
    ) -> Result<Tuning, StoreError> {
        let folder = &bench.folder;
        let note = Note::path(folder, original)
            .ok_or_else(|| StoreError::BadName(original.display().to_string()))?;
        tuning.at = now();
        tuning.chosen = match made {
            Some((file, format)) => Some(keep(folder, original, &tuning.cpu, file, format, stop)?),
            None => None,
        };
        let mut tunings = Note::read(folder, original).tunings;
        tunings.retain(|t| t.cpu != tuning.cpu && t.original == tuning.original);
        tunings.insert(0, tuning.clone());
        tunings.truncate(MAX_PROCESSORS);
        write_json(&note, &Note { tunings }).map_err(StoreError::io(&note))?;
        clear_files(folder).map_err(StoreError::io(folder))?;
        Ok(tuning)
    }

    /// Removes the tuned files of a model and what is remembered of them. Returns the bytes that
    /// this gave back.
    pub(super) fn remove_tuned(&self, original: &Path) -> Result<u64, StoreError> {
        let folder = self.tuned_folder();
        let mut freed = 0;
        for tuning in Note::read(&folder, original).tunings {
            let Some(chosen) = tuning.chosen else { continue };
            let path = folder.join(chosen.file);
            let bytes = fs::symlink_metadata(&path).map_or(0, |m| m.len());
            if super::remove_file(&path)? {
                freed += bytes;
            }
        }
        if let Some(note) = Note::path(&folder, original) {
            super::remove_file(&note)?;
        }
        // Folders that are in use stay; what matters is gone.
        let _ = fs::remove_dir(&folder);
        Ok(freed)
    }

    /// Reads the tuned files of a model again, of all processors, and compares them with their
    /// checksums. Returns those that were looked at.
    ///
    /// # Errors
    /// One is not there, unreadable, no usable model, or its content changed.
    pub fn verify_tuned(
        &self,
        listed: &Listed,
        stop: &AtomicBool,
        seen: &mut dyn FnMut(u64),
    ) -> Result<Vec<TunedFile>, StoreError> {
        let folder = self.tuned_folder();
        let Some(original) = listed.sidecar.as_ref().map(|s| s.sha256) else { return Ok(vec![]) };
        let mut good = Vec::new();
        for tuning in Note::read(&folder, &listed.path).tunings {
            let Some(chosen) = tuning.chosen.filter(|_| tuning.original == original) else {
                continue;
            };
            let path = folder.join(&chosen.file);
            verify(&path, chosen.sha256, stop, seen)?;
            check(&path, Format::Gguf).map_err(|source| StoreError::Unusable { path, source })?;
            good.push(chosen);
        }
        Ok(good)
    }
}

impl Tuning {
    /// What was measured of a model here and now; [`Store::keep_tuning`] fills in the rest.
    pub fn new(original: Sha256, measured: Measured, candidates: Vec<Measured>) -> Self {
        Self {
            cpu: cpu::signature().to_owned(),
            original,
            measured,
            candidates,
            chosen: None,
            max_kl: crate::tuning::MAX_KL,
            sample: Sha256::of(b""),
            at: 0,
        }
    }

    /// Speed of the file that is used.
    pub fn speed(&self) -> Speed {
        let chosen = self.chosen.as_ref().map(|chosen| &chosen.format);
        let row = self.candidates.iter().find(|row| Some(&row.format) == chosen);
        row.unwrap_or(&self.measured).speed
    }
}

fn verify(
    path: &Path,
    expected: Sha256,
    stop: &AtomicBool,
    seen: &mut dyn FnMut(u64),
) -> Result<(), StoreError> {
    let found = Sha256::of_file(path, stop, seen).map_err(StoreError::io(path))?;
    if found == expected {
        return Ok(());
    }
    Err(StoreError::Checksum { path: path.to_owned(), found, expected })
}

/// Moves a finished file to its place; it is on the disk before its note is.
fn keep(
    folder: &Path,
    original: &Path,
    cpu: &str,
    made: &Path,
    format: &str,
    stop: &AtomicBool,
) -> Result<TunedFile, StoreError> {
    let sha256 = Sha256::of_file(made, stop, &mut |_| ()).map_err(StoreError::io(made))?;
    let stem: String = original
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        .take(120)
        .collect();
    // Two processors may choose the same format and be tuned at different times.
    let processor = &blake3::hash(cpu.as_bytes()).to_hex()[..8];
    let file = format!("{stem}.{format}.{processor}.gguf");
    let path = folder.join(&file);
    if !crate::is_file_name(&file) {
        return Err(StoreError::BadName(file));
    }
    let place = || {
        fs::File::open(made)?.sync_all()?;
        super::set_readable(made)?;
        fs::rename(made, &path)?;
        fs::metadata(&path)
    };
    let stamp = Stamp::of(&place().map_err(StoreError::io(&path))?);
    Ok(TunedFile { file, format: format.to_owned(), sha256, stamp })
}

/// Removes what killed processes left. Only for who holds the lock.
fn clear(folder: &Path) -> io::Result<()> {
    for item in fs::read_dir(folder)? {
        let item = item?;
        if item.file_name().to_string_lossy().starts_with(SCRATCH) {
            fs::remove_dir_all(item.path())?;
        }
    }
    clear_files(folder)
}

/// Removes model files that no note speaks of.
fn clear_files(folder: &Path) -> io::Result<()> {
    let names: Vec<String> = fs::read_dir(folder)?
        .filter_map(|item| item.ok()?.file_name().into_string().ok())
        .collect();
    let wanted: HashSet<String> = names
        .iter()
        .filter_map(|name| name.strip_suffix(".json"))
        .flat_map(|original| Note::read(folder, Path::new(original)).tunings)
        .filter_map(|tuning| Some(tuning.chosen?.file))
        .collect();
    for name in names.iter().filter(|name| name.ends_with(".gguf") && !wanted.contains(*name)) {
        fs::remove_file(folder.join(name))?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "tuned_tests.rs"]
mod tests;
