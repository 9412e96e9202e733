//! Models that others serve: which server is asked, and what becomes of its answer.
//!
//! What goes there is the body of the request without what tells who asked, our own key, and the
//! ids of the servers that it has passed: who finds itself among them refuses it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use hyper::body::Incoming;
use serde_json::{Map, Value};
use tokio::time::timeout;

use crate::member::{Member, Right};
use crate::refusal::Refusal;
use crate::relay::{self, HOPS, Line};
use crate::upstream::{Offer, Upstream};

/// Servers that a request may pass.
const MOST_HOPS: usize = 4;
/// For a list of models to come.
const LIST_LIMIT: Duration = Duration::from_secs(5);
/// After which a list is asked for again, when somebody wants to know.
const LIST_AGE: Duration = Duration::from_secs(30);
/// Between two pieces of a streamed answer.
const IDLE: Duration = Duration::from_secs(120);
/// Largest answer that does not stream, in bytes.
const MOST_BYTES: usize = 16 << 20;
/// For how long a server that failed is asked last.
const REST: Duration = Duration::from_secs(30);
/// Fields that name the person who asks, or keep something for later.
const PERSONAL: [&str; 6] =
    ["user", "safety_identifier", "prompt_cache_key", "metadata", "store", "service_tier"];

/// All upstreams.
pub(crate) struct Federation {
    /// This process, to others.
    pub(crate) id: String,
    pub(crate) upstreams: Vec<Arc<Upstream>>,
    /// For the head of an answer.
    limit: Duration,
}

/// A request on its way.
pub(crate) struct Errand<'a> {
    pub(crate) model: &'a str,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) member: &'a Arc<Member>,
}

impl Federation {
    pub(crate) fn new(id: u64, upstreams: Vec<Upstream>, limit: Duration) -> Self {
        let upstreams = upstreams.into_iter().map(Arc::new).collect();
        Self { id: format!("{id:016x}"), upstreams, limit }
    }

    /// Asks everybody for their models, at the same time. Who asked us for ours is not made to
    /// wait for others: with `headers` of such a request nothing happens.
    pub(crate) async fn refresh(&self, headers: Option<&HeaderMap>) {
        if headers.is_some_and(|headers| headers.contains_key(HOPS)) {
            return;
        }
        let stale = |upstream: &&Arc<Upstream>| {
            upstream.list_age().is_none_or(|age| age > LIST_AGE) && upstream.resting().is_none()
        };
        let lists = self.upstreams.iter().filter(stale).map(|upstream| async move {
            let list = timeout(LIST_LIMIT, self.list(upstream)).await;
            let list = list.unwrap_or_else(|_| Err("no list in time".to_owned()));
            if let Err(e) = &list {
                log::warn!("upstream {}: {e}", upstream.name);
            }
            upstream.listed(list.ok().as_ref(), &self.id, MOST_HOPS);
        });
        futures::future::join_all(lists).await;
    }

    async fn list(&self, upstream: &Upstream) -> Result<Value, String> {
        let (response, _line) = relay::ask(upstream, "/models", &self.id, None, LIST_LIMIT).await?;
        if response.status() != StatusCode::OK {
            return Err(format!("its list of models: status {}", response.status()));
        }
        let body = whole(response.into_body()).await.map_err(str::to_owned)?;
        serde_json::from_slice(&body).map_err(|e| format!("its list of models: {e}"))
    }

    /// What others offer, each model once, by the first that does.
    pub(crate) fn offers(&self) -> Vec<Offer> {
        let mut offers: Vec<Offer> = Vec::new();
        for offer in self.upstreams.iter().flat_map(|upstream| upstream.offers()) {
            if offers.iter().all(|known| known.id != offer.id) {
                offers.push(offer);
            }
        }
        offers
    }

