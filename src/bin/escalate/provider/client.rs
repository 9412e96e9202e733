//! One endpoint, asked over kept connections.

use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, SystemTime};

use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE};
use ureq::http::{HeaderName, HeaderValue, Response};
use ureq::{Agent, Body, RequestBuilder, Timeout};
use zeroize::Zeroizing;

use super::error::CONNECT_PHASE;
use super::unix::{NoResolver, SocketConnector};
use super::{Address, Answer, Api, Endpoint, ProviderError, Question, anthropic, pause, way, wire};

/// Largest answer that is read, after decompression.
pub(super) const MAX_BODY: u64 = 16 << 20;
/// Largest part of an error's body that is read.
const MAX_ERROR_BODY: u64 = 64 << 10;
/// How often a wait looks whether it should stop.
const STOP_EVERY: Duration = Duration::from_millis(50);

/// An endpoint that can be asked; threads may share it.
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) endpoint: Endpoint,
    pub(super) agent: Agent,
    pub(super) base: String,
    /// Makes keys of this client differ from those of others for the same request.
    salt: String,
}

impl Client {
    /// Checks the address; connects to nothing yet.
    ///
    /// # Errors
    /// [`ProviderError::Address`].
    pub fn new(endpoint: Endpoint) -> Result<Self, ProviderError> {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_resolve(Some(endpoint.timeouts.connect))
            .timeout_connect(Some(endpoint.timeouts.connect))
            .timeout_recv_response(Some(endpoint.timeouts.first_byte))
            .timeout_global(Some(endpoint.timeouts.total))
            .user_agent(concat!("headwater-escalate/", env!("CARGO_PKG_VERSION")));
        let (agent, base) = match &endpoint.address {
            Address::Url(url) => {
                let base = check_url(url)?;
                let config =
                    config.proxy(way::proxy(&endpoint)?).tls_config(way::trust(&endpoint)?);
                (config.build().new_agent(), base)
            }
            Address::Socket(path) => {
                let connector = SocketConnector { path: path.clone() };
                let config = config.proxy(None).build();
                let agent = Agent::with_parts(config, connector, NoResolver);
                (agent, "http://localhost/v1".to_owned())
            }
        };
        Ok(Self { endpoint, agent, base, salt: String::new() })
    }

    /// The same client, whose requests no server takes for those of an earlier run.
    #[must_use]
    pub fn with_salt(self, salt: String) -> Self {
        Self { salt, ..self }
    }

    /// What is asked.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Asks once, looking at `stop` all the time.
    ///
    /// # Errors
    /// What went wrong, without the key; [`ProviderError::Abandoned`].
    pub fn ask(
        &self,
        question: &Question,
        stop: &dyn Fn() -> bool,
    ) -> Result<Answer, ProviderError> {
        let body = Arc::new(wire::request(&self.endpoint, question)?);
        self.send_watched(&body, stop)
    }

    /// Asks once.
    ///
    /// # Errors
    /// What went wrong, without the key.
    pub fn ask_once(&self, question: &Question) -> Result<Answer, ProviderError> {
        self.send(&wire::request(&self.endpoint, question)?)
    }

