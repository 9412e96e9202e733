use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use cli::{Emit, Filter, Halt, Input};
use records::{Code, Failure, Record};

use crate::ask::Asked;
use crate::item::{Item, together};
use crate::offline::Submitted;
use crate::plan::Plan;
use crate::prompt::Source;
use crate::queue::in_order;
use crate::reach::Reach;
use crate::select::{Choice, confidence};
use crate::whole::{self, Whole};
use crate::{attempt, batch};

/// Bytes that may wait for a group to be full.
const MAX_WAITING: usize = 32 << 20;
/// How long a group waits for more records when none come.
const QUIET: Duration = Duration::from_secs(1);

pub(crate) struct EscalateFilter {
    plan: Plan,
    gathered: Mutex<Gathered>,
}

/// What waits.
#[derive(Default)]
struct Gathered {
    /// With `--all`: everything, in input order.
    all: BTreeMap<u64, Item>,
    /// With `--top`: the least sure so far, by confidence and then input order.
    top: BTreeMap<(u64, u64), Item>,
    /// With `--batch`: what is to be asked about and what passes, in input order.
    queue: Vec<Waiting>,
    /// Of these, how many are to be asked about.
    wanted: usize,
    bytes: usize,
    /// When something came last.
    since: Option<Instant>,
}

enum Waiting {
    Ask(Item),
    Pass(Record),
    Fail(Record, Failure),
}

