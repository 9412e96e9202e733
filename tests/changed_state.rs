//! What `changed` keeps: in memory, in temporary files, in a state file over runs.

use serde_json::{Value, json};
use testkit::{Outcome, Program, program};

fn changed(args: &[&str]) -> Program {
    program("changed").args(args).arg("--no-via")
}

#[test]
fn more_keys_than_fit_in_memory_are_told_apart_all_the_same() {
    let event = |n: u64| format!("{{\"k\":{},\"v\":{}}}\n", n % 20_000, n / 40_000);
    let input: String = (0..60_000).map(event).collect();
    let full = changed(&["--key", ".k"]).stdin(input.clone()).run().code(0);
    assert_eq!(full.records().len(), 40_000);
    let small = changed(&["--key", ".k", "--memory", "100K"]).stdin(input.clone()).run().code(0);
    let strip = |o: &Outcome| -> Vec<Value> {
        o.records().iter().map(|r| json!([r["k"], r["v"], r["change"]["suppressed"]])).collect()
    };
    assert_eq!(strip(&small), strip(&full));
    let none = changed(&["--key", ".k", "--memory", "100K"]).env("TMPDIR", "/no/such/folder");
    none.stdin(input).run().code(2).says("/no/such/folder");
}

#[test]
fn a_state_file_serves_many_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state.db");
    let state = state.to_str().expect("UTF-8");
    let run_key = |key: &str, value: u64, more: &[&str]| {
        let event = format!("{{\"k\":\"{key}\",\"t\":{},\"v\":{value}}}\n", 1000 + value);
        let args = ["--state", state, "--key", ".k", "--time", "t"];
        changed(&args).args(more).stdin(event).run().code(0).records()
    };
    let run = |value: u64, more: &[&str]| run_key("a", value, more);
    assert_eq!(run(1, &[]).len(), 1);
    assert_eq!(run(1, &[]).len(), 0);
    let third = run(2, &[]);
    assert_eq!(
        (&third[0]["change"]["prev"]["v"], &third[0]["change"]["suppressed"]),
        (&json!(1), &json!(1))
    );
    // What is held at the end of a run is reported by a later one.
    assert_eq!(run(3, &["--rule", "v debounce=10s"]).len(), 0);
    let later = run(60, &["--rule", "v debounce=10s"]);
    assert_eq!((&later[0]["v"], &later[0]["change"]["at"]), (&json!(3), &json!(1013)));
    assert_eq!(run(90, &[]).len(), 2);
    // Not seen for long enough before the latest event: forgotten.
    assert_eq!(run_key("b", 500, &[]).len(), 1);
    assert_eq!(run(90, &["--expire", "1h"]).len(), 0);
    let first = run(90, &["--expire", "5m"]);
    assert_eq!(first[0]["change"]["rule"]["v"], "first");
}

#[test]
fn one_run_at_a_time_has_the_state() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state.db");
    let args = ["--key", ".k", "--state", state.to_str().expect("UTF-8")];
    let mut first = changed(&args).start();
    first.send("{\"k\":1,\"v\":1}");
    first.line();
    let mut second = changed(&args).start();
    second.send("{\"k\":1,\"v\":1}");
    second.close_stdin();
    first.send("{\"k\":1,\"v\":2}");
    first.line();
    first.close_stdin();
    assert_eq!(first.end().0, 0);
    let record: Value = serde_json::from_str(&second.line()).expect("a record");
    assert_eq!(record["change"]["prev"]["v"], 2);
    assert_eq!(second.end().0, 0);
}

#[test]
fn a_state_file_that_cannot_be_used_is_left_as_it_is() {
    let run = |state: &[u8], text: &str| {
        let run = changed(&["--state", "s.db"]).file("s.db", state).stdin("{\"v\":1}\n");
        let path = run.folder().join("s.db");
        let outcome = run.run().code(2).says(text);
        assert!(outcome.stdout.is_empty(), "{outcome}");
        drop((path, outcome));
    };
    run(
        &b"this is no database, only a text of some length. ".repeat(50),
        "damaged or not a database",
    );
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("s.db");
    let args = ["--state", path.to_str().expect("UTF-8"), "--key", ".k"];
    let events: String = (0..5000).map(|n| format!("{{\"k\":{n},\"v\":1}}\n")).collect();
    changed(&args).stdin(events.clone()).run().code(0);
    let whole = std::fs::read(&path).expect("a state");
    // Half of it.
    run(&whole[..whole.len() / 2], "damaged");
    let edit = |sql: &str| {
        let connection = rusqlite::Connection::open(&path).expect("a database");
        connection.execute_batch(sql).expect("an edit");
        drop(connection);
        let edited = std::fs::read(&path).expect("a state");
        std::fs::write(&path, &whole).expect("the state as it was");
        edited
    };
    run(&edit("INSERT INTO migration (name) VALUES ('0009-later')"), "newer version");
    run(&edit("UPDATE progress SET moment = x'02'"), "newer version");
    // The state of one key: that key fails, and the others go on.
    std::fs::write(
        &path,
        edit("UPDATE bucket SET keys = CAST(substr(keys, 1, 40) || x'02' || substr(keys, 42) AS BLOB)
         WHERE number = 0"),
    )
    .expect("a state");
    let outcome = changed(&args).stdin(events).run().code(1);
    assert_eq!(outcome.error_code(), "unreadable");
}

#[test]
fn a_clock_that_was_put_back_does_not_stop_anything() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state.db");
    let state = state.to_str().expect("UTF-8");
    let run = |args: &[&str], event: &str| {
        let all = ["--state", state, "--key", ".k", "--fields", "v"];
        changed(&all).args(args).stdin(format!("{event}\n")).run().code(0).records()
    };
    // The state says that the key was seen in 2100; by the clock of this machine it is not yet.
    let future = ["--time", "t", "--rule", "v every=1h"];
    assert_eq!(run(&future, "{\"k\":1,\"v\":1,\"t\":4102444800}").len(), 1);
    let now = run(&[], "{\"k\":1,\"v\":2}");
    assert_eq!(now[0]["change"]["prev"]["v"], 1, "{now:?}");
    assert_eq!(run(&[], "{\"k\":1,\"v\":2}").len(), 0);
    // From a field, an event older than the last one is left out, and counted.
    assert_eq!(run(&["--time", "t"], "{\"k\":1,\"v\":3,\"t\":5}").len(), 0);
    let next = run(&[], "{\"k\":1,\"v\":4}");
    assert_eq!(next[0]["change"]["suppressed"], 2, "{next:?}");
}
