use std::pin::pin;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use crate::Limits;
use crate::guard::Peer;
use crate::stall::Stalling;

/// Largest head of a request, in bytes.
const HEAD_BYTES: usize = 64 << 10;

/// Speaks HTTP/1.1 on `stream` until either side ends it. When `closing` turns true the request
/// under way is finished and no other taken. hyper notices a client that disconnects while its
/// request is worked on, and drops the request's future.
pub(crate) async fn serve<S>(
    stream: S,
    peer: Peer,
    app: Router,
    limits: Limits,
    mut closing: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let app = TowerToHyperService::new(app);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        app.call(request)
    });
    let io = TokioIo::new(Stalling::new(stream, limits.stall));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head).max_buf_size(HEAD_BYTES);
    let mut connection = pin!(http.serve_connection(io, service));
    let told = async { drop(closing.wait_for(|closing| *closing).await) };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        log::debug!("connection: {error}");
    }
}
