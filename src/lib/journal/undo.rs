use std::fs;
use std::io;
use std::path::Path;

use records::Text;

use crate::act::rename_to_free;
use crate::content::{copy, open_regular, sync_folder};
use crate::entry::{Entry, Line};
use crate::file::{Journal, JournalError};

/// What became of one change of a journal.
#[derive(Debug)]
pub enum Undone {
    /// The file is again what it was.
    Restored,
    /// It was so already: the change was never made.
    Unchanged,
    /// It cannot be brought back as things are; nothing was touched.
    Refused(io::Error),
}

/// Takes back the changes of a journal, newest first; tells `each` what became of them. Changes
/// taken back once are not touched again, so that it can be repeated after a crash or a refusal.
///
/// # Errors
/// [`JournalError`].
pub fn undo(
    path: &Path,
    stop: &dyn Fn() -> bool,
    mut each: impl FnMut(&Undoing<'_>, Undone),
) -> Result<(), JournalError> {
    let (mut journal, content) = Journal::open(path)?;
    for entry in &content.entries {
        if stop() {
            return Ok(());
        }
        let undone = restore(entry).unwrap_or_else(Undone::Refused);
        if !matches!(undone, Undone::Refused(_)) {
            journal.append(&Line::Undone(entry.n), false)?;
        }
        each(&Undoing { action: &entry.action, path: &entry.path }, undone);
    }
    for step in content.units.iter().flatten().rev() {
        if stop() {
            return Ok(());
        }
        let undone = step.take_back(&content.noted(step.n)).unwrap_or_else(Undone::Refused);
        if !matches!(undone, Undone::Refused(_)) {
            journal.append(&Line::Undone(step.n), false)?;
        }
        each(&Undoing { action: step.way.name(), path: &step.path }, undone);
    }
    for folder in content.folders.iter().rev() {
        // One that others use by now is not empty, and stays.
        let _ = fs::remove_dir(folder.as_os());
    }
    Ok(())
}

/// A change that is being taken back.
#[derive(Clone, Copy, Debug)]
pub struct Undoing<'a> {
    /// As in plans.
    pub action: &'a str,
    /// The file that was changed, or the text that was written.
    pub path: &'a Text,
}

/// Looks at what is there, whatever the journal says: it may have ended in the middle of a change.
fn restore(entry: &Entry) -> io::Result<Undone> {
    let path = Path::new(entry.path.as_os());
    let aside = Path::new(entry.aside.as_os());
    if let Ok(found) = fs::symlink_metadata(aside) {
        if entry.was.is_inode(&found) {
            return back(entry, aside, path);
        }
        // The new link, or a part of a copy: it did not come to its place.
        fs::remove_file(aside)?;
    }
    let there = fs::symlink_metadata(path).ok();
    // By more than the inode: its number may have been given to another file since.
    if there.as_ref().is_some_and(|found| entry.was.is_unchanged(found)) {
        return Ok(Undone::Unchanged);
    }
    match (entry.action.as_str(), &entry.to) {
        ("trash" | "move", Some(to)) => {
            let moved = back_from(entry, Path::new(to.as_os()), path)?;
            if let Some(info) = &entry.info {
                // Nothing but a note about the file that has left.
                let _ = fs::remove_file(info.as_os());
            }
            Ok(moved)
        }
        // It has shared nothing but blocks: it is a file of its own with the same content.
        ("reflink", _) if there.is_some() => Ok(Undone::Restored),
        _ => remake(entry, path, aside, there.as_ref()),
    }
}

/// The file itself is still there under another name.
fn back(entry: &Entry, aside: &Path, path: &Path) -> io::Result<Undone> {
    match fs::symlink_metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => rename_to_free(aside, path)?,
        Err(e) => return Err(e),
        // What has its place is the link that was made for it.
        Ok(found) if is_replacement(entry, &found)? => fs::rename(aside, path)?,
        Ok(_) => return Err(io::Error::other("something else has its place")),
    }
    sync_folder(path)?;
    Ok(Undone::Restored)
}

/// Whether what is there is what `entry` put in the place of the file.
fn is_replacement(entry: &Entry, found: &fs::Metadata) -> io::Result<bool> {
    let (path, keep) = (Path::new(entry.path.as_os()), Path::new(entry.keep.as_os()));
    Ok(match entry.action.as_str() {
        "hardlink" => fs::symlink_metadata(keep)
            .is_ok_and(|kept| crate::entry::Snapshot::of(&kept).is_inode(found)),
        "symlink" => found.is_symlink() && fs::read_link(path)? == keep,
        "reflink" => found.is_file() && found.len() == entry.was.size,
        _ => false,
    })
}

fn back_from(entry: &Entry, from: &Path, path: &Path) -> io::Result<Undone> {
    if fs::symlink_metadata(path).is_ok() {
        return Err(io::Error::other("something else has its place"));
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    match rename_to_free(from, path) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::CrossesDevices => {
            let copied = copy(&open_regular(from)?, path, &entry.was)?;
            if copied != entry.hash {
                fs::remove_file(path)?;
                return Err(io::Error::other("what was moved has changed"));
            }
            fs::remove_file(from)?;
        }
        Err(e) => return Err(e),
    }
    sync_folder(path)?;
    Ok(Undone::Restored)
}

/// Makes the file anew from the one that stayed, if that still has the content.
fn remake(
    entry: &Entry,
    path: &Path,
    aside: &Path,
    there: Option<&fs::Metadata>,
) -> io::Result<Undone> {
    if let Some(found) = there
        && !is_replacement(entry, found)?
    {
        return Err(io::Error::other("something else has its place"));
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let copied = copy(&open_regular(Path::new(entry.keep.as_os()))?, aside, &entry.was)?;
    if copied != entry.hash {
        fs::remove_file(aside)?;
        return Err(io::Error::other("the file that stayed has changed since"));
    }
    if there.is_some() {
        fs::rename(aside, path)?;
    } else {
        rename_to_free(aside, path)?;
    }
    sync_folder(path)?;
    Ok(Undone::Restored)
}
