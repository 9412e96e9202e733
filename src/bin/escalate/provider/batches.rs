//! Providers' batch endpoints: many requests at once, answered within a day, for half the price.
//!
//! OpenAI (`POST /files`, `POST /batches`, `GET /batches/ID`, `GET /files/ID/content`) and
//! Anthropic (`POST /messages/batches`, `GET /messages/batches/ID`, `…/ID/results`), as in their
//! API references.

use std::io::{BufRead as _, BufReader, Read as _};
use std::time::Duration;

use serde_json::{Value, json};
use ureq::http::header::CONTENT_TYPE;

use super::client::{MAX_BODY, transport};
use super::wire::{message, presentable};
use super::{Answer, Api, Client, ProviderError};

/// For sending and fetching whole batches.
const PATIENCE: Duration = Duration::from_secs(3600);
/// Pages of a provider's list that are looked through.
const MAX_PAGES: usize = 20;
/// Largest file of results, in bytes.
const MAX_RESULTS: u64 = 4 << 30;

/// The requests of a batch: ids and bodies, as JSON.
pub type BatchCalls = [(String, String)];

/// One request's answer. `Err` with `true` where it may have been charged for.
pub type BatchResult = Result<Answer, (ProviderError, bool)>;

/// How far a batch is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The provider works on it.
    Running,
    /// Nothing more happens to it.
    Ended(Ending),
}

/// A batch that ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    /// Where its results are; none for one that failed as a whole.
    places: Vec<String>,
    /// What the provider says of requests without a result.
    pub reason: String,
    /// Whether such requests may have been charged for.
    pub may_have_cost: bool,
}

impl Ending {
    /// A batch that the provider knows nothing of any more.
    #[must_use]
    pub fn lost(reason: String) -> Self {
        Self { places: Vec::new(), reason, may_have_cost: true }
    }
}

impl Client {
    /// Sends the file of requests that [`Client::create_batch`] refers to; its id. Interfaces
    /// that take requests along with the batch have none.
    ///
    /// # Errors
    /// What went wrong, without the key. Nothing is charged for a file.
    pub fn upload_calls(&self, calls: &BatchCalls) -> Result<Option<String>, ProviderError> {
        if self.endpoint.api == Api::Anthropic {
            return Ok(None);
        }
        let mut lines = String::new();
        for (id, body) in calls {
            lines.push_str(&format!(
                "{{\"custom_id\":{},\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\
                 \"body\":{body}}}\n",
                Value::from(id.as_str())
            ));
        }
        // No line of JSON begins with dashes, so none can be taken for the boundary.
        let boundary = "headwater-boundary";
        let part = |head: &str, body: &str| {
            format!("--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n")
        };
        let body = [
            part("name=\"purpose\"", "batch"),
            part(
                "name=\"file\"; filename=\"batch.jsonl\"\r\nContent-Type: application/jsonl",
                &lines,
            ),
            format!("--{boundary}--\r\n"),
        ]
        .concat();
        let kind = format!("multipart/form-data; boundary={boundary}");
        let reply = self.posted("/files", &kind, body.as_bytes())?;
        self.id(&reply).map(Some)
    }

    /// Asks for a batch; its id. `token` is kept with it where the interface can.
    ///
    /// # Errors
    /// What went wrong. Whether it exists is certain only for some of them.
    pub fn create_batch(
        &self,
        calls: &BatchCalls,
        file: Option<&str>,
        token: &str,
    ) -> Result<String, ProviderError> {
        let reply = match self.endpoint.api {
            Api::Openai => {
                let body = json!({
                    "input_file_id": file,
                    "endpoint": "/v1/chat/completions",
                    "completion_window": "24h",
                    "metadata": {"headwater": token},
                });
                self.posted("/batches", "application/json", body.to_string().as_bytes())?
            }
            Api::Anthropic => {
                let calls: Vec<String> = calls
                    .iter()
                    .map(|(id, body)| {
                        format!("{{\"custom_id\":{},\"params\":{body}}}", Value::from(id.as_str()))
                    })
                    .collect();
                let body = format!("{{\"requests\":[{}]}}", calls.join(","));
                self.posted("/messages/batches", "application/json", body.as_bytes())?
            }
        };
        self.id(&reply)
    }

