//! What goes wrong with files: odd ones, those that change meanwhile, full disks, sudden ends.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{program, programs_folder};

use super::{contents, dedupe, names, tree};

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
fn files_that_vanish_grow_or_change_once_they_are_listed_are_not_compared() {
    let folder = tree(&[("a", "same"), ("b", "same"), ("c", "same"), ("d", "same"), ("e", "same")]);
    let at = |name: &str| folder.path().join(name);
    let mut running =
        program("dedupe").args(["--paths", "--no-cache", "--report", "--no-via"]).start();
    for name in ["a", "b", "c", "d", "e", "none"] {
        running.send(at(name).to_str().expect("UTF-8"));
    }
    // The last one fails at once: by then the others are listed.
    assert!(running.line().contains("unreadable"));
    fs::remove_file(at("b")).expect("removed");
    File::options().append(true).open(at("c")).expect("c").write_all(b"more").expect("written");
    fs::write(at("d"), "diff").expect("written");
    running.close_stdin();
    let (code, lines, _) = running.end();
    assert_eq!(code, 1);
    let records: Vec<Value> =
        lines.iter().map(|line| serde_json::from_str(line).expect("a record")).collect();
    let said: Vec<Value> = records
        .iter()
        .map(|r| json!([r["dup"]["kind"], r["error"]["code"], r["error"]["retry"]]))
        .collect();
    let failed = json!([null, "unreadable", true]);
    let expected = [
        json!(["first", null, null]),
        failed.clone(),
        failed.clone(),
        failed,
        json!(["exact", null, null]),
    ];
    assert_eq!(said, expected, "{lines:?}");
    assert!(lines[2].contains("changed while it was looked at"), "{lines:?}");
}

#[test]
fn files_that_change_while_they_are_read_are_not_compared() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = ["a", "b"].map(|name| File::create(folder.path().join(name)).expect("a file"));
    // So much that reading takes minutes.
    files.iter().for_each(|file| file.set_len(64 << 30).expect("room for nothing"));
    let running =
        dedupe(&folder, &["-v", "-d", "--no-cache"]).within(Duration::from_secs(300)).start();
    running.message("All: 2 files");
    files.iter().for_each(|file| file.set_len(50_000).expect("cut"));
    let (code, lines, messages) = running.end();
    assert_eq!((code, lines.len()), (1, 2), "{lines:?} {messages}");
    assert!(lines.iter().all(|line| line.contains("changed while it was looked at")), "{lines:?}");
}

#[test]
fn a_folder_that_may_not_be_read_is_said_and_the_rest_compared() {
    let folder = tree(&[("a", "same"), ("b", "same"), ("shut/c", "same")]);
    let shut = folder.path().join("shut");
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o000)).expect("a mode");
    // Root may read everything, unless that is taken from it.
    let mut command = match fs::metadata("/proc/self").expect("the process").uid() {
        0 => {
            let mut command = Command::new("setpriv");
            command.arg("--bounding-set=-dac_override,-dac_read_search");
            command.arg(programs_folder().join("dedupe"));
            command
        }
        _ => Command::new(programs_folder().join("dedupe")),
    };
    let output = command.args(["--no-cache", "-d"]).arg(folder.path()).output().expect("it runs");
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o755)).expect("a mode");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(text.lines().filter(|line| line.contains("\"dup\"")).count(), 1, "{output:?}");
    let failed = text.lines().find(|line| line.contains("\"unreadable\"")).expect("a record");
    assert!(failed.contains("shut"), "{failed}");
}

#[test]
fn what_stands_at_the_target_is_not_overwritten() {
    let folder = tree(&[("a", "same"), ("d/x", "same"), ("d/X", "same")]);
    let target = tempfile::tempdir().expect("a folder");
    // Where upper and lower case are one, x is there when X comes; here it is there before.
    let there = target.path().join(folder.path().strip_prefix("/").expect("absolute")).join("d/x");
    fs::create_dir_all(there.parent().expect("a folder")).expect("folders");
    fs::write(&there, "was here").expect("a file");
    let action = format!("move:{}", target.path().display());
    let run = dedupe(&folder, &["--no-cache", "--apply", &action]).run().code(1);
    let text = run.text();
    let failed: Vec<&str> = text.lines().filter(|line| line.contains("\"error\"")).collect();
    assert!(failed.len() == 1 && failed[0].contains("exists"), "{run}");
    assert_eq!(fs::read(&there).expect("it"), b"was here");
    assert_eq!(fs::read(there.with_file_name("X")).expect("the other"), b"same");
    let left: Vec<PathBuf> = contents(folder.path()).into_keys().collect();
    assert_eq!(left, [folder.path().join("a"), folder.path().join("d/x")]);
}

#[test]
#[expect(clippy::print_stderr, reason = "says that nothing was tested")]
fn a_target_without_room_leaves_every_file_where_it_was() {
    let folder = tree(&[]);
    for n in 0..40u8 {
        fs::write(folder.path().join(format!("f{n:02}")), [n / 2; 8192]).expect("a file");
    }
    let before = contents(folder.path());
    let work = tempfile::tempdir().expect("a folder");
    for name in ["small", "seen"] {
        fs::create_dir(work.path().join(name)).expect("a folder");
    }
    // A disk of 64 KiB, in a name space of its own.
    let script = "mount -t tmpfs -o size=64k none \"$1/small\" || exit 77
        \"$0\" --no-cache --apply \"move:$1/small\" --journal \"$1/journal\" \"$2\" > \"$1/out\"
        code=$?
        cp -a \"$1/small/.\" \"$1/seen\" && exit $code";
    let status = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .arg(programs_folder().join("dedupe"))
        .args([work.path(), folder.path()])
        .status();
    let code = status.ok().and_then(|status| status.code());
    if code != Some(1) && fs::metadata(work.path().join("out")).is_err() {
        eprintln!("no disk can be mounted here: nothing was tested");
        return;
    }
    assert_eq!(code, Some(1));
    let out = fs::read_to_string(work.path().join("out")).expect("the output");
    let failed = out.lines().filter(|line| line.contains("\"error\"")).count();
    let done = out.lines().filter(|line| line.contains("\"done\":true")).count();
    assert!(failed > 0 && done > 0 && failed + done == 20, "{out}");
    let moved = contents(&work.path().join("seen"));
    assert_eq!(moved.len(), done, "nothing half-written is left");
    assert!(moved.values().all(|content| content.len() == 8192));
    let left = contents(folder.path());
    assert_eq!(left.len() + moved.len(), 40);
    assert!(left.iter().all(|(path, content)| before[path] == *content));
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
