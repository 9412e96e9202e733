//! Which files there are: those that were named, and those that belong to them.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cli::{Input, Origin};
use records::{Code, Failure, Text};
use store::FileState;

use crate::item::Item;

/// Gathers files.
#[derive(Default)]
pub(crate) struct Gather {
    items: Mutex<Vec<Item>>,
    named: Mutex<HashSet<PathBuf>>,
}

impl Gather {
    /// Takes in the file that a record names.
    pub(crate) fn add(&self, input: &Input) -> Result<(), Failure> {
        if input.origin == Origin::Stdin {
            return Err(Failure::new(Code::Unsupported, "only files with a path can be sorted"));
        }
        let record = &input.record;
        let path: Text = record
            .get("path")
            .map_err(|e| Failure::new(Code::MissingField, e))?
            .ok_or_else(|| Failure::new(Code::MissingField, "the record has no 'path'"))?;
        let path = PathBuf::from(path.as_os());
        let metadata =
            fs::symlink_metadata(&path).map_err(|e| Failure::new(Code::Unreadable, e))?;
        if !metadata.is_file() {
            let what = if metadata.is_symlink() { "symbolic link" } else { "regular file" };
            let no = if metadata.is_symlink() { "is a" } else { "is no" };
            return Err(Failure::new(Code::Unsupported, format!("{no} {what}")));
        }
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if !named.insert(path.clone()) {
            return Err(Failure::new(Code::Refused, "this file was named before"));
        }
        let item = Item::new(path, FileState::from(&metadata)).listed(input.number, record);
        self.items.lock().unwrap_or_else(PoisonError::into_inner).push(item);
        Ok(())
    }

    /// All of them, each once, with the files beside them whose names begin as theirs do.
    pub(crate) fn take(&self) -> Vec<Item> {
        let mut items =
            std::mem::take(&mut *self.items.lock().unwrap_or_else(PoisonError::into_inner));
        items.sort_by_key(|item| item.place);
        let mut folders: BTreeMap<PathBuf, Folder> = BTreeMap::new();
        for item in &items {
            let folder = folders.entry(folder_of(&item.path).to_owned()).or_default();
            folder.named.extend(item.path.file_name().map(ToOwned::to_owned));
        }
        for (path, folder) in &folders {
            items.extend(folder.companions(path));
        }
        items
    }
}

/// The folder of a path, as it can be opened.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Names in a folder that were given.
#[derive(Default)]
struct Folder {
    named: HashSet<OsString>,
}

impl Folder {
    fn companions(&self, path: &Path) -> Vec<Item> {
        // A folder that cannot be listed has no companions to offer; its files say why themselves.
        let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
        let stems: HashSet<String> = self.named.iter().filter_map(stem).collect();
        let mut found = Vec::new();
        for entry in entries.flatten() {
            let name = entry.file_name();
            let is_one = !self.named.contains(&name)
                && !name.as_encoded_bytes().starts_with(b".")
                && stem(&name).is_some_and(|stem| stems.contains(&stem));
            if !is_one {
                continue;
            }
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_file() {
                let path = if path == Path::new(".") { name.into() } else { entry.path() };
                found.push(Item::new(path, FileState::from(&metadata)));
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found
    }
}

/// What the names of files that belong together begin with: the part before the first dot, without
/// the mark of an edited picture.
fn stem(name: &OsString) -> Option<String> {
    let name = name.to_string_lossy().to_lowercase();
    let stem = name.split('.').next()?;
    let stem = stem.strip_suffix("-edited").unwrap_or(stem);
    let stem = stem.replacen("img_e", "img_", 1);
    // Takeout cuts long names, and counts copies behind the extension: IMG(1).jpg, IMG.jpg(1).json.
    let stem = stem.split('(').next().unwrap_or(&stem).chars().take(40).collect::<String>();
    (!stem.is_empty()).then_some(stem)
}
