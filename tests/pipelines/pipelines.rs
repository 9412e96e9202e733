//! Programs together: what one writes the next one reads.

use std::process::Command;

use testkit::{Answer, Endpoint, data, program, repository};

#[test]
fn model_a_voice_and_documents_end_in_one_answer() {
    let inbox = repository().join("examples/data/inbox");
    let heard = program("transcribe").arg(inbox.join("voice-memo.m4a")).run().code(0);
    let read = program("extract")
        .args(["key.eml", "quote.pdf"].map(|name| inbox.join(name)))
        .run()
        .code(0);
    let texts = [heard.stdout, read.stdout].concat();
    let summaries = program("summarize").args(["--words", "30"]).stdin(texts).run().code(0);
    for record in summaries.records() {
        assert_eq!(record["coverage"], 1.0);
        assert!(record["summary"].as_str().is_some_and(|s| !s.is_empty()), "{record}");
    }
    let endpoint = Endpoint::start(|_| Answer::chat("Piet opens the gate."));
    let answer = program("escalate")
        .args(["--field", "summary", "--all", "--question", "Who opens?", "--price", "0,0"])
        .args(["--model", "fake", "--to", &endpoint.url()])
        .stdin(summaries.stdout.clone())
        .run()
        .code(0);
    let answer = answer.record();
    assert_eq!(answer["answer"], "Piet opens the gate.");
    let ids: Vec<_> = summaries.records().iter().map(|r| r["id"].clone()).collect();
    assert_eq!(answer["sources"].as_array(), Some(&ids));
    let asked = endpoint.asked();
    assert_eq!(asked.len(), 1);
    let body = asked[0].body.to_string();
    for record in summaries.records() {
        let summary = record["summary"].to_string();
        assert!(body.contains(summary.trim_matches('"').split("\\n").next().expect("a line")));
    }
    // The whole texts stayed here.
    for record in summaries.records() {
        let text = record["text"].to_string();
        assert!(!body.contains(text.trim_matches('"')));
    }
}

#[test]
fn a_failure_upstream_reaches_the_end_untouched() {
    let missing = program("extract").arg("no-such-file").run().code(1);
    let line = missing.text().to_owned();
    let endpoint = Endpoint::start(|_| Answer::chat("never asked"));
    let end = program("escalate")
        .args(["--question", "q", "--price", "0,0", "--model", "fake", "--to", &endpoint.url()])
        .stdin(missing.stdout)
        .run()
        .code(0);
    assert_eq!(end.text(), line);
    assert!(endpoint.asked().is_empty());
}

#[test]
fn programs_close_down_together_when_the_last_one_leaves() {
    let folder = testkit::programs_folder();
    let script = format!(
        "yes '{{\"path\":\"{}\"}}' | {} | head -n 3",
        data("docs/latin1.txt").display(),
        folder.join("extract").display()
    );
    let output = Command::new("sh").args(["-c", &script]).output().expect("sh runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 3);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
