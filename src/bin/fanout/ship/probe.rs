//! What a host is: asked once, with nothing there but `sh`.

use ssh::{End, SshError};

use super::ask::{Said, ask, nothing};
use crate::connection::Connection;

/// Chooses the first folder for our things that can be written to and run from, and says what
/// the machine is. Folders that others may write to are taken only when they are ours alone.
const PROBE: &str = r#"
echo "os $(uname -s)"
echo "machine $(uname -m)"
echo "flags $(sed -n 's/^flags[^:]*: //p;s/^Features[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)"
echo "glibc $(getconf GNU_LIBC_VERSION 2>/dev/null | sed 's/^glibc //')"
echo "cores $(getconf _NPROCESSORS_ONLN 2>/dev/null)"
echo "memory $(sed -n 's/^MemAvailable: *//p' /proc/meminfo 2>/dev/null)"
echo "load $(cut -d ' ' -f 1 /proc/loadavg 2>/dev/null)"
echo "mains $(cat /sys/class/power_supply/A*/online 2>/dev/null | head -n 1)"
for tool in sha256sum shasum openssl gzip; do
    command -v "$tool" >/dev/null 2>&1 && echo "tool-$tool yes"
done
umask 077
for base in "${XDG_CACHE_HOME:-$HOME/.cache}" "/var/tmp/headwater-$(id -u)" "/tmp/headwater-$(id -u)"; do
    folder="$base/headwater/fanout"
    mkdir -p "$folder/tmp" 2>/dev/null || continue
    [ -O "$base" ] && [ ! -L "$base" ] || [ "$base" = "${XDG_CACHE_HOME:-$HOME/.cache}" ] || continue
    try="$folder/tmp/try.$$"
    { printf '#!/bin/sh\necho runs\n' >"$try" && chmod 700 "$try"; } 2>/dev/null || continue
    runs=$("$try" 2>/dev/null)
    rm -f "$try"
    [ "$runs" = runs ] || { echo "noexec $folder"; continue; }
    echo "cache $folder"
    echo "free $(df -Pk "$folder" 2>/dev/null | awk 'NR == 2 { print $4 }')"
    break
done
"#;

/// A host, as far as sending things there goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Machine {
    pub(crate) os: String,
    pub(crate) machine: String,
    /// What its processor can do, as the kernel says it.
    pub(crate) flags: Vec<String>,
    /// Version of its C library; none where that is not glibc.
    pub(crate) glibc: Option<(u32, u32)>,
    /// Folder for our things.
    pub(crate) cache: String,
    /// Free there, in bytes, when that is known.
    pub(crate) free: Option<u64>,
    /// The command that prints the SHA-256 of its standard input.
    pub(crate) sha256: Option<&'static str>,
    pub(crate) gzip: bool,
}

/// Asks a host what it is.
///
/// # Errors
/// [`SshError::Refused`] when there is no folder that it could keep and run things in.
pub(crate) fn probe(connection: &Connection) -> Result<Machine, SshError> {
    let said = ask(connection, &[PROBE.to_owned()], &["true"], &mut nothing)?;
    if said.end != End::Status(0) {
        return Err(SshError::Unreachable(format!("the probe failed: {}", said.trouble())));
    }
    let machine = parse(&said.before);
    log::debug!("it is {machine:?}");
    if machine.cache.is_empty() {
        let noexec = Said::value(&said.before, "noexec");
        return Err(SshError::Refused(match noexec {
            Some(folder) => format!("nothing can be run from {folder}, nor from /var/tmp or /tmp"),
            None => "there is no folder to write to: home, /var/tmp and /tmp were tried".into(),
        }));
    }
    Ok(machine)
}

pub(crate) fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn parse(text: &str) -> Machine {
    let value = |key: &str| Said::value(text, key).unwrap_or_default();
    let has = |tool: &str| !value(&format!("tool-{tool}")).is_empty();
    Machine {
        os: value("os").to_owned(),
        machine: value("machine").to_owned(),
        flags: value("flags").split_whitespace().map(str::to_owned).collect(),
        glibc: version(value("glibc")),
        cache: value("cache").to_owned(),
        free: value("free").parse::<u64>().ok().map(|kib| kib.saturating_mul(1024)),
        sha256: if has("sha256sum") {
            Some("sha256sum")
        } else if has("shasum") {
            Some("shasum -a 256")
        } else if has("openssl") {
            Some("openssl dgst -sha256 -r")
        } else {
            None
        },
        gzip: has("gzip"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_probe_prints_is_understood() {
        let text = "Welcome!\nos Linux\nmachine x86_64\nflags sse avx\nglibc 2.36\nfree 10\n\
            tool-openssl yes\ncache /home/me/.cache/headwater/fanout\n";
        let machine = parse(text);
        assert_eq!((machine.glibc, machine.free), (Some((2, 36)), Some(10240)));
        assert_eq!(machine.flags, ["sse", "avx"]);
        assert_eq!((machine.sha256, machine.gzip), (Some("openssl dgst -sha256 -r"), false));
        assert_eq!(parse("").glibc, None);
    }
}
