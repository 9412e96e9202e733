use std::fs;
use std::path::{Path, PathBuf};

use cli::Error;
use modelstore::scan::{Origin, link};
use modelstore::{Format, Found, Places, StoreError, scan};
use serde::Serialize;

use crate::args::ScanArgs;
use crate::bar::Bytes;
use crate::output::{Output, size};
use crate::plan::Plan;
use crate::table::Table;

/// A model file of another program.
#[derive(Serialize)]
struct Row {
    /// The name it has in the store, or would get.
    name: String,
    path: PathBuf,
    origin: &'static str,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format>,
    /// The catalogue's model that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<String>,
    /// The catalogue's model of the same size: --link finds out.
    #[serde(skip_serializing_if = "Option::is_none")]
    likely: Option<String>,
    /// Why it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    unusable: Option<String>,
    /// It can be used by its name.
    linked: bool,
}

impl Row {
    fn new(found: Found, linked: Option<String>) -> Self {
        let known = found.known;
        Self {
            linked: linked.is_some(),
            name: linked.or_else(|| known.clone()).unwrap_or(found.suggested),
            path: found.path,
            origin: origin(found.origin),
            bytes: found.bytes,
            format: found.format.as_ref().ok().copied(),
            likely: found.likely.filter(|_| known.is_none()),
            known,
            unusable: found.format.err(),
        }
    }

    fn cells(&self) -> Vec<String> {
        let notes = match (&self.unusable, &self.likely, self.linked) {
            (Some(reason), _, _) => format!("cannot be used: {reason}; "),
            (None, _, true) => "linked; ".into(),
            (None, Some(likely), false) => format!("probably {likely}; "),
            (None, None, false) => String::new(),
        };
        vec![
            self.name.clone(),
            self.origin.into(),
            self.format.map_or_else(String::new, |f| f.to_string()),
            size(self.bytes),
            format!("{notes}{}", self.path.display()),
        ]
    }
}

fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::HubCache => "hub-cache",
        Origin::Ollama => "ollama",
        Origin::LmStudio => "lm-studio",
        Origin::OpenAiWhisper => "openai-whisper",
        Origin::Folder => "folder",
    }
}

pub(crate) fn run(args: &ScanArgs, plan: &Plan, out: &mut Output) -> Result<(), Error> {
    let places = if args.folders.is_empty() { usual()? } else { named(&args.folders)? };
    let mut rows = Vec::new();
    for found in scan(&plan.store, &places, &plan.stop) {
        if plan.is_stopping() {
            return Ok(());
        }
        let linked = match (args.link, &found.format) {
            (true, Ok(_)) => take(&found, plan, out)?,
            _ => None,
        };
        rows.push(Row::new(found, linked));
    }
    if out.is_json() {
        return rows.iter().try_for_each(|row| out.json(row));
    }
    if rows.is_empty() {
        log::info!("no models of other programs were found");
        return Ok(());
    }
    let mut table = Table::new(&["NAME", "FROM", "FORMAT", "SIZE", "NOTES"], &[3]);
    rows.iter().for_each(|row| table.push(row.cells()));
    out.text(&table.lines(out.width()).join("\n"))?;
    if !args.link && rows.iter().any(|r| r.unusable.is_none()) {
        log::info!("to use them by name, without a copy: models scan --link");
    }
    Ok(())
}

/// Where models of other programs usually are.
fn usual() -> Result<Places, Error> {
    let home = cli::env::home().ok_or_else(|| Error::setup("HOME is not set"))?;
    let cache = cli::env::cache_home();
    let mut places = Places::usual(&home, cache.as_deref());
    if let Some(hub) = cli::env::get("HF_HOME") {
        places.hub_caches.insert(0, PathBuf::from(hub).join("hub"));
    }
    if let Some(ollama) = cli::env::get("OLLAMA_MODELS") {
        places.ollama.insert(0, ollama.into());
    }
    Ok(places)
}

/// The folders that the user named, each by what lies in it: another program's store may have been
/// moved to another disk.
fn named(folders: &[PathBuf]) -> Result<Places, Error> {
    let mut places = Places::default();
    for folder in folders {
        let items =
            fs::read_dir(folder).map_err(|e| Error::setup(format!("{}: {e}", folder.display())))?;
        let is_hub = items
            .flatten()
            .take(10_000)
            .any(|item| item.file_name().to_string_lossy().starts_with("models--"));
        let group = if folder.join("manifests").is_dir() && folder.join("blobs").is_dir() {
            &mut places.ollama
        } else if is_hub {
            &mut places.hub_caches
        } else {
            &mut places.folders
        };
        group.push(folder.clone());
    }
    Ok(places)
}

/// Links a found file into the store; gives its name there.
fn take(found: &Found, plan: &Plan, out: &mut Output) -> Result<Option<String>, Error> {
    let mut bytes = Bytes::new(&plan.general, &found.suggested, Some(found.bytes));
    let added = link(&plan.store, found, &plan.stop, &mut |n| bytes.set(n));
    drop(bytes);
    match added {
        Ok(added) => Ok(Some(added.name)),
        Err(StoreError::Stopped) => Ok(None),
        Err(StoreError::Taken(name)) => {
            let path = quoted(&found.path);
            let message = format!(
                "the name is taken by another file; to use this one: \
                 models import --link --name OTHER {path}"
            );
            out.unusable(&name, &message)?;
            Ok(None)
        }
        Err(error) => {
            out.unusable(&found.suggested, &error.to_string())?;
            Ok(None)
        }
    }
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}
