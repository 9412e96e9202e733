//! What goes wrong on the way, and what becomes of the records then.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Outcome, Program, program};

use crate::lines;
use crate::sshd::{Sshd, Wire};

/// A command that answers each record as `cat` does, but runs `special` in the shell for the
/// record with the id r5.
fn but_for_r5(special: &str) -> [String; 3] {
    let script = format!(
        "while IFS= read -r line; do case $line in *'\"r5\"'*) {special};; esac; \
         printf '%s\\n' \"$line\"; done"
    );
    ["sh".to_owned(), "-c".to_owned(), script]
}

fn local(jobs: &str) -> Program {
    program("fanout").args(["-H", ":", "-j", jobs, "--no-via"])
}

/// Every record is there once and in order, and all but r5 as they were.
#[track_caller]
fn only_r5_failed(outcome: &Outcome, count: usize) -> Value {
    let records = outcome.records();
    assert_eq!(records.len(), count, "{outcome}");
    for (n, record) in records.iter().enumerate() {
        assert_eq!(record["id"], format!("r{n}"), "{outcome}");
        assert_eq!(record["error"].is_object(), n == 5, "{outcome}");
    }
    records[5]["error"].clone()
}

/// A file that is not there before, as a word of shell.
fn marker(folder: &Path) -> String {
    format!("'{}'", folder.join("marker").display())
}

#[test]
fn a_record_that_ends_two_workers_is_given_up_alone() {
    let sshd = Sshd::start();
    let cases = [(":", "kill -KILL $$"), (":", "exit 2"), ("attic,kitchen", "exit 3")];
    for (hosts, how) in cases {
        let run = sshd.fanout(hosts).args(["-j", "2", "--no-via"]).args(but_for_r5(how));
        let outcome = run.stdin(lines(400)).run().code(1);
        let error = only_r5_failed(&outcome, 400);
        assert_eq!((&error["code"], &error["retry"]), (&json!("remote"), &json!(true)));
        assert!(error["message"].as_str().expect("a message").contains("2 workers"), "{error}");
    }
}

#[test]
fn a_worker_that_dies_once_costs_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = marker(folder.path());
    let once = but_for_r5(&format!("[ -e {at} ] || {{ : > {at}; kill -KILL $$; }}"));
    let outcome = local("1").args(once).stdin(lines(300)).run().code(0);
    assert_eq!(outcome.text(), lines(300));
    outcome.says("records go elsewhere");
}

#[test]
fn a_record_that_hangs_is_ended_and_the_worker_too() {
    let sshd = Sshd::start();
    let folder = tempfile::tempdir().expect("a folder");
    let pids = folder.path().join("pids");
    let hang = but_for_r5(&format!(
        "echo $$ >> '{0}'; while :; do sleep 600 & echo $! >> '{0}'; wait; done",
        pids.display()
    ));
    for hosts in [":", "attic"] {
        let _ = fs::remove_file(&pids);
        let run = sshd.fanout(hosts).args(["--no-via", "--timeout", "2"]).args(&hang);
        let error = only_r5_failed(&run.stdin(lines(40)).run().code(1), 40);
        assert_eq!(error["code"], "timeout", "{error}");
        let seen = fs::read_to_string(&pids).expect("it noted its process");
        assert_eq!(seen.lines().count(), 4, "tried twice, a shell and what it waits for");
        for pid in seen.lines() {
            wait_for_its_end(pid);
        }
    }
}

/// Whoever is killed is gone soon, but not at once.
fn wait_for_its_end(pid: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while Path::new("/proc").join(pid).exists() {
        assert!(Instant::now() < deadline, "{pid} was left behind");
        std::thread::sleep(Duration::from_millis(10));
    }
}

const TWICE: &str = "it answered r5";

#[test]
fn what_is_no_answer_is_a_fault() {
    let cases = [
        ("echo garbage", "no record"),
        ("echo '{\"id\":\"other\"}'; continue", "asked for r5, it answered other"),
        ("echo '{\"id\":\"r5\"}'", TWICE),
        ("echo '{\"log\":\"ready\"}'; continue", "without an id"),
        ("printf '{\"id\":'; exit 0", "no record"),
    ];
    for (special, says) in cases {
        // Enough that the worker of r5 gets another one, however slow it is.
        let count = 2000;
        let outcome = local("2").args(but_for_r5(special)).stdin(lines(count)).run();
        let records = outcome.records();
        assert_eq!(records.len(), count, "{outcome}");
        for (n, record) in records.iter().enumerate() {
            assert_eq!(record["id"], format!("r{n}"), "{outcome}");
            // Whoever answers twice is caught at the next record that it was given.
            let blamed = n == 5 || (n > 5 && says == TWICE);
            assert!(record["error"].is_null() || blamed, "{outcome}");
        }
        // A second answer to r5 may come while its worker has nothing to answer.
        let or = if says == TWICE { "it answered what it was not asked" } else { says };
        let messages = outcome.messages();
        assert!(messages.contains(says) || messages.contains(or), "{special}: {outcome}");
    }
}

