use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use cli::{Emit, Filter, Halt, Input};
use pii::Scratch;
use records::{Code, Failure, Field, FieldError, Record, Text, Usage};

use crate::args::WHOLE;
use crate::output::Redaction;
use crate::replace::{Replacer, in_words};
use crate::restore::Restorer;
use crate::strings::{place, rewrite};
use crate::vault::VaultError;

/// The key of what was replaced.
const REDACTIONS: &str = "redactions";

/// The field that needs no name among redactions.
const DEFAULT: &str = "text";

/// What is done with records.
pub(crate) enum Mode {
    /// Private texts are replaced, or told.
    Redact(Arc<Replacer>),
    /// A record with something private fails.
    Check(Arc<Replacer>),
    /// Originals come back.
    Restore(Arc<Mutex<Restorer>>),
}

pub(crate) struct RedactFilter {
    pub(crate) mode: Mode,
    pub(crate) fields: Vec<Asked>,
    /// The key that the text is written under as well.
    pub(crate) copy: Option<String>,
    /// Output is plain text: where what was replaced stood is not shown.
    pub(crate) plain: bool,
}

/// A field asked for.
pub(crate) struct Asked {
    field: Field,
    path: String,
    /// What its name says of its text.
    label: Option<String>,
    /// All of the record.
    whole: bool,
}

impl Asked {
    pub(crate) fn new(field: Field) -> Self {
        let path = field.to_string();
        let last = path.rsplit('.').next().filter(|key| *key != DEFAULT);
        let (label, whole) = (last.map(str::to_owned), field == Field::key(WHOLE));
        Self { field, path, label, whole }
    }

    fn is_top(&self) -> bool {
        self.path == self.field.top()
    }
}

/// What became of one record.
#[derive(Default)]
struct Outcome {
    redactions: Vec<Redaction>,
    new: usize,
    /// The changed text of the last field.
    text: Option<String>,
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        Self::new(Code::Unreadable, error).retryable()
    }
}

impl RedactFilter {
    fn is_whole(&self) -> bool {
        self.fields.iter().any(|asked| asked.whole)
    }

