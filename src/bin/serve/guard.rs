//! What every request passes before it is looked at: access log, `Host`, key.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::member::Member;
use crate::refusal::Refusal;
use crate::state::Shared;
use crate::{ApiKey, Listen};

/// Who is at the other end, for the access log.
#[derive(Clone, Debug)]
pub(crate) struct Peer(pub(crate) String);

/// The hosts a request may name.
///
/// A server on loopback asks for no key, so a web page that resolves its own name to 127.0.0.1
/// (DNS rebinding) could use it as its own origin. Such a request carries the page's host name.
#[derive(Clone, Debug)]
pub(crate) enum Hosts {
    /// Not asked: a key or the socket's mode protects the server.
    Any,
    /// These, in lower case and without a port.
    Only(Vec<String>),
}

impl Hosts {
    pub(crate) fn new(listen: &Listen, names: &[String]) -> Self {
        match listen {
            Listen::Tcp(address) if listen.is_local() => {
                let own = match address.ip() {
                    std::net::IpAddr::V4(ip) => ip.to_string(),
                    std::net::IpAddr::V6(ip) => format!("[{ip}]"),
                };
                let fixed = ["localhost", "127.0.0.1", "[::1]"].map(String::from);
                let named = names.iter().map(|name| normal(name));
                Self::Only(fixed.into_iter().chain([own]).chain(named).collect())
            }
            _ => Self::Any,
        }
    }

    /// A request has one `Host` (RFC 9112 §3.2); where its target names an authority as well,
    /// both must be allowed.
    fn allow(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let Self::Only(allowed) = self else { return true };
        let known = |host: &str| allowed.contains(&normal(host));
        let mut hosts = headers.get_all(header::HOST).iter();
        let named = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().is_ok_and(known),
            _ => false,
        };
        named && uri.authority().is_none_or(|authority| known(authority.as_str()))
    }
}

/// A host in lower case, without its port and without the dot of a fully qualified name.
fn normal(host: &str) -> String {
    let bare = match (host.rfind(']'), host.rfind(':')) {
        (Some(bracket), _) => &host[..=bracket],
        (None, Some(colon)) => &host[..colon],
        (None, None) => host,
    };
    bare.strip_suffix('.').unwrap_or(bare).to_ascii_lowercase()
}

/// Whether the request carries one of `keys`.
fn has_key(keys: &[ApiKey], headers: &HeaderMap) -> bool {
    let candidate = bearer(headers);
    // Every key is compared, so that the time taken does not tell which one matched.
    let matching = |candidate| keys.iter().filter(|key| key.matches(candidate)).count();
    candidate.is_some_and(|candidate| matching(candidate) > 0)
}

/// The key that a request carries (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let bearer = headers.get(header::AUTHORIZATION).map(|value| value.as_bytes());
    bearer.and_then(|value| {
        let (scheme, key) = value.split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"bearer ").then(|| key.trim_ascii())
    })
}

/// Who asks; none for a request without a key that is known, where one is needed.
fn member(shared: &Shared, headers: &HeaderMap) -> Option<Arc<Member>> {
    if shared.keys.is_empty() && shared.members.is_empty() {
        return Some(Arc::clone(&shared.anybody));
    }
    let known = has_key(&shared.keys, headers);
    let mut found = known.then(|| Arc::clone(&shared.anybody));
    if let Some(candidate) = bearer(headers) {
        // All are compared here too.
        for member in shared.members.iter().filter(|member| member.has_key(candidate)) {
            found = Some(Arc::clone(member));
        }
    }
    found
}

/// The middleware around all routes.
pub(crate) async fn guard(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Response {
    let mut entry = Entry::new(&shared, &request);
    let member = member(&shared, request.headers());
    let open = request.uri().path() == "/health";
    let response = if !shared.hosts.allow(request.uri(), request.headers()) {
        Refusal::wrong_host().into_response()
    } else if let (false, None) = (open, &member) {
        Refusal::wrong_key().into_response()
    } else {
        if let Some(member) = member {
            if !member.name.is_empty() {
                entry.peer = format!("{} {}", entry.peer, member.name);
            }
            request.extensions_mut().insert(member);
        }
        next.run(request).await
    };
    entry.status = Some(response.status().as_u16());
    response
}

/// One line of the access log, written when it is dropped: also when the client has left.
struct Entry {
    shared: Arc<Shared>,
    peer: String,
    path: String,
    request: String,
    started: Instant,
    status: Option<u16>,
}

impl Entry {
    fn new(shared: &Arc<Shared>, request: &Request) -> Self {
        let peer = request.extensions().get::<Peer>();
        // The query is left out: people put keys there.
        let path: String = request.uri().path().escape_debug().take(128).collect();
        Self {
            shared: Arc::clone(shared),
            peer: peer.map_or_else(|| "-".into(), |peer| peer.0.clone()),
            request: format!("{} {path}", request.method()),
            path,
            started: Instant::now(),
            status: None,
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let counters = &self.shared.counters;
        counters.requests.fetch_add(1, Ordering::Relaxed);
        let ms = self.started.elapsed().as_millis();
        let (peer, request) = (&self.peer, &self.request);
        match self.status {
            Some(status) => {
                self.shared.answered.add(&self.path, status, self.started.elapsed());
                if status >= 400 {
                    counters.refused.fetch_add(1, Ordering::Relaxed);
                }
                log::info!(target: "serve::access", "{peer} {request} {status} {ms} ms");
            }
            None => log::info!(target: "serve::access", "{peer} {request} left {ms} ms"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(listen: &str) -> Hosts {
        let address = listen.parse().expect("an address");
        Hosts::new(&Listen::Tcp(address), &["Attic.lan".into()])
    }

    fn allows(hosts: &Hosts, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().expect("a header"));
        hosts.allow(&Uri::from_static("/"), &headers)
    }

    #[test]
    fn own_names_with_and_without_port_are_allowed() {
        let hosts = hosts("127.0.0.2:80");
        for host in
            ["localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]:9", "127.0.0.2", "localhost."]
        {
            assert!(allows(&hosts, host), "{host}");
        }
        assert!(allows(&hosts, "attic.LAN:8080"));
    }

    #[test]
    fn other_names_are_not() {
        let hosts = hosts("[::1]:80");
        for host in
            ["evil.example", "localhost.evil.example", "", "127.0.0.1.nip.io", "[::1", "::1"]
        {
            assert!(!allows(&hosts, host), "{host}");
        }
    }

    #[test]
    fn a_mapped_loopback_address_is_loopback() {
        assert!(!allows(&hosts("[::ffff:127.0.0.1]:80"), "evil.example"));
        assert!(allows(&hosts("192.0.2.1:80"), "evil.example"));
    }
}
