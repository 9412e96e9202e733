//! `changed` over pictures and embeddings.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Outcome, Program, Shot, program};

fn changed(folder: &TempDir, args: &[&str]) -> Program {
    program("changed").args(args).arg("--no-via").working_in(folder.path())
}

fn numbers(outcome: &Outcome) -> Vec<u64> {
    outcome.records().iter().map(|r| r["n"].as_u64().expect("n")).collect()
}

fn save(folder: &TempDir, name: &str, scene: u32, side: u16) {
    let shot = Shot::undated().scene(scene).side(side);
    fs::write(folder.path().join(name), shot.bytes()).expect("a picture");
}

fn events(pictures: &[Value]) -> String {
    let lines = pictures.iter().zip(1..).map(|(p, n)| format!("{}\n", json!({"n": n, "shot": p})));
    lines.collect()
}

#[test]
fn a_picture_that_shows_the_same_is_no_news() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, scene, side) in [("a.jpg", 5, 96), ("a-large.jpg", 5, 240), ("b.jpg", 6, 96)] {
        save(&folder, name, scene, side);
    }
    let input = events(&[
        json!("a.jpg"),
        json!("a.jpg"),
        json!("a-large.jpg"),
        json!("b.jpg"),
        json!("b.jpg"),
        json!("a.jpg"),
    ]);
    let rule = ["--rule", "shot picture=0.9", "--fields", "shot"];
    let outcome = changed(&folder, &rule).stdin(input.clone()).run().code(0);
    assert_eq!(numbers(&outcome), [1, 4, 6], "{outcome}");
    let change = &outcome.records()[1]["change"];
    assert_eq!(change["rule"], json!({"shot": "picture"}));
    assert_eq!(change["prev"], json!({"shot": "a.jpg"}), "the picture reported before");
    assert!(change["score"]["shot"].as_f64().is_some_and(|s| s < 0.9), "{change}");
    assert_eq!(change["suppressed"], 2);
    // One after another, over runs.
    let state = [&rule[..], &["--state", "state.db"]].concat();
    let mut found = Vec::new();
    for line in input.lines() {
        let outcome = changed(&folder, &state).stdin(format!("{line}\n")).run().code(0);
        found.extend(numbers(&outcome));
    }
    assert_eq!(found, [1, 4, 6]);
}

#[test]
fn one_file_that_is_written_anew_is_looked_at_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let args = ["--rule", "shot picture=0.9", "--fields", "shot"];
    let mut running = changed(&folder, &args).start();
    save(&folder, "now.jpg", 5, 96);
    running.send("{\"n\":1,\"shot\":\"now.jpg\"}");
    running.line();
    save(&folder, "now.jpg", 6, 96);
    running.send("{\"n\":2,\"shot\":\"now.jpg\"}");
    let second: Value = serde_json::from_str(&running.line()).expect("a record");
    assert_eq!((&second["n"], &second["change"]["rule"]["shot"]), (&json!(2), &json!("picture")));
    running.close_stdin();
    assert_eq!(running.end().0, 0);
}

#[test]
fn pictures_of_the_night_are_alike_whatever_their_noise() {
    let folder = tempfile::tempdir().expect("a folder");
    let picture = |name: &str, light: u8, seed: u32| {
        // A bitmap of 64 × 64 pixels, 24 bits each (BITMAPINFOHEADER).
        let size = 54 + 64 * 64 * 3u32;
        let mut bytes = b"BM".to_vec();
        bytes.extend_from_slice(&size.to_le_bytes());
        bytes.extend_from_slice(&[0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 64, 0, 0, 0, 64, 0, 0, 0]);
        bytes.extend_from_slice(&[1, 0, 24, 0]);
        bytes.resize(54, 0);
        let noise = |n: u32| {
            let x = (n ^ seed).wrapping_mul(0x9e37_79b9);
            light + u8::try_from((x ^ x >> 15) % 3).expect("small")
        };
        bytes.extend((0..64 * 64).flat_map(|n| [noise(n); 3]));
        fs::write(folder.path().join(name), bytes).expect("a picture");
    };
    picture("night1.bmp", 8, 1);
    picture("night2.bmp", 8, 2);
    picture("fog.bmp", 200, 3);
    save(&folder, "day.jpg", 5, 96);
    let names = ["night1.bmp", "night2.bmp", "day.jpg", "fog.bmp", "night1.bmp"];
    let input = events(&names.map(|name| json!(name)));
    let args = ["--rule", "shot picture=0.9", "--fields", "shot"];
    let outcome = changed(&folder, &args).stdin(input).run().code(0);
    assert_eq!(numbers(&outcome), [1, 3, 4, 5], "{outcome}");
}

