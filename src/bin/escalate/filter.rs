use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use cli::{Emit, Filter, Halt, Input};
use records::{Code, Failure, Record, Text};

use crate::call::{Asked, ask};
use crate::plan::Plan;
use crate::prompt::Source;
use crate::queue::in_order;
use crate::select::{Choice, confidence};

pub(crate) struct EscalateFilter {
    plan: Plan,
    gathered: Mutex<Gathered>,
}

/// A record that is to be asked about.
struct Item {
    record: Record,
    id: String,
    text: String,
    /// Asked about for an audit only.
    sampled: bool,
}

/// What waits for the end of the input.
#[derive(Default)]
struct Gathered {
    /// With `--all`: everything, in input order.
    all: BTreeMap<u64, Item>,
    /// With `--top`: the least sure so far, by confidence and then input order.
    top: BTreeMap<(u64, u64), Item>,
    bytes: usize,
}

impl EscalateFilter {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan, gathered: Mutex::default() }
    }

    fn item(&self, record: &Record, sampled: bool) -> Result<Item, Failure> {
        let text = match self.plan.field.text(record) {
            Ok(Text::Utf8(text)) => text,
            Ok(Text::Bytes(_)) => {
                return Err(Failure::new(Code::Unsupported, "the text is not UTF-8"));
            }
            Err(e) => return Err(Failure::new(Code::MissingField, e)),
        };
        Ok(Item { record: record.clone(), id: record.id(), text, sampled })
    }

    /// Holds a record against the least sure so far; what is not among them passes.
    fn hold(&self, number: u64, item: Item, most: usize, out: &mut Emit<'_>) -> Result<(), Halt> {
        // The bits of numbers from 0 on are in their order; who said nothing is least sure.
        let sure = confidence(&item.record)?.map_or(0, |sure| sure.max(0.0).to_bits() + 1);
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        gathered.bytes += item.record.as_str().len();
        gathered.top.insert((sure, number), item);
        while gathered.top.len() > most {
            let Some((_, surest)) = gathered.top.pop_last() else { break };
            gathered.bytes -= surest.record.as_str().len();
            out.pass(surest.record)?;
        }
        if gathered.bytes <= self.plan.max_bytes {
            return Ok(());
        }
        gathered.bytes -=
            gathered.top.remove(&(sure, number)).map_or(0, |i| i.record.as_str().len());
        Err(self.too_much().into())
    }

    fn too_much(&self) -> Failure {
        let limit = self.plan.max_bytes;
        let message = format!("the records that wait exceed {limit} bytes (--max-line)");
        Failure::new(Code::TooLong, message)
    }

    fn collect(&self, number: u64, item: Item) -> Result<(), Failure> {
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = gathered.bytes + item.record.as_str().len();
        if bytes > self.plan.max_bytes {
            return Err(self.too_much());
        }
        gathered.bytes = bytes;
        gathered.all.insert(number, item);
        Ok(())
    }

    fn ask_one(&self, item: &Item) -> Result<Asked, Failure> {
        ask(&self.plan, &[Source { id: &item.id, text: &item.text }])
    }

    fn emit_one(
        &self,
        item: Item,
        asked: Result<Asked, Failure>,
        out: &mut Emit<'_>,
    ) -> Result<(), Halt> {
        let Item { mut record, id, sampled, .. } = item;
        match asked {
            Ok(Asked::Answered(answer, usage)) => {
                if !record.has("id") {
                    record.set("id", &id);
                }
                record.set(&self.plan.result, &answer.text);
                record.set("escalated", &true);
                if sampled {
                    record.set("sampled", &true);
                }
                if answer.finish_reason == "length" {
                    record.set("truncated", &true);
                }
                Ok(out.record(record, usage)?)
            }
            Ok(Asked::OverBudget(refusal)) => {
                out.limit_reached(&refusal.to_string());
                record.set("escalated", &false);
                Ok(out.pass(record)?)
            }
            Err(_) if out.is_stopping() => Err(Halt::Stopped),
            Err(failure) => Ok(out.fail(record, failure)?),
        }
    }

    /// Asks about each, several at a time.
    fn ask_each(&self, items: Vec<Item>, out: &mut Emit<'_>) -> Result<(), Halt> {
        let mut waiting: Vec<Option<Item>> = items.into_iter().map(Some).collect();
        let sources: Vec<(String, String)> =
            waiting.iter().flatten().map(|item| (item.id.clone(), item.text.clone())).collect();
        in_order(
            self.plan.jobs,
            &sources,
            |(id, text)| ask(&self.plan, &[Source { id, text }]),
            |n, asked| match waiting[n].take() {
                Some(item) => self.emit_one(item, asked, out),
                None => Ok(()),
            },
        )
    }

    /// The one record of `--all`; if there is no answer, every record that waited for it.
    fn ask_all(&self, items: Vec<Item>, out: &mut Emit<'_>) -> Result<(), Halt> {
        let ids: Vec<&str> = items.iter().map(|item| item.id.as_str()).collect();
        let sources: Vec<Source<'_>> =
            items.iter().map(|item| Source { id: &item.id, text: &item.text }).collect();
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
                for Item { mut record, .. } in items {
                    record.set("escalated", &false);
                    out.pass(record)?;
                }
                Ok(())
            }
            Err(failure) => {
                for item in items {
                    out.fail(item.record, failure.clone())?;
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
        let sampled = match self.plan.selector.choose(&input.record)? {
            Choice::Pass => return Ok(out.pass(input.record.clone())?),
            Choice::Ask => false,
            Choice::Audit => true,
        };
        let item = self.item(&input.record, sampled)?;
        if let Some(most) = self.plan.top.filter(|_| !sampled) {
            return self.hold(input.number, item, most, out);
        }
        if self.plan.all {
            return Ok(self.collect(input.number, item)?);
        }
        let asked = self.ask_one(&item);
        self.emit_one(item, asked, out)
    }

    fn finish(&self, out: &mut Emit<'_>) -> Result<(), Halt> {
        let Gathered { mut all, top, .. } =
            std::mem::take(&mut *self.gathered.lock().unwrap_or_else(PoisonError::into_inner));
        all.extend(top.into_iter().map(|((_, number), item)| (number, item)));
        let items: Vec<Item> = all.into_values().collect();
        if items.is_empty() {
            return Ok(());
        }
        if self.plan.all { self.ask_all(items, out) } else { self.ask_each(items, out) }
    }
}