    /// Asks who has the model. `None` when nobody does.
    pub(crate) async fn forward(
        &self,
        errand: &Errand<'_>,
        mut body: Map<String, Value>,
    ) -> Option<Result<Response, Refusal>> {
        if self.upstreams.iter().all(|upstream| !upstream.has(errand.model)) {
            self.refresh(Some(errand.headers)).await;
        }
        let mut able: Vec<&Arc<Upstream>> =
            self.upstreams.iter().filter(|upstream| upstream.has(errand.model)).collect();
        if able.is_empty() {
            return None;
        }
        let hops = match self.hops(errand.headers) {
            Ok(hops) => hops,
            Err(refusal) => return Some(Err(refusal)),
        };
        able.sort_by_key(|upstream| upstream.resting().is_some());
        for name in PERSONAL {
            body.remove(name);
        }
        let body = Bytes::from(Value::Object(body).to_string());
        let right = match errand.member.enter() {
            Ok(right) => right,
            Err(refusal) => return Some(Err(refusal)),
        };
        let mut refusal = Refusal::upstream("no server that has this model can be asked now");
        for upstream in able {
            match self.attempt(upstream, errand, &hops, &body).await {
                Ok((response, theirs)) => {
                    let meter = Meter {
                        members: [Arc::clone(errand.member), Arc::clone(&upstream.quota)],
                        sent: body.len(),
                        pieces: 0,
                        usage: None,
                        _rights: [right, theirs],
                    };
                    return Some(passed_on(response, meter, upstream).await);
                }
                Err(said) => {
                    log::info!("upstream {}: {said:?}", upstream.name);
                    refusal = said;
                }
            }
        }
        Some(Err(refusal))
    }

    /// The servers that a request has passed, with this one.
    fn hops(&self, headers: &HeaderMap) -> Result<String, Refusal> {
        let values = headers.get_all(HOPS).iter().filter_map(|value| value.to_str().ok());
        let mut hops: Vec<&str> =
            values.flat_map(|value| value.split(',')).map(str::trim).collect();
        if hops.contains(&self.id.as_str()) {
            return Err(Refusal::going_round("the request has passed this server before"));
        }
        if hops.len() >= MOST_HOPS {
            return Err(Refusal::going_round("the request has passed too many servers"));
        }
        hops.push(&self.id);
        Ok(hops.join(","))
    }

    /// One server, one attempt: an answer that is worth passing on, or why there is none.
    async fn attempt(
        &self,
        upstream: &Upstream,
        errand: &Errand<'_>,
        hops: &str,
        body: &Bytes,
    ) -> Result<((Response<Incoming>, Line), Right), Refusal> {
        let right = upstream.quota.enter()?;
        let asked = relay::ask(upstream, errand.path, hops, Some(body.clone()), self.limit).await;
        let (response, line) = asked.map_err(|e| {
            log::warn!("upstream {}: {e}", upstream.name);
            upstream.rest(REST);
            Refusal::upstream("a server that has this model does not answer")
        })?;
        let status = response.status();
        let wait = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()?.parse().ok());
        match status.as_u16() {
            200..=299 => {
                upstream.is_well();
                Ok(((response, line), right))
            }
            429 => {
                let wait = wait.unwrap_or(5);
                upstream.rest(Duration::from_secs(wait));
                Err(Refusal::too_many("requests at the server that has this model", wait))
            }
            508 => Err(Refusal::going_round("the servers that have this model ask each other")),
            401..=403 => {
                // Our key there, which is nothing to the client.
                log::error!("upstream {}: it does not take our key: {status}", upstream.name);
                upstream.rest(REST * 10);
                Err(Refusal::upstream("a server that has this model does not let us in"))
            }
            400..=499 if status != StatusCode::NOT_FOUND => Ok(((response, line), right)),
            404 => Err(Refusal::unknown_model(errand.model)),
            _ => {
                log::warn!("upstream {}: status {status}", upstream.name);
                upstream.rest(Duration::from_secs(wait.unwrap_or(REST.as_secs())));
                Err(Refusal::upstream("a server that has this model failed"))
            }
        }
    }
}

