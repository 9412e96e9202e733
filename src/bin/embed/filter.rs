use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cli::{Emit, Filter, Halt, Input, ResultKey, Results};
use engine::Error;
use half::f16;
use records::{Code, Failure, Record, Text, Usage};

use crate::plan::Plan;
use crate::pool::{self, Pooled};

pub(crate) struct EmbedFilter {
    plan: Plan,
}

impl EmbedFilter {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan }
    }

    fn text(&self, record: &Record) -> Result<String, Failure> {
        match self.plan.field.text(record) {
            Ok(Text::Utf8(text)) if text.trim().is_empty() => {
                Err(Failure::new(Code::Unsupported, "the text is empty: it has no embedding"))
            }
            Ok(Text::Utf8(text)) => Ok(text),
            Ok(Text::Bytes(_)) => {
                let message = "the text is not UTF-8; extract reads other encodings";
                Err(Failure::new(Code::Unsupported, message))
            }
            Err(e) => Err(Failure::new(Code::MissingField, e)),
        }
    }

    fn embed(&self, text: &str) -> Result<Pooled, Failure> {
        let plan = &self.plan;
        let cancel = plan.timeout.map_or_else(|| plan.cancel.clone(), |t| plan.cancel.within(t));
        pool::embed(&*plan.model, text, &cancel).map_err(failure)
    }
}

impl Filter for EmbedFilter {
    type Worker = ();

    const RESULT: &'static str = "embedding";

    fn worker(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn apply(&self, (): &mut (), input: &Input, out: &mut Emit<'_>) -> Result<(), Halt> {
        let plan = &self.plan;
        let text = self.text(&input.record)?;
        let found = self.embed(&text)?;
        let mut record = input.record.clone();
        if plan.binary {
            record.set(&plan.result, &packed(&found.vector));
        } else {
            record.set(&plan.result, &found.vector);
        }
        if found.chunks > 1 {
            record.set("embedding_chunks", &found.chunks);
        } else {
            // What another text left here would be untrue of this one.
            record.remove("embedding_chunks");
        }
        let model = plan.model.model();
        let usage = Usage {
            model: Some(model.name.clone()),
            model_sha: Some(model.sha256.clone()).filter(|sha| !sha.is_empty()),
            tokens_in: Some(found.tokens as u64),
            ..Usage::default()
        };
        Ok(out.record(record, usage)?)
    }

    /// What a record gets depends on its text; what is kept of that, on the keys it had before.
    fn kept(&self, input: &Input) -> Option<(&Results, ResultKey)> {
        let results = self.plan.results.as_ref()?;
        let Ok(Text::Utf8(text)) = self.plan.field.text(&input.record) else { return None };
        let before = [self.plan.result.as_str(), "embedding_chunks"]
            .map(|key| input.record.raw(key).unwrap_or_default().as_bytes());
        let parts = [&[text.as_bytes()][..], &before].concat();
        Some((results, results.key(&parts)))
    }
}

/// Little-endian binary16, in base64.
fn packed(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|&x| f16::from_f32(x).to_le_bytes()).collect();
    STANDARD.encode(bytes)
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
    use super::packed;

    #[test]
    fn packed_numbers_are_little_endian_halves() {
        // 1.0 is 0x3c00 and -2.0 is 0xc000.
        assert_eq!(packed(&[1.0, -2.0]), "ADwAwA==");
    }
}
