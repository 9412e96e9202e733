//! Files put in order: planned together, done one unit after another, resumed after a crash.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::act::{ActError, named_absolutely};
use crate::content::open_regular;
use crate::entry::{Line, Snapshot, Step, Way, text};
use crate::file::{Journal, JournalError, Noted};

/// Changed names of so many folders are brought to the disk together.
const SYNC_AFTER: usize = 256;

/// What is wanted of one file.
#[derive(Clone, Debug)]
pub enum Planned {
    /// A file, and the name it gets: nothing may be there.
    File {
        /// The file.
        path: PathBuf,
        /// Its place.
        to: PathBuf,
    },
    /// A new file with a text.
    Text {
        /// Its place: nothing may be there.
        to: PathBuf,
        /// The text.
        text: String,
    },
}

/// Files that are put in their places all together or not at all.
#[derive(Clone, Debug)]
pub struct Unit {
    steps: Vec<Step>,
}

/// What became of one step of a journal that was resumed.
#[derive(Debug)]
pub enum Resumed {
    /// It is in its place now.
    Done,
    /// It was so already.
    Already,
    /// It is where it was, like the rest of its unit.
    Failed(ActError),
}

impl Journal {
    /// Writes a plan down: units in the order in which they will be done. A unit one of whose
    /// files cannot be found is left out of it, with the reason.
    ///
    /// # Errors
    /// [`JournalError`]; nothing was begun then.
    pub fn plan(
        &mut self,
        way: Way,
        units: &[Vec<Planned>],
    ) -> Result<Vec<Result<Unit, io::Error>>, JournalError> {
        let mut folders = BTreeSet::new();
        let mut lines = Vec::new();
        let mut made = Vec::with_capacity(units.len());
        for planned in units {
            let steps: io::Result<Vec<Step>> =
                planned.iter().map(|planned| self.step(way, planned, &mut folders)).collect();
            if let Ok(steps) = &steps {
                lines.push(Line::Unit(steps.clone()));
            }
            made.push(steps.map(|steps| Unit { steps }));
        }
        // A folder sorts before what is in it.
        let folders: Vec<Line> = folders.iter().map(|f| Line::Folder(text(f))).collect();
        self.append_all(folders.iter().chain(&lines), true)?;
        Ok(made)
    }

    fn step(
        &mut self,
        way: Way,
        planned: &Planned,
        folders: &mut BTreeSet<PathBuf>,
    ) -> io::Result<Step> {
        let (path, to, was, content) = match planned {
            Planned::File { path, to } => {
                let path = named_absolutely(path)?;
                let was = Snapshot::of(&open_regular(&path)?.metadata()?);
                (path, absolute(to)?, Some(was), None)
            }
            Planned::Text { to, text } => {
                let to = absolute(to)?;
                (to.clone(), to, None, Some(text.clone()))
            }
        };
        let folder = to.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let missing = folder.ancestors().take_while(|f| fs::symlink_metadata(f).is_err());
        folders.extend(missing.map(Path::to_owned));
        let n = self.number();
        let aside = folder.join(format!(".headwater-{}-{n}", std::process::id()));
        let way = if content.is_some() { Way::Write } else { way };
        let (path, aside, to) = (text(&path), text(&aside), text(&to));
        Ok(Step { n, way, path, to, aside, was, text: content })
    }

    /// Puts the files of a unit in their places.
    ///
    /// # Errors
    /// [`ActError`]; all files of the unit are then where they were.
    pub fn carry_out(&mut self, unit: &Unit) -> Result<(), ActError> {
        let mut hashes: Vec<Option<String>> = Vec::new();
        for step in &unit.steps {
            let mut hash = None;
            let made = self.prepare(step).and_then(|()| {
                step.make(&mut |copied, sync| {
                    hash = Some(copied.to_owned());
                    self.append(&Line::Copied(step.n, copied.to_owned()), sync)
                })
            });
            hashes.push(hash);
            if let Err(error) = made {
                self.give_up(unit, &hashes)?;
                return Err(error);
            }
        }
        let done: Vec<Line> = unit.steps.iter().map(|step| Line::Done(step.n)).collect();
        // What was done can be seen by looking: only the plan must be on the disk.
        self.append_all(&done, false)?;
        self.touch(unit)
    }

    fn prepare(&self, step: &Step) -> Result<(), ActError> {
        Ok(step.target().parent().map_or(Ok(()), fs::create_dir_all)?)
    }