#[test]
fn a_command_that_does_not_work_gives_the_host_up() {
    let sshd = Sshd::start();
    for hosts in [":", "attic"] {
        let run = |command: &[&str]| sshd.fanout(hosts).args(command).stdin(lines(3)).run().code(3);
        run(&["no-such-command"]).says("not found").says("given up");
        run(&["sh", "-c", "echo no model >&2; exit 2"]).says("no model");
        run(&["/etc/passwd"]).says("given up");
    }
}

#[test]
fn a_flood_of_messages_stops_nothing() {
    let sshd = Sshd::start();
    let flood = "yes 'a message' | head -n 200000 >&2";
    for transport in ["libssh2", "ssh"] {
        let run = sshd.fanout("attic").args(["-v", "--no-via", "--transport", transport]);
        let outcome = run.args(but_for_r5(flood)).stdin(lines(20)).run().code(0);
        assert_eq!(outcome.text(), lines(20));
        assert!(outcome.messages().lines().count() < 1100);
        outcome.says("more than is shown here");
    }
}

/// sshd's configuration for ssh with a second host behind a wire.
fn wired(sshd: &Sshd) -> Wire {
    let wire = Wire::to(sshd.port);
    let host = format!(
        "Host wired\n HostName 127.0.0.1\n Port {}\n HostKeyAlias [127.0.0.1]:{}\n",
        wire.port, sshd.port
    );
    sshd.configure(&host);
    wire
}

/// Answers like `cat`, each record after a moment.
const SLOWLY: [&str; 3] =
    ["sh", "-c", "while IFS= read -r line; do sleep 0.01; printf '%s\\n' \"$line\"; done"];

#[test]
fn a_connection_that_breaks_costs_nothing() {
    let sshd = Sshd::start();
    for transport in ["libssh2", "ssh"] {
        let wire = wired(&sshd);
        let run = sshd.fanout("wired").args(["--no-via", "-j", "2", "--transport", transport]);
        let mut running = run.args(SLOWLY).start();
        let all = lines(200);
        for (n, line) in all.lines().enumerate() {
            running.send(line);
            if n % 50 == 30 {
                // What was sent is on its way when the wire is cut.
                assert_eq!(running.line(), all.lines().nth(n / 50).expect("a line"));
                wire.cut();
            }
        }
        running.close_stdin();
        let (status, rest, messages) = running.end();
        assert_eq!(status, 0, "{messages}");
        assert_eq!(rest, all.lines().skip(4).collect::<Vec<_>>(), "{transport}: {messages}");
        assert!(wire.connections() >= 4, "it was connected anew");
    }
}

#[test]
fn a_host_that_is_gone_leaves_its_work_to_the_others() {
    let sshd = Sshd::start();
    let wire = wired(&sshd);
    let run = sshd.fanout("wired,attic").args(["--no-via"]).args(SLOWLY);
    let mut running = run.start();
    let all = lines(300);
    for line in all.lines() {
        running.send(line);
    }
    assert_eq!(running.line(), all.lines().next().expect("a line"));
    wire.kill();
    running.close_stdin();
    let (status, rest, messages) = running.end();
    assert_eq!(status, 0, "{messages}");
    assert_eq!(rest, all.lines().skip(1).collect::<Vec<_>>(), "{messages}");
}

#[test]
fn a_host_that_grows_silent_is_given_up() {
    let sshd = Sshd::start();
    for transport in ["libssh2", "ssh"] {
        let wire = wired(&sshd);
        let run = sshd.fanout("wired,attic").args(["--heartbeat", "4", "--transport", transport]);
        let mut running = run.arg("--no-via").args(SLOWLY).start();
        let all = lines(100);
        for line in all.lines() {
            running.send(line);
        }
        assert_eq!(running.line(), all.lines().next().expect("a line"));
        wire.freeze();
        running.close_stdin();
        let (status, rest, messages) = running.end();
        assert_eq!(status, 0, "{messages}");
        assert_eq!(rest, all.lines().skip(1).collect::<Vec<_>>(), "{transport}: {messages}");
    }
}

#[test]
fn without_hosts_it_says_what_is_not_answered() {
    let sshd = Sshd::start();
    let wire = wired(&sshd);
    wire.kill();
    let outcome = sshd.fanout("wired").args(["cat"]).stdin(lines(7)).run().code(3);
    assert!(outcome.stdout.is_empty(), "{outcome}");
    outcome.says("7 of 7 records read are not answered").says("given up after");
    let both = sshd.fanout("wired,attic").args(["--min-hosts", "2"]).args(SLOWLY);
    both.stdin(lines(2000)).run().code(3).says("too few hosts");
}

