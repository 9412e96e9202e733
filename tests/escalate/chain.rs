//! Several providers: who is asked when, how far records go, and by which way.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Answer, Endpoint, Program, program};

const GONE: &str = "http://127.0.0.1:1/v1";

fn asking(to: &str) -> Program {
    let run =
        program("escalate").args(["--model", "fake", "--question", "What?", "--price", "0,0"]);
    run.args(["--to", to])
}

fn saying(text: &'static str) -> Endpoint {
    Endpoint::start(move |_| Answer::chat(text))
}

fn one(run: Program) -> Value {
    run.stdin("{\"text\":\"x\"}\n").run().code(0).record()["answer"].clone()
}

#[test]
fn the_next_is_asked_when_one_is_down_overloaded_slow_or_declines() {
    let refusal = r#"{"choices":[{"message":{"content":null,"refusal":"I cannot"}}]}"#;
    let filtered = r#"{"choices":[{"message":{"content":"…"},"finish_reason":"content_filter"}]}"#;
    let failing: Vec<Endpoint> = [
        (503, "busy"),
        (429, "slow down"),
        (401, "who?"),
        (400, "what?"),
        (200, refusal),
        (200, filtered),
        (200, "<html>"),
    ]
    .into_iter()
    .map(|(status, body)| Endpoint::start(move |_| Answer::of(status, body)))
    .collect();
    for first in &failing {
        let second = saying("from the second");
        assert_eq!(one(asking(&format!("{}, {}", first.url(), second.url()))), "from the second");
        assert_eq!((first.asked().len(), second.asked().len()), (1, 1));
    }
    let slow = Endpoint::start(|_| {
        thread::sleep(Duration::from_secs(20));
        Answer::chat("too late")
    });
    let second = saying("in time");
    let both = format!("{},{GONE},{}", slow.url(), second.url());
    assert_eq!(one(asking(&both).args(["--timeout", "1"])), "in time");
    let none = asking(&format!("{GONE},{GONE}")).args(["--attempts", "2"]);
    let record = none.stdin("{\"text\":\"x\"}\n").run().code(1).record();
    assert_eq!(
        (&record["error"]["code"], &record["error"]["retry"]),
        (&json!("remote"), &json!(true))
    );
}

#[test]
fn who_failed_lately_is_asked_last_also_in_the_next_run() {
    let state = tempfile::tempdir().expect("a folder");
    let first = Endpoint::start(|asked| match asked.body.to_string().contains("heal") {
        true => Answer::chat("healed"),
        false => Answer::of(503, "down"),
    });
    let second = Endpoint::start(|asked| match asked.body.to_string().contains("heal") {
        true => Answer::of(503, "down too"),
        false => Answer::chat("here"),
    });
    let to = format!("{},{}", first.url(), second.url());
    let run = |input: &str| {
        let run = asking(&to).env("HEADWATER_STATE", state.path()).arg("--jobs=1");
        run.stdin(input.to_owned()).run().code(0).records()
    };
    let input: String = (0..6).map(|n| format!("{}\n", json!({"text": format!("a{n}")}))).collect();
    assert!(run(&input).iter().all(|r| r["answer"] == "here"));
    assert_eq!(first.asked().len(), 1, "one failure is enough to know");
    assert_eq!(run("{\"text\":\"b\"}\n")[0]["answer"], "here");
    assert_eq!(first.asked().len(), 1, "the next run knows too");
    assert_eq!(run("{\"text\":\"heal\"}\n")[0]["answer"], "healed", "the last resort");
    assert_eq!(run("{\"text\":\"heal it\"}\n")[0]["answer"], "healed", "and now it is first again");
    assert_eq!(second.asked().iter().filter(|a| a.body.to_string().contains("heal")).count(), 1);
}

/// A list of providers that all stand on this machine, classed as the test says.
fn classed(classes: &[(&str, &Endpoint)]) -> String {
    let entry = |(class, endpoint): &(&str, &Endpoint)| {
        format!(
            "[at-{class}]\nurl = \"{}\"\nmodel = \"m\"\nprivacy = \"{class}\"\nfree = true\n",
            endpoint.url()
        )
    };
    classes.iter().map(entry).collect()
}

