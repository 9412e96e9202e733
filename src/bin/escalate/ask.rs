//! One question to the chain: from the store if it was asked before, else money set aside, asked,
//! settled, stored.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use cli::Stop;
use records::{Code, Failure, Record, Usage};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::account::{Account, Booked};
use crate::chain::{Chain, Provider};
use crate::kept::Answers;
use crate::provider::{Answer, Message, ProviderError, Question, Retry, RetryPolicy};
use crate::reach::Reach;
use crate::schema::Schema;

/// How often a wait looks whether it should stop.
const LOOK: Duration = Duration::from_millis(50);

/// What came of asking.
pub(crate) enum Asked {
    /// An answer, and what it took.
    Answered(Reply),
    /// A budget or a limit did not allow it, and nothing was sent.
    NotAsked(String),
}

/// An answer.
pub(crate) struct Reply {
    /// The answer as JSON: a string, or what the schema asks for.
    pub(crate) value: Box<RawValue>,
    /// Its text as the model wrote it.
    pub(crate) text: String,
    /// Whether it was cut off at the limit of tokens.
    pub(crate) truncated: bool,
    pub(crate) usage: Usage,
}

/// Everything that is needed to ask.
pub(crate) struct Asker {
    pub(crate) chain: Chain,
    pub(crate) account: Account,
    pub(crate) answers: Arc<Answers>,
    pub(crate) policy: RetryPolicy,
    /// For one question with all its attempts, where the user set a limit.
    pub(crate) patience: Option<Duration>,
    /// Questions that may fail before no more are asked.
    pub(crate) max_errors: Option<u64>,
    pub(crate) errors: AtomicU64,
    /// With `--dry-run`: the requests that would have been sent.
    pub(crate) shown: Option<Mutex<Vec<Record>>>,
    pub(crate) stop: Stop,
}

/// What came of asking one provider.
enum Attempt {
    Answered(Answer, Option<f64>),
    NotPaid(String),
    Failed(ProviderError),
}

impl Asker {
    /// Asks, and with a schema asks once more about an answer that does not fit it.
    pub(crate) fn ask(
        &self,
        mut messages: Vec<Message>,
        max_tokens: u64,
        schema: Option<&Schema>,
        reach: Reach,
    ) -> Result<Asked, Failure> {
        let mut usage = Usage::default();
        let mut complaint = None;
        for _ in 0..2 {
            let source = schema.map(|schema| Arc::clone(schema.source()));
            let question = question(messages.clone(), max_tokens, source);
            let answer = match self.question(&question, reach)? {
                Ok((answer, used)) => {
                    add(&mut usage, used);
                    answer
                }
                Err(reason) => return Ok(Asked::NotAsked(reason)),
            };
            let truncated = answer.finish_reason == "length";
            let value = match schema {
                None => serde_json::value::to_raw_value(&answer.text).map_err(|e| e.to_string()),
                Some(schema) => schema.read(&answer.text),
            };
            match value {
                Ok(value) => {
                    return Ok(Asked::Answered(Reply {
                        value,
                        text: answer.text,
                        truncated,
                        usage,
                    }));
                }
                Err(fault) => {
                    let cut = if truncated { " It was cut off: be shorter." } else { "" };
                    messages.push(Message::assistant(answer.text));
                    messages.push(Message::user(format!(
                        "That answer does not fit the schema: {fault}.{cut} Answer again, with \
                         nothing but the corrected JSON."
                    )));
                    complaint = Some(fault);
                }
            }
        }
        self.errors.fetch_add(1, Ordering::Relaxed);
        let fault = complaint.unwrap_or_default();
        Err(Failure::new(Code::Model, format!("the answer does not fit the schema: {fault}")))
    }

