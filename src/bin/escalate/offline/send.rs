//! Getting a batch to its provider, once, whatever dies in between.

use std::thread;
use std::time::{Duration, Instant};

use cli::{Error, Session, Stop};
use records::{Code, Failure};
use store::{Batch, BatchState, Charged, Closed, Ledger};

use super::call_id;
use super::collect::Outcome;
use crate::args::Escalate;
use crate::provider::{BatchCalls, Client, Endpoint, ProviderError, Retry, RetryPolicy};

/// How often a wait looks whether it should stop.
const LOOK: Duration = Duration::from_millis(50);

/// The way to a provider's batches.
pub(super) struct Courier {
    pub(super) client: Client,
    policy: RetryPolicy,
    stop: Stop,
}

impl Courier {
    pub(super) fn new(
        args: &Escalate,
        endpoint: Endpoint,
        session: &Session,
    ) -> Result<Self, Error> {
        let name = endpoint.name.clone();
        let client =
            Client::new(endpoint).map_err(|e| Error::setup(format!("--to {name}: {e}")))?;
        let policy = RetryPolicy { attempts: args.provider.attempts, ..RetryPolicy::default() };
        Ok(Self { client, policy, stop: session.stop.clone() })
    }

    /// Sends a batch. What it is called there is in the database before anything else happens.
    ///
    /// # Errors
    /// It was not sent, or nobody knows; a later call finds out.
    pub(super) fn send(&self, ledger: &Ledger, batch: &mut Batch) -> Result<(), String> {
        let said = |e: store::StoreError| e.to_string();
        let calls: Vec<(String, String)> = ledger
            .batch_calls(batch.id)
            .map_err(said)?
            .into_iter()
            .map(|(key, body)| (call_id(&batch.token, &key), body))
            .collect();
        if calls.is_empty() {
            return ledger.forget_batch(batch.id).map_err(said);
        }
        // Somebody has begun to send it, and did not live to hear the answer.
        let mut unsure = batch.state == BatchState::Sending;
        batch.state = BatchState::Sending;
        ledger.note_batch(batch).map_err(said)?;
        for made in 1.. {
            let error = match self.attempt(ledger, batch, &calls, unsure) {
                Ok(id) => {
                    batch.remote = Some(id);
                    batch.state = BatchState::Sent;
                    return ledger.note_batch(batch).map_err(said);
                }
                Err(error) => error,
            };
            if is_final(&error) {
                return self.refused(ledger, batch, &error).map_err(said);
            }
            match self.policy.next(made, &error, getrandom::u64().unwrap_or(0)) {
                Retry::After(wait) if self.sleep(wait) => unsure = true,
                _ => return Err(error.to_string()),
            }
        }
        Ok(())
    }

    fn attempt(
        &self,
        ledger: &Ledger,
        batch: &mut Batch,
        calls: &BatchCalls,
        unsure: bool,
    ) -> Result<String, ProviderError> {
        let since = (calls.len(), batch.created_ms);
        if unsure && let Some(id) = self.client.find_batch(&batch.token, &batch.strange, since)? {
            return Ok(id);
        }
        if batch.file.is_none() {
            batch.file = self.client.upload_calls(calls)?;
            // If this is lost, the file is sent again, which costs nothing.
            if let Err(e) = ledger.note_batch(batch) {
                log::debug!("the id of an uploaded file is not kept: {e}");
            }
        }
        self.client.create_batch(calls, batch.file.as_deref(), &batch.token)
    }

    /// The provider takes no such batch: each of its records gets to hear why, from `collect`.
    fn refused(
        &self,
        ledger: &Ledger,
        batch: &mut Batch,
        error: &ProviderError,
    ) -> Result<(), store::StoreError> {
        let name = &self.client.endpoint().name;
        log::error!("{name}: the batch was refused: {error}");
        let failure = Failure::new(Code::Remote, format!("{name}: {error}"));
        let outcome = Outcome::failed(failure).written();
        let open = ledger.open_calls(batch.id)?;
        let closed: Vec<Closed<'_>> = open
            .iter()
            .map(|key| Closed { key, outcome: &outcome, charged: Charged::Nothing })
            .collect();
        ledger.close_calls(batch.id, &closed)?;
        batch.state = BatchState::Answered;
        ledger.note_batch(batch)
    }

    /// Waits; false when it should stop.
    pub(super) fn sleep(&self, wait: Duration) -> bool {
        let until = Instant::now() + wait;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            if self.stop.is_set() {
                return false;
            }
            thread::sleep(left.min(LOOK));
        }
        !self.stop.is_set()
    }
}

/// Whether the same batch will never be taken. A wrong key or an overload is another matter.
fn is_final(error: &ProviderError) -> bool {
    matches!(error, ProviderError::Status { status: 400 | 404 | 405 | 410 | 413 | 422, .. })
}