    /// Whether the provider has a batch that may be the one with this token: after a call whose
    /// answer nobody saw. `strange` are ids of others; `count` is its number of requests.
    ///
    /// # Errors
    /// What went wrong.
    pub fn find_batch(
        &self,
        token: &str,
        strange: &[String],
        (count, since_ms): (usize, i64),
    ) -> Result<Option<String>, ProviderError> {
        let base = batches(self.endpoint.api);
        let mut after = String::new();
        for _ in 0..MAX_PAGES {
            let reply = self.got(&format!("{base}?limit=100{after}"))?;
            let empty = Vec::new();
            let list = reply["data"].as_array().unwrap_or(&empty);
            for batch in list {
                let id = self.id(batch)?;
                let ours = match self.endpoint.api {
                    Api::Openai => batch["metadata"]["headwater"] == token,
                    // It keeps no word of ours: the results will tell whether it is the one.
                    Api::Anthropic => total(batch) == Some(count) && !older(batch, since_ms),
                };
                if ours && !strange.contains(&id) {
                    return Ok(Some(id));
                }
            }
            let Some(last) = list.last().filter(|_| reply["has_more"] == true) else { break };
            let name = if self.endpoint.api == Api::Openai { "after" } else { "after_id" };
            after = format!("&{name}={}", self.id(last)?);
        }
        Ok(None)
    }

    /// How far a batch is.
    ///
    /// # Errors
    /// What went wrong.
    pub fn poll_batch(&self, id: &str) -> Result<Progress, ProviderError> {
        let base = batches(self.endpoint.api);
        let reply = self.got(&format!("{base}/{}", self.safe(id)?))?;
        if self.endpoint.api == Api::Anthropic {
            return Ok(match reply["processing_status"].as_str() {
                Some("in_progress" | "canceling") => Progress::Running,
                Some("ended") => Progress::Ended(Ending {
                    places: vec![format!("{base}/{id}/results")],
                    reason: "it ended without an answer".into(),
                    may_have_cost: true,
                }),
                other => return Err(self.strange_status(other)),
            });
        }
        let status = reply["status"].as_str();
        let reason = match status {
            Some("validating" | "in_progress" | "finalizing" | "cancelling") => {
                return Ok(Progress::Running);
            }
            Some("failed") => reply["errors"]["data"]
                .get(0)
                .map_or_else(|| "it failed".to_owned(), |error| message(&self.endpoint, error)),
            Some("completed" | "expired" | "cancelled") => status.unwrap_or_default().to_owned(),
            other => return Err(self.strange_status(other)),
        };
        let mut places = Vec::new();
        for name in ["output_file_id", "error_file_id"] {
            if let Some(id) = reply[name].as_str() {
                places.push(format!("/files/{}/content", self.safe(id)?));
            }
        }
        Ok(Progress::Ended(Ending { places, reason, may_have_cost: status == Some("completed") }))
    }

    /// Fetches the results of a batch that ended: calls `each` with a request's id and what came
    /// of it, in any order. A line that is no result is left out.
    ///
    /// # Errors
    /// What went wrong; `each` may have been called before.
    pub fn batch_results(
        &self,
        ending: &Ending,
        each: &mut dyn FnMut(&str, BatchResult),
    ) -> Result<(), ProviderError> {
        for place in &ending.places {
            let request = self.identified(self.agent.get(format!("{}{place}", self.base)))?;
            let request = request.config().timeout_global(Some(PATIENCE)).build();
            let response = request.call().map_err(|e| transport(&self.endpoint, e, false))?;
            let mut response = self.succeeded(response)?;
            let mut reader = BufReader::new(response.body_mut().as_reader().take(MAX_RESULTS));
            let mut line = Vec::new();
            loop {
                line.clear();
                let mut limited = (&mut reader).take(MAX_BODY);
                let read = limited
                    .read_until(b'\n', &mut line)
                    .map_err(|e| transport(&self.endpoint, e.into(), true))?;
                if read == 0 {
                    break;
                }
                if read as u64 == MAX_BODY && line.last() != Some(&b'\n') {
                    return Err(ProviderError::TooLarge(MAX_BODY));
                }
                match serde_json::from_slice::<Value>(&line) {
                    Ok(value) => {
                        if let Some(id) = value["custom_id"].as_str() {
                            each(id, self.result(&value));
                        }
                    }
                    Err(e) => log::debug!("a line of the results is none: {e}"),
                }
            }
        }
        Ok(())
    }

