//! The contract that all programs share, held against each of them: what stands in
//! headwater-records(5) and in every EXIT STATUS.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Answer, Endpoint, Outcome, Program, data, program};

const PROGRAMS: [&str; 13] = [
    "changed",
    "classify",
    "dedupe",
    "embed",
    "escalate",
    "extract",
    "fanout",
    "models",
    "redact",
    "serve",
    "sortphotos",
    "summarize",
    "transcribe",
];

/// A filter, with what it needs to run, and a record that it can handle.
struct Subject {
    name: &'static str,
    arguments: Vec<String>,
    good: Value,
    result: &'static str,
    /// Alive as long as the test.
    _endpoint: Option<Endpoint>,
}

impl Subject {
    fn run(&self) -> Program {
        program(self.name).args(&self.arguments)
    }

    fn line(&self, more: &[(&str, Value)]) -> String {
        let mut record = self.good.clone();
        for (key, value) in more {
            record[*key] = value.clone();
        }
        format!("{record}\n")
    }
}

/// Every record is news to it, whatever came before.
fn changed() -> Subject {
    let arguments = ["--key", ".text", "--fields", "text", "--rule", "* heartbeat=0s"];
    Subject {
        name: "changed",
        arguments: arguments.map(str::to_owned).to_vec(),
        good: json!({"text": "What a fine morning."}),
        result: "change",
        _endpoint: None,
    }
}

#[expect(clippy::too_many_lines, reason = "one entry for each program")]
fn subjects() -> Vec<Subject> {
    let endpoint = Endpoint::start(|_| Answer::chat("an answer"));
    let arguments =
        ["--to", &endpoint.url(), "--model", "fake", "--price", "0,0", "--question", "What is it?"];
    vec![
        changed(),
        Subject {
            name: "classify",
            arguments: vec!["--labels".into(), "good,bad".into()],
            good: json!({"text": "What a fine morning."}),
            result: "label",
            _endpoint: None,
        },
        Subject {
            name: "dedupe",
            arguments: ["--report", "--by", "text"].map(str::to_owned).to_vec(),
            good: json!({"text": "What a fine morning."}),
            result: "dup",
            _endpoint: None,
        },
        Subject {
            name: "embed",
            arguments: Vec::new(),
            good: json!({"text": "What a fine morning."}),
            result: "embedding",
            _endpoint: None,
        },
        Subject {
            name: "escalate",
            arguments: arguments.map(str::to_owned).to_vec(),
            good: json!({"text": "some text"}),
            result: "answer",
            _endpoint: Some(endpoint),
        },
        Subject {
            name: "extract",
            arguments: Vec::new(),
            good: json!({"path": data("docs/latin1.txt")}),
            result: "text",
            _endpoint: None,
        },
        Subject {
            name: "redact",
            arguments: Vec::new(),
            good: json!({"text": "Dear Anna, the mill stands under water."}),
            result: "redactions",
            _endpoint: None,
        },
        Subject {
            name: "summarize",
            arguments: vec!["--words".into(), "12".into()],
            good: json!({"text": "The river rose two metres in the night. The mill stands under water. \
                The bridge to the town is closed until the mayor has seen it on Friday."}),
            result: "summary",
            _endpoint: None,
        },
        Subject {
            name: "transcribe",
            arguments: Vec::new(),
            good: json!({"path": data("speech/short.wav")}),
            result: "text",
            _endpoint: None,
        },
    ]
}

#[expect(clippy::print_stderr, reason = "shown when a test fails: which program it was")]
fn for_each(check: impl Fn(&Subject)) {
    for subject in subjects() {
        eprintln!("--- {}", subject.name);
        check(&subject);
    }
}

fn only_records(outcome: &Outcome) -> Vec<Value> {
    outcome.records()
}

