use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use store::FileState;

/// Many files with their states, packed: about 50 bytes each besides the path.
#[derive(Default)]
pub struct Files {
    paths: Vec<u8>,
    ends: Vec<usize>,
    states: Vec<FileState>,
}

impl Files {
    /// Adds a file; its number is how many were there before.
    pub fn push(&mut self, path: &Path, state: FileState) {
        self.paths.extend_from_slice(path.as_os_str().as_bytes());
        self.ends.push(self.paths.len());
        self.states.push(state);
    }

    /// Adds all of `others`, in their order.
    pub fn append(&mut self, others: Self) {
        let start = self.paths.len();
        let Self { paths, ends, states } = others;
        // One after another, so that of two copies there is only a part at a time.
        self.paths.reserve_exact(paths.len());
        self.paths.extend(paths);
        self.ends.reserve_exact(ends.len());
        self.ends.extend(ends.into_iter().map(|end| start + end));
        self.states.reserve_exact(states.len());
        self.states.extend(states);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// The path of a file.
    ///
    /// # Panics
    /// When there is no file with that number.
    pub fn path(&self, number: u32) -> &Path {
        let at = number as usize;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        Path::new(OsStr::from_bytes(&self.paths[start..self.ends[at]]))
    }

    /// The state that a file was in when it was added.
    ///
    /// # Panics
    /// As [`Files::path`].
    pub fn state(&self, number: u32) -> FileState {
        self.states[number as usize]
    }
}
