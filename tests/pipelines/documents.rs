//! The documents run: every command in README.md's blocks and in each program's EXAMPLES is
//! executed, in a folder that holds the files they name.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use testkit::{Answer, Endpoint, Shot, models_folder, programs_folder, repository};

/// A folder with everything that examples name, and a provider that answers.
struct Desk {
    folder: TempDir,
    endpoint: Endpoint,
}

fn desk() -> Desk {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let inbox = repository().join("examples/data/inbox");
    fs::create_dir_all(at("inbox")).expect("inbox");
    for entry in fs::read_dir(inbox).expect("the examples' inbox") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name");
        fs::copy(&path, at("inbox").join(name)).expect("a copy");
        fs::copy(&path, folder.path().join(name)).expect("a copy");
    }
    for name in ["triage.jsonl", "triage-labels.txt", "reviews.txt"] {
        fs::copy(repository().join("examples/data").join(name), at(name)).expect("a copy");
    }
    let text = "The pump broke on Tuesday. Mr Berger repairs it on Thursday for 240 euros. \
        Somebody has to open the gate for him at nine in the morning.\n";
    fs::create_dir_all(at("notes")).expect("notes");
    for name in ["minutes.txt", "notes/one.txt", "notes/two.txt"] {
        fs::write(at(name), text).expect("a text");
    }
    let records = "{\"n\":1,\"text\":\"Good morning.\",\"confidence\":0.9}\n\
        {\"n\":2,\"text\":\"The invoice is due.\",\"confidence\":0.3}\n";
    for name in ["texts.jsonl", "labelled.jsonl"] {
        fs::write(at(name), records).expect("records");
    }
    let sound = fs::read(testkit::data("speech/short.wav")).expect("a recording");
    // Behind the header: samples alone, 8 kHz and 16 bit.
    fs::write(at("samples.raw"), &sound[44..]).expect("samples");
    let events = "{\"sensor\":\"a\",\"time\":\"2026-11-21T08:00:00Z\",\"value\":20.5,\"door\":\"shut\"}\n\
        {\"sensor\":\"a\",\"time\":\"2026-11-21T08:00:05Z\",\"value\":21.5,\"door\":\"open\"}\n";
    fs::write(at("events.jsonl"), events).expect("events");
    fs::create_dir_all(at("phone")).expect("phone");
    for (n, time) in [(1, "14:07:09"), (2, "14:07:10"), (3, "19:30:00")] {
        let shot = Shot::at(&format!("2024:03:05 {time}")).camera("Canon", "EOS 70D").scene(n);
        fs::write(at(&format!("phone/IMG_000{n}.jpg")), shot.bytes()).expect("a picture");
    }
    fs::write(at("house.toml"), "[[host]]\nname = ':'\ntags = ['fast']\n").expect("an inventory");
    let neighbour = "[attic]\nurl = 'http://127.0.0.1:1/v1'\n";
    fs::write(at("neighbours.toml"), neighbour).expect("other servers");
    fs::write(at("keys.txt"), "a-key-of-the-house\n").expect("keys");
    let endpoint = Endpoint::start(|asked| match asked.method.as_str() {
        // How a batch is getting on.
        "GET" => Answer::of(200, "{\"status\":\"in_progress\"}"),
        _ => Answer::chat("an answer"),
    });
    let providers = format!("[openai]\nurl = \"{}\"\n", endpoint.url());
    fs::create_dir_all(at(".config/headwater")).expect("settings");
    fs::write(at(".config/headwater/providers.toml"), providers).expect("providers");
    Desk { folder, endpoint }
}

