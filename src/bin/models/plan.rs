use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cli::{Error, GeneralArgs, Session};
use modelstore::pull::is_hub_base;
use modelstore::{Entry, Format, PullOptions, Store, Task};

/// What every action works with.
pub(crate) struct Plan {
    pub(crate) store: Store,
    pub(crate) general: GeneralArgs,
    pub(crate) stop: Arc<AtomicBool>,
}

impl Plan {
    pub(crate) fn new(general: GeneralArgs, session: &Session) -> Result<Self, Error> {
        let store = Store::for_user(cli::env::models_folder()?, cli::env::catalogue_file())?;
        Ok(Self { store, general, stop: session.stop.flag() })
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// How to reach the world outside, from the environment.
    pub(crate) fn pull_options(&self) -> Result<PullOptions, Error> {
        let mut options = PullOptions::default();
        (options.proxy, options.no_proxy) = cli::env::proxy();
        if let Some(hub) = cli::env::get("HEADWATER_HUB") {
            options.hub_base = hub.to_string_lossy().into_owned();
            if !is_hub_base(&options.hub_base) {
                return Err(Error::setup(
                    "HEADWATER_HUB is not an https URL, nor an http one of this machine",
                ));
            }
            // The loopback is behind no proxy.
            if options.hub_base.starts_with("http:") {
                options.proxy = None;
            }
        }
        Ok(options)
    }

    /// Names in the order given, each model once. All have to be known: in the catalogue, or here.
    pub(crate) fn known(&self, names: &[String]) -> Result<Vec<String>, Error> {
        let here: HashSet<String> = self.store.list()?.into_iter().map(|l| l.name).collect();
        let mut out: Vec<String> = Vec::new();
        for name in names {
            let name = match self.store.catalogue().find(name) {
                Some(entry) => &entry.name,
                None if here.contains(name) => name,
                None => return Err(unknown(name)),
            };
            if !out.contains(name) {
                out.push(name.clone());
            }
        }
        Ok(out)
    }

    /// Entries of the catalogue in the order given, each once.
    pub(crate) fn entries<'a>(
        &'a self,
        names: impl IntoIterator<Item = &'a String>,
    ) -> Result<Vec<&'a Entry>, Error> {
        let mut out: Vec<&Entry> = Vec::new();
        for name in names {
            let entry = self.store.catalogue().find(name).ok_or_else(|| unknown(name))?;
            if out.iter().all(|e| e.name != entry.name) {
                out.push(entry);
            }
        }
        Ok(out)
    }
}

pub(crate) fn unknown(name: &str) -> Error {
    let shown: String = name.chars().take(200).collect();
    Error::setup(format!("model '{shown}' is not known; see: models list"))
}

/// What a file of this format is for, where its format alone says so; a GGUF may be for two tasks.
pub(crate) fn task_of(format: Format) -> Option<Task> {
    match format {
        Format::Gguf => None,
        Format::GgmlWhisper => Some(Task::Transcribe),
        Format::GgmlVad => Some(Task::Vad),
        Format::Places => Some(Task::Geocode),
        Format::Faces => Some(Task::Faces),
        Format::Labels => Some(Task::Label),
    }
}
