//! Folders that repeat another as a whole.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use keyset::Key;

use crate::files::gather::{All, Listed};
use crate::files::standing::Standings;
use crate::output::{Dup, Kind};

/// A folder that has the same files as another one, by the same names, and nothing else.
pub(crate) struct Repeated {
    /// Names what is in them.
    content: Key,
    of: PathBuf,
    files: u64,
    bytes: u64,
}

impl Repeated {
    pub(crate) fn dup(&self) -> Dup {
        let (files, bytes) = (self.files, self.bytes);
        Dup {
            of: Some(records::Text::from_os(self.of.as_os_str())),
            kind: Kind::Exact,
            similarity: Some(1.0),
            why: Some(format!("same folder: {files} files, {bytes} bytes, by the same names")),
            ..Dup::first(format!("folder {}", self.content.to_hex()))
        }
    }
}

/// What is known of a folder once everything below it is.
#[derive(Default)]
struct Folder {
    /// Its entries, with what is in them.
    entries: Vec<(OsString, Key)>,
    /// Something in it has no copy, or was not compared.
    differs: bool,
    files: u64,
    bytes: u64,
    /// Where it comes among others: references first, then in the order of the input.
    place: (bool, u64),
}

impl Folder {
    fn take_in(&mut self, files: u64, bytes: u64, place: (bool, u64)) {
        self.place = if self.files == 0 { place } else { self.place.min(place) };
        self.files += files;
        self.bytes += bytes;
    }

    /// Names all that is in it; none where `path` has more than was compared.
    fn content(&mut self, path: &Path) -> Option<Key> {
        // Hidden and ignored files, empty folders, links: what was not looked at may differ.
        let is_whole = !self.differs
            && fs::read_dir(path).is_ok_and(|entries| entries.count() == self.entries.len());
        if !is_whole {
            return None;
        }
        self.entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let mut bytes = Vec::new();
        for (name, content) in &self.entries {
            let name = name.as_encoded_bytes();
            bytes.extend_from_slice(&name.len().to_le_bytes());
            bytes.extend_from_slice(name);
            bytes.extend_from_slice(&content.to_bytes());
        }
        Some(Key::of(&bytes))
    }
}

/// The outermost folders that repeat another one.
pub(crate) fn repeated(all: &All, standings: &Standings) -> HashMap<PathBuf, Repeated> {
    let mut folders = innermost(all, standings);
    let mut same: HashMap<Key, Vec<(PathBuf, Folder)>> = HashMap::new();
    // From the deepest up: what is in a folder is known before it.
    while let Some(((_, path), mut folder)) = folders.pop_first() {
        let content = folder.content(&path);
        if let Some((parent, name)) = path.parent().zip(path.file_name())
            && !parent.as_os_str().is_empty()
        {
            let above = folders.entry(position(parent)).or_default();
            above.take_in(folder.files, folder.bytes, folder.place);
            match content {
                Some(content) => above.entries.push((name.to_owned(), content)),
                None => above.differs = true,
            }
        }
        if let Some(content) = content {
            same.entry(content).or_default().push((path, folder));
        }
    }
    let mut groups: Vec<(Key, Vec<(PathBuf, Folder)>)> =
        same.into_iter().filter(|(_, folders)| folders.len() > 1).collect();
    groups.sort_by_key(|(_, folders)| folders.iter().map(|(path, _)| depth(path)).min());
    let mut found: HashMap<PathBuf, Repeated> = HashMap::new();
    for (content, mut folders) in groups {
        let inside: HashSet<PathBuf> = folders
            .iter()
            .map(|(path, _)| path.clone())
            .filter(|path| path.ancestors().skip(1).any(|above| found.contains_key(above)))
            .collect();
        folders.sort_by_key(|(path, folder)| (inside.contains(path), folder.place));
        let mut folders = folders.into_iter();
        let Some((of, _)) = folders.next() else { continue };
        for (path, Folder { files, bytes, .. }) in
            folders.filter(|(path, _)| !inside.contains(path))
        {
            found.insert(path, Repeated { content, of: of.clone(), files, bytes });
        }
    }
    found
}

/// The folders that files stand in, deepest first.
fn innermost(all: &All, standings: &Standings) -> BTreeMap<(Reverse<usize>, PathBuf), Folder> {
    let mut folders: BTreeMap<(Reverse<usize>, PathBuf), Folder> = BTreeMap::new();
    // A reference below a folder that was named is listed twice.
    let twice = |listed: &Listed| listed.reference && !listed.silent;
    let named = (0u32..).zip(&all.listed).filter(|(_, listed)| twice(listed));
    let named: HashSet<&Path> = named.map(|(number, _)| all.files.path(number)).collect();
    for (number, listed) in (0u32..).zip(&all.listed) {
        let path = all.files.path(number);
        if listed.silent && named.contains(path) {
            continue;
        }
        let Some((parent, name)) = path.parent().zip(path.file_name()) else { continue };
        let folder = folders.entry(position(parent)).or_default();
        folder.take_in(1, all.files.state(number).size, (!listed.reference, listed.place));
        match standings.of(number).filter(|standing| standing.near.is_none()) {
            Some(standing) => {
                let content = Key::of(standings.group(standing.group).as_bytes());
                folder.entries.push((name.to_owned(), content));
            }
            None => folder.differs = true,
        }
    }
    folders
}

fn position(path: &Path) -> (Reverse<usize>, PathBuf) {
    (Reverse(depth(path)), path.to_owned())
}

fn depth(path: &Path) -> usize {
    path.components().count()
}