    /// Sends on a thread of its own: nothing can interrupt a request that waits for its answer,
    /// but it can be left behind.
    fn send_watched(
        &self,
        body: &Arc<Vec<u8>>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Answer, ProviderError> {
        let (sender, answer) = sync_channel(1);
        let (client, body) = (self.clone(), Arc::clone(body));
        thread::Builder::new()
            .name("request".into())
            .spawn(move || {
                // Nobody waits any more for the answer to a request that was left behind.
                let _ = sender.send(client.send(&body));
            })
            .map_err(|e| ProviderError::Connect(format!("no thread: {e}")))?;
        loop {
            match answer.recv_timeout(STOP_EVERY) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Timeout) if stop() => return Err(ProviderError::Abandoned),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(ProviderError::Broken("the request's thread died".into()));
                }
            }
        }
    }

    fn send(&self, body: &[u8]) -> Result<Answer, ProviderError> {
        let request = self
            .agent
            .post(format!("{}{}", self.base, wire::path(&self.endpoint)))
            .header(CONTENT_TYPE, "application/json")
            .header("idempotency-key", self.idempotency_key(body));
        let request = self.identified(request)?;
        let response = request.send(body).map_err(|e| transport(&self.endpoint, e, false))?;
        self.read(response)
    }

    /// The request with the key, and with what the interface wants in each of its headers.
    pub(super) fn identified<B>(
        &self,
        mut request: RequestBuilder<B>,
    ) -> Result<RequestBuilder<B>, ProviderError> {
        let (name, prefix) = match self.endpoint.api {
            Api::Openai => (AUTHORIZATION, "Bearer "),
            Api::Anthropic => {
                request = request.header("anthropic-version", anthropic::VERSION);
                (HeaderName::from_static("x-api-key"), "")
            }
        };
        if let Some(key) = &self.endpoint.key {
            let text = Zeroizing::new(format!("{prefix}{}", key.expose()));
            let mut value = HeaderValue::from_str(&text)
                .map_err(|_| ProviderError::Address("the key does not fit a header".into()))?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        Ok(request)
    }

    /// The same for the same request, also in a later run: a server that knows such keys answers
    /// again what it has answered before, and is paid once.
    pub(super) fn idempotency_key(&self, body: &[u8]) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.salt.as_bytes()).update(&[0]).update(body);
        hasher.finalize().to_hex()[..32].to_owned()
    }

    fn read(&self, response: Response<Body>) -> Result<Answer, ProviderError> {
        let pause = pause::asked_for(response.headers(), SystemTime::now());
        let body = self.json(response)?;
        let answer = wire::answer(&self.endpoint, &body)?;
        Ok(Answer { pause, ..answer })
    }

    /// The response, if its status says success.
    pub(super) fn succeeded(
        &self,
        mut response: Response<Body>,
    ) -> Result<Response<Body>, ProviderError> {
        let status = response.status().as_u16();
        if (300..400).contains(&status) {
            return Err(ProviderError::Redirect(status));
        }
        if (200..300).contains(&status) {
            return Ok(response);
        }
        let retry_after = pause::asked_for(response.headers(), SystemTime::now());
        let mut body = Vec::new();
        // A broken body takes nothing away from the status.
        let _ = response.body_mut().as_reader().take(MAX_ERROR_BODY).read_to_end(&mut body);
        let message = wire::failure(&self.endpoint, &body);
        Err(ProviderError::Status { status, message, retry_after })
    }

    /// The body of a response that succeeded and holds JSON, within the limit.
    pub(super) fn json(&self, response: Response<Body>) -> Result<Vec<u8>, ProviderError> {
        let mut response = self.succeeded(response)?;
        let kind = response.headers().get(CONTENT_TYPE).map_or("", |v| v.to_str().unwrap_or("?"));
        if !kind.is_empty() && !kind.to_ascii_lowercase().contains("json") {
            return Err(ProviderError::ContentType(wire::presentable(&self.endpoint, kind)));
        }
        let mut body = Vec::new();
        let mut reader = response.body_mut().as_reader().take(MAX_BODY + 1);
        reader.read_to_end(&mut body).map_err(|e| transport(&self.endpoint, e.into(), true))?;
        if body.len() as u64 > MAX_BODY {
            return Err(ProviderError::TooLarge(MAX_BODY));
        }
        Ok(body)
    }
}

/// Whether a server on a socket answers `GET /health` with success.
#[must_use]
pub fn healthy(socket: &std::path::Path, timeouts: super::Timeouts) -> bool {
    let config = Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .timeout_global(Some(timeouts.total))
        .build();
    let connector = SocketConnector { path: socket.to_path_buf() };
    let agent = Agent::with_parts(config, connector, NoResolver);
    agent.get("http://localhost/health").call().is_ok_and(|r| r.status().is_success())
}

/// Accepts `http` and `https` addresses without user, query or fragment, and takes the slash
/// off the end. Messages do not repeat the address: somebody may have put a key into it.
fn check_url(url: &str) -> Result<String, ProviderError> {
    let bad = |why: &str| ProviderError::Address(why.to_owned());
    let uri: ureq::http::Uri = url.parse().map_err(|_| bad("it is not a url"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(bad("it starts with neither https:// nor http://"));
    }
    let authority = uri.authority().ok_or_else(|| bad("it names no host"))?;
    if authority.as_str().contains('@') || uri.query().is_some() || url.contains('#') {
        return Err(bad("a user, a query or a fragment has no place in it"));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

/// Sorts ureq's errors. `answered`: the head of the answer had come.
pub(super) fn transport(endpoint: &Endpoint, error: ureq::Error, answered: bool) -> ProviderError {
    use std::io::ErrorKind as K;
    use ureq::Error as E;
    let text = wire::presentable(endpoint, &error.to_string());
    match error {
        E::Timeout(Timeout::Resolve | Timeout::Connect) => ProviderError::Timeout(CONNECT_PHASE),
        E::Timeout(Timeout::RecvResponse) => ProviderError::Timeout("waiting for the answer"),
        E::Timeout(_) => ProviderError::Timeout("in all"),
        E::BadUri(_) | E::Http(_) | E::InvalidProxyUrl => ProviderError::Address(text),
        E::LargeResponseHeader(..) | E::Protocol(_) if !answered => {
            ProviderError::Garbage(format!("not http: {text}"))
        }
        // These come before the request is sent only.
        E::Io(e)
            if matches!(
                e.kind(),
                K::ConnectionRefused
                    | K::HostUnreachable
                    | K::NetworkUnreachable
                    | K::AddrNotAvailable
                    | K::NotFound
                    | K::PermissionDenied
            ) =>
        {
            ProviderError::Connect(text)
        }
        E::HostNotFound
        | E::ConnectionFailed
        | E::Tls(_)
        | E::Rustls(_)
        | E::TlsRequired
        | E::ConnectProxyFailed(_) => ProviderError::Connect(text),
        _ => ProviderError::Broken(text),
    }
}
