//! `models tune` and `models fit` as their users see them, on a store of their own.

#[path = "models/files.rs"]
#[allow(dead_code, reason = "made for the tests of the other actions")]
mod files;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use testkit::{Program, model, program};

const SMOLLM: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";

/// A measuring run is short, but the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(280);

/// Enough to tell formats apart.
const SAMPLE: &str = "The committee met on Monday at the mill and spoke about the new pump. It \
    costs less than the old one did, and the water would be on again by Friday. Two members asked \
    for a second offer before anything is signed. The chair promised to write to the company in \
    the morning and to read the answer aloud at the next meeting. Der Zug nach Hamburg fährt heute \
    von Gleis sieben. for line in open(\"log.txt\"): print(line.strip())";

struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(dir.path().join("store")).expect("a folder");
        fs::write(dir.path().join("sample.txt"), SAMPLE).expect("a file");
        Self { dir }
    }

    /// With the small model in its store, as a link.
    fn with_model() -> Self {
        let bench = Self::new();
        let file = model("smollm2-135m", SMOLLM);
        symlink(file, bench.store().join(SMOLLM)).expect("a link");
        bench
    }

    fn store(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    fn models<const N: usize>(&self, args: [&str; N]) -> Program {
        program("models").args(args).env("HEADWATER_MODELS", self.store()).within(PATIENCE)
    }

    fn tune<const N: usize>(&self, args: [&str; N]) -> Program {
        self.models(["tune", "--sample"]).arg(self.dir.path().join("sample.txt")).args(args)
    }

    fn path<const N: usize>(&self, args: [&str; N]) -> PathBuf {
        let outcome = self.models(["path", "smollm2-135m"]).args(args).run().code(0);
        outcome.text().trim_end().into()
    }

    /// Files that tuning made, those in the making included.
    fn tuned(&self) -> Vec<String> {
        let Ok(items) = fs::read_dir(self.store().join(".tuned")) else { return Vec::new() };
        let names = items.map(|i| i.expect("an item").file_name().into_string().expect("UTF-8"));
        names.collect()
    }
}

fn used(rows: &[Value]) -> &Value {
    let mut used = rows.iter().filter(|row| row["used"] == true);
    let row = used.next().unwrap_or_else(|| panic!("none is used: {rows:?}"));
    assert_eq!(used.next(), None, "one is used");
    row
}

fn named<'a>(rows: &'a [Value], name: &str) -> &'a Value {
    rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name}: {rows:?}"))
}

#[test]
fn model_tuning_finds_a_format_and_everybody_uses_it() {
    let bench = Bench::with_model();
    let rows = bench.tune([]).run().code(0).records();
    let formats: Vec<_> = rows.iter().filter_map(|row| row["format"].as_str()).collect();
    assert_eq!(formats, ["Q4_1", "Q8_0", "Q4_K_M", "IQ4_NL", "Q4_0"]);
    for row in &rows {
        assert!(row["prompt_rate"].as_f64() > Some(0.0), "{row}");
        assert!(row["answer_rate"].as_f64() > Some(0.0), "{row}");
        assert_eq!(row["original"], row["format"] == "Q4_1");
        assert_eq!(row["remembered"], false);
        if row["used"] == true && row["original"] == false {
            assert!(row["kl"].as_f64() <= Some(0.02) && row["top1"].as_f64() > Some(0.8), "{row}");
        }
    }
    // Which one wins is the machine's business; what follows from it is not.
    let used = used(&rows);
    let original = bench.store().join(SMOLLM);
    assert_eq!(bench.path(["--as-downloaded"]), original);
    let is_tuned = used["original"] == false;
    let path = bench.path([]);
    assert_eq!(path != original, is_tuned, "{used}");
    assert_eq!(
        fs::metadata(&path).expect("the file").len(),
        used["bytes"].as_u64().expect("bytes")
    );
    assert_eq!(bench.tuned().len(), if is_tuned { 2 } else { 1 }, "{:?}", bench.tuned());

    let again = bench.models(["tune"]).run().code(0).records();
    assert_eq!(again.len(), rows.len());
    for (row, before) in again.iter().zip(&rows) {
        assert_eq!(row["remembered"], true);
        assert_eq!(row["prompt_rate"], before["prompt_rate"], "it was not measured again");
        assert_eq!(row["used"], before["used"]);
    }
    let shown = bench.models(["tune", "smollm2"]).run_on_terminal();
    assert!(shown.contains("PERPLEXITY") && shown.contains("--force"), "{shown}");

    let listed = bench.models(["list", "--here"]).run().code(0).record();
    assert_eq!(listed["tuned"].is_string(), is_tuned, "{listed}");
    let info = bench.models(["info", "smollm2"]).run().code(0).record();
    assert_eq!(info["tuned"]["measured"]["format"], "Q4_1", "{info}");
    let good = bench.models(["verify", "smollm2"]).run().code(0).record();
    assert_eq!(good["tuned"].is_array(), is_tuned, "{good}");

    its_speed_is_known(&bench, used);
    if is_tuned {
        a_damaged_file_is_not_used(&bench, &path);
    }
    bench.models(["rm", "smollm2"]).run().code(0);
    assert_eq!(bench.tuned(), Vec::<String>::new());
    assert!(model("smollm2-135m", SMOLLM).exists(), "the linked original stays");
}

