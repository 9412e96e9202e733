//! `fanout` as its users run it, against real sshd's on loopback.

#[path = "fanout/faults.rs"]
mod faults;
#[path = "fanout/shipping.rs"]
mod shipping;
#[path = "fanout/sshd.rs"]
mod sshd;

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sshd::Sshd;
use testkit::program;

/// Records with an id and an unusual spelling, to be kept.
fn lines(count: usize) -> String {
    (0..count).map(|n| format!("{{\"id\":\"r{n}\", \"n\" : {n}.0 }}\n")).collect()
}

#[test]
fn records_come_back_in_order_from_several_hosts() {
    let sshd = Sshd::start();
    let input = lines(3000);
    for hosts in ["attic", "attic,kitchen,:", ":"] {
        for jobs in ["1", "3"] {
            let run = sshd.fanout(hosts).args(["-j", jobs, "--no-via", "--", "cat"]);
            let outcome = run.stdin(input.clone()).run().code(0);
            assert_eq!(outcome.text(), input, "{hosts}");
            assert!(outcome.stderr.is_empty(), "{outcome}");
        }
    }
}

#[test]
fn unordered_gives_every_record_once() {
    let sshd = Sshd::start();
    let run = sshd.fanout("attic,kitchen,:").args(["--unordered", "--", "cat"]);
    let mut numbers: Vec<u64> = run
        .stdin(lines(2000))
        .run()
        .code(0)
        .records()
        .iter()
        .map(|r| r["n"].as_f64().expect("n") as u64)
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..2000).collect::<Vec<u64>>());
}

#[test]
fn via_says_which_host_it_was() {
    let sshd = Sshd::start();
    let record = sshd.fanout("attic").arg("cat").stdin(lines(1)).run().code(0).record();
    let step = &record["via"][0];
    assert_eq!((&step["program"], &step["host"]), (&json!("fanout"), &json!("attic")));
}

#[test]
fn both_transports_do_the_same() {
    let sshd = Sshd::start();
    for transport in ["libssh2", "ssh"] {
        let run = sshd.fanout("attic").args(["--transport", transport, "--no-via", "cat"]);
        let outcome = run.stdin(lines(300)).run().code(0);
        assert_eq!(outcome.text(), lines(300), "{transport}");
    }
    let address = format!("127.0.0.1:{}", sshd.port);
    let outcome = sshd.fanout(&address).args(["--no-via", "cat"]).stdin(lines(3)).run().code(0);
    assert_eq!(outcome.text(), lines(3));
}

#[test]
fn what_libssh2_cannot_do_goes_through_ssh() {
    let sshd = Sshd::start();
    // The jump runs ssh again, which knows this configuration only if it is told.
    let jump = format!(
        "Host far\n HostName 127.0.0.1\n Port {}\n ProxyCommand ssh -F {} -W %h:%p attic\n",
        sshd.port,
        sshd.path("config").display()
    );
    sshd.configure(&jump);
    let outcome = sshd.fanout("far").args(["-v", "--no-via", "cat"]).stdin(lines(20)).run().code(0);
    assert_eq!(outcome.text(), lines(20));
    outcome.says("proxycommand").says("the system's ssh is used");
    let only = sshd.fanout("far").args(["--transport", "libssh2", "cat"]).stdin(lines(1));
    only.run().code(3).says("--transport ssh can do that");
}

#[test]
fn a_key_never_seen_is_refused_or_written_down() {
    let sshd = Sshd::start();
    for transport in ["libssh2", "ssh"] {
        let known = sshd.path("known_hosts");
        fs::remove_file(&known).expect("known_hosts is there");
        let run = |more: &[&str]| {
            let run = sshd.fanout("attic").args(["--transport", transport]).args(more);
            run.args(["--no-via", "cat"]).stdin(lines(2)).run()
        };
        let refused = run(&[]).code(3);
        assert!(refused.stdout.is_empty() && !known.exists(), "{refused}");
        assert_eq!(run(&["--trust-new"]).code(0).text(), lines(2));
        assert_eq!(run(&[]).code(0).text(), lines(2));
        let written = fs::read_to_string(&known).expect("known_hosts");
        assert_eq!(written.lines().count(), 1, "{written}");
    }
}

