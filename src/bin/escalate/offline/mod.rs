//! `--offline-batch`: records wait in the ledger's database for a provider that answers within a
//! day, for half the price. `submit` sets money aside and sends, `collect` settles and writes.

mod collect;
mod send;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use cli::{Error, Session};
use records::{Code, Failure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Added, Batch, BatchCall, BatchHead, BatchRecord, BatchState, Ledger, Request};

use crate::args::Escalate;
use crate::ask::{Reply, question, too_far};
use crate::batch::kept;
use crate::cost::worst_case;
use crate::item::Item;
use crate::plan::Plan;
use crate::provider::Endpoint;
use crate::routes::offline_endpoint;

pub(crate) use collect::run as collect;

/// Requests of one batch; providers take 50,000 and more.
const MAX_CALLS: usize = 10_000;
/// Bytes of requests of one batch; providers take 200 MB and more.
const MAX_BYTES: usize = 32 << 20;

/// How the answers of a batch are read and written.
#[derive(Debug, Serialize, Deserialize)]
struct Settings {
    /// The key of answers.
    result: String,
    /// Their shape.
    schema: Option<Value>,
}

/// What is needed to write one record's answer.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Notes {
    /// What placeholders stand for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    originals: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    sampled: bool,
}

/// What became of a record.
pub(crate) enum Submitted {
    /// It was answered in an earlier run.
    Answered(Reply),
    /// It waits for a batch.
    Waits,
    /// A limit does not allow it.
    NotAsked(String),
}

/// Gathers records into batches.
pub(crate) struct Offline {
    courier: send::Courier,
    pipeline: String,
    run: String,
    settings: String,
    current: Mutex<Option<Current>>,
    /// Set when a batch could not be sent: the exit status tells.
    pub(crate) failed: Arc<AtomicBool>,
    waiting: std::sync::atomic::AtomicU64,
}

/// The batch that is being gathered.
struct Current {
    id: i64,
    calls: usize,
    bytes: usize,
}

impl Offline {
    pub(crate) fn new(args: &Escalate, plan: &Plan, session: &Session) -> Result<Self, Error> {
        let settings = Settings {
            result: plan.result.clone(),
            schema: plan.schema.as_ref().map(|schema| (**schema.source()).clone()),
        };
        let courier = send::Courier::new(args, offline_endpoint(args)?, session)?;
        Ok(Self {
            courier,
            pipeline: plan.asker.account.pipeline.clone(),
            run: plan.asker.account.run.clone(),
            settings: serde_json::to_string(&settings)?,
            current: Mutex::new(None),
            failed: Arc::default(),
            waiting: std::sync::atomic::AtomicU64::new(0),
        })
    }