#[test]
fn a_record_goes_no_further_than_it_may() {
    let (near, far) = (Endpoint::start(|_| Answer::of(503, "down")), saying("from afar"));
    let ask = |to: &str| {
        let list = classed(&[("trusted", &near), ("cloud", &far)]);
        let run = program("escalate").file("p.toml", list).args(["--providers", "p.toml"]);
        run.args(["--question", "What?", "--to", to, "--attempts", "1", "--jobs", "1"])
    };
    let input = concat!(
        r#"{"n":0,"text":"a"}"#,
        "\n",
        r#"{"n":1,"text":"b","privacy":"trusted"}"#,
        "\n",
        r#"{"n":2,"text":"c","private":true}"#,
        "\n",
        r#"{"n":3,"text":"d","privacy":"secret"}"#,
        "\n",
        r#"{"n":4,"text":"e","privacy":"cloud","private":false}"#,
        "\n",
    );
    let records = ask("at-trusted,at-cloud").stdin(input).run().code(1).records();
    let codes: Vec<&Value> = records.iter().map(|r| &r["error"]["code"]).collect();
    assert_eq!(
        codes,
        [&Value::Null, &json!("remote"), &json!("refused"), &json!("refused"), &Value::Null]
    );
    let far_saw = far.asked().iter().map(|a| a.body.to_string()).collect::<String>();
    for private in ["\\n\\nb\\n", "\\n\\nc\\n", "\\n\\nd\\n"] {
        assert!(!far_saw.contains(private), "{far_saw}");
    }
    let before = far.asked().len();
    let strict = ask("at-cloud").args(["--privacy", "trusted"]).stdin("{\"text\":\"x\"}\n");
    assert_eq!(strict.run().code(1).error_code(), "refused");
    let group = ask("at-cloud")
        .args(["--all"])
        .stdin(input.lines().take(2).map(|l| format!("{l}\n")).collect::<String>());
    assert!(group.run().code(1).records().iter().all(|r| r["error"]["code"] == "refused"));
    let batch = ask("at-cloud").args(["--batch", "3"]).stdin(input);
    let records = batch.run().code(1).records();
    let answered: Vec<&Value> =
        records.iter().filter(|r| r["error"].is_null()).map(|r| &r["n"]).collect();
    assert_eq!(answered, [0, 4]);
    let sent = far.asked()[before..].iter().map(|a| a.body.to_string()).collect::<String>();
    assert!(!sent.contains("\\n\\nb\\n") && !sent.contains("\\n\\nc\\n"));
}

#[test]
fn a_key_comes_from_a_file_or_a_command_of_the_list_and_goes_to_its_provider_only() {
    let (first, second) = (Endpoint::start(|_| Answer::of(503, "down")), saying("yes"));
    let list = format!(
        "[one]\nurl = \"{}\"\nmodel = \"m\"\nfree = true\nkey_file = \"one.key\"\n\
         [two]\nurl = \"{}\"\nmodel = \"m\"\nfree = true\nkey_command = \"echo key-of-two; echo more\"\n",
        first.url(),
        second.url()
    );
    let run = || {
        let run = program("escalate").file("p.toml", &list).file("one.key", "key-of-one\n");
        run.args([
            "--providers",
            "p.toml",
            "--question",
            "What?",
            "--to",
            "one,two",
            "--attempts",
            "1",
        ])
    };
    assert_eq!(one(run()), "yes");
    let keys = |endpoint: &Endpoint| format!("{:?}", endpoint.asked()[0].headers);
    assert!(keys(&first).contains("Bearer key-of-one") && !keys(&first).contains("key-of-two"));
    assert!(keys(&second).contains("Bearer key-of-two") && !keys(&second).contains("more"));
    run().args(["--key-command", "echo x"]).run().code(2).says("several");
    let alone = |command: &str| {
        program("escalate")
            .args(["--question", "q", "--model", "m", "--price", "0,0"])
            .args(["--to", &second.url(), "--key-command", command])
            .stdin("{\"text\":\"y\"}\n")
            .run()
    };
    alone("exit 3").code(2).says("exit status: 3");
    alone("true").code(2).says("key");
    alone("echo another").code(0);
    assert!(format!("{:?}", second.asked().last()).contains("Bearer another"));
}

