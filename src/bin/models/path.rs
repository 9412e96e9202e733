use cli::Error;
use modelstore::{ResolveError, Task};

use crate::args::PathArgs;
use crate::output::Output;
use crate::plan::Plan;

pub(crate) fn run(args: &PathArgs, plan: &Plan, out: &mut Output) -> Result<(), Error> {
    let task = match plan.store.catalogue().find(&args.name) {
        Some(entry) => entry.task,
        None => task_of_other(&args.name, plan)?,
    };
    let found = plan.store.resolve_as(&args.name, task, args.as_downloaded)?;
    if let Some(wanted) = &found.in_place_of {
        log::warn!("{} is used in place of {wanted}", found.name);
    }
    let path = found.path.to_str();
    out.text(path.ok_or_else(|| Error::setup("the store's path is not UTF-8"))?)
}

/// A task for which a model that is here but not in the catalogue can be opened.
fn task_of_other(name: &str, plan: &Plan) -> Result<Task, Error> {
    let listed = plan.store.list()?.into_iter().find(|l| l.name == name);
    let Some(listed) = listed else {
        return Err(ResolveError::Unknown(name.chars().take(200).collect()).into());
    };
    let format = match listed.sidecar {
        Some(sidecar) => sidecar.format,
        None => {
            modelstore::inspect::inspect(&listed.path)
                .map_err(|e| Error::setup(format!("{}: {e}", listed.path.display())))?
                .format
        }
    };
    Ok(crate::plan::task_of(format).unwrap_or(Task::Complete))
}
