//! Killed at any moment: every record is answered in the end, and nothing is paid twice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Answer, Endpoint, Program};

use super::{PRICE, ask, free};

const RECORDS: usize = 40;
const KILLS: u64 = 20;

fn input() -> Vec<String> {
    (0..RECORDS).map(|n| json!({"n": n, "text": format!("text {n}")}).to_string()).collect()
}

/// What was asked under each idempotency key: who sends a key twice pays once.
type Paid = Arc<Mutex<BTreeMap<String, Value>>>;

/// A provider that says what it read, knows idempotency keys, and takes its time.
fn provider() -> (Endpoint, Paid) {
    let paid = Paid::default();
    let seen = Arc::clone(&paid);
    let endpoint = Endpoint::start(move |asked| {
        let key = asked.headers.iter().find_map(|h| h.strip_prefix("idempotency-key: "));
        let key = key.expect("a key").to_owned();
        let before = seen.lock().expect("no panic").insert(key, asked.body.clone());
        assert!(before.is_none_or(|before| before == asked.body), "one key for two requests");
        thread::sleep(Duration::from_millis(5));
        let text = asked.body["messages"][1]["content"].as_str().unwrap_or_default();
        let record = text.lines().find(|line| line.starts_with("text ")).unwrap_or_default();
        Answer::chat(&record.to_uppercase())
    });
    (endpoint, paid)
}

#[test]
fn killed_at_random_moments_every_record_is_answered_and_paid_once() {
    let (endpoint, paid) = provider();
    let state = tempfile::tempdir().expect("a folder");
    let run = || -> Program {
        let run = ask(&endpoint).args(PRICE).env("HEADWATER_STATE", state.path());
        run.args(["--jobs", "2", "--max-tokens", "10", "--budget-day", "1"])
    };
    // Spread over all of a run, in an order that repeats nothing soon.
    for kill in 0..KILLS {
        let mut running = run().start();
        for line in input() {
            if !running.try_send(&line) {
                break;
            }
        }
        thread::sleep(Duration::from_millis(5 + kill * 37 % 120));
        running.signal("KILL");
        let (_, lines, _) = running.end();
        // What came out is whole and right, whenever it was cut off.
        for line in lines.iter().filter(|line| line.ends_with('}')) {
            let record: Value = serde_json::from_str(line).expect("a whole record");
            assert_eq!(record["answer"], format!("TEXT {}", record["n"]).as_str());
        }
    }
    let outcome = run().stdin(input().join("\n") + "\n").run().code(0);
    let records = outcome.records();
    assert_eq!(records.len(), RECORDS);
    for (n, record) in records.iter().enumerate() {
        assert_eq!((&record["n"], &record["answer"]), (&json!(n), &json!(format!("TEXT {n}"))));
    }
    assert_eq!(paid.lock().expect("no panic").len(), RECORDS, "each was paid for once");
    let again = run().stdin(input().join("\n") + "\n").run().code(0).records();
    assert!(again.iter().all(|r| r["via"][0]["cached"] == true && r["via"][0]["cost"].is_null()));
}

#[test]
fn the_same_is_asked_once_unless_it_is_asked_for_again() {
    let (endpoint, paid) = provider();
    let state = tempfile::tempdir().expect("a folder");
    let run = |more: &[&str]| {
        let run = free(&endpoint).env("HEADWATER_STATE", state.path()).args(more);
        run.stdin("{\"text\":\"text 1\"}\n".repeat(8)).run().code(0).records()
    };
    assert!(run(&[]).iter().all(|r| r["answer"] == "TEXT 1"));
    assert_eq!(endpoint.asked().len(), 1, "eight at a time wait for one answer");
    run(&["--no-cache", "--jobs", "1", "--limit", "8"]);
    assert_eq!(endpoint.asked().len(), 9);
    assert_eq!(paid.lock().expect("no panic").len(), 2, "on purpose, and under another key");
    run(&["--max-tokens", "99"]);
    assert_eq!(endpoint.asked().len(), 10, "another limit is another question");
    run(&["--cache", "own.db"]);
    assert_eq!(endpoint.asked().len(), 11);
}
