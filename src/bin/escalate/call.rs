//! One paid or free call: money set aside before it, settled after it.

use std::time::SystemTime;

use records::{Code, Failure, Usage};
use store::{Charge, NanoUsd, Refusal, Request, Reservation};

use crate::cost::worst_case;
use crate::plan::{Account, Plan};
use crate::prompt::{Source, messages};
use crate::provider::{Answer, Endpoint, ProviderError, Question};

/// What came of asking.
pub(crate) enum Asked {
    /// An answer, and what it took.
    Answered(Answer, Usage),
    /// The call would have exceeded a budget, and was not made.
    OverBudget(Refusal),
}

/// Asks the plan's question about `sources`.
pub(crate) fn ask(plan: &Plan, sources: &[Source<'_>]) -> Result<Asked, Failure> {
    let messages = messages(&plan.question, sources).map_err(|e| Failure::new(Code::Bug, e))?;
    let endpoint = plan.client.endpoint();
    let question =
        Question { messages, max_tokens: plan.max_tokens, temperature_milli: Some(0), seed: None };
    let reservation = match &plan.account {
        None => None,
        Some(account) => match reserve(account, endpoint, &question)? {
            Charge::Reserved(reservation) => Some((account, reservation)),
            Charge::OverBudget(refusal) => return Ok(Asked::OverBudget(refusal)),
        },
    };
    let result = plan.client.ask(&question, &plan.retries, &|| plan.stop.is_set());
    let cost = match (&reservation, &result) {
        (Some((account, reservation)), Ok(answer)) => {
            Some(settle(account, reservation, endpoint, answer)?)
        }
        // What may have cost something goes on counting in full.
        (Some((account, reservation)), Err(error)) if !error.may_have_cost() => {
            account.ledger.release(reservation).map_err(|e| Failure::new(Code::Budget, e))?;
            None
        }
        _ => endpoint.price.filter(|p| p.is_free()).map(|_| NanoUsd::ZERO),
    };
    let answer = result.map_err(|e| failure(endpoint, &e))?;
    let usage = Usage {
        model: Some(answer.model.clone()),
        tokens_in: answer.tokens_in,
        tokens_out: answer.tokens_out,
        cost: cost.map(in_dollars),
        ..Usage::default()
    };
    Ok(Asked::Answered(answer, usage))
}

fn reserve(account: &Account, endpoint: &Endpoint, question: &Question) -> Result<Charge, Failure> {
    let worst = endpoint
        .price
        .and_then(|price| worst_case(&price, &question.messages, question.max_tokens))
        .ok_or_else(|| Failure::new(Code::Budget, "the cost of this call cannot be bounded"))?;
    let request = Request {
        run: &account.run,
        caps: account.caps,
        amount: worst,
        provider: &endpoint.name,
        model: &endpoint.model,
        at: SystemTime::now(),
    };
    account.ledger.reserve(&request).map_err(|e| Failure::new(Code::Budget, e).retryable())
}

/// Books what the answer cost. Where the server did not count, all that was set aside.
fn settle(
    account: &Account,
    reservation: &Reservation,
    endpoint: &Endpoint,
    answer: &Answer,
) -> Result<NanoUsd, Failure> {
    let counted = answer.tokens_in.zip(answer.tokens_out);
    let cost = match (endpoint.price, counted) {
        (Some(price), Some((tokens_in, tokens_out))) => price.cost(tokens_in, tokens_out),
        _ => None,
    };
    let cost = cost.unwrap_or_else(|| reservation.amount());
    let usage = store::Usage {
        cost,
        tokens_in: answer.tokens_in.unwrap_or(0),
        tokens_out: answer.tokens_out.unwrap_or(0),
        provider: &endpoint.name,
        model: &answer.model,
    };
    account.ledger.settle(reservation, &usage).map_err(|e| Failure::new(Code::Budget, e))?;
    Ok(cost)
}

#[expect(clippy::cast_precision_loss, reason = "for reading; the ledger holds the exact amount")]
fn in_dollars(amount: NanoUsd) -> f64 {
    amount.get() as f64 / store::NANO_PER_USD as f64
}

fn failure(endpoint: &Endpoint, error: &ProviderError) -> Failure {
    let code = match error {
        ProviderError::Timeout(_) => Code::Timeout,
        ProviderError::Status { status: 413, .. } => Code::TooLong,
        ProviderError::Status { status: 400..=499, message, .. }
            if message.contains("context") && message.contains("length") =>
        {
            Code::TooLong
        }
        _ => Code::Remote,
    };
    let failure = Failure::new(code, format!("{}: {error}", endpoint.name));
    if error.retry() { failure.retryable() } else { failure }
}
