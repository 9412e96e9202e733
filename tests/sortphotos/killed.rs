//! `kill -9` in the middle: nothing is lost, the rest can be done, all of it taken back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::fixture::{Shot, Tree, state};

/// How often it is killed.
const ROUNDS: u32 = 6;

/// Contents of all files below some folders, with how often each is there.
fn contents(folders: &[&Path]) -> BTreeMap<Vec<u8>, u32> {
    let mut found = BTreeMap::new();
    for folder in folders {
        for (path, (content, ..)) in state(folder) {
            let is_part = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
            if let Some(content) = content.filter(|_| !is_part) {
                *found.entry(content).or_default() += 1;
            }
        }
    }
    found
}

fn pictures() -> Tree {
    let mut tree = Vec::new();
    let names: Vec<String> = (0..60).map(|n| format!("in/{}/IMG_{n:04}.jpg", n % 7)).collect();
    for (n, name) in (0u32..).zip(&names) {
        let taken = format!("2024:{:02}:{:02} 14:{:02}:09", 1 + n % 12, 1 + n % 28, n % 60);
        tree.push((name.as_str(), Shot::at(&taken).scene(n + 100).side(64)));
    }
    let sidecars: Vec<String> =
        (0..60).step_by(5).map(|n| format!("in/{}/IMG_{n:04}.AAE", n % 7)).collect();
    tree.extend(sidecars.iter().map(|name| (name.as_str(), Shot::text(name))));
    Tree::new(&tree)
}

struct Killed {
    tree: Tree,
    target: TempDir,
    journals: TempDir,
}

impl Killed {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(testkit::programs_folder().join("sortphotos"));
        command
            .args(args)
            .current_dir(self.tree.path())
            .env_clear()
            .env("HOME", self.journals.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn journal(&self, round: u32) -> PathBuf {
        self.journals.path().join(format!("{round}.jsonl"))
    }

    fn sort(&self, round: u32) -> Command {
        let to = format!("{}/{{year}}/{{month:02}}/{{taken}}", self.target.path().display());
        let journal = self.journal(round);
        let journal = journal.to_str().expect("UTF-8");
        self.command(&[
            "in",
            "--look",
            "never",
            "--to",
            &to,
            "--apply",
            "move",
            "--journal",
            journal,
        ])
    }

    fn finish(&self, flag: &str, round: u32) {
        let journal = self.journal(round);
        let status = self.command(&[flag, journal.to_str().expect("UTF-8")]).status();
        assert!(status.expect("it runs").success(), "{flag} in round {round}");
    }
}

fn killed_and_recovered(killed: &Killed) {
    let before = killed.tree.state();
    let all = contents(&[killed.tree.path()]);
    let started = Instant::now();
    assert!(killed.sort(0).status().expect("it runs").success());
    let takes = started.elapsed();
    assert!(contents(&[killed.tree.path()]).is_empty(), "everything was moved");
    let sorted = state(killed.target.path());
    killed.finish("--undo", 0);
    assert_eq!(killed.tree.state(), before);
    let mut chance = 0x9e37_79b9_u32;
    for round in 1..=ROUNDS {
        chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let moment = takes.mul_f64(f64::from(chance >> 8) / f64::from(1 << 24));
        let mut child = killed.sort(round).spawn().expect("it starts");
        // Most of the time goes into reading: mostly it is killed once it has begun to move.
        let begun = || fs::metadata(killed.journal(round)).is_ok_and(|m| m.len() > 20);
        let ended = |child: &mut std::process::Child| child.try_wait().is_ok_and(|s| s.is_some());
        while round % 3 > 0 && !begun() && !ended(&mut child) {
            std::thread::yield_now();
        }
        let moment = if round % 3 > 0 { moment / 4 } else { moment };
        std::thread::sleep(moment.max(Duration::from_millis(1)));
        child.kill().expect("it can be killed");
        child.wait().expect("it ended");
        let found = contents(&[killed.tree.path(), killed.target.path()]);
        assert!(all.keys().all(|content| found.contains_key(content)), "lost in round {round}");
        assert!(found.keys().all(|content| all.contains_key(content)), "torn in round {round}");
        if fs::metadata(killed.journal(round)).is_ok_and(|m| m.len() > 20) {
            if round % 2 == 0 {
                killed.finish("--resume", round);
                // The plan may not have been on the disk yet: then nothing was begun.
                if !contents(&[killed.target.path()]).is_empty() {
                    assert_eq!(state(killed.target.path()), sorted, "resumed in round {round}");
                }
            }
            killed.finish("--undo", round);
        }
        assert_eq!(killed.tree.state(), before, "undone in round {round}");
        assert!(state(killed.target.path()).is_empty(), "left in round {round}");
    }
}

#[test]
fn moves_on_one_device_survive_being_killed() {
    let target = tempfile::tempdir().expect("a folder");
    let journals = tempfile::tempdir().expect("a folder");
    killed_and_recovered(&Killed { tree: pictures(), target, journals });
}

#[test]
fn moves_to_another_device_survive_being_killed() {
    let Ok(target) = tempfile::tempdir_in("/dev/shm") else { return };
    let journals = tempfile::tempdir().expect("a folder");
    killed_and_recovered(&Killed { tree: pictures(), target, journals });
}
