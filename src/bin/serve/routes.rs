use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router, middleware};
use serde_json::{Value, json};

use crate::answer::{Answer, Kind};
use crate::federation::Errand;
use crate::fields::Fields;
use crate::generation::{self, Event, Generation};
use crate::member::Member;
use crate::options::{Ask, StreamOptions};
use crate::refusal::Refusal;
use crate::sse::Frames;
use crate::state::{Shared, unix_seconds};
use crate::{body, chat, completions, embeddings, guard, metrics, several};

/// All paths.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/metrics", get(metrics_text))
        .route("/v1/models", get(list_models))
        .route("/v1/models/{*id}", get(show_model))
        .route("/v1/chat/completions", post(chat_completions))
        .route("/v1/completions", post(text_completions))
        .route("/v1/embeddings", post(embed))
        .fallback(async || Refusal::unknown_path())
        .method_not_allowed_fallback(async || Refusal::wrong_method())
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard::guard))
        .with_state(shared)
}

async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

async fn metrics_text(State(shared): State<Arc<Shared>>) -> Response {
    ([(header::CONTENT_TYPE, metrics::MEDIA)], metrics::text(&shared)).into_response()
}

fn model_object(shared: &Shared, id: &str) -> Value {
    json!({ "id": id, "object": "model", "created": shared.started, "owned_by": "headwater" })
}

/// Own models, and those of others with the servers between them and us.
async fn models(shared: &Shared, headers: &HeaderMap) -> Vec<Value> {
    let mut models: Vec<Value> = shared.registry.ids().map(|id| model_object(shared, id)).collect();
    let federation = &shared.federation;
    if federation.upstreams.is_empty() {
        return models;
    }
    federation.refresh(Some(headers)).await;
    for model in &mut models {
        model["headwater_path"] = json!([federation.id]);
    }
    for offer in federation.offers() {
        if shared.registry.ids().any(|id| id == offer.id) {
            continue;
        }
        let mut model = model_object(shared, &offer.id);
        model["owned_by"] = offer.owner.into();
        let path: Vec<String> = [federation.id.clone()].into_iter().chain(offer.path).collect();
        model["headwater_path"] = path.into();
        models.push(model);
    }
    models
}

async fn list_models(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Json<Value> {
    let models = models(&shared, &headers).await;
    Json(json!({ "object": "list", "data": models }))
}

async fn show_model(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    let known = models(&shared, &headers).await.into_iter().find(|model| model["id"] == id);
    known.map(Json).ok_or_else(|| Refusal::unknown_model(&id))
}

/// The body of a request that is to be answered here; else what another server answered.
async fn read_or_forward(
    shared: &Shared,
    member: &Arc<Member>,
    path: &str,
    request: Request,
) -> Result<Result<Fields, Response>, Refusal> {
    let headers = request.headers().clone();
    let fields = body::read(request, &shared.limits).await?;
    let model = fields.named_model().map(str::to_owned);
    let Some(model) = model.filter(|model| shared.registry.ids().all(|id| id != model)) else {
        return Ok(Ok(fields));
    };
    if shared.federation.upstreams.is_empty() {
        return Ok(Ok(fields));
    }
    let errand = Errand { model: &model, path, headers: &headers, member };
    match shared.federation.forward(&errand, fields.into_map()).await {
        Some(answer) => answer.map(Err),
        None => Err(Refusal::unknown_model(&model)),
    }
}

async fn chat_completions(
    State(shared): State<Arc<Shared>>,
    Extension(member): Extension<Arc<Member>>,
    request: Request,
) -> Result<Response, Refusal> {
    let read = read_or_forward(&shared, &member, "/chat/completions", request).await?;
    let fields = match read {
        Ok(fields) => fields,
        Err(answer) => return Ok(answer),
    };
    let ask = chat::read(fields, || shared.draw() as u32)?;
    complete(&shared, Kind::Chat, ask, &member).await
}

async fn text_completions(
    State(shared): State<Arc<Shared>>,
    Extension(member): Extension<Arc<Member>>,
    request: Request,
) -> Result<Response, Refusal> {
    let fields = match read_or_forward(&shared, &member, "/completions", request).await? {
        Ok(fields) => fields,
        Err(answer) => return Ok(answer),
    };
    let ask = completions::read(fields, || shared.draw() as u32)?;
    complete(&shared, Kind::Text, ask, &member).await
}

async fn complete(
    shared: &Arc<Shared>,
    kind: Kind,
    ask: Ask,
    member: &Arc<Member>,
) -> Result<Response, Refusal> {
    let (id, task) = shared.registry.completing(ask.model.as_deref())?;
    let stream = ask.stream;
    let prefix = match kind {
        Kind::Chat => "chatcmpl",
        Kind::Text => "cmpl",
    };
    let likelihoods = ask.logprobs.is_some();
    let answer = |sha256: &str| Answer {
        kind,
        id: format!("{prefix}-{:016x}", shared.draw()),
        created: unix_seconds(),
        model: id.into(),
        fingerprint: sha256.get(..12).map(|start| format!("fp_{start}")),
        likelihoods,
    };
    if ask.choices > 1 {
        let (completions, sha256) = several::complete(shared, task, ask, member).await?;
        return Ok(Json(answer(&sha256).whole(&completions)).into_response());
    }
    let mut generation = Generation::start(shared, task, ask, member).await?;
    let answer = answer(&generation.sha256);
    // A request that fails at once, as one that is too long, still gets its status.
    let first = generation.next().await;
    match (first, stream) {
        (Event::Done(Err(error)), _) => Err(error.into()),
        (first, Some(options)) => Ok(stream_events(answer, options, first, generation)),
        (Event::Done(Ok(completion)), None) => {
            Ok(Json(answer.whole(&[completion])).into_response())
        }
        (Event::Text(_), None) => Err(Refusal::engine("a piece of text was not asked for")),
    }
}

/// The answer as server-sent events. The body owns the generation: when the client leaves, the
/// body is dropped and the generation is cancelled.
fn stream_events(
    answer: Answer,
    options: StreamOptions,
    first: Event,
    generation: Generation,
) -> Response {
    let state = Some((Frames::new(answer, options), Some(first), generation));
    let frames = futures::stream::unfold(state, async |state| {
        let (mut frames, first, mut generation) = state?;
        let event = match first {
            Some(event) => event,
            None => generation.next().await,
        };
        let (bytes, done) = frames.encode(event);
        let rest = (!done).then_some((frames, None, generation));
        Some((Ok::<_, Infallible>(bytes), rest))
    });
    let mut response = Body::from_stream(frames).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

async fn embed(
    State(shared): State<Arc<Shared>>,
    Extension(member): Extension<Arc<Member>>,
    request: Request,
) -> Result<Response, Refusal> {
    let fields = match read_or_forward(&shared, &member, "/embeddings", request).await? {
        Ok(fields) => fields,
        Err(answer) => return Ok(answer),
    };
    let ask = embeddings::read(fields)?;
    let (id, task) = shared.registry.embedding(ask.model.as_deref())?;
    let embeddings = generation::embed(&shared, task, ask.texts, member).await?;
    Ok(Json(embeddings::answer(id, ask.format, &embeddings)).into_response())
}
