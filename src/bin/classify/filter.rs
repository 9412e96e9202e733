use std::time::Duration;

use cli::{Emit, Filter, Halt, Input, ResultKey, Results};
use engine::{Cancel, Error, ModelInfo};
use records::{Code, Failure, Field, Record, Text, Usage};
use serde_json::{Map, Value};

use crate::calibration::Calibration;
use crate::classifier::{Classifier, Opinion, greatest, softmax};
use crate::disagreements::{Disagreement, Doubtful};
use crate::labelled::label_of;
use crate::multi::Multi;

/// The label of a text that classify does not know how to label.
pub(crate) const UNSURE: &str = "unsure";

/// How labels are given.
pub(crate) enum Way {
    /// One of several.
    One {
        classifier: Box<dyn Classifier>,
        calibration: Option<Calibration>,
        /// Below this, `unsure`.
        unsure_below: Option<f64>,
        /// Where only the records in greatest doubt are wanted.
        doubtful: Option<Doubtful>,
    },
    /// Any number: those of at least this probability.
    Many { multi: Multi, threshold: f64 },
}

pub(crate) struct ClassifyFilter {
    pub(crate) way: Way,
    pub(crate) field: Field,
    pub(crate) label_field: Field,
    pub(crate) result: String,
    pub(crate) cancel: Cancel,
    pub(crate) timeout: Option<Duration>,
    /// Where labels are kept from run to run.
    pub(crate) results: Option<Results>,
}

/// What the engine was used for.
struct Cost {
    tokens_in: usize,
    tokens_out: usize,
    parts: usize,
}

impl Way {
    /// All that a record gets depends on besides its text.
    pub(crate) fn settings(&self) -> String {
        match self {
            Self::One { classifier, calibration, unsure_below, .. } => {
                format!("{} {calibration:?} {unsure_below:?}", classifier.identity())
            }
            Self::Many { multi, threshold } => format!("{} {threshold}", multi.identity()),
        }
    }
}

impl ClassifyFilter {
    fn cancel(&self) -> Cancel {
        self.timeout.map_or_else(|| self.cancel.clone(), |t| self.cancel.within(t))
    }

    fn model(&self) -> Option<&ModelInfo> {
        match &self.way {
            Way::One { classifier, .. } => Some(classifier.model()),
            Way::Many { multi, .. } => multi.model(),
        }
    }

    fn usage(&self, cost: &Cost) -> Usage {
        let model = self.model();
        Usage {
            model: model.map(|model| model.name.clone()),
            model_sha: model.map(|model| model.sha256.clone()).filter(|sha| !sha.is_empty()),
            tokens_in: Some(cost.tokens_in as u64),
            tokens_out: Some(cost.tokens_out as u64),
            ..Usage::default()
        }
    }

    /// Nothing can be said about nothing, and no model is asked.
    fn label_blank(&self, record: &mut Record) {
        match &self.way {
            Way::One { .. } => record.set(&self.result, UNSURE),
            Way::Many { .. } => record.set(&self.result, &[""; 0]),
        }
        record.set("scores", &Map::new());
    }

    fn label_many(
        &self,
        multi: &Multi,
        threshold: f64,
        text: &str,
        record: &mut Record,
    ) -> Result<Cost, Failure> {
        let found = multi.fits(text, &self.cancel()).map_err(failure)?;
        let fit = multi.labels().zip(&found.probabilities).filter(|(_, p)| **p >= threshold);
        let labels: Vec<&str> = fit.map(|(name, _)| name).collect();
        record.set(&self.result, &labels);
        record.set("scores", &scores(multi.labels(), &found.probabilities));
        Ok(Cost { tokens_in: found.tokens_in, tokens_out: found.tokens_out, parts: found.parts })
    }
}

impl Filter for ClassifyFilter {
    type Worker = ();

    const RESULT: &'static str = "label";

