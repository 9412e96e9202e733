//! Other communities' servers: who they are, what they gave us, and how they are doing.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderValue, Uri};
use serde::Deserialize;
use serde_json::Value;
use tokio_rustls::TlsConnector;

use crate::member::{Member, Quota};
use crate::{ServeError, tls};

/// A server that is asked for models that are not served here.
pub struct Upstream {
    pub(crate) name: String,
    pub(crate) address: Address,
    /// The header with our key there.
    pub(crate) authorization: Option<HeaderValue>,
    /// The models that are asked for there; what it lists, where there are none.
    only: Vec<String>,
    /// What it gave us, and what was used of it.
    pub(crate) quota: Arc<Member>,
    state: Mutex<State>,
}

/// Where a server is.
#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// What stands before `/chat/completions`.
    pub(crate) base: String,
    pub(crate) tls: Option<TlsConnector>,
}

/// A model of another server.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) id: String,
    pub(crate) owner: String,
    /// The servers between it and us, by their ids; the nearest first.
    pub(crate) path: Vec<String>,
}

#[derive(Default)]
struct State {
    offers: Vec<Offer>,
    listed: Option<Instant>,
    resting: Option<Instant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    url: String,
    key_env: Option<String>,
    key_file: Option<PathBuf>,
    ca: Option<PathBuf>,
    #[serde(default)]
    models: Vec<String>,
    requests_per_minute: Option<u32>,
    requests_per_day: Option<u64>,
    tokens_per_day: Option<u64>,
    parallel: Option<usize>,
}

