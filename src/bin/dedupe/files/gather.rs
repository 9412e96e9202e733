use std::borrow::Cow;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use cli::{Input, Origin};
use filehash::{Files, States};
use records::{Code, Failure, Record, Text};
use store::FileState;

use crate::filter::lock;

/// Which sizes are compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) min: u64,
    pub(crate) max: u64,
    /// Empty files are copies of each other.
    pub(crate) empty: bool,
}

/// A file that was named, and what came with its name.
pub(crate) struct Listed {
    /// Its place in the input.
    pub(crate) place: u64,
    /// The record, where it says more than the path.
    line: Option<Box<str>>,
    /// It is in a folder that is not touched.
    pub(crate) reference: bool,
    /// It was not named, only found there: nobody asks about it.
    pub(crate) silent: bool,
    /// It is like no other by decree: an empty file, a symbolic link, a file that was named before.
    pub(crate) apart: bool,
}

/// Everything that came so far.
#[derive(Default)]
pub(crate) struct All {
    pub(crate) files: Files,
    /// What belongs to each of them.
    pub(crate) listed: Vec<Listed>,
}

/// Gathers files.
pub(crate) struct Gather {
    all: Arc<Mutex<All>>,
    sizes: Sizes,
    /// Folders that are not touched, resolved.
    references: Vec<PathBuf>,
    walk: walk::Options,
}

/// What one thread gathers: handed over when it is dropped.
pub(crate) struct Part {
    own: All,
    states: States,
    all: Arc<Mutex<All>>,
}

impl Drop for Part {
    fn drop(&mut self) {
        lock(&self.all).append(std::mem::take(&mut self.own));
    }
}

impl Gather {
    /// `references` are folders, walked as `walk` says.
    pub(crate) fn new(
        sizes: Sizes,
        references: &[PathBuf],
        walk: walk::Options,
    ) -> Result<Self, cli::Error> {
        let resolve = |folder: &PathBuf| {
            let resolved = fs::canonicalize(folder);
            resolved.map_err(|e| cli::Error::setup(format!("{}: {e}", folder.display())))
        };
        let references = references.iter().map(resolve).collect::<Result<_, _>>()?;
        Ok(Self { all: Arc::default(), sizes, references, walk })
    }

    /// For a thread to gather in.
    pub(crate) fn part(&self) -> Part {
        Part { own: All::default(), states: States::default(), all: Arc::clone(&self.all) }
    }

    /// Takes in the file that a record names.
    pub(crate) fn add(&self, part: &mut Part, input: &Input) -> Result<(), Failure> {
        if input.origin == Origin::Stdin {
            return Err(Failure::new(Code::Unsupported, "only files with a path can be compared"));
        }
        let named = match &input.path {
            Some(path) => Cow::Borrowed(path.as_path()),
            None => Cow::Owned(path_of(&input.record)?),
        };
        let unreadable = |e| Failure::new(Code::Unreadable, e);
        let path = self.resolve(&named).map_err(unreadable)?;
        let (kind, state) = part.states.of(&path).map_err(unreadable)?;
        let is_link = kind.is_symlink();
        if !kind.is_file() && !is_link {
            return Err(Failure::new(Code::Unsupported, "is no regular file"));
        }
        if !is_link && !(self.sizes.min..=self.sizes.max).contains(&state.size) {
            return Ok(());
        }
        // A record that was made of a path says no more than the path.
        let is_plain = match &input.path {
            Some(named) => named.as_path() == path,
            None => Record::of_path(&path) == input.record,
        };
        let listed = Listed {
            place: input.number,
            line: (!is_plain).then(|| input.record.as_str().into()),
            reference: self.is_reference(&path),
            silent: false,
            apart: is_link || (state.size == 0 && !self.sizes.empty),
        };
        part.own.files.push(&path, state);
        part.own.listed.push(listed);
        Ok(())
    }

    /// Where the file is that a path leads to, if links are followed.
    fn resolve<'p>(&self, path: &'p Path) -> std::io::Result<Cow<'p, Path>> {
        match self.walk.follow_links {
            true => fs::canonicalize(path).map(Cow::Owned),
            false => Ok(Cow::Borrowed(path)),
        }
    }

    fn is_reference(&self, path: &Path) -> bool {
        let inside = |path: PathBuf| self.references.iter().any(|folder| path.starts_with(folder));
        !self.references.is_empty() && fs::canonicalize(path).is_ok_and(inside)
    }

    /// Everything, with the files of the reference folders.
    pub(crate) fn take(&self) -> All {
        let mut all = std::mem::take(&mut *lock(&self.all));
        let mut named = HashSet::new();
        if self.walk.follow_links {
            all.set_apart_what_came_before(&mut named);
        }
        for found in walk::Walk::new(self.references.clone(), self.walk) {
            let path = match found {
                Ok(path) => path,
                Err(e) => {
                    log::warn!("{}: {e}", e.path.display());
                    continue;
                }
            };
            let resolved = self.resolve(&path);
            let state = resolved.and_then(|real| Ok((fs::symlink_metadata(&real)?, real)));
            match state {
                Ok((_, real)) if self.walk.follow_links && !named.insert(real.to_path_buf()) => {}
                Ok((m, path)) if m.is_file() && (m.len() > 0 || self.sizes.empty) => {
                    all.files.push(&path, FileState::from(&m));
                    all.listed.push(Listed {
                        place: u64::MAX,
                        line: None,
                        reference: true,
                        silent: true,
                        apart: false,
                    });
                }
                Ok(_) => {}
                Err(e) => log::warn!("{}: {e}", path.display()),
            }
        }
        all
    }
}

/// The path that a record names.
fn path_of(record: &Record) -> Result<PathBuf, Failure> {
    let path: Text = record
        .get("path")
        .map_err(|e| Failure::new(Code::MissingField, e))?
        .ok_or_else(|| Failure::new(Code::MissingField, "the record has no 'path'"))?;
    Ok(PathBuf::from(path.as_os()))
}

impl All {
    fn append(&mut self, mut others: Self) {
        if self.files.is_empty() {
            *self = others;
        } else {
            self.files.append(others.files);
            self.listed.reserve_exact(others.listed.len());
            self.listed.append(&mut others.listed);
        }
    }

    /// The numbers of the files, as they were named.
    pub(crate) fn in_order(&self) -> Vec<u32> {
        let mut numbers: Vec<u32> = (0u32..).zip(&self.listed).map(|(number, _)| number).collect();
        numbers.sort_unstable_by_key(|number| self.listed[*number as usize].place);
        numbers
    }

    /// Where links are followed, one file has many paths: it must not be taken for its own copy.
    fn set_apart_what_came_before(&mut self, named: &mut HashSet<PathBuf>) {
        for number in self.in_order() {
            if !named.insert(self.files.path(number).to_owned()) {
                self.listed[number as usize].apart = true;
            }
        }
    }

    /// The record of a file.
    pub(crate) fn record(&self, number: u32) -> Result<Record, Failure> {
        match &self.listed[number as usize].line {
            None => {
                let mut record = Record::of_path(self.files.path(number));
                // What the file repeats, an id, a step.
                record.reserve(3, 500);
                Ok(record)
            }
            Some(line) => Record::parse(line.as_bytes()).map_err(|e| Failure::new(Code::Bug, e)),
        }
    }
}
