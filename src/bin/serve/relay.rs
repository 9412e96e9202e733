//! One request to another server, and its answer as it comes.

use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use axum::http::{HeaderValue, Method, Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::upstream::{Address, Upstream};

/// Names the servers that a request has passed, by their ids, separated by commas.
pub(crate) const HOPS: &str = "headwater-hops";
/// For a connection to stand, TLS included.
const CONNECT: Duration = Duration::from_secs(5);

/// A connection, closed when this is dropped: so a client that leaves frees the model there.
pub(crate) struct Line(JoinHandle<()>);

impl Drop for Line {
    fn drop(&mut self) {
        self.0.abort();
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

async fn connect(address: &Address) -> Result<Pin<Box<dyn Stream>>, String> {
    let host = address.host.trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, address.port))
        .await
        .map_err(|e| format!("cannot connect: {e}"))?;
    stream.set_nodelay(true).map_err(|e| e.to_string())?;
    let Some(connector) = &address.tls else { return Ok(Box::pin(stream)) };
    let name = ServerName::try_from(host.to_owned()).map_err(|e| e.to_string())?;
    let stream = connector.connect(name, stream).await.map_err(|e| format!("tls: {e}"))?;
    Ok(Box::pin(stream))
}

/// Sends a request and waits for the head of the answer, `limit` at most. Nothing of the
/// client's request goes along but `body`.
pub(crate) async fn ask(
    upstream: &Upstream,
    path: &str,
    hops: &str,
    body: Option<Bytes>,
    limit: Duration,
) -> Result<(Response<Incoming>, Line), String> {
    let address = &upstream.address;
    let stream = timeout(CONNECT, connect(address)).await;
    let stream = stream.map_err(|_| "cannot connect in time".to_owned())??;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
    let line = Line(tokio::spawn(async move {
        if let Err(e) = connection.await {
            log::debug!("a connection to an upstream ended: {e}");
        }
    }));
    let method = if body.is_some() { Method::POST } else { Method::GET };
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{}{path}", address.base))
        .header(HOST, format!("{}:{}", address.host, address.port))
        .header(USER_AGENT, concat!("headwater-serve/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"))
        .header(HOPS, hops);
    if let Some(key) = &upstream.authorization {
        request = request.header(AUTHORIZATION, key);
    }
    if body.is_some() {
        request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let request =
        request.body(body.map_or_else(Body::empty, Body::from)).map_err(|e| e.to_string())?;
    let response = timeout(limit, sender.send_request(request)).await;
    let response = response.map_err(|_| "no answer in time".to_owned())?;
    Ok((response.map_err(|e| e.to_string())?, line))
}