/// What an answer takes, counted while it passes.
struct Meter {
    /// Who asks, and who answers.
    members: [Arc<Member>; 2],
    /// Bytes of the request.
    sent: usize,
    /// Events of a stream: about a token each.
    pieces: usize,
    /// What the server counted.
    usage: Option<(usize, usize)>,
    _rights: [Right; 2],
}

impl Meter {
    fn saw(&mut self, bytes: &[u8]) {
        self.pieces += bytes.windows(6).filter(|window| *window == b"data: ").count();
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        for line in text.lines().filter(|line| line.contains("\"usage\":{")) {
            self.count(serde_json::from_str(line.trim_start_matches("data: ")).ok().as_ref());
        }
    }

    fn count(&mut self, answer: Option<&Value>) {
        let number = |name: &str| {
            let count = answer?["usage"][name].as_u64()?;
            usize::try_from(count.min(100_000_000)).ok()
        };
        if let Some(tokens_in) = number("prompt_tokens") {
            self.usage = Some((tokens_in, number("completion_tokens").unwrap_or(0)));
        }
    }
}

impl Drop for Meter {
    /// Also for an answer that nobody waited for.
    fn drop(&mut self) {
        // English has about four bytes a token.
        let (tokens_in, tokens_out) = self.usage.unwrap_or((self.sent / 4, self.pieces));
        for member in &self.members {
            member.took(tokens_in, tokens_out);
        }
    }
}

/// An answer for our client: a stream piece by piece as it is taken, anything else whole.
async fn passed_on(
    (response, line): (Response<Incoming>, Line),
    mut meter: Meter,
    upstream: &Arc<Upstream>,
) -> Result<Response, Refusal> {
    let status = response.status();
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    if kind == "text/event-stream" && status.is_success() {
        let body = Body::from_stream(pieces(response.into_body(), line, meter, upstream));
        let mut response = body.into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        return Ok(response);
    }
    let body = timeout(IDLE, whole(response.into_body())).await;
    let body = body.unwrap_or(Err("its answer did not come in time"));
    let value: Option<Value> =
        body.as_ref().ok().and_then(|body| serde_json::from_slice(body).ok());
    let (Ok(body), Some(value)) = (body, value.filter(Value::is_object)) else {
        log::warn!("upstream {}: its answer is no json object of a usable size", upstream.name);
        return Err(Refusal::upstream("a server that has this model answered nonsense"));
    };
    if status.is_success() {
        meter.count(Some(&value));
    } else {
        meter.usage = Some((0, 0));
    }
    Ok((status, [(CONTENT_TYPE, "application/json")], body).into_response())
}

fn pieces(
    body: Incoming,
    line: Line,
    meter: Meter,
    upstream: &Arc<Upstream>,
) -> impl futures::Stream<Item = Result<Bytes, Infallible>> + use<> {
    let state = Some((Body::new(body).into_data_stream(), line, meter, Arc::clone(upstream)));
    futures::stream::unfold(state, async |state: Option<Passing>| {
        let (mut stream, line, mut meter, upstream) = state?;
        let why = match timeout(IDLE, stream.next()).await {
            Ok(None) => return None,
            Ok(Some(Ok(bytes))) => {
                meter.saw(&bytes);
                return Some((Ok(bytes), Some((stream, line, meter, upstream))));
            }
            Ok(Some(Err(e))) => e.to_string(),
            Err(_) => "it fell silent".to_owned(),
        };
        log::warn!("upstream {}: {why}", upstream.name);
        // As an event: a client must not take what it has for the whole answer.
        let refusal = Refusal::upstream("the server that has this model broke off").body();
        Some((Ok(Bytes::from(format!("\n\ndata: {refusal}\n\n"))), None))
    })
}

type Passing = (BodyDataStream, Line, Meter, Arc<Upstream>);

async fn whole(body: Incoming) -> Result<Vec<u8>, &'static str> {
    let mut stream = Body::new(body).into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk.map_err(|_| "its answer broke off")?);
        if bytes.len() > MOST_BYTES {
            return Err("its answer is too large");
        }
    }
    Ok(bytes)
}
