//! A child that behaves, and children that do not. The test binary plays `serve` itself, started
//! by a script that hands the arguments over.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;

use super::*;
use crate::provider::{Client, Endpoint, Message, Question};

/// Writes an executable script with the given body.
fn script(folder: &Path, body: &str) -> PathBuf {
    let path = folder.join("serve");
    fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path
}

fn quick() -> Patience {
    Patience { start: Duration::from_secs(10), stop: Duration::from_millis(300) }
}

fn alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

/// Plays `serve` on the socket named by its input's only line.
#[test]
#[ignore = "started by the tests of the local server, not by itself"]
fn child_process() {
    let mut socket = String::new();
    std::io::stdin().read_to_string(&mut socket).unwrap();
    if socket.trim().is_empty() {
        return;
    }
    let listener = UnixListener::bind(socket.trim()).unwrap();
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        // The whole request (ours end with the head of a GET or with a JSON object): one that is
        // answered half read and then closed gives the client a broken pipe.
        let mut request = Vec::new();
        let mut chunk = [0; 4096];
        let whole =
            |r: &[u8]| r.ends_with(b"}") || r.starts_with(b"GET ") && r.ends_with(b"\r\n\r\n");
        while !whole(&request) {
            match stream.read(&mut chunk).unwrap() {
                0 => break,
                n => request.extend_from_slice(&chunk[..n]),
            }
        }
        let body = if request.starts_with(b"GET /health ") {
            r#"{"status":"ok"}"#
        } else {
            r#"{"model":"tiny","choices":[{"message":{"content":"yes"},"finish_reason":"stop"}]}"#
        };
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        );
    }
}

fn playing(folder: &Path) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let arguments = "--exact local::tests::child_process --ignored --test-threads=1";
    // `exec` makes the test binary the child itself, so that signals reach it.
    let body = format!(
        "test \"$1 $3 $4 $5 $6\" = '--socket --model tiny --quiet --exit-on-stdin-eof' || exit 9\n\
         exec '{}' {arguments} >/dev/null <<END\n$2\nEND",
        test.display()
    );
    script(folder, &body)
}

#[test]
fn a_server_starts_answers_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    let server = LocalServer::start(&playing(folder.path()), "tiny", quick()).unwrap();
    let private = server.socket.parent().unwrap().to_path_buf();
    assert_eq!(fs::metadata(&private).unwrap().permissions().mode() & 0o777, 0o700);
    let endpoint = Endpoint {
        price: Some(crate::cost::Price::FREE),
        ..Endpoint::new("local", server.address(), "tiny")
    };
    let client = Client::new(endpoint).unwrap();
    let messages = vec![Message::user("is it?".into())];
    let question =
        Question { messages, max_tokens: 5, temperature_milli: None, seed: None, schema: None };
    assert_eq!(client.ask_once(&question).unwrap().text, "yes");
    let pid = server.child.id();
    assert!(alive(pid));
    drop(server);
    assert!(!alive(pid));
    assert!(!private.exists());
}

#[test]
fn one_that_ends_at_once_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let program = script(folder.path(), "echo 'no such model: tiny' >&2; exit 2");
    let error = LocalServer::start(&program, "tiny", quick()).unwrap_err();
    assert!(matches!(&error, LocalError::Ended { status, .. } if status.code() == Some(2)));
    assert!(error.to_string().contains("no such model: tiny"), "{error}");
}

#[test]
fn one_that_never_gets_ready_and_ignores_the_signal_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let pid_file = folder.path().join("pid");
    let body = format!(
        "trap '' TERM\necho $$ > '{}'\necho loading >&2\nwhile :; do sleep 0.05; done",
        pid_file.display()
    );
    let program = script(folder.path(), &body);
    let patience = Patience { start: Duration::from_millis(500), ..quick() };
    let error = LocalServer::start(&program, "tiny", patience).unwrap_err();
    assert!(
        matches!(&error, LocalError::Late { messages, .. } if messages == "loading"),
        "{error}"
    );
    let pid: u32 = fs::read_to_string(&pid_file).unwrap().trim().parse().unwrap();
    assert!(!alive(pid));
}

#[test]
fn a_program_that_cannot_run_is_an_error() {
    let error = LocalServer::start(Path::new("/nonexistent/serve"), "tiny", quick()).unwrap_err();
    assert!(matches!(error, LocalError::Start { .. }));
}

#[test]
fn serve_is_found_beside_us_then_on_the_path() {
    let beside = tempfile::tempdir().unwrap();
    let on_path = tempfile::tempdir().unwrap();
    let own = beside.path().join("escalate");
    let path = std::env::join_paths([Path::new("."), on_path.path()]).unwrap();
    let find = || find_serve(Some(&own), Some(&path));
    assert!(matches!(find(), Err(LocalError::NotFound)));
    let second = script(on_path.path(), "");
    assert_eq!(find().unwrap(), second);
    let first = script(beside.path(), "");
    assert_eq!(find().unwrap(), first);
    fs::set_permissions(&first, fs::Permissions::from_mode(0o600)).unwrap();
    // Root may execute nothing that has no execute bit at all.
    assert_eq!(find().unwrap(), second);
}
