//! `extract` over office formats, books and archives, as its users run it.

use std::io::{Cursor, Write as _};
use std::path::Path;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use testkit::{Outcome, data, program, programs_folder};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn on(file: &str, args: &[&str]) -> Outcome {
    program("extract").args(args).arg(data(&format!("docs/{file}"))).run()
}

fn text(record: &Value) -> &str {
    record["text"].as_str().unwrap_or_else(|| panic!("no text: {record}"))
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(*name, SimpleFileOptions::default()).expect("a member");
        archive.write_all(bytes).expect("it fits memory");
    }
    archive.finish().expect("an archive").into_inner()
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // Names that climb out are what others may write, so no check here.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        archive.append(&header, *bytes).expect("it fits memory");
    }
    archive.into_inner().expect("an archive")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).expect("it fits memory");
    packed.finish().expect("it fits memory")
}

#[test]
fn a_letter_has_its_blocks_its_outline_and_its_properties() {
    let record = on("report.docx", &[]).code(0).record();
    assert_eq!(
        text(&record),
        "Miller & Sons\n\nThe mill\n\nThe wheel turns again since March.\n\n- new bearings\n\
         - new paddles\n\nCosts\n\npart\tcount\tprice\npaddle\t12\t40.50\n\nCafé bill: €7."
    );
    let document = &record["document"];
    assert_eq!(document["title"], "Report on the mill");
    assert_eq!(document["authors"], json!(["Ann Miller"]));
    assert_eq!(document["created"], "2026-03-04T05:06:07Z");
    assert_eq!(document["language"], "en-GB");
    let headings = document["outline"].as_array().expect("an outline");
    let levels: Vec<_> =
        headings.iter().map(|h| (h["level"].clone(), h["title"].clone())).collect();
    assert_eq!(levels, [(json!(1), json!("The mill")), (json!(2), json!("Costs"))]);
    let start = headings[1]["start"].as_u64().expect("a place") as usize;
    assert!(text(&record)[start..].starts_with("Costs\n"));

    let odt = on("letter.odt", &[]).code(0).record();
    let expected = "Greetings\n\nWe came  home. All well.\n\nBy train.\n\n- apples\n- pears";
    assert_eq!((text(&odt), &odt["document"]["authors"]), (expected, &json!(["Dee"])));
    let book = on("mill.epub", &[]).code(0).record();
    let expected = "The river\n\nIt was high.\n\nThe wheel\n\nIt stood still.";
    assert_eq!((text(&book), &book["document"]["created"]), (expected, &json!("2026-03-04")));
}

#[test]
fn sheets_and_slides_are_pages() {
    let costs = on("costs.xlsx", &[]).code(0).record();
    let expected = "part\tdate\tprice\tshare\npaddle\t2026-03-04\t40.5\t25%\n\t\t0.3\nTRUE";
    assert_eq!(text(&costs), format!("{expected}\n\n\tonly here"));
    assert_eq!(costs["document"]["outline"][1]["title"], "Notes");
    assert!(text(&on("costs.xlsx", &["--full"]).code(0).record()).ends_with("\n\nsecret"));
    assert_eq!(text(&on("stock.ods", &[]).code(0).record()), "fruit\tkg\nplums\t3");
    let slides = on("slides.pptx", &[]).code(0).record();
    assert!(text(&slides).ends_with("Thanks\n\nQuestions?\n\nWait for applause."));
    assert_eq!(slides["document"]["pages"].as_array().map(Vec::len), Some(2));
    let slides = on("slides.odp", &["--pages", "2-"]).code(0).record();
    assert_eq!((text(&slides), &slides["document"]["pages"][0]["n"]), ("Second slide", &json!(2)));
}

