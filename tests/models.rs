//! `models` as its users see it.

#[path = "models/files.rs"]
mod files;
#[path = "models/hub.rs"]
mod hub;
#[path = "models/importing.rs"]
mod importing;
#[path = "models/pulling.rs"]
mod pulling;
#[path = "models/scanning.rs"]
mod scanning;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Program, program};

const DEFAULTS: [&str; 5] =
    ["whisper-tiny.en", "silero-vad", "smollm2-135m", "qwen2.5-coder-0.5b", "all-minilm-l6-v2"];

/// An empty store, and a folder for what lies around it.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn store(&self) -> PathBuf {
        self.path("store")
    }

    fn models<const N: usize>(&self, args: [&str; N]) -> Program {
        program("models").args(args).env("HEADWATER_MODELS", self.store())
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, bytes).expect("a file");
        path
    }

    /// The user's catalogue.
    fn catalogue(&self, text: &str) -> PathBuf {
        self.put("models.toml", text)
    }

    /// Everything in the store but locks.
    fn files(&self) -> Vec<String> {
        let Ok(items) = fs::read_dir(self.store()) else { return Vec::new() };
        let names = items.map(|i| i.expect("an item").file_name().into_string().expect("UTF-8"));
        let mut names: Vec<String> = names.filter(|n| !n.ends_with(".lock")).collect();
        names.sort();
        names
    }

    /// A model `little` in the store.
    fn with_little(&self) -> PathBuf {
        let file = self.put("little.gguf", files::gguf(20));
        self.models(["import", text(&file)]).run().code(0);
        self.store().join("little.gguf")
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn named<'a>(rows: &'a [Value], name: &str) -> &'a Value {
    rows.iter().find(|r| r["name"] == name).unwrap_or_else(|| panic!("no {name} in {rows:?}"))
}

#[test]
fn the_list_has_every_model_with_what_one_asks_about_it() {
    let bench = Bench::new();
    let rows = bench.models(["list"]).run().code(0).records();
    for name in DEFAULTS {
        let row = named(&rows, name);
        assert_eq!((&row["default"], &row["here"]), (&Value::Bool(true), &Value::Bool(false)));
        for key in ["task", "format", "licence", "description"] {
            assert!(row[key].as_str().is_some_and(|t| !t.is_empty()), "{key}: {row}");
        }
        assert!(row["bytes"].as_u64().is_some() && row["memory"].as_u64().is_some(), "{row}");
        assert!(row["aliases"].is_array() && row.get("path").is_none(), "{row}");
    }
    assert_eq!(rows.iter().filter(|r| r["default"] == true).count(), DEFAULTS.len());
    assert!(bench.models(["list", "--here"]).run().code(0).records().is_empty());
    assert!(!bench.store().exists(), "listing makes no folder");
}

#[test]
fn what_is_here_is_listed_with_its_path_whoever_put_it_there() {
    let bench = Bench::new();
    let little = bench.with_little();
    bench.put("store/by-hand.gguf", files::gguf(30));
    bench.put("store/.hidden", "x");
    bench.put("store/readme.txt.json", "{");
    let rows = bench.models(["list", "--here"]).run().code(0).records();
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!(named(&rows, "little")["path"], text(&little));
    assert_eq!(named(&rows, "by-hand.gguf")["description"], "put there by hand");
    fs::write(&little, files::gguf(21)).expect("a file");
    let rows = bench.models(["list", "--here"]).run().code(0).records();
    assert_eq!(named(&rows, "little")["changed"], true);
}

