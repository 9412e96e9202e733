//! Many records in one request, each with an answer of its own.
//!
//! The answers come back as a list of fixed length, matched by ids that stand only for this
//! request. What is missing, twice with different answers, or not of the wanted shape is asked
//! again, and in the end alone; what nobody asked for is dropped.

use std::collections::BTreeMap;

use records::{Failure, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::ask::{Asked, Reply, add, question};
use crate::item::Item;
use crate::plan::Plan;
use crate::prompt::{Source, messages};
use crate::provider::Answer;
use crate::schema::unfenced;

/// Requests about a group before what is left is asked one by one.
const ROUNDS: usize = 3;

/// What came of each record of a group, in order.
pub(crate) type Outcome = Result<Asked, Failure>;

/// Asks about all of `items` together.
pub(crate) fn ask(plan: &Plan, items: &[Item]) -> Vec<Outcome> {
    let mut done: BTreeMap<usize, Outcome> = BTreeMap::new();
    for (n, item) in items.iter().enumerate() {
        if let Some(reply) = kept(plan, item) {
            done.insert(n, Ok(Asked::Answered(reply)));
        }
    }
    let mut spent = Usage::default();
    for _ in 0..ROUNDS {
        let open: Vec<usize> = (0..items.len()).filter(|n| !done.contains_key(n)).collect();
        if open.len() < 2 {
            break;
        }
        let got = match round(plan, items, &open) {
            Ok(Ok((got, usage))) => {
                add(&mut spent, usage);
                got
            }
            Ok(Err(reason)) => {
                done.extend(open.into_iter().map(|n| (n, Ok(Asked::NotAsked(reason.clone())))));
                break;
            }
            // A request that is too long together may fit in parts; else all have failed.
            Err(failure) if failure.code == records::Code::TooLong => break,
            Err(failure) => {
                done.extend(open.into_iter().map(|n| (n, Err(failure.clone()))));
                break;
            }
        };
        if got.is_empty() {
            break;
        }
        let share = divided(&std::mem::take(&mut spent), got.len());
        for (n, value) in got {
            let reply = reply(value, share.clone());
            keep(plan, &items[n], &reply);
            done.insert(n, Ok(Asked::Answered(reply)));
        }
    }
    for (n, item) in items.iter().enumerate() {
        done.entry(n).or_insert_with(|| alone(plan, item, std::mem::take(&mut spent)));
    }
    done.into_values().collect()
}

/// Asks about one record by itself; `spent` went on requests that told nothing.
pub(crate) fn alone(plan: &Plan, item: &Item, spent: Usage) -> Outcome {
    let messages = item.messages(plan)?;
    let asked = plan.asker.ask(messages, plan.max_tokens, plan.schema.as_ref(), item.reach)?;
    Ok(match asked {
        Asked::Answered(mut reply) if spent.model.is_some() => {
            add(&mut reply.usage, spent);
            Asked::Answered(reply)
        }
        asked => asked,
    })
}

/// The values that a request about the open records brought, by their place; or why it was not
/// made.
#[expect(clippy::type_complexity, reason = "as Asker::question")]
fn round(
    plan: &Plan,
    items: &[Item],
    open: &[usize],
) -> Result<Result<(BTreeMap<usize, Box<RawValue>>, Usage), String>, Failure> {
    let ids: Vec<String> = (1..=open.len()).map(|n| n.to_string()).collect();
    let sources: Vec<Source<'_>> =
        ids.iter().zip(open).map(|(id, n)| Source { id, text: &items[*n].text }).collect();
    let schema = shape(plan, &ids);
    let wanted = format!(
        "{}\n\nThere are {} records. Answer for each of them by itself, with its id.",
        plan.question.trim(),
        open.len()
    );
    let messages = messages(&plan.fence, &wanted, &sources, Some(&schema));
    let max_tokens = plan.max_tokens.saturating_mul(open.len() as u64);
    let reach = items[open[0]].reach;
    let asked = question(messages, max_tokens, Some(schema.into()));
    let (answer, usage) = match plan.asker.question(&asked, reach)? {
        Ok(answered) => answered,
        Err(reason) => return Ok(Err(reason)),
    };
    let values = matched(plan, &answer.text, &ids);
    Ok(Ok((values.into_iter().map(|(at, value)| (open[at], value)).collect(), usage)))
}

/// The schema of the list: as many answers as records, no other ids.
fn shape(plan: &Plan, ids: &[String]) -> Value {
    let answer = match &plan.schema {
        None => json!({"type": "string"}),
        // References within a schema lose their way when it becomes part of another.
        Some(schema) if schema.source().to_string().contains("\"$ref\"") => json!({}),
        Some(schema) => (**schema.source()).clone(),
    };
    let item = json!({
        "type": "object",
        "properties": {"id": {"type": "string", "enum": ids}, "answer": answer},
        "required": ["id", "answer"],
        "additionalProperties": false
    });
    json!({
        "type": "object",
        "properties": {"answers": {"type": "array", "items": item,
                                   "minItems": ids.len(), "maxItems": ids.len()}},
        "required": ["answers"],
        "additionalProperties": false
    })
}

#[derive(Deserialize)]
struct List {
    answers: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct One {
    id: Value,
    answer: Box<RawValue>,
}

/// The usable answers in a text, by the place of their record.
fn matched(plan: &Plan, text: &str, ids: &[String]) -> BTreeMap<usize, Box<RawValue>> {
    let text = unfenced(text);
    let list = serde_json::from_str::<List>(text).map(|list| list.answers);
    // Some models leave the object around the list out.
    let list = list.or_else(|_| serde_json::from_str(text)).unwrap_or_default();
    let mut found: BTreeMap<usize, Option<Box<RawValue>>> = BTreeMap::new();
    for one in list.iter().filter_map(|raw| serde_json::from_str::<One>(raw.get()).ok()) {
        let id = one.id.as_str().map_or_else(|| one.id.to_string(), str::to_owned);
        let Some(at) = ids.iter().position(|known| *known == id) else { continue };
        if !fits(plan, &one.answer) {
            continue;
        }
        found
            .entry(at)
            .and_modify(|first| {
                // Two different answers are none.
                if first.as_ref().is_some_and(|f| f.get() != one.answer.get()) {
                    *first = None;
                }
            })
            .or_insert(Some(one.answer));
    }
    found.into_iter().filter_map(|(at, value)| Some((at, value?))).collect()
}

fn fits(plan: &Plan, answer: &RawValue) -> bool {
    let Ok(value) = serde_json::from_str::<Value>(answer.get()) else { return false };
    match &plan.schema {
        Some(schema) => schema.check(&value).is_ok(),
        None => value.as_str().is_some_and(|text| !text.trim().is_empty()),
    }
}

fn reply(value: Box<RawValue>, usage: Usage) -> Reply {
    let text = serde_json::from_str::<String>(value.get());
    let text = text.unwrap_or_else(|_| value.get().to_owned());
    Reply { value, text, truncated: false, usage }
}

/// One record's share of a request. Its parts may differ from the whole by rounding.
#[expect(clippy::cast_precision_loss, reason = "a share of a cost, for reading")]
fn divided(whole: &Usage, by: usize) -> Usage {
    let count = by.max(1) as u64;
    Usage {
        tokens_in: whole.tokens_in.map(|n| n.div_ceil(count)),
        tokens_out: whole.tokens_out.map(|n| n.div_ceil(count)),
        cost: whole.cost.map(|cost| cost / count as f64),
        ..whole.clone()
    }
}

/// An answer from an earlier run, whether it came alone or in a group.
pub(crate) fn kept(plan: &Plan, item: &Item) -> Option<Reply> {
    let schema = plan.schema.as_ref().map(|schema| schema.source().clone());
    let question = question(item.messages(plan).ok()?, plan.max_tokens, schema);
    let answer = plan.asker.kept(&question)?;
    let value = match &plan.schema {
        Some(schema) => schema.read(&answer.text).ok()?,
        None => serde_json::value::to_raw_value(&answer.text).ok()?,
    };
    let usage = Usage { model: Some(answer.model), cached: Some(true), ..Usage::default() };
    let truncated = answer.finish_reason == "length";
    Some(Reply { value, text: answer.text, truncated, usage })
}

fn keep(plan: &Plan, item: &Item, reply: &Reply) {
    let schema = plan.schema.as_ref().map(|schema| schema.source().clone());
    let Ok(messages) = item.messages(plan) else { return };
    let answer = Answer {
        text: reply.text.clone(),
        model: reply.usage.model.clone().unwrap_or_default(),
        tokens_in: reply.usage.tokens_in,
        tokens_out: reply.usage.tokens_out,
        finish_reason: "stop".to_owned(),
        pause: None,
    };
    plan.asker.keep(&question(messages, plan.max_tokens, schema), &answer);
}
