//! What can happen to a request on its way, below the level of HTTP and above it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Answer, Endpoint, program};

use super::{PRICE, answering, ask, free};

/// A server that reads the start of each request and then does as the test says; gives its base
/// URL and the number of connections so far.
fn raw_server(act: fn(&mut TcpStream)) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    let calls = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&calls);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            seen.fetch_add(1, Ordering::Relaxed);
            let mut request = [0; 16384];
            let _ = stream.read(&mut request);
            act(&mut stream);
        }
    });
    (url, calls)
}

fn asked_at(url: &str, more: &[&str]) -> testkit::Outcome {
    program("escalate")
        .args(["--model", "m", "--question", "q", "--to", url, "--timeout", "1"])
        .args(more)
        .stdin("{\"n\":1,\"text\":\"x\"}\n")
        .within(Duration::from_secs(20))
        .run()
}

fn error(url: &str) -> Value {
    let record = asked_at(url, &["--price", "0,0", "--attempts", "1"]).code(1).record();
    assert_eq!(record["n"], 1);
    assert!(record["answer"].is_null() && record["escalated"].is_null());
    record["error"].clone()
}

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                      content-length: 500\r\n\r\n{\"choices\":";

#[test]
fn what_is_cut_off_or_no_http_or_drips_is_a_failure_in_time() {
    let (cut, _) = raw_server(|stream| drop(stream.write_all(HEAD)));
    let (silent, _) = raw_server(|_| {});
    let (other, _) = raw_server(|stream| drop(stream.write_all(b"220 mail.example ESMTP\r\n")));
    for url in [cut, silent, other] {
        let error = error(&url);
        assert_eq!((&error["code"], &error["retry"]), (&json!("remote"), &json!(true)), "{error}");
    }
    let (dripping, _) = raw_server(|stream| {
        let _ = stream.write_all(HEAD);
        while stream.write_all(b" ").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    assert_eq!(error(&dripping)["code"], "timeout");
}

#[test]
fn an_answer_that_was_cut_off_is_paid_once_and_not_asked_for_again() {
    let (url, calls) = raw_server(|stream| drop(stream.write_all(HEAD)));
    let more = ["--price", "1,1", "--budget", "1", "--attempts", "5"];
    assert_eq!(asked_at(&url, &more).code(1).error_code(), "remote");
    assert_eq!(calls.load(Ordering::Relaxed), 1, "the model may have been paid for it");
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = answering();
    let place = format!("Location: {}/chat/completions", elsewhere.url());
    for status in [301, 307, 308] {
        let place = place.clone();
        let moved = Endpoint::start(move |_| Answer {
            headers: vec![place.clone()],
            ..Answer::of(status, "")
        });
        let record = free(&moved).stdin("{\"text\":\"x\"}\n").run().code(1).record();
        assert_eq!(
            (&record["error"]["code"], &record["error"]["retry"]),
            (&json!("remote"), &json!(false))
        );
    }
    assert!(elsewhere.asked().is_empty(), "no record went where nobody sent it");
}

#[test]
fn an_empty_answer_is_a_failure_and_a_cut_one_says_so() {
    let empty = Endpoint::start(|_| Answer::chat(""));
    let run = free(&empty).args(["--attempts", "1"]).stdin("{\"text\":\"x\"}\n").run();
    assert_eq!(run.code(1).error_code(), "remote");
    let cut = Endpoint::start(|_| {
        let body = String::from_utf8(Answer::chat("half an").body).expect("JSON");
        Answer::of(200, &body.replace("\"finish_reason\":\"stop\"", "\"finish_reason\":\"length\""))
    });
    let record = free(&cut).stdin("{\"text\":\"x\"}\n").run().code(0).record();
    assert_eq!((&record["answer"], &record["truncated"]), (&json!("half an"), &json!(true)));
}

#[test]
fn counts_that_cannot_be_are_no_way_around_a_budget() {
    let lying = Endpoint::start(|_| {
        let body = String::from_utf8(Answer::chat("an answer").body).expect("JSON");
        Answer::of(200, &body.replace("\"prompt_tokens\":10", "\"prompt_tokens\":1e300"))
    });
    let input: String = (0..8).map(|n| format!("{}\n", json!({"text": format!("x{n}")}))).collect();
    let outcome = ask(&lying)
        .args(PRICE)
        .args(["--budget", "0.003", "--max-tokens", "10", "--jobs", "1"])
        .stdin(input)
        .run();
    assert_eq!(outcome.status, 3, "{outcome}");
    assert!(lying.asked().len() < 8, "each call costs what was set aside for it\n{outcome}");
}

#[test]
fn a_ledger_that_cannot_be_used_is_said_before_anything_is_sent() {
    let endpoint = answering();
    let paid = || ask(&endpoint).args(PRICE).args(["--budget", "1"]).stdin("{\"text\":\"x\"}\n");
    paid().env("HEADWATER_STATE", "/proc/nowhere").run().code(2).says("ledger.db");
    let damaged = paid().file("state/ledger.db", "no database at all, and longer than a header");
    let state = damaged.folder().join("state");
    damaged.env("HEADWATER_STATE", state).run().code(2).says("damaged");
    assert!(endpoint.asked().is_empty());
}

#[test]
fn no_budget_asks_nothing_and_a_wrong_expression_has_its_place() {
    let endpoint = answering();
    let broke = ask(&endpoint).args(PRICE).args(["--budget", "0"]).stdin("{\"text\":\"x\"}\n");
    assert_eq!(broke.run().code(3).record()["escalated"], false);
    let wrong = free(&endpoint).args(["--when", ".a\n  == nonsense"]).run();
    wrong.code(2).says("line 2, column 6");
    assert!(endpoint.asked().is_empty());
}

#[test]
fn a_signal_does_not_wait_for_the_answer() {
    let stuck = Endpoint::start(|_| {
        thread::sleep(Duration::from_secs(60));
        Answer::chat("never seen")
    });
    let state = tempfile::tempdir().expect("a folder");
    let budget = ["--budget-day", "0.0012", "--max-tokens", "10"];
    let paid =
        |at: &Endpoint| ask(at).args(PRICE).args(budget).env("HEADWATER_STATE", state.path());
    let mut running = paid(&stuck).start();
    running.send("{\"text\":\"x\"}");
    while stuck.asked().is_empty() {
        thread::sleep(Duration::from_millis(10));
    }
    let started = Instant::now();
    running.signal("INT");
    let (status, lines, _) = running.end();
    assert_eq!((status, lines.len()), (130, 0));
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    // What was on its way may have been paid for: it goes on counting.
    let endpoint = answering();
    let again = paid(&endpoint).stdin("{\"text\":\"x\"}\n").run().code(3);
    assert_eq!(again.record()["escalated"], false);
    assert!(endpoint.asked().is_empty());
}

#[test]
fn a_gigabyte_or_a_stream_without_end_is_left_soon() {
    let (huge, _) = raw_server(|stream| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1073741824\r\n\r\n";
        let _ = stream.write_all(head.as_bytes());
        let block = vec![b'['; 1 << 16];
        while stream.write_all(&block).is_ok() {}
    });
    let (chunked, _) = raw_server(|stream| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
        let _ = stream.write_all(head.as_bytes());
        let block = format!("10000\r\n{}\r\n", " ".repeat(1 << 16));
        while stream.write_all(block.as_bytes()).is_ok() {}
    });
    let (headers, _) = raw_server(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(b"x-more: and more\r\n").is_ok() {}
    });
    for url in [huge, chunked, headers] {
        let started = Instant::now();
        let run = program("escalate").args(["--model", "m", "--question", "q", "--to", &url]);
        let run = run.args(["--price", "0,0", "--attempts", "1"]).stdin("{\"text\":\"x\"}\n");
        assert_eq!(run.within(Duration::from_secs(60)).run().code(1).error_code(), "remote");
        assert!(started.elapsed() < Duration::from_secs(60));
    }
}

