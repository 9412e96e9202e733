use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use records::Text;
use serde::{Deserialize, Serialize};

/// A file as it was: what is needed to know it again, and to make it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) dev: u64,
    pub(crate) ino: u64,
    pub(crate) size: u64,
    /// Permission bits.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Seconds since 1970, and nanoseconds.
    pub(crate) mtime: (i64, i64),
}

impl Snapshot {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            dev: metadata.dev(),
            ino: metadata.ino(),
            size: metadata.size(),
            mode: metadata.mode() & 0o7777,
            uid: metadata.uid(),
            gid: metadata.gid(),
            mtime: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }

    /// Whether it is the same file, wherever it is now.
    pub(crate) fn is_inode(&self, metadata: &Metadata) -> bool {
        (self.dev, self.ino) == (metadata.dev(), metadata.ino())
    }

    /// Whether it is the same file and was not written to.
    pub(crate) fn is_unchanged(&self, metadata: &Metadata) -> bool {
        let now = Self::of(metadata);
        (self.dev, self.ino, self.size, self.mtime) == (now.dev, now.ino, now.size, now.mtime)
    }
}

/// One change, as the journal has it before it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number in the journal, from 1.
    pub(crate) n: u64,
    /// hardlink, reflink, symlink, delete, trash or move.
    pub action: String,
    /// The file that is changed. All paths are absolute.
    pub path: Text,
    /// The file with the same content that stays.
    pub keep: Text,
    /// What it is called for a moment.
    pub(crate) aside: Text,
    /// Where it goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Text>,
    /// What the trash knows of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) info: Option<Text>,
    pub(crate) was: Snapshot,
    /// BLAKE3 of the content, in hex.
    pub(crate) hash: String,
}

/// A line of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Line {
    /// The first line: the version of the format.
    Journal(u32),
    /// A change is going to be made.
    Intent(Box<Entry>),
    /// The change with this number was made.
    Done(u64),
    /// It was not made.
    Failed(u64),
    /// It was taken back.
    Undone(u64),
    /// Files are going to be put in their places, all or none: see [`crate::Journal::plan`].
    Unit(Vec<Step>),
    /// The copy of the step with this number is complete and verified: its BLAKE3 hash, in hex.
    Copied(u64, String),
    /// A folder that was not there and is going to be made.
    Folder(Text),
}

/// How a file comes to its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// A copy, verified by reading it again; the file stays where it is.
    Copy,
    /// The file itself; to another device a verified copy, after which the file goes.
    Move,
    /// Another name of the file (a hard link).
    Link,
    /// A copy that shares its blocks with the file.
    Reflink,
    /// A new file with a text.
    Write,
}

impl Way {
    /// As it is written in plans and journals.
    pub fn name(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Move => "move",
            Self::Link => "link",
            Self::Reflink => "reflink",
            Self::Write => "write",
        }
    }
}

/// One file on its way, as the journal has it before anything is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its number in the journal, from 1.
    pub(crate) n: u64,
    /// How.
    pub way: Way,
    /// The file. All paths are absolute. For a text that is written: where it goes.
    pub path: Text,
    /// Where it goes: nothing was there when it was planned.
    pub to: Text,
    /// What a copy is called until it is complete.
    pub(crate) aside: Text,
    /// The file as it was; none for a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) was: Option<Snapshot>,
    /// The text to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
}

pub(crate) fn text(path: &Path) -> Text {
    Text::from_os(path.as_os_str())
}
