//! The models that a program of this family opens: sent along, and shown to it there as its store.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;
use ssh::{SshError, quote};

use super::Depot;
use super::probe::Machine;
use super::transfer::Parcel;
use crate::connection::Connection;

/// Programs that open models.
const PROGRAMS: [&str; 5] = ["classify", "embed", "extract", "summarize", "transcribe"];

/// Models of a command.
#[derive(Debug, Default)]
pub(crate) struct Models {
    /// Those of the store here.
    stored: Vec<Parcel>,
    /// What is known of them besides the catalogue: it makes them part of a store there.
    sidecars: Vec<Parcel>,
    /// Those that the command names by a path.
    pub(crate) named: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Opened {
    name: String,
    path: PathBuf,
}

impl Models {
    /// Those that `program` opens when it is started with the arguments of `command`: it is,
    /// here, without a record.
    ///
    /// # Errors
    /// Why it does not start, for people: a model is missing, say.
    pub(crate) fn of(program: &Path, command: &[String]) -> Result<Self, String> {
        let name = program.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if !PROGRAMS.contains(&name) {
            return Ok(Self::default());
        }
        let failed = |e: io::Error| format!("{name}: {e}");
        let log = tempfile::NamedTempFile::new().map_err(failed)?;
        let output = Command::new(program)
            .args(command.iter().skip(1))
            .env("HEADWATER_MODELS_LOG", log.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .output()
            .map_err(failed)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let first = said.lines().find(|line| !line.trim().is_empty());
            return Err(first.map_or_else(|| output.status.to_string(), str::to_owned));
        }
        let mut models = Self::default();
        for line in fs::read_to_string(log.path()).map_err(failed)?.lines() {
            let opened: Opened = serde_json::from_str(line).map_err(|e| e.to_string())?;
            models.add(opened).map_err(failed)?;
        }
        Ok(models)
    }

    fn add(&mut self, Opened { name, path }: Opened) -> io::Result<()> {
        if name.contains('/') || Path::new(&name).is_file() {
            self.named.push(PathBuf::from(name));
        } else if self.stored.iter().all(|parcel| parcel.path != path) {
            let mut sidecar = path.clone().into_os_string();
            sidecar.push(".json");
            let sidecar = PathBuf::from(sidecar);
            if sidecar.is_file() {
                self.sidecars.push(Parcel::new(&sidecar)?);
            }
            self.stored.push(Parcel::new(&path)?);
        }
        Ok(())
    }

    /// Brings the models to a host; the lines of shell that make them the store of the command
    /// that is started next.
    ///
    /// # Errors
    /// [`SshError`].
    pub(super) fn deliver(
        &self,
        connection: &Connection,
        depot: &Depot,
    ) -> Result<Vec<String>, SshError> {
        if self.stored.is_empty() {
            return Ok(Vec::new());
        }
        let mut places = Vec::new();
        for parcel in &self.stored {
            places.push(depot.put(connection, parcel)?);
        }
        let machine = depot.machine(connection)?;
        let mut lines = vec![self.open_store(&machine)];
        for (parcel, place) in self.stored.iter().zip(&places) {
            let name = parcel.path.file_name().unwrap_or_default().to_string_lossy();
            // Left as it is where it is there: another slot's command may be opening it.
            lines.push(format!(
                "[ -e \"$HEADWATER_MODELS\"/{0} ] || ln -s {1} \"$HEADWATER_MODELS\"/{0} 2>/dev/null",
                quote(&name),
                quote(place)
            ));
        }
        for parcel in &self.sidecars {
            let name = parcel.path.file_name().unwrap_or_default().to_string_lossy();
            let place = depot.put(connection, parcel)?;
            // A copy: the program there notes in it when its file is from.
            lines.push(format!(
                "[ -f \"$HEADWATER_MODELS\"/{0} ] || {{ cp {1} \"$HEADWATER_MODELS\"/.new.$$ && \
                 mv \"$HEADWATER_MODELS\"/.new.$$ \"$HEADWATER_MODELS\"/{0}; }}",
                quote(&name),
                quote(&place)
            ));
        }
        Ok(lines)
    }

    /// A folder for just these models, with the name that gc knows folders by.
    fn open_store(&self, machine: &Machine) -> String {
        let all: Vec<&str> = self.stored.iter().map(|p| p.sha256.as_str()).collect();
        let folder =
            format!("{}/{}", machine.cache, super::transfer::hash(all.concat().as_bytes()));
        format!(
            "HEADWATER_MODELS={0}; export HEADWATER_MODELS; mkdir -p {0} && touch {0}",
            quote(&folder)
        )
    }
}
