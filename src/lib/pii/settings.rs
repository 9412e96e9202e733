use std::str::FromStr;

use crate::kind::Kind;
use crate::own::OwnKind;

/// How much is taken for private.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// What is nearly certain.
    Low,
    /// What is more likely than not.
    #[default]
    Medium,
    /// Whatever may be, dates and amounts with it.
    High,
}

/// No level has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no level '{0}'; there are: low, medium, high")]
pub struct UnknownLevel(String);

impl Level {
    /// The least score that counts.
    pub fn least(self) -> f32 {
        match self {
            Self::Low => 0.75,
            Self::Medium => 0.5,
            Self::High => 0.25,
        }
    }
}

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(name: &str) -> Result<Self, UnknownLevel> {
        match name {
            "low" => Ok(Self::Low),
            "medium" => Ok(Self::Medium),
            "high" => Ok(Self::High),
            _ => Err(UnknownLevel(name.to_owned())),
        }
    }
}

/// What a [`crate::Finder`] looks for.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The kinds looked for; none: all of them, dates and amounts only at [`Level::High`].
    pub kinds: Option<Vec<Kind>>,
    /// Kinds left out all the same.
    pub without: Vec<Kind>,
    /// How much is taken for private.
    pub level: Level,
    /// The least score for single kinds, in place of the level's.
    pub least: Vec<(Kind, f32)>,
    /// Kinds of the user's.
    pub own: Vec<OwnKind>,
    /// Texts that are never private, in any case.
    pub allow: Vec<String>,
    /// Texts that always are, wherever they stand as whole words, in any case.
    pub deny: Vec<String>,
}

/// Why a finder cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A pattern of the user's.
    #[error("kind '{kind}': {reason}")]
    Pattern {
        /// The kind's name.
        kind: String,
        /// What is wrong with its pattern or its name.
        reason: String,
    },
    /// Words of the user's.
    #[error("word list: {0}")]
    Words(String),
}

impl Settings {
    /// The least score for each kind, in the order of [`Kind::ALL`]; over 1 for a kind that is
    /// not looked for.
    pub(crate) fn thresholds(&self) -> [f32; Kind::ALL.len()] {
        Kind::ALL.map(|kind| {
            let quiet = matches!(kind, Kind::Date | Kind::Amount) && self.level != Level::High;
            let asked = self.kinds.as_ref().map_or(!quiet, |kinds| kinds.contains(&kind));
            if asked && !self.without.contains(&kind) { self.least(kind) } else { 2.0 }
        })
    }

    /// The least score that counts for a kind.
    pub(crate) fn least(&self, kind: Kind) -> f32 {
        let own = self.least.iter().rev().find(|(of, _)| *of == kind);
        own.map_or(self.level.least(), |(_, least)| *least)
    }
}
