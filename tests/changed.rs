//! `changed`, as its users run it. State files: tests/changed_state.rs;
//! pictures and embeddings: tests/changed_views.rs; runs that are killed: tests/changed_killed.rs.

use serde_json::{Value, json};
use testkit::{Outcome, Program, program};

fn changed(args: &[&str]) -> Program {
    program("changed").args(args).arg("--no-via")
}

/// The rules that made each record of the output news.
fn rules(outcome: &Outcome) -> Vec<(Value, Value)> {
    outcome.records().iter().map(|r| (r["n"].clone(), r["change"]["rule"].clone())).collect()
}

/// Events of one key, a second each, with these values of `v`; their numbers, and the rule, where
/// they were news.
fn news(rule: &str, values: &[Value]) -> Vec<(u64, String)> {
    let events: String = values
        .iter()
        .enumerate()
        .map(|(n, v)| format!("{}\n", json!({"n": n, "t": 1_700_000_000 + n, "v": v})))
        .collect();
    let rule = format!("v {rule}");
    let args = ["--time", "t", "--fields", "v", "--rule", &rule];
    let outcome = changed(&args).stdin(events).run().code(0);
    let name = |rule: &Value| rule["v"].as_str().expect("a rule").to_owned();
    rules(&outcome).iter().map(|(n, rule)| (n.as_u64().expect("n"), name(rule))).collect()
}

fn numbers(values: &[f64]) -> Vec<Value> {
    values.iter().map(|v| json!(v)).collect()
}

fn texts(values: &[&str]) -> Vec<Value> {
    values.iter().map(|v| json!(v)).collect()
}

fn shown(news: &[(u64, String)]) -> Vec<(u64, &str)> {
    news.iter().map(|(n, rule)| (*n, rule.as_str())).collect()
}

#[test]
fn only_differences_pass_each_with_what_it_changes() {
    let input = "{\"s\":\"a\",\"v\":1,\"u\":\"C\"}\n{\"s\":\"a\",\"u\":\"C\",\"v\":1.0}\n\
        {\"s\":\"b\",\"v\":1}\n{\"s\":\"a\",\"v\":2.5,\"u\":\"\\u0043\",\"via\":[]}\n";
    let outcome = changed(&["--key", ".s"]).stdin(input).run().code(0);
    let records = outcome.records();
    assert_eq!(records.len(), 3, "{outcome}");
    let first = &records[0]["change"];
    assert_eq!(first["rule"], json!({"v": "first", "u": "first"}));
    assert_eq!((&first["since"], &first["suppressed"]), (&Value::Null, &json!(0)));
    let last = &records[2]["change"];
    assert_eq!(last["rule"], json!({"v": "value"}));
    assert_eq!((&last["prev"], &last["delta"]), (&json!({"v": 1}), &json!({"v": 1.5})));
    assert_eq!(last["suppressed"], 1);
    assert!(last["since"].as_str().is_some_and(|since| since.ends_with('Z')), "{outcome}");
    // What came in stands as it came.
    assert!(outcome.text().contains("{\"s\":\"a\",\"v\":2.5,\"u\":\"\\u0043\",\"via\":[],\"id\":"));
}

#[test]
fn members_that_do_not_count_do_not_count() {
    let input = "{\"n\":1,\"a\":1,\"b\":{\"c\":1,\"d\":1}}\n{\"n\":2,\"a\":2,\"b\":{\"c\":1,\"d\":2}}\n\
        {\"n\":3,\"a\":2,\"b\":{\"c\":2,\"d\":2}}\n";
    let numbers = |args: &[&str]| {
        let records = changed(args).stdin(input).run().code(0).records();
        records.iter().map(|r| r["n"].as_u64().expect("n")).collect::<Vec<_>>()
    };
    assert_eq!(numbers(&["--ignore-fields", "n"]), [1, 2, 3]);
    assert_eq!(numbers(&["--ignore-fields", "n,b"]), [1, 2]);
    assert_eq!(numbers(&["--fields", "b.c"]), [1, 3]);
    assert_eq!(numbers(&["--fields", "nothing"]), [0; 0]);
}

#[test]
fn a_key_alone_is_news_when_it_is_new() {
    let input = "{\"k\":\"a\"}\n{\"k\":\"a\",\"id\":\"x\"}\n{\"k\":\"b\"}\n";
    let outcome = changed(&["--key", ".k"]).stdin(input).run().code(0);
    assert_eq!(outcome.records().len(), 2, "{outcome}");
    assert_eq!(outcome.records()[1]["change"]["rule"], json!({"k": "first"}));
}