#[test]
fn a_terminal_gets_a_table_and_no_control_characters() {
    let bench = Bench::new();
    bench.with_little();
    let odd =
        bench.catalogue(&files::entry("odd", b"x", "").replace("a test", "bell\\u0007 \\u009b2J"));
    let list = || bench.models(["list"]).env("HEADWATER_CATALOGUE", &odd);
    let shown = list().run_on_terminal();
    let line = |name: &str| {
        let found = shown.lines().find(|l| l.starts_with(name));
        found.unwrap_or_else(|| panic!("no {name}: {shown}")).to_owned()
    };
    assert!(line("NAME").contains("LICENCE"), "{shown}");
    assert!(line("silero-vad ").contains("885.1 kB"), "{shown}");
    assert!(line("little ").contains("yes"), "{shown}");
    assert!(!shown.contains(['\u{7}', '\u{9b}']), "{shown:?}");
    let json = bench.models(["list", "--json"]).run_on_terminal();
    assert!(json.starts_with('{'), "{json}");
}

#[test]
fn a_missing_model_is_a_setup_error_that_names_the_command() {
    let bench = Bench::new();
    let outcome = bench.models(["path", "tiny.en"]).run().code(2).says("models pull tiny.en");
    assert!(outcome.stdout.is_empty());
    for action in ["path", "info", "verify", "rm", "pull"] {
        let outcome = bench.models([action, "no-such-model"]).run().code(2).says("'no-such-model'");
        assert!(outcome.messages().contains("models list"), "{outcome}");
        assert_eq!(outcome.messages().lines().count(), 1, "{outcome}");
    }
    bench.models(["path", "../../etc/passwd"]).run().code(2);
    bench.models(["pull"]).run().code(2).says("--default");
    bench.models(["list"]).env("HEADWATER_MODELS", "/dev/null/x").run().code(2).says("/dev/null/x");
}

#[test]
fn the_path_is_all_that_path_prints() {
    let bench = Bench::new();
    let little = bench.with_little();
    let outcome = bench.models(["path", "little"]).run().code(0);
    assert_eq!(outcome.text(), format!("{}\n", text(&little)));
    fs::write(&little, files::gguf(21)).expect("a file");
    bench.models(["path", "little"]).run().code(2).says("changed on the disk");
}

#[test]
fn info_joins_the_catalogue_and_the_header() {
    let bench = Bench::new();
    let row = bench.models(["info", "whisper"]).run().code(0).record();
    assert_eq!((&row["name"], &row["here"]), (&"whisper-tiny.en".into(), &Value::Bool(false)));
    assert!(row["catalogue"]["source"][0]["package"].is_string(), "{row}");
    let little = bench.with_little();
    for model in ["little", text(&little)] {
        let row = bench.models(["info", model]).run().code(0).record();
        assert_eq!(row["header"]["architecture"], "llama");
        assert_eq!(row["header"]["context"], 2048);
    }
    fs::write(&little, &files::gguf(20)[..100]).expect("a file");
    let rows = bench.models(["info", "little"]).run().code(1).says("truncated").records();
    assert_eq!(rows[1]["error"]["code"], "model");
    bench.models(["info", text(&little)]).run().code(2).says("truncated");
    let shown = bench.models(["info", "minilm"]).run_on_terminal();
    assert!(shown.contains("models pull all-minilm-l6-v2"), "{shown}");
}

#[test]
fn verify_finds_what_changed_and_goes_on() {
    let bench = Bench::new();
    let little = bench.with_little();
    let other = bench.put("other.gguf", files::gguf(40));
    bench.models(["import", text(&other)]).run().code(0);
    let rows = bench.models(["verify"]).run().code(0).records();
    assert!(rows.len() == 2 && rows.iter().all(|r| r["good"] == true), "{rows:?}");
    // Same size, same time: only the content differs.
    let time = fs::metadata(&little).and_then(|m| m.modified()).expect("a time");
    let mut bytes = fs::read(&little).expect("the model");
    *bytes.last_mut().expect("a byte") ^= 1;
    fs::write(&little, bytes).expect("a file");
    fs::File::options()
        .append(true)
        .open(&little)
        .and_then(|f| f.set_modified(time))
        .expect("a time");
    let outcome = bench.models(["verify"]).run().code(1).says("little: ").says("the checksum is");
    let rows = outcome.records();
    assert_eq!(named(&rows, "other")["good"], true);
    assert_eq!(named(&rows, "little")["error"]["code"], "model");
    bench.models(["verify", "other"]).run().code(0);
    bench.models(["verify", "whisper"]).run().code(1).says("'whisper-tiny.en' is not here");
}

