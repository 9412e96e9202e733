//! A prompt with placeholders: `{{field}}`, a dotted path as `--field` takes it. `{{{{` stands for
//! two braces.

use std::borrow::Cow;

use records::{Code, Failure, Field, Record, Text};

/// A prompt as it was written.
#[derive(Debug)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Said(String),
    Field(Field),
}

/// A piece of a prompt whose placeholders were filled.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// The prompt's own words.
    Said(&'a str),
    /// What the record has there.
    Value(Cow<'a, str>),
}

impl Template {
    /// Reads a prompt.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let (mut said, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("{{") {
            said.push_str(before);
            if let Some(after) = after.strip_prefix("{{") {
                said.push_str("{{");
                rest = after;
                continue;
            }
            let line = || text[..text.len() - after.len()].matches('\n').count() + 1;
            let (name, after) = after
                .split_once("}}")
                .ok_or_else(|| format!("line {}: a {{{{ without its }}}}", line()))?;
            let field = name.trim().parse::<Field>();
            let field = field.map_err(|e| format!("line {}: {e}", line()))?;
            pieces.push(Piece::Said(std::mem::take(&mut said)));
            pieces.push(Piece::Field(field));
            rest = after;
        }
        said.push_str(rest);
        pieces.push(Piece::Said(said));
        Ok(Self(pieces))
    }

    /// The prompt, when it has no placeholders.
    pub(crate) fn plain(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Piece::Said(text)] => Some(text),
            _ => None,
        }
    }

    /// The prompt with what the record has: texts as they are, other values as JSON.
    pub(crate) fn fill<'a>(&'a self, record: &'a Record) -> Result<Vec<Part<'a>>, Failure> {
        let value = |field: &Field| {
            let raw = field.raw(record).ok_or_else(|| {
                Failure::new(Code::MissingField, format!("--prompt: the record has no '{field}'"))
            })?;
            match serde_json::from_str::<Text>(raw) {
                Ok(Text::Utf8(text)) => Ok(Part::Value(Cow::Owned(text))),
                Ok(Text::Bytes(_)) => {
                    Err(Failure::new(Code::Unsupported, format!("'{field}' is not UTF-8")))
                }
                Err(_) => Ok(Part::Value(Cow::Borrowed(raw))),
            }
        };
        let fill = |piece: &'a Piece| match piece {
            Piece::Said(text) => Ok(Part::Said(text)),
            Piece::Field(field) => value(field),
        };
        self.0.iter().map(fill).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filled(template: &str, record: &str) -> String {
        let template = Template::parse(template).unwrap();
        let record = Record::parse(record.as_bytes()).unwrap();
        let show = |part: Part<'_>| match part {
            Part::Said(text) => text.to_owned(),
            Part::Value(value) => format!("<{value}>"),
        };
        template.fill(&record).unwrap().into_iter().map(show).collect()
    }

    #[test]
    fn placeholders_are_paths_into_the_record() {
        let record = r#"{"from":{"name":"Ann"},"n":[1, 2],"text":"{{n}}"}"#;
        assert_eq!(filled("Dear {{ from.name }}, {{n}}!", record), "Dear <Ann>, <[1, 2]>!");
        assert_eq!(filled("{{text}} {{{{x}}", record), "<{{n}}> {{x}}");
        assert_eq!(Template::parse("no { braces }").unwrap().plain(), Some("no { braces }"));
        let missing = Template::parse("{{from.age}}").unwrap();
        let record = Record::parse(record.as_bytes()).unwrap();
        assert_eq!(missing.fill(&record).unwrap_err().code, Code::MissingField);
    }

    #[test]
    fn a_wrong_prompt_is_refused_with_its_line() {
        assert!(Template::parse("a\n{{b").unwrap_err().starts_with("line 2"));
        assert!(Template::parse("{{}}").unwrap_err().starts_with("line 1"));
    }

    proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

        #[test]
        fn no_prompt_breaks_it(text in "[{}a.\"\n ]{0,40}") {
            let _ = Template::parse(&text);
        }
    }
}
