use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use cli::{Emit, Filter, Halt, Input};
use records::{Code, Failure, Record, Text};

use crate::call::{Asked, ask};
use crate::plan::Plan;
use crate::prompt::Source;

pub(crate) struct EscalateFilter {
    plan: Plan,
    /// With `--all`: what is to be asked about when the input has ended.
    collected: Mutex<Collected>,
}

#[derive(Default)]
struct Collected {
    /// In input order, whichever worker was first.
    records: BTreeMap<u64, (Record, String)>,
    bytes: usize,
}

impl EscalateFilter {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan, collected: Mutex::default() }
    }

    fn text(&self, record: &Record) -> Result<String, Failure> {
        match self.plan.field.text(record) {
            Ok(Text::Utf8(text)) => Ok(text),
            Ok(Text::Bytes(_)) => Err(Failure::new(Code::Unsupported, "the text is not UTF-8")),
            Err(e) => Err(Failure::new(Code::MissingField, e)),
        }
    }

    fn is_wanted(&self, record: &Record) -> Result<bool, Failure> {
        let Some(gate) = &self.plan.gate else { return Ok(true) };
        gate.admits(record.as_str()).map_err(|e| {
            let code = if e.is_fatal() { Code::Bug } else { Code::Unsupported };
            Failure::new(code, format!("--when: {e}"))
        })
    }

    fn collect(&self, input: &Input, text: String) -> Result<(), Failure> {
        let mut collected = self.collected.lock().unwrap_or_else(PoisonError::into_inner);
        let (bytes, limit) = (collected.bytes + text.len(), self.plan.max_bytes);
        if bytes > limit {
            let message = format!("all texts together exceed {limit} bytes (--max-line)");
            return Err(Failure::new(Code::TooLong, message));
        }
        collected.bytes = bytes;
        collected.records.insert(input.number, (input.record.clone(), text));
        Ok(())
    }

    fn ask_one(&self, record: &Record, text: &str, out: &mut Emit<'_>) -> Result<(), Halt> {
        let id = record.id();
        let mut record = record.clone();
        match ask(&self.plan, &[Source { id: &id, text }])? {
            Asked::Answered(answer, usage) => {
                record.set(&self.plan.result, &answer.text);
                record.set("escalated", &true);
                if answer.finish_reason == "length" {
                    record.set("truncated", &true);
                }
                Ok(out.record(record, usage)?)
            }
            Asked::OverBudget(refusal) => {
                out.limit_reached(&refusal.to_string());
                record.set("escalated", &false);
                Ok(out.pass(record)?)
            }
        }
    }

    /// The one record of `--all`; if there is no answer, every record that waited for it.
    fn ask_all(&self, records: Vec<(Record, String)>, out: &mut Emit<'_>) -> Result<(), Halt> {
        let ids: Vec<String> = records.iter().map(|(record, _)| record.id()).collect();
        let sources: Vec<Source<'_>> =
            ids.iter().zip(&records).map(|(id, (_, text))| Source { id, text }).collect();
        match ask(&self.plan, &sources) {
            Ok(Asked::Answered(answer, usage)) => {
                let mut record = Record::new();
                record.set(&self.plan.result, &answer.text);
                record.set("escalated", &true);
                if answer.finish_reason == "length" {
                    record.set("truncated", &true);
                }
                record.set("sources", &ids);
                Ok(out.record(record, usage)?)
            }
            Ok(Asked::OverBudget(refusal)) => {
                out.limit_reached(&refusal.to_string());
                for (mut record, _) in records {
                    record.set("escalated", &false);
                    out.pass(record)?;
                }
                Ok(())
            }
            Err(failure) => {
                for (record, _) in records {
                    out.fail(record, failure.clone())?;
                }
                Ok(())
            }
        }
    }
}

impl Filter for EscalateFilter {
    type Worker = ();

    const RESULT: &'static str = "answer";

    fn worker(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn apply(&self, (): &mut (), input: &Input, out: &mut Emit<'_>) -> Result<(), Halt> {
        if !self.is_wanted(&input.record)? {
            return Ok(out.pass(input.record.clone())?);
        }
        let text = self.text(&input.record)?;
        if self.plan.all {
            return Ok(self.collect(input, text)?);
        }
        self.ask_one(&input.record, &text, out)
    }

    fn finish(&self, out: &mut Emit<'_>) -> Result<(), Halt> {
        let collected =
            std::mem::take(&mut *self.collected.lock().unwrap_or_else(PoisonError::into_inner));
        if collected.records.is_empty() {
            return Ok(());
        }
        self.ask_all(collected.records.into_values().collect(), out)
    }
}
