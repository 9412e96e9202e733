//! The environment variables that headwater reads: all of them, here and nowhere else.
//!
//! A flag on the command line wins over a variable, a variable over the configuration file.

use std::path::PathBuf;

use crate::error::Error;

/// A variable.
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// The flag it stands for, without dashes; `None` where it has no flag.
    pub flag: Option<&'static str>,
    /// What it does, for the documentation.
    pub help: &'static str,
}

const fn flag(name: &'static str, flag: &'static str, help: &'static str) -> Variable {
    Variable { name, flag: Some(flag), help }
}

const fn plain(name: &'static str, help: &'static str) -> Variable {
    Variable { name, flag: None, help }
}

/// Every variable.
pub const VARIABLES: &[Variable] = &[
    flag("HEADWATER_MODEL", "model", "Model to use, as --model."),
    flag("HEADWATER_JOBS", "jobs", "Records handled at the same time, as --jobs."),
    flag("HEADWATER_ON_ERROR", "on-error", "What to do with failing records, as --on-error."),
    flag("HEADWATER_TIMEOUT", "timeout", "Seconds for one record, as --timeout."),
    flag("HEADWATER_PROGRESS", "progress", "Progress on stderr, as --progress."),
    flag("HEADWATER_COLOR", "color", "Colour in messages, as --color."),
    plain(
        "HEADWATER_MODELS",
        "Folder of the model store; default $XDG_DATA_HOME/headwater/models.",
    ),
    plain(
        "HEADWATER_MODELS_LOG",
        "File to which programs append the models that they open; fanout uses it.",
    ),
    plain(
        "HEADWATER_DIST",
        "Folder of programs that fanout sends to other kinds of machines; default \
         $XDG_DATA_HOME/headwater/dist.",
    ),
    plain(
        "HEADWATER_DIST_KEY",
        "Public key that they are signed with; default $XDG_CONFIG_HOME/headwater/dist.pub.",
    ),
    plain(
        "HEADWATER_STATE",
        "Folder of ledgers and caches; default $XDG_STATE_HOME/headwater and \
         $XDG_CACHE_HOME/headwater.",
    ),
    plain(
        "HEADWATER_CONFIG",
        "Configuration file; default $XDG_CONFIG_HOME/headwater/config.toml.",
    ),
    plain(
        "HEADWATER_CATALOGUE",
        "The user's own catalogue of models; default $XDG_CONFIG_HOME/headwater/models.toml.",
    ),
    plain(
        "HEADWATER_HUB",
        "Mirror that models pull asks in place of the public hub: HTTPS, or HTTP on this machine.",
    ),
    plain("HEADWATER_SERVE_KEY", "A key that clients of serve must send, besides --key-file."),
    plain("HEADWATER_VAULT_KEY", "The key of redact's vault, where --vault-key-file is not given."),
    plain("HTTPS_PROXY", "Proxy for models pull, also as https_proxy."),
    plain("ALL_PROXY", "Proxy where HTTPS_PROXY is not set, also as all_proxy."),
    plain("NO_PROXY", "Hosts reached without a proxy, separated by commas; also as no_proxy."),
    plain("XDG_DATA_HOME", "Base of the model store; default ~/.local/share."),
    plain("XDG_STATE_HOME", "Base of ledgers; default ~/.local/state."),
    plain("XDG_CONFIG_HOME", "Base of the configuration file; default ~/.config."),
    plain(
        "XDG_CACHE_HOME",
        "Base of caches, also where other programs' models are looked for; default ~/.cache.",
    ),
    plain("HOME", "Home folder."),
    plain("PATH", "Where other programs are looked for."),
    plain("HF_HOME", "Where the hub's cache is looked for by models scan."),
    plain("OLLAMA_MODELS", "Where Ollama's models are looked for by models scan."),
    plain("NO_COLOR", "If set, no colour."),
];

/// A variable's value, where it is set and not empty. Names outside [`VARIABLES`] are only those
/// that the user gives, such as a provider's key variable.
pub fn get(name: &str) -> Option<std::ffi::OsString> {
    #[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn folder(variable: &str, base: &str, default_base: &str, name: &str) -> Option<PathBuf> {
    get(variable).map(PathBuf::from).or_else(|| {
        let base = get(base).map(PathBuf::from).filter(|p| p.is_absolute());
        let base = base.or_else(|| Some(home()?.join(default_base)));
        Some(base?.join("headwater").join(name))
    })
}

/// The user's home folder.
pub fn home() -> Option<PathBuf> {
    get("HOME").map(PathBuf::from)
}

/// Folder of the model store.
///
/// # Errors
/// When neither it nor HOME is set.
pub fn models_folder() -> Result<PathBuf, Error> {
    folder("HEADWATER_MODELS", "XDG_DATA_HOME", ".local/share", "models").ok_or_else(homeless)
}

/// Where the models that a program opens are noted.
pub fn models_log() -> Option<PathBuf> {
    get("HEADWATER_MODELS_LOG").map(PathBuf::from)
}

/// Folder of signed programs for other machines.
pub fn dist_folder() -> Option<PathBuf> {
    folder("HEADWATER_DIST", "XDG_DATA_HOME", ".local/share", "dist")
}

/// The public key that they are signed with.
pub fn dist_key() -> Option<PathBuf> {
    folder("HEADWATER_DIST_KEY", "XDG_CONFIG_HOME", ".config", "dist.pub")
}

/// Folder of ledgers and caches.
///
/// # Errors
/// As [`models_folder`].
pub fn state_folder() -> Result<PathBuf, Error> {
    folder("HEADWATER_STATE", "XDG_STATE_HOME", ".local/state", "").ok_or_else(homeless)
}

fn homeless() -> Error {
    Error::setup("HOME is not set")
}

/// The configuration file.
pub fn config_file() -> Option<PathBuf> {
    folder("HEADWATER_CONFIG", "XDG_CONFIG_HOME", ".config", "config.toml")
}

/// The user's own catalogue of models, and whether it was named, so that it has to be there.
pub fn catalogue_file() -> Option<(PathBuf, bool)> {
    let file = folder("HEADWATER_CATALOGUE", "XDG_CONFIG_HOME", ".config", "models.toml")?;
    Some((file, get("HEADWATER_CATALOGUE").is_some()))
}

/// The proxy for HTTPS, and the hosts that are reached without it.
pub fn proxy() -> (Option<String>, Vec<String>) {
    let text = |names: &[&str]| {
        names.iter().find_map(|name| get(name)).map(|v| v.to_string_lossy().into_owned())
    };
    let except = text(&["NO_PROXY", "no_proxy"]).unwrap_or_default();
    let except = except.split(',').map(str::trim).filter(|e| !e.is_empty()).map(str::to_owned);
    (text(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]), except.collect())
}

/// The folder of caches: they may be deleted at any time.
pub fn cache_folder() -> Option<PathBuf> {
    let own = get("HEADWATER_STATE").map(PathBuf::from);
    own.or_else(|| Some(cache_home()?.join("headwater")))
}

/// Where other programs keep their caches.
pub fn cache_home() -> Option<PathBuf> {
    get("XDG_CACHE_HOME").map(PathBuf::from).or_else(|| Some(home()?.join(".cache")))
}