#[test]
fn tables_come_as_rows_where_they_are_asked_for() {
    let record = on("report.docx", &["--tables"]).code(0).record();
    let table = &record["document"]["tables"][0];
    assert_eq!(table["rows"], json!([["part", "count", "price"], ["paddle", "12", "40.50"]]));
    let place = |key: &str| table[key].as_u64().expect("a place") as usize;
    assert_eq!(
        &text(&record)[place("start")..place("end")],
        "part\tcount\tprice\npaddle\t12\t40.50"
    );
    assert!(on("report.docx", &[]).code(0).record()["document"]["tables"].is_null());
    let csv =
        program("extract").file("a.csv", "who;what\nAnn;\"a; b\"\n").args(["--tables", "a.csv"]);
    let rows = &csv.run().code(0).record()["document"]["tables"][0]["rows"];
    assert_eq!(*rows, json!([["who", "what"], ["Ann", "a; b"]]));
}

#[test]
fn a_document_can_come_in_parts() {
    let sections = on("report.docx", &["--per", "section"]).code(0).records();
    let titles: Vec<_> = sections.iter().map(|r| r["part"]["title"].clone()).collect();
    assert_eq!(titles, [Value::Null, json!("The mill"), json!("Costs")]);
    assert!(text(&sections[2]).starts_with("Costs\n\npart"));
    let whole: String = sections.iter().map(text).collect();
    assert_eq!(whole, text(&on("report.docx", &[]).code(0).record()));
    let ids: std::collections::BTreeSet<_> = sections.iter().map(|r| r["id"].to_string()).collect();
    assert_eq!(ids.len(), 3);
    let parents: std::collections::BTreeSet<_> =
        sections.iter().map(|r| r["parent"].to_string()).collect();
    assert_eq!(parents.len(), 1);

    let pages = on("two-pages.pdf", &["--per", "page"]).code(0).records();
    assert_eq!(pages.len(), 2);
    assert_eq!((&pages[1]["part"]["page"], &pages[1]["part"]["of"]), (&json!(2), &json!(2)));
    let second = on("two-pages.pdf", &["--pages", "2"]).code(0).record();
    assert_eq!(text(&second), text(&pages[1]));
    assert_eq!(second["document"]["pages"][0]["n"], 2);
    assert_eq!(on("two-pages.pdf", &["--pages", "9"]).code(1).error_code(), "unsupported");
    let chunks = on("report.docx", &["--per", "chunk:40"]).code(0).records();
    assert!(chunks.len() > 3 && chunks.iter().all(|r| text(r).len() <= 40));
    on("report.docx", &["--per", "word"]).code(2);
    on("report.docx", &["--pages", "7-3"]).code(2);
    // Markdown and pages of the web have sections too.
    let markdown = "intro\n\n# One\ntext\n```\n# no heading\n```\n\nTwo\n---\nmore\n";
    let sections = program("extract").file("a.md", markdown).args(["--per", "section", "a.md"]);
    let sections = sections.run().code(0).records();
    let titles: Vec<_> = sections.iter().map(|r| r["part"]["title"].clone()).collect();
    assert_eq!(titles, [Value::Null, json!("One"), json!("Two")]);
}

#[test]
fn members_of_archives_are_records_with_paths() {
    let report = std::fs::read(data("docs/report.docx")).expect("test data");
    let mail = std::fs::read(data("docs/attachment.eml")).expect("test data");
    let inner = zip(&[("deep/note.txt", b"deep down")]);
    let archive = zip(&[
        ("a/first.txt", b"first"),
        ("a/report.docx", &report),
        ("../../evil.txt", b"only a name"),
        ("inner.zip", &inner),
        ("notes.txt.gz", &gzip(b"packed notes")),
        ("picture.png", b"\x89PNG\r\n\x1a\n...."),
        ("mail.eml", &mail),
        ("__MACOSX/._first.txt", b"\0\x05\x16\x07"),
    ]);
    let records = program("extract").file("x.zip", archive).arg("x.zip").run().code(1).records();
    let seen = |r: &Value| (r["path"].as_str().unwrap_or_default().to_owned(), r["name"].clone());
    let paths: Vec<_> = records.iter().map(|r| seen(r).0).collect();
    assert_eq!(
        paths[..7],
        [
            "x.zip!/a/first.txt",
            "x.zip!/a/report.docx",
            "x.zip!/../../evil.txt",
            "x.zip!/inner.zip!/deep/note.txt",
            "x.zip!/notes.txt.gz",
            "x.zip!/picture.png",
            "x.zip!/mail.eml",
        ]
    );
    assert_eq!(text(&records[0]), "first");
    assert_eq!(records[1]["document"]["title"], "Report on the mill");
    assert_eq!((text(&records[3]), text(&records[4])), ("deep down", "packed notes"));
    assert_eq!(records[5]["error"]["code"], "unsupported");
    assert!(records[0]["parent"].is_string() && records[0]["parent"] == records[1]["parent"]);
    assert_ne!(records[3]["parent"], records[0]["parent"]);
    assert!(!Path::new("../../evil.txt").exists());
    // The mail's attachment has the mail for its parent.
    assert!(records[7..].iter().all(|r| r["parent"] == records[6]["id"]));
}

