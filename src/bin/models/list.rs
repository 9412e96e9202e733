use std::fs;
use std::path::{Path, PathBuf};

use cli::Error;
use modelstore::{Entry, Format, Listed, Role, Store, Task};
use serde::Serialize;

use crate::args::ListArgs;
use crate::output::{Output, size};
use crate::plan::{Plan, task_of};
use crate::table::Table;

/// One model, known or here.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    aliases: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<Task>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format>,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    licence: Option<&'a str>,
    here: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a Path>,
    /// The file elsewhere that the store links to.
    #[serde(skip_serializing_if = "Option::is_none")]
    original: Option<PathBuf>,
    /// Not what it was when its checksum was taken.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    changed: bool,
    /// Weight format of the tuned file that is used in its place on this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    tuned: Option<String>,
    default: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    description: String,
}

impl<'a> Row<'a> {
    fn new(entry: Option<&'a Entry>, listed: Option<&'a Listed>, store: &Store) -> Self {
        let tuning = listed.and_then(|listed| store.tuning(listed));
        let sidecar = listed.and_then(|l| l.sidecar.as_ref());
        let format = entry.map(|e| e.format).or(sidecar.map(|s| s.format));
        let here = listed.is_some_and(|l| l.bytes.is_some());
        Self {
            name: entry.map(|e| e.name.as_str()).or(listed.map(|l| l.name.as_str())).unwrap_or(""),
            aliases: entry.map_or(&[], |e| &e.aliases),
            task: entry.map(|e| e.task).or(format.and_then(task_of)),
            format,
            bytes: listed.and_then(|l| l.bytes).or(entry.map(|e| e.bytes)).unwrap_or(0),
            memory: entry.map(|e| e.memory),
            licence: entry.map(|e| e.licence.as_str()),
            here,
            path: listed.map(|l| l.path.as_path()),
            original: listed.and_then(|l| fs::read_link(&l.path).ok()),
            changed: listed.is_some_and(|l| l.changed),
            tuned: tuning.and_then(|tuning| Some(tuning.chosen?.format)),
            default: entry.is_some_and(|e| e.default),
            role: entry.and_then(|e| e.role),
            description: match (entry, sidecar) {
                (Some(entry), _) => entry.description.clone(),
                (None, Some(sidecar)) => format!("from {}", sidecar.source),
                (None, None) => "put there by hand".into(),
            },
        }
    }

    fn cells(&self) -> Vec<String> {
        let here = match (self.here, self.changed, &self.original) {
            (false, _, Some(_)) => "broken link",
            (false, _, None) => "",
            (true, true, _) => "changed",
            (true, false, Some(_)) => "linked",
            (true, false, None) => "yes",
        };
        let mut notes = Vec::new();
        notes.extend(self.tuned.iter().map(|format| format!("tuned: {format}")));
        if self.default {
            notes.push("default".to_owned());
        }
        if !self.aliases.is_empty() {
            notes.push(format!("also {}", self.aliases.join(", ")));
        }
        notes.push(self.description.clone());
        vec![
            self.name.to_owned(),
            self.task.map_or_else(|| "any".into(), |t| t.to_string()),
            size(self.bytes),
            self.licence.unwrap_or("").to_owned(),
            here.to_owned(),
            notes.join("; "),
        ]
    }
}

pub(crate) fn run(args: &ListArgs, plan: &Plan, out: &mut Output) -> Result<(), Error> {
    let listed = plan.store.list()?;
    let entries = plan.store.catalogue().entries();
    let known = entries.iter().map(|entry| {
        let file = plan.store.file_of(entry);
        (Some(entry), listed.iter().find(|l| l.path == file))
    });
    let others = listed
        .iter()
        .filter(|l| entries.iter().all(|e| plan.store.file_of(e) != l.path))
        .map(|l| (None, Some(l)));
    let rows = known
        .chain(others)
        .map(|(entry, listed)| Row::new(entry, listed, &plan.store))
        .filter(|row| row.here || !args.here);
    if out.is_json() {
        return rows.into_iter().try_for_each(|row| out.json(&row));
    }
    let mut table = Table::new(&["NAME", "TASK", "SIZE", "LICENCE", "HERE", "NOTES"], &[2]);
    rows.for_each(|row| table.push(row.cells()));
    out.text(&table.lines(out.width()).join("\n"))
}
