//! What is private in what would leave this machine: found by the rules of `redact` at their
//! strictest. A record that has any stays here, unless the user allows it or has it replaced.

use std::collections::{BTreeMap, HashMap};

use cli::Error;
use pii::{Finder, Kind, Level, Scratch, Settings, placeholders};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::args::LeakArgs;

/// Finds private texts in what is to be sent, and replaces them where it is asked to.
pub(crate) struct Leaks {
    finder: Finder,
    redact: bool,
}

/// Which placeholder stands for what in one request.
#[derive(Debug, Default)]
pub(crate) struct Names {
    given: HashMap<(String, String), String>,
    originals: BTreeMap<String, String>,
    last: HashMap<String, u64>,
}

impl Leaks {
    /// None where everything may be sent as it is. `away`: whether anybody is asked who is not on
    /// this machine.
    pub(crate) fn new(args: &LeakArgs, away: bool) -> Result<Option<Self>, Error> {
        let mut allowed = Vec::new();
        for name in args.allow_pii.iter().flat_map(|list| list.split(',')).map(str::trim) {
            if name == ALL {
                return Ok(None);
            }
            allowed
                .push(name.parse::<Kind>().map_err(|e| Error::usage(format!("--allow-pii: {e}")))?);
        }
        if !away && !args.redact {
            return Ok(None);
        }
        let settings = Settings { level: Level::High, without: allowed, ..Settings::default() };
        let finder = Finder::new(settings).map_err(|e| Error::setup(e.to_string()))?;
        Ok(Some(Self { finder, redact: args.redact }))
    }

    /// What is found in these texts, by kind and number and without a word of it.
    pub(crate) fn found<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> Option<String> {
        let mut scratch = Scratch::default();
        let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
        for text in texts {
            for finding in self.finder.find(text, &mut scratch) {
                *kinds.entry(self.finder.name(finding.kind)).or_default() += 1;
            }
        }
        let list: Vec<String> = kinds.iter().map(|(kind, n)| format!("{n} × {kind}")).collect();
        (!list.is_empty()).then(|| list.join(", "))
    }

    /// The texts as they are sent: with placeholders, where that is asked for. The same original
    /// gets the same placeholder in all of them, and none that one of them has already.
    pub(crate) fn replaced(&self, texts: &[&str]) -> (Vec<String>, Names) {
        let mut names = Names::default();
        if !self.redact {
            return (texts.iter().map(ToString::to_string).collect(), names);
        }
        texts.iter().for_each(|text| names.avoid(text));
        let mut scratch = Scratch::default();
        let replaced = texts.iter().map(|text| {
            let (mut out, mut at) = (String::with_capacity(text.len()), 0);
            for finding in self.finder.find(text, &mut scratch) {
                out.push_str(&text[at..finding.start]);
                let original = &text[finding.start..finding.end];
                out.push_str(names.placeholder(self.finder.name(finding.kind), original));
                at = finding.end;
            }
            out.push_str(&text[at..]);
            out
        });
        (replaced.collect(), names)
    }
}

/// The value of `--allow-pii` that allows every kind.
pub(crate) const ALL: &str = "all";

impl Names {
    /// What was given out in an earlier run.
    pub(crate) fn of(originals: BTreeMap<String, String>) -> Self {
        Self { originals, ..Self::default() }
    }

    /// What each placeholder stands for.
    pub(crate) fn originals(&self) -> BTreeMap<String, String> {
        self.originals.clone()
    }

    /// Sees to it that a placeholder of the text's own is not given out.
    fn avoid(&mut self, text: &str) {
        for placeholder in placeholders(text) {
            let inside = &text[placeholder.range.start + 1..placeholder.range.end - 1];
            let Some((kind, number)) = inside.rsplit_once('_') else { continue };
            if let Ok(number) = number.parse::<u64>() {
                let last = self.last.entry(kind.to_owned()).or_default();
                // A number near the end of all numbers would leave none.
                *last = (*last).max(number.min(u64::MAX / 2));
            }
        }
    }

    fn placeholder(&mut self, kind: &str, original: &str) -> &str {
        let kind = kind.to_uppercase();
        self.given.entry((kind.clone(), original.to_owned())).or_insert_with(|| {
            let last = self.last.entry(kind.clone()).or_default();
            *last += 1;
            let placeholder = format!("<{kind}_{last}>");
            self.originals.insert(placeholder.clone(), original.to_owned());
            placeholder
        })
    }

    /// An answer with the originals back in its texts.
    pub(crate) fn restored(&self, answer: Box<RawValue>) -> Box<RawValue> {
        if self.originals.is_empty() || !answer.get().contains('<') {
            return answer;
        }
        let Ok(mut value) = serde_json::from_str::<Value>(answer.get()) else { return answer };
        self.restore(&mut value);
        serde_json::value::to_raw_value(&value).unwrap_or(answer)
    }

    fn restore(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.in_text(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.restore(value)),
            Value::Object(members) => members.values_mut().for_each(|value| self.restore(value)),
            _ => {}
        }
    }

    fn in_text(&self, text: &str) -> String {
        let (mut out, mut at) = (String::with_capacity(text.len()), 0);
        for placeholder in placeholders(text) {
            let Some(original) = self.originals.get(&text[placeholder.range.clone()]) else {
                continue;
            };
            out.push_str(&text[at..placeholder.range.start]);
            out.push_str(original);
            at = placeholder.range.end;
        }
        out.push_str(&text[at..]);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaks(redact: bool, allow: Option<&str>) -> Leaks {
        let args = LeakArgs { redact, allow_pii: allow.map(str::to_owned), dry_run: false };
        Leaks::new(&args, true).unwrap().unwrap()
    }

    #[test]
    fn what_is_found_is_told_by_kind_only() {
        let text = "Write to ann@mail.example or bob@mail.example before 12 May 2024.";
        let found = leaks(false, None).found([text]).unwrap();
        assert!(found.contains("2 × email") && found.contains("date"), "{found}");
        assert!(!found.contains("ann"), "{found}");
        assert_eq!(leaks(false, Some("email,date,url")).found([text]), None);
        assert_eq!(leaks(false, None).found(["nothing to see", "<EMAIL_1> wrote"]), None);
    }

    #[test]
    fn placeholders_are_shared_restored_and_never_taken_from_a_text() {
        let (texts, names) = leaks(true, None)
            .replaced(&["<EMAIL_4> and ann@mail.example", "ann@mail.example and bob@mail.example"]);
        assert_eq!(texts, ["<EMAIL_4> and <EMAIL_5>", "<EMAIL_5> and <EMAIL_6>"]);
        let answer =
            RawValue::from_string(r#"{"to":["<EMAIL_5>"],"cc":"<EMAIL_4>","n":1.0}"#.into());
        assert_eq!(
            names.restored(answer.unwrap()).get(),
            r#"{"to":["ann@mail.example"],"cc":"<EMAIL_4>","n":1.0}"#
        );
    }
}
