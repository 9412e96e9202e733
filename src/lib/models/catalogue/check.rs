//! The rules that catalogue entries keep.

use std::collections::HashSet;

use super::{CatalogueError, Checksum, Conversion, Entry, PackageSource, Source};

/// Names of models: also safe as a file name.
pub(crate) fn is_model_name(name: &str) -> bool {
    (1..=100).contains(&name.len())
        && !name.starts_with(['.', '-'])
        && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
}

/// Names of files in the store: one plain, visible component.
pub(crate) fn is_file_name(name: &str) -> bool {
    (1..=200).contains(&name.len())
        && !name.starts_with(['.', '-'])
        && !name.ends_with(".json")
        && !name.ends_with(".part")
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Path of a file inside a wheel: relative, without `..`.
fn is_member(path: &str) -> bool {
    !path.is_empty()
        && path.len() <= 300
        && !path.contains(['\\', '\0', ':'])
        && path.split('/').all(|c| !matches!(c, "" | "." | ".."))
}

/// Name of a package or its version: nothing that pip could take for an option or a URL.
fn is_package_word(word: &str) -> bool {
    (1..=100).contains(&word.len())
        && word.as_bytes()[0].is_ascii_alphanumeric()
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Checks one entry by itself.
pub(super) fn entry(entry: &Entry) -> Result<(), CatalogueError> {
    fields(entry).map_err(|problem| CatalogueError::Entry { model: shown(&entry.name), problem })
}

/// A name that may be anything, cut to a printable length.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(100).collect()
}

fn fields(entry: &Entry) -> Result<(), String> {
    for name in std::iter::once(&entry.name).chain(&entry.aliases).chain(&entry.alternatives) {
        if !is_model_name(name) {
            return Err(format!("'{}' is not a name: a-z 0-9 . _ - only", shown(name)));
        }
    }
    if !is_file_name(&entry.file) {
        return Err(format!("'{}' is not a plain file name", shown(&entry.file)));
    }
    if entry.format != entry.task.format() {
        return Err(format!("a {} model has format {}", entry.task, entry.task.format()));
    }
    if entry.bytes == 0 || entry.bytes > 1 << 44 {
        return Err("bytes must be the size of the file".into());
    }
    for source in &entry.sources {
        match source {
            Source::Hub { url } => https(url)?,
            Source::Pypi(package) => package_source(package)?,
        }
    }
    let hub_only = entry.sources.iter().all(|s| matches!(s, Source::Hub { .. }));
    if entry.sha256 == Checksum::FromHub && !hub_only {
        return Err("a model from a package needs a SHA-256".into());
    }
    Ok(())
}

fn https(url: &str) -> Result<(), String> {
    let Some(rest) = url.strip_prefix("https://") else {
        return Err(format!("'{}' is not an https URL", shown(url)));
    };
    let host = rest.split('/').next().unwrap_or_default();
    let plain = url.bytes().all(|b| b.is_ascii_graphic()) && !host.contains('@');
    if host.is_empty() || !plain {
        return Err(format!("'{}' is not a URL", shown(url)));
    }
    Ok(())
}

fn package_source(source: &PackageSource) -> Result<(), String> {
    let single = match (&source.package, &source.version) {
        (Some(package), Some(version)) => {
            if !is_package_word(package) || !is_package_word(version) {
                return Err("not a package name and version".into());
            }
            true
        }
        (None, None) => false,
        _ => return Err("a package needs a version".into()),
    };
    if single == source.members.is_empty() || single != source.parts.is_empty() {
        return Err("a package names members, or there are parts".into());
    }
    if source.archive.is_some() && !single {
        return Err("an archive is that of one package".into());
    }
    for part in &source.parts {
        if !is_package_word(&part.package) || !is_package_word(&part.version) {
            return Err("not a package name and version".into());
        }
    }
    let paths = source.members.iter().chain(source.parts.iter().map(|p| &p.member));
    if let Some(bad) = paths.into_iter().find(|m| !is_member(m)) {
        return Err(format!("'{}' is not a path inside a package", shown(bad)));
    }
    match (source.convert, source.weights) {
        (None, None) if source.members.len() <= 1 => Ok(()),
        (None, None) => Err("several members need a conversion".into()),
        (None, Some(_)) => Err("weights belong to a conversion".into()),
        (Some(_), _) if !single => Err("parts are not converted".into()),
        (Some(Conversion::Silero | Conversion::Geonames | Conversion::Mtcnn), None) => Ok(()),
        (Some(Conversion::Silero), Some(_)) => Err("silero has no choice of weights".into()),
        (Some(Conversion::Geonames), Some(_)) => Err("geonames has no weights".into()),
        (Some(Conversion::Mtcnn), Some(_)) => Err("mtcnn has no choice of weights".into()),
        (Some(_), Some(_)) => Ok(()),
        (Some(_), None) => Err("a conversion needs weights".into()),
    }
}

/// No name, alias or file belongs to two entries.
pub(super) fn unique(entries: &[Entry]) -> Result<(), CatalogueError> {
    let mut names = HashSet::new();
    let mut files = HashSet::new();
    for entry in entries {
        let own = std::iter::once(&entry.name).chain(&entry.aliases);
        let twice = own.into_iter().find(|name| !names.insert(name.as_str()));
        let problem = match twice {
            Some(name) => format!("the name '{}' is taken", shown(name)),
            // Some file systems take upper and lower case for the same.
            None if !files.insert(entry.file.to_ascii_lowercase()) => {
                format!("the file '{}' is taken", shown(&entry.file))
            }
            None => continue,
        };
        return Err(CatalogueError::Entry { model: shown(&entry.name), problem });
    }
    Ok(())
}

/// Alternatives exist and are for the same task.
pub(super) fn alternatives(entries: &[Entry]) -> Result<(), CatalogueError> {
    for entry in entries {
        for name in &entry.alternatives {
            let other = entries.iter().find(|e| &e.name == name);
            if other.is_none_or(|o| o.task != entry.task || o.name == entry.name) {
                return Err(CatalogueError::Entry {
                    model: shown(&entry.name),
                    problem: format!("'{name}' is no alternative to it"),
                });
            }
        }
    }
    Ok(())
}
