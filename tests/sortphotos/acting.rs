//! Files come to their places, all of a group or none, and back.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use testkit::{Outcome, program};

use crate::fixture::{Shot, State, Tree, state};

fn actions(run: &Outcome) -> Vec<String> {
    let action = |r: &Value| r["plan"]["action"].as_str().unwrap_or("error").to_owned();
    run.records().iter().map(action).collect()
}

fn undo(tree: &Tree, journal: &Path) -> Outcome {
    tree.sort(&["--undo"]).arg(journal).run()
}

fn three() -> Tree {
    Tree::new(&[
        ("in/a.jpg", Shot::at("2024:03:05 14:07:09").camera("Acme", "P1")),
        ("in/b.jpg", Shot::at("2024:03:05 14:07:09").camera("Acme", "P1").scene(5)),
        ("in/sub/c.jpg", Shot::at("2020:01:01 00:00:00")),
    ])
}

const TO: &str = "out/{year}/{taken}{ext}";

/// Sorts and takes it back.
fn there_and_back(way: &str, stays: bool) {
    let tree = three();
    let before = tree.state();
    let journals = tempfile::tempdir().expect("a folder");
    let journal = journals.path().join("journal");
    let sort = |journal: &Path| {
        tree.sort(&["in", "--to", TO, "--apply", way, "--journal"]).arg(journal).run()
    };
    let run = sort(&journal).code(0).says("sortphotos --undo");
    assert_eq!(actions(&run), [way, way, way], "{run}");
    assert!(run.records().iter().all(|r| r["plan"]["done"] == true), "{run}");
    let out = [
        "out/2020/20200101-000000.jpg",
        "out/2024/20240305-140709-2.jpg",
        "out/2024/20240305-140709.jpg",
    ];
    let names = tree.names();
    let ins = ["in/a.jpg", "in/b.jpg", "in/sub/c.jpg"];
    let expected: Vec<&str> =
        if stays { ins.iter().chain(&out).copied().collect() } else { out.to_vec() };
    assert_eq!(names, expected, "{run}");
    for (new, old) in [(out[2], ins[0]), (out[1], ins[1]), (out[0], ins[2])] {
        let (new, old) = (&tree.state()[Path::new(new)], &before[Path::new(old)]);
        assert_eq!(new, old, "content, permissions and time");
    }
    // Once more: there is nothing left to do, here and for the whole folder.
    let again = sort(&journals.path().join("second")).code(0);
    assert!(again.records().iter().all(|r| r["plan"]["action"] == "duplicate"), "{again}");
    let all = tree.sort(&["in", "out", "--to", TO, "--apply", way]).run().code(0);
    assert!(!actions(&all).iter().any(|a| a == way), "{all}");
    let undone = undo(&tree, &journal).code(0);
    assert!(undone.records().iter().all(|r| r["undo"]["result"] == "restored"), "{undone}");
    assert_eq!(tree.state(), before, "{undone}");
    assert!(undo(&tree, &journal).code(0).records().is_empty());
}

#[test]
fn files_are_moved_and_come_back() {
    there_and_back("move", false);
}

#[test]
fn files_are_copied_and_the_copies_go() {
    there_and_back("copy", true);
}

#[test]
fn files_get_other_names_and_lose_them() {
    there_and_back("link", true);
}

#[test]
fn reflinks_work_or_leave_nothing() {
    let tree = three();
    let before = tree.state();
    let run = tree.sort(&["in", "--to", TO, "--apply", "reflink"]).run();
    if run.status == 0 {
        assert_eq!(tree.names().len(), 6, "{run}");
    } else {
        assert!(run.text().contains("has no reflinks"), "{run}");
        let files = |state: State| -> State {
            state.into_iter().filter(|(_, (content, ..))| content.is_some()).collect()
        };
        assert_eq!(files(tree.state()), files(before), "{run}");
    }
}

#[test]
fn what_belongs_together_goes_together() {
    let xmp = "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF \
        xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"/></x:xmpmeta>";
    let tree = Tree::new(&[
        ("in/IMG_0001.JPG", Shot::at("2024:03:05 14:07:09").camera("Acme", "P1")),
        ("in/IMG_0001.JPG.xmp", Shot::text(xmp)),
        ("in/IMG_0001.AAE", Shot::text("<plist/>")),
        ("in/IMG_0002.JPG", Shot::at("2024:03:05 14:09:09").camera("Acme", "P1")),
    ]);
    // Only one of them is named.
    let run =
        tree.sort(&["--paths", "--to", TO, "--apply", "move"]).stdin("in/IMG_0001.JPG\n").run();
    let run = run.code(0);
    assert_eq!(
        tree.names(),
        [
            "in/IMG_0002.JPG",
            "out/2024/20240305-140709.aae",
            "out/2024/20240305-140709.jpg",
            "out/2024/20240305-140709.jpg.xmp"
        ],
        "{run}"
    );
    let mut with: Vec<Value> = run.record()["plan"]["with"].as_array().expect("others").clone();
    with.sort_by_key(Value::to_string);
    assert_eq!(with, ["in/IMG_0001.AAE", "in/IMG_0001.JPG.xmp"]);
}

