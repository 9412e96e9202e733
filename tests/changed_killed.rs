//! `changed` that is killed at any moment, or runs out of room: nothing is lost, and into a file
//! nothing is repeated.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use testkit::programs_folder;

/// A folder with events, a state file and an output file.
struct Desk {
    folder: tempfile::TempDir,
}

/// What is watched: some keys, values that drift, labels that have to stay, events out of order.
const ARGUMENTS: [&str; 13] = [
    "--no-via",
    "--key",
    ".k",
    "--time",
    "t",
    "--late",
    "20s",
    "--rule",
    "v band=1",
    "--rule",
    "s debounce=15s",
    "--ignore-fields",
    "n",
];

impl Desk {
    fn new(count: u64) -> Self {
        let desk = Self { folder: tempfile::tempdir().expect("a folder") };
        let mut random = Random(7);
        let mut events = String::new();
        for n in 0..count {
            let (key, time) = (random.below(200), 1_000_000 + n / 4 + random.below(15));
            let (value, label) = (random.below(40), random.below(3));
            let value = f64::from(u32::try_from(value).expect("small")) / 10.0;
            events += &format!(
                "{{\"n\":{n},\"k\":{key},\"t\":{time},\"v\":{value},\"s\":\"s{label}\"}}\n"
            );
            if n % 500 == 3 {
                events += "no event\n\n{\"k\":null,\"t\":1}\n";
            }
        }
        fs::write(desk.path("events"), events).expect("events");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(programs_folder().join("changed"));
        command
            .args(ARGUMENTS)
            .arg("--state")
            .arg(self.path("state.db"))
            .args(["--resume", "--commit", "0s"])
            .stdin(File::open(self.path("events")).expect("events"))
            .stderr(Stdio::null())
            .env_clear()
            .env("HOME", self.folder.path());
        command
    }

    fn append(&self) -> File {
        let mut options = OpenOptions::new();
        options.create(true).append(true).open(self.path("out")).expect("an output")
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("an output")
    }

    /// What comes out if nobody kills it.
    fn undisturbed(&self) -> String {
        let output = Command::new(programs_folder().join("changed"))
            .args(ARGUMENTS)
            .arg("--state")
            .arg(self.path("other.db"))
            .arg("--resume")
            .stdin(File::open(self.path("events")).expect("events"))
            .env_clear()
            .env("HOME", self.folder.path())
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

/// A generator of numbers (SplitMix64): the same in every run of this test.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) ^ (z >> 31)) % end
    }
}

/// Starts it and kills it after some time, unless it has ended by then; its status in that case.
/// Asked kindly, it writes what it has.
fn run_and_kill(mut command: Command, after: Duration, kindly: bool) -> Option<ExitStatus> {
    let mut child = command.spawn().expect("it starts");
    std::thread::sleep(after);
    if let Some(status) = child.try_wait().expect("it can be waited for") {
        return Some(status);
    }
    if kindly {
        let id = child.id().to_string();
        Command::new("kill").args(["-s", "TERM", &id]).status().expect("kill runs");
    } else {
        child.kill().expect("it can be killed");
    }
    let status = child.wait().expect("it has ended");
    status.code().map(|_| status)
}

