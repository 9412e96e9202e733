use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use cli::Error;
use journal::{ActError, Journal, JournalError, Planned, Unit, Way};
use records::{Code, Failure};

use crate::gather::folder_of;

/// Share of a file system that is left free: folders and journals need room too.
const SPARE: u64 = 1 << 20;

/// Puts files in their places, or only plans to.
pub(crate) struct Actor {
    way: Way,
    /// None: a dry run.
    journal: Option<Journal>,
    units: HashMap<usize, Result<Unit, String>>,
    changed: u64,
    broken: Option<Error>,
}

impl Actor {
    /// Without a `journal` nothing is changed.
    pub(crate) fn new(way: Way, journal: Option<&Path>) -> Result<Self, JournalError> {
        let journal = journal.map(Journal::create).transpose()?;
        Ok(Self { way, journal, units: HashMap::new(), changed: 0, broken: None })
    }

    /// As it is written in plans.
    pub(crate) fn way(&self) -> Way {
        self.way
    }

    /// Whether nothing more can be done.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// Writes the plan down: units by number. Makes sure first that there is room for it.
    pub(crate) fn prepare(&mut self, plans: Vec<(usize, Vec<Planned>)>) {
        if let Err(error) = self.prepared(plans) {
            self.broken = Some(error);
        }
    }

    fn prepared(&mut self, plans: Vec<(usize, Vec<Planned>)>) -> Result<(), Error> {
        self.check_room(&plans)?;
        let Some(journal) = &mut self.journal else { return Ok(()) };
        let (numbers, plans): (Vec<usize>, Vec<Vec<Planned>>) = plans.into_iter().unzip();
        let units = journal.plan(self.way, &plans)?;
        let units = units.into_iter().map(|unit| unit.map_err(|e| e.to_string()));
        self.units = numbers.into_iter().zip(units).collect();
        Ok(())
    }

    /// Copies need room: more than there is, and nothing is begun.
    fn check_room(&self, plans: &[(usize, Vec<Planned>)]) -> Result<(), Error> {
        if !matches!(self.way, Way::Copy | Way::Move) {
            return Ok(());
        }
        // By device: bytes, and a folder on it.
        let mut needed: BTreeMap<u64, (u64, PathBuf)> = BTreeMap::new();
        for planned in plans.iter().flat_map(|(_, plan)| plan) {
            let Planned::File { path, to } = planned else { continue };
            let Ok(from) = fs::symlink_metadata(path) else { continue };
            let Some((folder, device)) = existing(to) else { continue };
            if self.way == Way::Copy || device != from.dev() {
                needed.entry(device).or_insert((0, folder)).0 += from.len();
            }
        }
        for (bytes, folder) in needed.into_values() {
            let room = rustix::fs::statvfs(&folder).map_err(std::io::Error::from)?;
            let free = room.f_bavail.saturating_mul(room.f_frsize);
            if bytes.saturating_add(SPARE) > free {
                let (folder, needed) = (folder.display(), shown(bytes));
                let message =
                    format!("{folder}: the files need {needed}, and {} are free", shown(free));
                return Err(Error::setup(message).hint("nothing was changed"));
            }
        }
        Ok(())
    }

    /// Does what was planned for a unit; whether anything was done.
    pub(crate) fn act(&mut self, unit: usize) -> Result<bool, Failure> {
        let Some(journal) = &mut self.journal else { return Ok(false) };
        let not_done = |code, why: &dyn std::fmt::Display| {
            Failure::new(code, format!("left where it was: {why}"))
        };
        match self.units.get(&unit) {
            None => Ok(false),
            Some(Err(why)) => Err(not_done(Code::Unreadable, why)),
            Some(Ok(planned)) => match journal.carry_out(planned) {
                Ok(()) => {
                    self.changed += 1;
                    Ok(true)
                }
                Err(ActError::Journal(error)) => {
                    let failure = not_done(Code::Unreadable, &error);
                    self.broken = Some(error.into());
                    Err(failure)
                }
                Err(error @ ActError::Io(_)) => Err(not_done(Code::Unreadable, &error)),
                Err(error) => Err(not_done(Code::Refused, &error)),
            },
        }
    }

    /// Makes sure that everything is on the disk; says what was done, and how it can be taken
    /// back.
    pub(crate) fn close(&mut self) -> Result<(), Error> {
        let settled = self.journal.as_mut().map_or(Ok(()), Journal::settle);
        if let Some(journal) = self.journal.as_ref().filter(|_| self.changed > 0) {
            let path = journal.path().display();
            let left = self.units.len() as u64 - self.changed.min(self.units.len() as u64);
            let groups = if self.changed == 1 { "group" } else { "groups" };
            log::warn!(
                "{} {groups} of files are in their places; to take it back: sortphotos --undo '{path}'",
                self.changed
            );
            if left > 0 {
                log::warn!("{left} are not; to go on: sortphotos --resume '{path}'");
            }
        }
        self.broken.take().map_or(Ok(()), Err)?;
        Ok(settled?)
    }
}

/// The nearest folder above a path that is there, and its device.
fn existing(path: &Path) -> Option<(PathBuf, u64)> {
    let mut folder = folder_of(path).to_owned();
    loop {
        if let Ok(found) = fs::metadata(&folder) {
            return Some((folder, found.dev()));
        }
        folder = folder_of(&folder).to_owned();
        if folder == Path::new(".") {
            return Some((folder.clone(), fs::metadata(&folder).ok()?.dev()));
        }
    }
}

/// Bytes for people.
fn shown(bytes: u64) -> String {
    let mut number = bytes as f64;
    let mut unit = "bytes";
    for larger in ["kB", "MB", "GB", "TB"] {
        if number < 1000.0 {
            break;
        }
        number /= 1000.0;
        unit = larger;
    }
    if unit == "bytes" { format!("{bytes} bytes") } else { format!("{number:.1} {unit}") }
}
