use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::{HostName, SshError};

/// A host with what is to be said about it besides its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its name.
    pub name: HostName,
    /// The configuration file, in place of the user's.
    pub config: Option<PathBuf>,
    /// A file with the private key to use.
    pub key: Option<PathBuf>,
    /// A host to go through.
    pub jump: Option<HostName>,
}

/// What ssh's configuration says about a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Name or address to connect to.
    pub address: String,
    /// Port.
    pub port: u16,
    /// User there.
    pub user: String,
    /// The name that its key is known under, when not its address.
    pub key_alias: Option<String>,
    /// Files with private keys, in the order to try.
    pub identities: Vec<PathBuf>,
    /// Of the agent's keys, only those that belong to `identities`.
    pub identities_only: bool,
    /// The agent's socket; `None` for the environment's.
    pub agent: Option<PathBuf>,
    /// Whether there is to be no agent at all.
    pub no_agent: bool,
    /// Files with keys of hosts. The first is where new ones are written.
    pub known_hosts: Vec<PathBuf>,
    /// What libssh2 cannot do of all this.
    pub beyond_libssh2: Option<String>,
}

/// The arguments of the system's ssh that name a host: everything but the command there.
#[must_use]
pub fn system_ssh(route: &Route) -> Vec<String> {
    let HostName::Remote { user, host, port } = &route.name else { return Vec::new() };
    let mut arguments = Vec::new();
    let mut add = |flag: &str, value: String| arguments.extend([flag.to_owned(), value]);
    if let Some(config) = &route.config {
        add("-F", config.display().to_string());
    }
    if let Some(key) = &route.key {
        add("-i", key.display().to_string());
    }
    if let Some(jump) = &route.jump {
        add("-J", jump.to_string());
    }
    if let Some(user) = user {
        add("-l", user.clone());
    }
    if let Some(port) = port {
        add("-p", port.to_string());
    }
    add("--", host.clone());
    arguments
}

/// Asks ssh for what its configuration says about a host; nothing is connected.
///
/// # Errors
/// [`SshError::Refused`] when there is no ssh or it does not like its configuration.
pub fn resolve(route: &Route) -> Result<Settings, SshError> {
    let output = Command::new("ssh")
        .arg("-G")
        .args(system_ssh(route))
        .stdin(Stdio::null())
        .output()
        .map_err(|e| SshError::Refused(format!("cannot run ssh: {e}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(SshError::Refused(format!("ssh -G: {}", said.trim())));
    }
    Ok(parse(&String::from_utf8_lossy(&output.stdout)))
}

/// Key files that only OpenSSH can use: their keys are in hardware.
const HARDWARE_KEYS: &str = "_sk";

fn parse(text: &str) -> Settings {
    let mut settings = Settings { port: 22, ..Settings::default() };
    let home = std::env::home_dir();
    let path = |value: &str| match (value.strip_prefix("~/"), &home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(value),
    };
    let mut user_known = Vec::new();
    let mut global_known = Vec::new();
    let mut beyond = Vec::new();
    for line in text.lines() {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        let is_none = value.eq_ignore_ascii_case("none") || value.is_empty();
        match key {
            "hostname" => value.trim_matches(['[', ']']).clone_into(&mut settings.address),
            "port" => settings.port = value.parse().unwrap_or(22),
            "user" => value.clone_into(&mut settings.user),
            "hostkeyalias" if !is_none => settings.key_alias = Some(value.to_owned()),
            "identityfile" if !is_none => settings.identities.push(path(value)),
            "identitiesonly" => settings.identities_only = value == "yes",
            "identityagent" if is_none => settings.no_agent = true,
            "identityagent" if value != "SSH_AUTH_SOCK" => settings.agent = Some(path(value)),
            "userknownhostsfile" => user_known = value.split(' ').map(path).collect(),
            "globalknownhostsfile" => global_known = value.split(' ').map(path).collect(),
            "proxyjump" | "proxycommand" | "knownhostscommand" | "certificatefile"
            | "pkcs11provider" | "revokedhostkeys" | "bindaddress" | "bindinterface"
                if !is_none =>
            {
                beyond.push(key.to_owned());
            }
            _ => {}
        }
    }
    settings.known_hosts = user_known.into_iter().chain(global_known).collect();
    settings.known_hosts.retain(|p| !p.as_os_str().eq_ignore_ascii_case("none"));
    let in_hardware = |p: &&PathBuf| {
        p.file_name().is_some_and(|n| n.to_string_lossy().ends_with(HARDWARE_KEYS)) && p.exists()
    };
    if settings.identities.iter().any(|p| in_hardware(&p)) {
        beyond.push("a key in hardware".to_owned());
    }
    settings.beyond_libssh2 = (!beyond.is_empty()).then(|| beyond.join(", "));
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_prints_is_understood() {
        let text = "user me\nhostname 127.0.0.1\nport 2222\nidentityfile /k/one\n\
            identityfile /k/two\nuserknownhostsfile /k/a /k/b\nglobalknownhostsfile /e/c\n\
            identitiesonly yes\nidentityagent none\nproxyjump none\n";
        let settings = parse(text);
        assert_eq!((settings.address.as_str(), settings.port), ("127.0.0.1", 2222));
        assert_eq!(settings.identities, [PathBuf::from("/k/one"), "/k/two".into()]);
        assert_eq!(settings.known_hosts.len(), 3);
        assert!(settings.identities_only && settings.no_agent);
        assert_eq!(settings.beyond_libssh2, None);
        let far = parse("hostname x\nproxyjump bastion\nproxycommand none\n");
        assert_eq!(far.beyond_libssh2.as_deref(), Some("proxyjump"));
    }

    #[test]
    fn a_name_never_becomes_an_option() {
        let name: HostName = "me@attic:2222".parse().unwrap();
        let mut route = Route { name, config: None, key: None, jump: None };
        assert_eq!(system_ssh(&route), ["-l", "me", "-p", "2222", "--", "attic"]);
        route.jump = Some("me@gate:23".parse().unwrap());
        assert_eq!(system_ssh(&route)[..2], ["-J", "me@gate:23"]);
        route.name = HostName::Local;
        assert!(system_ssh(&route).is_empty());
    }
}
