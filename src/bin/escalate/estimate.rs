//! `--estimate`: what asking would take, without asking.

use std::sync::{Mutex, PoisonError};

use records::{Code, Failure, Record};

use crate::account::in_dollars;
use crate::ask::question;
use crate::cost::{likely_tokens, most_tokens};
use crate::item::Item;
use crate::plan::Plan;
use crate::select::Choice;

/// What was counted so far.
#[derive(Default)]
pub(crate) struct Estimate(Mutex<Sums>);

#[derive(Clone, Copy, Default)]
struct Sums {
    records: u64,
    /// Records that would be asked about.
    wanted: u64,
    /// Records whose answer is there already.
    kept: u64,
    tokens_in: u64,
    most_tokens_in: u64,
}

impl Estimate {
    /// Counts a record.
    pub(crate) fn add(&self, plan: &Plan, record: &Record) -> Result<(), Failure> {
        let choice = plan.selector.choose(record)?;
        let mut one = Sums { records: 1, ..Sums::default() };
        if choice != Choice::Pass {
            let item = Item::new(plan, record, choice == Choice::Audit)?;
            let messages = item.messages(plan)?;
            let bytes: usize = messages.iter().map(|m| m.content.len()).sum();
            let most = most_tokens(&messages);
            let schema = plan.schema.as_ref().map(|schema| schema.source().clone());
            let asked = question(messages, plan.max_tokens, schema);
            if !plan.all && plan.asker.kept(&asked).is_some() {
                one.kept = 1;
            } else {
                one.wanted = 1;
                one.tokens_in = likely_tokens(bytes as u64);
                one.most_tokens_in = most;
            }
        }
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sums.records += one.records;
        sums.wanted += one.wanted;
        sums.kept += one.kept;
        sums.tokens_in = sums.tokens_in.saturating_add(one.tokens_in);
        sums.most_tokens_in = sums.most_tokens_in.saturating_add(one.most_tokens_in);
        Ok(())
    }

    /// The estimate as a record. The first provider's price counts.
    pub(crate) fn record(&self, plan: &Plan) -> Result<Record, Failure> {
        let mut sums = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(most) = plan.top.map(|n| n as u64).filter(|most| *most < sums.wanted) {
            // Which they are is known only to a run that keeps them: their mean share.
            let part = |sum: u64| {
                u64::try_from(u128::from(sum) * u128::from(most) / u128::from(sums.wanted))
            };
            sums.tokens_in = part(sums.tokens_in).unwrap_or(u64::MAX);
            sums.most_tokens_in = part(sums.most_tokens_in).unwrap_or(u64::MAX);
            sums.wanted = most;
        }
        let calls = match (plan.all, plan.batch) {
            (true, _) => sums.wanted.min(1),
            (false, Some(size)) => sums.wanted.div_ceil(size as u64),
            (false, None) => sums.wanted,
        };
        let answers = if plan.all { calls } else { sums.wanted };
        let most_out = answers.saturating_mul(plan.max_tokens);
        let likely_out = answers.saturating_mul(mean_answer(plan)?);
        let price = plan.asker.chain.providers.first().and_then(|p| p.endpoint.price);
        let cost = |tokens_in, tokens_out| {
            price.and_then(|price| price.cost(tokens_in, tokens_out)).map(in_dollars)
        };
        let mut record = Record::new();
        record.set("records", &sums.records);
        record.set("wanted", &sums.wanted);
        record.set("kept", &sums.kept);
        record.set("calls", &calls);
        record.set("tokens_in", &sums.tokens_in);
        record.set("tokens_out", &likely_out);
        record.set("cost", &cost(sums.tokens_in, likely_out));
        record.set("cost_at_most", &cost(sums.most_tokens_in, most_out));
        Ok(record)
    }
}

/// Tokens of an answer: as in the calls that the ledger knows of this model, else the most.
fn mean_answer(plan: &Plan) -> Result<u64, Failure> {
    let account = &plan.asker.account;
    let (Some(ledger), Some(first)) = (&account.ledger, plan.asker.chain.providers.first()) else {
        return Ok(plan.max_tokens);
    };
    let models = ledger.by_model().map_err(|e| Failure::new(Code::Budget, e))?;
    let known = models
        .iter()
        .find(|known| known.provider == first.endpoint.name && known.model == first.endpoint.model);
    let mean = known.and_then(|known| known.totals.tokens_out.checked_div(known.totals.calls));
    Ok(mean.filter(|mean| *mean > 0).unwrap_or(plan.max_tokens).min(plan.max_tokens))
}