#[test]
fn help_and_version_are_answers() {
    for name in PROGRAMS {
        for flag in ["-h", "--help"] {
            let help = program(name).arg(flag).run().code(0);
            assert!(help.text().contains("Usage: "), "{help}");
            assert!(help.stderr.is_empty(), "{help}");
        }
        let long = program(name).arg("--help").run();
        assert!(long.text().contains("Examples:"), "{long}");
        let version = program(name).arg("--version").run().code(0);
        assert_eq!(version.text(), format!("{name} {}\n", env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn an_unknown_flag_is_a_usage_error() {
    for name in PROGRAMS {
        let outcome = program(name).arg("--no-such-flag").run().code(2).says("--no-such-flag");
        assert!(outcome.stdout.is_empty(), "{outcome}");
    }
}

#[test]
fn a_bad_setting_is_a_setup_error() {
    for name in PROGRAMS {
        let settings = format!("[{name}]\nno-such-flag = 1\n");
        program(name)
            .file(".config/headwater/config.toml", settings)
            .run()
            .code(2)
            .says("no-such-flag");
    }
}

#[test]
fn settings_come_from_file_then_environment_then_flags() {
    let run = || program("extract").file(".config/headwater/config.toml", "on-error = 'bad-file'");
    run().run().code(2).says("bad-file");
    run().env("HEADWATER_ON_ERROR", "bad-env").run().code(2).says("bad-env");
    run().env("HEADWATER_ON_ERROR", "bad-env").args(["--on-error", "skip"]).run().code(0);
}

#[test]
fn model_empty_input_is_empty_output() {
    for_each(|s| {
        for input in ["", "\n", "\n \n\r\n"] {
            let outcome = s.run().stdin(input).run().code(0);
            assert!(outcome.stdout.is_empty() && outcome.stderr.is_empty(), "{outcome}");
        }
    });
}

#[test]
fn model_what_the_user_wrote_stays_as_it_was() {
    for_each(|s| {
        let good = s.good.to_string();
        let body = good.trim_start_matches('{').trim_end_matches('}');
        let odd = r#""z":1 , "n" : 12345678901234567890,"f":1.50e+3,"a":{"b" : [ ]},"é":"\u00e9""#;
        let outcome = s.run().stdin(format!("{{{odd},{body}}}\n")).run().code(0);
        assert!(outcome.text().starts_with(&format!("{{{odd},")), "{outcome}");
        let record = outcome.record();
        let result = &record[s.result];
        assert!(result.is_string() || result.is_array() || result.is_object(), "{outcome}");
        assert!(record["id"].is_string(), "{outcome}");
        let step = &record["via"][0];
        assert_eq!(step["program"], s.name, "{outcome}");
        assert!(step["ms"].is_u64() && step["host"].is_string(), "{outcome}");
    });
}

#[test]
fn model_ids_are_the_same_in_every_run_and_given_ones_are_kept() {
    for_each(|s| {
        let id = || s.run().stdin(s.line(&[])).run().code(0).record()["id"].clone();
        assert_eq!(id(), id());
        let given = s.run().stdin(s.line(&[("id", json!("mine"))])).run().code(0).record();
        assert_eq!(given["id"], "mine");
    });
}

#[test]
fn model_a_failed_record_passes_untouched() {
    for_each(|s| {
        let line =
            r#"{"error" : {"program":"x","code":"model","message":"m","retry":true},"n":1.0}"#;
        let outcome = s.run().stdin(format!("{line}\n")).run().code(0);
        assert_eq!(outcome.text(), format!("{line}\n"));
    });
}

#[test]
fn model_bad_lines_become_error_records_and_the_rest_goes_on() {
    for_each(|s| {
        let mut input = b"{\"a\":}\nplain text\n[1]\n\xff\xfe\n".to_vec();
        input.extend_from_slice(&[b'x'; 9000]);
        input.push(b'\n');
        input.extend_from_slice(s.line(&[("last", json!(true))]).as_bytes());
        let outcome = s.run().args(["--max-line", "8192"]).stdin(input).run().code(1);
        let records = only_records(&outcome);
        let codes: Vec<_> = records.iter().map(|r| r["error"]["code"].as_str()).collect();
        let bad = Some("bad-json");
        assert_eq!(codes, [bad, bad, bad, bad, Some("too-long"), None], "{outcome}");
        assert_eq!(records[1]["line"], "plain text");
        assert_eq!(records[3]["line"], json!({"bytes": "//4="}));
        assert_eq!(records[4]["line"].as_str().map(str::len), Some(4096));
        assert_eq!(records[5]["last"], true);
        assert!(records[0]["error"]["program"] == s.name && records[0]["error"]["retry"] == false);
        assert!(outcome.messages().contains("5 of 6 records failed"), "{outcome}");
    });
}

#[test]
fn model_a_missing_field_is_the_records_failure() {
    for_each(|s| {
        let outcome = s.run().stdin("{\"other\":1}\n").run().code(1);
        assert_eq!(outcome.error_code(), "missing-field", "{outcome}");
        assert_eq!(outcome.record()["other"], 1);
    });
}

#[test]
fn model_errors_are_passed_skipped_or_end_the_run() {
    for_each(|s| {
        let input = format!("{{\"n\":1}}\n{}", s.line(&[("n", json!(2))]));
        let run =
            |policy| s.run().args(["--on-error", policy, "--jobs", "1"]).stdin(input.clone()).run();
        assert_eq!(run("pass").code(1).records().len(), 2);
        let skipped = run("skip").code(1);
        assert_eq!(skipped.record()["n"], 2);
        let failed = run("fail").code(1);
        assert_eq!(failed.record()["n"], 1);
        assert!(failed.record()["error"].is_object());
    });
}

#[test]
fn model_order_is_kept_with_many_workers() {
    for_each(|s| {
        let bad = |n: u64| format!("{{\"n\":{n}}}\n");
        let good = |n: u64| s.line(&[("n", json!(n))]);
        let input: String = (0..24).map(|n| if n % 6 == 0 { good(n) } else { bad(n) }).collect();
        let numbers = |jobs: &str, order: &[&str]| -> Vec<u64> {
            let run = s.run().args(["--jobs", jobs]).args(order);
            let records = run.stdin(input.clone()).run().code(1).records();
            records.iter().map(|r| r["n"].as_u64().expect("n")).collect()
        };
        let expected: Vec<u64> = (0..24).collect();
        assert_eq!(numbers("1", &[]), expected);
        assert_eq!(numbers("4", &[]), expected);
        let mut unordered = numbers("4", &["--unordered"]);
        unordered.sort_unstable();
        assert_eq!(unordered, expected);
    });
}

#[test]
fn model_the_first_record_is_out_before_the_second_comes_in() {
    for_each(|s| {
        for jobs in ["1", "2"] {
            let mut running = s.run().args(["--jobs", jobs]).start();
            for n in 0..2 {
                running.send(s.line(&[("n", json!(n))]).trim_end());
                let record: Value = serde_json::from_str(&running.line()).expect("a record");
                assert_eq!(record["n"], n);
            }
            running.close_stdin();
            assert_eq!(running.end().0, 0);
        }
    });
}

#[test]
fn model_a_reader_that_leaves_ends_the_program_quietly() {
    for_each(|s| {
        for jobs in ["1", "4"] {
            let mut running = s.run().args(["--jobs", jobs]).start();
            running.send(s.line(&[]).trim_end());
            running.line();
            running.close_stdout();
            // More than any pipe holds, and no end of input: only the closed pipe can end it.
            for n in 0..3 {
                if !running.try_send(&format!("{{\"n\":{n}}}")) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            let (status, _, messages) = running.end();
            assert_eq!((status, messages.as_str()), (0, ""), "{} --jobs {jobs}", s.name);
        }
    });
}

#[test]
fn model_a_full_disk_is_an_error() {
    for_each(|s| {
        s.run().stdin(s.line(&[])).stdout_to("/dev/full").run().code(2).says("No space left");
    });
}

#[test]
fn model_an_interrupt_leaves_whole_lines() {
    for_each(|s| {
        for (signal, status) in [("INT", 130), ("TERM", 143)] {
            let mut running = s.run().args(["--jobs", "2"]).start();
            for _ in 0..8 {
                running.send(s.line(&[]).trim_end());
            }
            let first = running.line();
            running.signal(signal);
            let (ended, lines, messages) = running.end();
            assert_eq!(ended, status, "{}: {messages}", s.name);
            for line in std::iter::once(&first).chain(&lines) {
                let record: Value = serde_json::from_str(line).expect("a whole line");
                assert!(record["error"].is_null(), "{record}");
            }
        }
    });
}

#[test]
fn model_a_limit_stops_and_says_so() {
    for_each(|s| {
        let input = s.line(&[]).repeat(3);
        let limited = |n| s.run().args(["--limit", n]).stdin(input.clone()).run();
        assert_eq!(limited("2").code(3).records().len(), 2);
        assert_eq!(limited("3").code(0).records().len(), 3);
    });
}

#[test]
fn model_stats_are_one_line_of_json() {
    for_each(|s| {
        let input = format!("{}{{\"n\":1}}\n", s.line(&[]));
        let outcome = s.run().args(["--stats", "--quiet"]).stdin(input).run().code(1);
        let stats: Value = serde_json::from_str(outcome.messages().trim()).expect("JSON alone");
        assert_eq!((&stats["in"], &stats["out"]), (&json!(2), &json!(2)), "{outcome}");
        assert_eq!(stats["failures"]["missing-field"], 1, "{outcome}");
        assert_eq!(stats["program"], s.name);
    });
}

#[test]
fn model_plain_output_and_other_keys() {
    for_each(|s| {
        let outcome = s.run().args(["--as", "result", "--no-via"]).stdin(s.line(&[])).run().code(0);
        let record = outcome.record();
        // A text as it is, anything else as JSON.
        let result = &record["result"];
        let result = result.as_str().map_or_else(|| result.to_string(), str::to_owned);
        assert_ne!(result, "null", "{outcome}");
        assert!(record["via"].is_null(), "{outcome}");
        let plain = s.run().arg("-r").stdin(s.line(&[])).run().code(0);
        assert_eq!(plain.text(), format!("{result}\n"));
    });
}

#[test]
fn model_a_terminal_gets_no_raw_control_characters() {
    for_each(|s| {
        let odd = "\u{9b}31m \u{7f} \u{1b}[31m";
        let input = s.line(&[("odd", json!(odd))]) + "{\"path\":\"/no/\u{9b}31m\"}\n";
        let outcome = s.run().args(["--color", "never"]).stdin(input).run_on_terminal();
        assert!(!outcome.contains('\u{9b}') && !outcome.contains('\u{1b}'), "{outcome:?}");
        assert!(outcome.contains("\\u009b31m"), "{outcome:?}");
    });
}