#[test]
fn tape_archives_are_streams_also_compressed() {
    let members: &[(&str, &[u8])] =
        &[("d/one.txt", b"one"), ("../two.md", b"# two"), ("empty", b"")];
    let plain = tar(members);
    for (name, bytes) in [("t.tar", plain.clone()), ("t.tgz", gzip(&plain))] {
        let records = program("extract").file(name, bytes).arg(name).run().code(1).records();
        let paths: Vec<_> = records.iter().map(|r| r["path"].clone()).collect();
        let expected = ["d/one.txt", "../two.md", "empty"].map(|m| json!(format!("{name}!/{m}")));
        assert_eq!(paths, expected);
        assert_eq!((text(&records[0]), text(&records[1])), ("one", "# two"));
        assert_eq!(records[1]["document"]["mime"], "text/markdown");
        assert_eq!(records[2]["error"]["code"], "unsupported");
    }
    let records = program("extract").arg("-").stdin(gzip(&plain)).run().code(1).records();
    assert_eq!((records.len(), &records[0]["name"]), (3, &json!("d/one.txt")));
    let cut = program("extract").file("cut.tar", &plain[..1030]).arg("cut.tar").run().code(1);
    assert_eq!(cut.records().last().map(|r| r["error"]["code"].clone()), Some(json!("unreadable")));
    let none = program("extract").file("e.zip", zip(&[])).arg("e.zip").run().code(1);
    assert_eq!(none.error_code(), "unsupported");
}

#[test]
fn what_is_compressed_is_read_as_what_it_is() {
    let packed = program("extract").file("n.md.gz", gzip(b"# Title")).arg("n.md.gz").run().code(0);
    let record = packed.record();
    assert_eq!((text(&record), &record["document"]["mime"]), ("# Title", &json!("text/markdown")));
    // The id is that of the content, compressed or not.
    let plain = program("extract").file("n.md", "# Title").arg("n.md").run().code(0).record();
    assert_eq!(record["id"], plain["id"]);
    let mailbox: String = (0..1500)
        .map(|n| {
            format!("From a@b.c Mon Nov 16 10:00:00 2026\nFrom: a@b.c\nSubject: {n}\n\nhi\n\n")
        })
        .collect();
    let run = program("extract").file("all.mbox.gz", gzip(mailbox.as_bytes())).arg("all.mbox.gz");
    assert_eq!(run.run().code(0).records().len(), 1500);
    let damaged = program("extract").file("d.gz", &gzip(b"some text here")[..20]).arg("d.gz").run();
    assert_eq!(damaged.code(1).error_code(), "unreadable");
}