#[test]
fn anthropic_is_asked_natively() {
    let endpoint = Endpoint::start(|_| {
        let body = json!({"model": "c", "stop_reason": "end_turn", "content": [{"type": "text", "text": "hello"}],
                          "usage": {"input_tokens": 3, "output_tokens": 2}});
        Answer::of(200, &body.to_string())
    });
    let list = format!("[anthropic]\nurl = \"{}\"\n", endpoint.url());
    let run = program("escalate").file("p.toml", list).env("ANTHROPIC_API_KEY", "its-key");
    let run = run.args(["--providers", "p.toml", "--to", "anthropic", "--question", "What?"]);
    let record = run.stdin("{\"text\":\"x\"}\n").run().code(0).record();
    assert_eq!((&record["answer"], &record["via"][0]["tokens_in"]), (&json!("hello"), &json!(3)));
    // 3 tokens at 3 dollars and 2 at 15 dollars a million.
    assert_eq!(record["via"][0]["cost"], 0.000_039);
    let asked = &endpoint.asked()[0];
    assert!(asked.path.ends_with("/v1/messages"));
    assert!(asked.headers.iter().any(|h| h == "x-api-key: its-key"));
}

/// A SOCKS5 proxy that answers every request itself; gives the names it was asked to reach.
fn socks() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (sender, names) = channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 2];
            if stream.read_exact(&mut head).is_err() {
                continue;
            }
            let mut methods = vec![0; usize::from(head[1])];
            let mut request = [0; 4];
            let _ = stream.read_exact(&mut methods).and_then(|()| stream.write_all(&[5, 0]));
            let _ = stream.read_exact(&mut request);
            let mut length = [0];
            let _ = stream.read_exact(&mut length);
            let mut name = vec![0; usize::from(length[0]) + 2];
            let _ = stream.read_exact(&mut name);
            name.truncate(usize::from(length[0]));
            // Type 3 is a name that the proxy is to resolve.
            let shown = format!("{} {}", request[3], String::from_utf8_lossy(&name));
            let _ = sender.send(shown);
            let _ = stream.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 80]);
            let mut reader = BufReader::new(&stream);
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                if let Some(n) = line.to_lowercase().strip_prefix("content-length:") {
                    length = n.trim().parse().unwrap_or(0);
                }
                line.clear();
            }
            let _ = reader.read_exact(&mut vec![0; length]);
            let Answer { body, .. } = Answer::chat("through the proxy");
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            let _ = (&stream).write_all(head.as_bytes()).and_then(|()| (&stream).write_all(&body));
        }
    });
    (address, names)
}

#[test]
fn a_proxy_resolves_names_itself_and_is_never_left_out() {
    let (proxy, names) = socks();
    let hidden = "http://hidden-service.onion/v1";
    for run in [
        asking(hidden).args(["--proxy", &format!("socks5h://{proxy}")]),
        asking(hidden).env("ALL_PROXY", format!("socks5h://{proxy}")),
    ] {
        assert_eq!(one(run), "through the proxy");
        let name = names.recv_timeout(Duration::from_secs(5)).expect("it was asked");
        assert_eq!(name, "3 hidden-service.onion");
    }
    let unusable = asking(hidden).env("ALL_PROXY", "tor://127.0.0.1:9050").run();
    unusable.code(2).says("proxy");
    let endpoint = saying("direct");
    // What is on this machine needs no proxy.
    let direct = asking(&endpoint.url()).env("ALL_PROXY", format!("socks5h://{proxy}"));
    assert_eq!(one(direct), "direct");
    asking(hidden).args(["--ca", "/dev/null"]).run().code(2).says("certificates");
}
