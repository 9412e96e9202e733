//! `--offline-batch collect`: what providers have answered meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cli::{Emit, Error, Exit, Filter, Halt, Input, Session};
use records::{Code, Failure, Record, Usage};
use serde::{Deserialize, Serialize};
use store::{Batch, BatchState, Charged, Closed, Ledger, NanoUsd, Row};

use super::send::Courier;
use super::{Notes, Settings, call_id, unsent};
use crate::account::in_dollars;
use crate::args::Escalate;
use crate::kept::Answers;
use crate::leak::Names;
use crate::plan::memory;
use crate::provider::{Answer, BatchResult, Client, Ending, Progress, ProviderError};
use crate::routes::offline_endpoint;
use crate::schema::Schema;

/// Results that are written down together.
const TOGETHER: usize = 256;
/// How often `--wait` asks, at first and at most.
const LOOKS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// What came of a call, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Outcome {
    answer: Option<Answer>,
    cost: Option<f64>,
    failure: Option<Failure>,
}

impl Outcome {
    pub(super) fn failed(failure: Failure) -> Self {
        Self { answer: None, cost: None, failure: Some(failure) }
    }

    pub(super) fn written(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Runs `collect`.
pub(crate) fn run(args: &Escalate, session: &Session) -> Result<Exit, Error> {
    let endpoint = offline_endpoint(args)?;
    let failed = Arc::new(AtomicBool::new(false));
    let collect = Collect {
        ledger: Ledger::open(&cli::env::state_folder()?.join("ledger.db"))?,
        courier: Courier::new(args, endpoint, session)?,
        pipeline: args.money.pipeline.clone().unwrap_or_default(),
        answers: memory(args)?.0,
        wait: args.offline.wait,
        patience: args.stream.timeout,
        failed: Arc::clone(&failed),
    };
    let exit = cli::driver::run_without_input(collect, &args.stream, session)?;
    let failed = failed.load(Ordering::Relaxed);
    Ok(if failed && exit == Exit::Success { Exit::SomeFailed } else { exit })
}

struct Collect {
    ledger: Ledger,
    courier: Courier,
    pipeline: String,
    answers: Answers,
    wait: bool,
    patience: Option<Duration>,
    failed: Arc<AtomicBool>,
}

impl Filter for Collect {
    type Worker = ();

    const RESULT: &'static str = "answer";

    fn worker(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn apply(&self, (): &mut (), _: &Input, _: &mut Emit<'_>) -> Result<(), Halt> {
        Ok(())
    }

    fn finish(&self, out: &mut Emit<'_>) -> Result<(), Halt> {
        let started = Instant::now();
        let mut look = LOOKS.0;
        loop {
            let name = &self.courier.client.endpoint().name;
            let (batches, others) =
                self.ledger.claim_batches(name, &self.pipeline).map_err(unusable)?;
            if others > 0 {
                log::warn!("{others} batches are in the hands of another process");
            }
            let mut left = 0_usize;
            for batch in batches {
                left += usize::from(!self.advance(batch, out)?);
            }
            if left == 0 || out.is_stopping() {
                return Ok(());
            }
            let over = self.patience.is_some_and(|patience| started.elapsed() >= patience);
            if !self.wait {
                log::warn!("{left} batches are under way");
                return Ok(());
            }
            if over {
                out.limit_reached(&format!("{left} batches are still under way (--timeout)"));
                return Ok(());
            }
            if !self.courier.sleep(look) {
                return Err(Halt::Stopped);
            }
            look = (look * 2).min(LOOKS.1);
        }
    }
}

fn unusable(error: store::StoreError) -> Failure {
    Failure::new(Code::Budget, error).retryable()
}

impl Collect {
    /// Brings a batch as far as it goes now; whether it is done with.
    fn advance(&self, mut batch: Batch, out: &mut Emit<'_>) -> Result<bool, Halt> {
        if unsent(&batch) {
            if let Err(e) = self.courier.send(&self.ledger, &mut batch) {
                self.complain(&e);
                return Ok(false);
            }
            // One without a single request is gone.
            if unsent(&batch) {
                return Ok(true);
            }
        }
        if batch.state == BatchState::Sent && !self.fetch(&mut batch)? {
            return Ok(false);
        }
        self.write(&batch, out)?;
        self.ledger.forget_batch(batch.id).map_err(unusable)?;
        Ok(true)
    }

    fn complain(&self, error: &dyn std::fmt::Display) {
        log::error!("{}: {error}", self.courier.client.endpoint().name);
        self.failed.store(true, Ordering::Relaxed);
    }

    /// Asks how far it is, and stores all answers if it has ended.
    fn fetch(&self, batch: &mut Batch) -> Result<bool, Halt> {
        let mut endpoint = self.courier.client.endpoint().clone();
        endpoint.model.clone_from(&batch.model);
        let client = Client::new(endpoint).map_err(|e| Failure::new(Code::Remote, e))?;
        let remote = batch.remote.clone().unwrap_or_default();
        let ending = match client.poll_batch(&remote) {
            Ok(Progress::Running) => return Ok(false),
            Ok(Progress::Ended(ending)) => ending,
            Err(error @ ProviderError::Status { status: 404 | 410, .. }) => {
                self.complain(&error);
                Ending::lost(error.to_string())
            }
            Err(error) => {
                self.complain(&error);
                return Ok(false);
            }
        };
        let calls = self.ledger.batch_calls(batch.id).map_err(unusable)?;
        let keys: HashMap<String, [u8; 32]> =
            calls.iter().map(|(key, _)| (call_id(&batch.token, key), *key)).collect();
        let (mut known, mut strange, mut broken) = (0_usize, 0_usize, None);
        let mut waiting = Vec::new();
        let fetched = client.batch_results(&ending, &mut |id, result| {
            let Some(key) = keys.get(id) else {
                strange += 1;
                return;
            };
            known += 1;
            waiting.push((*key, result));
            if waiting.len() >= TOGETHER {
                let stored = self.store(&client, batch.id, std::mem::take(&mut waiting));
                broken = broken.take().or(stored.err());
            }
        });
        self.store(&client, batch.id, waiting).map_err(unusable)?;
        if let Some(error) = broken {
            return Err(unusable(error).into());
        }
        if let Err(error) = fetched {
            self.complain(&error);
            return Ok(false);
        }
        if known == 0 && strange > 0 {
            // It looked like ours from outside, and is somebody else's.
            batch.strange.push(remote);
            (batch.remote, batch.state) = (None, BatchState::Sending);
            self.ledger.note_batch(batch).map_err(unusable)?;
            return Ok(false);
        }
        self.close_rest(batch.id, &ending).map_err(unusable)?;
        batch.state = BatchState::Answered;
        self.ledger.note_batch(batch).map_err(unusable)?;
        Ok(true)
    }

    /// Stores answers where a later run finds them, and then what they cost.
    fn store(
        &self,
        client: &Client,
        batch: i64,
        results: Vec<([u8; 32], BatchResult)>,
    ) -> Result<(), store::StoreError> {
        let mut ends = Vec::new();
        for (key, result) in results {
            let most = self.ledger.set_aside(batch, &key)?;
            ends.push(match result {
                Ok(answer) => {
                    self.answers.put(&key, &answer);
                    let cost = most.map(|most| cost(client, &answer, most));
                    let answer = Some(answer);
                    (key, Outcome { answer, cost: cost.map(in_dollars), failure: None }, cost)
                }
                Err((error, may_have_cost)) => {
                    let code = match error {
                        ProviderError::Timeout(_) => Code::Timeout,
                        ProviderError::Refused(_) => Code::Refused,
                        _ => Code::Remote,
                    };
                    let name = &client.endpoint().name;
                    let failure = Failure::new(code, format!("{name}: {error}"));
                    let again = error.retry() || code == Code::Timeout;
                    let failure = if again { failure.retryable() } else { failure };
                    (key, Outcome::failed(failure), (!may_have_cost).then_some(NanoUsd::ZERO))
                }
            });
        }
        let written: Vec<String> = ends.iter().map(|(_, outcome, _)| outcome.written()).collect();
        let closed: Vec<Closed<'_>> = ends
            .iter()
            .zip(&written)
            .map(|((key, outcome, cost), written)| Closed {
                key,
                outcome: written,
                charged: charged(client, outcome, *cost),
            })
            .collect();
        self.ledger.close_calls(batch, &closed).map(|_| ())
    }

    /// What the provider said nothing about.
    fn close_rest(&self, batch: i64, ending: &Ending) -> Result<(), store::StoreError> {
        let name = &self.courier.client.endpoint().name;
        let code = if ending.reason == "expired" { Code::Timeout } else { Code::Remote };
        let failure = Failure::new(code, format!("{name}: no answer: {}", ending.reason));
        let outcome = Outcome::failed(failure.retryable()).written();
        let charged = if ending.may_have_cost { Charged::Unknown } else { Charged::Nothing };
        let open = self.ledger.open_calls(batch)?;
        let closed: Vec<Closed<'_>> =
            open.iter().map(|key| Closed { key, outcome: &outcome, charged }).collect();
        self.ledger.close_calls(batch, &closed).map(|_| ())
    }

    /// Writes the records of a batch in the order in which they came.
    fn write(&self, batch: &Batch, out: &mut Emit<'_>) -> Result<(), Halt> {
        let settings: Settings =
            serde_json::from_str(&batch.settings).map_err(|e| Failure::new(Code::Bug, e))?;
        let schema = settings.schema.map(Schema::new).transpose();
        let schema = schema.map_err(|e| Failure::new(Code::Bug, e))?;
        let mut after = 0;
        loop {
            let rows = self.ledger.batch_rows(batch.id, after).map_err(unusable)?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.id;
            for row in rows {
                write_row(row, &settings.result, schema.as_ref(), out)?;
            }
        }
    }
}

fn write_row(
    row: Row,
    result: &str,
    schema: Option<&Schema>,
    out: &mut Emit<'_>,
) -> Result<(), Halt> {
    let mut record =
        Record::parse(row.record.as_bytes()).map_err(|e| Failure::new(Code::Bug, e))?;
    let notes: Notes = serde_json::from_str(&row.notes).unwrap_or_default();
    let outcome = row.outcome.as_deref().unwrap_or_default();
    let outcome: Outcome = serde_json::from_str(outcome)
        .unwrap_or_else(|e| Outcome::failed(Failure::new(Code::Bug, e)));
    let missing = || Failure::new(Code::Bug, "an outcome without an answer");
    let Some(answer) = outcome.answer else {
        return Ok(out.fail(record, outcome.failure.unwrap_or_else(missing))?);
    };
    let value = match schema {
        None => serde_json::value::to_raw_value(&answer.text).map_err(|e| e.to_string()),
        Some(schema) => schema.read(&answer.text),
    };
    let value = match value {
        Ok(value) => value,
        Err(fault) => {
            let message = format!("the answer does not fit the schema: {fault}");
            return Ok(out.fail(record, Failure::new(Code::Model, message))?);
        }
    };
    if !record.has("id") {
        let id = record.id();
        record.set("id", &id);
    }
    record.set(result, &Names::of(notes.originals).restored(value));
    record.set("escalated", &true);
    if notes.sampled {
        record.set("sampled", &true);
    }
    if answer.finish_reason == "length" {
        record.set("truncated", &true);
    }
    let mut usage = Usage { model: Some(answer.model), ..Usage::default() };
    if row.first {
        (usage.tokens_in, usage.tokens_out) = (answer.tokens_in, answer.tokens_out);
        usage.cost = outcome.cost;
    } else {
        // Another record brought this answer.
        usage.cached = Some(true);
    }
    Ok(out.record(record, usage)?)
}

/// What an answer cost: by its own count, never more than was set aside, and all of that where
/// nothing was counted.
fn cost(client: &Client, answer: &Answer, most: NanoUsd) -> NanoUsd {
    let counted = answer.tokens_in.filter(|n| *n > 0).zip(answer.tokens_out.filter(|n| *n > 0));
    let price = client.endpoint().price.zip(counted);
    let cost = price.and_then(|(price, (tokens_in, tokens_out))| price.cost(tokens_in, tokens_out));
    cost.map_or(most, |cost| cost.min(most))
}

fn charged<'o>(client: &'o Client, outcome: &'o Outcome, cost: Option<NanoUsd>) -> Charged<'o> {
    match (&outcome.answer, cost) {
        (Some(answer), Some(cost)) => Charged::Usage(store::Usage {
            cost,
            tokens_in: answer.tokens_in.unwrap_or(0).min(crate::account::MOST_TOKENS),
            tokens_out: answer.tokens_out.unwrap_or(0).min(crate::account::MOST_TOKENS),
            provider: &client.endpoint().name,
            model: &answer.model,
        }),
        (None, Some(_)) => Charged::Nothing,
        (_, None) => Charged::Unknown,
    }
}
