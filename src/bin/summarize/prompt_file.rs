//! A prompt that people share: parameters as TOML between two lines `+++`, then the instruction.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::style::Style;

/// Bytes of a prompt file, at most.
const MOST: u64 = 64 << 10;

/// A prompt and its parameters. Flags on the command line win over them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PromptFile {
    /// What the prompt is for: for people.
    #[serde(rename = "description")]
    _description: Option<String>,
    pub(crate) words: Option<u16>,
    pub(crate) style: Option<Style>,
    pub(crate) lang: Option<String>,
    pub(crate) temperature: Option<f32>,
    #[serde(skip)]
    pub(crate) instruction: String,
}

/// A prompt file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub(crate) struct PromptFileError {
    path: PathBuf,
    reason: String,
}

impl PromptFile {
    /// Reads `path`.
    ///
    /// # Errors
    /// [`PromptFileError`] when it cannot be read, is too long, or its parameters are wrong.
    pub(crate) fn read(path: &Path) -> Result<Self, PromptFileError> {
        let refuse = |reason: String| PromptFileError { path: path.to_owned(), reason };
        let file = std::fs::File::open(path).map_err(|e| refuse(e.to_string()))?;
        let mut text = String::new();
        std::io::Read::read_to_string(&mut std::io::Read::take(file, MOST + 1), &mut text)
            .map_err(|e| refuse(e.to_string()))?;
        if text.len() as u64 > MOST {
            return Err(refuse(format!("a prompt file has at most {MOST} bytes")));
        }
        Self::parse(&text).map_err(refuse)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let text = text.replace("\r\n", "\n");
        let text = text.trim_start_matches('\u{feff}');
        let (front, body) = match text.strip_prefix("+++\n") {
            Some(rest) => rest
                .split_once("\n+++\n")
                .or_else(|| rest.strip_prefix("+++\n").map(|body| ("", body)))
                .ok_or("the parameters after +++ do not end with a line +++ before the prompt")?,
            None => ("", text),
        };
        let mut file: Self = toml::from_str(front).map_err(|e| e.message().to_owned())?;
        body.trim().clone_into(&mut file.instruction);
        if file.instruction.is_empty() {
            return Err("there is no prompt in it".to_owned());
        }
        if file.words.is_some_and(|words| !(5..=2000).contains(&words)) {
            return Err("words is not from 5 to 2000".to_owned());
        }
        if file.temperature.is_some_and(|t| !(0.0..=2.0).contains(&t)) {
            return Err("temperature is not from 0 to 2".to_owned());
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_the_prompt() {
        let text = "+++\nwords = 30\nstyle = \"bullets\"\ntemperature = 0.2\nlang = \"de\"\n\
                    description = \"for minutes\"\n+++\n\nList what was decided.\n";
        let file = PromptFile::parse(text).unwrap();
        assert_eq!((file.words, file.style), (Some(30), Some(Style::Bullets)));
        assert_eq!((file.lang.as_deref(), file.temperature), (Some("de"), Some(0.2)));
        assert_eq!(file.instruction, "List what was decided.");
        assert_eq!(PromptFile::parse("Only text.").unwrap().instruction, "Only text.");
        assert_eq!(PromptFile::parse("+++\r\n+++\r\nText.").unwrap().instruction, "Text.");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, reason) in [
            ("", "no prompt"),
            ("+++\nwords = 30\n+++\n ", "no prompt"),
            ("+++\nwords = 30\n", "do not end"),
            ("+++\nwrods = 30\n+++\nx", "unknown field"),
            ("+++\nwords = 3\n+++\nx", "5 to 2000"),
            ("+++\ntemperature = 9\n+++\nx", "0 to 2"),
            ("+++\nstyle = \"poem\"\n+++\nx", "poem"),
        ] {
            let error = PromptFile::parse(text).unwrap_err();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
    }
}
