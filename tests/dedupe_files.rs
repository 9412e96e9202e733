//! `dedupe` over files, as its users run it. Records and texts: tests/dedupe.rs.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _, symlink};
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
fn odd_names_unreadable_files_and_things_that_are_no_files() {
    let folder = tree(&[("a\nb", "same"), ("sub/x", "same"), ("gone", "x")]);
    let odd = folder.path().join(OsStr::from_bytes(b"\xff\xfe"));
    fs::write(&odd, "same").expect("a file");
    symlink(".", folder.path().join("loop")).expect("a link");
    let outcome = dedupe(&folder, &["-d"]).run().code(0);
    let records = outcome.records();
    assert_eq!(records.len(), 2, "{outcome}");
    assert!(records.iter().any(|r| r["path"]["bytes"].is_string()), "{outcome}");
    assert!(records.iter().all(|r| r["dup"]["of"].as_str().is_some_and(|p| p.ends_with("a\nb"))));

    let fifo = folder.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo");
    assert!(made.success());
    let lines = [folder.path().join("none"), fifo, folder.path().join("sub")];
    let input: String = lines.iter().map(|p| format!("{}\n", p.display())).collect();
    let bad = program("dedupe").arg("--paths").stdin(input).run().code(1);
    let codes: Vec<Value> = bad.records().iter().map(|r| r["error"]["code"].clone()).collect();
    assert_eq!(codes, ["unreadable", "unsupported", "unsupported"]);
    assert_eq!(program("dedupe").arg("--files").stdin("{}\n").run().error_code(), "missing-field");
}

#[test]
fn sparse_files_of_more_than_four_gigabytes_differ_in_one_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let size = (4 << 30) + 5;
    for (name, byte) in [("a", b'x'), ("b", b'y'), ("c", b'x')] {
        let file = File::create(folder.path().join(name)).expect("a file");
        file.set_len(size).expect("room for nothing");
        file.write_all_at(&[byte], 2 << 30).expect("a byte");
    }
    let outcome = dedupe(&folder, &["-d"]).within(Duration::from_secs(300)).run().code(0);
    assert_eq!(names(&folder, &outcome), ["c"]);
    assert_eq!(outcome.record()["dup"]["why"], format!("same {size} bytes"));
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
fn a_dry_run_plans_and_touches_nothing() {
    let folder = tree(&[("a", "same"), ("b", "same"), ("c", "else")]);
    let before = contents(folder.path());
    let run = dedupe(&folder, &["--apply", "delete", "--dry-run"]).run().code(0);
    let record = run.record();
    assert_eq!(record["plan"], json!({"action": "delete", "done": false}));
    assert!(record["dup"]["of"].as_str().is_some_and(|p| p.ends_with("/a")), "{record}");
    assert_eq!(contents(folder.path()), before);
}

/// Applies an action, and takes it back.
fn there_and_back(action: &str, check: impl Fn(&Path)) {
    let folder = tree(&[("a", "same"), ("s/b", "same"), ("s/c", "same"), ("d", "else")]);
    let b = folder.path().join("s/b");
    fs::set_permissions(&b, fs::Permissions::from_mode(0o640)).expect("a mode");
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    File::options().write(true).open(&b).expect("b").set_modified(time).expect("a time");
    let before = contents(folder.path());
    let journal = folder.path().join("journal");
    let run = dedupe(&folder, &["--apply", action, "--journal"]).arg(&journal).run().code(0);
    assert_eq!(names(&folder, &run), ["s/b", "s/c"], "{run}");
    assert!(run.records().iter().all(|r| r["plan"]["done"] == true), "{run}");
    let run = run.says("dedupe --undo");
    check(folder.path());
    assert_eq!(fs::read(folder.path().join("a")).expect("the one that stays"), b"same", "{run}");

    let undo = program("dedupe").arg("--undo").arg(&journal).run().code(0);
    assert!(undo.records().iter().all(|r| r["undo"]["result"] == "restored"), "{undo}");
    let again = program("dedupe").arg("--undo").arg(&journal).run().code(0);
    assert!(again.records().is_empty(), "{again}");
    fs::remove_file(&journal).expect("the journal");
    let mut after = contents(folder.path());
    after.retain(|path, _| !path.starts_with(folder.path().join("moved")));
    assert_eq!(after, before);
    let restored = fs::symlink_metadata(&b).expect("b");
    assert!(restored.is_file() && restored.nlink() == 1);
    assert_eq!(restored.mode() & 0o777, 0o640);
    assert_eq!(restored.modified().expect("a time"), time);
}

