use std::borrow::Cow;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use cli::{Input, Origin};
use filehash::Files;
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
    /// Where links are followed: what was named so far, resolved. One file has many paths then, and
    /// must not be taken for its own copy.
    named: HashSet<PathBuf>,
}

/// Gathers files.
pub(crate) struct Gather {
    all: Mutex<All>,
    sizes: Sizes,
    /// Folders that are not touched, resolved.
    references: Vec<PathBuf>,
    walk: walk::Options,
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
        Ok(Self { all: Mutex::default(), sizes, references, walk })
    }

    /// Takes in the file that a record names.
    pub(crate) fn add(&self, input: &Input) -> Result<(), Failure> {
        if input.origin == Origin::Stdin {
            return Err(Failure::new(Code::Unsupported, "only files with a path can be compared"));
        }
        let record = &input.record;
        let path: Text = record
            .get("path")
            .map_err(|e| Failure::new(Code::MissingField, e))?
            .ok_or_else(|| Failure::new(Code::MissingField, "the record has no 'path'"))?;
        let unreadable = |e| Failure::new(Code::Unreadable, e);
        let path = self.resolve(Path::new(path.as_os())).map_err(unreadable)?;
        let metadata = fs::symlink_metadata(&path).map_err(unreadable)?;
        let is_link = metadata.is_symlink();
        if !metadata.is_file() && !is_link {
            return Err(Failure::new(Code::Unsupported, "is no regular file"));
        }
        let size = metadata.len();
        if !is_link && !(self.sizes.min..=self.sizes.max).contains(&size) {
            return Ok(());
        }
        let plain = Record::of_path(&path);
        let line = (plain.as_str() != record.as_str()).then(|| record.as_str().into());
        let reference = self.is_reference(&path);
        let mut all = lock(&self.all);
        let again = self.walk.follow_links && !all.named.insert(path.to_path_buf());
        let listed = Listed {
            place: input.number,
            line,
            reference,
            silent: false,
            apart: is_link || again || (size == 0 && !self.sizes.empty),
        };
        all.files.push(&path, FileState::from(&metadata));
        all.listed.push(listed);
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
                Ok((_, real))
                    if self.walk.follow_links && !all.named.insert(real.to_path_buf()) => {}
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

impl All {
    /// The record of a file.
    pub(crate) fn record(&self, number: u32) -> Result<Record, Failure> {
        match &self.listed[number as usize].line {
            None => Ok(Record::of_path(self.files.path(number))),
            Some(line) => Record::parse(line.as_bytes()).map_err(|e| Failure::new(Code::Bug, e)),
        }
    }
}