#[test]
fn a_key_that_changed_is_refused_with_file_and_line() {
    let sshd = Sshd::start();
    sshd.new_key("other");
    let known = sshd.path("known_hosts");
    sshd.know(&known, "other");
    for trust in [None, Some("--trust-new")] {
        let run = sshd.fanout("attic").args(trust).arg("cat").stdin(lines(2));
        run.run().code(3).says(&format!("{}:1", known.display()));
        let run = sshd.fanout("attic").args(trust).args(["--transport", "ssh", "cat"]);
        run.stdin(lines(2)).run().code(3).says("it is given up");
    }
}

#[test]
fn a_login_that_is_refused_ends_it() {
    let sshd = Sshd::start();
    fs::write(sshd.path("authorized"), "").expect("nobody is authorized");
    for transport in ["libssh2", "ssh"] {
        let run = sshd.fanout("attic").args(["--transport", transport, "cat"]).stdin(lines(2));
        run.run().code(3).says("2 of 2 records read are not answered");
    }
}

#[test]
fn keys_come_from_the_agent_too() {
    let sshd = Sshd::start();
    let socket = sshd.path("agent");
    let mut agent = Command::new("ssh-agent")
        .args(["-D", "-a"])
        .arg(&socket)
        .stdout(Stdio::null())
        .spawn()
        .expect("ssh-agent starts");
    let add = || {
        let mut command = Command::new("ssh-add");
        command.arg("-q").arg(sshd.path("user")).env("SSH_AUTH_SOCK", &socket);
        command.stderr(Stdio::null()).status().expect("ssh-add runs").success()
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    while !add() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
    let public = sshd.path("user.pub");
    // The private half is nowhere but in the agent.
    fs::remove_file(sshd.path("user")).expect("the key is there");
    let run = |settings: &str| {
        sshd.configure(settings);
        sshd.fanout("attic")
            .args(["--transport", "libssh2", "--no-via", "cat"])
            .stdin(lines(2))
            .run()
    };
    let with = |more: &str| format!("Host *\n IdentityAgent {}\n{more}", socket.display());
    let any = run(&with(" IdentitiesOnly no\n"));
    let chosen = run(&with(" IdentitiesOnly yes\n"));
    fs::rename(&public, sshd.path("elsewhere.pub")).expect("the public key is there");
    let other = run(&with(" IdentitiesOnly yes\n"));
    agent.kill().and_then(|()| agent.wait()).expect("the agent ends");
    assert_eq!(any.code(0).text(), lines(2));
    assert_eq!(chosen.code(0).text(), lines(2));
    other.code(3).says("keys with a passphrase belong into ssh-agent");
}

#[test]
fn hosts_that_could_be_something_else_are_refused() {
    let bad = ["-oProxyCommand=touch x", "a;b", "$(x)", "a b", "a:0", "-x@a", "a|b", "a\nb", "`x`"];
    for name in bad {
        let outcome = program("fanout").arg(format!("--host={name}")).arg("cat").run().code(2);
        assert!(outcome.messages().contains("is no host"), "{outcome}");
    }
    program("fanout").arg("cat").run().code(2).says("there are no hosts");
    program("fanout").args(["-H", ":", "--min-hosts", "2", "cat"]).run().code(2).says("only 1");
    program("fanout").args(["-H", ":", "--env", "NOT_SET", "cat"]).run().code(2).says("not set");
}

#[test]
fn words_of_the_command_arrive_as_they_are() {
    let sshd = Sshd::start();
    let odd = "$(touch x) `y` 'z' \"q\" \\ * ~ ! ; & | <>\n-n é";
    for hosts in ["attic", ":"] {
        let run = sshd.fanout(hosts).args(["--env", "ODD", "--", "jq", "-c", "--unbuffered"]);
        let run = run.args(["--arg", "a", odd, ".a=$a|.b=env.ODD"]).env("ODD", odd);
        let record = run.stdin("{\"id\":\"x\"}\n").run().code(0).record();
        assert_eq!((&record["a"], &record["b"]), (&json!(odd), &json!(odd)), "{hosts}");
    }
}

#[test]
fn what_a_login_prints_is_no_answer() {
    let noise = "ForceCommand echo '{\"id\":\"r0\",\"fake\":1}'; echo noise >&2; printf 'no end'; \
        exec sh -c \"$SSH_ORIGINAL_COMMAND\"";
    let sshd = Sshd::with(noise);
    for transport in ["libssh2", "ssh"] {
        let run = sshd.fanout("attic").args(["--transport", transport, "--no-via", "cat"]);
        assert_eq!(run.stdin(lines(50)).run().code(0).text(), lines(50));
    }
    let closed = Sshd::with("ForceCommand echo This account is not available; exit 1");
    let outcome = closed.fanout("attic").arg("cat").stdin(lines(1)).run().code(3);
    outcome.says("This account is not available").says("1 of 1 records read are not answered");
}

#[test]
fn input_is_read_as_every_filter_reads_it() {
    let run = |arguments: &[&str], input: &str| {
        let run = program("fanout").args(["-H", ":", "--no-via"]).args(arguments).arg("cat");
        run.stdin(input).run()
    };
    for input in ["", "\n", "\n \r\n"] {
        assert!(run(&[], input).code(0).stdout.is_empty());
    }
    let failed =
        "{\"error\" : {\"program\":\"x\",\"code\":\"model\",\"message\":\"m\",\"retry\":true}}\n";
    assert_eq!(run(&[], failed).code(0).text(), failed);
    let records = run(&[], "plain\n{\"n\":1}\n[1]\n").code(1).records();
    let codes: Vec<&Value> = records.iter().map(|r| &r["error"]["code"]).collect();
    assert_eq!(codes, [&json!("bad-json"), &Value::Null, &json!("bad-json")]);
    assert_eq!(run(&["-R"], "a\r\nb\n").code(0).text(), "{\"text\":\"a\"}\n{\"text\":\"b\"}\n");
    assert_eq!(run(&["-0"], "/a\0b\0").code(0).text(), "{\"path\":\"/a\"}\n{\"path\":\"b\"}\n");
    assert_eq!(run(&["--limit", "1"], &lines(3)).code(3).text(), lines(1));
    assert_eq!(run(&["--limit", "3"], &lines(3)).code(0).text(), lines(3));
    assert_eq!(run(&["--on-error", "skip"], "x\n{}\n").code(1).text(), "{}\n");
    assert_eq!(run(&["--on-error", "fail"], "x\n{}\n").code(1).records().len(), 1);
}

#[test]
fn an_answer_is_out_before_the_next_record_comes_in() {
    let sshd = Sshd::start();
    for hosts in [":", "attic"] {
        let mut running = sshd.fanout(hosts).args(["--no-via", "cat"]).start();
        for n in 0..3 {
            running.send(&format!("{{\"n\":{n}}}"));
            assert_eq!(running.line(), format!("{{\"n\":{n}}}"));
        }
        running.close_stdin();
        assert_eq!(running.end().0, 0);
    }
}

#[test]
fn the_inventory_says_which_hosts_there_are() {
    let sshd = Sshd::start();
    let inventory = "[[host]]\nname = 'attic'\nslots = 2\nnice = 5\ntags = ['fast']\n\
        [[host]]\nname = 'nowhere.invalid'\n";
    let run = |tags: &[&str], inventory: &str| {
        let run = program("fanout").file("house.toml", inventory).args(["--hosts", "house.toml"]);
        let run = run.arg("-F").arg(sshd.path("config")).args(tags);
        run.args(["--report", "/dev/stderr", "sh", "-c"])
            .arg("nice=$(nice); exec jq -c --unbuffered \".nice=$nice\"")
            .stdin(lines(4))
            .run()
    };
    let outcome = run(&["--tag", "fast"], inventory).code(0);
    assert_eq!(outcome.records()[3]["nice"], 5, "{outcome}");
    let report: Value = serde_json::from_str(outcome.messages().trim()).expect("one line of JSON");
    assert_eq!((&report["host"], &report["answered"]), (&json!("attic"), &json!(4)));
    run(&[], "[[host]]\nname = 'a'\ncolour = 1\n").code(2).says("colour");
    run(&[], "[[host]]\nname = '-x'\n").code(2).says("is no host");
    // Many more than can be reached are no danger by themselves.
    let few: String = (0..300).map(|n| format!("[[host]]\nname = 'h{n}.invalid'\n")).collect();
    let outcome = run(&["-H", ":", "-q"], &few).code(0);
    assert_eq!(outcome.records().len(), 4);
    let many: String = (0..10_000).map(|n| format!("[[host]]\nname = 'h{n}'\n")).collect();
    run(&["--tag", "none"], &many).code(2).says("there are no hosts");
}
