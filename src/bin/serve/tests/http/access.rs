use std::net::SocketAddr;

use serde_json::json;
use serve_cli::{ApiKey, Config, Listen, ServeError, Server};

use crate::client::{Running, head, loopback, post, registry, start, start_with};

const KEY: &str = "sk-attic-0123456789";

fn with_keys() -> Running {
    let mut config = loopback();
    config.keys = vec![ApiKey::new("another").unwrap(), ApiKey::new(KEY).unwrap()];
    start_with(config, registry())
}

#[test]
fn a_key_opens_what_needs_one() {
    let server = with_keys();
    let get = |headers: &str| server.raw(head("GET", "/v1/models", headers).as_bytes());
    for headers in [
        String::new(),
        "Authorization: Bearer wrong\r\n".into(),
        "Authorization: Bearer \r\n".into(),
        "Authorization: Bearer\r\n".into(),
        "Authorization: \r\n".into(),
        format!("Authorization: Basic {KEY}\r\n"),
        format!("Authorization: {KEY}\r\n"),
        format!("Authorization: Bearer {KEY}x\r\n"),
        format!("Authorization: Bearer {}\r\n", &KEY[..KEY.len() - 1]),
        format!("Authorization: Bearer {}\r\n", KEY.to_uppercase()),
        format!("X-Api-Key: {KEY}\r\n"),
    ] {
        let reply = get(&headers);
        assert_eq!(
            (reply.status, &reply.error()["code"]),
            (401, &json!("invalid_api_key")),
            "{headers}"
        );
        assert!(reply.head.contains("www-authenticate: bearer"), "{reply:?}");
    }
    assert_eq!(get(&format!("Authorization: Bearer {KEY}\r\n")).status, 200);
    assert_eq!(get("Authorization: bearer another\r\n").status, 200);
    assert_eq!(server.get("/health").status, 200, "health needs no key");
    assert_eq!(server.get("/nothing").status, 401, "nor does a key's absence tell what exists");
}

#[test]
fn a_body_without_a_key_is_not_read() {
    let server = with_keys();
    let request = post("/v1/completions", "Expect: 100-continue\r\n", "{");
    let reply = server.raw(request.as_bytes());
    assert_eq!(reply.status, 401, "{reply:?}");
}

#[test]
fn an_address_beyond_this_machine_needs_a_key() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let address: SocketAddr = address.parse().unwrap();
        let config = Config::new(Listen::Tcp(address));
        let error = Server::bind(config, registry()).err();
        assert!(matches!(error, Some(ServeError::KeyRequired(a)) if a == address), "{error:?}");
    }
    let mut config = Config::new(Listen::Tcp(SocketAddr::from(([0, 0, 0, 0], 0))));
    config.keys = vec![ApiKey::new(KEY).unwrap()];
    assert!(Server::bind(config, registry()).is_ok());
}

#[test]
fn keys_are_not_shown_and_unusable_ones_refused() {
    assert_eq!(format!("{:?}", ApiKey::new(KEY).unwrap()), "ApiKey(..)");
    for key in ["", " ", "a b", "a\n", "schlüssel", &"x".repeat(513)] {
        assert!(matches!(ApiKey::new(key), Err(ServeError::BadKey)), "{key:?}");
    }
}

#[test]
fn a_rebound_host_is_refused() {
    let mut config = loopback();
    config.names = vec!["attic.lan".into()];
    let server = start_with(config, registry());
    let port = server.address().port();
    let get = |lines: &str| {
        server
            .raw(format!("GET /v1/models HTTP/1.1\r\nConnection: close\r\n{lines}\r\n").as_bytes())
    };
    for lines in [
        "",
        "Host: evil.example\r\n",
        "Host: \r\n",
        "Host: localhost\r\nHost: localhost\r\n",
        "Host: localhost\r\nHost: evil.example\r\n",
        "Host: localhost.evil.example\r\n",
    ] {
        let reply = get(lines);
        assert_eq!(
            (reply.status, &reply.error()["code"]),
            (403, &json!("host_not_allowed")),
            "{lines}"
        );
    }
    let absolute = "GET http://evil.example/v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(server.raw(absolute.as_bytes()).status, 403);
    for host in [format!("127.0.0.1:{port}"), "LocalHost".into(), "attic.lan:80".into()] {
        assert_eq!(get(&format!("Host: {host}\r\n")).status, 200, "{host}");
    }
}

#[test]
fn no_origin_is_given_leave() {
    let server = start();
    let preflight = "Origin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\n";
    let reply = server.raw(head("OPTIONS", "/v1/completions", preflight).as_bytes());
    assert_eq!(reply.status, 405);
    assert!(!reply.head.contains("access-control"), "{reply:?}");
}
