//! Programs and files that go to a host, and the folder they are kept in there.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use testkit::{Program, program, programs_folder};

use crate::lines;
use crate::sshd::Sshd;

/// A host whose cache is in the test's folder.
fn host() -> Sshd {
    Sshd::with("SetEnv XDG_CACHE_HOME=FOLDER/cache")
}

/// A host where commands are not what they usually are.
fn host_with(command: &str, script: &str) -> Sshd {
    let sshd = Sshd::with("SetEnv XDG_CACHE_HOME=FOLDER/cache PATH=FOLDER/bin:/usr/bin:/bin");
    let bin = sshd.path("bin");
    fs::create_dir_all(&bin).expect("a folder");
    fs::write(bin.join(command), format!("#!/bin/sh\n{script}\n")).expect("a command");
    fs::set_permissions(bin.join(command), fs::Permissions::from_mode(0o755)).expect("its mode");
    sshd
}

fn cache(sshd: &Sshd) -> PathBuf {
    sshd.path("cache").join("headwater/fanout")
}

/// What is in the cache, temporary things apart.
fn cached(sshd: &Sshd) -> Vec<String> {
    let entries = fs::read_dir(cache(sshd)).expect("the cache");
    let names = entries.map(|e| e.expect("an entry").file_name().into_string().expect("UTF-8"));
    names.filter(|name| name != "tmp").collect()
}

/// fanout that runs fanout there: a program of this family, which nobody installed.
fn nested(sshd: &Sshd, more: &[&str]) -> Program {
    let run = sshd.fanout("attic").args(["-v", "--no-via"]).args(more);
    run.args(["--", "fanout", "-H", ":", "--no-via", "--", "cat"])
}

fn hash(path: &std::path::Path) -> String {
    let output = Command::new("sha256sum").arg(path).output().expect("sha256sum runs");
    String::from_utf8(output.stdout).expect("UTF-8")[..64].to_owned()
}

#[test]
fn a_program_that_is_not_there_is_sent_once() {
    let sshd = host();
    for transport in ["libssh2", "ssh"] {
        let outcome = nested(&sshd, &["-j", "2", "--transport", transport]).stdin(lines(200)).run();
        assert_eq!(outcome.code(0).text(), lines(200));
        let own = programs_folder().join("fanout");
        assert_eq!(cached(&sshd), [hash(&own)], "by content, once, with nothing left over");
    }
    nested(&sshd, &["--ship", "never"]).stdin(lines(1)).run().code(3).says("not found");
}

#[test]
fn two_who_send_the_same_do_not_mix() {
    let sshd = host();
    // Three names of one host, which has nothing yet.
    let run = nested(&sshd, &["-H", "kitchen,cellar", "--ship", "always"]);
    let outcome = run.stdin(lines(200)).run().code(0);
    assert_eq!(outcome.text(), lines(200));
    assert!(!outcome.messages().contains("damaged"), "{outcome}");
}

#[test]
fn what_arrived_before_is_not_sent_again_and_what_is_damaged_is() {
    let own = programs_folder().join("fanout");
    let bytes = fs::read(&own).expect("the program");
    for (part, says) in [
        (bytes[..bytes.len() / 2].to_vec(), "is continued at byte"),
        (vec![b'x'; 5000], "it arrived damaged"),
        ([bytes.as_slice(), b"more"].concat(), "it arrived damaged"),
    ] {
        let sshd = host();
        fs::create_dir_all(cache(&sshd)).expect("the cache");
        fs::write(cache(&sshd).join(format!("{}.part", hash(&own))), part).expect("a part");
        let outcome = nested(&sshd, &[]).stdin(lines(5)).run().code(0);
        assert_eq!(outcome.text(), lines(5));
        outcome.says(says);
        assert_eq!(cached(&sshd), [hash(&own)]);
    }
}

/// A host that has all commands but one.
fn host_without(name: &str) -> Sshd {
    let sshd = Sshd::with("SetEnv XDG_CACHE_HOME=FOLDER/cache PATH=FOLDER/bin");
    let bin = sshd.path("bin");
    fs::create_dir_all(&bin).expect("a folder");
    for folder in ["/usr/bin", "/bin"] {
        for entry in fs::read_dir(folder).expect("commands") {
            let entry = entry.expect("an entry");
            let link = bin.join(entry.file_name());
            if entry.file_name() != name && !link.exists() {
                symlink(entry.path(), link).expect("a link");
            }
        }
    }
    sshd
}

#[test]
fn tools_may_be_missing_there() {
    for name in ["gzip", "sha256sum", "getconf"] {
        let sshd = host_without(name);
        let outcome = nested(&sshd, &[]).stdin(lines(5)).run();
        if name == "getconf" {
            // Nobody can say which library is there, and the program needs one.
            outcome.code(3).says("it has no glibc");
        } else {
            assert_eq!(outcome.code(0).text(), lines(5), "without {name}");
        }
    }
}