    /// Changes every field asked for with `change`: text, path and label in, another text out.
    fn each(
        &self,
        record: &mut Record,
        mut change: impl FnMut(&str, &str, Option<&str>) -> Result<Option<String>, Failure>,
    ) -> Result<Option<String>, Failure> {
        if self.is_whole() {
            let changed = rewrite(record.as_str(), |leaf| {
                let path = (leaf.path)();
                // Our own list is no text of the user's.
                if path.split('.').next() == Some(REDACTIONS) {
                    return Ok(None);
                }
                change(leaf.text, &path, leaf.key)
            })?;
            if let Some(line) = &changed {
                *record = parsed(line)?;
            }
            return Ok(self.copy.is_some().then(|| record.as_str().to_owned()));
        }
        let mut last = None;
        let mut missing = None;
        for asked in &self.fields {
            once(record, asked.field.top())?;
            let (text, line) = match text(&asked.field, record) {
                Ok(text) => text,
                Err(failure) if failure.code == Code::MissingField && self.fields.len() > 1 => {
                    missing = Some(failure);
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            let changed = change(&text, &asked.path, asked.label.as_deref())?;
            let keep = changed.is_none() && self.copy.is_some();
            last = Some(keep.then(|| text.into_owned()));
            if let Some(changed) = changed {
                set(record, asked, line, &changed)?;
                last = Some(Some(changed));
            }
        }
        match (last, missing) {
            (None, Some(failure)) => Err(failure),
            (last, _) => Ok(last.flatten()),
        }
    }

    fn redact(
        &self,
        replacer: &Replacer,
        record: &mut Record,
        scratch: &mut Scratch,
    ) -> Result<Outcome, Failure> {
        let earlier: Vec<Redaction> = if record.has(REDACTIONS) {
            // What is not in our form is not ours, and says nothing.
            record.get(REDACTIONS).ok().flatten().unwrap_or_default()
        } else {
            Vec::new()
        };
        let mut outcome = Outcome::default();
        let text = self.each(record, |text, path, label| {
            let here: Vec<Redaction> = if earlier.is_empty() {
                Vec::new()
            } else {
                let of = |r: &&Redaction| r.field.as_deref().unwrap_or(DEFAULT) == path;
                earlier.iter().filter(of).cloned().collect()
            };
            let field = Some(path).filter(|path| *path != DEFAULT);
            let replaced = replacer.replace(text, label, &here, field, scratch)?;
            outcome.new += replaced.new;
            outcome.redactions.extend(replaced.redactions);
            Ok(replaced.text)
        })?;
        // What an earlier run replaced elsewhere is still there.
        if !earlier.is_empty() && !self.is_whole() {
            let elsewhere = |r: &Redaction| {
                !self.fields.iter().any(|asked| r.field.as_deref().unwrap_or(DEFAULT) == asked.path)
            };
            outcome.redactions.extend(earlier.into_iter().filter(elsewhere));
        }
        outcome.text = text;
        Ok(outcome)
    }

    fn restore(&self, restorer: &Mutex<Restorer>, record: &mut Record) -> Result<Outcome, Failure> {
        let mut restorer = restorer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut restored: Vec<String> = Vec::new();
        let text = self.each(record, |text, path, _| {
            let changed = restorer.restore(text)?;
            if changed.is_some() {
                restored.push(path.to_owned());
            }
            Ok(changed)
        })?;
        if !restorer.has_vault() && restorer.unknown > 0 {
            let message = "the vault is not there, and the text has placeholders";
            return Err(Failure::new(Code::Unreadable, message).retryable());
        }
        if record.has(REDACTIONS) && !restored.is_empty() {
            // What was said of a text with placeholders is untrue of one without.
            let list: Vec<Redaction> = record.get(REDACTIONS).ok().flatten().unwrap_or_default();
            let of = |r: &Redaction| r.field.clone().unwrap_or_else(|| DEFAULT.to_owned());
            let left: Vec<Redaction> =
                list.into_iter().filter(|r| !restored.contains(&of(r))).collect();
            if left.is_empty() {
                record.remove(REDACTIONS);
            } else {
                record.set(REDACTIONS, &left);
            }
        }
        Ok(Outcome { text, ..Outcome::default() })
    }
}

impl Filter for RedactFilter {
    type Worker = Scratch;

    const RESULT: &'static str = "text";
    const SLOW: bool = false;

    fn worker(&self) -> Result<Scratch, Failure> {
        Ok(Scratch::default())
    }

    fn apply(&self, scratch: &mut Scratch, input: &Input, out: &mut Emit<'_>) -> Result<(), Halt> {
        let mut record = input.record.clone();
        let outcome = match &self.mode {
            Mode::Redact(replacer) => self.redact(replacer, &mut record, scratch)?,
            Mode::Check(replacer) => {
                let outcome = self.redact(replacer, &mut record, scratch)?;
                return self.judge(replacer, record, &outcome, out);
            }
            Mode::Restore(restorer) => self.restore(restorer, &mut record)?,
        };
        if let (Some(key), Some(text)) = (&self.copy, &outcome.text) {
            record.set(key, text);
        }
        if self.plain && self.copy.is_none() && outcome.new == 0 && outcome.text.is_none() {
            return Ok(out.pass(record)?);
        }
        if matches!(self.mode, Mode::Redact(_)) && !self.plain {
            record.set(REDACTIONS, &outcome.redactions);
        }
        count(&outcome, out);
        Ok(out.record(record, Usage::default())?)
    }

    fn finish(&self, out: &mut Emit<'_>) -> Result<(), Halt> {
        if let Mode::Restore(restorer) = &self.mode {
            let restorer = restorer.lock().unwrap_or_else(PoisonError::into_inner);
            for (name, number) in [("restored", restorer.restored), ("unknown", restorer.unknown)] {
                if number > 0 {
                    out.count(name, number);
                }
            }
            if restorer.unknown > 0 {
                log::info!("{} placeholders are not in the vault", restorer.unknown);
            }
        }
        Ok(())
    }
}

impl RedactFilter {
    /// Passes what has nothing private; what has is refused, without a word of it in the message.
    fn judge(
        &self,
        replacer: &Replacer,
        mut record: Record,
        outcome: &Outcome,
        out: &mut Emit<'_>,
    ) -> Result<(), Halt> {
        count(outcome, out);
        if outcome.new == 0 {
            return Ok(out.pass(record)?);
        }
        let new: Vec<Redaction> =
            outcome.redactions.iter().filter(|r| r.placeholder.is_none()).cloned().collect();
        if replacer.explain {
            record.set(REDACTIONS, &outcome.redactions);
        }
        let message = format!("private texts are left: {}", in_words(&new));
        Ok(out.fail(record, Failure::new(Code::Refused, message))?)
    }
}

/// Adds what is new to the totals.
fn count(outcome: &Outcome, out: &Emit<'_>) {
    if outcome.new == 0 {
        return;
    }
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for redaction in &outcome.redactions {
        *kinds.entry(&redaction.kind).or_default() += 1;
    }
    for (kind, number) in kinds {
        out.count(kind, number);
    }
}

fn parsed(line: &str) -> Result<Record, Failure> {
    Record::parse(line.as_bytes()).map_err(|e| Failure::new(Code::Bug, e))
}

/// The text of a field, and where its JSON stands in the record's line.
fn text<'r>(field: &Field, record: &'r Record) -> Result<(Cow<'r, str>, Range<usize>), Failure> {
    let raw = field.raw(record).unwrap_or_default();
    let range = if raw.is_empty() { 0..0 } else { place(record.as_str(), raw) };
    if let Some(plain) = records::unescaped(raw) {
        return Ok((Cow::Borrowed(plain), range));
    }
    match field.text(record) {
        Ok(Text::Utf8(text)) => Ok((Cow::Owned(text), range)),
        Ok(Text::Bytes(_)) => {
            let message = "the text is not UTF-8; extract reads other encodings";
            Err(Failure::new(Code::Unsupported, message))
        }
        Err(e @ FieldError::Type { .. }) => Err(Failure::new(Code::Unsupported, e)),
        Err(e) => Err(Failure::new(Code::MissingField, e)),
    }
}

/// Sees to it that a key is there once: of two only the last would be read, and the other left.
fn once(record: &Record, key: &str) -> Result<(), Failure> {
    if record.keys().filter(|other| other == key).count() > 1 {
        let message = format!("the record has the key '{key}' more than once");
        return Err(Failure::new(Code::Unsupported, message));
    }
    Ok(())
}

/// Puts a text in the place of a field's value, at `range`; nothing else is touched.
fn set(record: &mut Record, asked: &Asked, range: Range<usize>, text: &str) -> Result<(), Failure> {
    if asked.is_top() {
        record.set(&asked.path, text);
        return Ok(());
    }
    let json = serde_json::Value::from(text).to_string();
    let line = record.as_str();
    *record = parsed(&[&line[..range.start], &json, &line[range.end..]].concat())?;
    Ok(())
}