#[test]
fn failures_can_end_the_run() {
    let failing = [
        "jq",
        "-c",
        "--unbuffered",
        ".error={program:\"x\",code:\"model\",message:\"m\",retry:false}",
    ];
    let run =
        |more: &[&str]| local("1").args(more).arg("--").args(failing).stdin(lines(2000)).run();
    assert_eq!(run(&[]).code(1).records().len(), 2000);
    assert_eq!(run(&["--halt", "7"]).code(3).says("--halt").records().len(), 7);
    assert_eq!(run(&["--on-error", "fail"]).code(1).records().len(), 1);
    assert!(run(&["--on-error", "skip"]).code(1).stdout.is_empty());
}

#[test]
fn a_run_is_taken_up_by_content_after_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("run.db");
    let asked = folder.path().join("asked");
    let count = format!(
        "while IFS= read -r line; do echo x >> '{}'; printf '%s\\n' \"$line\"; done",
        asked.display()
    );
    let command = ["sh", "-c", &count];
    let run = || local("2").args(["--once", "--resume"]).arg(&journal).args(command);
    let mut first = run().start();
    let all = lines(60);
    for line in all.lines().take(40) {
        first.send(line);
    }
    for line in all.lines().take(40) {
        assert_eq!(first.line(), line);
    }
    first.signal("KILL");
    assert_eq!(first.end().0, 137);
    // The input was turned round meanwhile, and grew.
    let turned: String = all.lines().rev().map(|line| format!("{line}\n")).collect();
    let outcome = run().stdin(turned.clone()).run().code(0);
    assert_eq!(outcome.text(), turned);
    let times = || fs::read_to_string(&asked).expect("it was asked").lines().count();
    assert_eq!(times(), 60, "what was answered is not asked again");
    assert_eq!(run().stdin(all.clone()).run().code(0).text(), all);
    assert_eq!(times(), 60);
    // Another command has other answers.
    let other = local("1").arg("--resume").arg(&journal).args(["jq", "-c", "--unbuffered", ".x=1"]);
    assert_eq!(other.stdin(lines(1)).run().code(0).record()["x"], 1);
}

#[test]
fn an_interrupt_leaves_whole_lines() {
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let mut running = local("2").args(SLOWLY).start();
        for line in lines(500).lines() {
            running.send(line);
        }
        let first = running.line();
        running.signal(signal);
        let (ended, rest, messages) = running.end();
        assert_eq!(ended, status, "{messages}");
        assert!(rest.len() < 499, "it stopped early");
        for line in std::iter::once(&first).chain(&rest) {
            serde_json::from_str::<Value>(line).expect("a whole line");
        }
    }
}

#[test]
fn a_reader_that_leaves_ends_it_quietly_and_a_full_disk_does_not() {
    let mut running = local("2").arg("cat").start();
    running.send("{\"n\":1}");
    running.line();
    running.close_stdout();
    while running.try_send("{\"n\":2}") {
        std::thread::sleep(Duration::from_millis(20));
    }
    let (status, _, messages) = running.end();
    assert_eq!((status, messages.as_str()), (0, ""));
    local("1").arg("cat").stdin(lines(1)).stdout_to("/dev/full").run().code(2).says("No space");
}

#[test]
fn a_worker_that_is_stuck_holds_up_nobody_at_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = marker(folder.path());
    let stuck = but_for_r5(&format!("[ -e {at} ] || {{ : > {at}; sleep 600; }}"));
    let outcome = local("2").args(stuck).stdin(lines(200)).run().code(0);
    assert_eq!(outcome.text(), lines(200), "the other one took over");
}

#[test]
fn the_joblog_has_a_line_for_each_record() {
    let run = local("1").file("log", "").args(["--joblog", "/dev/stderr", "cat"]);
    let outcome = run.stdin(lines(3) + "bad\n").run().code(1);
    let log: Vec<Value> = outcome
        .messages()
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(log.len(), 4, "{outcome}");
    assert_eq!(
        (&log[0]["id"], &log[0]["host"], &log[0]["sent"]),
        (&json!("r0"), &json!(":"), &json!(1))
    );
    assert_eq!(log[3]["error"], "bad-json");
}

#[test]
fn a_terminal_shows_a_line_for_each_host() {
    // Long enough for a few lines to be drawn, however slow the machine.
    let slow = ["sh", "-c", "while IFS= read -r line; do sleep 3; printf '%s\\n' \"$line\"; done"];
    let shown =
        local("2").args(["--progress", "always"]).args(slow).stdin(lines(2)).env("TERM", "xterm");
    let shown = shown.run_on_terminal();
    assert!(shown.contains(": 2 running") && shown.contains("\"id\":\"r1\""), "{shown:?}");
}
