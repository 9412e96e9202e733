//! The list of labels that the user gives.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;

use cli::{InputFile, Stop};
use records::Record;

use crate::filter::UNSURE;

/// Bytes of a file of labels, at most.
const MAX_FILE: u64 = 1 << 20;

/// Bytes of a label, at most: it is an answer, not a text.
const MAX_LABEL: usize = 200;

/// A label, and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
}

/// Why a list of labels cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LabelsError {
    #[error("there are no labels")]
    None,
    #[error("there is only one label, '{0}': nothing to choose between")]
    Single(String),
    #[error("the label '{0}' is there twice")]
    Twice(String),
    #[error("a label is empty")]
    Empty,
    #[error("the label '{0}…' has over {MAX_LABEL} bytes")]
    Long(String),
    #[error("the label {0:?} has control characters in it")]
    Control(String),
    #[error("'{UNSURE}' is what classify says when it does not know; --unsure-below gives it")]
    Reserved,
    #[error("{file}: {reason}")]
    File { file: String, reason: String },
}

/// Checks the names of labels.
///
/// # Errors
/// [`LabelsError`].
pub(crate) fn check<'n>(names: impl Iterator<Item = &'n str>) -> Result<(), LabelsError> {
    let mut seen = BTreeSet::new();
    for name in names {
        match name {
            name if name.trim().is_empty() => return Err(LabelsError::Empty),
            UNSURE => return Err(LabelsError::Reserved),
            name if name.len() > MAX_LABEL => {
                return Err(LabelsError::Long(name.chars().take(40).collect()));
            }
            name if name.contains(char::is_control) => {
                return Err(LabelsError::Control(name.into()));
            }
            name if !seen.insert(name) => return Err(LabelsError::Twice(name.into())),
            _ => {}
        }
    }
    match (seen.len(), seen.first()) {
        (0, _) => Err(LabelsError::None),
        (1, Some(only)) => Err(LabelsError::Single((*only).into())),
        _ => Ok(()),
    }
}

/// The labels of `--labels`: those of a file if there is one of that name, else a list separated
/// by commas.
///
/// # Errors
/// [`LabelsError`].
pub(crate) fn parse(argument: &str, stop: &Stop) -> Result<Vec<Label>, LabelsError> {
    let path = Path::new(argument);
    let meant =
        argument.contains('/') || path.extension().is_some_and(|e| is_text(&e.to_string_lossy()));
    let labels = if path.exists() || meant {
        from_file(path, stop)?
    } else if argument.trim().is_empty() {
        Vec::new()
    } else {
        argument
            .split(',')
            .map(|name| Label { name: name.trim().into(), description: None })
            .collect()
    };
    check(labels.iter().map(|label| label.name.as_str()))?;
    Ok(labels)
}

fn is_text(extension: &str) -> bool {
    ["txt", "tsv", "jsonl", "ndjson"].contains(&extension)
}

fn from_file(path: &Path, stop: &Stop) -> Result<Vec<Label>, LabelsError> {
    let fail = |reason: String| LabelsError::File { file: path.display().to_string(), reason };
    let file = InputFile::open(path, None, stop).map_err(|e| fail(e.to_string()))?;
    let mut text = String::new();
    file.take(MAX_FILE + 1).read_to_string(&mut text).map_err(|e| fail(e.to_string()))?;
    if text.len() as u64 > MAX_FILE {
        return Err(fail(format!("over {MAX_FILE} bytes: not a list of labels")));
    }
    let is_records = path.extension().is_some_and(|e| e == "jsonl" || e == "ndjson");
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    if is_records {
        let one = |(at, line): (usize, &str)| {
            from_record(line).map_err(|reason| fail(format!("line {}: {reason}", at + 1)))
        };
        lines.map(one).collect()
    } else {
        Ok(lines
            .filter(|(_, line)| !line.starts_with('#'))
            .map(|(_, line)| from_line(line))
            .collect())
    }
}

/// `label`, `label<TAB>description` or `label: description`.
fn from_line(line: &str) -> Label {
    let (name, description) =
        line.split_once('\t').or_else(|| line.split_once(": ")).unwrap_or((line, ""));
    Label { name: name.trim().into(), description: some(description) }
}

fn some(description: &str) -> Option<String> {
    Some(description.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn from_record(line: &str) -> Result<Label, String> {
    let record = Record::parse(line.as_bytes()).map_err(|e| e.to_string())?;
    let text = |key: &str| record.get::<String>(key).map_err(|e| e.to_string());
    let name = text("label")?.ok_or("the record has no 'label'")?;
    Ok(Label {
        name: name.trim().into(),
        description: some(&text("description")?.unwrap_or_default()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(argument: &str) -> Result<Vec<Label>, LabelsError> {
        parse(argument, &Stop::unarmed().unwrap())
    }

    fn filed(name: &str, content: &str) -> Result<Vec<Label>, LabelsError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        named(path.to_str().unwrap())
    }

    fn label(name: &str, description: &str) -> Label {
        Label { name: name.into(), description: some(description) }
    }

    #[test]
    fn a_list_is_separated_by_commas() {
        assert_eq!(named("a, b c ,d").unwrap(), [label("a", ""), label("b c", ""), label("d", "")]);
    }

    #[test]
    fn files_have_descriptions() {
        let expected = [label("spam", "unwanted: all of it"), label("ham", "")];
        assert_eq!(
            filed("l.txt", "# mails\nspam: unwanted: all of it\n\nham\n").unwrap(),
            expected
        );
        assert_eq!(filed("l", "spam\tunwanted: all of it\nham\t\n").unwrap(), expected);
        let records =
            "{\"label\":\"spam\",\"description\":\"unwanted: all of it\"}\n{\"label\":\"ham\"}\n";
        assert_eq!(filed("l.jsonl", records).unwrap(), expected);
    }

    #[test]
    fn what_cannot_be_chosen_from_is_refused() {
        assert_eq!(named(""), Err(LabelsError::None));
        assert_eq!(named("spam"), Err(LabelsError::Single("spam".into())));
        assert_eq!(named("a,b,a "), Err(LabelsError::Twice("a".into())));
        assert_eq!(named("a,,b"), Err(LabelsError::Empty));
        assert_eq!(named("a,unsure"), Err(LabelsError::Reserved));
        assert!(matches!(named(&format!("a,{}", "b".repeat(201))), Err(LabelsError::Long(_))));
        assert!(matches!(named("a,b\u{1b}[31m"), Err(LabelsError::Control(_))));
        assert!(matches!(named("none.txt"), Err(LabelsError::File { .. })));
        assert!(matches!(filed("l.txt", "\n# only this\n"), Err(LabelsError::None)));
        let error = filed("l.jsonl", "{\"label\":\"a\"}\n{\"name\":\"b\"}\n").unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