/// The messages of failed lines have their number in what was read, which begins anew.
fn without_numbers(text: &str) -> Vec<String> {
    let clean = |line: &str| match line.split_once("\"message\":\"line ") {
        Some((start, end)) => {
            format!("{start}{}", end.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        None => line.to_owned(),
    };
    text.lines().map(clean).collect()
}

fn assert_same(found: &str, wanted: &str) {
    let (found, wanted) = (without_numbers(found), without_numbers(wanted));
    let at = found.iter().zip(&wanted).position(|(a, b)| a != b);
    let around = |lines: &[String]| {
        at.map(|at| lines[at.saturating_sub(2)..lines.len().min(at + 3)].join("\n"))
    };
    assert_eq!(at, None, "found\n{:?}\nwanted\n{:?}", around(&found), around(&wanted));
    assert_eq!(found.len(), wanted.len());
}

#[test]
fn killed_at_any_moment_each_change_is_in_the_file_once() {
    let desk = Desk::new(40_000);
    let wanted = desk.undisturbed();
    assert!(wanted.lines().count() > 10_000);
    let mut random = Random(99);
    let mut kills = 0;
    loop {
        let mut command = desk.command();
        command.stdout(desk.append());
        // Longer with every kill, so that it comes to an end on the slowest machine.
        let longest = 40_000 + kills * kills * 200;
        match run_and_kill(command, Duration::from_micros(random.below(longest)), kills % 4 == 3) {
            Some(status) => {
                assert!(matches!(status.code(), Some(0 | 1)), "{status}");
                break;
            }
            None => kills += 1,
        }
    }
    assert!(kills > 3, "only {kills} kills");
    assert_same(&desk.read("out"), &wanted);
}

#[test]
fn killed_before_a_pipe_nothing_is_lost_and_nothing_is_made_up() {
    let desk = Desk::new(20_000);
    let wanted = desk.undisturbed();
    let mut random = Random(5);
    let mut lines = Vec::new();
    for kills in 0.. {
        let mut command = desk.command();
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let mut out = child.stdout.take().expect("a pipe");
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut out, &mut bytes).expect("output is read");
            String::from_utf8(bytes).expect("UTF-8")
        });
        std::thread::sleep(Duration::from_micros(random.below(40_000 + kills * kills * 200)));
        let ended = child.try_wait().expect("it can be waited for").is_some();
        // It may just have ended by itself.
        let _ = child.kill();
        let status = child.wait().expect("it has ended");
        let text = reader.join().expect("no panic");
        // A last line without its end is what a reader throws away.
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        lines.extend(without_numbers(whole));
        if ended || status.code().is_some() {
            break;
        }
    }
    let set = |lines: &[String]| lines.iter().cloned().collect::<BTreeSet<_>>();
    let wanted = without_numbers(&wanted);
    assert_eq!(set(&lines).difference(&set(&wanted)).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(set(&wanted).difference(&set(&lines)).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn what_a_pipe_did_not_take_comes_with_the_next_run() {
    let desk = Desk::new(20_000);
    let wanted = desk.undisturbed();
    let mut child = desk.command().stdout(Stdio::piped()).spawn().expect("it starts");
    let mut first = String::new();
    let mut reader = std::io::BufReader::with_capacity(16, child.stdout.take().expect("a pipe"));
    std::io::BufRead::read_line(&mut reader, &mut first).expect("a line");
    drop(reader);
    assert_eq!(child.wait().expect("it has ended").code(), Some(0));
    let status = desk.command().stdout(desk.append()).status().expect("it runs");
    assert!(matches!(status.code(), Some(0 | 1)), "{status}");
    let found: BTreeSet<String> =
        without_numbers(&(first + &desk.read("out"))).into_iter().collect();
    let wanted = without_numbers(&wanted);
    let missing: Vec<usize> = (0..wanted.len()).filter(|n| !found.contains(&wanted[*n])).collect();
    // Only what was in the pipe, which holds 64 KiB, is gone with the reader.
    let bytes: usize = missing.iter().map(|n| wanted[*n].len()).sum();
    assert!(bytes <= 64 * 1024, "{bytes} bytes are missing");
    assert!(missing.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{missing:?}");
    let all: BTreeSet<String> = wanted.into_iter().collect();
    assert_eq!(found.difference(&all).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn output_that_found_no_room_comes_with_the_next_run() {
    let desk = Desk::new(3000);
    let wanted = desk.undisturbed();
    let full = OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let status = desk.command().stdout(full).status().expect("it runs");
    assert_eq!(status.code(), Some(2));
    let mut command = desk.command();
    let status = command.stdout(desk.append()).status().expect("it runs");
    assert!(matches!(status.code(), Some(0 | 1)), "{status}");
    assert_same(&desk.read("out"), &wanted);
}

#[test]
fn a_state_file_that_finds_no_room_ends_the_run_before_its_output() {
    let desk = Desk::new(8000);
    let wanted = desk.undisturbed();
    let plain = desk.command();
    let limited = |blocks: u32| {
        let mut command = Command::new("sh");
        // Blocks of 512 bytes; the signal that comes with the limit is ignored, as on a full disk.
        command.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"")]);
        command.arg(plain.get_program()).args(plain.get_args());
        command.stdin(File::open(desk.path("events")).expect("events")).stdout(Stdio::piped());
        let output = command.stderr(Stdio::piped()).output().expect("it runs");
        let messages = String::from_utf8_lossy(&output.stderr).into_owned();
        let mut file = desk.append();
        std::io::Write::write_all(&mut file, &output.stdout).expect("the output is kept");
        (output.status.code(), messages)
    };
    let (status, messages) = limited(160);
    assert_eq!(status, Some(2), "{messages}");
    assert!(messages.contains("state"), "{messages}");
    let before = desk.read("out").lines().count();
    assert!(before < wanted.lines().count());
    let mut command = desk.command();
    let status = command.stdout(desk.append()).status().expect("it runs");
    assert!(matches!(status.code(), Some(0 | 1)), "{status}");
    assert_same(&desk.read("out"), &wanted);
}

#[test]
fn a_file_that_grows_is_gone_on_with_and_another_one_is_begun() {
    let desk = Desk::new(0);
    let write = |path: &Path, text: &str| fs::write(path, text).expect("events");
    let events = |values: std::ops::Range<u64>| -> String {
        values.map(|v| format!("{{\"k\":1,\"v\":{v}}}\n")).collect()
    };
    let run = || {
        let mut command = Command::new(programs_folder().join("changed"));
        command
            .args(["--key", ".k", "--no-via", "--resume", "--state"])
            .arg(desk.path("state.db"))
            .stdin(File::open(desk.path("events")).expect("events"));
        let output = command.env_clear().env("HOME", desk.folder.path()).output().expect("it runs");
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let values = text.lines().map(|line| {
            let record: Value = serde_json::from_str(line).expect("a record");
            record["v"].as_u64().expect("v")
        });
        (values.collect::<Vec<_>>(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    write(&desk.path("events"), &events(0..3));
    assert_eq!(run(), (vec![0, 1, 2], String::new()));
    assert_eq!(run().0, [0; 0]);
    write(&desk.path("events"), &events(0..5));
    assert_eq!(run(), (vec![3, 4], String::new()));
    write(&desk.path("events"), &events(7..20));
    let (values, messages) = run();
    assert_eq!(values, (7..20).collect::<Vec<_>>());
    assert!(messages.contains("another file"), "{messages}");
}