#[test]
fn a_group_of_which_one_file_cannot_go_stays() {
    let tree = Tree::new(&[
        ("in/IMG_0001.JPG", Shot::at("2024:03:05 14:07:09")),
        ("in/IMG_0001.AAE", Shot::text("<plist/>")),
        ("in/z.jpg", Shot::at("2023:03:05 14:07:09")),
    ]);
    // A file where a folder is wanted: not even root gets past it.
    tree.write("out/2024", b"no folder");
    let before = tree.state();
    let run = tree.sort(&["in", "--to", TO, "--apply", "move"]).run().code(1);
    let failed: Vec<Value> = run.records().into_iter().filter(|r| r["error"].is_object()).collect();
    assert_eq!(failed.len(), 2, "{run}");
    assert!(
        failed[0]["error"]["message"].as_str().is_some_and(|m| m.contains("left where it was"))
    );
    for name in ["in/IMG_0001.JPG", "in/IMG_0001.AAE", "out/2024"] {
        assert_eq!(tree.state()[Path::new(name)], before[Path::new(name)]);
    }
    assert!(tree.file("out/2023/20230305-140709.jpg").exists(), "{run}");
}

#[test]
fn a_target_that_cannot_be_written_changes_nothing() {
    let tree = three();
    let before = tree.state();
    // Nobody can make files there, root included.
    let sort = |way| tree.sort(&["in", "--to", "/proc/{year}/{name}", "--apply", way]).run();
    sort("move").code(2).says("0 bytes are free");
    let run = sort("link").code(1);
    assert_eq!(run.records().iter().filter(|r| r["error"].is_object()).count(), 3, "{run}");
    assert_eq!(tree.state(), before);
}

#[test]
fn nothing_is_overwritten_and_the_same_is_known() {
    let a = Shot::at("2024:03:05 14:07:09");
    let tree = Tree::new(&[
        ("in/1.jpg", a.clone()),
        ("in/2.jpg", a.clone()),
        ("in/3.jpg", a.clone().scene(9)),
        ("out/2024/20240305-140709.jpg", a.clone().scene(30)),
        ("out/2024/20240305-140709-2.jpg", a.scene(9)),
    ]);
    let before = tree.state();
    let run = tree.sort(&["in", "--to", TO, "--apply", "move"]).run().code(0);
    let records = run.records();
    assert_eq!(actions(&run), ["move", "duplicate", "duplicate"], "{run}");
    assert_eq!(records[0]["plan"]["to"], "out/2024/20240305-140709-3.jpg");
    assert!(records[0]["plan"]["why"].as_str().is_some_and(|w| w.contains("number 3")), "{run}");
    assert_eq!(records[1]["plan"]["of"], "in/1.jpg");
    assert_eq!(records[2]["plan"]["of"], "out/2024/20240305-140709-2.jpg");
    for name in ["in/2.jpg", "in/3.jpg", "out/2024/20240305-140709.jpg"] {
        assert_eq!(tree.state()[Path::new(name)], before[Path::new(name)]);
    }
}

#[test]
fn names_that_differ_in_case_alone_get_numbers() {
    let tree = Tree::new(&[
        ("a/IMG.jpg", Shot::at("2024:03:05 14:07:09")),
        ("b/img.jpg", Shot::at("2024:03:06 14:07:09").scene(8)),
    ]);
    let run = tree.sort(&["a", "b", "--to", "out/{name}"]).run().code(0);
    let to: Vec<Value> = run.records().iter().map(|r| r["plan"]["to"].clone()).collect();
    assert_eq!(to, ["out/IMG.jpg", "out/img-2.jpg"], "{run}");
}

#[test]
fn a_target_inside_the_source_is_sorted_once() {
    let tree = three();
    let journals = tempfile::tempdir().expect("a folder");
    let sort = |n: u32| {
        let journal = journals.path().join(n.to_string());
        tree.sort(&["in", "--to", "in/sorted/{year}/{taken}", "--apply", "move", "--journal"])
            .arg(journal)
            .run()
            .code(0)
    };
    assert_eq!(actions(&sort(1)), ["move", "move", "move"]);
    let sorted = tree.state();
    assert_eq!(actions(&sort(2)), ["stay", "stay", "stay"]);
    // What is new comes to what is there.
    tree.write("in/new.jpg", &Shot::at("2024:03:05 14:07:09").scene(77).bytes());
    assert_eq!(actions(&sort(3)), ["move", "stay", "stay", "stay"]);
    assert!(sorted.keys().all(|name| tree.file(name.to_str().expect("UTF-8")).exists()));
    assert!(tree.file("in/sorted/2024/20240305-140709-3.jpg").exists());
}

