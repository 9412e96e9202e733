use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use serde_json::json;
use serve_cli::{Config, Listen, ServeError, Server};

use crate::client::{Reply, post, registry, start_with};

fn config(path: &Path) -> Config {
    Config::new(Listen::Unix(path.into()))
}

#[test]
fn a_socket_is_for_its_owner_and_gone_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serve.sock");
    let server = start_with(config(&path), registry());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut client = UnixStream::connect(&path).unwrap();
    let body = json!({ "prompt": "count" }).to_string();
    // Over a private socket the host is nobody's business.
    let request = post("/v1/completions", "", &body).replace("Host: localhost", "Host: any");
    client.write_all(request.as_bytes()).unwrap();
    let reply = Reply::read(&mut client);
    assert_eq!(reply.json()["choices"][0]["text"], "one two three four five");
    assert_eq!(server.stop().requests, 1);
    assert!(!path.exists());
}

#[test]
fn a_stale_socket_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serve.sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let server = start_with(config(&path), registry());
    assert!(UnixStream::connect(&path).is_ok());
    server.stop();
}

#[test]
fn a_socket_somebody_answers_on_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serve.sock");
    let server = start_with(config(&path), registry());
    let error = Server::bind(config(&path), registry()).err();
    assert!(matches!(error, Some(ServeError::InUse(_))), "{error:?}");
    assert!(UnixStream::connect(&path).is_ok());
    server.stop();
}

#[test]
fn what_is_not_a_socket_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("precious");
    std::fs::write(&file, "data").unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    for path in [&file, &link, &folder.path().to_path_buf()] {
        let error = Server::bind(config(path), registry()).err();
        assert!(matches!(error, Some(ServeError::NotASocket(_))), "{error:?}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "data");
}

#[test]
fn a_missing_folder_or_a_long_path_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("none/serve.sock"), folder.path().join("x".repeat(200))] {
        let error = Server::bind(config(&path), registry()).err();
        assert!(matches!(error, Some(ServeError::Listen { .. })), "{error:?}");
    }
}

#[test]
fn a_successors_socket_is_not_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serve.sock");
    let server = start_with(config(&path), registry());
    std::fs::rename(&path, folder.path().join("moved")).unwrap();
    let _successor = UnixListener::bind(&path).unwrap();
    server.stop();
    assert!(UnixStream::connect(&path).is_ok());
}
