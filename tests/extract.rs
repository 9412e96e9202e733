//! `extract` as its users run it.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Outcome, data, program, programs_folder};

fn on(file: &str) -> Outcome {
    program("extract").arg(data(file)).run()
}

#[test]
fn text_and_structure_come_from_each_kind_of_document() {
    let pdf = on("docs/two-pages.pdf").code(0).record();
    assert_eq!(pdf["document"]["mime"], "application/pdf");
    let pages = pdf["document"]["pages"].as_array().expect("pages");
    assert_eq!(pages.len(), 2);
    let length = pdf["text"].as_str().expect("text").len();
    assert_eq!(pages[1]["end"], json!(length), "pages tile the text");

    let page = on("docs/page.html").code(0).record();
    assert_eq!(page["document"]["mime"], "text/html");
    assert!(!page["text"].as_str().expect("text").contains('<'));

    let latin = on("docs/latin1.txt").code(0).record();
    assert!(latin["text"].as_str().is_some_and(|t| !t.is_ascii()));
    assert_ne!(latin["document"]["encoding"], "UTF-8");
}

#[test]
fn a_document_is_the_same_by_path_and_by_stdin() {
    for file in ["docs/two-pages.pdf", "docs/page.html", "docs/attachment.eml"] {
        let by_path = on(file).code(0).records();
        let bytes = std::fs::read(data(file)).expect("test data");
        let by_stdin = program("extract").arg("-").stdin(bytes).run().code(0).records();
        let seen = |records: &[Value]| -> Vec<(Value, Value)> {
            records.iter().map(|r| (r["id"].clone(), r["text"].clone())).collect()
        };
        assert_eq!(seen(&by_path), seen(&by_stdin), "{file}");
    }
}

#[test]
fn attachments_follow_as_records_or_are_named() {
    let records = on("docs/attachment.eml").code(0).records();
    let parent = &records[0];
    assert_eq!(parent["document"]["mime"], "message/rfc822");
    assert!(records.len() > 1, "{records:?}");
    for child in &records[1..] {
        assert_eq!(child["parent"], parent["id"]);
        assert_ne!(child["id"], parent["id"]);
        assert!(child["text"].is_string());
    }
}

fn mail(n: usize) -> String {
    format!(
        "From someone@example.org Mon Nov 16 10:00:00 2026\n\
         From: a{n}@example.org\nTo: b@example.org\nSubject: Mail {n}\n\
         Date: Mon, 16 Nov 2026 10:00:00 +0000\n\nBody number {n}.\n\n"
    )
}

#[test]
fn a_mailbox_is_a_stream_of_mails() {
    let mailbox: String = (0..2000).map(mail).collect();
    let run = program("extract").file("all.mbox", &mailbox).arg("all.mbox");
    let records = run.run().code(0).records();
    assert_eq!(records.len(), 2000);
    assert_eq!(records[1999]["document"]["headers"]["subject"], "Mail 1999");
    let parent = records[0]["parent"].as_str().expect("the mailbox's id").to_owned();
    assert!(records.iter().all(|r| r["parent"] == *parent));
    let ids: std::collections::BTreeSet<_> = records.iter().map(|r| r["id"].to_string()).collect();
    assert_eq!(ids.len(), 2000);
}

#[test]
fn the_first_mail_is_out_before_the_last_is_in() {
    let mut running = program("extract").arg("-").start();
    for n in 0..200 {
        running.send(mail(n).trim_end_matches('\n'));
        running.send("");
    }
    let first: Value = serde_json::from_str(&running.line()).expect("a record");
    assert_eq!(first["document"]["headers"]["subject"], "Mail 0");
    assert!(first["parent"].is_null(), "the id of what has not ended is not known");
    running.send(mail(200).trim_end_matches('\n'));
    running.close_stdin();
    let (status, rest, _) = running.end();
    assert_eq!((status, rest.len()), (0, 200));
}

fn make_fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo runs").success());
}