#[test]
fn hard_links_and_back() {
    there_and_back("hardlink", |at| assert_eq!(inode(at.join("a")), inode(at.join("s/b"))));
}

#[test]
fn symbolic_links_and_back() {
    there_and_back("symlink", |at| {
        let target = fs::read_link(at.join("s/b")).expect("a link");
        assert!(target.is_absolute() && inode(&target) == inode(at.join("a")));
    });
}

#[test]
fn deleted_and_back() {
    there_and_back("delete", |at| assert!(!at.join("s/b").exists() && !at.join("s/c").exists()));
}

#[test]
fn moved_and_back() {
    let target = tempfile::tempdir().expect("a folder");
    let action = format!("move:{}", target.path().display());
    there_and_back(&action, |at| {
        assert!(!at.join("s/b").exists());
        assert_eq!(contents(target.path()).len(), 2);
    });
    assert!(contents(target.path()).is_empty());
}

#[test]
fn moved_to_another_device_and_back() {
    let shm = Path::new("/dev/shm");
    let here = fs::metadata(std::env::temp_dir()).expect("a folder").dev();
    // Where there is no second device, it is the test before this one once more.
    let elsewhere = fs::metadata(shm).is_ok_and(|m| m.dev() != here);
    let base = if elsewhere { shm.to_owned() } else { std::env::temp_dir() };
    let target = tempfile::tempdir_in(base).expect("a folder");
    let action = format!("move:{}", target.path().display());
    there_and_back(&action, |at| {
        assert!(!at.join("s/b").exists());
        assert!(contents(target.path()).values().all(|content| content == b"same"));
    });
}

#[test]
fn trashed_as_the_desktop_does_it_and_back() {
    let folder = tree(&[("d/a", "same"), ("d/ü b", "same"), ("e/ü b", "same")]);
    let data = tempfile::tempdir().expect("a folder");
    let journal = data.path().join("journal");
    let run = dedupe(&folder, &["--apply", "trash", "--journal"]).arg(&journal);
    let run = run.env("XDG_DATA_HOME", data.path()).run().code(0);
    assert_eq!(names(&folder, &run), ["d/ü b", "e/ü b"]);
    let trash = data.path().join("Trash");
    let files: Vec<_> = contents(&trash.join("files")).into_keys().collect();
    assert_eq!(files, [trash.join("files/ü b"), trash.join("files/ü b.2")]);
    let info = fs::read_to_string(trash.join("info/ü b.trashinfo")).expect("an info");
    let path = folder.path().join("d").display().to_string();
    assert!(info.starts_with("[Trash Info]\nPath=/") && info.contains("%C3%BC%20b\n"), "{info}");
    assert!(info.contains(&path.replace(' ', "%20")) && info.contains("DeletionDate=2"), "{info}");
    program("dedupe").arg("--undo").arg(&journal).run().code(0);
    assert_eq!(contents(folder.path()).len(), 3);
    assert!(contents(&trash).is_empty());
}

#[test]
fn files_that_share_blocks_where_the_file_system_can_do_that() {
    let folder = tree(&[("a", "same"), ("b", "same")]);
    let run = dedupe(&folder, &["--apply", "reflink"]).run();
    // On others it is said, and nothing is left lying about.
    let allowed = run.records();
    let done = allowed[0]["plan"]["done"] == true;
    let refused =
        allowed[0]["error"]["message"].as_str().is_some_and(|m| m.contains("no reflinks"));
    assert!(done || refused, "{run}");
    assert_eq!(contents(folder.path()).len(), 2);
    assert_ne!(inode(folder.path().join("a")), inode(folder.path().join("b")));
}

