//! A holder that is killed gives its slot back.
#![allow(missing_docs)]

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use headwater_jobserver::Jobserver;

const FOLDER: &str = "HEADWATER_TEST_SLOTS";

/// The child: holds the only slot until it is killed.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test talks to itself")]
#[expect(clippy::print_stdout, reason = "the test talks to itself")]
fn hold_a_slot_when_asked_to() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let mut worker = Jobserver::open(folder.as_ref(), 1).expect("a folder").worker(0);
    assert!(worker.acquire(|| false));
    println!("\nholding");
    loop {
        std::thread::park();
    }
}

#[test]
fn a_killed_holder_gives_its_slot_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["hold_a_slot_when_asked_to", "--exact", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "holding"));
    let mut worker = Jobserver::open(folder.path(), 1).expect("the folder").worker(1);
    assert!(!worker.acquire(|| true), "the child holds it");
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    assert!(worker.acquire(|| true));
}
