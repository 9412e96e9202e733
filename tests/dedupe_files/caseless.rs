//! File systems that do not tell capitals from small letters.

use std::fs;

use testkit::{Caseless, program};

#[test]
#[expect(clippy::print_stderr, reason = "says that nothing was tested")]
fn one_file_written_in_two_ways_is_no_copy_of_itself() {
    let disk = match Caseless::new() {
        Ok(disk) => disk,
        Err(why) => {
            eprintln!("no such file system can be mounted here: nothing was tested: {why}");
            return;
        }
    };
    let at = |name: &str| disk.path().join(name);
    fs::create_dir(at("Sub")).expect("a folder");
    for action in ["delete", "trash", "hardlink", "symlink", "move:moved"] {
        for (one, other) in [("x.txt", "X.TXT"), ("Sub/y", "sub/Y"), ("Sub/z", "sub/z")] {
            fs::write(at(one), "the only copy").expect("a file");
            let run = program("dedupe")
                .working_in(&disk.path())
                .args([one, other, "--no-cache", "--apply", action])
                .run();
            let entries = |name: &str| fs::read_dir(at(name)).expect("a folder").flatten();
            let kept = entries("").chain(entries("Sub")).filter(|entry| {
                fs::read(entry.path()).is_ok_and(|content| content == b"the only copy")
            });
            let kept: Vec<_> = kept.map(|entry| entry.path()).collect();
            assert!(kept.contains(&at(one)), "{action} {one}: {kept:?} {run}");
        }
    }
    // Two that differ are two, as everywhere.
    fs::write(at("copy"), "the only copy").expect("a file");
    let run = program("dedupe")
        .working_in(&disk.path())
        .args(["x.txt", "copy", "--no-cache", "--apply", "delete"])
        .run()
        .code(0);
    assert!(!at("copy").exists() && at("x.txt").exists(), "{run}");
}
