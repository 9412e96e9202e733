use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use records::Text;
use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, renameat_with};
use rustix::io::Errno;

use crate::content::{clone_into, compare, copy, open_regular, sync_folder};
use crate::entry::{Entry, Line, Snapshot, text};
use crate::file::{Journal, JournalError};
use crate::same::{is_same_entry, is_written_otherwise};
use crate::trash::Trash;

/// What becomes of a file that repeats another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Another name of the file that stays.
    Hardlink,
    /// A file of its own that shares its blocks with the one that stays.
    Reflink,
    /// A symbolic link to the one that stays.
    Symlink,
    /// It goes to the trash of the desktop.
    Trash,
    /// It goes.
    Delete,
    /// It goes to this folder, under its own path.
    Move(PathBuf),
}

impl Action {
    /// As it is written in plans and journals.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hardlink => "hardlink",
            Self::Reflink => "reflink",
            Self::Symlink => "symlink",
            Self::Trash => "trash",
            Self::Delete => "delete",
            Self::Move(_) => "move",
        }
    }
}

impl FromStr for Action {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "hardlink" => Self::Hardlink,
            "reflink" => Self::Reflink,
            "symlink" => Self::Symlink,
            "trash" => Self::Trash,
            "delete" => Self::Delete,
            _ => match text.strip_prefix("move:").filter(|folder| !folder.is_empty()) {
                Some(folder) => Self::Move(folder.into()),
                None => {
                    let all = "hardlink, reflink, symlink, trash, delete, move:DIR";
                    return Err(format!("not one of {all}"));
                }
            },
        })
    }
}

/// Why a file was left as it is.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// The system said no.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The two are not, or no longer, the same.
    #[error("it differs from the file that would stay")]
    Differs,
    /// One of them changed between the comparison and the change.
    #[error("it or the file that would stay changed meanwhile")]
    Changed,
    /// It was written to, or replaced, since the plan was made.
    #[error("it changed since the plan was made")]
    Outdated,
    /// Nothing is ever put over something.
    #[error("something else has its place meanwhile")]
    Occupied,
    /// The device does not give back what was written.
    #[error("its copy, read again, differs from it")]
    NotVerified,
    /// Both names are of one file, and it may have no other.
    #[error("it is another name of the file that would stay")]
    SameFile,
    /// Another run has it in hand.
    #[error("another process works on it")]
    Locked,
    /// The journal cannot be written: nothing more may be changed.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// A change to make: `path` repeats `keep`, which stays.
pub struct Change<'a> {
    /// The file to change.
    pub path: &'a Path,
    /// The file that stays.
    pub keep: &'a Path,
    /// Whether `path` may be just another name of the same file.
    pub link: bool,
}

/// Both files, open and locked for as long as the change takes.
struct Pair {
    keep: File,
    kept: Snapshot,
    was: Snapshot,
    _locked: File,
}

impl Journal {
    /// Verifies a change, writes it down, and makes it.
    ///
    /// # Errors
    /// [`ActError`]; except after a [`JournalError`] the file is then as it was.
    pub fn act(
        &mut self,
        action: &Action,
        change: &Change<'_>,
        trash: &Trash,
    ) -> Result<Entry, ActError> {
        let path = named_absolutely(change.path)?;
        let keep = named_absolutely(change.keep)?;
        let (pair, hash) = verify(&path, &keep, change.link)?;
        let n = self.number();
        let mut entry = Entry {
            n,
            action: action.name().to_owned(),
            path: text(&path),
            keep: text(&keep),
            aside: text(&beside(&path, n)),
            to: None,
            info: None,
            was: pair.was.clone(),
            hash,
        };
        match action {
            Action::Trash => {
                let place = trash.reserve(&path)?;
                entry.to = Some(text(&place.file));
                entry.info = Some(text(&place.info));
            }
            Action::Move(folder) => entry.to = Some(text(&target(folder, &path)?)),
            _ => {}
        }
        self.append(&Line::Intent(Box::new(entry.clone())), true)?;
        let made = make(action, &entry, &pair);
        let line = if made.is_ok() { Line::Done(n) } else { Line::Failed(n) };
        if made.is_err()
            && let Some(info) = &entry.info
        {
            // The trash shall not speak of what is not there.
            let _ = fs::remove_file(info.as_os());
        }
        // What was done can be seen by looking: only the intent must be on the disk.
        self.append(&line, false)?;
        made.map(|()| entry)
    }
}

/// The path with its folder resolved, and its last part as it is: it names the same entry whatever
/// the working folder is.
pub(crate) fn named_absolutely(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(fs::canonicalize(folder)?.join(name))
}

fn verify(path: &Path, keep: &Path, link: bool) -> Result<(Pair, String), ActError> {
    let (dup, keep_file) = (open_regular(path)?, open_regular(keep)?);
    let (was, kept) = (Snapshot::of(&dup.metadata()?), Snapshot::of(&keep_file.metadata()?));
    let same = (was.dev, was.ino) == (kept.dev, kept.ino);
    // Two ways to the same entry, as through a bind mount, must not be taken for two names.
    let is_one = same && (!link || is_same_entry(path, keep)?);
    if path == keep || is_one || is_written_otherwise(path, keep)? {
        return Err(ActError::SameFile);
    }
    // Two runs that keep what the other one removes must not meet.
    if !same {
        for (file, how) in [
            (&dup, FlockOperation::NonBlockingLockExclusive),
            (&keep_file, FlockOperation::NonBlockingLockShared),
        ] {
            // A file system without locks is no reason to stop.
            if flock(file, how) == Err(Errno::WOULDBLOCK) {
                return Err(ActError::Locked);
            }
        }
    }
    let hash = compare(&dup, &keep_file)?.ok_or(ActError::Differs)?;
    let pair = Pair { keep: keep_file, kept, was, _locked: dup };
    if pair.is_as_it_was(path, keep)? { Ok((pair, hash)) } else { Err(ActError::Changed) }
}

