//! Whom we trust on the way.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};
use serde_json::Value;
use testkit::{Answer, data, program};

/// A provider behind TLS that shows the certificate of that name; gives its URL.
fn provider(certificate: &str) -> String {
    let chain = CertificateDer::from_pem_file(data(certificate)).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(data("tls/server.key")).expect("a key");
    let crypto = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .expect("a certificate of that key");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            let mut tls = Stream::new(&mut connection, &mut stream);
            let mut request = Vec::new();
            let mut block = [0; 4096];
            // The body is the last thing sent: it ends with the object's brace.
            while !request.ends_with(b"}") {
                match tls.read(&mut block) {
                    Ok(n @ 1..) => request.extend_from_slice(&block[..n]),
                    _ => break,
                }
            }
            let body = Answer::chat("a secret answer").body;
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\
                 content-length: {}\r\n\r\n",
                body.len()
            );
            let _ = tls.write_all(head.as_bytes()).and_then(|()| tls.write_all(&body));
            let _ = tls.flush();
        }
    });
    format!("https://localhost:{port}/v1")
}

fn ask(url: &str, authority: Option<&str>) -> Value {
    let run = program("escalate").args(["--to", url, "--model", "m", "--question", "q"]);
    let mut run = run.args(["--price", "0,0", "--attempts", "1"]);
    if let Some(file) = authority {
        run = run.arg("--ca").arg(data(file));
    }
    run.stdin("{\"text\":\"x\"}\n").run().record()
}

#[test]
fn an_authority_of_ones_own_is_trusted_and_no_other_and_nothing_that_expired() {
    let url = provider("tls/server.pem");
    assert_eq!(ask(&url, Some("tls/ca.pem"))["answer"], "a secret answer");
    let expired = provider("tls/expired.pem");
    for (url, authority, why) in [
        (&url, None, "UnknownIssuer"),
        (&url, Some("tls/expired.pem"), "certificate"),
        (&expired, Some("tls/ca.pem"), "expired"),
    ] {
        let error = &ask(url, authority)["error"];
        assert_eq!(error["code"], "remote", "{error}");
        let message = error["message"].as_str().unwrap_or_default();
        assert!(message.contains(why), "{why}: {message}");
    }
}