    /// One question: an answer and what it took, or why it was not asked.
    pub(crate) fn question(
        &self,
        question: &Question,
        reach: Reach,
    ) -> Result<Result<(Answer, Usage), String>, Failure> {
        let key = self.key(question);
        if let Some(shown) = &self.shown {
            let request = self.request(question, reach, &key)?;
            shown.lock().unwrap_or_else(PoisonError::into_inner).push(request);
            return Ok(Err("--dry-run".to_owned()));
        }
        let _turn = self.answers.turn(key);
        if let Some(answer) = self.answers.get(&key) {
            let model = Some(answer.model.clone());
            let usage = Usage { model, cached: Some(true), ..Usage::default() };
            return Ok(Ok((answer, usage)));
        }
        if let Some(most) = self.max_errors.filter(|m| self.errors.load(Ordering::Relaxed) >= *m) {
            return Ok(Err(format!(
                "{most} records failed (--max-errors): no more are asked about"
            )));
        }
        let asked = self.rounds(question, reach, &key);
        if asked.is_err() && !self.stop.is_set() {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
        asked
    }

    /// The request that the first provider would get, as a record.
    fn request(
        &self,
        question: &Question,
        reach: Reach,
        key: &[u8; 32],
    ) -> Result<Record, Failure> {
        let near = |n: &usize| self.chain.providers[*n].endpoint.reach <= reach;
        let first = self.chain.order().into_iter().find(near).ok_or_else(|| too_far(reach))?;
        let endpoint = &self.chain.providers[first].endpoint;
        let body = endpoint.request(question).map_err(|e| Failure::new(Code::Remote, e))?;
        let body: Box<RawValue> =
            serde_json::from_slice(&body).map_err(|e| Failure::new(Code::Bug, e))?;
        let mut record = Record::new();
        record.set("to", &endpoint.name);
        record.set("model", &endpoint.model);
        record.set("privacy", &endpoint.reach.name());
        record.set("kept", &self.answers.get(key).is_some());
        record.set("request", &body);
        Ok(record)
    }

    /// All providers in order, again and again while waiting can help.
    fn rounds(
        &self,
        question: &Question,
        reach: Reach,
        key: &[u8; 32],
    ) -> Result<Result<(Answer, Usage), String>, Failure> {
        let started = Instant::now();
        let mut out: Vec<bool> =
            self.chain.providers.iter().map(|p| p.endpoint.reach > reach).collect();
        let (mut limit, mut failure) = (None, None);
        for made in 1.. {
            let mut wait: Option<Duration> = None;
            for n in self.chain.order() {
                if out[n] {
                    continue;
                }
                let provider = &self.chain.providers[n];
                match self.attempt(provider, question, key)? {
                    Attempt::Answered(answer, cost) => {
                        let usage = usage(&answer, cost);
                        return Ok(Ok((answer, usage)));
                    }
                    Attempt::NotPaid(reason) => {
                        out[n] = true;
                        limit = Some(reason);
                    }
                    Attempt::Failed(error) => {
                        let paid = error.may_have_cost() && !provider.is_free();
                        match self.policy.next(made, &error, jitter()) {
                            Retry::After(after) if !paid => {
                                log::debug!("{}: attempt {made}: {error}", provider.endpoint.name);
                                wait = Some(wait.map_or(after, |wait| wait.min(after)));
                            }
                            _ => out[n] = true,
                        }
                        failure = Some(describe(provider, &error));
                    }
                }
                if self.stop.is_set() {
                    return Err(failure.unwrap_or_else(stopped));
                }
            }
            let Some(wait) = wait else { break };
            let over = self.patience.is_some_and(|patience| started.elapsed() + wait > patience);
            if over || !self.sleep(wait) {
                break;
            }
        }
        match (failure, limit) {
            (Some(failure), _) => Err(failure),
            (None, Some(limit)) => Ok(Err(limit)),
            (None, None) => Err(too_far(reach)),
        }
    }

    fn attempt(
        &self,
        provider: &Provider,
        question: &Question,
        key: &[u8; 32],
    ) -> Result<Attempt, Failure> {
        let started = Instant::now();
        let stop = || self.stop.is_set();
        let over = || self.patience.is_some_and(|patience| started.elapsed() > patience);
        let Some(_permit) = provider.pace.enter(&|| stop() || over()) else {
            let late = Attempt::Failed(ProviderError::Timeout("waiting for a turn"));
            return if stop() { Err(stopped()) } else { Ok(late) };
        };
        let client = match provider.client() {
            Ok(client) => client,
            Err(error) => {
                provider.pace.failed(&error);
                return Ok(Attempt::Failed(error));
            }
        };
        let booked = match self.account.reserve(&provider.endpoint, question, &self.stop)? {
            Booked::Reserved(reservation) => Some(reservation),
            Booked::Free => None,
            Booked::Over(reason) => return Ok(Attempt::NotPaid(reason)),
        };
        let result = client.ask(question, &stop);
        match &result {
            // Stored first: whatever happens now, it was paid for and is here.
            Ok(answer) => {
                self.answers.put(key, answer);
                provider.pace.answered(answer.pause);
            }
            Err(error) => {
                let was_resting = provider.pace.resting_until().is_some();
                provider.pace.failed(error);
                if provider.pace.resting_until().is_some() != was_resting {
                    self.chain.remember();
                }
            }
        }
        let cost = match (booked, &result) {
            (None, Ok(_)) => provider.is_free().then_some(0.0),
            (None, Err(_)) => None,
            (Some(reservation), Ok(answer)) => {
                Some(self.account.settle(&reservation, &provider.endpoint, answer)?)
            }
            (Some(reservation), Err(error)) => {
                self.account.failed(&reservation, error)?;
                None
            }
        };
        Ok(match result {
            Ok(answer) => Attempt::Answered(answer, cost),
            Err(error) => Attempt::Failed(error),
        })
    }

    /// What an answer depends on: who is asked, and what.
    pub(crate) fn key(&self, question: &Question) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        let mut add = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        };
        add("escalate answer 1");
        for provider in &self.chain.providers {
            add(&provider.endpoint.name);
            add(&provider.endpoint.model);
        }
        add(&question.max_tokens.to_string());
        add(&question.schema.as_ref().map(|schema| schema.to_string()).unwrap_or_default());
        for message in &question.messages {
            add(message.role);
            add(&message.content);
        }
        if let Some(seed) = question.seed {
            hasher.update(&seed.to_le_bytes());
        }
        for image in question.messages.iter().flat_map(|message| &message.images) {
            hasher.update(&image.digest);
        }
        *hasher.finalize().as_bytes()
    }

    /// Waits; false when it should stop.
    fn sleep(&self, wait: Duration) -> bool {
        let until = Instant::now() + wait;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            if self.stop.is_set() {
                return false;
            }
            thread::sleep(left.min(LOOK));
        }
        true
    }

    /// Whether an answer to this is in the store.
    pub(crate) fn kept(&self, question: &Question) -> Option<Answer> {
        self.answers.get(&self.key(question))
    }

    /// Stores an answer that came as part of another.
    pub(crate) fn keep(&self, question: &Question, answer: &Answer) {
        self.answers.put(&self.key(question), answer);
    }
}

