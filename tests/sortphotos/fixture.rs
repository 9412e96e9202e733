//! Folders of pictures made for tests.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
pub(crate) use testkit::Shot;
use testkit::{Program, program};

/// What is in a folder: of files content, permissions and time of change; of folders nothing.
pub(crate) type State = BTreeMap<PathBuf, (Option<Vec<u8>>, u32, i64)>;

/// A folder with pictures.
pub(crate) struct Tree {
    folder: TempDir,
}

impl Tree {
    pub(crate) fn new(files: &[(&str, Shot)]) -> Self {
        let tree = Self { folder: tempfile::tempdir().expect("a folder") };
        for (n, (name, shot)) in files.iter().enumerate() {
            tree.write(name, &shot.bytes());
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_500_000_000 + n as u64);
            let file = fs::File::options().write(true).open(tree.file(name)).expect("a file");
            file.set_modified(time).expect("a time");
        }
        tree
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.file(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, bytes).expect("a file");
    }

    /// The program, run in this folder, with a model store that has nothing in it.
    pub(crate) fn sort(&self, args: &[&str]) -> Program {
        let none = self.file(".models");
        program("sortphotos").env("HEADWATER_MODELS", none).working_in(self.path()).args(args)
    }

    pub(crate) fn state(&self) -> State {
        state(self.path())
    }

    /// Paths of all files, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let is_file = |(path, (content, ..)): (PathBuf, (Option<Vec<u8>>, u32, i64))| {
            content.map(|_| path.to_str().expect("UTF-8").to_owned())
        };
        self.state().into_iter().filter_map(is_file).collect()
    }
}

/// What is below a folder; its own part of the paths is taken off.
pub(crate) fn state(folder: &Path) -> State {
    let mut found = State::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        for entry in fs::read_dir(&path).expect("a folder") {
            let path = entry.expect("an entry").path();
            let metadata = fs::symlink_metadata(&path).expect("it is there");
            let name = path.strip_prefix(folder).expect("inside").to_owned();
            if metadata.is_dir() {
                found.insert(name, (None, 0, 0));
                open.push(path);
            } else if metadata.is_file() {
                let content = fs::read(&path).expect("a file");
                let mode = metadata.permissions().mode();
                found.insert(name, (Some(content), mode, metadata.mtime()));
            }
        }
    }
    found
}
