//! The providers that `--to` names, in order, and what is known of their health.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cli::Error;

use crate::local::{LocalServer, Patience, find_serve};
use crate::pace::Pace;
use crate::provider::{Client, Endpoint, ProviderError};

/// One provider of the chain.
pub(crate) struct Provider {
    /// What it is; a local model's address is known only when it was started.
    pub(crate) endpoint: Endpoint,
    pub(crate) pace: Pace,
    line: OnceLock<Result<Line, ProviderError>>,
    /// The model to start, for one on this machine.
    local: Option<String>,
    salt: String,
}

struct Line {
    client: Client,
    /// Stopped when the chain is dropped, after the last answer.
    _server: Option<LocalServer>,
}

impl Provider {
    pub(crate) fn new(
        endpoint: Endpoint,
        local: Option<String>,
        jobs: usize,
        salt: String,
    ) -> Self {
        Self { endpoint, pace: Pace::new(jobs), line: OnceLock::new(), local, salt }
    }

    /// The way to ask it: a local model is started when it is needed first.
    pub(crate) fn client(&self) -> Result<&Client, ProviderError> {
        let line = self.line.get_or_init(|| self.open());
        line.as_ref().map(|line| &line.client).map_err(Clone::clone)
    }

    fn open(&self) -> Result<Line, ProviderError> {
        let (endpoint, server) = match &self.local {
            None => (self.endpoint.clone(), None),
            Some(model) => {
                let failed = |e| ProviderError::Start(format!("{e}"));
                let search_path = cli::env::get("PATH");
                let own = std::env::current_exe().ok();
                let program = find_serve(own.as_deref(), search_path.as_deref()).map_err(failed)?;
                let server =
                    LocalServer::start(&program, model, Patience::default()).map_err(failed)?;
                (Endpoint { address: server.address(), ..self.endpoint.clone() }, Some(server))
            }
        };
        let client = Client::new(endpoint)?.with_salt(self.salt.clone());
        Ok(Line { client, _server: server })
    }

    /// Whether somebody else runs it.
    pub(crate) fn is_remote(&self) -> bool {
        self.local.is_none()
    }

    /// Whether nothing can be charged.
    pub(crate) fn is_free(&self) -> bool {
        self.endpoint.price.is_some_and(|price| price.is_free())
    }
}

/// All providers, and the file that remembers which of them failed.
pub(crate) struct Chain {
    pub(crate) providers: Vec<Provider>,
    memory: Option<PathBuf>,
}

impl Chain {
    /// With `open`, opens the first provider, so that what is wrong with it is said before
    /// anything is read; the addresses of the others are checked.
    ///
    /// # Errors
    /// The first provider cannot be used.
    pub(crate) fn new(
        providers: Vec<Provider>,
        memory: Option<PathBuf>,
        open: bool,
    ) -> Result<Self, Error> {
        // With one provider there is nothing to choose.
        let memory = memory.filter(|_| providers.len() > 1);
        let known = memory.as_ref().map(recall).unwrap_or_default();
        for provider in &providers {
            let resting = known.get(&provider.endpoint.name).copied();
            provider.pace.rest_until(resting);
        }
        let chain = Self { providers, memory };
        for (n, provider) in chain.providers.iter().enumerate() {
            if open && (n == 0 || provider.local.is_none()) {
                provider
                    .client()
                    .map_err(|e| Error::setup(format!("--to {}: {e}", provider.endpoint.name)))?;
            }
        }
        Ok(chain)
    }

    /// The order in which they are asked now: those that failed lately last.
    pub(crate) fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.providers.len()).collect();
        order.sort_by_key(|n| self.providers[*n].pace.resting_until().is_some());
        order
    }

    /// Writes down who rests until when, for the next run.
    pub(crate) fn remember(&self) {
        let Some(path) = &self.memory else { return };
        let mut known = recall(path);
        for provider in &self.providers {
            match provider.pace.resting_until() {
                Some(until) => known.insert(provider.endpoint.name.clone(), until),
                None => known.remove(&provider.endpoint.name),
            };
        }
        let seconds: BTreeMap<&String, u64> = known
            .iter()
            .map(|(name, until)| {
                (name, until.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
            })
            .collect();
        let write = || -> std::io::Result<()> {
            let folder = path.parent().ok_or(std::io::ErrorKind::NotFound)?;
            fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(serde_json::to_string(&seconds)?.as_bytes())?;
            file.persist(path)?;
            Ok(())
        };
        if let Err(e) = write() {
            log::debug!("{}: {e}", path.display());
        }
    }
}

/// Who rests until when; a file that cannot be read says nothing.
fn recall(path: &PathBuf) -> BTreeMap<String, SystemTime> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let seconds: BTreeMap<String, u64> = serde_json::from_str(&text).unwrap_or_default();
    let time = |s: u64| UNIX_EPOCH.checked_add(Duration::from_secs(s));
    let now = SystemTime::now();
    let known = seconds.into_iter().filter_map(|(name, s)| Some((name, time(s)?)));
    // Neither what is over nor a date that no rest of ours can have.
    let soon = now + Duration::from_secs(3600);
    known.filter(|(_, until)| (now..soon).contains(until)).collect()
}