impl Desk {
    fn command(&self, script: &str) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("bash");
        command
            .args(["-euo", "pipefail", "-c"])
            .arg(script)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", format!("{}:{path}", programs_folder().display()))
            .env("HOME", self.folder.path())
            .env("HEADWATER_MODELS", models_folder())
            .env("OPENAI_API_KEY", "a-key");
        command
    }

    /// Runs a script of an example, its far-away hosts replaced by the local endpoint.
    fn run(&self, script: &str) -> Output {
        let script = script.replace("http://attic.local:8080/v1", &self.endpoint.url());
        self.command(&script).stdin(Stdio::null()).output().expect("bash runs")
    }

    #[track_caller]
    fn works(&self, script: &str) {
        let output = self.run(script);
        assert!(
            output.status.success(),
            "{script}\n{}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// The commands of an examples file: comments and blank lines left out.
fn commands(text: &str) -> Vec<&str> {
    text.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#')).collect()
}

fn examples(program: &str) -> String {
    let path = repository().join("src/bin").join(program).join("examples.txt");
    fs::read_to_string(path).expect("examples.txt")
}

#[test]
fn model_the_examples_of_filters_and_models_work() {
    let desk = desk();
    for program in [
        "changed",
        "classify",
        "dedupe",
        "embed",
        "escalate",
        "extract",
        "fanout",
        "models",
        "redact",
        "sortphotos",
        "summarize",
        "transcribe",
    ] {
        // The machines of the examples are this one.
        let text = examples(program).replace("-H attic,kitchen,me@pi:2222,:", "-H :");
        let commands = commands(&text);
        assert!(commands.len() >= 3, "{program} has few examples");
        for command in commands {
            desk.works(command);
        }
    }
}

#[test]
fn model_the_examples_of_serve_start_and_stop() {
    let desk = desk();
    for command in commands(&examples("serve")) {
        // Loopback and a free port, whatever the example says.
        let command = command.replace("0.0.0.0:8080", "127.0.0.1:0");
        let anywhere = command == "serve";
        let command = if anywhere { "serve --listen 127.0.0.1:0".to_owned() } else { command };
        let mut child = desk
            .command(&format!("exec {command}"))
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("bash runs");
        let mut lines = BufReader::new(child.stderr.take().expect("stderr")).lines();
        let listening = lines.by_ref().map_while(Result::ok).any(|l| l.contains("listening on"));
        let id = child.id().to_string();
        let killed = Command::new("kill").args(["-s", "TERM", &id]).status().expect("kill runs");
        child.wait().expect("it ended");
        assert!(listening && killed.success(), "{command}");
    }
}

/// The blocks of a Markdown text fenced as `kind`.
fn blocks<'t>(text: &'t str, kind: &str) -> Vec<&'t str> {
    let fence = format!("```{kind}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("\n```").next().expect("an end")).collect()
}

#[test]
fn model_what_the_readme_shows_works() {
    let desk = desk();
    let readme = fs::read_to_string(repository().join("README.md")).expect("README.md");
    let scripts = blocks(&readme, "sh");
    assert!(scripts.len() >= 3);
    for script in scripts {
        // Setting up is what ran before this test, and what CI runs.
        if !script.contains("make ") {
            desk.works(script);
        }
    }
    for settings in blocks(&readme, "toml") {
        fs::write(desk.folder.path().join(".config/headwater/config.toml"), settings)
            .expect("settings");
        desk.works("extract --help > help.txt && summarize --help > help.txt");
    }
}

#[test]
fn make_knows_every_target_that_the_readme_names() {
    let readme = fs::read_to_string(repository().join("README.md")).expect("README.md");
    let makefile = fs::read_to_string(repository().join("Makefile")).expect("Makefile");
    let lines = readme.lines().filter_map(|line| line.strip_prefix("make "));
    let quoted = readme.split('`').skip(1).step_by(2).filter_map(|code| code.strip_prefix("make "));
    let targets: Vec<&str> =
        lines.chain(quoted).filter_map(|rest| rest.split_whitespace().next()).collect();
    assert!(targets.len() >= 8, "{targets:?}");
    for target in targets {
        assert!(makefile.contains(&format!("\n{target}:")), "make {target}");
    }
    assert!(Path::new(&repository().join("examples/demo.sh")).exists());
}
