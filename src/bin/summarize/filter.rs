use cli::{Emit, Filter, Halt, Input, ResultKey, Results};
use engine::{Cancel, Error};
use records::{Code, Failure, Record, Text, Usage};

use crate::condense::condense;
use crate::evidence::{Evidence, ground};
use crate::extractive::choose;
use crate::groups::{Group, Groups};
use crate::plan::{Method, Plan, Together};

pub(crate) struct SummarizeFilter {
    plan: Plan,
}

/// A summary, and what is known of it.
#[derive(Default)]
struct Summary {
    text: String,
    /// Bytes of the source that were read.
    bytes_read: usize,
    evidence: Vec<Evidence>,
    confidence: Option<f64>,
    tokens_in: u64,
    tokens_out: u64,
}

impl SummarizeFilter {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan }
    }

    fn text(&self, record: &Record) -> Result<String, Failure> {
        match self.plan.field.text(record) {
            Ok(Text::Utf8(text)) => Ok(text),
            Ok(Text::Bytes(_)) => {
                let message = "the text is not UTF-8; extract reads other encodings";
                Err(Failure::new(Code::Unsupported, message))
            }
            Err(e) => Err(Failure::new(Code::MissingField, e)),
        }
    }

    fn summarize(&self, text: &str) -> Result<Summary, Failure> {
        // No model has anything to say about nothing.
        if text.trim().is_empty() {
            return Ok(Summary { bytes_read: text.len(), ..Summary::default() });
        }
        let plan = &self.plan;
        let cancel = plan.timeout.map_or_else(|| plan.cancel.clone(), |t| plan.cancel.within(t));
        summarize(&plan.method, text, &cancel).map_err(failure)
    }

    /// Adds to `record` what is known of a summary of `length` bytes of text.
    fn write(&self, record: &mut Record, summary: &Summary, length: usize) -> Usage {
        record.set(&self.plan.result, &summary.text);
        record.set("coverage", &coverage(summary.bytes_read, length));
        record.set("evidence", &summary.evidence);
        if let Some(confidence) = summary.confidence {
            record.set("confidence", &confidence);
        }
        let model = self.plan.method.model();
        let generated = matches!(self.plan.method, Method::Generate { .. });
        Usage {
            model: model.map(|model| model.name.clone()),
            model_sha: model.map(|model| model.sha256.clone()).filter(|sha| !sha.is_empty()),
            tokens_in: model.map(|_| summary.tokens_in),
            tokens_out: generated.then_some(summary.tokens_out),
            ..Usage::default()
        }
    }

    /// One record for a group.
    fn emit(&self, group: &Group, out: &mut Emit<'_>) -> Result<(), Halt> {
        let mut record = Record::new();
        if let Together::By(field, _) = &self.plan.together {
            let value: serde_json::Value = serde_json::from_str(&group.key)
                .map_err(|e| Failure::new(Code::Bug, format!("key of the group: {e}")))?;
            record.set(&field.to_string(), &value);
        }
        record.set("records", &group.records());
        let mut summary = match self.summarize(&group.text) {
            Ok(summary) => summary,
            Err(_) if out.is_stopping() => return Err(Halt::Stopped),
            Err(failure) => return Ok(out.fail(record, failure)?),
        };
        for one in &mut summary.evidence {
            if let Some((id, span)) = group.place(one.start..one.end) {
                (one.start, one.end) = (span.start, span.end);
                one.id = Some(id.to_owned());
            }
        }
        let usage = self.write(&mut record, &summary, group.text.len());
        Ok(out.record(record, usage)?)
    }
}

impl Filter for SummarizeFilter {
    type Worker = ();

    const RESULT: &'static str = "summary";

    fn kept(&self, input: &Input) -> Option<(&Results, ResultKey)> {
        let results = self.plan.results.as_ref()?;
        // A group's summary depends on records that are not read yet.
        let Together::One = self.plan.together else { return None };
        let text = self.text(&input.record).ok()?;
        Some((results, results.key(&[text.as_bytes()])))
    }

