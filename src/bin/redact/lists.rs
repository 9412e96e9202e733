//! The user's own kinds and word lists.

use std::path::Path;

use cli::Error;
use pii::OwnKind;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnFile {
    #[serde(default)]
    kind: Vec<OwnTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnTable {
    name: String,
    regex: Option<String>,
    #[serde(default)]
    words: Vec<String>,
    #[serde(default)]
    context: Vec<String>,
    #[serde(default = "sure")]
    score: f32,
}

fn sure() -> f32 {
    0.8
}

fn text(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|e| Error::setup(format!("{}: {e}", path.display())))
}

/// The kinds of a TOML file.
///
/// # Errors
/// A file that cannot be read, or says something else.
pub(crate) fn own(path: &Path) -> Result<Vec<OwnKind>, Error> {
    let bad = |reason: String| Error::setup(format!("{}: {reason}", path.display()));
    let file: OwnFile = toml::from_str(&text(path)?).map_err(|e| bad(e.to_string()))?;
    let check = |table: OwnTable| {
        if !(0.0..=1.0).contains(&table.score) {
            return Err(bad(format!("kind '{}': score is a number from 0 to 1", table.name)));
        }
        let OwnTable { name, regex, words, context, score } = table;
        Ok(OwnKind { name, regex, words, context, score })
    };
    file.kind.into_iter().map(check).collect()
}

/// The lines of a file, without blank ones.
///
/// # Errors
/// A file that cannot be read.
pub(crate) fn lines(path: Option<&Path>) -> Result<Vec<String>, Error> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let text = text(path)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    Ok(lines.map(str::to_owned).collect())
}
