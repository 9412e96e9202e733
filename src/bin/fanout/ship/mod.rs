//! What goes to a host besides records: the program, files that its arguments name, files that
//! records name. All by content, into one folder there, with nothing on the far side but `sh`.

mod ask;
mod choice;
mod courier;
mod gc;
mod models;
mod probe;
mod program;
mod transfer;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use cli::Error;
use ssh::{End, SshError};

pub(crate) use self::ask::{ask, nothing};
use self::choice::Program;
pub(crate) use self::courier::{Courier, Round, Translations};
pub(crate) use self::gc::collect;
use self::models::Models;
use self::probe::{Machine, probe};
use self::transfer::{Parcel, send};
use crate::args::{Fanout, Ship};
use crate::connection::Connection;

/// What every host is to have before the command starts.
pub(crate) struct Freight {
    program: Option<Program>,
    models: Models,
    /// Files, each with the word of the command that it stands for.
    files: Vec<(String, Parcel)>,
    /// A host where the program does not run is not used.
    must: bool,
}

/// What is known of one host, for all of its slots.
#[derive(Default)]
pub(crate) struct Depot {
    known: Mutex<Known>,
    /// The command has answered something there.
    worked: AtomicBool,
}

#[derive(Default)]
struct Known {
    machine: Option<Machine>,
    /// Files that are there.
    places: HashSet<String>,
    /// The file that is the program there; why there is none.
    choice: Option<Result<Parcel, String>>,
    /// It was found to run.
    runs: bool,
}

impl Freight {
    pub(crate) fn new(args: &Fanout) -> Result<Self, Error> {
        let program = program(args)?;
        let models = match &program {
            Some(program) => models(program.path(), args)?,
            None => Models::default(),
        };
        let mut files = Vec::new();
        let named = models.named.iter().filter(|path| !args.send.contains(path));
        for path in args.send.iter().chain(named) {
            let word = path.to_string_lossy().into_owned();
            if !args.command.iter().any(|w| stands_for(w, &word)) {
                let hint = "it takes the place of that word on each host";
                let text = format!("--send {word}: no word of the command is this file");
                return Err(Error::usage(text).hint(hint));
            }
            let parcel = Parcel::new(path)
                .map_err(|e| Error::setup(format!("--send {}: {e}", path.display())))?;
            files.push((word, parcel));
        }
        Ok(Self { program, models, files, must: args.ship == Ship::Always })
    }

    /// Brings everything to a host; the command with the places that things have there, and what
    /// the shell does before it.
    ///
    /// # Errors
    /// [`SshError`].
    pub(crate) fn deliver(
        &self,
        connection: &Connection,
        depot: &Depot,
        command: &[String],
    ) -> Result<(Vec<String>, Vec<String>), SshError> {
        let mut command = command.to_vec();
        if matches!(connection, Connection::Local) {
            return Ok((Vec::new(), command));
        }
        if let Some(program) = &self.program {
            match depot.program(connection, program) {
                Ok(place) => command[0] = place,
                Err(SshError::Refused(why)) if !self.must => {
                    log::info!("{why}; its own {} is used", command[0]);
                }
                Err(error) => return Err(error),
            }
        }
        for (word, parcel) in &self.files {
            let place = depot.put(connection, parcel)?;
            for w in command.iter_mut().skip(1).filter(|w| stands_for(w, word)) {
                *w = format!("{}{place}", &w[..w.len() - word.len()]);
            }
        }
        Ok((self.models.deliver(connection, depot)?, command))
    }
}

impl Depot {
    /// The command has answered `count` records there; whether it ever answered any.
    pub(crate) fn has_worked(&self, count: u64) -> bool {
        self.worked.fetch_or(count > 0, Ordering::Relaxed) || count > 0
    }

    /// What the host is.
    fn machine(&self, connection: &Connection) -> Result<Machine, SshError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.machine(connection).cloned()
    }

    /// Brings a file there; where it is.
    fn put(&self, connection: &Connection, parcel: &Parcel) -> Result<String, SshError> {
        // Held while it is sent: nobody else is to send the same.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let machine = known.machine(connection)?.clone();
        let place = parcel.place(&machine);
        if !known.places.contains(&place) {
            send(connection, &machine, parcel, &place)?;
            known.places.insert(place.clone());
        }
        Ok(place)
    }

    fn program(&self, connection: &Connection, program: &Program) -> Result<String, SshError> {
        let name = program.name();
        let cannot = |why: &str| SshError::Refused(format!("{name} cannot be sent: {why}"));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // An error of the probe itself is told as what it is.
        let machine = known.machine(connection)?.clone();
        let choice = known.choice.get_or_insert_with(|| program.fitting(&machine)).clone();
        let parcel = choice.map_err(|why| cannot(&why))?;
        drop(known);
        let place = self.put(connection, &parcel)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.runs && program.is_binary() {
            let said = ask(connection, &[], &[&place, "--version"], &mut nothing)?;
            match &said.end {
                End::Lost(reason) => return Err(SshError::Unreachable(reason.clone())),
                End::Status(0) => known.runs = true,
                _ => {
                    let why = format!("it does not run there: {}", said.trouble());
                    known.choice = Some(Err(why.clone()));
                    return Err(cannot(&why));
                }
            }
        }
        Ok(place)
    }
}

impl Known {
    fn machine(&mut self, connection: &Connection) -> Result<&Machine, SshError> {
        match &mut self.machine {
            Some(machine) => Ok(machine),
            none => Ok(none.insert(probe(connection)?)),
        }
    }
}

/// Whether a word of the command is this file: all of it, or what follows its first '='.
fn stands_for(word: &str, file: &str) -> bool {
    word == file || word.split_once('=').is_some_and(|(_, value)| value == file)
}

/// The program to send, if one is.
fn program(args: &Fanout) -> Result<Option<Program>, Error> {
    let name = args.command.first().map(String::as_str).unwrap_or_default();
    let found = match args.ship {
        Ship::Never => None,
        // A program of this family that lies beside this one.
        Ship::Auto => beside(name).filter(|path| path.is_file()),
        Ship::Always => {
            let path = if name.contains('/') { Some(PathBuf::from(name)) } else { on_path(name) };
            let missing = || Error::usage(format!("--ship always: there is no {name} here"));
            Some(path.ok_or_else(missing)?)
        }
    };
    found.map(|path| Program::new(&path, args)).transpose()
}

/// The models that go along with a program of this family.
fn models(program: &Path, args: &Fanout) -> Result<Models, Error> {
    let beside = args.command.first().and_then(|name| beside(name));
    if beside.as_deref() != Some(program) || args.at.is_local() {
        return Ok(Models::default());
    }
    match Models::of(program, &args.command) {
        Ok(models) => Ok(models),
        Err(why) if args.ship == Ship::Always => Err(Error::setup(why)),
        Err(why) => {
            log::warn!("no models are sent, hosts need their own: {why}");
            Ok(Models::default())
        }
    }
}

fn beside(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return None;
    }
    Some(std::env::current_exe().ok()?.parent()?.join(name))
}

fn on_path(name: &str) -> Option<PathBuf> {
    let folders = cli::env::get("PATH")?;
    let mut paths = std::env::split_paths(&folders).map(|folder| folder.join(name));
    beside(name).filter(|p| p.is_file()).or_else(|| paths.find(|p: &PathBuf| p.is_file()))
}

/// Whether a path of this machine names a file that can be sent.
///
/// # Errors
/// Why not, for people.
pub(crate) fn sendable(path: &Path) -> Result<(), String> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err("it is no regular file".into()),
        Err(e) => Err(e.to_string()),
    }
}
