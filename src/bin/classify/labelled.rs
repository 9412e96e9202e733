//! Records that somebody has labelled.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

use cli::{Error, InputFile, Stdin, Stop};
use records::{Field, Line, LineReader, Record, Text};

use crate::filter::UNSURE;

/// A text and its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Labelled {
    pub(crate) text: String,
    pub(crate) label: String,
}

/// What a file of labelled records holds.
#[derive(Debug, Default)]
pub(crate) struct LabelledSet {
    pub(crate) records: Vec<Labelled>,
    /// Records without a text or a label, blank texts, failures, and those labelled `unsure`.
    pub(crate) skipped: usize,
}

/// Which fields to read, and how long a line may be.
pub(crate) struct Reading {
    pub(crate) text: Field,
    pub(crate) label: Field,
    pub(crate) max_line: usize,
    pub(crate) stop: Stop,
}

impl Reading {
    /// Reads the records of a file; `-` is stdin.
    ///
    /// # Errors
    /// When it cannot be read, or a line is not a record.
    pub(crate) fn file(&self, path: &Path) -> Result<LabelledSet, Error> {
        let fail = |why: &dyn std::fmt::Display| Error::setup(format!("{}: {why}", path.display()));
        let input: Box<dyn Read> = if path == Path::new("-") {
            Box::new(Stdin::new(&self.stop))
        } else {
            Box::new(InputFile::open(path, None, &self.stop).map_err(|e| fail(&e))?)
        };
        let mut lines = LineReader::new(input, self.max_line);
        let mut set = LabelledSet::default();
        loop {
            match lines.next_line() {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(fail(&e)),
                Ok(None) => break,
                Ok(Some(Line::TooLong { bytes, .. })) => {
                    let number = lines.number();
                    return Err(fail(&format!("line {number} has {bytes} bytes (--max-line)")));
                }
                Ok(Some(Line::Whole(line))) if line.trim_ascii().is_empty() => {}
                Ok(Some(Line::Whole(line))) => match Record::parse(line) {
                    Ok(record) => match self.labelled(&record) {
                        Some(one) => set.records.push(one),
                        None => set.skipped += 1,
                    },
                    Err(e) => {
                        let number = lines.number();
                        return Err(fail(&format!("line {number}: {e}")));
                    }
                },
            }
        }
        if set.skipped > 0 {
            let at = path.display();
            log::warn!("{at}: {} records are left out: no text, or no label", set.skipped);
        }
        Ok(set)
    }

    fn labelled(&self, record: &Record) -> Option<Labelled> {
        if record.has("error") {
            return None;
        }
        let Ok(Text::Utf8(text)) = self.text.text(record) else { return None };
        let label = label_of(&self.label, record).filter(|label| label != UNSURE)?;
        (!text.trim().is_empty()).then_some(Labelled { text, label })
    }
}

/// The label that a record has: a string, or a number or true or false as it is written.
pub(crate) fn label_of(field: &Field, record: &Record) -> Option<String> {
    let label = match field.text(record) {
        Ok(Text::Utf8(label)) => label,
        Ok(Text::Bytes(_)) => return None,
        Err(_) => match field.raw(record)? {
            raw if raw.starts_with(['[', '{']) || raw == "null" => return None,
            raw => raw.to_owned(),
        },
    };
    let label = label.trim();
    (!label.is_empty()).then(|| label.to_owned())
}

/// The classes of `records` in alphabetical order, with how many records each has.
pub(crate) fn count_classes(records: &[Labelled]) -> BTreeMap<&str, usize> {
    records.iter().fold(BTreeMap::new(), |mut counts, one| {
        *counts.entry(one.label.as_str()).or_insert(0) += 1;
        counts
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading() -> Reading {
        Reading {
            text: Field::key("text"),
            label: Field::key("label"),
            max_line: 100,
            stop: Stop::unarmed().unwrap(),
        }
    }

    fn read(content: &str) -> Result<LabelledSet, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        std::fs::write(&path, content).unwrap();
        reading().file(&path)
    }

    #[test]
    fn what_has_a_text_and_a_label_is_read_and_the_rest_counted() {
        let lines = [
            r#"{"text":"a","label":"x"}"#,
            r#"{"text":"b","label":3}"#,
            r#"{"text":"c","label":" y "}"#,
            "",
            r#"{"text":"d"}"#,
            r#"{"text":" ","label":"x"}"#,
            r#"{"text":"e","label":"unsure"}"#,
            r#"{"text":"f","label":null}"#,
            r#"{"text":"g","label":"x","error":{}}"#,
        ];
        let set = read(&lines.join("\n")).unwrap();
        let found: Vec<(&str, &str)> =
            set.records.iter().map(|one| (one.text.as_str(), one.label.as_str())).collect();
        assert_eq!(found, [("a", "x"), ("b", "3"), ("c", "y")]);
        assert_eq!(set.skipped, 5);
        assert_eq!(
            count_classes(&set.records).into_iter().collect::<Vec<_>>(),
            [("3", 1), ("x", 1), ("y", 1)]
        );
    }

    #[test]
    fn a_line_that_is_no_record_is_named() {
        let error = read("{\"text\":\"a\",\"label\":\"x\"}\nhello\n").unwrap_err();
        assert!(error.message.contains("line 2: not JSON"), "{}", error.message);
        let long = format!("{{\"text\":\"{}\"}}\n", "a".repeat(200));
        assert!(read(&long).is_err_and(|e| e.message.contains("--max-line")));
        assert!(reading().file(Path::new("/nonexistent")).is_err());
    }
}
