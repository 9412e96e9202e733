//! A holder that is killed gives its slot back, and one that is stopped does not hold up others.
#![allow(missing_docs)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use headwater_jobserver::Jobserver;
use rustix::process::{Pid, Signal, kill_process};

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

fn holder(folder: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["hold_a_slot_when_asked_to", "--exact", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "holding"));
    child
}

fn end(mut child: Child) {
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
}

#[test]
fn a_killed_holder_gives_its_slot_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let child = holder(folder.path());
    let mut worker = Jobserver::open(folder.path(), 1).expect("the folder").worker(1);
    assert!(!worker.acquire(|| true), "the child holds it");
    end(child);
    assert!(worker.acquire(|| true));
}

#[test]
#[cfg(target_os = "linux")]
fn a_stopped_holder_is_not_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let child = holder(folder.path());
    let mut worker = Jobserver::open(folder.path(), 1).expect("the folder").worker(1);
    let patience = Instant::now() + Duration::from_secs(1);
    assert!(!worker.acquire(|| Instant::now() > patience), "the child runs");
    kill_process(Pid::from_child(&child), Signal::STOP).expect("it can be stopped");
    assert!(worker.acquire(|| false), "it waits for ever if the child's slot is not free");
    worker.release();
    kill_process(Pid::from_child(&child), Signal::CONT).expect("it goes on");
    end(child);
}