#[test]
fn a_move_to_another_device_is_a_copy_first() {
    let tree = three();
    let Ok(other) = tempfile::tempdir_in("/dev/shm") else { return };
    let device = |path: &Path| fs::metadata(path).expect("a folder").dev();
    if device(other.path()) == device(tree.path()) {
        return;
    }
    let before = tree.state();
    let to = format!("{}/{{year}}/{{taken}}", other.path().display());
    let journal = tree.file("../").join(format!(
        "{}.journal",
        other.path().file_name().and_then(|n| n.to_str()).expect("a name")
    ));
    let run = tree.sort(&["in", "--to", &to, "--apply", "move", "--journal"]).arg(&journal).run();
    let run = run.code(0);
    assert!(tree.names().is_empty(), "{run}");
    assert_eq!(state(other.path()).values().filter(|(content, ..)| content.is_some()).count(), 3);
    undo(&tree, &journal).code(0);
    fs::remove_file(&journal).expect("the journal");
    assert_eq!(tree.state(), before);
    assert!(state(other.path()).is_empty());
}

#[test]
fn without_room_nothing_is_begun() {
    let tree = three();
    let huge = fs::File::create(tree.file("in/VID_20240101_120000.mp4")).expect("a file");
    let mut head = Vec::from(*b"\0\0\0\x18ftypisom\0\0\0\0isommp42\0\0\0\x08mdat");
    head.extend([0; 64]);
    std::os::unix::fs::FileExt::write_all_at(&huge, &head, 0).expect("a head");
    // More than any disk of these years holds, and none of it is there.
    if huge.set_len(15 << 40).is_err() {
        return;
    }
    let before: Vec<String> = fs::read_dir(tree.path())
        .expect("a folder")
        .map(|e| e.expect("e").path().display().to_string())
        .collect();
    let run = tree.sort(&["in", "--to", TO, "--apply", "copy", "--no-cache"]).run().code(2);
    let run = run.says("the files need").says("nothing was changed");
    assert!(run.stdout.is_empty(), "{run}");
    assert!(!tree.file("out").exists() && before.len() == 1);
}

#[test]
fn a_full_disk_leaves_the_rest_where_it_is() {
    let tree = Tree::new(&[
        ("in/large.jpg", Shot::at("2024:03:05 14:07:09").side(1500)),
        ("in/small.jpg", Shot::at("2023:03:05 14:07:09").side(32)),
    ]);
    assert!(fs::metadata(tree.file("in/large.jpg")).expect("it is there").len() > 200 << 10);
    let before = tree.state();
    // A limit on the size of files fails writes as a full disk does.
    let command = "trap '' XFSZ; ulimit -f 200; exec \"$@\"";
    let program = testkit::programs_folder().join("sortphotos");
    let run = Command::new("bash")
        .args(["-c", command, "-"])
        .arg(program)
        .args(["in", "--to", TO, "--apply", "copy", "--no-cache", "--look", "never"])
        .current_dir(tree.path())
        .env_clear()
        .env("HOME", tree.path())
        .output()
        .expect("bash runs");
    let text = String::from_utf8_lossy(&run.stdout);
    assert_eq!(run.status.code(), Some(1), "{text}{}", String::from_utf8_lossy(&run.stderr));
    assert!(text.contains("left where it was"), "{text}");
    let names: Vec<String> = tree.names().into_iter().filter(|n| !n.starts_with('.')).collect();
    assert_eq!(names, ["in/large.jpg", "in/small.jpg", "out/2023/20230305-140709.jpg"]);
    for (name, was) in before.iter().filter(|(_, (content, ..))| content.is_some()) {
        assert_eq!(&tree.state()[name], was);
    }
}

#[test]
fn the_last_copy_and_what_was_edited_since_are_not_undone() {
    let tree = three();
    let journal = tree.file("journal");
    tree.sort(&["in", "--to", TO, "--apply", "copy", "--journal"]).arg(&journal).run().code(0);
    fs::remove_file(tree.file("in/a.jpg")).expect("removed");
    fs::write(tree.file("out/2020/20200101-000000.jpg"), "edited").expect("written");
    let undone = undo(&tree, &journal).code(1);
    let results: Vec<Value> =
        undone.records().iter().map(|r| r["undo"]["result"].clone()).collect();
    assert_eq!(results.iter().filter(|r| *r == "refused").count(), 2, "{undone}");
    assert!(tree.file("out/2024/20240305-140709.jpg").exists());
    assert_eq!(fs::read(tree.file("out/2020/20200101-000000.jpg")).expect("a file"), b"edited");
}

#[test]
fn what_is_no_journal_stays_as_it_is() {
    program("sortphotos").args(["--undo", "/dev/null"]).run().code(2).says("is no journal");
    let folder = tempfile::tempdir().expect("a folder");
    for text in ["", "small", "{\"journal\":99}\n"] {
        let note = folder.path().join("note");
        fs::write(&note, text).expect("a note");
        program("sortphotos").arg("--undo").arg(&note).run().code(2);
        assert_eq!(fs::read_to_string(&note).expect("it is still there"), text);
    }
}
