//! Files and folders named on the command line, walked in a stable order.
//!
//! A folder is walked with the rules of the `ignore` crate (hidden files, `.gitignore`,
//! `.ignore`), sorted by name, so that the same tree gives the same order on every run. What is
//! named explicitly is taken as it is, hidden or not.

#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

/// What a folder's walk leaves out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Take hidden files and folders too.
    pub hidden: bool,
    /// Do not read `.gitignore`, `.ignore` and their like.
    pub no_ignore: bool,
    /// Go through symbolic links. A link to a folder that it is in is an error.
    pub follow_links: bool,
}

/// A folder entry that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct WalkError {
    /// The entry, or the operand it was found under.
    pub path: PathBuf,
    /// What the system said.
    pub reason: String,
}

/// The files under some operands, one after another. Nothing is read ahead.
pub struct Walk {
    operands: std::vec::IntoIter<PathBuf>,
    folder: Option<(PathBuf, ignore::Walk)>,
    options: Options,
}

impl Walk {
    /// Walks `operands` in order.
    pub fn new(operands: Vec<PathBuf>, options: Options) -> Self {
        Self { operands: operands.into_iter(), folder: None, options }
    }

    fn open(&self, folder: &Path) -> ignore::Walk {
        ignore::WalkBuilder::new(folder)
            .hidden(!self.options.hidden)
            .ignore(!self.options.no_ignore)
            .git_ignore(!self.options.no_ignore)
            .git_global(!self.options.no_ignore)
            .git_exclude(!self.options.no_ignore)
            .parents(!self.options.no_ignore)
            .follow_links(self.options.follow_links)
            .sort_by_file_name(std::ffi::OsStr::cmp)
            .build()
    }
}

impl Iterator for Walk {
    type Item = Result<PathBuf, WalkError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some((root, entries)) = &mut self.folder else {
                let operand = self.operands.next()?;
                if !operand.is_dir() {
                    // Also what does not exist: whoever opens it says so best.
                    return Some(Ok(operand));
                }
                let entries = self.open(&operand);
                self.folder = Some((operand, entries));
                continue;
            };
            match entries.next() {
                None => self.folder = None,
                // Sockets, pipes and devices inside a folder are no documents.
                Some(Ok(entry)) if entry.file_type().is_some_and(|t| t.is_file()) => {
                    return Some(Ok(entry.into_path()));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    let path = error_path(&error).unwrap_or_else(|| root.clone());
                    let reason =
                        error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                    return Some(Err(WalkError { path, reason }));
                }
            }
        }
    }
}

fn error_path(error: &ignore::Error) -> Option<PathBuf> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path.clone()),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            error_path(err)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, Walk};
    use std::fs;

    #[test]
    fn folders_are_walked_sorted_and_operands_taken_as_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("b/.hidden")).unwrap();
        for name in ["b/2", "b/10", "b/.hidden/x", "b/skipped", "a"] {
            fs::write(at(name), "").unwrap();
        }
        fs::write(at("b/.ignore"), "skipped\n").unwrap();
        let walk = |options| -> Vec<_> {
            Walk::new(vec![at("b"), at("none"), at("b/skipped"), at("a")], options)
                .map(|p| p.unwrap().strip_prefix(dir.path()).unwrap().to_owned())
                .map(|p| p.to_string_lossy().into_owned())
                .collect()
        };
        assert_eq!(walk(Options::default()), ["b/10", "b/2", "none", "b/skipped", "a"]);
        let all = walk(Options { hidden: true, no_ignore: true, follow_links: false });
        assert_eq!(
            all,
            ["b/.hidden/x", "b/.ignore", "b/10", "b/2", "b/skipped", "none", "b/skipped", "a"]
        );
    }

    #[test]
    fn links_are_followed_when_asked_and_loops_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("root")).unwrap();
        fs::create_dir_all(at("away")).unwrap();
        fs::write(at("away/file"), "").unwrap();
        for (to, link) in
            [("../away", "root/folder"), ("../away/file", "root/file"), (".", "root/loop")]
        {
            std::os::unix::fs::symlink(to, at(link)).unwrap();
        }
        let walk = |follow_links| {
            let options = Options { follow_links, ..Options::default() };
            Walk::new(vec![at("root")], options).partition::<Vec<_>, _>(Result::is_ok)
        };
        let (found, failed) = walk(false);
        assert!(found.is_empty() && failed.is_empty(), "{found:?} {failed:?}");
        let (found, failed) = walk(true);
        let found: Vec<_> = found.into_iter().map(Result::unwrap).collect();
        assert_eq!(found, [at("root/file"), at("root/folder/file")]);
        assert_eq!(failed.len(), 1);
    }
}
