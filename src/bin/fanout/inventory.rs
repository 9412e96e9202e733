//! The hosts: from the command line, and from an inventory in TOML.
//!
//! ```toml
//! [[host]]
//! name = "attic"          # as ssh knows it, user@host:port, or ":"
//! slots = 2               # commands at the same time
//! tags = ["fast"]
//! nice = 10               # priority there, 0 to 19
//! key = "/home/me/.ssh/attic"
//! jump = "gate"
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use cli::Error;
use serde::Deserialize;
use ssh::{HostName, Route};

use crate::args::HostArgs;

/// A host of this run.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    /// How it is shown and written.
    pub(crate) label: String,
    pub(crate) route: Route,
    pub(crate) slots: u16,
    pub(crate) nice: Option<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inventory {
    #[serde(default)]
    host: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    slots: Option<u16>,
    #[serde(default)]
    tags: Vec<String>,
    nice: Option<u8>,
    key: Option<PathBuf>,
    jump: Option<String>,
}

/// Every host that the arguments name, each once.
pub(crate) fn hosts(args: &HostArgs, jobs: u16) -> Result<Vec<Host>, Error> {
    let mut entries: Vec<Entry> = args
        .host
        .iter()
        .map(|name| Entry {
            name: name.clone(),
            slots: None,
            tags: Vec::new(),
            nice: None,
            key: None,
            jump: None,
        })
        .collect();
    if let Some(path) = &args.hosts {
        let bad = |e: String| Error::setup(format!("{}: {e}", path.display()));
        let text = fs::read_to_string(path).map_err(|e| bad(e.to_string()))?;
        let inventory: Inventory = toml::from_str(&text).map_err(|e| bad(e.to_string()))?;
        let wanted = |entry: &Entry| {
            args.tag.is_empty() || entry.tags.iter().any(|tag| args.tag.contains(tag))
        };
        entries.extend(inventory.host.into_iter().filter(wanted));
    }
    let mut seen = BTreeSet::new();
    let mut hosts = Vec::new();
    for entry in entries {
        let host = host(entry, args, jobs)?;
        if seen.insert(host.label.clone()) {
            hosts.push(host);
        }
    }
    if hosts.is_empty() {
        let hint = "name some with -H, as in -H attic,kitchen, or -H : for this machine";
        return Err(Error::usage("there are no hosts").hint(hint));
    }
    Ok(hosts)
}

fn host(entry: Entry, args: &HostArgs, jobs: u16) -> Result<Host, Error> {
    let parse = |text: &str| text.parse::<HostName>().map_err(|e| Error::usage(e.to_string()));
    let name = parse(entry.name.trim())?;
    let slots = entry.slots.unwrap_or(jobs);
    if slots == 0 || slots > 1024 {
        return Err(Error::usage(format!("{name}: slots are from 1 to 1024")));
    }
    if entry.nice.is_some_and(|nice| nice > 19) {
        return Err(Error::usage(format!("{name}: nice is from 0 to 19")));
    }
    let jump = entry.jump.as_deref().map(parse).transpose()?;
    if jump == Some(HostName::Local) {
        return Err(Error::usage(format!("{name}: jump is a host, not ':'")));
    }
    let label = name.to_string();
    let route = Route { name, config: args.ssh_config.clone(), key: entry.key, jump };
    Ok(Host { label, route, slots, nice: entry.nice })
}