#[test]
fn what_is_no_picture_fails_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    save(&folder, "a.jpg", 5, 96);
    save(&folder, "b.jpg", 6, 96);
    let whole = fs::read(folder.path().join("b.jpg")).expect("a picture");
    fs::write(folder.path().join("cut.jpg"), &whole[..200]).expect("a file");
    fs::write(folder.path().join("text.jpg"), "no picture").expect("a file");
    let input = events(&[
        json!("a.jpg"),
        json!("none.jpg"),
        json!("text.jpg"),
        json!("cut.jpg"),
        json!(7),
        json!("."),
        Value::Null,
        json!("a.jpg"),
    ]);
    let args = ["--rule", "shot picture=0.9", "--fields", "shot"];
    let outcome = changed(&folder, &args).stdin(input).run().code(1);
    let codes: Vec<Value> = outcome.records().iter().map(|r| r["error"]["code"].clone()).collect();
    let unsupported = json!("unsupported");
    assert_eq!(codes[..3], [Value::Null, json!("unreadable"), unsupported.clone()], "{outcome}");
    assert_eq!(numbers(&outcome), [1, 2, 3, 4, 5, 6], "{outcome}");
    assert_eq!(codes[4], unsupported);
    let missing = [&args[..], &["--rule", "other picture=0.9 missing=fail"]].concat();
    let outcome = changed(&folder, &missing).stdin(events(&[json!("a.jpg")])).run().code(1);
    assert_eq!(outcome.error_code(), "missing-field");
}

#[test]
fn paths_may_have_any_bytes() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    save(&folder, "a.jpg", 5, 96);
    let odd = Path::new(std::ffi::OsStr::from_bytes(b"\xff\n.jpg"));
    fs::rename(folder.path().join("a.jpg"), folder.path().join(odd)).expect("renamed");
    let args = ["--rule", "shot picture=0.9", "--fields", "shot"];
    let input = events(&[json!({"bytes": "/wouanBn"}), json!({"bytes": "/wouanBn"})]);
    let outcome = changed(&folder, &args).stdin(input).run().code(0);
    assert_eq!(numbers(&outcome), [1], "{outcome}");
}

#[test]
fn texts_are_compared_by_their_embeddings() {
    let folder = tempfile::tempdir().expect("a folder");
    let event = |n: u64, e: Value| format!("{}\n", json!({"n": n, "text": "x", "embedding": e}));
    let input = event(1, json!([1.0, 0.0, 0.0]))
        + &event(2, json!([0.98, 0.198_997, 0.0]))
        + &event(3, json!([0.0, 1.0, 0.0]))
        + &event(4, Value::Null)
        + &event(5, json!([0.0, 5.0, 0.0]))
        + &event(6, json!([0.0, 1.0]));
    let args = ["--rule", "embedding meaning=0.8", "--fields", "embedding"];
    let outcome = changed(&folder, &args).stdin(input).run().code(0);
    assert_eq!(numbers(&outcome), [1, 3, 6], "{outcome}");
    let changes: Vec<Value> = outcome.records().iter().map(|r| r["change"].clone()).collect();
    assert_eq!(changes[1]["rule"], json!({"embedding": "meaning"}));
    assert_eq!(changes[1]["score"], json!({"embedding": 0}));
    assert_eq!(changes[1]["prev"], json!({"embedding": null}), "numbers say nothing to people");
    assert_eq!(changes[2]["rule"], json!({"embedding": "value"}), "of another model");
    for bad in [json!("text"), json!([]), json!([0, 0]), json!(["a"]), json!({})] {
        let outcome = changed(&folder, &args).stdin(event(1, bad)).run().code(1);
        assert_eq!(outcome.error_code(), "unsupported", "{outcome}");
    }
    for bad in ["* picture=0.9", "* meaning=0.9", "a picture=2", "a picture=1 meaning=1"] {
        changed(&folder, &["--rule", bad]).stdin("").run().code(2);
    }
}
