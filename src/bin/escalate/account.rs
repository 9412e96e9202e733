//! The books of a run: what may still be spent, and what was.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use cli::Stop;
use records::{Code, Failure};
use store::{Caps, Charge, Ledger, NanoUsd, Request, Reservation};

use crate::cost::worst_case;
use crate::provider::{Answer, Endpoint, ProviderError, Question};

/// How often a wait for others' reservations looks again.
const LOOK: Duration = Duration::from_millis(50);
/// Looks between two searches for processes that are gone.
const RECOVER_EVERY: u32 = 20;
/// How long one waits for others' reservations to be settled before a budget counts as spent.
const PATIENCE: Duration = Duration::from_secs(300);

/// Tokens of one call that are believed: sums over a ledger stay far from any limit.
pub(crate) const MOST_TOKENS: u64 = 100_000_000;

/// Limits, and the ledger where money is spent.
pub(crate) struct Account {
    /// None where nothing costs anything, or no price is known and no limit was set.
    pub(crate) ledger: Option<Ledger>,
    pub(crate) caps: Caps,
    /// Name of this run in the ledger.
    pub(crate) run: String,
    /// Name of the pipeline that it belongs to; may be empty.
    pub(crate) pipeline: String,
    /// Records that needed no call so far.
    pub(crate) passed: AtomicU64,
    pub(crate) max_calls: Option<u64>,
    pub(crate) calls: AtomicU64,
    /// Whether an impossible count was told of.
    pub(crate) complained: AtomicBool,
}

/// What became of a wish to call.
pub(crate) enum Booked {
    /// Money is set aside.
    Reserved(Reservation),
    /// Nothing is booked for this provider.
    Free,
    /// A limit does not allow it.
    Over(String),
}

impl Account {
    /// For what costs nothing.
    pub(crate) fn free() -> Self {
        Self {
            ledger: None,
            caps: Caps::default(),
            run: String::new(),
            pipeline: String::new(),
            passed: AtomicU64::new(0),
            max_calls: None,
            calls: AtomicU64::new(0),
            complained: AtomicBool::new(false),
        }
    }

    /// Sets aside what the call can cost at most.
    pub(crate) fn reserve(
        &self,
        endpoint: &Endpoint,
        question: &Question,
        stop: &Stop,
    ) -> Result<Booked, Failure> {
        let booked = self.set_aside(endpoint, question, stop)?;
        let Some(most) = self.max_calls.filter(|_| !matches!(booked, Booked::Over(_))) else {
            return Ok(booked);
        };
        let one_more = |calls: u64| (calls < most).then_some(calls + 1);
        if self.calls.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok() {
            return Ok(booked);
        }
        if let (Booked::Reserved(reservation), Some(ledger)) = (&booked, &self.ledger) {
            ledger.release(reservation).map_err(|e| Failure::new(Code::Budget, e))?;
        }
        Ok(Booked::Over(format!("{most} calls were made (--max-calls): no more are made")))
    }

