//! Keys of hosts, as OpenSSH keeps them. `ssh-keygen -F` does the looking up: hashed names,
//! patterns and markers are then understood exactly as ssh understands them.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::{Settings, SshError, Trust};

/// A key that some line knows a host by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) file: PathBuf,
    pub(crate) line: u32,
    /// `ssh-ed25519` and so on.
    pub(crate) kind: String,
    /// The key, in base64.
    key: String,
    /// `REVOKED` or `CA`.
    marker: Option<String>,
}

/// Two slots of a new host must not both write it down.
static WRITING: Mutex<()> = Mutex::new(());

/// The name that a host's key is kept under.
pub(crate) fn key_name(settings: &Settings) -> String {
    let host = settings.key_alias.as_deref().unwrap_or(&settings.address).to_lowercase();
    match settings.port {
        22 => host,
        _ if settings.key_alias.is_some() => host,
        port => format!("[{host}]:{port}"),
    }
}

/// Every key that the host is known by.
pub(crate) fn find(settings: &Settings) -> Result<Vec<Known>, SshError> {
    let mut found = Vec::new();
    for file in settings.known_hosts.iter().filter(|f| f.exists()) {
        let output = Command::new("ssh-keygen")
            .args(["-F", &key_name(settings), "-f"])
            .arg(file)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .map_err(|e| SshError::Refused(format!("cannot run ssh-keygen: {e}")))?;
        found.extend(parse(&String::from_utf8_lossy(&output.stdout), file));
    }
    Ok(found)
}

fn parse(text: &str, file: &Path) -> Vec<Known> {
    let mut place = None;
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix('#') {
            let mut words = comment.split_whitespace().skip_while(|w| *w != "line").skip(1);
            let number = words.next().and_then(|n| n.parse().ok());
            place = number.map(|number: u32| (number, words.next().map(str::to_owned)));
            continue;
        }
        let mut words: Vec<&str> = line.split_whitespace().collect();
        if words.first().is_some_and(|w| w.starts_with('@')) {
            words.remove(0);
        }
        if let (Some((line, marker)), [_, kind, key, ..]) = (place.take(), words.as_slice()) {
            let (kind, key) = ((*kind).to_owned(), (*key).to_owned());
            found.push(Known { file: file.to_owned(), line, kind, key, marker });
        }
    }
    found
}

/// Whether some line names an authority for this host, which libssh2 cannot ask.
pub(crate) fn has_authority(known: &[Known]) -> bool {
    known.iter().any(|k| k.marker.as_deref() == Some("CA"))
}

/// Decides about the key that a host shows.
///
/// # Errors
/// [`SshError::Refused`] for a key that is revoked, not the one known, or, unless new ones are
/// trusted, not known at all.
pub(crate) fn check(
    settings: &Settings,
    known: &[Known],
    key: &[u8],
    trust: Trust,
) -> Result<(), SshError> {
    let text = BASE64_STANDARD.encode(key);
    let at = |k: &Known| format!("{}:{}", k.file.display(), k.line);
    let name = key_name(settings);
    let same: Vec<&Known> = known.iter().filter(|k| k.key == text).collect();
    if let Some(revoked) = same.iter().find(|k| k.marker.is_some()) {
        return Err(SshError::Refused(format!("the key of {name} is revoked: {}", at(revoked))));
    }
    if !same.is_empty() {
        return Ok(());
    }
    if let Some(other) = known.iter().find(|k| k.marker.is_none()) {
        return Err(SshError::Refused(format!(
            "the key of {name} is not the one in {}: it has changed, or somebody is in between",
            at(other)
        )));
    }
    match trust {
        Trust::New => write_down(settings, &name, &kind_of(key)?, &text),
        Trust::Known => Err(SshError::Refused(format!(
            "the key of {name} is not known; log in once with ssh, or use --trust-new"
        ))),
    }
}

/// A key's kind stands in it, before anything else: a length of four bytes, then the name.
fn kind_of(key: &[u8]) -> Result<String, SshError> {
    let name = key.split_first_chunk::<4>().and_then(|(length, rest)| {
        let name = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        String::from_utf8(name.to_vec()).ok()
    });
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-@.".contains(c);
    name.filter(|name| name.chars().all(is_plain))
        .ok_or_else(|| SshError::Refused("the host's key is no key".into()))
}

fn write_down(settings: &Settings, name: &str, kind: &str, key: &str) -> Result<(), SshError> {
    let _guard = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    // Another slot of the same host may have been here meanwhile.
    let known = find(settings)?;
    if !known.is_empty() {
        let is_it = known.iter().any(|k| k.key == key && k.marker.is_none());
        return if is_it {
            Ok(())
        } else {
            Err(SshError::Refused(format!("the key of {name} is not the one seen a moment ago")))
        };
    }
    let file = settings
        .known_hosts
        .first()
        .ok_or_else(|| SshError::Refused("there is no known_hosts file to write to".into()))?;
    let write = || {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut out = OpenOptions::new().create(true).append(true).open(file)?;
        out.write_all(format!("{name} {kind} {key}\n").as_bytes())
    };
    write().map_err(|e: std::io::Error| SshError::Refused(format!("{}: {e}", file.display())))?;
    log::warn!("{name} is new: its key was written to {}", file.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(tail: u8) -> Vec<u8> {
        let mut key = 11u32.to_be_bytes().to_vec();
        key.extend_from_slice(b"ssh-ed25519");
        key.extend_from_slice(&[0, 0, 0, 1, tail]);
        key
    }

    fn settings(file: &Path) -> Settings {
        let known_hosts = vec![file.to_owned()];
        Settings { address: "Attic".into(), port: 2222, known_hosts, ..Settings::default() }
    }

    #[test]
    fn a_new_key_is_refused_or_written_down_and_a_changed_one_is_always_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ssh/known_hosts");
        let settings = settings(&file);
        let decide = |key: &[u8], trust| check(&settings, &find(&settings).unwrap(), key, trust);
        let error = decide(&blob(1), Trust::Known).unwrap_err().to_string();
        assert!(error.contains("[attic]:2222") && error.contains("--trust-new"), "{error}");
        decide(&blob(1), Trust::New).unwrap();
        decide(&blob(1), Trust::Known).unwrap();
        for trust in [Trust::New, Trust::Known] {
            let error = decide(&blob(2), trust).unwrap_err().to_string();
            assert!(error.contains(&format!("{}:1", file.display())), "{error}");
        }
        let line = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("# a comment\n@revoked {line}")).unwrap();
        let error = decide(&blob(1), Trust::New).unwrap_err().to_string();
        assert!(error.contains("revoked") && error.contains(":2"), "{error}");
        fs::write(&file, format!("@cert-authority {line}")).unwrap();
        assert!(has_authority(&find(&settings).unwrap()));
    }

    #[test]
    fn what_is_no_key_is_not_written_down() {
        let bad: [&[u8]; 4] = [b"", b"\0\0\0\x05ab", b"\0\0\0\x02\n\n", &[0xff; 8]];
        for key in bad {
            assert!(kind_of(key).is_err());
        }
    }
}