impl Pair {
    fn is_as_it_was(&self, path: &Path, keep: &Path) -> io::Result<bool> {
        Ok(self.was.is_unchanged(&fs::symlink_metadata(path)?) && self.is_kept(keep))
    }

    /// Opened once more: what is only looked up may be remembered from before it went.
    fn is_kept(&self, keep: &Path) -> bool {
        let metadata = open_regular(keep).and_then(|file| file.metadata());
        metadata.is_ok_and(|metadata| self.kept.is_unchanged(&metadata))
    }
}

/// A name for a moment, in the same folder. Short: the longest name would not bear an addition.
fn beside(path: &Path, n: u64) -> PathBuf {
    let name = format!(".headwater-{}-{n}", std::process::id());
    path.parent().unwrap_or(Path::new("/")).join(name)
}

/// Where in `folder` a moved file goes: below it by its own path.
fn target(folder: &Path, path: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let inside = path.strip_prefix("/").unwrap_or(path);
    let to = fs::canonicalize(folder)?.join(inside);
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    Ok(to)
}

fn make(action: &Action, entry: &Entry, pair: &Pair) -> Result<(), ActError> {
    let (path, keep) = (Path::new(entry.path.as_os()), Path::new(entry.keep.as_os()));
    let aside = Path::new(entry.aside.as_os());
    // What stays has to be on the disk before what goes leaves it.
    pair.keep.sync_data()?;
    match (action, &entry.to) {
        (Action::Hardlink, _) => fs::hard_link(keep, aside)?,
        (Action::Symlink, _) => std::os::unix::fs::symlink(keep, aside)?,
        (Action::Reflink, _) => clone_into(&pair.keep, aside, &pair.was)?,
        (Action::Delete, _) | (_, None) => return remove(path, keep, aside, pair),
        (_, Some(to)) => return relocate(path, keep, aside, to, pair),
    }
    let replaced = replace(path, keep, aside, pair);
    if replaced.is_err() {
        // Only what was made here: the file itself is never left under this name on failure.
        let is_ours = fs::symlink_metadata(aside).is_ok_and(|m| !pair.was.is_inode(&m));
        if is_ours {
            let _ = fs::remove_file(aside);
        }
    }
    replaced
}

/// Puts what is at `aside` in the place of `path`; what was there is removed last.
fn replace(path: &Path, keep: &Path, aside: &Path, pair: &Pair) -> Result<(), ActError> {
    if !pair.is_as_it_was(path, keep)? {
        return Err(ActError::Changed);
    }
    match renameat_with(CWD, aside, CWD, path, RenameFlags::EXCHANGE) {
        Ok(()) => {}
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            fs::rename(aside, path)?;
            return Ok(sync_folder(path)?);
        }
        Err(e) => return Err(io::Error::from(e).into()),
    }
    // Written to, or replaced, in the moment before the exchange: back with it.
    let is_it = pair.was.is_unchanged(&fs::symlink_metadata(aside)?) && pair.is_kept(keep);
    if !is_it {
        renameat_with(CWD, aside, CWD, path, RenameFlags::EXCHANGE).map_err(io::Error::from)?;
        return Err(ActError::Changed);
    }
    fs::remove_file(aside)?;
    Ok(sync_folder(path)?)
}

/// Renames, but never over something.
pub(crate) fn rename_to_free(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            // A link is never made over something either.
            match fs::hard_link(from, to) {
                Ok(()) => return fs::remove_file(from),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(e),
                Err(_) => {}
            }
            if fs::symlink_metadata(to).is_ok() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            fs::rename(from, to)
        }
        other => Ok(other?),
    }
}

fn remove(path: &Path, keep: &Path, aside: &Path, pair: &Pair) -> Result<(), ActError> {
    if !pair.is_as_it_was(path, keep)? {
        return Err(ActError::Changed);
    }
    rename_to_free(path, aside)?;
    let is_it = pair.was.is_unchanged(&fs::symlink_metadata(aside)?) && pair.is_kept(keep);
    if !is_it {
        rename_to_free(aside, path)?;
        return Err(ActError::Changed);
    }
    fs::remove_file(aside)?;
    Ok(sync_folder(path)?)
}

fn relocate(
    path: &Path,
    keep: &Path,
    aside: &Path,
    to: &Text,
    pair: &Pair,
) -> Result<(), ActError> {
    let to = Path::new(to.as_os());
    if !pair.is_as_it_was(path, keep)? {
        return Err(ActError::Changed);
    }
    match rename_to_free(path, to) {
        Ok(()) if !pair.is_kept(keep) => {
            rename_to_free(to, path)?;
            Err(ActError::Changed)
        }
        Ok(()) => {
            sync_folder(to)?;
            Ok(sync_folder(path)?)
        }
        Err(e) if e.kind() == io::ErrorKind::CrossesDevices => {
            copy(&open_regular(path)?, to, &pair.was)?;
            sync_folder(to)?;
            let removed = remove(path, keep, aside, pair);
            if removed.is_err() {
                let _ = fs::remove_file(to);
            }
            removed
        }
        Err(e) => Err(e.into()),
    }
}
