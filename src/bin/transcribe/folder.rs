//! `-o`: one file for each recording.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use records::{Code, Failure};

/// What a file of a recording on stdin is called.
const STDIN: &str = "stdin";

/// Where files go.
pub(crate) struct Folder {
    path: PathBuf,
    extension: &'static str,
    force: bool,
    /// The folders among the operands, below which recordings keep their place.
    roots: Vec<PathBuf>,
    /// Files, and the recordings that they belong to.
    taken: Mutex<HashMap<PathBuf, PathBuf>>,
}

impl Folder {
    pub(crate) fn new(
        path: PathBuf,
        extension: &'static str,
        force: bool,
        operands: &[PathBuf],
    ) -> Self {
        let roots = operands.iter().filter(|operand| operand.is_dir()).cloned().collect();
        Self { path, extension, force, roots, taken: Mutex::default() }
    }

    /// The file for a recording, which from now on belongs to it.
    ///
    /// # Errors
    /// [`Code::Refused`] where another recording has it, or where the name gives none.
    pub(crate) fn claim(&self, recording: Option<&Path>) -> Result<PathBuf, Failure> {
        let recording = recording.unwrap_or(Path::new(STDIN));
        let refuse = |why: String| Failure::new(Code::Refused, why);
        let stem = recording.file_stem().filter(|_| recording.file_name().is_some());
        let mut name = stem.map(OsString::from).ok_or_else(|| refuse("has no file name".into()))?;
        name.push(".");
        name.push(self.extension);
        let target = self.path.join(self.place(recording)).join(name);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get(&target) {
            // The same recording, named twice, says the same twice.
            Some(other) if other != recording => {
                let (target, other) = (target.display(), other.display());
                Err(refuse(format!("{target} is the file of {other} already")))
            }
            _ => {
                taken.insert(target.clone(), recording.to_owned());
                Ok(target)
            }
        }
    }

    /// The folders between an operand and the recording; never one that leads out.
    fn place<'p>(&self, recording: &'p Path) -> &'p Path {
        let inside = |root: &PathBuf| recording.strip_prefix(root).ok();
        let parent = self.roots.iter().find_map(inside).and_then(Path::parent);
        let plain = |path: &&Path| path.components().all(|c| matches!(c, Component::Normal(_)));
        parent.filter(plain).unwrap_or(Path::new(""))
    }

    /// Writes a whole file or none; one that has these contents already is left as it is.
    ///
    /// # Errors
    /// [`Code::Refused`] where there is another file, or where it cannot be written.
    pub(crate) fn write(&self, target: &Path, text: &str) -> Result<(), Failure> {
        let refuse =
            |why: String| Failure::new(Code::Refused, format!("{}: {why}", target.display()));
        let parent = target.parent().unwrap_or(Path::new("."));
        if fs::read(target).is_ok_and(|there| there == text.as_bytes()) {
            return Ok(());
        }
        let written = || -> io::Result<_> {
            fs::create_dir_all(parent)?;
            // The rights of any new file, not those of a temporary one.
            let rights = fs::Permissions::from_mode(0o666);
            let mut builder = tempfile::Builder::new();
            let mut file =
                builder.prefix(".transcribe-").permissions(rights).tempfile_in(parent)?;
            file.write_all(text.as_bytes())?;
            Ok(file)
        };
        let file = written().map_err(|e| refuse(e.to_string()))?;
        let moved = if self.force { file.persist(target) } else { file.persist_noclobber(target) };
        match moved {
            Ok(_) => Ok(()),
            Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(refuse("is there already, with other contents (--force replaces it)".into()))
            }
            Err(e) => Err(refuse(e.error.to_string())),
        }
    }
}