#[test]
fn other_names_of_the_kept_file_are_left_alone_unless_asked_for() {
    let folder = tree(&[("a", "same")]);
    fs::hard_link(folder.path().join("a"), folder.path().join("b")).expect("a link");
    symlink(folder.path(), folder.path().join("here")).expect("a link");
    let run = |args: &[&str]| dedupe(&folder, args).arg(folder.path().join("here/a")).run();
    assert!(run(&["--apply", "delete"]).code(0).records().is_empty());
    assert_eq!(contents_without_links(folder.path()), 2);
    // The same entry by another way is no other name.
    let linked = run(&["--apply", "delete", "--match-links"]).code(1);
    let codes: Vec<&str> = linked.text().lines().filter(|l| l.contains("\"refused\"")).collect();
    assert_eq!(codes.len(), 1, "{linked}");
    assert_eq!(contents_without_links(folder.path()), 1);
}

fn contents_without_links(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry"));
    entries.filter(|e| e.file_type().expect("a type").is_file()).count()
}

#[test]
fn nothing_is_changed_when_the_journal_cannot_be_written() {
    let folder = tree(&[("a", "same"), ("b", "same")]);
    let before = contents(folder.path());
    let run = |journal: &str| dedupe(&folder, &["--apply", "delete", "--journal", journal]).run();
    run("/dev/full").code(2).says("journal /dev/full");
    run("/proc/none/journal").code(2);
    let taken = folder.path().join("a");
    run(taken.to_str().expect("UTF-8")).code(2).says("exists");
    assert_eq!(contents(folder.path()), before);
}

#[test]
fn a_full_disk_in_the_middle_leaves_every_content() {
    let folder = tree(&[]);
    for n in 0..40 {
        fs::write(folder.path().join(format!("f{n:02}")), format!("{:05}", n / 2)).expect("a file");
    }
    let before: BTreeSet<Vec<u8>> = contents(folder.path()).into_values().collect();
    let journal = folder.path().join("journal");
    // The journal may have 4 KiB: the kernel refuses, or ends the process by a signal.
    let script =
        "ulimit -f 4; exec \"$0\" --no-cache --apply delete --journal \"$1\" \"$2\" > /dev/null";
    let status = std::process::Command::new("bash")
        .args(["-c", script])
        .arg(testkit::programs_folder().join("dedupe"))
        .args([&journal, &folder.path().to_path_buf()])
        .status()
        .expect("bash runs");
    assert!(!status.success());
    let mut left = contents(folder.path());
    assert!(left.remove(&journal).is_some_and(|j| j.len() <= 4096));
    assert!(left.len() > 20 && left.len() < 40, "{}", left.len());
    assert_eq!(left.into_values().collect::<BTreeSet<_>>(), before);
    program("dedupe").arg("--undo").arg(&journal).run().code(0);
    fs::remove_file(&journal).expect("the journal");
    assert_eq!(contents(folder.path()).len(), 40);
}

