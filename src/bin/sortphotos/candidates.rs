//! Names that files could have in their places, what is there already, and what is the same.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use cli::{Bar, Stop};
use filehash::Files;
use store::{Digests, FileState};

use crate::item::{All, Unit};
use crate::names::folded;

/// Numbers that are tried for one name before giving up.
pub(crate) const NUMBERS: u32 = 100_000;

/// Where a unit is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) unit: usize,
    pub(crate) folder: PathBuf,
    /// Name without number and extension.
    pub(crate) stem: String,
}

impl Wish {
    /// The names of the unit's files with the `k`-th number, in the order of its members.
    pub(crate) fn names(&self, all: &All, k: u32) -> Vec<PathBuf> {
        let unit = &all.units[self.unit];
        let stem = if k > 1 { format!("{}-{k}", self.stem) } else { self.stem.clone() };
        let mut taken = HashSet::new();
        let mut names = Vec::with_capacity(unit.members.len());
        for member in &unit.members {
            let suffix = suffix(&all.items[member.file].path, member.suffix);
            let mut name = with_suffix(&stem, &suffix);
            if !taken.insert(folded(Path::new(&name))) {
                // Two of a unit would have one name: the second one says what it is.
                let mut more = 1;
                while {
                    let part = member.part.name();
                    let mark = if more > 1 { format!("{part}{more}") } else { part.to_owned() };
                    name = with_suffix(&format!("{stem}-{mark}"), &suffix);
                    !taken.insert(folded(Path::new(&name)))
                } {
                    more += 1;
                }
            }
            names.push(self.folder.join(name));
        }
        names
    }
}

/// What stands behind the stem in a name, in lower case.
fn suffix(path: &Path, length: usize) -> Vec<u8> {
    let name = path.file_name().unwrap_or_default().as_bytes();
    // Without a length told: the extension.
    let dot = name.iter().rposition(|b| *b == b'.').filter(|at| *at > 0);
    let length = if length == 0 { dot.map_or(0, |at| name.len() - at) } else { length };
    let mut suffix = name[name.len() - length.min(name.len())..].to_ascii_lowercase();
    for byte in &mut suffix {
        if byte.is_ascii_control() || b"\\/:*?\"<>|".contains(byte) {
            *byte = b'_';
        }
    }
    suffix.truncate(50);
    suffix
}

fn with_suffix(stem: &str, suffix: &[u8]) -> OsString {
    OsString::from_vec([stem.as_bytes(), suffix].concat())
}

/// Which files have the same content: those to be sorted, by number, and those in the way.
pub(crate) struct Contents {
    classes: Vec<u32>,
    /// Files that are where others want to go, with their numbers behind those to be sorted.
    there: HashMap<PathBuf, usize>,
}

/// What compares.
pub(crate) struct Comparer<'a> {
    pub(crate) threads: usize,
    pub(crate) digests: Option<&'a Digests>,
    pub(crate) stop: &'a Stop,
    pub(crate) bar: &'a Bar,
}

impl Contents {
    /// Compares what has to be: files of one size, by hashes.
    pub(crate) fn new(all: &All, wishes: &[Wish], comparer: &Comparer<'_>) -> Self {
        let mut files = Files::default();
        for item in &all.items {
            files.push(&item.path, item.state);
        }
        let mut there = HashMap::new();
        let mut looked = HashSet::new();
        for wish in wishes {
            for k in 1..NUMBERS {
                let mut any = false;
                for name in wish.names(all, k) {
                    if !looked.insert(name.clone()) {
                        any |= there.contains_key(&name);
                    } else if let Ok(found) = fs::symlink_metadata(&name) {
                        any = true;
                        files.push(&name, FileState::from(&found));
                        there.insert(name, files.len() - 1);
                    }
                }
                if !any {
                    break;
                }
            }
        }
        let regular = |n: &u32| files.state(*n).size > 0;
        let count = u32::try_from(files.len()).unwrap_or(u32::MAX);
        let options = filehash::Options {
            threads: comparer.threads,
            digests: comparer.digests,
            stop: &|| comparer.stop.is_set(),
            progress: &|_, done, total| comparer.bar.set(done, total),
        };
        let found = filehash::identical(&files, (0..count).filter(regular).collect(), &options);
        let mut classes: Vec<u32> = (0..count).collect();
        for group in &found.groups {
            for file in &group.files {
                classes[*file as usize] = group.files[0];
            }
        }
        for (link, name) in &found.links {
            classes[*link as usize] = classes[*name as usize];
        }
        Self { classes, there }
    }

    /// What files with the same content have in common.
    pub(crate) fn class(&self, file: usize) -> u32 {
        self.classes[file]
    }

    /// What is at a place: the class of its content.
    pub(crate) fn at(&self, path: &Path) -> Option<u32> {
        self.there.get(path).map(|number| self.classes[*number])
    }

    /// Whether every picture and video of `unit` is among those of `other`, and which is which.
    pub(crate) fn repeats(&self, all: &All, unit: &Unit, other: &Unit) -> bool {
        let media = |unit: &Unit| -> Vec<u32> {
            let files = unit.members.iter().map(|m| m.file);
            files.filter(|f| all.items[*f].is_media()).map(|f| self.class(f)).collect()
        };
        let others = media(other);
        media(unit).iter().all(|class| others.contains(class))
    }
}