#[test]
fn a_program_goes_only_where_it_runs() {
    let cases = [
        ("uname", "[ \"$1\" = -m ] && echo aarch64 || echo Linux", "it is Linux on aarch64"),
        ("getconf", "echo glibc 2.5", "its glibc is 2.5"),
        ("df", "echo; echo a b c 1 d e", "no space for"),
    ];
    for (command, script, says) in cases {
        let sshd = host_with(command, script);
        let always = nested(&sshd, &["--ship", "always"]).stdin(lines(2)).run().code(3);
        let always = always.says(says).says("given up");
        assert!(always.stdout.is_empty());
        // Otherwise the host's own is asked for, which is not there either.
        nested(&sshd, &[]).stdin(lines(2)).run().code(3).says("its own fanout is used");
    }
}

#[test]
fn a_file_that_the_command_names_is_sent_and_renamed() {
    let sshd = host();
    let run = |word: &str| {
        let run = sshd.fanout("attic").file("labels.txt", "good\nbad\n").args(["-v", "--no-via"]);
        run.args(["--send", "labels.txt", "--", "jq", "-c", "--unbuffered", "--rawfile", "x", word])
            .arg(".x=$x")
            .stdin(lines(20))
            .run()
    };
    for record in run("labels.txt").code(0).records() {
        assert_eq!(record["x"], "good\nbad\n");
    }
    run("other.txt").code(2).says("no word of the command is this file");
    assert_eq!(cached(&sshd).len(), 1);
}

/// Writes the programs for other machines, as they were signed; where, and the key.
fn dist(sshd: &Sshd) -> (PathBuf, PathBuf) {
    let data = testkit::data("trust");
    let folder = sshd.path("dist");
    fs::create_dir_all(folder.join("x86-64")).expect("a folder");
    for name in ["manifest.json", "manifest.json.minisig", "x86-64/fanout"] {
        fs::copy(data.join(name), folder.join(name)).expect("a copy");
    }
    (folder, data.join("dist.pub"))
}

#[test]
fn another_kind_of_machine_gets_a_signed_build() {
    let sshd = host_with("getconf", "echo glibc 2.5");
    let (folder, key) = dist(&sshd);
    let run = |input: &str| {
        let words = [&folder, &key].map(|path| path.to_str().expect("UTF-8"));
        nested(&sshd, &["--dist", words[0], "--dist-key", words[1]]).stdin(input).run()
    };
    let outcome = run("{\"n\":1}\n").code(0);
    assert_eq!(outcome.text(), "{\"n\":1,\"build\":\"x86-64\"}\n");
    outcome.says("the build x86-64 is sent");
    // A program that was changed after it was signed is not sent, and so not run.
    let program = folder.join("x86-64/fanout");
    let text = fs::read_to_string(&program).expect("the program").replace("echo", "true");
    fs::write(&program, text).expect("a changed program");
    let outcome = run("{\"n\":1}\n").code(3).says("it is not the file that was signed");
    assert!(outcome.stdout.is_empty());
    // A list that was changed is not even read.
    let list = folder.join("manifest.json");
    let text = fs::read_to_string(&list).expect("the list").replace("avx2", "avx3");
    fs::write(&list, text).expect("a changed list");
    let outcome = run("{\"n\":1}\n").code(2).says("its signature does not hold");
    assert!(outcome.stdout.is_empty());
}

#[test]
fn models_that_the_command_opens_go_along() {
    let sshd = host();
    let embed = |more: &[&str]| {
        let run = sshd.fanout("attic").args(["-v", "--", "embed", "--no-cache"]).args(more);
        run.stdin("{\"text\":\"a river\"}\n{\"text\":\"a bridge\"}\n").run()
    };
    // Its home is empty: there is no store of models.
    for record in embed(&[]).code(0).records() {
        assert_eq!(record["embedding"].as_array().map(Vec::len), Some(384), "{record}");
    }
    let name = "all-MiniLM-L6-v2-f16.gguf";
    let sent = cached(&sshd).into_iter().filter(|hash| cache(&sshd).join(hash).join(name).exists());
    assert_eq!(sent.count(), 2, "the file, and the store that has it");
    // One that is not here has to be there.
    let missing = embed(&["--model", "nobody-has-it"]).code(3);
    missing.says("hosts need their own").says("'nobody-has-it' is not known");
}

/// Adds the text of each record's file.
const READING: &str = r#"while IFS= read -r line; do
    path=$(printf '%s' "$line" | jq -r .path)
    if [ "$path" = null ]; then printf '%s\n' "$line"; continue; fi
    printf '%s' "$line" | jq -c --arg text "$(cat "$path")" --arg there "$path" '.text=$text|.there=$there'
done"#;