    fn ledger<'p>(&self, plan: &'p Plan) -> Result<&'p Ledger, Failure> {
        let ledger = plan.asker.account.ledger.as_ref();
        ledger.ok_or_else(|| Failure::new(Code::Bug, "there is no ledger"))
    }

    /// Puts a record into the batch, or says why not.
    pub(crate) fn submit(&self, plan: &Plan, item: &Item) -> Result<Submitted, Failure> {
        if let Some(reply) = kept(plan, item) {
            return Ok(Submitted::Answered(reply));
        }
        let unusable = |e: store::StoreError| Failure::new(Code::Budget, e).retryable();
        let endpoint = &self.courier.client.endpoint().clone();
        if endpoint.reach > item.reach {
            return Err(item.why_it_stays(plan).unwrap_or_else(|| too_far(item.reach)));
        }
        let schema = plan.schema.as_ref().map(|schema| schema.source().clone());
        let schema_bytes = schema.as_ref().map_or(0, |schema| schema.to_string().len());
        let asked = question(item.messages(plan)?, plan.max_tokens, schema);
        let key = plan.asker.key(&asked);
        let body = endpoint.request(&asked).map_err(|e| Failure::new(Code::Remote, e))?;
        let body = String::from_utf8(body).map_err(|e| Failure::new(Code::Bug, e))?;
        let account = &plan.asker.account;
        let price = endpoint.price.filter(|price| !price.is_free());
        let amount = price
            .map(|price| worst_case(&price, &asked.messages, schema_bytes, asked.max_tokens))
            .unwrap_or(Some(store::NanoUsd::ZERO))
            .ok_or_else(|| Failure::new(Code::Budget, "the cost of this call cannot be bounded"))?;
        if let Some(most) =
            account.max_calls.filter(|m| account.calls.load(Ordering::Relaxed) >= *m)
        {
            return Ok(Submitted::NotAsked(format!("{most} calls were made (--max-calls)")));
        }
        let ledger = self.ledger(plan)?;
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let batch = match &mut *current {
            Some(batch) => batch,
            none => none.insert(self.begin(ledger, endpoint).map_err(unusable)?),
        };
        let request = Request {
            run: &self.run,
            caps: account.caps,
            amount,
            provider: &endpoint.name,
            model: &endpoint.model,
            at: SystemTime::now(),
        };
        let notes = Notes { originals: item.names.originals(), sampled: item.sampled };
        let notes = serde_json::to_string(&notes).map_err(|e| Failure::new(Code::Bug, e))?;
        let call = BatchCall { key: &key, body: &body, costs: price.is_some() };
        let ident = self.ident(&key, item);
        let record = BatchRecord { ident: &ident, record: item.record.as_str(), notes: &notes };
        match ledger.add_to_batch(batch.id, &call, &record, &request).map_err(unusable)? {
            Added::OverBudget(refusal) => return Ok(Submitted::NotAsked(refusal.to_string())),
            Added::New => {
                account.calls.fetch_add(1, Ordering::Relaxed);
                batch.calls += 1;
                batch.bytes += body.len();
            }
            Added::Shared | Added::Known => {}
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if batch.calls >= MAX_CALLS || batch.bytes >= MAX_BYTES {
            *current = None;
            self.send(ledger)?;
        }
        Ok(Submitted::Waits)
    }

    fn begin(&self, ledger: &Ledger, endpoint: &Endpoint) -> Result<Current, store::StoreError> {
        let token = format!("{:016x}", getrandom::u64().unwrap_or(0));
        let id = ledger.open_batch(&BatchHead {
            pipeline: &self.pipeline,
            provider: &endpoint.name,
            model: &endpoint.model,
            token: &token,
            settings: &self.settings,
        })?;
        Ok(Current { id, calls: 0, bytes: 0 })
    }

    /// What makes a record of a later run the same: its line, its question, and its pipeline.
    fn ident(&self, key: &[u8; 32], item: &Item) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(key).update(&(self.pipeline.len() as u64).to_le_bytes());
        hasher.update(self.pipeline.as_bytes()).update(item.record.as_str().as_bytes());
        *hasher.finalize().as_bytes()
    }

    /// Sends what was gathered, here or by runs that were killed.
    fn send(&self, ledger: &Ledger) -> Result<(), Failure> {
        let unusable = |e: store::StoreError| Failure::new(Code::Budget, e).retryable();
        let name = &self.courier.client.endpoint().name;
        let (batches, _) = ledger.claim_batches(name, &self.pipeline).map_err(unusable)?;
        for mut batch in batches.into_iter().filter(unsent) {
            if let Err(e) = self.courier.send(ledger, &mut batch) {
                log::error!("{name}: the batch was not sent, and will be by the next run: {e}");
                self.failed.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// The end of the run.
    pub(crate) fn finish(&self, plan: &Plan) -> Result<(), Failure> {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.send(self.ledger(plan)?)?;
        let waiting = self.waiting.load(Ordering::Relaxed);
        if waiting > 0 {
            log::warn!("{waiting} records wait for their batch: --offline-batch collect");
        }
        Ok(())
    }
}

/// Whether the provider may not know it yet.
fn unsent(batch: &Batch) -> bool {
    matches!(batch.state, BatchState::Gathering | BatchState::Sending)
}

/// The id of a request at the provider: letters, digits and a dash, 57 of them.
fn call_id(token: &str, key: &[u8; 32]) -> String {
    format!("{token}-{}", &blake3::Hash::from_bytes(*key).to_hex()[..40])
}
