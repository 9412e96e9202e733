//! Local attempts before anybody else is asked: a model on this machine answers several times, and
//! an answer that it repeats is kept. Of small models, agreement with oneself says more than what
//! they claim about their certainty (Wang et al. 2022, "Self-consistency").

use std::sync::atomic::Ordering;

use records::{Failure, Usage};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::ask::{Asked, Asker, Reply, add};
use crate::batch;
use crate::item::Item;
use crate::plan::Plan;
use crate::provider::{Answer, Question};

/// Randomness of the samples, in thousandths.
const TEMPERATURE: u32 = 700;

/// Who is asked first, and what counts as agreement.
pub(crate) struct Attempts {
    pub(crate) asker: Asker,
    /// Answers to each question.
    pub(crate) samples: u64,
    /// The share of them that has to say the same.
    pub(crate) agree: f64,
}

/// What came of it.
enum Attempt {
    /// An answer that was given often enough, and the share of samples that gave it.
    Settled(Reply, f64),
    /// The samples differ, do not fit the schema, or there are none; what they took.
    Open(Usage),
}

/// An answer, and how often it was given.
struct Candidate {
    meaning: Value,
    value: Box<RawValue>,
    text: String,
    count: u64,
}

impl Attempts {
    /// Samples that have to say the same.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a small number"
    )]
    fn needed(&self) -> u64 {
        // A hair less: 2 of 3 is to be 0.67 as well as 2/3.
        ((self.agree * self.samples as f64 - 0.02).ceil() as u64).clamp(1, self.samples)
    }

    /// Asks about a record, until enough answers say the same or no longer can. A failure leaves
    /// it open: somebody else is asked then.
    #[expect(clippy::cast_precision_loss, reason = "a share of a small number")]
    fn about(&self, plan: &Plan, item: &Item) -> Attempt {
        let mut usage = Usage::default();
        let mut candidates: Vec<Candidate> = Vec::new();
        let Ok(messages) = item.messages(plan) else { return Attempt::Open(usage) };
        for sample in 1..=self.samples {
            let question = Question {
                messages: messages.clone(),
                max_tokens: plan.max_tokens,
                temperature_milli: Some(TEMPERATURE),
                seed: Some(sample),
                schema: plan.schema.as_ref().map(|schema| schema.source().clone()),
            };
            match self.asker.question(&question, item.reach) {
                Ok(Ok((answer, used))) => {
                    add(&mut usage, used);
                    count(plan, answer, &mut candidates);
                }
                Ok(Err(reason)) => {
                    log::debug!("--try: {reason}");
                    return Attempt::Open(usage);
                }
                Err(failure) => {
                    log::debug!("--try: {}", failure.message);
                    return Attempt::Open(usage);
                }
            }
            let most = candidates.iter().map(|c| c.count).max().unwrap_or(0);
            if most + (self.samples - sample) < self.needed() {
                break;
            }
            if most >= self.needed() {
                let best = candidates.into_iter().max_by_key(|c| c.count);
                let Some(Candidate { value, text, .. }) = best else { break };
                let reply = Reply { value, text, truncated: false, usage };
                return Attempt::Settled(reply, most as f64 / sample as f64);
            }
        }
        Attempt::Open(usage)
    }
}

/// Asks about one record, on this machine first where that is wanted; with the share of local
/// attempts that said the same, where those were enough.
pub(crate) fn ask(plan: &Plan, item: &Item) -> Result<(Asked, Option<f64>), Failure> {
    // What is only shown is not tried.
    let attempts = plan.attempts.as_ref().filter(|_| plan.asker.shown.is_none());
    let spent = match attempts.map(|attempts| attempts.about(plan, item)) {
        Some(Attempt::Settled(reply, agreement)) => {
            plan.asker.account.passed.fetch_add(1, Ordering::Relaxed);
            return Ok((Asked::Answered(reply), Some(agreement)));
        }
        Some(Attempt::Open(usage)) => usage,
        None => Usage::default(),
    };
    let asked = batch::alone(plan, item, Usage::default());
    let mut asked = asked.map_err(|failure| item.why_it_stays(plan).unwrap_or(failure))?;
    if let Asked::Answered(reply) = &mut asked {
        reply.usage = after(spent, std::mem::take(&mut reply.usage));
    }
    Ok((asked, None))
}

/// Counts an answer among those that say the same. One that was cut off or does not fit the
/// schema agrees with nothing.
fn count(plan: &Plan, answer: Answer, candidates: &mut Vec<Candidate>) {
    if answer.finish_reason == "length" {
        return;
    }
    let Some((meaning, value)) = read(plan, &answer.text) else { return };
    match candidates.iter_mut().find(|candidate| candidate.meaning == meaning) {
        Some(known) => known.count += 1,
        None => candidates.push(Candidate { meaning, value, text: answer.text, count: 1 }),
    }
}

/// What an answer says, whatever its spelling, and the answer; none that does not fit the schema.
fn read(plan: &Plan, text: &str) -> Option<(Value, Box<RawValue>)> {
    match &plan.schema {
        Some(schema) => {
            let value = schema.read(text).ok()?;
            Some((serde_json::from_str(value.get()).ok()?, value))
        }
        None => {
            let letters = |c: char| if c.is_alphanumeric() { c } else { ' ' };
            let plain: String = text.to_lowercase().chars().map(letters).collect();
            let words: Vec<&str> = plain.split_whitespace().collect();
            Some((Value::from(words.join(" ")), serde_json::value::to_raw_value(text).ok()?))
        }
    }
}

/// What an answer used, and what was used before it by others.
fn after(before: Usage, mut last: Usage) -> Usage {
    if before.model.is_some() {
        let model = last.model.take();
        let mut sum = before;
        add(&mut sum, last);
        sum.model = model.or(sum.model);
        return sum;
    }
    last
}