    fn worker(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn apply(&self, (): &mut (), input: &Input, out: &mut Emit<'_>) -> Result<(), Halt> {
        let record = &input.record;
        let text = self.text(record)?;
        let keep = |groups: &Groups, key: &str| {
            groups.keep(key, input.number, record.id(), &text).map_err(temporary)
        };
        match &self.plan.together {
            Together::One => {}
            Together::All(groups) => return Ok(keep(groups, "")?),
            Together::By(field, groups) => {
                let key = field.raw(record).ok_or_else(|| {
                    Failure::new(Code::MissingField, format!("the record has no '{field}'"))
                })?;
                return Ok(keep(groups, key)?);
            }
        }
        let summary = self.summarize(&text)?;
        let mut record = record.clone();
        let usage = self.write(&mut record, &summary, text.len());
        Ok(out.record(record, usage)?)
    }

    fn finish(&self, out: &mut Emit<'_>) -> Result<(), Halt> {
        let (Together::All(groups) | Together::By(_, groups)) = &self.plan.together else {
            return Ok(());
        };
        for key in groups.keys() {
            let group = groups.take(&key).map_err(temporary)?;
            self.emit(&group, out)?;
        }
        Ok(())
    }
}

fn summarize(method: &Method, text: &str, cancel: &Cancel) -> Result<Summary, Error> {
    match method {
        Method::Generate { model, settings } => {
            let done = condense(&**model, text, settings, cancel)?;
            let wording = &settings.wording;
            // In another language names may be spelled otherwise.
            let grounded = ground(text, &done.summary, wording.style, wording.language.is_none());
            Ok(Summary {
                text: grounded.summary,
                bytes_read: done.bytes_read,
                evidence: grounded.evidence,
                confidence: Some(grounded.confidence),
                tokens_in: done.tokens_in,
                tokens_out: done.tokens_out,
            })
        }
        Method::Extract { embedder, length, style } => {
            let chosen = choose(text, *length, embedder.as_deref(), cancel)?;
            let flat = |span: &std::ops::Range<usize>| {
                text[span.clone()].split_whitespace().collect::<Vec<_>>().join(" ")
            };
            let sentences: Vec<String> = chosen.spans.iter().map(flat).collect();
            Ok(Summary {
                text: style.of_sentences(&sentences),
                bytes_read: text.len(),
                evidence: chosen.spans.into_iter().map(Evidence::own).collect(),
                // A text's own sentences need no model to be sure of them.
                confidence: None,
                tokens_in: chosen.tokens,
                tokens_out: 0,
            })
        }
    }
}

/// The share of the text that was read, 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "a share needs no 53 bits")]
fn coverage(read: usize, length: usize) -> f64 {
    if length == 0 { 1.0 } else { read as f64 / length as f64 }
}

fn temporary(error: std::io::Error) -> Failure {
    Failure::new(Code::Unreadable, format!("temporary file: {error}")).retryable()
}

fn failure(error: Error) -> Failure {
    let code = match &error {
        Error::TooLong { .. } => Code::TooLong,
        Error::Cancelled(_) => Code::Timeout,
        _ => Code::Model,
    };
    Failure::new(code, error)
}

#[cfg(test)]
mod tests {
    use engine::scripted::Scripted;

    use super::*;
    use crate::condense::Settings;
    use crate::extractive::Length;
    use crate::prompt::Wording;
    use crate::style::Style;

    const TEXT: &str = "The pump at the well broke on Tuesday. Mr. Berger repairs it for 1,240 \
        euros. Nobody was hurt.";

    fn generated(answer: &str, wording: Wording) -> Summary {
        let model = Scripted::new(400, vec![(String::new(), answer.to_owned())]);
        let settings = Settings { words: 20, parallel: 1, wording, temperature: 0.0 };
        let method = Method::Generate { model: Box::new(model), settings };
        summarize(&method, TEXT, &Cancel::default()).unwrap()
    }

    #[test]
    fn a_true_answer_stands() {
        let found =
            generated("A pump broke Tuesday. Berger's repair: 1240 euros.", Wording::default());
        assert_eq!(found.text, "A pump broke Tuesday. Berger's repair: 1240 euros.");
        assert_eq!((found.evidence.len(), found.confidence), (2, Some(1.0)));
        assert_eq!(found.bytes_read, TEXT.len());
    }

    #[test]
    fn an_invented_number_is_replaced_and_lowers_the_confidence() {
        let found =
            generated("A pump broke Tuesday. The repair costs 9,999 euros.", Wording::default());
        assert_eq!(found.text, "A pump broke Tuesday. Mr. Berger repairs it for 1,240 euros.");
        assert_eq!(found.evidence[1].unsupported, ["9,999"]);
        assert_eq!(found.confidence, Some(0.5));
    }

    #[test]
    fn names_may_differ_in_another_language_but_numbers_may_not() {
        let wording = Wording { language: Some("German".into()), ..Wording::default() };
        let found = generated("Am Dienstag brach eine Pumpe. Kosten: 7 Euro.", wording);
        assert!(found.text.starts_with("Am Dienstag brach eine Pumpe."), "{}", found.text);
        let unsupported: Vec<&String> =
            found.evidence.iter().flat_map(|e| &e.unsupported).collect();
        assert_eq!(unsupported, ["7"]);
    }

    #[test]
    fn an_extract_needs_no_generator() {
        let length = Length::Sentences(2);
        let method = Method::Extract { embedder: None, length, style: Style::Bullets };
        let found = summarize(&method, TEXT, &Cancel::default()).unwrap();
        assert_eq!(found.text.lines().filter(|line| line.starts_with("- ")).count(), 2);
        for one in &found.evidence {
            assert!(found.text.contains(&TEXT[one.start..one.end]));
        }
        assert_eq!((found.confidence, found.tokens_in), (None, 0));
    }
}