#[test]
fn dead_bands_are_around_what_was_reported_last() {
    let drift = numbers(&[20.0, 20.3, 20.5, 20.6, 20.9, 21.2]);
    assert_eq!(shown(&news("band=0.5", &drift)), [(0, "first"), (3, "band"), (5, "band")]);
    let tenths = numbers(&[20.1, 20.6]);
    assert_eq!(shown(&news("band=0.5", &tenths)), [(0, "first")]);
    let percent = numbers(&[100.0, 102.0, 102.1, 104.1, 0.0, 0.001]);
    let expected = [(0, "first"), (2, "band"), (4, "band"), (5, "band")];
    assert_eq!(shown(&news("band=2%", &percent)), expected);
    assert_eq!(shown(&news("band=2% band=0.01", &percent))[3..], []);
    // Turning back takes more.
    let turning = numbers(&[10.0, 12.0, 10.8, 10.4, 9.2]);
    let expected = [(0, "first"), (1, "band"), (3, "band"), (4, "band")];
    assert_eq!(shown(&news("band=1 hysteresis=0.5", &turning)), expected);
}

#[test]
fn levels_are_left_only_with_their_hysteresis() {
    let values = numbers(&[18.0, 21.0, 19.5, 21.0, 18.9, 31.0, 15.0]);
    let expected = [(0, "first"), (1, "level"), (4, "level"), (5, "level"), (6, "level")];
    assert_eq!(shown(&news("level=20|30 hysteresis=1", &values)), expected);
}

#[test]
fn numbers_may_be_missing_or_none() {
    let values =
        [json!(1), json!(null), json!("nan"), json!(""), json!(1), json!("2"), json!("off")];
    let expected = [(0, "first"), (5, "band"), (6, "value")];
    assert_eq!(shown(&news("band=0.5", &values)), expected);
    let expected = [(0, "first"), (1, "missing"), (4, "value"), (5, "band"), (6, "value")];
    assert_eq!(shown(&news("band=0.5 missing=report", &values)), expected);
    let args = ["--fields", "v", "--rule", "v missing=fail"];
    let outcome = changed(&args).stdin("{\"v\":1}\n{\"v\":null}\n{}\n{\"v\":2}\n").run().code(1);
    let codes: Vec<Value> = outcome.records().iter().map(|r| r["error"]["code"].clone()).collect();
    assert_eq!(codes, [json!(null), json!("missing-field"), json!("missing-field"), json!(null)]);
}

#[test]
fn what_does_not_stay_is_no_news() {
    let values = texts(&["shut", "shut", "open", "open", "shut", "open", "open", "open", "open"]);
    let expected = [(0, "first"), (7, "stays")];
    assert_eq!(shown(&news("stays=open:3s|shut:1s", &values)), expected);
    // Of numbers, what stays within the band.
    let values = numbers(&[20.0, 20.0, 30.0, 20.0, 30.0, 30.1, 29.9, 30.0]);
    assert_eq!(shown(&news("band=1 debounce=2s first=keep", &values)), [(5, "band")]);
}

#[test]
fn what_stays_is_reported_when_its_time_comes() {
    // The second door brings the time; the first one stays open without a word.
    let input = "{\"d\":1,\"t\":100,\"s\":\"shut\"}\n{\"d\":1,\"t\":110,\"s\":\"open\"}\n\
        {\"d\":2,\"t\":409,\"s\":\"shut\"}\n{\"d\":2,\"t\":411,\"s\":\"shut\"}\n";
    let args =
        ["--key", ".d", "--time", "t", "--fields", "s", "--rule", "s stays=open:5m only=open"];
    let record = changed(&args).stdin(input).run().code(0).record();
    assert_eq!((&record["d"], &record["t"]), (&json!(1), &json!(110)));
    assert_eq!(record["change"]["at"], 410);
    assert_eq!(record["change"]["prev"], json!({"s": "shut"}));
    assert_eq!(record["change"]["rule"], json!({"s": "stays"}));
}

#[test]
fn what_is_put_off_comes_in_its_turn() {
    let event = |k: &str, t: u64, v: u64| format!("{{\"k\":\"{k}\",\"t\":{t},\"v\":{v}}}\n");
    let input =
        event("a", 100, 1) + &event("b", 102, 1) + &event("a", 105, 2) + &event("c", 200, 1);
    let args = ["--key", ".k", "--time", "t", "--fields", "v", "--rule", "v debounce=10s"];
    let records = changed(&args).stdin(input).run().code(0).records();
    let found: Vec<_> =
        records.iter().map(|r| (r["k"].as_str(), r["change"]["at"].as_u64())).collect();
    assert_eq!(found, [(Some("b"), Some(112)), (Some("a"), Some(115))]);
}