/// What tuning measured is not measured again.
fn its_speed_is_known(bench: &Bench, used: &Value) {
    let fit = bench.models(["fit"]).run().code(0).records();
    let here = named(&fit, "smollm2-135m");
    assert_eq!((&here["speed"], &here["prompt_rate"]), (&"measured".into(), &used["prompt_rate"]));
    let absent = named(&fit, "smollm2-360m");
    assert_eq!(absent["speed"], "estimated");
    assert_eq!(absent["estimated_from"], "smollm2-135m");
    assert!(absent["prompt_rate"].as_f64() < here["prompt_rate"].as_f64(), "{absent}");
}

fn a_damaged_file_is_not_used(bench: &Bench, tuned: &Path) {
    let bytes = fs::metadata(tuned).expect("the file").len();
    fs::File::options().write(true).open(tuned).and_then(|f| f.set_len(bytes / 2)).expect("cut");
    bench.models(["verify", "smollm2"]).run().code(1).says("the checksum is");
    let outcome = bench.models(["path", "smollm2"]).run().code(0).says("models tune smollm2-135m");
    assert_eq!(PathBuf::from(outcome.text().trim_end()), bench.store().join(SMOLLM));
}

#[test]
fn model_an_interrupted_tuning_leaves_nothing() {
    let bench = Bench::with_model();
    let running = bench.tune([]).start();
    running.message("making Q8_0");
    running.signal("TERM");
    let (status, lines, _) = running.end();
    assert_eq!((status, lines.as_slice()), (143, &[] as &[String]));
    assert_eq!(bench.tuned(), Vec::<String>::new());
    assert_eq!(bench.path([]), bench.store().join(SMOLLM));
}

#[test]
fn model_what_cannot_be_tuned_is_said() {
    let bench = Bench::with_model();
    bench.models(["tune", "minilm"]).run().code(2).says("is for embed, not for complete");
    bench.models(["tune", "qwen2.5-0.5b"]).run().code(2).says("models pull qwen2.5-0.5b");
    let file = model("smollm2-135m", SMOLLM);
    let path = file.to_str().expect("UTF-8");
    bench.models(["tune", path]).run().code(2).says("not a model of the store");
    bench.models(["tune", "--sample", "/absent"]).run().code(2).says("/absent");
    bench.models(["tune", "--sample", "/dev/null"]).run().code(2).says("too short for a sample");
    assert_eq!(bench.tuned(), Vec::<String>::new());
}

#[test]
fn what_is_no_language_model_is_not_tuned() {
    let bench = Bench::new();
    let file = bench.dir.path().join("little.gguf");
    fs::write(&file, files::gguf(20)).expect("a file");
    bench.models(["import"]).arg(&file).run().code(0);
    bench.models(["tune", "little"]).run().code(2).says("little.gguf");
    assert_eq!(bench.tuned(), Vec::<String>::new());
    bench.models(["tune", "nonsense"]).run().code(2).says("'nonsense' is not known");
    bench.models(["tune", "--max-kl=-1"]).run().code(2).says("not a number from 0 to 10");
}

#[test]
fn what_fits_is_said_without_any_model_here() {
    let bench = Bench::new();
    let rows = bench.models(["fit"]).run().code(0).records();
    for row in &rows {
        assert_eq!((&row["here"], &row["auto"]), (&Value::Bool(false), &Value::Bool(false)));
        assert_eq!(row.get("speed"), None, "nothing is guessed from nothing: {row}");
        if let (Some(memory), Some(available)) = (row["memory"].as_u64(), row["available"].as_u64())
        {
            assert_eq!(row["fits"], memory <= available, "{row}");
        }
    }
    named(&rows, "whisper-tiny.en");
    assert_eq!(named(&rows, "smollm2-135m")["memory"], 335_544_320);
    let row = bench.models(["fit", "whisper-base"]).run().code(0).record();
    assert_eq!(row["task"], "transcribe");
    bench.models(["fit", "nonsense"]).run().code(2).says("'nonsense' is not known");
    let shown = bench.models(["fit", "whisper-base"]).run_on_terminal();
    assert!(shown.contains("PROMPT/S") && shown.contains("406.8 MB"), "{shown}");
}

#[test]
fn model_an_embedder_is_measured_once() {
    let bench = Bench::new();
    let file = "all-MiniLM-L6-v2-f16.gguf";
    symlink(model("minilm", file), bench.store().join(file)).expect("a link");
    let fit = || bench.models(["fit", "minilm"]).run().code(0);
    let first = fit().says("measuring all-minilm-l6-v2").record();
    assert!(first["prompt_rate"].as_f64() > Some(0.0) && first.get("answer_rate").is_none());
    let second = fit();
    assert_eq!(second.record(), {
        // Memory comes and goes.
        let mut expected = first.clone();
        expected["available"] = second.record()["available"].clone();
        expected
    });
    assert!(!second.messages().contains("measuring"), "{second}");
    fs::write(bench.store().join(".speeds.json"), "{\"files\": [{\"sha256\": 1}]}")
        .expect("a file");
    fit().says("measuring");
}
