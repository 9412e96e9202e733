//! Which file is sent as the program: the one of this machine where it runs, or a build of it for
//! the host's kind of machine.

use std::path::Path;

use cli::Error;
use trust::Dist;

use super::probe::Machine;
use super::program::Needs;
use super::transfer::Parcel;
use crate::args::Fanout;

/// The program of a command.
pub(crate) struct Program {
    name: String,
    own: Parcel,
    /// What the own file needs; none for a script.
    needs: Option<Needs>,
    dist: Option<Dist>,
}

impl Program {
    /// Looks at the file `own`.
    ///
    /// # Errors
    /// It cannot be read; the signature of the other builds does not hold.
    pub(crate) fn new(own: &Path, args: &Fanout) -> Result<Self, Error> {
        let bad = |e: std::io::Error| Error::setup(format!("{}: {e}", own.display()));
        let needs = Needs::of(own).map_err(bad)?;
        let dist = if needs.is_some() && !args.at.is_local() { dist(args)? } else { None };
        let name = own.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, own: Parcel::new(own).map_err(bad)?, needs, dist })
    }

    /// Its file here.
    pub(crate) fn path(&self) -> &Path {
        &self.own.path
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is tried there before it is used.
    pub(super) fn is_binary(&self) -> bool {
        self.needs.is_some()
    }

    /// The file for a machine.
    ///
    /// # Errors
    /// Why there is none, for people.
    pub(super) fn fitting(&self, there: &Machine) -> Result<Parcel, String> {
        let Some(why) = self.needs.as_ref().and_then(|needs| needs.unmet(there)) else {
            return Ok(self.own.clone());
        };
        let Some(dist) = self.dist.as_ref().filter(|_| there.os == "Linux") else {
            return Err(why);
        };
        let Some((build, artifact, path)) = dist.best(&self.name, &there.machine, &there.flags)
        else {
            return Err(format!("{why}; no build of it is for that machine"));
        };
        let parcel = Parcel::new(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        if parcel.sha256 != artifact.sha256 || parcel.bytes != artifact.bytes {
            return Err(format!("{}: it is not the file that was signed", path.display()));
        }
        log::info!("{why}; the build {} is sent", build.name);
        Ok(parcel)
    }
}

/// The builds for other machines, where there are some.
fn dist(args: &Fanout) -> Result<Option<Dist>, Error> {
    let folder = match &args.dist {
        Some(folder) => folder.clone(),
        None => match cli::env::dist_folder() {
            Some(folder) if folder.is_dir() => folder,
            _ => return Ok(None),
        },
    };
    let key = args.dist_key.clone().or_else(cli::env::dist_key);
    let Some(key) = key else { return Err(Error::setup("HOME is not set")) };
    let dist = Dist::open(&folder, &key).map_err(|e| {
        Error::setup(e.to_string()).hint("make dist signs programs, --dist-key names the key")
    })?;
    let own = env!("CARGO_PKG_VERSION");
    if dist.version() != own {
        let (folder, version) = (folder.display(), dist.version());
        log::warn!("{folder}: its programs are of version {version}, this one is {own}");
    }
    Ok(Some(dist))
}