    fn result(&self, value: &Value) -> BatchResult {
        let endpoint = &self.endpoint;
        if endpoint.api == Api::Anthropic {
            let result = &value["result"];
            return match result["type"].as_str() {
                Some("succeeded") => self.read_answer(&result["message"]),
                Some("expired") => Err((ProviderError::Timeout("in the batch's time"), false)),
                Some("canceled") => Err((ProviderError::Refused("canceled".into()), false)),
                _ => {
                    let error = &result["error"];
                    let said = message(endpoint, error.get("error").unwrap_or(error));
                    Err((ProviderError::Reported(said), false))
                }
            };
        }
        let response = &value["response"];
        match response["status_code"].as_u64().and_then(|status| u16::try_from(status).ok()) {
            Some(200..=299) => self.read_answer(&response["body"]),
            Some(status) => {
                let body = &response["body"];
                let message = message(endpoint, body.get("error").unwrap_or(body));
                Err((ProviderError::Status { status, message, retry_after: None }, false))
            }
            None if value["error"]["code"] == "batch_expired" => {
                Err((ProviderError::Timeout("in the batch's time"), false))
            }
            None => Err((ProviderError::Reported(message(endpoint, &value["error"])), false)),
        }
    }

    fn read_answer(&self, body: &Value) -> BatchResult {
        self.endpoint.answer(body.to_string().as_bytes()).map_err(|error| (error, true))
    }

    fn posted(&self, path: &str, kind: &str, body: &[u8]) -> Result<Value, ProviderError> {
        let request = self
            .agent
            .post(format!("{}{path}", self.base))
            .header(CONTENT_TYPE, kind)
            .header("idempotency-key", self.idempotency_key(body));
        let request = self.identified(request)?.config().timeout_global(Some(PATIENCE)).build();
        let response = request.send(body).map_err(|e| transport(&self.endpoint, e, false))?;
        self.value(&self.json(response)?)
    }

    fn got(&self, path: &str) -> Result<Value, ProviderError> {
        let request = self.identified(self.agent.get(format!("{}{path}", self.base)))?;
        let response = request.call().map_err(|e| transport(&self.endpoint, e, false))?;
        self.value(&self.json(response)?)
    }

    fn value(&self, body: &[u8]) -> Result<Value, ProviderError> {
        serde_json::from_slice(body)
            .map_err(|e| ProviderError::Garbage(presentable(&self.endpoint, &e.to_string())))
    }

    /// The id in a reply.
    fn id(&self, reply: &Value) -> Result<String, ProviderError> {
        let id = reply["id"].as_str();
        let id = id.ok_or_else(|| ProviderError::Garbage("it holds no id".into()))?;
        self.safe(id).map(str::to_owned)
    }

    /// An id of theirs becomes part of a path: it may only be a name.
    fn safe<'t>(&self, id: &'t str) -> Result<&'t str, ProviderError> {
        let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if !id.is_empty() && id.len() <= 200 && id.chars().all(name) {
            return Ok(id);
        }
        let shown = presentable(&self.endpoint, id);
        Err(ProviderError::Garbage(format!("\"{shown}\" is no id")))
    }

    fn strange_status(&self, status: Option<&str>) -> ProviderError {
        let status = presentable(&self.endpoint, status.unwrap_or("none"));
        ProviderError::Garbage(format!("the batch's status is \"{status}\""))
    }
}

fn batches(api: Api) -> &'static str {
    match api {
        Api::Openai => "/batches",
        Api::Anthropic => "/messages/batches",
    }
}

/// How many requests a batch of Anthropic's has.
fn total(batch: &Value) -> Option<usize> {
    let counts = batch["request_counts"].as_object()?;
    let sum: u64 = counts.values().filter_map(Value::as_u64).sum();
    usize::try_from(sum).ok()
}

/// Whether it was made before ours can have been; clocks may differ by some minutes.
fn older(batch: &Value, since_ms: i64) -> bool {
    const CLOCKS: i64 = 600_000;
    let made = batch["created_at"].as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    made.is_some_and(|made| made.as_millisecond() < since_ms - CLOCKS)
}