impl EscalateFilter {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan, gathered: Mutex::default() }
    }

    /// Lets a record go that needs no call.
    fn pass(&self, record: Record, out: &mut Emit<'_>) -> Result<(), Halt> {
        if self.plan.asker.shown.is_some() {
            return Ok(());
        }
        self.plan.asker.account.passed.fetch_add(1, Ordering::Relaxed);
        Ok(out.pass(record)?)
    }

    /// Holds a record against the least sure so far; what is not among them passes.
    fn hold(&self, number: u64, item: Item, most: usize, out: &mut Emit<'_>) -> Result<(), Halt> {
        // The bits of numbers from 0 on are in their order; who said nothing is least sure.
        let sure = confidence(&item.record)?.map_or(0, |sure| sure.max(0.0).to_bits() + 1);
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        gathered.bytes += item.bytes();
        gathered.top.insert((sure, number), item);
        while gathered.top.len() > most {
            let Some((_, surest)) = gathered.top.pop_last() else { break };
            gathered.bytes -= surest.bytes();
            self.pass(surest.record, out)?;
        }
        if gathered.bytes <= self.plan.max_bytes {
            return Ok(());
        }
        gathered.bytes -= gathered.top.remove(&(sure, number)).map_or(0, |item| item.bytes());
        Err(self.too_much().into())
    }

    fn too_much(&self) -> Failure {
        let limit = self.plan.max_bytes;
        let message = format!("the records that wait exceed {limit} bytes (--max-line)");
        Failure::new(Code::TooLong, message)
    }

    fn collect(&self, number: u64, item: Item) -> Result<(), Failure> {
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = gathered.bytes + item.bytes();
        if bytes > self.plan.max_bytes {
            return Err(self.too_much());
        }
        gathered.bytes = bytes;
        gathered.all.insert(number, item);
        Ok(())
    }

    /// Puts a record in the queue, and asks when enough wait for every request to be full.
    fn enqueue(&self, waiting: Waiting, size: usize, out: &mut Emit<'_>) -> Result<(), Halt> {
        let ready = {
            let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
            gathered.bytes += match &waiting {
                Waiting::Ask(item) => item.bytes(),
                Waiting::Pass(record) | Waiting::Fail(record, _) => record.as_str().len(),
            };
            gathered.wanted += usize::from(matches!(waiting, Waiting::Ask(_)));
            gathered.queue.push(waiting);
            gathered.since = Some(Instant::now());
            // Nothing waits behind a record that nobody has to wait for.
            let idle = gathered.wanted == 0;
            let full = gathered.wanted >= size.saturating_mul(self.plan.jobs);
            (idle || full || gathered.bytes > MAX_WAITING).then(|| std::mem::take(&mut *gathered))
        };
        match ready {
            Some(gathered) => self.ask_queue(gathered.queue, size, out),
            None => Ok(()),
        }
    }

    /// Asks about what is in the queue, in groups that may go equally far.
    fn ask_queue(&self, queue: Vec<Waiting>, size: usize, out: &mut Emit<'_>) -> Result<(), Halt> {
        let mut order = Vec::new();
        let mut open = BTreeMap::<Reach, (Vec<usize>, Vec<Item>)>::new();
        let mut groups = Vec::new();
        for waiting in queue {
            let item = match waiting {
                Waiting::Ask(item) => item,
                other => {
                    order.push(Some(other));
                    continue;
                }
            };
            let reach = item.reach;
            let group = open.entry(reach).or_default();
            group.0.push(order.len());
            group.1.push(item);
            order.push(None);
            if group.1.len() >= size {
                groups.extend(open.remove(&reach));
            }
        }
        groups.extend(open.into_values());
        let mut outcomes = Vec::new();
        in_order(
            self.plan.jobs,
            &groups,
            |(_, items)| {
                // A defect fails these records; the others in the queue are not lost with them.
                catch_unwind(AssertUnwindSafe(|| batch::ask(&self.plan, items)))
                    .unwrap_or_else(|_| items.iter().map(|_| Err(defect())).collect())
            },
            |_, got| {
                outcomes.push(got);
                Ok::<(), Halt>(())
            },
        )?;
        let mut answers = BTreeMap::new();
        for ((places, items), got) in groups.into_iter().zip(outcomes) {
            answers.extend(places.into_iter().zip(items.into_iter().zip(got)));
        }
        for (place, waiting) in order.into_iter().enumerate() {
            match (waiting, answers.remove(&place)) {
                (Some(Waiting::Pass(record)), _) => self.pass(record, out)?,
                (Some(Waiting::Fail(record, failure)), _) => out.fail(record, failure)?,
                (_, Some((item, asked))) => {
                    self.emit_one(item, asked.map(|asked| (asked, None)), out)?;
                }
                (_, None) => {}
            }
        }
        Ok(())
    }

    fn emit_one(
        &self,
        item: Item,
        asked: Result<(Asked, Option<f64>), Failure>,
        out: &mut Emit<'_>,
    ) -> Result<(), Halt> {
        if self.show(out)? && asked.is_ok() {
            return Ok(());
        }
        let Item { mut record, id, names, sampled, .. } = item;
        match asked {
            Ok((Asked::Answered(reply), agreement)) => {
                if !record.has("id") {
                    record.set("id", &id);
                }
                record.set(&self.plan.result, &names.restored(reply.value));
                record.set("escalated", &agreement.is_none());
                if let Some(agreement) = agreement {
                    record.set("agreement", &agreement);
                }
                if sampled {
                    record.set("sampled", &true);
                }
                if reply.truncated {
                    record.set("truncated", &true);
                }
                Ok(out.record(record, reply.usage)?)
            }
            Ok((Asked::NotAsked(reason), _)) => {
                out.limit_reached(&reason);
                record.set("escalated", &false);
                Ok(out.pass(record)?)
            }
            Err(_) if out.is_stopping() => Err(Halt::Stopped),
            Err(failure) => Ok(out.fail(record, failure)?),
        }
    }

    /// Asks about each, several at a time.
    fn ask_each(&self, items: Vec<Item>, out: &mut Emit<'_>) -> Result<(), Halt> {
        let slots: Vec<Mutex<Option<Item>>> =
            items.into_iter().map(|item| Mutex::new(Some(item))).collect();
        let take =
            |slot: &Mutex<Option<Item>>| slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        in_order(
            self.plan.jobs,
            &slots,
            |slot| {
                let item = take(slot)?;
                let asked = catch_unwind(AssertUnwindSafe(|| attempt::ask(&self.plan, &item)));
                Some((item, asked.unwrap_or_else(|_| Err(defect()))))
            },
            |_, done| match done {
                Some((item, asked)) => self.emit_one(item, asked, out),
                None => Ok(()),
            },
        )
    }

    /// With `--dry-run`, writes the requests that were made since the last time.
    fn show(&self, out: &mut Emit<'_>) -> Result<bool, Halt> {
        let Some(shown) = &self.plan.asker.shown else { return Ok(false) };
        let requests = std::mem::take(&mut *shown.lock().unwrap_or_else(PoisonError::into_inner));
        for request in requests {
            out.pass(request)?;
        }
        Ok(true)
    }

    /// The one record of `--all`; if there is no answer, every record that waited for it.
    fn ask_all(&self, items: Vec<Item>, out: &mut Emit<'_>) -> Result<(), Halt> {
        let ids: Vec<&str> = items.iter().map(|item| item.id.as_str()).collect();
        let (sent, names) = together(&self.plan, &items)?;
        let sources: Vec<Source<'_>> = sent.iter().map(|(id, text)| Source { id, text }).collect();
        // What is said about all goes no further than the most private of them may.
        let reach = items.iter().map(|item| item.reach).min().unwrap_or(self.plan.reach);
        let asked = whole::ask(&self.plan, &sources, reach);
        if self.show(out)? && asked.is_ok() {
            return Ok(());
        }
        match asked {
            Ok(Whole { asked: Asked::Answered(reply), parts }) => {
                let mut record = Record::new();
                record.set(&self.plan.result, &names.restored(reply.value));
                record.set("escalated", &true);
                if reply.truncated {
                    record.set("truncated", &true);
                }
                if parts > 1 {
                    record.set("parts", &parts);
                }
                record.set("sources", &ids);
                Ok(out.record(record, reply.usage)?)
            }
            Ok(Whole { asked: Asked::NotAsked(reason), .. }) => {
                out.limit_reached(&reason);
                for Item { mut record, .. } in items {
                    record.set("escalated", &false);
                    out.pass(record)?;
                }
                Ok(())
            }
            Err(_) if out.is_stopping() => Err(Halt::Stopped),
            Err(failure) => {
                for item in items {
                    out.fail(item.record, failure.clone())?;
                }
                Ok(())
            }
        }
    }

    fn queued(&self, input: &Input, size: usize, out: &mut Emit<'_>) -> Result<(), Halt> {
        let record = &input.record;
        let item = |sampled| Item::new(&self.plan, record, sampled);
        let waiting = match self.plan.selector.choose(record) {
            Ok(Choice::Pass) => Ok(Waiting::Pass(record.clone())),
            Ok(Choice::Ask) => item(false).map(Waiting::Ask),
            Ok(Choice::Audit) => item(true).map(Waiting::Ask),
            Err(failure) => Err(failure),
        };
        let waiting = waiting.unwrap_or_else(|failure| Waiting::Fail(record.clone(), failure));
        self.enqueue(waiting, size, out)
    }
}

