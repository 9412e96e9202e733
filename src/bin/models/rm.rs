use std::path::PathBuf;

use cli::Error;
use serde::Serialize;

use crate::args::RequiredNamesArgs;
use crate::output::{Output, Row, size};
use crate::plan::Plan;

/// A model that is gone.
#[derive(Serialize)]
struct Gone {
    name: String,
    path: PathBuf,
    /// Bytes of disk given back.
    freed: u64,
    /// The file that was linked: it stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    original: Option<PathBuf>,
}

impl Row for Gone {
    fn line(&self) -> String {
        match &self.original {
            Some(original) => format!("{} is gone; {} stays", self.name, original.display()),
            None => format!("{} is gone ({})", self.name, size(self.freed)),
        }
    }
}

pub(crate) fn run(args: &RequiredNamesArgs, plan: &Plan, out: &mut Output) -> Result<(), Error> {
    for name in plan.known(&args.names)? {
        if plan.is_stopping() {
            break;
        }
        match plan.store.remove(&name) {
            Ok(gone) => out.row(&Gone {
                name,
                path: gone.path,
                freed: gone.freed,
                original: gone.original,
            })?,
            Err(error) => out.unusable(&name, &error.to_string())?,
        }
    }
    Ok(())
}