    /// Takes back the steps of a unit whose last begun one failed.
    fn give_up(&mut self, unit: &Unit, hashes: &[Option<String>]) -> Result<(), JournalError> {
        let begun = hashes.len().saturating_sub(1);
        let mut failed: Vec<Line> =
            unit.steps[begun..].iter().map(|step| Line::Failed(step.n)).collect();
        for (step, hash) in unit.steps.iter().zip(hashes).take(begun).rev() {
            match step.take_back(&Noted { done: true, hash: hash.as_deref() }) {
                Ok(_) => failed.push(Line::Failed(step.n)),
                // It stays in the journal, for --undo.
                Err(_) => failed.push(Line::Done(step.n)),
            }
        }
        self.append_all(&failed, false)
    }

    fn touch(&mut self, unit: &Unit) -> Result<(), ActError> {
        for step in &unit.steps {
            let paths = [&step.path, &step.to].map(|path| Path::new(path.as_os()));
            self.touched.extend(paths.iter().filter_map(|p| Some(p.parent()?.to_owned())));
        }
        if self.touched.len() >= SYNC_AFTER { self.settle() } else { Ok(()) }
    }

    /// Waits until all names that were changed are on the disk.
    ///
    /// # Errors
    /// What the system says.
    pub fn settle(&mut self) -> Result<(), ActError> {
        for folder in std::mem::take(&mut self.touched) {
            match fs::File::open(&folder) {
                Ok(folder) => folder.sync_all()?,
                // It went with the last file in it, by another hand.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }

    /// What is left of a unit after a crash.
    fn complete(
        &mut self,
        steps: &[Step],
        noted: &dyn Fn(u64) -> Option<String>,
    ) -> Result<(), ActError> {
        let mut hashes = Vec::new();
        for step in steps {
            let mut hash = noted(step.n);
            let known = hash.clone();
            let made = self.prepare(step).and_then(|()| {
                let noted = Noted { done: false, hash: known.as_deref() };
                step.complete(&noted, &mut |copied, sync| {
                    hash = Some(copied.to_owned());
                    self.append(&Line::Copied(step.n, copied.to_owned()), sync)
                })
            });
            hashes.push(hash);
            if let Err(error) = made {
                self.give_up(&Unit { steps: steps.to_vec() }, &hashes)?;
                return Err(error);
            }
        }
        let done: Vec<Line> = steps.iter().map(|step| Line::Done(step.n)).collect();
        self.append_all(&done, false)?;
        self.touch(&Unit { steps: steps.to_vec() })
    }
}

/// Does what a journal planned and a crash left undone; tells `each` what became of every step.
///
/// # Errors
/// [`JournalError`].
pub fn resume(
    path: &Path,
    stop: &dyn Fn() -> bool,
    mut each: impl FnMut(&Step, Resumed),
) -> Result<(), JournalError> {
    let (mut journal, content) = Journal::open(path)?;
    for steps in &content.units {
        if stop() {
            break;
        }
        if steps.iter().all(|step| content.done.contains(&step.n)) {
            steps.iter().for_each(|step| each(step, Resumed::Already));
            continue;
        }
        match journal.complete(steps, &|n| content.copied.get(&n).cloned()) {
            Ok(()) => steps.iter().for_each(|step| each(step, Resumed::Done)),
            Err(ActError::Journal(error)) => return Err(error),
            Err(error) => {
                let shown = error.to_string();
                let mut error = Some(error);
                for step in steps {
                    let error = error.take();
                    let error = error.unwrap_or_else(|| io::Error::other(shown.clone()).into());
                    each(step, Resumed::Failed(error));
                }
            }
        }
    }
    journal.settle().map_err(|e| JournalError::Io {
        path: path.into(),
        source: io::Error::other(e.to_string()),
    })
}

/// The path with that part of it resolved that is there: it names the same whatever the working
/// folder is.
fn absolute(path: &Path) -> io::Result<PathBuf> {
    let mut above = path;
    let mut rest = Vec::new();
    loop {
        let name = above.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        rest.push(name);
        let folder = above.parent().filter(|f| !f.as_os_str().is_empty());
        above = folder.unwrap_or(Path::new("."));
        match fs::canonicalize(above) {
            Ok(folder) => {
                return Ok(rest.iter().rev().fold(folder, |path, name| path.join(name)));
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
    }
}
