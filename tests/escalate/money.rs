//! What may be spent, what would be, and what was.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use testkit::{Answer, Endpoint, program};

use super::{PRICE, answering, ask, free};

fn lines(name: &str, n: usize) -> String {
    (0..n).map(|n| format!("{}\n", json!({"n": n, "text": format!("{name} {n}")}))).collect()
}

/// A provider that says how many tokens it took: the given number, and 5 for the answer.
fn claiming(tokens: &'static str) -> Endpoint {
    Endpoint::start(move |_| {
        let body = String::from_utf8(Answer::chat("an answer").body).expect("JSON");
        Answer::of(
            200,
            &body.replace("\"prompt_tokens\":10", &format!("\"prompt_tokens\":{tokens}")),
        )
    })
}

fn ledger(state: &std::path::Path) -> Vec<Value> {
    program("escalate").arg("--ledger").env("HEADWATER_STATE", state).run().code(0).records()
}

fn row<'a>(rows: &'a [Value], by: &str) -> &'a Value {
    rows.iter().find(|row| row["by"] == by).expect("a row")
}

#[test]
fn sixteen_processes_use_a_budget_up_and_never_exceed_it() {
    // Half a thousandth of a dollar a call, at a dollar for a million tokens.
    let endpoint = claiming("495");
    let state = tempfile::tempdir().expect("a folder");
    std::thread::scope(|scope| {
        for process in 0..16 {
            let (endpoint, state) = (&endpoint, state.path());
            scope.spawn(move || {
                let run = ask(endpoint).args(PRICE).env("HEADWATER_STATE", state);
                let run = run.args(["--budget-day", "0.15", "--max-tokens", "10", "--jobs", "2"]);
                let outcome = run.stdin(lines(&format!("p{process}"), 30)).run();
                assert!([0, 3].contains(&outcome.status), "{outcome}");
                assert_eq!(outcome.records().len(), 30);
            });
        }
    });
    let calls = endpoint.asked().len();
    assert!(calls <= 300, "{calls} calls of 0.0005 with 0.15 to spend");
    let rows = ledger(state.path());
    let spent = row(&rows, "all")["spent"].as_f64().expect("a sum");
    assert!((0.1485..=0.15).contains(&spent), "{spent}");
    assert_eq!(row(&rows, "all")["calls"], calls);
    assert_eq!(row(&rows, "all")["pending"], 0.0);
}

#[test]
fn absurd_counts_are_booked_at_what_was_possible() {
    for claim in ["1000000000000", "18446744073709551615", "1e300", "-5", "0", "\"many\""] {
        let endpoint = claiming(claim);
        let state = tempfile::tempdir().expect("a folder");
        let run = ask(&endpoint).args(PRICE).env("HEADWATER_STATE", state.path());
        let run = run.args(["--budget", "1", "--max-tokens", "10"]).stdin(lines("x", 1));
        let outcome = run.run().code(0);
        assert_eq!(outcome.messages().contains("claims tokens"), claim.len() > 10, "{outcome}");
        let spent = row(&ledger(state.path()), "all")["spent"].as_f64().expect("a sum");
        assert!((0.0005..0.002).contains(&spent), "{claim}: {spent}");
        assert_eq!(outcome.record()["via"][0]["cost"], spent);
    }
}

#[test]
fn calls_have_a_limit_of_their_own() {
    let endpoint = answering();
    let run = free(&endpoint).args(["--max-calls", "3", "--jobs", "2"]).stdin(lines("x", 10));
    let records = run.run().code(3).says("--max-calls").records();
    let asked = records.iter().filter(|r| r["escalated"] == true).count();
    assert_eq!((asked, endpoint.asked().len(), records.len()), (3, 3, 10));
    let retried = AtomicUsize::new(0);
    let failing = Endpoint::start(move |_| {
        retried.fetch_add(1, Ordering::Relaxed);
        Answer::of(503, "busy")
    });
    let run = free(&failing).args(["--max-calls", "2", "--attempts", "9"]).stdin(lines("x", 1));
    run.run();
    assert_eq!(failing.asked().len(), 2, "attempts are calls");
}

#[test]
fn an_estimate_asks_nothing_and_needs_no_key() {
    let endpoint = answering();
    let state = tempfile::tempdir().expect("a folder");
    let list = format!("[openai]\nurl = \"{}\"\n", endpoint.url());
    let run = |more: &[&str]| {
        let run = program("escalate").file("p.toml", &list).env("HEADWATER_STATE", state.path());
        let run = run.args(["--providers", "p.toml", "--to", "openai", "--question", "What?"]);
        let run = run.args(["--model", "fake", "--price", "0.15,0.60"]);
        run.args(["--when", ".n % 2 == 0", "--max-tokens", "100"]).args(more).stdin(lines("x", 20))
    };
    let estimate = |more: &[&str]| run(&[&["--estimate"], more].concat()).run().code(0).record();
    let first = estimate(&[]);
    assert_eq!(
        (&first["records"], &first["wanted"], &first["calls"]),
        (&json!(20), &json!(10), &json!(10))
    );
    assert_eq!(first["tokens_out"], 1000);
    assert!(first["cost"].as_f64() < first["cost_at_most"].as_f64());
    assert_eq!(estimate(&["--batch", "4"])["calls"], 3);
    assert_eq!(estimate(&["--all"])["calls"], 1);
    assert_eq!(estimate(&["--top", "3"])["wanted"], 3);
    assert!(endpoint.asked().is_empty());
    run(&[]).env("OPENAI_API_KEY", "sk-of-the-test").args(["--limit", "10"]).run().code(3);
    let second = estimate(&[]);
    assert_eq!((&second["kept"], &second["wanted"]), (&json!(5), &json!(5)));
    assert_eq!(second["tokens_out"], 25, "as long as the answers so far");
    let cost = second["cost_at_most"].as_f64().expect("a cost");
    let all = run(&[]).env("OPENAI_API_KEY", "sk-of-the-test").run().code(0).records();
    let paid: f64 = all.iter().filter_map(|r| r["via"][0]["cost"].as_f64()).sum();
    assert!(paid > 0.0 && paid <= cost, "{paid} {cost}");
}

#[test]
fn the_ledger_tells_what_was_spent_and_what_was_saved() {
    let endpoint = answering();
    let state = tempfile::tempdir().expect("a folder");
    let run = |pipeline: &str, name: &str| {
        let run = ask(&endpoint).args(PRICE).env("HEADWATER_STATE", state.path());
        let run = run.args(["--when", ".n < 2", "--pipeline", pipeline]).stdin(lines(name, 10));
        run.run().code(0);
    };
    run("mail", "a");
    run("mail", "b");
    run("photos", "c");
    let rows = ledger(state.path());
    assert_eq!(
        (&row(&rows, "all")["calls"], &row(&rows, "all")["spent"]),
        (&json!(6), &json!(0.000_09))
    );
    assert_eq!(row(&rows, "model")["model"], "fake");
    assert_eq!(row(&rows, "day")["tokens_in"], 60);
    let mail = rows.iter().find(|row| row["pipeline"] == "mail").expect("a row");
    assert_eq!((&mail["calls"], &mail["passed"]), (&json!(4), &json!(16)));
    assert_eq!(mail["saved"], 0.000_24);
    program("escalate").args(["--question", "q", "--pipeline", "a/b"]).run().code(2);
    let fresh = tempfile::tempdir().expect("a folder");
    assert_eq!(ledger(fresh.path()).len(), 1);
}