#[test]
fn killed_at_any_moment_every_content_is_there_and_comes_back() {
    let actions = ["hardlink", "symlink", "delete", "move:MOVED"];
    for round in 0..16u64 {
        let folder = tree(&[]);
        for n in 0..300 {
            let name = folder.path().join(format!("f{n:03}"));
            fs::write(name, format!("content {}", n % 100)).expect("a file");
        }
        let before = contents(folder.path());
        let moved = tempfile::tempdir().expect("a folder");
        let action = actions[usize::try_from(round).expect("small") % actions.len()]
            .replace("MOVED", moved.path().to_str().expect("UTF-8"));
        let journals = tempfile::tempdir().expect("a folder");
        let journal = journals.path().join("journal");
        let running =
            dedupe(&folder, &["--no-cache", "--apply", &action, "--journal"]).arg(&journal).start();
        // Once the first change was made, at some moment soon after.
        for _ in 0..100_000 {
            if fs::metadata(&journal).is_ok_and(|m| m.len() > 2000) {
                break;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        std::thread::sleep(Duration::from_micros(1300 * (round / 4) + 170 * round));
        running.signal("KILL");
        drop(running);
        let mut left: BTreeSet<Vec<u8>> = contents(folder.path()).into_values().collect();
        left.extend(contents(moved.path()).into_values());
        let all: BTreeSet<Vec<u8>> = before.values().cloned().collect();
        assert_eq!(left, all, "round {round}, {action}");
        let undo = program("dedupe").arg("--undo").arg(&journal).run().code(0);
        assert_eq!(contents(folder.path()), before, "round {round}, {action}\n{undo}");
        let single = |path: &PathBuf| fs::symlink_metadata(path).expect("it").nlink() == 1;
        assert!(before.keys().all(single), "round {round}, {action}");
    }
}

#[test]
fn what_changed_since_is_not_taken_back() {
    let folder = tree(&[("a", "same"), ("b", "same"), ("c", "same"), ("d", "same")]);
    let at = |name: &str| folder.path().join(name);
    let journals = tempfile::tempdir().expect("a folder");
    let journal = journals.path().join("journal");
    dedupe(&folder, &["--apply", "delete", "--journal"]).arg(&journal).run().code(0);
    fs::write(at("b"), "new").expect("a file");
    let undo = || program("dedupe").arg("--undo").arg(&journal).run();
    let first = undo().code(1);
    assert_eq!(first.records().len(), 3);
    assert_eq!(fs::read(at("b")).expect("b"), b"new");
    assert_eq!(fs::read(at("c")).expect("c"), b"same");
    // With the reason gone, the rest comes back; what stayed has to be what it was.
    fs::remove_file(at("b")).expect("removed");
    fs::write(at("a"), "diff").expect("a file");
    assert_eq!(undo().code(1).error_code(), "refused");
    assert!(!at("b").exists());
    fs::write(at("a"), "same").expect("a file");
    undo().code(0);
    assert_eq!(fs::read(at("b")).expect("b"), b"same");
}

#[test]
fn journals_that_are_no_journals() {
    let folder = tempfile::tempdir().expect("a folder");
    let undo = |content: &str| {
        fs::write(folder.path().join("j"), content).expect("a file");
        program("dedupe").arg("--undo").arg(folder.path().join("j")).run()
    };
    undo("").code(2).says("no journal");
    undo("{\"a\":1}\n").code(2).says("line 1");
    undo("{\"journal\":3}\n").code(2).says("newer version");
    undo("{\"journal\":1}\nnonsense\n{\"done\":1}\n").code(2).says("line 2");
    undo("{\"journal\":1}\n{\"intent\":{\"n\":1,\"act").code(0);
    program("dedupe").args(["--undo", "/no/such/journal"]).run().code(2);
}

#[test]
fn two_runs_that_keep_different_files_lose_nothing() {
    for _ in 0..5 {
        let folder = tree(&[]);
        for n in 0..60 {
            fs::write(folder.path().join(format!("f{n:02}")), format!("{:03}", n % 30))
                .expect("a file");
        }
        let before: BTreeSet<Vec<u8>> = contents(folder.path()).into_values().collect();
        let start = |keep: &str| {
            dedupe(&folder, &["--no-cache", "--apply", "delete", "--keep", keep]).start()
        };
        let glob = format!("path:{}/f[345]*", folder.path().display());
        let (one, other) = (start("first"), start(&glob));
        for running in [one, other] {
            // Each may find that the other was faster.
            assert!(running.end().0 <= 1);
        }
        let after: BTreeSet<Vec<u8>> = contents(folder.path()).into_values().collect();
        assert_eq!(after, before);
    }
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
