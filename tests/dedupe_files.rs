//! `dedupe` over files, as its users run it. Records and texts: tests/dedupe.rs.

#[path = "dedupe_files/acting.rs"]
mod acting;
#[path = "dedupe_files/caseless.rs"]
mod caseless;
#[path = "dedupe_files/faults.rs"]
mod faults;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Outcome, Program, program};

/// A folder with files.
fn tree(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, content).expect("a file");
    }
    folder
}

fn dedupe(folder: &TempDir, args: &[&str]) -> Program {
    program("dedupe").arg(folder.path()).args(args)
}

/// The paths of records, seen from the folder.
fn names(folder: &TempDir, outcome: &Outcome) -> Vec<String> {
    let name = |record: Value| {
        let path = record["path"].as_str().expect("a path").to_owned();
        let path = Path::new(&path).strip_prefix(folder.path()).expect("in the folder").to_owned();
        path.to_str().expect("UTF-8").to_owned()
    };
    outcome.records().into_iter().map(name).collect()
}

/// All files below a folder, links included, with their contents.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).expect("a file"));
        }
    }
    found
}

fn inode(path: impl AsRef<Path>) -> u64 {
    fs::symlink_metadata(path).expect("it is there").ino()
}

#[test]
fn the_first_file_of_each_content_passes() {
    let long = "x".repeat(50_000);
    let other_end = format!("{}y", "x".repeat(49_999));
    let other_middle = format!("{}y{}", "x".repeat(25_000), "x".repeat(24_999));
    let folder = tree(&[
        ("a/1", "same"),
        ("a/2", "else"),
        ("b/1", "same"),
        ("b/long1", &long),
        ("b/long2", &other_end),
        ("b/long3", &other_middle),
        ("c/long4", &long),
        ("c/empty1", ""),
        ("c/empty2", ""),
    ]);
    let all = ["a/1", "a/2", "b/long1", "b/long2", "b/long3", "c/empty1", "c/empty2"];
    for jobs in ["1", "4"] {
        let outcome = dedupe(&folder, &["--jobs", jobs]).run().code(0);
        assert_eq!(names(&folder, &outcome), all);
    }
    let empty = dedupe(&folder, &["--empty"]).run().code(0);
    assert_eq!(names(&folder, &empty), all[..6]);
    let large = dedupe(&folder, &["--min-size", "10k", "--max-size", "1M"]).run().code(0);
    assert_eq!(names(&folder, &large), all[2..5]);
    let plain = dedupe(&folder, &["-r", "--max-size", "4"]).run().code(0);
    assert!(plain.text().starts_with(folder.path().join("a/1\n").to_str().expect("UTF-8")));
    // The same from a list.
    let list: String = ["b/1", "a/1", "a/2"]
        .iter()
        .map(|n| format!("{}\0", folder.path().join(n).display()))
        .collect();
    let listed = program("dedupe").arg("-0").stdin(list).run().code(0);
    assert_eq!(names(&folder, &listed), ["b/1", "a/2"]);
}

#[test]
fn a_report_says_what_each_file_repeats() {
    let folder = tree(&[("1", "same"), ("2", "else"), ("3", "same"), ("4", "unlike any")]);
    fs::hard_link(folder.path().join("2"), folder.path().join("5")).expect("a link");
    symlink("1", folder.path().join("6")).expect("a link");
    let lines: String = (1..=6)
        .map(|n| format!("{}\n", json!({"n": n, "path": folder.path().join(n.to_string())})))
        .collect();
    let outcome =
        program("dedupe").args(["--files", "--report"]).stdin(lines.clone()).run().code(0);
    let records = outcome.records();
    let kinds: Vec<&Value> = records.iter().map(|r| &r["dup"]["kind"]).collect();
    assert_eq!(kinds, ["first", "first", "exact", "unique", "link", "unique"], "{outcome}");
    assert_eq!(records[2]["n"], 3);
    assert_eq!(records[2]["dup"]["of"], records[0]["path"]);
    assert_eq!(records[2]["dup"]["group"], records[0]["dup"]["group"]);
    assert_eq!(records[2]["dup"]["why"], "same 4 bytes");
    assert_eq!(records[4]["dup"]["of"], records[1]["path"]);
    let repeated = program("dedupe").args(["--files", "-d"]).stdin(lines).run().code(0);
    assert_eq!(repeated.records().len(), 2);
}