#[test]
fn bombs_stay_small() {
    let zeros = vec![b' '; 1 << 20];
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..600 {
        bomb.write_all(&zeros).expect("it fits memory");
    }
    let bomb = bomb.finish().expect("it fits memory");
    assert_eq!(in_little_memory("b.gz", &bomb)[0]["error"]["code"], "too-long");
    // A part of a document that expands to 1 GB is cut.
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let rels = "<Relationships><Relationship Id='1' Target='w.xml' \
        Type='http://x/officeDocument'/></Relationships>";
    archive.start_file("_rels/.rels", options).expect("a member");
    archive.write_all(rels.as_bytes()).expect("it fits memory");
    archive.start_file("w.xml", options).expect("a member");
    archive.write_all(b"<w:document><w:p><w:t>start").expect("it fits memory");
    for _ in 0..1000 {
        archive.write_all(&zeros).expect("it fits memory");
    }
    let bomb = archive.finish().expect("an archive").into_inner();
    let records = in_little_memory("b.docx", &bomb);
    assert_eq!(records[0]["document"]["truncated"], true);
    assert!(text(&records[0]).starts_with("start"));
}

#[test]
fn archives_inside_each_other_end() {
    let mut archive = zip(&[("note.txt", b"the bottom")]);
    for _ in 0..30 {
        archive = zip(&[("again.zip", &archive)]);
    }
    let run = program("extract").file("deep.zip", &archive).arg("deep.zip").run().code(1);
    assert_eq!(run.error_code(), "too-long");
    // What is allowed is counted over all members.
    let plain: [(&str, &[u8]); 2] = [("a.txt", &[b'y'; 3000]), ("b.txt", &[b'z'; 1000])];
    let limited = |archive: Vec<u8>, most: &str| {
        program("extract").file("m.tar", archive).args(["--max-unpacked", most, "m.tar"]).run()
    };
    let cut = limited(tar(&plain), "3999").code(1).records();
    assert_eq!((text(&cut[0]).len(), &cut[1]["error"]["code"]), (3000, &json!("too-long")));
    assert_eq!(limited(tar(&plain), "4000").code(0).records().len(), 2);
}

#[test]
fn entities_are_not_expanded() {
    let laughs = "<!DOCTYPE l [<!ENTITY a \"ha ha ha ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;\">\
        <!ENTITY c \"&b;&b;&b;&b;&b;\"><!ENTITY f SYSTEM \"file:///etc/passwd\">]>\
        <w:document xmlns:w='w'><w:p><w:r><w:t>start &c;&f; end</w:t></w:r></w:p></w:document>";
    let rels = "<Relationships><Relationship Id='1' Target='w.xml' \
        Type='http://x/officeDocument'/></Relationships>";
    let file = zip(&[("_rels/.rels", rels.as_bytes()), ("w.xml", laughs.as_bytes())]);
    let record = program("extract").file("l.docx", file).arg("l.docx").run().code(0).record();
    assert_eq!(text(&record), "start  end");
}

#[test]
fn what_is_locked_or_of_another_kind_is_refused_with_a_reason() {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let mime = "application/vnd.oasis.opendocument.text";
    for (name, said) in [
        ("mimetype", mime),
        ("META-INF/manifest.xml", "<m:file-entry><m:encryption-data/></m:file-entry>"),
        ("content.xml", "garbage"),
    ] {
        archive.start_file(name, SimpleFileOptions::default()).expect("a member");
        archive.write_all(said.as_bytes()).expect("it fits memory");
    }
    let locked = archive.finish().expect("an archive").into_inner();
    let run = program("extract").file("locked.odt", locked).arg("locked.odt").run().code(1);
    assert_eq!(run.error_code(), "refused");
    let cut = std::fs::read(data("docs/report.docx")).expect("test data");
    let run = program("extract").file("cut.docx", &cut[..20_000]).arg("cut.docx").run().code(1);
    assert_eq!(run.error_code(), "unreadable");
    let rich = r"{\rtf1\ansi One\par {\b two} caf\'e9\par}";
    let record = program("extract").file("a.rtf", rich).arg("a.rtf").run().code(0).record();
    assert_eq!(
        (text(&record), &record["document"]["mime"]),
        ("One\n\ntwo café", &json!("application/rtf"))
    );
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
