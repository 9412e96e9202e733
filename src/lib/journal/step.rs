//! One file on its way to its place: the way there, the rest of it after a crash, and back.

use std::fs::{self, File, Metadata};
use std::io::{self, Write as _};
use std::path::Path;

use rustix::io::Errno;

use crate::act::{ActError, rename_to_free};
use crate::content::{clone_into, compare, copy_verified, hash_of, open_regular, sync_folder};
use crate::entry::{Snapshot, Step, Way};
use crate::file::{JournalError, Noted};
use crate::undo::Undone;

/// Told the hash of a copy that is complete, before the copy gets its name.
pub(crate) type Note<'a> = &'a mut dyn FnMut(&str, bool) -> Result<(), JournalError>;

impl Step {
    fn path(&self) -> &Path {
        Path::new(self.path.as_os())
    }

    pub(crate) fn target(&self) -> &Path {
        Path::new(self.to.as_os())
    }

    fn aside(&self) -> &Path {
        Path::new(self.aside.as_os())
    }

    /// Does it. On failure everything is as it was.
    pub(crate) fn make(&self, note: Note<'_>) -> Result<(), ActError> {
        let made = self.make_it(note);
        match made {
            Err(ActError::Io(e)) if e.kind() == io::ErrorKind::AlreadyExists => {
                Err(ActError::Occupied)
            }
            made => made,
        }
    }

    fn make_it(&self, note: Note<'_>) -> Result<(), ActError> {
        let Some(was) = &self.was else {
            let text = self.text.as_deref().unwrap_or_default();
            return self.through_aside(|aside| {
                let mut file = File::options().write(true).create_new(true).open(aside)?;
                file.write_all(text.as_bytes())?;
                Ok(file.sync_all()?)
            });
        };
        if !was.is_unchanged(&fs::symlink_metadata(self.path())?) {
            return Err(ActError::Outdated);
        }
        match self.way {
            Way::Link => Ok(fs::hard_link(self.path(), self.target())?),
            Way::Move => match rename_to_free(self.path(), self.target()) {
                Err(e) if e.kind() == io::ErrorKind::CrossesDevices => self.cross(was, note),
                done => Ok(done?),
            },
            Way::Reflink => {
                let from = self.source(was)?;
                self.through_aside(|aside| Ok(clone_into(&from, aside, was)?))
            }
            Way::Copy | Way::Write => self.copy(was, note, false),
        }
    }

    /// The file that was planned with, open.
    fn source(&self, was: &Snapshot) -> Result<File, ActError> {
        let from = open_regular(self.path())?;
        if was.is_unchanged(&from.metadata()?) { Ok(from) } else { Err(ActError::Outdated) }
    }

    /// A complete, verified copy that then gets its name.
    fn copy(&self, was: &Snapshot, note: Note<'_>, sync: bool) -> Result<(), ActError> {
        let from = self.source(was)?;
        self.through_aside(|aside| {
            let hash = copy_verified(&from, aside, was)?.ok_or(ActError::NotVerified)?;
            if !was.is_unchanged(&from.metadata()?) {
                return Err(ActError::Outdated);
            }
            Ok(note(&hash, sync)?)
        })
    }

    /// A move to another device: the file goes when its copy is on the disk, under its name.
    fn cross(&self, was: &Snapshot, note: Note<'_>) -> Result<(), ActError> {
        self.copy(was, note, true)?;
        let removed = sync_folder(self.target()).and_then(|()| self.remove_source(was));
        if removed.is_err() {
            // The copy is ours: it was made a moment ago where nothing was.
            let _ = fs::remove_file(self.target());
        }
        Ok(removed?)
    }

    fn remove_source(&self, was: &Snapshot) -> io::Result<()> {
        if !was.is_unchanged(&fs::symlink_metadata(self.path())?) {
            return Err(io::Error::other("it was written to while it was copied"));
        }
        fs::remove_file(self.path())
    }

    /// Lets `fill` make a file under a name for a moment, and gives it its own name, which must
    /// be free. On failure nothing is left.
    fn through_aside(
        &self,
        fill: impl FnOnce(&Path) -> Result<(), ActError>,
    ) -> Result<(), ActError> {
        let aside = self.aside();
        let filled = fill(aside).and_then(|()| Ok(rename_to_free(aside, self.target())?));
        if filled.is_err() {
            // What failed matters more than that the part cannot be removed either.
            let _ = fs::remove_file(aside);
        }
        filled
    }

