//! Engine calls on threads of their own, and what comes back from them.

use std::sync::Arc;

use engine::{Cancel, Complete, Completion, CompletionRequest, Embedding, Error};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::lane::Place;
use crate::member::Member;
use crate::options::Ask;
use crate::refusal::Refusal;
use crate::registry::Task;
use crate::requests::Ticket;
use crate::state::{Counters, Shared};

/// What an engine tells while it generates.
#[derive(Debug)]
pub(crate) enum Event {
    /// A piece of the text; only for a request that streams.
    Text(String),
    /// The end; nothing follows.
    Done(Result<Completion, Error>),
}

/// A completion under way. Dropping it cancels it.
#[derive(Debug)]
pub(crate) struct Generation {
    // Unbounded, yet never more than `max_tokens` pieces: a slow reader must not hold up the
    // sequences that the engine computes in the same batch.
    events: UnboundedReceiver<Event>,
    /// Of the model's file.
    pub(crate) sha256: String,
    _ticket: Ticket,
}

impl Generation {
    /// Waits for a slot of the model and starts the engine.
    pub(crate) async fn start(
        shared: &Arc<Shared>,
        task: &Task<dyn Complete>,
        ask: Ask,
        member: &Arc<Member>,
    ) -> Result<Self, Refusal> {
        let (ticket, place, engine) = enter(shared, task, member).await?;
        let sha256 = engine.model().sha256.clone();
        let member = Arc::clone(member);
        let (sender, events) = unbounded_channel();
        let cancel = ticket.cancel().clone();
        let shared = Arc::clone(shared);
        tokio::task::spawn_blocking(move || {
            let result = generate(engine.as_ref(), ask, &cancel, &sender);
            note(&shared, &engine.model().name, &member, &result);
            // The slot is free before the client can know that the answer is complete.
            drop(place);
            // So is the model's memory, for whoever asks for another model next.
            drop(engine);
            let _ = sender.send(Event::Done(result));
        });
        Ok(Self { events, sha256, _ticket: ticket })
    }

    /// What happens next. An engine that panics ends as one that fails.
    pub(crate) async fn next(&mut self) -> Event {
        let lost = || Event::Done(Err(Error::Engine("it ended without an answer".into())));
        self.events.recv().await.unwrap_or_else(lost)
    }
}

/// Embeds `texts`; dropping the future cancels it.
pub(crate) async fn embed(
    shared: &Arc<Shared>,
    task: &Task<dyn engine::Embed>,
    texts: Vec<String>,
    member: Arc<Member>,
) -> Result<Vec<Embedding>, Refusal> {
    let (ticket, place, engine) = enter(shared, task, &member).await?;
    let cancel = ticket.cancel().clone();
    let counting = Arc::clone(shared);
    // Counted on the engine's thread: this future is gone when the client has left.
    let work = tokio::task::spawn_blocking(move || {
        let _place = place;
        let result = vectors(engine.as_ref(), &texts, &cancel);
        match &result {
            Ok(embeddings) => {
                let tokens = embeddings.iter().map(|embedding| embedding.tokens).sum();
                Counters::add(&counting.counters.tokens_in, tokens);
                member.took(tokens, 0);
            }
            Err(error) => note_error(&counting, &engine.model().name, error),
        }
        result
    });
    let lost = |_| Err(Error::Engine("it ended without an answer".into()));
    Ok(work.await.unwrap_or_else(lost)?)
}

fn vectors(
    engine: &dyn engine::Embed,
    texts: &[String],
    cancel: &Cancel,
) -> Result<Vec<Embedding>, Error> {
    if let Some(reason) = cancel.reason() {
        return Err(Error::Cancelled(reason));
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let embeddings = engine.embed(&texts, cancel)?;
    if embeddings.len() != texts.len() {
        return Err(Error::Engine("it did not embed every text".into()));
    }
    Ok(embeddings)
}

/// Waits for a slot of the model, and for the model where it has to be loaded.
async fn enter<E: ?Sized + Send + Sync + 'static>(
    shared: &Arc<Shared>,
    task: &Task<E>,
    member: &Arc<Member>,
) -> Result<(Ticket, Place, Arc<E>), Refusal> {
    let limit = shared.limits.request;
    let ticket = shared.requests.enter(limit);
    let ready = async {
        let place = task.lane.enter(member).await?;
        Ok::<_, Refusal>((place, task.engine.get(&shared.registry.pool).await?))
    };
    let (place, engine) =
        tokio::time::timeout(limit, ready).await.map_err(|_| Refusal::timeout())??;
    Ok((ticket, place, engine))
}

fn generate(
    engine: &dyn Complete,
    ask: Ask,
    cancel: &Cancel,
    sender: &UnboundedSender<Event>,
) -> Result<Completion, Error> {
    if let Some(reason) = cancel.reason() {
        return Err(Error::Cancelled(reason));
    }
    let max_tokens = match ask.max_tokens {
        Some(limit) => limit,
        None => room(engine, &ask)?,
    };
    let request = CompletionRequest {
        prompt: ask.prompt,
        max_tokens,
        stop: ask.stop,
        sampling: ask.sampling,
        constraint: ask.constraint,
        logprobs: ask.logprobs,
    };
    let stream = ask.stream.is_some();
    engine.complete(&request, cancel, &mut |text| {
        if stream && !text.is_empty() {
            // Nobody listens any more: `cancel` is set as well and ends the call.
            let _ = sender.send(Event::Text(text.into()));
        }
    })
}

/// Tokens that the context holds after the prompt; at least 1.
fn room(engine: &dyn Complete, ask: &Ask) -> Result<usize, Error> {
    let context = engine.model().context;
    let needed = engine.count_prompt_tokens(&ask.prompt)?.saturating_add(1);
    match context.checked_sub(needed) {
        Some(rest) => Ok(rest + 1),
        None => Err(Error::TooLong { needed, context }),
    }
}

fn note(shared: &Shared, model: &str, member: &Member, result: &Result<Completion, Error>) {
    match result {
        Ok(completion) => {
            Counters::add(&shared.counters.tokens_in, completion.tokens_in);
            Counters::add(&shared.counters.tokens_out, completion.tokens_out);
            member.took(completion.tokens_in, completion.tokens_out);
            let (tokens_in, tokens_out) = (completion.tokens_in, completion.tokens_out);
            log::debug!("{model}: {tokens_in} tokens in, {tokens_out} out");
        }
        Err(error) => note_error(shared, model, error),
    }
}

/// Only what the operator can do something about is worth a line above debug.
fn note_error(shared: &Shared, model: &str, error: &Error) {
    match error {
        Error::Cancelled(_) => {
            Counters::add(&shared.counters.abandoned, 1);
            log::debug!("{model}: {error}");
        }
        Error::TooLong { .. } | Error::Constraint(_) => {}
        other => log::error!("{model}: {other}"),
    }
}
