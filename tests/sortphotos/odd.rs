//! What people have in their folders besides good pictures.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use serde_json::json;

use crate::fixture::{Shot, Tree};

#[test]
fn odd_names_are_only_names() {
    let tree = Tree::new(&[
        ("in/a\nb.jpg", Shot::at("2024:03:05 14:07:09")),
        ("in/-rf.jpg", Shot::at("2024:03:06 14:07:09").scene(3)),
        ("in/x.jpg", Shot::at("2024:03:07 14:07:09").scene(4).camera("../../etc", "pass\nwd")),
    ]);
    let bytes = Shot::at("2024:03:08 14:07:09").scene(5).bytes();
    fs::write(tree.path().join("in").join(OsStr::from_bytes(b"\xff\xfe.jpg")), bytes)
        .expect("a file");
    symlink(".", tree.file("in/loop")).expect("a link");
    symlink("x.jpg", tree.file("in/link.jpg")).expect("a link");
    let run = tree.sort(&["in", "--to", "out/{camera}/{name}", "--apply", "copy"]).run().code(0);
    let mut to: Vec<String> = run.records().iter().map(|r| r["plan"]["to"].to_string()).collect();
    to.sort();
    assert_eq!(
        to,
        [
            "\"out/-rf.jpg\"",
            "\"out/_.._etc pass_wd/x.jpg\"",
            "\"out/a_b.jpg\"",
            "\"out/unnamed.jpg\""
        ],
        "{run}"
    );
    assert!(run.records().iter().any(|r| r["path"]["bytes"].is_string()), "{run}");
    assert!(tree.file("out/a_b.jpg").exists() && tree.file("out/unnamed.jpg").exists());
    let link = tree.sort(&["in/link.jpg"]).run().code(1);
    assert_eq!(link.error_code(), "unsupported");
}

#[test]
fn damaged_files_and_other_things_are_told_apart() {
    let whole = Shot::at("2024:03:05 14:07:09").camera("Acme", "P1").bytes();
    let tree =
        Tree::new(&[("notes.txt", Shot::text("no picture")), ("lone.xmp", Shot::text("<x/>"))]);
    tree.write("truncated.jpg", &whole[..whole.len() / 2]);
    tree.write("head.jpg", &whole[..250]);
    tree.write("zeros.jpg", &[0; 5000]);
    tree.write("empty.jpg", b"");
    let run = tree.sort(&[".", "--look", "always", "--to", "out/{taken}"]).run().code(1);
    let records = run.records();
    let of = |name: &str| {
        let path = format!("./{name}");
        records
            .iter()
            .find(|r| r["path"] == path.as_str())
            .unwrap_or_else(|| panic!("{name}\n{run}"))
    };
    assert_eq!(records.len(), 6, "{run}");
    assert_eq!(of("truncated.jpg")["plan"]["to"], "out/20240305-140709-2.jpg", "{run}");
    assert!(of("truncated.jpg")["photo"]["warnings"].is_array(), "{run}");
    for name in ["zeros.jpg", "empty.jpg"] {
        assert_eq!(of(name)["error"]["code"], "unsupported", "{run}");
    }
    for name in ["notes.txt", "lone.xmp"] {
        assert_eq!(of(name)["plan"]["action"], "leave", "{run}");
        assert!(of(name)["photo"].is_null());
    }
    assert!(of("head.jpg")["photo"].is_object() || of("head.jpg")["error"].is_object(), "{run}");
}

#[test]
fn impossible_dates_and_places_are_refused() {
    let tree = Tree::new(&[
        ("1.jpg", Shot::at("0000:00:00 00:00:00").camera("Acme", "P1")),
        ("2.jpg", Shot::at("2099:01:01 12:00:00").camera("Acme", "P1").scene(3)),
        ("3.jpg", Shot::at("2024:13:41 25:61:61").camera("Acme", "P1").scene(4)),
        ("4.jpg", Shot::at("2024:03:05 14:07:09").camera("Acme", "P1").scene(5).gps(0, 0)),
        ("5.jpg", Shot::at("2024:03:05 14:08:09").camera("Acme", "P1").scene(6).gps(52, 13)),
    ]);
    let run = tree.sort(&["."]).run().code(0);
    let records = run.records();
    for record in &records[..3] {
        assert_eq!(record["plan"]["action"], "leave", "{run}");
        assert!(record["photo"]["taken"].is_null(), "{run}");
        assert!(record["photo"]["conflicts"][0]["why"].is_string(), "{run}");
    }
    assert!(records[3]["photo"]["gps"].is_null(), "{run}");
    assert_eq!(records[4]["photo"]["gps"], json!({"latitude": 52.0, "longitude": 13.0}));
}

#[test]
fn files_that_are_not_there_fail_alone() {
    let tree = Tree::new(&[("a.jpg", Shot::at("2024:03:05 14:07:09"))]);
    let run = tree.sort(&["--paths"]).stdin("gone.jpg\na.jpg\na.jpg\n").run().code(1);
    let records = run.records();
    assert_eq!(records[0]["error"]["code"], "unreadable", "{run}");
    assert_eq!(records[1]["error"]["code"], "refused", "the same file twice: {run}");
    assert_eq!(records[2]["plan"]["action"], "move", "{run}");
}