#[test]
fn rm_removes_and_says_what_it_freed() {
    let bench = Bench::new();
    let bytes = fs::metadata(bench.with_little()).expect("the model").len();
    let outcome = bench.models(["rm", "whisper", "little"]).run().code(1).says("is not here");
    assert_eq!(named(&outcome.records(), "little")["freed"], bytes);
    assert_eq!(bench.files(), Vec::<String>::new());
    bench.models(["rm", "little"]).run().code(2);
}

#[test]
fn the_users_catalogue_is_merged_over_the_built_in_one() {
    let bench = Bench::new();
    let mine = files::entry("mine", b"x", "") + &files::entry("silero-vad", b"y", "");
    let mine = mine.replacen(
        "name = \"silero-vad\"\ntask = \"complete\"",
        "name = \"silero-vad\"\ntask = \"vad\"",
        1,
    );
    let mine = mine.replace(
        "file = \"silero-vad.gguf\"\nformat = \"gguf\"",
        "file = \"v.bin\"\nformat = \"ggml-vad\"",
    );
    let rows =
        bench.models(["list"]).file(".config/headwater/models.toml", &mine).run().code(0).records();
    assert_eq!(named(&rows, "mine")["description"], "a test");
    assert_eq!(named(&rows, "silero-vad")["bytes"], 1);
    named(&rows, "smollm2-135m");
    for (bad, says) in [
        ("[[model]", "TOML"),
        ("[[model]]\nname = 'x'", "missing field"),
        (&files::entry("x", b"x", "").replace("x.gguf", "../x.gguf"), "not a plain file name"),
        (&files::entry("x", b"x", "").replace("\"x\"", "\"../x\""), "is not a name"),
        (
            &files::entry("x", b"x", &files::on_pypi("../../etc/passwd")),
            "not a path inside a package",
        ),
        (&files::entry("x", b"x", "[[model.source]]\nkind = 'hub'\nurl = 'http://a/b'"), "https"),
        (&files::entry("tiny.en", b"x", ""), "is taken"),
    ] {
        let file = bench.catalogue(bad);
        let outcome = bench.models(["list"]).env("HEADWATER_CATALOGUE", &file).run().code(2);
        let said = outcome.messages();
        assert!(
            said.contains("models.toml: catalogue: ") && said.contains(says),
            "{says}\n{outcome}"
        );
    }
    bench.models(["list"]).env("HEADWATER_CATALOGUE", "/absent").run().code(2).says("/absent");
    bench.models(["list"]).env("HEADWATER_CATALOGUE", "/dev/zero").run().code(2).says("not a file");
}

#[test]
fn results_that_cannot_be_written_are_an_error_and_a_reader_that_left_is_none() {
    let bench = Bench::new();
    bench.models(["list"]).stdout_to("/dev/full").run().code(2).says("cannot write output");
    let running = bench.models(["list"]).start();
    running.line();
    running.close_stdout();
    let (status, _, messages) = running.end();
    assert_eq!((status, messages.as_str()), (0, ""));
}

#[test]
fn flags_for_all_stand_on_either_side_of_the_action() {
    let bench = Bench::new();
    for args in [["-q", "list", "--json"], ["list", "--json", "-q"]] {
        bench.models(args).run().code(0);
    }
}

#[test]
fn model_the_default_set_is_found_at_once() {
    for name in DEFAULTS {
        program("models").args(["path", name]).run().code(0);
    }
    let start = Instant::now();
    let rows = program("models").args(["pull", "--default"]).run().code(0).records();
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert!(rows.len() == 5 && rows.iter().all(|r| r["already_here"] == true), "{rows:?}");
    let row = program("models").args(["info", "minilm"]).run().code(0).record();
    assert_eq!(row["header"]["architecture"], "bert");
    program("models").args(["verify", "silero-vad"]).run().code(0);
}
