use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, open, statat};
use store::FileState;

/// Finds out the states of files, not following links. Those of one folder, one after another,
/// cost less: the folder is looked up once.
#[derive(Default)]
pub struct States {
    folder: Vec<u8>,
    open: Option<OwnedFd>,
}

impl States {
    /// What a path names, and in what state that is.
    ///
    /// # Errors
    /// What the system says.
    pub fn of(&mut self, path: &Path) -> io::Result<(FileType, FileState)> {
        let bytes = path.as_os_str().as_bytes();
        let cut = bytes.iter().rposition(|byte| *byte == b'/').filter(|cut| *cut > 0);
        let stat = match cut.map(|cut| (&bytes[..cut], &bytes[cut + 1..])) {
            Some((folder, name)) if !name.is_empty() && self.enter(folder) => {
                let open = self.open.as_ref().ok_or(io::ErrorKind::NotFound)?;
                statat(open, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW)?
            }
            _ => statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW)?,
        };
        Ok((FileType::from_raw_mode(stat.st_mode), state(&stat)))
    }

    /// Opens a folder, if it is not the one that is open; false where that cannot be done, which
    /// whoever uses the whole path will be told.
    fn enter(&mut self, folder: &[u8]) -> bool {
        if self.open.is_none() || self.folder != folder {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            self.open = open(OsStr::from_bytes(folder), flags, Mode::empty()).ok();
            self.folder.clear();
            self.folder.extend_from_slice(folder);
        }
        self.open.is_some()
    }
}

#[allow(clippy::unnecessary_cast, reason = "the types are others on other systems")]
fn state(stat: &Stat) -> FileState {
    let nanoseconds =
        |seconds: i64, rest| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
    FileState {
        dev: stat.st_dev as u64,
        ino: stat.st_ino as u64,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        mtime: nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
        ctime: nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn states_are_those_that_the_standard_library_gives() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("a/b")).unwrap();
        for name in ["a/1", "a/2", "a/b/1", "3"] {
            fs::write(at(name), name).unwrap();
        }
        std::os::unix::fs::symlink("1", at("a/link")).unwrap();
        let mut states = States::default();
        for name in ["a/1", "a/2", "a/link", "a/b/1", "a/b/../1", "a/..", "3", "a/b/", "a", "."] {
            let metadata = fs::symlink_metadata(at(name)).unwrap();
            let (kind, state) = states.of(&at(name)).unwrap();
            assert_eq!(state, FileState::from(&metadata), "{name}");
            assert_eq!(
                (kind.is_file(), kind.is_symlink()),
                (metadata.is_file(), metadata.is_symlink())
            );
        }
        for name in ["a/none", "none/1", "3/", "3/x", ""] {
            let expected = fs::symlink_metadata(at("").join(name)).map_err(|e| e.kind());
            let found = states.of(&at("").join(name)).map_err(|e| e.kind());
            assert_eq!(found.map(|_| ()), expected.map(|_| ()), "{name}");
        }
        assert!(states.of(Path::new("")).is_err());
    }
}