/// A question whose answer is repeatable.
pub(crate) fn question(
    messages: Vec<Message>,
    max_tokens: u64,
    schema: Option<Arc<Value>>,
) -> Question {
    Question { messages, max_tokens, temperature_milli: Some(0), seed: None, schema }
}

fn usage(answer: &Answer, cost: Option<f64>) -> Usage {
    Usage {
        model: Some(answer.model.clone()),
        tokens_in: answer.tokens_in,
        tokens_out: answer.tokens_out,
        cost,
        ..Usage::default()
    }
}

/// Adds what a further question used.
pub(crate) fn add(sum: &mut Usage, more: Usage) {
    let plus = |a: Option<u64>, b: Option<u64>| match (a, b) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        (a, b) => a.or(b),
    };
    sum.tokens_in = plus(sum.tokens_in, more.tokens_in);
    sum.tokens_out = plus(sum.tokens_out, more.tokens_out);
    sum.cost = match (sum.cost, more.cost) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    };
    // Cached is what took nothing at all.
    sum.cached = if sum.model.is_some() && sum.cached.is_none() { None } else { more.cached };
    sum.model = more.model.or(sum.model.take());
}

pub(crate) fn too_far(reach: Reach) -> Failure {
    let class = reach.name();
    let message =
        format!("it may only go as far as \"{class}\", and no provider of --to is that near");
    Failure::new(Code::Refused, message)
}

fn stopped() -> Failure {
    Failure::new(Code::Remote, "stopped").retryable()
}

fn describe(provider: &Provider, error: &ProviderError) -> Failure {
    let code = match error {
        ProviderError::Timeout(_) => Code::Timeout,
        ProviderError::Refused(_) => Code::Refused,
        error if error.is_too_long() => Code::TooLong,
        _ => Code::Remote,
    };
    let failure = Failure::new(code, format!("{}: {error}", provider.endpoint.name));
    if error.retry() { failure.retryable() } else { failure }
}

/// A random number; zero where the system has none, which only makes waits less spread out.
fn jitter() -> u64 {
    getrandom::u64().unwrap_or(0)
}
