use std::path::PathBuf;

use cli::Error;
use modelstore::{Sha256, StoreError, TunedFile};
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
    /// Files that `models tune` made of it, which were read too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tuned: Vec<TunedFile>,
}

impl Row for Good {
    fn line(&self) -> String {
        let tuned = match self.tuned.as_slice() {
            [] => String::new(),
            files => {
                let formats: Vec<&str> = files.iter().map(|file| file.format.as_str()).collect();
                format!(", and so is its tuned file: {}", formats.join(", "))
            }
        };
        format!("{} is good ({}){tuned}", self.name, size(self.bytes))
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
        let verified = verified.and_then(|(listed, inspection)| {
            let tuned = plan.store.verify_tuned(&listed, &plan.stop, &mut |n| bytes.set(n))?;
            Ok((listed, inspection, tuned))
        });
        drop(bytes);
        match verified {
            Ok((listed, inspection, tuned)) => out.row(&Good {
                name,
                path: listed.path,
                bytes: inspection.bytes,
                sha256: listed.sidecar.map(|s| s.sha256),
                good: true,
                tuned,
            })?,
            Err(StoreError::Stopped) => return Ok(()),
            Err(error) => out.unusable(&name, &error.to_string())?,
        }
    }
    Ok(())
}