#[test]
fn a_mailbox_through_a_pipe_is_read_once_and_whole() {
    let run = program("extract").args(["--timeout", "5", "pipe"]);
    let path = run.folder().join("pipe");
    make_fifo(&path);
    let writer = std::thread::spawn(move || {
        let mailbox: String = (0..1000).map(mail).collect();
        std::fs::write(path, mailbox).expect("the program reads it all");
    });
    let records = run.run().code(0).records();
    writer.join().expect("the writer");
    assert_eq!(records.len(), 1000);
    assert_eq!(records[999]["document"]["headers"]["subject"], "Mail 999");
}

#[test]
fn a_writer_that_falls_silent_is_given_up_and_so_it_is_on_a_signal() {
    for signal in [false, true] {
        let run = program("extract").arg("pipe").within(Duration::from_secs(20));
        let run = if signal { run } else { run.args(["--timeout", "1"]) };
        let path = run.folder().join("pipe");
        make_fifo(&path);
        let running = run.start();
        let mut writer = std::fs::OpenOptions::new().write(true).open(&path).expect("a reader");
        writer.write_all(b"half a docu").expect("it is read");
        if signal {
            std::thread::sleep(Duration::from_millis(200));
            running.signal("INT");
            assert_eq!(running.end().0, 130);
        } else {
            let record: Value = serde_json::from_str(&running.line()).expect("a record");
            assert_eq!(record["error"]["code"], "timeout");
            assert_eq!(running.end().0, 1);
        }
    }
}

#[test]
fn a_scanned_page_says_that_it_needs_ocr() {
    let record = on("docs/scanned.pdf").code(0).record();
    assert_eq!(record["document"]["needs_ocr"], true);
}

#[test]
fn what_cannot_be_read_fails_alone() {
    let outcome = program("extract")
        .file("empty.pdf", b"")
        .file("binary.dat", [0u8, 1, 2, 3, 0xFF, 0, 7].repeat(100))
        .file("folder/inside.txt", "text in a folder")
        .file("cut.pdf", b"%PDF-1.7\n1 0 obj\n<< /Type /Cat")
        .args(["empty.pdf", "binary.dat", "missing.txt", "cut.pdf", "folder"])
        .arg(data("docs/encrypted-user-password.pdf"))
        .arg(data("docs/truncated.pdf"))
        .run()
        .code(1);
    let records = outcome.records();
    let codes: Vec<_> = records.iter().map(|r| r["error"]["code"].as_str().unwrap_or("")).collect();
    assert_eq!(codes[..5], ["unsupported", "unsupported", "unreadable", "unreadable", ""]);
    assert_eq!(records[4]["text"], "text in a folder");
    assert_eq!(codes[5], "refused");
    assert_eq!(records.len(), 7);
    // A document that opens without its user's password is no secret.
    on("docs/encrypted-owner-password.pdf").code(0);
}

#[test]
fn a_fifo_without_a_writer_does_not_hang() {
    let run = program("extract").args(["--timeout", "1", "pipe"]).within(Duration::from_secs(20));
    let path = run.folder().join("pipe");
    make_fifo(&path);
    assert_eq!(run.run().code(1).error_code(), "timeout");
}

#[test]
fn limits_cut_or_refuse_and_say_so() {
    let cut = program("extract")
        .file("a.txt", "0123456789")
        .args(["--max-text", "4", "a.txt"])
        .run()
        .code(0)
        .record();
    assert_eq!((&cut["text"], &cut["document"]["truncated"]), (&json!("0123"), &json!(true)));
    let refused =
        program("extract").file("a.txt", "0123456789").args(["--max-bytes", "4", "a.txt"]).run();
    assert_eq!(refused.code(1).error_code(), "too-long");
}

/// A PDF whose page is one stream that expands to `size` bytes.
fn bomb(size: usize) -> Vec<u8> {
    let zeros = vec![b' '; 1 << 16];
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..size / zeros.len() {
        packed.write_all(&zeros).expect("it fits memory");
    }
    let packed = packed.finish().expect("it fits memory");
    let mut pdf = b"%PDF-1.5\n\
        1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n\
        2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n\
        3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>\nendobj\n"
        .to_vec();
    pdf.extend_from_slice(
        format!("4 0 obj\n<< /Length {} /Filter /FlateDecode >>\nstream\n", packed.len())
            .as_bytes(),
    );
    pdf.extend_from_slice(&packed);
    pdf.extend_from_slice(b"\nendstream\nendobj\ntrailer\n<< /Root 1 0 R /Size 5 >>\n%%EOF\n");
    pdf
}

