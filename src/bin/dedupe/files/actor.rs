use std::path::{Path, PathBuf};

use cli::Error;
use journal::{ActError, Action, Change, Journal, JournalError, Trash};
use records::{Code, Failure, Text};
use serde::Serialize;

/// What is to be done to a file, or was.
#[derive(Serialize)]
pub(crate) struct Plan {
    action: &'static str,
    /// Where it goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Text>,
    done: bool,
}

/// Changes files one after another, or only plans to.
pub(crate) struct Actor {
    action: Action,
    /// None: a dry run.
    journal: Option<Journal>,
    trash: Trash,
    changed: u64,
    broken: Option<JournalError>,
}

impl Actor {
    /// Without a `journal` nothing is changed.
    pub(crate) fn new(action: Action, journal: Option<&Path>) -> Result<Self, Error> {
        let home = cli::env::get("XDG_DATA_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(cli::env::home()?.join(".local/share")));
        let home = home.ok_or_else(|| Error::setup("HOME is not set"))?;
        let journal = journal.map(Journal::create).transpose()?;
        Ok(Self {
            action,
            journal,
            trash: Trash::new(home.join("Trash")),
            changed: 0,
            broken: None,
        })
    }

    /// Whether the journal cannot be written any more.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// Does it to `path`, which repeats `keep`.
    pub(crate) fn act(&mut self, path: &Path, keep: &Path, link: bool) -> Result<Plan, Failure> {
        let action = self.action.name();
        let Some(journal) = &mut self.journal else {
            let to = match &self.action {
                Action::Move(folder) => Some(Text::from_os(folder.as_os_str())),
                _ => None,
            };
            return Ok(Plan { action, to, done: false });
        };
        match journal.act(&self.action, &Change { path, keep, link }, &self.trash) {
            Ok(entry) => {
                self.changed += 1;
                Ok(Plan { action, to: entry.to, done: true })
            }
            Err(error) => {
                let code = match &error {
                    ActError::Io(_) | ActError::Journal(_) => Code::Unreadable,
                    _ => Code::Refused,
                };
                let failure = Failure::new(code, format!("not changed: {error}"));
                if let ActError::Journal(error) = error {
                    self.broken = Some(error);
                }
                Err(failure)
            }
        }
    }

    /// Says what was done, and how it can be taken back.
    pub(crate) fn close(&mut self) -> Result<(), Error> {
        if let Some(journal) = self.journal.as_ref().filter(|_| self.changed > 0) {
            let (changed, path) = (self.changed, journal.path().display());
            log::warn!("{changed} files changed; to take it back: dedupe --undo '{path}'");
        }
        self.broken.take().map_or(Ok(()), |error| Err(error.into()))
    }
}
