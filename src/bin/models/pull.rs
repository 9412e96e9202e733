use std::path::PathBuf;

use cli::Error;
use modelstore::{Entry, PullError, Pulled, Sha256, pull};
use records::{Code, Failure};
use serde::Serialize;

use crate::args::PullArgs;
use crate::bar::Watcher;
use crate::output::{Output, Row, size};
use crate::plan::Plan;

/// A model that is here now.
#[derive(Serialize)]
struct Got {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_place_of: Option<String>,
    path: PathBuf,
    bytes: u64,
    sha256: Sha256,
    already_here: bool,
}

impl Row for Got {
    fn line(&self) -> String {
        let how = if self.already_here { "is here" } else { "is here now" };
        let size = size(self.bytes);
        match &self.in_place_of {
            Some(wanted) => format!("{} {how}, in place of {wanted} ({size})", self.name),
            None => format!("{} {how} ({size})", self.name),
        }
    }
}

impl From<Pulled> for Got {
    fn from(pulled: Pulled) -> Self {
        let Pulled { name, in_place_of, path, sha256, bytes, already_here } = pulled;
        Self { name, in_place_of, path, bytes, sha256, already_here }
    }
}

pub(crate) fn run(args: &PullArgs, plan: &Plan, out: &mut Output) -> Result<(), Error> {
    let options = plan.pull_options()?;
    let defaults = plan.store.catalogue().defaults().filter(|_| args.default);
    let entries = plan.entries(args.names.iter().chain(defaults.map(|e| &e.name)))?;
    let watcher = Watcher::new(&plan.general);
    for entry in entries {
        let named = args.names.iter().any(|n| *n == entry.name || entry.aliases.contains(n));
        if let Some(got) = substitute(entry, plan).filter(|_| !named) {
            out.row(&got)?;
            continue;
        }
        match pull(&plan.store, &entry.name, &options, &watcher, &plan.stop) {
            Ok(pulled) => out.row(&Got::from(pulled))?,
            Err(PullError::Stopped) => return Ok(()),
            // It would be the same for every model.
            Err(error @ PullError::Store(_)) => return Err(error.into()),
            Err(error) => failed(entry, &error, plan, out)?,
        }
    }
    Ok(())
}

/// An alternative that is here already. For the default set it will do: its sources would be
/// asked again and again otherwise. Who names the model gets another try.
fn substitute(entry: &Entry, plan: &Plan) -> Option<Got> {
    let found = plan.store.resolve_as(&entry.name, entry.task, true).ok()?;
    let wanted = found.in_place_of?;
    log::warn!("{} is used in place of {wanted}; to try again: models pull {wanted}", found.name);
    Some(Got {
        name: found.name,
        in_place_of: Some(wanted),
        path: found.path,
        bytes: found.inspection.bytes,
        sha256: found.sha256,
        already_here: true,
    })
}

fn failed(entry: &Entry, error: &PullError, plan: &Plan, out: &mut Output) -> Result<(), Error> {
    let name = &entry.name;
    let (code, message) = match error {
        // What was tried has been said, unless errors alone are wanted.
        PullError::Exhausted { .. } if !plan.general.quiet => {
            let message = format!(
                "model '{name}' could not be had; get its file in some other way, then: \
                 models import FILE --name {name}"
            );
            (Code::Remote, message)
        }
        PullError::Exhausted { .. } => (Code::Remote, error.to_string()),
        other => (Code::Model, format!("{name}: {other}")),
    };
    out.failure(
        name,
        &message,
        Failure { retry: code == Code::Remote, ..Failure::new(code, error) },
    )
}