#[test]
fn a_bomb_is_bounded() {
    // 2 GiB of spaces must neither be kept nor take minutes; what it says is its own business.
    let records = in_little_memory("bomb.pdf", &bomb(2 << 30));
    assert_eq!(records.len(), 1);
}

#[test]
fn a_line_of_a_hundred_megabytes_is_cut() {
    let line = "all on one line ".repeat(100 << 16);
    let records = in_little_memory("line.txt", line.as_bytes());
    assert_eq!(records[0]["document"]["truncated"], true);
    assert_eq!(records[0]["text"].as_str().map(str::len), Some(64 << 20));
}

/// What `extract` says of a file when it may have 1.5 GB of address space, stacks included.
fn in_little_memory(name: &str, bytes: &[u8]) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(name), bytes).expect("a file");
    let output = Command::new("sh")
        .args(["-c", "ulimit -v 1500000; exec timeout 90 \"$0\" --jobs 1 \"$1\""])
        .arg(programs_folder().join("extract"))
        .arg(name)
        .current_dir(folder.path())
        .output()
        .expect("sh runs");
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code().is_some_and(|code| code <= 1), "{:?} {messages}", output.status);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
}

#[test]
fn a_deep_page_is_no_danger() {
    let deep = format!("<html><body>{}deep down{}", "<div>".repeat(100_000), "</div>".repeat(10));
    let outcome = program("extract").file("deep.html", deep).arg("deep.html").run();
    assert!(outcome.status <= 1, "{outcome}");
    assert_eq!(outcome.records().len(), 1);
}

#[test]
fn a_path_that_is_not_utf8_survives() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let name = OsStr::from_bytes(b"odd-\xff.txt");
    let run = program("extract").arg(name);
    std::fs::write(run.folder().join(name), "odd").expect("a file");
    let record = run.run().code(0).record();
    assert_eq!(record["path"], json!({"bytes": "b2RkLf8udHh0"}));
    // And back again: what was written can be read as input.
    let line = format!("{}\n", json!({"path": record["path"]}));
    let again = program("extract").file("x", "").stdin(line);
    std::fs::write(again.folder().join(name), "odd").expect("a file");
    assert_eq!(again.run().code(0).record()["text"], "odd");
}

#[test]
fn output_is_as_asked_and_what_the_user_wrote_stays() {
    let plain = program("extract").file("a.txt", "one\r\ntwo").args(["-r", "a.txt"]).run().code(0);
    assert_eq!(plain.text(), "one\ntwo\n");
    let line = "{\"n\": 12345678901234567890,\"path\":\"a.txt\",\"text\":\"mine\"}\n";
    let outcome =
        program("extract").file("a.txt", "theirs").args(["--as", "body"]).stdin(line).run().code(0);
    assert!(outcome.text().starts_with(line.trim_end_matches("}\n")), "{outcome}");
    let record = outcome.record();
    assert_eq!((&record["text"], &record["body"]), (&json!("mine"), &json!("theirs")));
    let listed = program("extract").file("a.txt", "A").file("b.txt", "B").arg("-0");
    let listed = listed.stdin("b.txt\0a.txt\0none\0").run().code(1).records();
    let texts: Vec<_> = listed.iter().map(|r| r["text"].as_str().unwrap_or("")).collect();
    assert_eq!(texts, ["B", "A", ""]);
}

#[test]
fn an_attachment_without_text_is_listed_and_does_not_fail() {
    let mail = "From: a@example.org\nTo: b@example.org\nSubject: s\nMIME-Version: 1.0\n\
        Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain\n\nbody\n\
        --x\nContent-Type: image/png; name=\"a.png\"\nContent-Transfer-Encoding: base64\n\
        Content-Disposition: attachment; filename=\"../../a.png\"\n\niVBORw0KGgoAAAAN\n--x--\n";
    let outcome = program("extract").arg("-").stdin(mail).run().code(0);
    let listed = &outcome.record()["document"]["attachments"][0];
    assert_eq!(listed["mime"], "image/png");
    assert_eq!(listed["bytes"], 12);
}
