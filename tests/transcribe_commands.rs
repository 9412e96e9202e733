//! `transcribe --commands` as its users run it.

use std::fs;

use serde_json::{Value, json};
use testkit::{Program, data, program};

fn transcribe() -> Program {
    program("transcribe")
}

fn speech(name: &str) -> Vec<u8> {
    fs::read(data("speech").join(name)).expect("a file of tests/data")
}

/// Three seconds of speech, 8 kHz, 16 bits, without a header.
fn raw() -> Vec<u8> {
    speech("short.wav")[44..].to_vec()
}

/// So many seconds of silence in the same form.
fn silence(seconds: usize) -> Vec<u8> {
    vec![0; seconds * 16_000]
}

fn text(record: &Value) -> String {
    record["text"].as_str().unwrap_or_else(|| panic!("no text: {record}")).to_lowercase()
}

const COMMANDS: &str = "go forward ten meters\nturn left\n\
    {\"phrase\": \"seven of clubs\", \"intent\": \"play\", \"slots\": {\"rank\": 7}}\nlights on\n";

fn command(name: &str) -> String {
    data("commands").join(name).display().to_string()
}

#[test]
fn model_commands_are_told_from_each_other_and_from_everything_else() {
    let run = |more: &[&str]| {
        let names = ["go-forward.flac", "seven-of-clubs.flac", "go-somewhere.flac"];
        let run = transcribe().file("commands.txt", COMMANDS).args(["--commands", "commands.txt"]);
        run.args(names.map(command)).arg(data("speech/short.flac")).args(more).run().code(0)
    };
    let records = run(&["--no-via"]).records();
    let said: Vec<&Value> = records.iter().map(|r| &r["command"]).collect();
    let expected =
        [json!("go forward ten meters"), json!("seven of clubs"), Value::Null, Value::Null];
    assert_eq!(said, expected.iter().collect::<Vec<_>>(), "{records:?}");
    for record in &records {
        let spotted = &record["spotted"];
        let probability = spotted["probability"].as_f64().expect("a probability");
        assert_eq!(probability >= 0.5, record["command"].is_string(), "{record}");
        assert!(record["confidence"].as_f64().is_some_and(|c| c >= 0.5), "{record}");
        assert_eq!(spotted["others"].as_array().map(Vec::len), Some(3), "{record}");
    }
    assert_eq!(records[1]["spotted"]["entry"]["slots"]["rank"], 7, "{records:?}");
    assert!(text(&records[2]).contains("somewhere"), "{records:?}");
    assert_eq!(run(&["-r"]).text().lines().next(), Some("go forward ten meters"));

    let run = transcribe().file("commands.txt", COMMANDS).args(["--commands", "commands.txt"]);
    let quiet = run.args(["--pcm", "s16le:8000:1", "-"]).stdin(silence(3)).run().code(0).record();
    assert!(quiet["command"].is_null() && quiet["spotted"].is_null(), "{quiet}");
}

#[test]
fn model_commands_in_a_stream_are_one_for_each_utterance() {
    let run = transcribe().file("commands.txt", "and so my fellow americans\nlights on\n");
    let run = run.args(["--commands", "commands.txt", "--stream", "--pcm", "s16le:8000:1", "-"]);
    let outcome = run.stdin([raw(), silence(2), raw()].concat()).run().code(0);
    let records = outcome.records();
    assert_eq!(records.len(), 2, "{outcome}");
    for record in &records {
        assert_eq!(record["command"], "and so my fellow americans", "{outcome}");
    }
    assert!(records[1]["start"].as_f64().is_some_and(|s| s > 4.0), "{outcome}");
}

#[test]
fn model_a_threshold_is_fitted_to_labelled_recordings() {
    let labelled: String = (0..5)
        .flat_map(|_| {
            [
                json!({"path": command("go-forward.flac"), "command": "go forward ten meters"}),
                json!({"path": command("seven-of-clubs.flac"), "command": "Seven of clubs"}),
                json!({"path": command("go-somewhere.flac"), "command": null}),
                json!({"path": data("speech/short.flac"), "command": null}),
            ]
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let run = || transcribe().file("commands.txt", COMMANDS).args(["--commands", "commands.txt"]);
    let outcome = run().arg("--calibrate").stdin(labelled.clone()).run().code(0);
    let made = outcome.record();
    assert_eq!((&made["recordings"], &made["accepted"]), (&json!(20), &json!(1.0)), "{outcome}");
    assert_eq!(made["rejected"], 1.0, "{outcome}");
    assert!((-5.0..0.0).contains(&made["threshold"].as_f64().expect("a number")), "{outcome}");
    let use_it = |list: &str| {
        let run = transcribe().file("commands.txt", list).file("made.json", made.to_string());
        let run = run.args(["--commands", "commands.txt", "--calibration", "made.json"]);
        run.arg(command("go-forward.flac")).run()
    };
    assert_eq!(use_it(COMMANDS).code(0).record()["command"], "go forward ten meters");
    use_it("lights on\n").code(2).says("other phrases");

    let few: String = labelled.lines().take(4).map(|l| format!("{l}\n")).collect();
    assert_eq!(run().arg("--calibrate").stdin(few).run().code(1).error_code(), "refused");
    let unknown = json!({"path": command("go-forward.flac"), "command": "fly"});
    let outcome = run().arg("--calibrate").stdin(format!("{unknown}\n")).run().code(1);
    assert_eq!(outcome.records()[0]["error"]["code"], "missing-field", "{outcome}");
    for (list, complaint) in [("", "no phrases"), ("a\nA\n", "there already"), ("{}\n", "phrase")] {
        let run = transcribe().file("bad.txt", list).args(["--commands", "bad.txt", "x.wav"]);
        run.run().code(2).says(complaint);
    }
}

#[test]
fn model_of_a_long_recording_the_part_that_is_a_command_counts() {
    let run = transcribe().file("commands.txt", "and so my fellow americans\nlights on\n");
    let run = run.args(["--commands", "commands.txt", "--pcm", "s16le:8000:1", "-"]);
    let record = run.stdin([raw(), silence(6), raw()].concat()).run().code(0).record();
    assert_eq!(record["command"], "and so my fellow americans", "{record}");
    // What was heard is told of all parts.
    assert!(text(&record).matches("fellow america").count() >= 2, "{record}");
}