#[test]
fn reference_folders_and_rules_say_which_file_stays() {
    let folder = tree(&[("new/a", "one"), ("new/b", "two"), ("old/deep/a", "one"), ("z", "two")]);
    let old = folder.path().join("old");
    let outcome =
        program("dedupe").arg("--reference").arg(&old).arg(folder.path().join("new")).run().code(0);
    assert_eq!(names(&folder, &outcome), ["new/b"]);
    let shortest = dedupe(&folder, &["--keep", "shortest"]).run().code(0);
    assert_eq!(names(&folder, &shortest), ["new/a", "z"]);
    let globbed = dedupe(&folder, &["--keep", "path:**/old/**,shortest"]).run().code(0);
    assert_eq!(names(&folder, &globbed), ["old/deep/a", "z"]);
    let file = File::options().write(true).open(folder.path().join("new/b")).expect("a file");
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(5)).expect("a time");
    let oldest = dedupe(&folder, &["--keep", "oldest"]).run().code(0);
    assert_eq!(names(&folder, &oldest), ["new/a", "new/b"]);
    // A reference is kept against every rule, and never touched.
    let acted = dedupe(&folder, &["--apply", "delete", "--keep", "newest"])
        .arg("--reference")
        .arg(&old)
        .run()
        .code(0);
    assert_eq!(names(&folder, &acted), ["new/a", "new/b"]);
    assert!(folder.path().join("old/deep/a").exists() && folder.path().join("z").exists());
    program("dedupe").args(["--reference", "/no/such", "."]).run().code(2).says("/no/such");
}

#[test]
fn a_folder_that_repeats_another_stands_for_what_is_in_it() {
    let folder = tree(&[
        ("a/x", "one"),
        ("a/s/y", "two"),
        ("b/x", "one"),
        ("b/s/y", "two"),
        ("c/s/y", "two"),
        ("c/z", "three"),
        ("d/x", "one"),
        ("d/s/renamed", "two"),
        ("e/x", "one"),
        ("e/s/y", "two"),
        ("e/.hidden", "more"),
    ]);
    let run = dedupe(&folder, &["-d", "--folders"]).run().code(0);
    // b is a; c/s and e/s are a/s; d has another name in it, and e something that was not seen.
    let all = ["b", "c/s", "d/s/renamed", "d/x", "e/s", "e/x"];
    assert_eq!(names(&folder, &run), all, "{run}");
    let records = run.records();
    let of = |n: usize| records[n]["dup"]["of"].as_str().expect("a path").to_owned();
    assert!(of(0).ends_with("/a") && of(1).ends_with("/a/s") && of(4).ends_with("/a/s"), "{run}");
    assert_eq!(records[0]["dup"]["why"], "same folder: 2 files, 6 bytes, by the same names");
    assert_eq!(records[1]["dup"]["group"], records[4]["dup"]["group"]);
    let reference = folder.path().join("b");
    let run = dedupe(&folder, &["-d", "--folders", "--reference"]).arg(&reference).run().code(0);
    assert_eq!(names(&folder, &run)[0], "a", "{run}");
    let report = dedupe(&folder, &["--report", "--folders"]).run().code(0);
    assert_eq!(report.records().len(), 2 + 1 + 2 + 2 + 2, "{report}");
    dedupe(&folder, &["--folders"]).run().code(2).says("--report or --duplicates");
}

#[test]
fn hashes_are_kept_until_a_file_changes() {
    let folder = tree(&[("a", "same"), ("b", "same"), ("c", "diff")]);
    let cache = tempfile::tempdir().expect("a folder");
    let file = cache.path().join("digests.db");
    let run = || {
        let run = dedupe(&folder, &["-v", "-d", "--cache"]).arg(&file).run().code(0);
        (names(&folder, &run), run.messages())
    };
    // What changed a moment ago may change again unseen: it is not kept.
    assert!(run().1.contains("3 files, 0 known"));
    assert!(run().1.contains("3 files, 0 known"));
    std::thread::sleep(Duration::from_millis(2200));
    assert!(run().1.contains("3 files, 0 known"));
    let (found, messages) = run();
    assert_eq!(found, ["b"]);
    assert!(messages.contains("3 files, 3 known"), "{messages}");
    // The same size, and the time of change set back.
    let was = fs::metadata(folder.path().join("b")).expect("b").modified().expect("a time");
    fs::write(folder.path().join("b"), "diff").expect("written");
    let changed = File::options().write(true).open(folder.path().join("b")).expect("b");
    changed.set_modified(was).expect("a time");
    let (found, messages) = run();
    assert_eq!(found, ["c"]);
    assert!(messages.contains("3 files, 2 known"), "{messages}");
}

#[test]
fn arguments_about_files_that_make_no_sense_are_refused() {
    for args in [
        &["--apply", "burn", "."][..],
        &["--apply", "move:", "."],
        &["--dry-run", "."],
        &["--keep", "biggest", "."],
        &["--mirrored", "."],
        &["--apply", "delete", "--report", "."],
        &["--apply", "delete", "--near", "."],
        &["--files", "--by", "a"],
        &["--undo", "j", "."],
        &["--match-links", "."],
    ] {
        program("dedupe").args(args).stdin("").run().code(2);
    }
}