    /// Does what is left of it after a crash.
    pub(crate) fn complete(&self, noted: &Noted<'_>, note: Note<'_>) -> Result<(), ActError> {
        remove_if_there(self.aside())?;
        let Some(found) = there(self.target())? else { return self.make(note) };
        if !self.is_ours(&found, noted)? {
            return Err(ActError::Occupied);
        }
        if let (Way::Move, Some(was)) = (self.way, &self.was)
            && there(self.path())?.is_some()
        {
            sync_folder(self.target())?;
            self.remove_source(was)?;
        }
        Ok(())
    }

    /// Whether what is in its place came there by this step.
    fn is_ours(&self, found: &Metadata, noted: &Noted<'_>) -> io::Result<bool> {
        let Some(was) = &self.was else {
            return Ok(found.is_file()
                && fs::read(self.target())?
                    == self.text.as_deref().unwrap_or_default().as_bytes());
        };
        if matches!(self.way, Way::Move | Way::Link) && was.is_inode(found) {
            return Ok(true);
        }
        // A copy is noted before it gets its name.
        let begun = noted.done || noted.hash.is_some() || self.way == Way::Reflink;
        if !begun || !found.is_file() || found.len() != was.size {
            return Ok(false);
        }
        let placed = open_regular(self.target())?;
        match (noted.hash, self.unchanged_source()) {
            (Some(hash), _) => Ok(hash_of(&placed)? == hash),
            (None, Some(source)) => Ok(compare(&source, &placed)?.is_some()),
            (None, None) => Ok(false),
        }
    }

    fn unchanged_source(&self) -> Option<File> {
        self.source(self.was.as_ref()?).ok()
    }

    /// Takes it back, by what is there: the journal may have ended in the middle of it.
    pub(crate) fn take_back(&self, noted: &Noted<'_>) -> io::Result<Undone> {
        remove_if_there(self.aside())?;
        let source = there(self.path())?;
        let Some(found) = there(self.target())? else {
            return match self.way {
                Way::Move if source.is_none() => Err(io::Error::other("it is in neither place")),
                _ => Ok(Undone::Unchanged),
            };
        };
        let ours = self.is_ours(&found, noted)?;
        match (self.way, &self.was) {
            (Way::Move, Some(was)) if source.is_none() => {
                if !ours {
                    return Err(io::Error::other("what is in its new place has changed since"));
                }
                self.back(was, noted)
            }
            // What is there is somebody else's: nothing was begun.
            _ if !ours && !noted.done => Ok(Undone::Unchanged),
            _ if !ours => Err(io::Error::other("what was made has changed since")),
            (Way::Write, _) => self.remove_target(),
            _ if self.unchanged_source().is_none() => {
                Err(io::Error::other("the file itself has changed or is gone: the copy stays"))
            }
            _ => self.remove_target(),
        }
    }

    fn remove_target(&self) -> io::Result<Undone> {
        fs::remove_file(self.target())?;
        sync_folder(self.target())?;
        Ok(Undone::Restored)
    }

    fn back(&self, was: &Snapshot, noted: &Noted<'_>) -> io::Result<Undone> {
        let (from, to) = (self.target(), self.path());
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        match rename_to_free(from, to) {
            Err(e) if e.kind() == io::ErrorKind::CrossesDevices => {
                let copied = copy_verified(&open_regular(from)?, to, was)?;
                if copied.is_none() || copied.as_deref() != noted.hash {
                    fs::remove_file(to)?;
                    return Err(io::Error::other("what was moved cannot be copied back"));
                }
                sync_folder(to)?;
                fs::remove_file(from)?;
            }
            done => done?,
        }
        sync_folder(to)?;
        sync_folder(from)?;
        Ok(Undone::Restored)
    }
}

fn there(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        // A folder on the way is gone, or is a file now.
        Err(e) if Errno::from_io_error(&e) == Some(Errno::NOTDIR) => Ok(None),
        Err(e) => Err(e),
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}