    fn worker(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn apply(&self, (): &mut (), input: &Input, out: &mut Emit<'_>) -> Result<(), Halt> {
        let text = match self.field.text(&input.record) {
            Ok(Text::Utf8(text)) => text,
            Ok(Text::Bytes(_)) => {
                let message = "the text is not UTF-8; extract reads other encodings";
                return Err(Failure::new(Code::Unsupported, message).into());
            }
            Err(e) => return Err(Failure::new(Code::MissingField, e).into()),
        };
        let mut record = input.record.clone();
        let blank = text.trim().is_empty();
        let cost = match &self.way {
            Way::One { doubtful: Some(_), .. } if blank => return Ok(()),
            _ if blank => {
                self.label_blank(&mut record);
                return Ok(out.record(record, Usage::default())?);
            }
            Way::Many { multi, threshold } => {
                self.label_many(multi, *threshold, &text, &mut record)?
            }
            Way::One { classifier, calibration, unsure_below, doubtful } => {
                let opinion = classifier.opinion(&text, &self.cancel()).map_err(failure)?;
                let Opinion { logits, tokens_in, tokens_out, parts } = opinion;
                let cost = Cost { tokens_in, tokens_out, parts };
                let probabilities = calibration
                    .as_ref()
                    .map_or_else(|| softmax(&logits), |c| c.probabilities(&logits));
                let best = greatest(&probabilities);
                if let Some(doubtful) = doubtful {
                    let given =
                        label_of(&self.label_field, &record).filter(|label| label != UNSURE);
                    let found =
                        Disagreement::new(classifier.classes(), &probabilities, best, given);
                    doubtful.add(found, input.number, record, self.usage(&cost));
                    return Ok(());
                }
                let sure = unsure_below.is_none_or(|least| probabilities[best] >= least);
                let label = if sure { classifier.classes()[best].as_str() } else { UNSURE };
                record.set(&self.result, label);
                let names = classifier.classes().iter().map(String::as_str);
                record.set("scores", &scores(names, &probabilities));
                if calibration.is_some() {
                    record.set("confidence", &to_digits(probabilities[best]));
                }
                cost
            }
        };
        if cost.parts > 1 {
            record.set("parts", &cost.parts);
        }
        Ok(out.record(record, self.usage(&cost))?)
    }

    /// What a record gets depends on its text; what is kept of that, on the keys it had before.
    fn kept(&self, input: &Input) -> Option<(&Results, ResultKey)> {
        if matches!(&self.way, Way::One { doubtful: Some(_), .. }) {
            return None;
        }
        let results = self.results.as_ref()?;
        let Ok(Text::Utf8(text)) = self.field.text(&input.record) else { return None };
        let before = [self.result.as_str(), "scores", "confidence", "parts"]
            .map(|key| input.record.raw(key).unwrap_or_default().as_bytes());
        let parts = [&[text.as_bytes()][..], &before].concat();
        Some((results, results.key(&parts)))
    }

    fn finish(&self, out: &mut Emit<'_>) -> Result<(), Halt> {
        if let Way::One { doubtful: Some(doubtful), .. } = &self.way {
            for (record, usage) in doubtful.take() {
                out.record(record, usage)?;
            }
        }
        Ok(())
    }
}

fn scores<'n>(names: impl Iterator<Item = &'n str>, probabilities: &[f64]) -> Map<String, Value> {
    let one = |(name, p): (&str, &f64)| (name.to_owned(), Value::from(to_digits(*p)));
    names.zip(probabilities).map(one).collect()
}

/// Six digits after the point: the last ones of a float depend on the batch a text was in.
fn to_digits(probability: f64) -> f64 {
    (probability * 1e6).round() / 1e6
}

fn failure(error: Error) -> Failure {
    let code = match &error {
        Error::TooLong { .. } => Code::TooLong,
        Error::Cancelled(_) => Code::Timeout,
        _ => Code::Model,
    };
    Failure::new(code, error)
}
