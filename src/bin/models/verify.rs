use std::path::PathBuf;

use cli::Error;
use modelstore::{Sha256, StoreError};
use serde::Serialize;

use crate::args::NamesArgs;
use crate::bar::Bytes;
use crate::output::{Output, Row, size};
use crate::plan::Plan;

/// A model whose file is what it should be.
#[derive(Serialize)]
struct Good {
    name: String,
    path: PathBuf,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<Sha256>,
    good: bool,
}

impl Row for Good {
    fn line(&self) -> String {
        format!("{} is good ({})", self.name, size(self.bytes))
    }
}

pub(crate) fn run(args: &NamesArgs, plan: &Plan, out: &mut Output) -> Result<(), Error> {
    let listed = plan.store.list()?;
    let names = if args.names.is_empty() {
        listed.iter().map(|l| l.name.clone()).collect()
    } else {
        plan.known(&args.names)?
    };
    for name in names {
        let total = listed.iter().find(|l| l.name == name).and_then(|l| l.bytes);
        let mut bytes = Bytes::new(&plan.general, &name, total);
        let verified = plan.store.verify(&name, &plan.stop, &mut |n| bytes.set(n));
        drop(bytes);
        match verified {
            Ok((listed, inspection)) => out.row(&Good {
                name,
                path: listed.path,
                bytes: inspection.bytes,
                sha256: listed.sidecar.map(|s| s.sha256),
                good: true,
            })?,
            Err(StoreError::Stopped) => return Ok(()),
            Err(error) => out.unusable(&name, &error.to_string())?,
        }
    }
    Ok(())
}