#[test]
fn what_stays_is_reported_while_nothing_comes() {
    let args = ["--key", ".d", "--fields", "s", "--rule", "s stays=open:50ms"];
    for time in [&[][..], &["--time", "t"]] {
        let mut running = changed(&args).args(time).start();
        running.send("{\"d\":1,\"t\":100,\"s\":\"open\"}");
        let record: Value = serde_json::from_str(&running.line()).expect("a record");
        assert_eq!(record["change"]["rule"]["s"], "first");
        assert!(!record["change"]["at"].is_null(), "{record}");
        running.close_stdin();
        assert_eq!(running.end().0, 0);
    }
}

#[test]
fn only_some_turns_are_told() {
    let values = texts(&["shut", "open", "ajar", "open", "shut"]);
    assert_eq!(shown(&news("only=open", &values)), [(1, "value"), (3, "value")]);
    assert_eq!(
        shown(&news("only=shut>open|shut", &values)),
        [(0, "first"), (1, "value"), (4, "value")]
    );
}

#[test]
fn reports_may_be_rationed_but_the_last_value_comes() {
    let values = numbers(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    // The value of the moment when the time is over: that of the last event before it.
    let expected = [(0, "first"), (2, "value"), (5, "value"), (7, "value")];
    assert_eq!(shown(&news("every=3s", &values)), expected);
    let expected = [(0, "first"), (1, "value"), (3, "value"), (7, "value")];
    assert_eq!(shown(&news("rate=2/8s", &values)), expected);
    // A value that came back is none.
    let values = numbers(&[0.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(shown(&news("every=3s", &values)), [(0, "first")]);
}

#[test]
fn a_heartbeat_tells_that_nothing_changed() {
    let values = numbers(&[1.0; 8]);
    let expected = [(0, "first"), (3, "heartbeat"), (6, "heartbeat")];
    assert_eq!(shown(&news("heartbeat=3s", &values)), expected);
    assert_eq!(news("heartbeat=0s", &values).len(), 8);
    assert_eq!(news("first=keep", &values), []);
}

#[test]
fn numbers_out_of_the_ordinary_are_told_with_their_score() {
    let mut values: Vec<Value> =
        (0..100).map(|n| json!(20.0 + f64::from(n * 37 % 11) / 10.0)).collect();
    values[80] = json!(35.0);
    for rule in ["zscore=6:40", "mad=6:40"] {
        let name = rule.split('=').next().expect("a name");
        assert_eq!(shown(&news(rule, &values)), [(0, "first"), (80, name)]);
    }
    for value in &mut values[60..] {
        *value = json!(value.as_f64().expect("a number") + 0.7);
    }
    values[80] = json!(20.0);
    for rule in ["cusum=0.5:8:50", "ewma=0.1:4:50"] {
        let found = news(rule, &values);
        assert!(found.len() == 2 && (60..80).contains(&found[1].0), "{rule}: {found:?}");
    }
    let input: String = (0..20).map(|n| format!("{{\"v\":{}}}\n", n / 19 * 5)).collect();
    let outcome = changed(&["--rule", "v zscore=3:10"]).stdin(input).run().code(0);
    assert!(
        outcome.records()[1]["change"]["score"]["v"].as_f64().is_some_and(|s| s > 3.0),
        "{outcome}"
    );
}

#[test]
fn texts_that_are_alike_are_no_news() {
    let values = texts(&[
        "The pump at the well broke on Tuesday and Mr Berger repairs it on Thursday.",
        "The pump at the well broke on Tuesday, and Mr Berger repairs it on Friday.",
        "The bridge is closed until the mayor has seen it.",
    ]);
    assert_eq!(shown(&news("similar=0.8", &values)), [(0, "first"), (2, "similar")]);
}

#[test]
fn late_events_are_put_in_order_and_old_ones_left_out() {
    let event = |n: u64, t: u64, v: u64| format!("{{\"n\":{n},\"t\":{t},\"v\":{v}}}\n");
    let input = event(1, 100, 1)
        + &event(2, 103, 2)
        + &event(3, 101, 1)
        + &event(4, 110, 3)
        + &event(5, 90, 9);
    let run = |late: &str| {
        let args = ["--time", "t", "--late", late, "--fields", "v"];
        let outcome = changed(&args).stdin(input.clone()).run().code(0);
        let numbers: Vec<u64> =
            outcome.records().iter().map(|r| r["n"].as_u64().expect("n")).collect();
        (numbers, outcome.messages())
    };
    let (numbers, messages) = run("0s");
    assert_eq!(numbers, [1, 2, 4]);
    assert!(messages.contains("2 events were older"), "{messages}");
    let (numbers, messages) = run("5s");
    assert_eq!(numbers, [1, 2, 4]);
    assert!(messages.contains("1 events were older"), "{messages}");
    assert_eq!(run("30s"), (vec![5, 1, 2, 4], String::new()));
    let bad =
        changed(&["--time", "t"]).stdin("{\"v\":1}\n{\"t\":\"soon\",\"v\":1}\n").run().code(1);
    assert!(bad.records().iter().all(|r| r["error"]["code"] == "missing-field"), "{bad}");
    changed(&["--late", "5s"]).run().code(2).says("--late needs --time");
}

#[test]
fn topics_of_a_broker_are_keys() {
    let input =
        "home/door open\nhome/t 21.5\nhome/door open\nhome/t 21.6\nhome/door shut\n\u{ff}\nx\n";
    let bytes: Vec<u8> = input.chars().map(|c| c as u8).collect();
    let args = ["--from", "mosquitto", "--rule", "payload band=0.5"];
    let outcome = changed(&args).stdin(bytes).run().code(1);
    let records = outcome.records();
    assert_eq!(records.len(), 5, "{outcome}");
    assert_eq!(records[2]["change"]["prev"]["payload"], "open");
    assert_eq!(records[3]["line"], json!({"bytes": "/w=="}));
    assert_eq!(records[4]["error"]["code"], "bad-json");
}

#[test]
fn the_journal_is_watched_by_unit() {
    let line = |unit: &str, at: u64, message: &str| {
        let at = format!("{}", 1_700_000_000_000_000 + at);
        let line = json!({"_SYSTEMD_UNIT": unit, "__REALTIME_TIMESTAMP": at, "MESSAGE": message, "_PID": at});
        format!("{line}\n")
    };
    let input =
        line("a", 1, "up") + &line("b", 2, "up") + &line("a", 3, "up") + &line("a", 4, "down");
    let records = changed(&["--from", "journal"]).stdin(input).run().code(0).records();
    let units: Vec<_> = records.iter().map(|r| r["_SYSTEMD_UNIT"].as_str()).collect();
    assert_eq!(units, [Some("a"), Some("b"), Some("a")]);
    assert_eq!(records[2]["change"]["since"], 1_700_000_000_000_001_u64);
}

#[test]
fn columns_and_tables_are_records() {
    let vmstat = " r  b   id\n 1  0  100\n 1  0   99\n 9  0   98\n";
    let args = ["--from", "columns", "--rule", "* band=5"];
    let records = changed(&args).stdin(vmstat).run().code(0).records();
    assert_eq!((records.len(), &records[1]["change"]["delta"]), (2, &json!({"r": 8})));
    assert_eq!(records[1]["id"], 98);
    let table = "host,load\na,1\nb,1\na,1\na,\"2\nb\"\n";
    let args = ["--from", "csv", "--key", ".host"];
    let records = changed(&args).stdin(table).run().code(0).records();
    assert_eq!((records.len(), &records[2]["load"]), (3, &json!("2\nb")));
}

#[test]
fn a_key_that_wants_all_memory_costs_its_record_only() {
    let input = "{\"k\":1}\n{\"k\":2,\"big\":true}\n{\"k\":3}\n";
    let key = "if .big then \"x\" * 1e10 | length else .k end";
    let records = changed(&["--key", key]).stdin(input).run().code(1).records();
    let errors: Vec<&Value> = records.iter().map(|r| &r["error"]["code"]).collect();
    assert_eq!(errors, [&Value::Null, &json!("unsupported"), &Value::Null]);
}

#[test]
fn keys_are_what_jq_says() {
    let input = "{\"h\":\"A\",\"v\":1}\n{\"h\":\"a\",\"v\":1}\n{\"h\":7,\"v\":1}\n";
    let args = ["--key", ".h | ascii_downcase", "--fields", "v"];
    let outcome = changed(&args).stdin(input).run().code(1);
    assert_eq!(outcome.records().len(), 2, "{outcome}");
    assert_eq!(outcome.records()[1]["error"]["code"], "unsupported");
    for (code, error) in [
        ("(.k)", "missing-field"),
        (".v | select(. > 1)", "missing-field"),
        ("[1, 2][]", "unsupported"),
        (".h + {}", "unsupported"),
    ] {
        let outcome = changed(&["--key", code]).stdin("{\"h\":\"A\",\"v\":1}\n").run().code(1);
        assert_eq!(outcome.record()["error"]["code"], error, "{code}");
    }
    changed(&["--key", ".h |"]).run().code(2).says("--key");
    changed(&["--rule", "v band"]).run().code(2).says("NAME=VALUE");
    changed(&["--rule", "v band=1", "--rule", "v every=1s"]).run().code(2).says("two rules");
}
