//! Other weight formats: made, measured, compared; and the model that `auto` means.
#![allow(missing_docs)]

mod store;

use std::path::{Path, PathBuf};

use clap::Parser;
use engine::{Cancel, Error};
use headwater_llama::{ModelArgs, Options, WeightFormat, compare, measure_speed, requantize};
use modelstore::tuning::{Loss, Speed};
use modelstore::{Store, Task};

const SMOLLM: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";

const SAMPLE: &str = "The committee met on Monday at the mill and spoke about the new pump. It \
    costs less than the old one did, and the water would be on again by Friday. Two members asked \
    for a second offer before anything is signed. The chair promised to write to the company in \
    the morning and to read the answer aloud at the next meeting.";

fn options(path: &Path) -> Options {
    Options { contexts: 2, parallel: 4, ..Options::new(path) }
}

fn make(from: &Path, dir: &Path, format: WeightFormat) -> PathBuf {
    let to = dir.join(format.name());
    let mut last = (0, 0);
    let mut progress = |done, all| {
        assert!(done > last.0 && done <= all, "{done} of {all}");
        last = (done, all);
    };
    requantize(from, &to, format, 2, &Cancel::default(), &mut progress).unwrap();
    assert!(last.0 > 0 && last.0 == last.1, "{last:?}");
    to
}

fn loss(reference: &Path, candidate: &Path) -> Loss {
    let (ours, theirs) = (options(reference), options(candidate));
    compare(&ours, &theirs, SAMPLE, &Cancel::default(), &mut |_, _| ()).unwrap()
}

#[test]
fn model_eight_bits_lose_next_to_nothing_and_four_lose_more() {
    let original = store::model(SMOLLM, "smollm2-135m");
    let dir = tempfile::tempdir().unwrap();
    let same = loss(&original, &original);
    assert!(same.kl < 1e-9 && same.top1 == 1.0, "{same:?}");
    assert!((same.perplexity - same.original_perplexity).abs() < 1e-9, "{same:?}");
    assert!((2.0..60.0).contains(&same.perplexity), "{same:?}");
    let eight = loss(&original, &make(&original, dir.path(), WeightFormat::Q8_0));
    assert!(eight.kl < 0.02 && eight.top1 > 0.85, "{eight:?}");
    let four = loss(&original, &make(&original, dir.path(), WeightFormat::Q4_0));
    assert!(four.kl > 2.0 * eight.kl, "{four:?} {eight:?}");
}

#[test]
fn model_what_cannot_be_compared_is_refused() {
    let original = store::model(SMOLLM, "smollm2-135m");
    let embedder = store::model("all-MiniLM-L6-v2-f16.gguf", "minilm");
    let ours = options(&original);
    let say = |theirs: &Path, text: &str, cancel: &Cancel| {
        compare(&ours, &options(theirs), text, cancel, &mut |_, _| ()).unwrap_err()
    };
    let go = Cancel::default();
    assert!(say(&embedder, SAMPLE, &go).to_string().contains("not a model that generates text"));
    for text in ["", "too short", "\0"] {
        assert!(say(&original, text, &go).to_string().contains("too short"), "{text:?}");
    }
    let stop = Cancel::default();
    stop.set();
    assert!(matches!(say(&original, SAMPLE, &stop), Error::Cancelled(_)));
    assert!(matches!(measure_speed(&ours, &stop), Err(Error::Cancelled(_))));
    let to = tempfile::tempdir().unwrap().path().join("out.gguf");
    let made = requantize(&original, &to, WeightFormat::Q8_0, 1, &stop, &mut |_, _| ());
    assert!(matches!(made, Err(Error::Cancelled(_))));
    assert!(!to.exists());
    let nowhere = Path::new("/dev/null/out.gguf");
    let error = requantize(&original, nowhere, WeightFormat::Q8_0, 1, &go, &mut |_, _| ());
    assert!(error.unwrap_err().to_string().contains("cannot be converted to Q8_0"));
}

#[test]
fn model_both_kinds_of_models_have_a_speed() {
    let go = Cancel::default();
    let generator = measure_speed(&options(&store::model(SMOLLM, "smollm2-135m")), &go).unwrap();
    assert!(generator.prompt_rate > 1.0 && generator.answer_rate > Some(1.0), "{generator:?}");
    let embedder = store::model("all-MiniLM-L6-v2-f16.gguf", "minilm");
    let embedder = measure_speed(&options(&embedder), &go).unwrap();
    assert!(embedder.prompt_rate > 1.0 && embedder.answer_rate.is_none(), "{embedder:?}");
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    model: ModelArgs,
}

#[test]
fn model_auto_is_the_model_that_was_measured_to_be_fast_enough() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path());
    let args = Line::parse_from(["test", "--model", "auto"]).model;
    let resolve = || args.resolve(&store, "smollm2-135m", Task::Complete);
    let missing = resolve().unwrap_err().to_string();
    assert!(missing.ends_with("models pull smollm2-135m"), "{missing}");
    let original = store::model(SMOLLM, "smollm2-135m");
    std::os::unix::fs::symlink(original, dir.path().join(SMOLLM)).unwrap();
    let unmeasured = resolve().unwrap_err().to_string();
    assert!(unmeasured.ends_with("run: models fit"), "{unmeasured}");
    let sum = store.resolve("smollm2-135m", Task::Complete).unwrap().sha256;
    let note = |prompt_rate| {
        store.note_speed(sum, Speed { prompt_rate, answer_rate: Some(9.0) }).unwrap();
    };
    note(20.0);
    let slow = resolve().unwrap_err().to_string();
    assert!(slow.contains("smollm2-135m reads 20 tokens/s"), "{slow}");
    note(500.0);
    assert_eq!(resolve().unwrap().name, "smollm2-135m");
}
