//! The same name in different case, on file systems that tell the two and on one that does not.

use std::fs;
use std::path::Path;

use serde_json::Value;
use testkit::Caseless;

use crate::fixture::{Shot, Tree};

/// Sorts, one run after the other, what differs in the case of its name alone: first one picture,
/// then another, then the first one's copy.
fn sort_into(target: &Path) {
    fs::write(target.join("probe"), "").expect("a file");
    let tells_case = !target.join("PROBE").exists();
    let tree = Tree::new(&[
        ("a/IMG.jpg", Shot::at("2024:03:05 14:07:09")),
        ("b/img.jpg", Shot::at("2024:03:06 14:07:09").scene(8)),
        ("c/Img.JPG", Shot::at("2024:03:05 14:07:09")),
    ]);
    let before = tree.state();
    let to = format!("{}/Out/{{name}}", target.display());
    let journals = tempfile::tempdir().expect("a folder");
    let plan = |folder: &str| -> Value {
        let args = [folder, "--to", &to, "--apply", "move", "--journal"];
        tree.sort(&args).arg(journals.path().join(folder)).run().code(0).record()["plan"].clone()
    };
    let (first, second, third) = (plan("a"), plan("b"), plan("c"));
    let out = |name: &str| format!("{}/Out/{name}", target.display());
    assert_eq!(first["to"], out("IMG.jpg"));
    let names = if tells_case {
        assert_eq!((&second["to"], &third["to"]), (&out("img.jpg").into(), &out("Img.jpg").into()));
        ["IMG.jpg", "Img.jpg", "img.jpg"].as_slice()
    } else {
        assert_eq!(second["to"], out("img-2.jpg"));
        assert_eq!(third["action"], "duplicate", "{third}");
        &["IMG.jpg", "img-2.jpg"]
    };
    let entries = fs::read_dir(target.join("Out")).expect("a folder");
    let mut found: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
    found.sort();
    assert_eq!(found, names);
    for folder in ["c", "b", "a"] {
        let journal = journals.path().join(folder);
        if journal.exists() {
            tree.sort(&["--undo"]).arg(journal).run().code(0);
        }
    }
    let contents = |state: crate::fixture::State| -> Vec<_> {
        state.into_iter().map(|(path, (content, ..))| (path, content)).collect()
    };
    assert_eq!(contents(tree.state()), contents(before));
}

#[test]
fn names_in_different_case_are_as_many_as_the_target_tells_apart() {
    let target = tempfile::tempdir().expect("a folder");
    sort_into(target.path());
}

#[test]
#[expect(clippy::print_stderr, reason = "says that nothing was tested")]
fn nothing_is_lost_where_case_is_not_told() {
    match Caseless::new() {
        Ok(disk) => sort_into(&disk.path()),
        Err(why) => {
            eprintln!("no such file system can be mounted here: nothing was tested: {why}");
        }
    }
}
