use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use records::Failure;

use crate::gather::folder_of;
use crate::item::All;
use crate::output::Plan;

/// Folders that are shown by name.
const FOLDERS: usize = 40;
/// Files of each kind that are shown as examples.
const SHOWN: usize = 5;

/// What people at a terminal are told in place of the records.
#[derive(Default)]
pub(crate) struct Summary {
    /// Files that go to each folder.
    folders: BTreeMap<PathBuf, u64>,
    action: &'static str,
    done: u64,
    stay: u64,
    duplicates: u64,
    /// Files that are left, by reason.
    left: BTreeMap<String, (u64, Vec<PathBuf>)>,
    conflicts: Vec<(PathBuf, String)>,
    bursts: usize,
    total: u64,
}

impl Summary {
    /// Takes note of a file.
    pub(crate) fn count(&mut self, all: &All, file: usize, plan: &Plan, failure: Option<&Failure>) {
        let item = &all.items[file];
        self.total += 1;
        self.bursts = all.bursts.len();
        self.done += u64::from(plan.done);
        let mut leave = |why: String| {
            let (count, examples) = self.left.entry(why).or_default();
            *count += 1;
            if examples.len() < SHOWN {
                examples.push(item.path.clone());
            }
        };
        match (failure, plan.action, &plan.to) {
            (Some(failure), ..) => leave(failure.message.clone()),
            (_, "stay", _) => self.stay += 1,
            (_, "duplicate", _) => self.duplicates += 1,
            (_, action, Some(to)) => {
                self.action = action;
                *self.folders.entry(folder_of(Path::new(to.as_os())).to_owned()).or_default() += 1;
            }
            _ => leave(plan.why.clone()),
        }
        if let Some(conflict) = item.photo.conflicts.first() {
            let text = format!("{} says {}: {}", conflict.from, conflict.date, conflict.why);
            self.conflicts.push((item.path.clone(), text));
        }
    }

    /// The lines, for people.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let going: u64 = self.folders.values().sum();
        for (folder, count) in self.folders.iter().take(FOLDERS) {
            lines.push(format!("{count:>7}  {}", folder.display()));
        }
        if self.folders.len() > FOLDERS {
            lines.push(format!("         and {} more folders", self.folders.len() - FOLDERS));
        }
        let verb = match self.action {
            "copy" => "to be copied",
            "link" => "to be linked",
            "reflink" => "to be cloned",
            _ => "to be moved",
        };
        lines.push(format!(
            "{} files: {going} {verb} into {} folders, {} in their places already, {} duplicates, \
             {} bursts",
            self.total,
            self.folders.len(),
            self.stay,
            self.duplicates,
            self.bursts,
        ));
        for (why, (count, examples)) in &self.left {
            let examples: Vec<String> =
                examples.iter().map(|path| path.display().to_string()).collect();
            lines.push(format!("{count:>7}  left where they are: {why} ({})", examples.join(", ")));
        }
        for (path, why) in self.conflicts.iter().take(SHOWN) {
            lines.push(format!("conflict  {}: {why}", path.display()));
        }
        if self.conflicts.len() > SHOWN {
            lines.push(format!("          and {} more conflicts", self.conflicts.len() - SHOWN));
        }
        lines.push(match self.done {
            0 => "nothing was changed; --apply copy or --apply move does it".to_owned(),
            done => format!("{done} files are in their places"),
        });
        lines
    }
}
