//! Names that could be hosts. They are proposed, never used by themselves.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ssh::HostName;

/// A name, and where it was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Proposal {
    pub(crate) name: String,
    pub(crate) from: &'static str,
}

/// Names from ssh's configuration, from mDNS where avahi is there, from Tailscale where that is.
/// What could not be a host's name is left out.
pub(crate) fn discover(config: Option<&Path>) -> BTreeSet<Proposal> {
    let home = cli::env::get("HOME").map(PathBuf::from);
    let own = || Some(home?.join(".ssh/config"));
    let config = config.map(Path::to_owned).or_else(own);
    let text = config.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output();
        output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default()
    };
    let mdns = said("avahi-browse", &["--parsable", "--resolve", "--terminate", "_ssh._tcp"]);
    let tailscale = said("tailscale", &["status", "--json"]);
    let named =
        |names: Vec<String>, from| names.into_iter().map(move |name| Proposal { name, from });
    named(configured(&text), "ssh")
        .chain(named(announced(&mdns), "mdns"))
        .chain(named(peers(&tailscale), "tailscale"))
        .filter(|p| matches!(p.name.parse(), Ok(HostName::Remote { .. })))
        .collect()
}

/// The names in `Host` lines that are no patterns.
fn configured(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.trim().split_once([' ', '\t', '=']));
    let hosts = lines.filter(|(key, _)| key.eq_ignore_ascii_case("host"));
    let names = hosts.flat_map(|(_, names)| names.split_whitespace());
    names.filter(|name| !name.contains(['*', '?', '!', '"', '='])).map(str::to_owned).collect()
}

/// The host names in what avahi-browse prints: lines that begin with '=', fields by ';'.
fn announced(text: &str) -> Vec<String> {
    let found = text.lines().filter(|line| line.starts_with('='));
    found.filter_map(|line| line.split(';').nth(6)).map(str::to_owned).collect()
}

/// The DNS names of those that are online.
fn peers(text: &str) -> Vec<String> {
    let Ok(status) = serde_json::from_str::<serde_json::Value>(text) else { return Vec::new() };
    let peers = status["Peer"].as_object().into_iter().flat_map(|peers| peers.values());
    let online = peers.filter(|peer| peer["Online"] == true);
    online
        .filter_map(|peer| peer["DNSName"].as_str())
        .map(|name| name.trim_end_matches('.').to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_patterns_are_not() {
        let text = "Host attic kitchen *.lan !x\n  HostName 10.0.0.1\nhost=pi\nMatch host y\n";
        assert_eq!(configured(text), ["attic", "kitchen", "pi"]);
        let mdns = "+;eth0;IPv4;pi;_ssh._tcp;local\n\
            =;eth0;IPv4;pi;_ssh._tcp;local;pi.local;10.0.0.2;22;\n";
        assert_eq!(announced(mdns), ["pi.local"]);
        let status = r#"{"Peer":{"a":{"DNSName":"den.ts.net.","Online":true},
            "b":{"DNSName":"off.ts.net.","Online":false}}}"#;
        assert_eq!(peers(status), ["den.ts.net"]);
        assert!(peers("").is_empty() && peers("[]").is_empty());
    }
}