#[test]
fn files_that_records_name_go_along() {
    let sshd = host();
    let input = "{\"path\":\"a dir/one.txt\",\"n\":1}\n{\"n\":2}\n{\"path\":\"two\",\"id\":\"mine\"}\n\
        {\"path\":\"missing\"}\n{\"path\":\"same.md\"}\n{\"path\":\"a dir/one.txt\",\"n\":1}\n";
    let run = |transport: &str, files: &str| {
        sshd.fanout("attic")
            .file("a dir/one.txt", "one")
            .file("two", "two")
            .file("same.md", "one")
            .args(["--transport", transport, "--files", files, "--", "sh", "-c", READING])
            .stdin(input)
            .run()
    };
    for transport in ["libssh2", "ssh"] {
        let records = run(transport, "send").code(1).records();
        assert_eq!(records.len(), 6);
        let texts: Vec<&Value> = records.iter().map(|r| &r["text"]).collect();
        let (one, two, none) = (json!("one"), json!("two"), Value::Null);
        assert_eq!(texts, [&one, &none, &two, &none, &one, &one]);
        let paths: Vec<&str> = records.iter().filter_map(|r| r["path"].as_str()).collect();
        assert_eq!(paths, ["a dir/one.txt", "two", "missing", "same.md", "a dir/one.txt"]);
        assert_eq!(records[3]["error"]["code"], "unreadable");
        assert_eq!(records[2]["id"], "mine");
        let there = records[0]["there"].as_str().expect("a path");
        assert!(there.starts_with(cache(&sshd).to_str().expect("UTF-8")), "{there}");
        assert!(there.ends_with("/one.txt"), "programs go by the name: {there}");
        // An id does not depend on where a file was.
        assert_eq!(records[0]["id"], records[5]["id"]);
    }
    let kept = run("libssh2", "keep").code(0).records();
    assert_eq!((&kept[0]["there"], &kept[0]["text"]), (&json!("a dir/one.txt"), &json!("")));
}

#[test]
fn many_files_over_two_slots_and_a_lost_worker() {
    let sshd = host();
    let marker = sshd.path("marker");
    let script = format!(
        "while IFS= read -r line; do case $line in *'\"n\":7,'*) [ -e '{0}' ] || {{ : > '{0}'; \
         kill -KILL $$; }};; esac; printf '%s\\n' \"$line\" | ( {READING} ); done",
        marker.display()
    );
    let mut run = sshd.fanout("attic,kitchen").args(["-j", "2", "--no-via"]);
    let mut input = String::new();
    for n in 0..30 {
        run = run.file(&format!("f{n}"), format!("text {n}"));
        input.push_str(&format!("{{\"n\":{n},\"path\":\"f{n}\"}}\n"));
    }
    let records = run.args(["--", "sh", "-c", &script]).stdin(input).run().code(0).records();
    assert_eq!(records.len(), 30);
    for (n, record) in records.iter().enumerate() {
        assert_eq!(record["text"], format!("text {n}"), "{record}");
        assert_eq!(record["path"], format!("f{n}"));
    }
}

#[test]
fn gc_removes_what_is_old_and_nothing_else() {
    let sshd = host();
    nested(&sshd, &[]).stdin(lines(1)).run().code(0);
    fs::write(cache(&sshd).join("of somebody else"), "x").expect("a file");
    let old = "0".repeat(64);
    fs::create_dir(cache(&sshd).join(&old)).expect("a folder");
    let at = cache(&sshd).join(&old);
    let touched = Command::new("touch").args(["-d", "40 days ago"]).arg(at).status();
    assert!(touched.expect("touch runs").success());
    let gc = |older: &str| {
        let run = program("fanout").args(["gc", "--older", older, "-H", "attic,:", "-F"]);
        run.arg(sshd.path("config")).run().code(0).record()
    };
    let first = gc("30");
    assert_eq!((&first["host"], &first["removed"]), (&json!("attic"), &json!(1)), "{first}");
    assert_eq!(first["kept"], 1);
    let all = gc("0");
    assert_eq!((&all["removed"], &all["kept"]), (&json!(1), &json!(0)), "{all}");
    assert_eq!(cached(&sshd), ["of somebody else"]);
}

#[test]
fn hosts_are_listed_and_proposed() {
    let sshd = Sshd::start();
    let hosts = |arguments: &[&str]| {
        let run = program("fanout").arg("hosts").args(arguments).arg("-F").arg(sshd.path("config"));
        run.run().code(0).records()
    };
    let listed = hosts(&["-H", "attic,:"]);
    assert_eq!((&listed[0]["name"], &listed[0]["port"]), (&json!("attic"), &json!(sshd.port)));
    assert_eq!(listed[1], json!({"name": ":"}));
    let proposed = hosts(&["--discover"]);
    assert!(proposed.contains(&json!({"name": "cellar", "from": "ssh"})), "{proposed:?}");
    assert!(proposed.iter().all(|p| p["name"] != "*"));
}
