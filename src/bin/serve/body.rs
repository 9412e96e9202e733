use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody as _};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use futures::StreamExt as _;
use serde_json::Value;

use crate::Limits;
use crate::fields::Fields;
use crate::refusal::Refusal;

/// How long a body that is refused is still taken in, so that the client gets to read why.
const LINGER: Duration = Duration::from_secs(2);

/// Reads a request's body as a JSON object.
///
/// Only a declared JSON body is read: a web page can send any other type to this server without
/// asking, and `application/json` only after a CORS preflight, which is never answered.
pub(crate) async fn read(request: Request, limits: &Limits) -> Result<Fields, Refusal> {
    let (head, body) = request.into_parts();
    if !is_json(&head.headers) {
        return Err(Refusal::not_json());
    }
    // With `Expect: 100-continue` the client waits for our word before it sends anything.
    let linger = !head.headers.contains_key(header::EXPECT);
    let reading = collect(body, limits.body_bytes, linger);
    let bytes = tokio::time::timeout(limits.body, reading).await;
    let bytes = bytes.map_err(|_| Refusal::slow_body())??;
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(map)) => Ok(Fields::new(map)),
        Ok(_) => Err(Refusal::malformed("the request body must be a JSON object")),
        Err(error) => Err(Refusal::malformed(format!("the request body is not JSON: {error}"))),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next()).map(str::trim);
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
}

async fn collect(body: Body, limit: usize, linger: bool) -> Result<Vec<u8>, Refusal> {
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    if declared <= limit {
        loop {
            match stream.next().await {
                None => return Ok(bytes),
                Some(Err(_)) => return Err(Refusal::malformed("the request body broke off")),
                Some(Ok(chunk)) if chunk.len() > limit - bytes.len() => break,
                Some(Ok(chunk)) => bytes.extend_from_slice(&chunk),
            }
        }
    }
    drop(bytes);
    if linger {
        let _ = tokio::time::timeout(LINGER, discard(stream, limit.saturating_mul(4))).await;
    }
    Err(Refusal::too_large(limit))
}

/// Takes in up to `limit` bytes more. Closing at once would make the system reset the
/// connection, and the answer would be lost with it.
async fn discard(mut stream: BodyDataStream, limit: usize) {
    let mut seen = 0_usize;
    while let Some(Ok(chunk)) = stream.next().await {
        seen = seen.saturating_add(chunk.len());
        if seen > limit {
            return;
        }
    }
}