fn defect() -> Failure {
    Failure::new(Code::Bug, "asking panicked")
}

impl Filter for EscalateFilter {
    type Worker = ();

    const RESULT: &'static str = "answer";

    fn worker(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn apply(&self, (): &mut (), input: &Input, out: &mut Emit<'_>) -> Result<(), Halt> {
        if let Some(estimate) = &self.plan.estimate {
            return Ok(estimate.add(&self.plan, &input.record)?);
        }
        if let (Some(size), None) = (self.plan.batch, self.plan.top) {
            return self.queued(input, size, out);
        }
        let sampled = match self.plan.selector.choose(&input.record)? {
            Choice::Pass => return self.pass(input.record.clone(), out),
            Choice::Ask => false,
            Choice::Audit => true,
        };
        let item = Item::new(&self.plan, &input.record, sampled)?;
        if let Some(most) = self.plan.top.filter(|_| !sampled) {
            return self.hold(input.number, item, most, out);
        }
        if let Some(offline) =
            self.plan.offline.as_ref().filter(|_| self.plan.asker.shown.is_none())
        {
            let asked = match offline.submit(&self.plan, &item)? {
                Submitted::Waits => return Ok(()),
                Submitted::Answered(reply) => Asked::Answered(reply),
                Submitted::NotAsked(reason) => Asked::NotAsked(reason),
            };
            return self.emit_one(item, Ok((asked, None)), out);
        }
        if self.plan.all {
            return Ok(self.collect(input.number, item)?);
        }
        let asked = attempt::ask(&self.plan, &item);
        self.emit_one(item, asked, out)
    }

    fn due(&self) -> Option<Instant> {
        let gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        gathered.since.filter(|_| !gathered.queue.is_empty()).map(|since| since + QUIET)
    }

    fn wake(&self, out: &mut Emit<'_>) -> Result<(), Halt> {
        let Some(size) =
            self.plan.batch.filter(|_| self.due().is_some_and(|at| at <= Instant::now()))
        else {
            return Ok(());
        };
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = std::mem::take(&mut *gathered).queue;
        drop(gathered);
        self.ask_queue(queue, size, out)
    }

    fn finish(&self, out: &mut Emit<'_>) -> Result<(), Halt> {
        if let Some(estimate) = &self.plan.estimate {
            return Ok(out.pass(estimate.record(&self.plan)?)?);
        }
        let Gathered { mut all, top, queue, .. } =
            std::mem::take(&mut *self.gathered.lock().unwrap_or_else(PoisonError::into_inner));
        all.extend(top.into_iter().map(|((_, number), item)| (number, item)));
        let items: Vec<Item> = all.into_values().collect();
        let done = match self.plan.batch {
            Some(size) => {
                let queue = queue.into_iter().chain(items.into_iter().map(Waiting::Ask)).collect();
                self.ask_queue(queue, size, out)
            }
            None if items.is_empty() => Ok(()),
            None if self.plan.all => self.ask_all(items, out),
            None => self.ask_each(items, out),
        };
        self.plan.asker.account.close();
        if let Some(offline) =
            self.plan.offline.as_ref().filter(|_| self.plan.asker.shown.is_none())
        {
            offline.finish(&self.plan)?;
        }
        done
    }
}
