//! Files that are changed, and how that is taken back.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::json;
use testkit::program;

use super::{contents, dedupe, inode, names, tree};

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

#[test]
fn what_links_lead_to_counts_once() {
    let folder = tree(&[("in/a", "same"), ("in/z", "other"), ("out/c", "same")]);
    let at = |name: &str| folder.path().join(name);
    symlink("../out", at("in/folder")).expect("a link");
    symlink("a", at("in/name")).expect("a link");
    symlink(".", at("in/loop")).expect("a link");
    let run = |args: &[&str]| program("dedupe").arg(at("in")).args(args).run();
    assert!(run(&["--duplicates"]).code(0).records().is_empty());
    // The loop is told of, and the file is no copy of itself by its other name.
    let found = run(&["--duplicates", "--follow-links"]).code(1);
    let failed = |r: &serde_json::Value| r.get("error").is_some();
    let (loops, copies): (Vec<_>, Vec<_>) = found.records().into_iter().partition(failed);
    assert_eq!((loops.len(), copies.len()), (1, 1), "{found}");
    let run = run(&["--apply", "delete", "--follow-links"]).code(1);
    assert!(at("in/a").is_file() && !at("out/c").exists(), "{run}");
    assert!(at("in/folder").is_symlink() && at("in/name").is_symlink(), "{run}");
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
