//! What `metadata` reads of each picture and video in some folders, one JSON line each, for
//! tests/bench/photo-dates.py: `photo-metadata FOLDER…` lists dates, `--groups` decides them for
//! whole groups of files (with `--home ZONE`), as sortphotos does.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use headwater_metadata as metadata;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use metadata::{Clock, Metadata, Options, Part, Sidecar, Stamp, Takeout};
use serde_json::{Value, json};

fn walk(path: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(path) else {
        files.push(path.to_path_buf());
        return;
    };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    entries.sort();
    entries.iter().for_each(|entry| walk(entry, files));
}

fn read(path: &Path) -> Option<Metadata> {
    metadata::read(path, &mut File::open(path).ok()?).ok()
}

fn shown(stamp: &Stamp) -> Value {
    let clock = match stamp.clock {
        Clock::Wall => Value::Null,
        Clock::Utc => "utc".into(),
        Clock::Offset(offset) => offset.seconds().into(),
    };
    json!({"source": stamp.source.name(), "time": stamp.time.to_string(), "clock": clock})
}

fn line(path: &Path, found: Option<&Metadata>) -> Value {
    let Some(found) = found else { return json!({"path": path, "error": true}) };
    json!({
        "path": path,
        "mime": found.format.mime(),
        "size": [found.width, found.height],
        "orientation": found.orientation,
        "make": found.camera.make,
        "model": found.camera.model,
        "gps": found.gps.map(|g| [g.latitude, g.longitude]),
        "stamps": found.stamps.iter().map(shown).collect::<Vec<_>>(),
        "refused": found.refused.len(),
        "warnings": found.warnings,
    })
}

/// All that a group's files and names tell of its leading member.
fn stamps(group: &metadata::Group, files: &[(PathBuf, Option<Metadata>)]) -> Vec<Stamp> {
    let (path, lead) = &files[group.members[0].file];
    let mut all = lead.as_ref().map_or(Vec::new(), |m| m.stamps.clone());
    for member in &group.members[1..] {
        let (path, found) = &files[member.file];
        let text = || fs::read(path).unwrap_or_default();
        match member.part {
            Part::Xmp => all.extend(Sidecar::parse(&text()).into_iter().flat_map(|s| s.stamps)),
            Part::Takeout => all.extend(Takeout::parse(&text()).ok().and_then(|t| t.stamp)),
            _ => all.extend(found.iter().flat_map(|m| m.stamps.clone())),
        }
    }
    all.extend(metadata::name_stamps(path));
    all.extend(metadata::folder_stamps(path));
    all
}

fn groups(
    files: &[(PathBuf, Option<Metadata>)],
    home: Option<&TimeZone>,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let named: Vec<metadata::File<'_>> =
        files.iter().map(|(path, m)| metadata::File { path, metadata: m.as_ref() }).collect();
    for group in metadata::group(&named) {
        let options = Options { home, ..Options::at(Timestamp::now()) };
        let dating = metadata::date(&stamps(&group, files), &options);
        let taken = dating.taken.map(|t| {
            json!({"taken": t.to_rfc3339(), "from": t.from.name(), "confidence": t.confidence,
                   "why": t.why, "conflicts": t.conflicts.len()})
        });
        for member in &group.members {
            writeln!(out, "{}", json!({"path": files[member.file].0, "taken": taken}))?;
        }
    }
    Ok(())
}

fn main() -> std::io::Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let decide = arguments.first().is_some_and(|a| a == "--groups");
    if decide {
        arguments.remove(0);
    }
    let mut home = None;
    if arguments.first().is_some_and(|a| a == "--home") {
        let hours: Option<i8> = arguments.get(1).and_then(|h| h.parse().ok());
        home = hours.map(|h| TimeZone::fixed(Offset::constant(h)));
        arguments.drain(..2);
    }
    let mut paths = Vec::new();
    arguments.iter().for_each(|path| walk(Path::new(path), &mut paths));
    let mut out = BufWriter::new(std::io::stdout().lock());
    if decide {
        let files: Vec<_> =
            paths.into_iter().map(|path| (read(&path), path)).map(|(m, p)| (p, m)).collect();
        groups(&files, home.as_ref(), &mut out)?;
    } else {
        for path in paths {
            writeln!(out, "{}", line(&path, read(&path).as_ref()))?;
        }
    }
    out.flush()
}
