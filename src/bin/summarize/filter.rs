use cli::{Emit, Filter, Halt, Input};
use engine::Error;
use records::{Code, Failure, Text, Usage};

use crate::condense::{Condensed, condense};
use crate::plan::Plan;

pub(crate) struct SummarizeFilter {
    plan: Plan,
}

impl SummarizeFilter {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan }
    }

    fn condense(&self, text: &str) -> Result<Condensed, Failure> {
        // No model has anything to say about nothing.
        if text.trim().is_empty() {
            return Ok(Condensed { bytes_read: text.len(), ..Condensed::default() });
        }
        let plan = &self.plan;
        let cancel = plan.timeout.map_or_else(|| plan.cancel.clone(), |t| plan.cancel.within(t));
        condense(&*plan.model, text, plan.settings, &cancel).map_err(failure)
    }
}

impl Filter for SummarizeFilter {
    type Worker = ();

    const RESULT: &'static str = "summary";

    fn worker(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn apply(&self, (): &mut (), input: &Input, out: &mut Emit<'_>) -> Result<(), Halt> {
        let plan = &self.plan;
        let text = match plan.field.text(&input.record) {
            Ok(Text::Utf8(text)) => text,
            Ok(Text::Bytes(_)) => {
                let message = "the text is not UTF-8; extract reads other encodings";
                return Err(Failure::new(Code::Unsupported, message).into());
            }
            Err(e) => return Err(Failure::new(Code::MissingField, e).into()),
        };
        let done = self.condense(&text)?;
        let mut record = input.record.clone();
        record.set(&plan.result, &done.summary);
        record.set("coverage", &coverage(done.bytes_read, text.len()));
        let model = plan.model.model();
        let usage = Usage {
            model: Some(model.name.clone()),
            model_sha: Some(model.sha256.clone()).filter(|sha| !sha.is_empty()),
            tokens_in: Some(done.tokens_in),
            tokens_out: Some(done.tokens_out),
            ..Usage::default()
        };
        Ok(out.record(record, usage)?)
    }
}

/// The share of the text that was read, 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "a share needs no 53 bits")]
fn coverage(read: usize, length: usize) -> f64 {
    if length == 0 { 1.0 } else { read as f64 / length as f64 }
}

fn failure(error: Error) -> Failure {
    let code = match &error {
        Error::TooLong { .. } => Code::TooLong,
        Error::Cancelled(_) => Code::Timeout,
        _ => Code::Model,
    };
    Failure::new(code, error)
}