#[test]
fn what_is_no_answer_of_the_interface_is_a_failure() {
    for body in [
        "<!doctype html><html>504 Gateway Time-out</html>",
        "{\"choices\":[{\"message\":{\"conte",
        "{\"error\":{\"message\":\"insufficient quota\"}}",
        "{\"choices\":[{\"message\":{\"content\":7}}]}",
        "data: {\"choices\":[]}\n\n",
        "null",
        "[[[[",
    ] {
        let endpoint = Endpoint::start(move |_| Answer::of(200, body));
        let run = free(&endpoint).args(["--attempts", "1"]).stdin("{\"text\":\"x\"}\n");
        assert_eq!(run.run().code(1).error_code(), "remote", "{body}");
    }
}

#[test]
fn rate_limits_are_kept_to_and_the_pace_is_lowered() {
    // The second request comes too soon unless the headers of the first answer are heeded.
    let last = std::sync::Mutex::new(None::<Instant>);
    let endpoint = Endpoint::start(move |_| {
        let before = last.lock().expect("no panic").replace(Instant::now());
        if before.is_some_and(|at| at.elapsed() < Duration::from_millis(250)) {
            return Answer::of(400, "{\"error\":\"too soon\"}");
        }
        let headers = ["x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: 300ms"];
        Answer { headers: headers.map(str::to_owned).to_vec(), ..Answer::chat("in time") }
    });
    let input: String = (0..4).map(|n| format!("{}\n", json!({"text": format!("r{n}")}))).collect();
    free(&endpoint).args(["--jobs", "1"]).stdin(input.clone()).run().code(0);
    // A server that takes one request at a time gets all records through.
    let running = Arc::new(AtomicUsize::new(0));
    let narrow = Endpoint::start(move |_| {
        let others = running.fetch_add(1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(20));
        running.fetch_sub(1, Ordering::SeqCst);
        if others > 0 { Answer::of(429, "one at a time") } else { Answer::chat("served") }
    });
    let input: String =
        (0..12).map(|n| format!("{}\n", json!({"text": format!("s{n}")}))).collect();
    let run = free(&narrow).args(["--jobs", "4", "--attempts", "20"]).stdin(input);
    assert!(run.run().code(0).records().iter().all(|r| r["answer"] == "served"));
}

#[test]
fn after_some_failures_no_more_is_asked() {
    let endpoint = Endpoint::start(|_| Answer::of(400, "{\"error\":\"no\"}"));
    let input: String =
        (0..20).map(|n| format!("{}\n", json!({"text": format!("r{n}")}))).collect();
    let run = free(&endpoint).args(["--max-errors", "3", "--jobs", "1"]).stdin(input);
    let records = run.run().code(3).says("--max-errors").records();
    let failed = records.iter().filter(|r| r["error"]["code"] == "remote").count();
    let passed = records.iter().filter(|r| r["escalated"] == false).count();
    assert_eq!((failed, passed, endpoint.asked().len()), (3, 17, 3));
}
