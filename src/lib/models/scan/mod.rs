//! Models that are on this machine already, for other programs.
//!
//! Nothing found is trusted: each file is inspected before it is reported as usable, and the
//! folders and manifests of other programs are read within bounds.

mod folder;
mod hub_cache;
mod ollama;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::catalogue::Format;
use crate::inspect::inspect;
use crate::store::{AddOptions, Added, Keep, Store, StoreError};

/// Which program a found file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The cache of the public hub's own tools.
    HubCache,
    /// Ollama.
    Ollama,
    /// LM Studio.
    LmStudio,
    /// `~/.cache/whisper`, OpenAI's own program.
    OpenAiWhisper,
    /// A folder that the user named.
    Folder,
}

/// Where to look.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// Folders like `~/.cache/huggingface/hub`.
    pub hub_caches: Vec<PathBuf>,
    /// Folders like `~/.ollama/models`.
    pub ollama: Vec<PathBuf>,
    /// Folders like `~/.lmstudio/models`.
    pub lm_studio: Vec<PathBuf>,
    /// Folders like `~/.cache/whisper`.
    pub whisper: Vec<PathBuf>,
    /// Other folders.
    pub folders: Vec<PathBuf>,
}

impl Places {
    /// The usual places of a user with this home and cache folder (`$XDG_CACHE_HOME`), and those
    /// that Ollama and its like use for the whole machine.
    pub fn usual(home: &Path, xdg_cache_home: Option<&Path>) -> Self {
        let cache = xdg_cache_home
            .filter(|p| p.is_absolute())
            .map_or_else(|| home.join(".cache"), Path::to_owned);
        Self {
            hub_caches: vec![cache.join("huggingface/hub")],
            ollama: vec![
                home.join(".ollama/models"),
                PathBuf::from("/usr/share/ollama/.ollama/models"),
                PathBuf::from("/var/lib/ollama/models"),
            ],
            lm_studio: vec![home.join(".lmstudio/models"), cache.join("lm-studio/models")],
            whisper: vec![cache.join("whisper")],
            folders: vec![],
        }
    }
}

/// A model file that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The file itself, links followed.
    pub path: PathBuf,
    /// A name for it.
    pub suggested: String,
    /// Whose it is.
    pub origin: Origin,
    /// Its size.
    pub bytes: u64,
    /// Its format; or why it cannot be used.
    pub format: Result<Format, String>,
    /// The catalogue entry that it is, by size and checksum where the checksum is known without
    /// reading the file (hub cache, Ollama); by size alone it is only `likely`.
    pub known: Option<String>,
    /// The catalogue entry of the same size and format: to be confirmed by its checksum when it
    /// is taken into the store.
    pub likely: Option<String>,
}

/// A candidate, before it is looked at.
struct Candidate {
    path: PathBuf,
    suggested: String,
    origin: Origin,
    /// Checksum that the place itself states: the name of a blob.
    stated: Option<crate::Sha256>,
}

/// Looks in `places` for model files. A place that is absent or unreadable has none.
/// Ends early, with what was found so far, when `stop` is set.
pub fn scan(store: &Store, places: &Places, stop: &AtomicBool) -> Vec<Found> {
    let mut candidates = vec![];
    for dir in &places.hub_caches {
        hub_cache::candidates(dir, &mut candidates);
    }
    for dir in &places.ollama {
        ollama::candidates(dir, &mut candidates);
    }
    let walked = [
        (Origin::LmStudio, &places.lm_studio),
        (Origin::OpenAiWhisper, &places.whisper),
        (Origin::Folder, &places.folders),
    ];
    for (origin, dirs) in walked {
        for dir in dirs {
            folder::candidates(dir, origin, &mut candidates);
        }
    }
    let own = fs::canonicalize(store.dir()).ok();
    let mut seen = HashSet::new();
    let mut found = vec![];
    for candidate in candidates {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let Ok(path) = fs::canonicalize(&candidate.path) else { continue };
        let ours = own.as_ref().is_some_and(|own| path.starts_with(own));
        if !ours && seen.insert(path.clone()) {
            found.extend(look(store, candidate, path));
        }
    }
    found
}

fn look(store: &Store, candidate: Candidate, path: PathBuf) -> Option<Found> {
    let metadata = fs::metadata(&path).ok().filter(|m| m.is_file())?;
    let format = if path.extension().or(candidate.path.extension()).is_some_and(|e| e == "pt") {
        Err("a PyTorch checkpoint, which cannot be used; get the model with: models pull".into())
    } else {
        inspect(&path).map(|i| i.format).map_err(|e| e.to_string())
    };
    let entries = store.catalogue().entries();
    let known = candidate
        .stated
        .and_then(|sum| store.catalogue().with_checksum(sum))
        .filter(|e| e.bytes == metadata.len() && Ok(e.format) == format);
    let likely = entries
        .iter()
        .find(|e| e.pinned().is_some() && e.bytes == metadata.len() && Ok(e.format) == format);
    Some(Found {
        bytes: metadata.len(),
        suggested: candidate.suggested,
        origin: candidate.origin,
        known: known.map(|e| e.name.clone()),
        likely: likely.map(|e| e.name.clone()),
        format,
        path,
    })
}

/// Makes a found model usable without a copy: a link in the store, named as the catalogue has it
/// if it is one of the catalogue's, else as suggested.
///
/// # Errors
/// As for [`Store::add_file`].
pub fn link(
    store: &Store,
    found: &Found,
    stop: &AtomicBool,
    seen: &mut dyn FnMut(u64),
) -> Result<Added, StoreError> {
    // Blobs have no names of their own: what the place calls them is better than the file's name.
    let options = AddOptions {
        name: None,
        suggested: Some(found.suggested.clone()),
        keep: Keep::Link,
        source: None,
    };
    store.add_file(&found.path, &options, stop, seen)
}