    fn set_aside(
        &self,
        endpoint: &Endpoint,
        question: &Question,
        stop: &Stop,
    ) -> Result<Booked, Failure> {
        let Some(ledger) = &self.ledger else { return Ok(Booked::Free) };
        // Where no price is known, no limit was set either: that was checked at the start.
        let Some(price) = endpoint.price.filter(|price| !price.is_free()) else {
            return Ok(Booked::Free);
        };
        let schema = question.schema.as_ref().map_or(0, |schema| schema.to_string().len());
        let amount = worst_case(&price, &question.messages, schema, question.max_tokens)
            .ok_or_else(|| Failure::new(Code::Budget, "the cost of this call cannot be bounded"))?;
        let unusable = |e: store::StoreError| Failure::new(Code::Budget, e).retryable();
        let started = Instant::now();
        let mut before = None;
        for look in 1_u32.. {
            let request = Request {
                run: &self.run,
                caps: self.caps,
                amount,
                provider: &endpoint.name,
                model: &endpoint.model,
                at: SystemTime::now(),
            };
            let refusal = match ledger.reserve(&request).map_err(unusable)? {
                Charge::Reserved(reservation) => return Ok(Booked::Reserved(reservation)),
                Charge::OverBudget(refusal) => refusal,
            };
            // Calls under way will give back most of what they set aside: perhaps it is enough.
            // What is pending is read after what is spent, and some may have been settled
            // between: only two equal refusals say that nothing moves any more.
            let pending = ledger.pending(refusal.which, &request).map_err(unusable)?;
            let at_best = refusal.spent.saturating_sub(pending).checked_add(amount);
            let hopeless =
                pending == NanoUsd::ZERO || at_best.is_none_or(|least| least > refusal.cap);
            let still = before.replace(refusal.spent) == Some(refusal.spent);
            if (hopeless && still) || started.elapsed() > PATIENCE || stop.is_set() {
                return Ok(Booked::Over(refusal.to_string()));
            }
            if hopeless {
                continue;
            }
            thread::sleep(LOOK);
            // Who was killed meanwhile gives nothing back any more.
            if look.is_multiple_of(RECOVER_EVERY) {
                ledger.recover().map_err(unusable)?;
            }
        }
        Ok(Booked::Over("the budget is spent".to_owned()))
    }

    /// Books what the answer cost, in dollars. Where the server did not count, all that was set
    /// aside; and never more: that was the most that the call could cost.
    pub(crate) fn settle(
        &self,
        reservation: &Reservation,
        endpoint: &Endpoint,
        answer: &Answer,
    ) -> Result<f64, Failure> {
        let most = reservation.amount();
        // A text without a single token is no count.
        let counted = answer.tokens_in.filter(|n| *n > 0).zip(answer.tokens_out.filter(|n| *n > 0));
        let claimed = match (endpoint.price, counted) {
            (Some(price), Some((tokens_in, tokens_out))) => {
                Some(price.cost(tokens_in, tokens_out)).map(|cost| cost.unwrap_or(NanoUsd::MAX))
            }
            _ => None,
        };
        if let Some(claimed) = claimed.filter(|claimed| *claimed > most)
            && !self.complained.swap(true, Ordering::Relaxed)
        {
            log::warn!(
                "{} claims tokens for ${claimed} where a call can cost ${most} at most: booked is \
                 the latter. Look at its bill",
                endpoint.name
            );
        }
        let cost = claimed.map_or(most, |claimed| claimed.min(most));
        if let Some(ledger) = &self.ledger {
            let usage = store::Usage {
                cost,
                tokens_in: answer.tokens_in.unwrap_or(0).min(MOST_TOKENS),
                tokens_out: answer.tokens_out.unwrap_or(0).min(MOST_TOKENS),
                provider: &endpoint.name,
                model: &answer.model,
            };
            ledger.settle(reservation, &usage).map_err(|e| Failure::new(Code::Budget, e))?;
        }
        Ok(in_dollars(cost))
    }

    /// Writes down how many records needed no call.
    pub(crate) fn close(&self) {
        let passed = self.passed.swap(0, Ordering::Relaxed);
        if let Some(ledger) = self.ledger.as_ref().filter(|_| passed > 0)
            && let Err(e) = ledger.passed(&self.pipeline, passed, SystemTime::now())
        {
            log::warn!("the ledger's report will lack this run's records that passed: {e}");
        }
    }

    /// Gives back what a failed call certainly did not cost; the rest goes on counting in full.
    pub(crate) fn failed(
        &self,
        reservation: &Reservation,
        error: &ProviderError,
    ) -> Result<(), Failure> {
        match &self.ledger {
            Some(ledger) if !error.may_have_cost() => {
                ledger.release(reservation).map_err(|e| Failure::new(Code::Budget, e))
            }
            _ => Ok(()),
        }
    }
}

/// For reading; the ledger holds the exact amount.
#[expect(clippy::cast_precision_loss, reason = "a number for people")]
pub(crate) fn in_dollars(amount: NanoUsd) -> f64 {
    amount.get() as f64 / store::NANO_PER_USD as f64
}