impl Upstream {
    /// Reads a list of servers: a TOML table for each, with `url`, where the key is, and what
    /// they gave us. `env` looks up environment variables.
    ///
    /// # Errors
    /// [`ServeError::Upstreams`] for what is no such list, or names a key that is not there.
    pub fn list(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Self>, ServeError> {
        let entries: BTreeMap<String, Entry> =
            toml::from_str(text).map_err(|e| ServeError::Upstreams(e.message().to_owned()))?;
        entries.into_iter().map(|(name, entry)| Self::new(name, entry, env)).collect()
    }

    fn new(
        name: String,
        entry: Entry,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ServeError> {
        let bad = |why: &str| ServeError::Upstreams(format!("{name}: {why}"));
        let key = match (&entry.key_env, &entry.key_file) {
            (Some(_), Some(_)) => return Err(bad("one of key_env and key_file is enough")),
            (Some(variable), None) => {
                Some(env(variable).ok_or_else(|| bad(&format!("no key in ${variable}")))?)
            }
            (None, Some(path)) => Some(
                fs::read_to_string(path)
                    .map_err(|e| bad(&format!("{}: {e}", path.display())))?
                    .trim()
                    .to_owned(),
            ),
            (None, None) => None,
        };
        let address = address(&entry, &bad)?;
        if key.is_some() && address.tls.is_none() && !is_here(&address.host) {
            log::warn!("upstream {name}: the key goes there over http, for everybody to read");
        }
        let header = |key: String| {
            let mut value = HeaderValue::from_str(&format!("Bearer {key}"))
                .map_err(|_| bad("the key does not fit a header"))?;
            value.set_sensitive(true);
            Ok(value)
        };
        let authorization = key.map(header).transpose()?;
        let quota = Quota {
            requests_per_minute: entry.requests_per_minute,
            requests_per_day: entry.requests_per_day,
            tokens_per_day: entry.tokens_per_day,
            parallel: entry.parallel,
        };
        let quota = Arc::new(Member::with_quota(&name, quota));
        Ok(Self {
            name,
            address,
            authorization,
            only: entry.models,
            quota,
            state: Mutex::default(),
        })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it offers, as far as it is known.
    pub(crate) fn offers(&self) -> Vec<Offer> {
        let known = self.state().offers.clone();
        if self.only.is_empty() {
            return known;
        }
        let named = |id: &String| {
            let listed = known.iter().find(|offer| offer.id == *id).cloned();
            let unlisted = || Offer { id: id.clone(), owner: self.name.clone(), path: Vec::new() };
            listed.unwrap_or_else(unlisted)
        };
        self.only.iter().map(named).collect()
    }

    pub(crate) fn has(&self, model: &str) -> bool {
        self.offers().iter().any(|offer| offer.id == model)
    }

    /// Takes in its list of models. What came through us, or through too many, is not on offer.
    pub(crate) fn listed(&self, list: Option<&Value>, own_id: &str, most_hops: usize) {
        let mut state = self.state();
        state.listed = Some(Instant::now());
        let Some(models) = list.and_then(|list| list["data"].as_array()) else { return };
        let offer = |model: &Value| {
            let id = model["id"].as_str().filter(|id| !id.is_empty() && id.len() <= 256)?;
            let path = model["headwater_path"].as_array().map(Vec::as_slice).unwrap_or_default();
            let path: Vec<String> =
                path.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect();
            let owner = model["owned_by"].as_str().filter(|o| !o.is_empty() && *o != "headwater");
            let owner = owner.map_or_else(
                || self.name.clone(),
                |owner| format!("{}/{}", self.name, owner.chars().take(64).collect::<String>()),
            );
            let ours = path.iter().any(|id| id == own_id) || path.len() > most_hops;
            (!ours).then(|| Offer { id: id.to_owned(), owner, path })
        };
        state.offers = models.iter().take(1000).filter_map(offer).collect();
    }

    /// How long ago it was last asked for its list.
    pub(crate) fn list_age(&self) -> Option<Duration> {
        self.state().listed.map(|at| at.elapsed())
    }

    /// How long it is left alone.
    pub(crate) fn resting(&self) -> Option<Duration> {
        let until = self.state().resting?;
        until.checked_duration_since(Instant::now())
    }

    pub(crate) fn rest(&self, how_long: Duration) {
        self.state().resting = Instant::now().checked_add(how_long.min(Duration::from_secs(3600)));
    }

    pub(crate) fn is_well(&self) {
        self.state().resting = None;
    }
}

fn address(entry: &Entry, bad: &dyn Fn(&str) -> ServeError) -> Result<Address, ServeError> {
    let uri: Uri = entry.url.parse().map_err(|_| bad("its url is none"))?;
    let secure = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(bad("its url starts with neither https:// nor http://")),
    };
    let host = uri.host().ok_or_else(|| bad("its url names no host"))?.to_owned();
    if uri.authority().is_some_and(|a| a.as_str().contains('@')) || uri.query().is_some() {
        return Err(bad("a user or a query has no place in its url"));
    }
    let connector = match secure {
        true => Some(tls::connector(entry.ca.as_deref()).map_err(|e| bad(&e))?),
        false => None,
    };
    Ok(Address {
        port: uri.port_u16().unwrap_or(if secure { 443 } else { 80 }),
        host,
        base: uri.path().trim_end_matches('/').to_owned(),
        tls: connector,
    })
}

fn is_here(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn list(text: &str) -> Result<Vec<Upstream>, ServeError> {
        Upstream::list(text, &|name| (name == "KEY").then(|| "secret".to_owned()))
    }

    #[test]
    fn a_list_is_read_or_its_fault_is_said() {
        let text = "[attic]\nurl = \"http://127.0.0.1:8081/v1/\"\nkey_env = \"KEY\"\n";
        let upstreams = list(text).unwrap();
        assert_eq!((upstreams[0].address.port, &*upstreams[0].address.base), (8081, "/v1"));
        assert!(upstreams[0].authorization.is_some());
        for bad in [
            "x",
            "[a]\n",
            "[a]\nurl = \"ftp://a/v1\"\n",
            "[a]\nurl = \"http://ann:key@a/v1\"\n",
            "[a]\nurl = \"http://a/v1\"\nkey_env = \"OTHER\"\n",
            "[a]\nurl = \"http://a/v1\"\nkey = \"secret\"\n",
            "[a]\nurl = \"https://a/v1\"\nca = \"/nonexistent\"\n",
        ] {
            assert!(list(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_came_through_us_is_not_offered_back() {
        let upstreams = list("[a]\nurl = \"http://a/v1\"\n").unwrap();
        let models = json!({"data": [
            {"id": "theirs", "owned_by": "headwater", "headwater_path": ["a"]},
            {"id": "ours", "headwater_path": ["a", "me"]},
            {"id": "far", "headwater_path": ["a", "b", "c", "d", "e"]},
            {"id": "other", "owned_by": "llamacpp"}, {"id": 7}]});
        upstreams[0].listed(Some(&models), "me", 4);
        let offers = upstreams[0].offers();
        let shown: Vec<_> = offers.iter().map(|o| (o.id.as_str(), o.owner.as_str())).collect();
        assert_eq!(shown, [("theirs", "a"), ("other", "a/llamacpp")]);
    }
}
