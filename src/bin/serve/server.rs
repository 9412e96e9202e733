use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::guard::{Hosts, Peer};
use crate::listener::{Accepting, Listener, Stream};
use crate::state::Shared;
use crate::{Config, Listen, Registry, ServeError, connection, routes, tls};

/// For cancelled requests to tell their clients so.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A pause after the system refused a connection, as when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A server that listens and does not answer yet.
pub struct Server {
    listener: Listener,
    local: Listen,
    shared: Arc<Shared>,
    tls: Option<TlsAcceptor>,
}

/// What was done between start and stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Requests, refused ones included.
    pub requests: u64,
    /// Requests answered with an error status.
    pub refused: u64,
    /// Engine calls given up: the client left, the time was over or the server stopped.
    pub abandoned: u64,
    /// Tokens of prompts and of embedded texts.
    pub tokens_in: u64,
    /// Tokens generated.
    pub tokens_out: u64,
}

impl Server {
    /// Listens. Needs no runtime yet; clients that connect wait for [`Server::run`].
    ///
    /// # Errors
    /// [`ServeError::KeyRequired`] for an address beyond this machine without a key;
    /// [`ServeError::NoModel`]; [`ServeError::InUse`], [`ServeError::NotASocket`],
    /// [`ServeError::Listen`] when the address cannot be had.
    pub fn bind(config: Config, registry: Registry) -> Result<Self, ServeError> {
        if let Listen::Tcp(address) = config.listen
            && !config.listen.is_local()
            && config.keys.is_empty()
            && config.members.is_empty()
        {
            return Err(ServeError::KeyRequired(address));
        }
        if registry.is_empty() {
            return Err(ServeError::NoModel);
        }
        let tls = config.certificate.as_ref().map(|(chain, key)| tls::acceptor(chain, key));
        let tls = tls.transpose().map_err(ServeError::Tls)?;
        let (listener, local) = Listener::bind(&config.listen)?;
        let hosts = Hosts::new(&local, &config.names);
        let shared = Arc::new(Shared::new(config, hosts, registry));
        Ok(Self { listener, local, shared, tls })
    }

    /// Where it listens, with the port the system chose.
    pub fn local_addr(&self) -> &Listen {
        &self.local
    }

    /// Answers until `stop` ends; then requests under way get [`crate::Limits::drain`] to end
    /// before they are cancelled. A Unix socket's file is gone when this returns.
    ///
    /// To be called in a tokio runtime with I/O and time; one worker thread is enough, engine
    /// calls run on its blocking threads. An engine that ignores its cancellation keeps its
    /// thread, on which dropping the runtime waits.
    ///
    /// # Errors
    /// [`ServeError::Listen`] if the runtime cannot take the socket.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<Summary, ServeError> {
        let Self { listener, local, shared, tls } = self;
        let wrap = |source| ServeError::Listen { place: local.to_string(), source };
        let listener = listener.accepting().map_err(wrap)?;
        let permits = shared.limits.connections.clamp(1, Semaphore::MAX_PERMITS);
        let connections = Arc::new(Semaphore::new(permits));
        let app = routes::router(Arc::clone(&shared));
        let (closing, closed) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let mut stop = pin!(stop);
        // So that the first question finds the models of others.
        let mut stopped = tokio::select! {
            () = stop.as_mut() => true,
            () = shared.federation.refresh(None) => false,
        };
        match (&local, &tls) {
            (Listen::Tcp(address), Some(_)) => log::info!("listening on https://{address}"),
            _ => log::info!("listening on {local}"),
        }
        while !stopped {
            tokio::select! {
                () = stop.as_mut() => stopped = true,
                Some(_) = tasks.join_next() => {}
                (stream, permit) = next(&listener, &connections) => {
                    let stream = (stream, tls.clone());
                    spawn(&mut tasks, stream, permit, &app, &shared, closed.clone());
                }
            }
        }
        drop(listener);
        closing.send_replace(true);
        drain(&mut tasks, &shared).await;
        Ok(shared.counters.summary())
    }
}

/// The next connection, once there is room for one.
async fn next(
    listener: &Accepting,
    connections: &Arc<Semaphore>,
) -> (Stream, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed, so there always is a permit to wait for.
    let permit = Arc::clone(connections).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok(stream) => return (stream, permit),
            Err(error) => {
                log::warn!("cannot accept a connection: {error}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn spawn(
    tasks: &mut JoinSet<()>,
    (stream, tls): (Stream, Option<TlsAcceptor>),
    permit: Option<OwnedSemaphorePermit>,
    app: &Router,
    shared: &Shared,
    closing: watch::Receiver<bool>,
) {
    let (app, limits) = (app.clone(), shared.limits.clone());
    tasks.spawn(async move {
        let _permit = permit;
        match stream {
            Stream::Tcp(stream, peer) => {
                let peer = Peer(peer.ip().to_canonical().to_string());
                let Some(tls) = tls else {
                    return connection::serve(stream, peer, app, limits, closing).await;
                };
                match timeout(limits.head, tls.accept(stream)).await {
                    Ok(Ok(stream)) => connection::serve(stream, peer, app, limits, closing).await,
                    Ok(Err(e)) => log::debug!("tls: {e}"),
                    Err(_) => log::debug!("tls: no handshake in time"),
                }
            }
            Stream::Unix(stream) => {
                connection::serve(stream, Peer("unix".into()), app, limits, closing).await;
            }
        }
    });
}

async fn drain(tasks: &mut JoinSet<()>, shared: &Shared) {
    if timeout(shared.limits.drain, finish(tasks)).await.is_ok() {
        return;
    }
    let cancelled = shared.requests.cancel_all();
    log::warn!("cancelled {cancelled} requests that did not end in time");
    if timeout(LAST_WORDS, finish(tasks)).await.is_err() {
        tasks.shutdown().await;
    }
}

async fn finish(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}
