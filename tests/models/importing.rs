//! Files that users take in: good, hostile, and merely wrong.

use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime};

use super::{Bench, files, text};

#[test]
fn ready_files_are_copied_under_a_name_made_of_theirs() {
    let bench = Bench::new();
    for (file, bytes, format, name) in [
        ("My Model.Q4.gguf", files::gguf(20), "gguf", "my-model.q4"),
        ("ggml-own.bin", files::whisper(), "ggml-whisper", "ggml-own"),
    ] {
        let original = bench.put(file, &bytes);
        let row = bench.models(["import", text(&original)]).run().code(0).record();
        assert_eq!((&row["name"], &row["format"]), (&name.into(), &format.into()));
        assert_eq!((&row["linked"], &row["known"]), (&false.into(), &false.into()));
        assert_eq!(row["sha256"], files::sum(&bytes));
        fs::remove_file(original).expect("the original may go");
        bench.models(["path", name]).run().code(0);
    }
    let file = bench.put("x.gguf", files::gguf(30));
    let row = bench.models(["import", "--name", "mine", text(&file)]).run().code(0).record();
    assert_eq!(row["name"], "mine");
    let shown = bench.models(["import", "--name", "mine", text(&file)]).run_on_terminal();
    assert!(shown.contains("mine is here now"), "{shown}");
}

#[test]
fn a_folder_with_one_model_will_do() {
    let bench = Bench::new();
    bench.put("folder/little.gguf", files::gguf(20));
    bench.put("folder/README.md", "a model");
    let folder = bench.path("folder");
    let row = bench.models(["import", text(&folder)]).run().code(0).record();
    assert_eq!(row["name"], "little");
    bench.put("folder/second.gguf", files::gguf(30));
    bench.models(["import", text(&folder)]).run().code(2).says("several models");
}

#[test]
fn a_link_costs_no_copy_and_its_original_is_never_removed() {
    let bench = Bench::new();
    let original = bench.put("little.gguf", files::gguf(20));
    let row = bench.models(["import", "--link", text(&original)]).run().code(0).record();
    assert_eq!(row["linked"], true);
    let link = bench.store().join("little.gguf");
    let target = fs::canonicalize(&original).expect("the original");
    assert_eq!(fs::read_link(&link).expect("a link"), target);
    let rows = bench.models(["list", "--here"]).run().code(0).records();
    assert_eq!(rows[0]["original"], text(&target));
    let row = bench.models(["rm", "little"]).run().code(0).record();
    assert_eq!((&row["freed"], &row["original"]), (&0.into(), &text(&target).into()));
    assert!(original.exists() && !link.is_symlink());
    bench.models(["import", "--link", text(&original)]).run().code(0);
    fs::remove_file(&original).expect("the original goes");
    bench.models(["verify"]).run().code(1).says("little: ");
    let shown = bench.models(["list"]).run_on_terminal();
    assert!(shown.contains("broken link"), "{shown}");
    bench.models(["rm", "little"]).run().code(0);
}

#[test]
fn what_the_engines_cannot_read_is_converted() {
    let bench = Bench::new();
    let original = bench.put("own_vad.safetensors", files::silero());
    let row = bench.models(["import", text(&original)]).run().code(0).record();
    assert_eq!((&row["name"], &row["format"]), (&"own_vad-f16".into(), &"ggml-vad".into()));
    assert_eq!(row["converted_to"], "f16");
    assert_eq!(bench.files(), ["own_vad-f16.bin", "own_vad-f16.bin.json"]);
    bench.models(["verify"]).run().code(0);
    bench.models(["import", "--type", "q8_0", text(&original)]).run().code(2).says("use f16");
    bench.models(["import", "--type", "q9", text(&original)]).run().code(2).says("q8_0");
    bench.models(["import", "--link", text(&original)]).run().code(2).says("--link");
    let ready = bench.put("x.gguf", files::gguf(20));
    bench.models(["import", "--type", "f16", text(&ready)]).run().code(2).says("--type");
    assert_eq!(bench.files(), ["own_vad-f16.bin", "own_vad-f16.bin.json"]);
}

#[test]
fn what_a_killed_conversion_left_goes_in_time() {
    let bench = Bench::new();
    for (name, age) in [("old", 2), ("new", 0)] {
        bench.put(&format!("store/.import-{name}/model"), "half a model");
        let folder = fs::File::open(bench.store().join(format!(".import-{name}"))).expect("it");
        let time = SystemTime::now() - Duration::from_secs(age * 24 * 60 * 60);
        folder.set_modified(time).expect("a time");
    }
    let original = bench.put("vad.safetensors", files::silero());
    bench.models(["import", text(&original)]).run().code(0);
    assert_eq!(bench.files(), [".import-new", "vad-f16.bin", "vad-f16.bin.json"]);
}

#[test]
fn names_stay_names_and_belong_to_one_file() {
    let bench = Bench::new();
    let file = bench.put("little.gguf", files::gguf(20));
    for (name, says) in [
        ("../../evil", "is not a model name"),
        ("/etc/passwd", "is not a model name"),
        ("Bad Name", "is not a model name"),
        ("", "is not a model name"),
        ("whisper-tiny.en", "is taken"),
        ("smollm2", "is taken"),
    ] {
        bench.models(["import", "--name", name, text(&file)]).run().code(2).says(says);
    }
    bench.models(["import", text(&file)]).run().code(0);
    let other = bench.put("other/little.gguf", files::gguf(21));
    bench.models(["import", text(&other)]).run().code(2).says("choose one with --name");
    assert_eq!(fs::read(bench.store().join("little.gguf")).expect("the first"), files::gguf(20));
    assert!(!bench.dir.path().join("evil.gguf").exists());
}

#[test]
fn hostile_and_wrong_files_are_refused_with_one_message() {
    let bench = Bench::new();
    let good = files::gguf(20);
    let mut counts = good.clone();
    counts[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    let mut pairs = good.clone();
    pairs[16..24].copy_from_slice(&(1u64 << 60).to_le_bytes());
    let mut vocabulary = files::whisper();
    vocabulary[4..8].copy_from_slice(&i32::MAX.to_le_bytes());
    let silero = files::silero();
    let header = |text: &str| files::safetensors(text, b"");
    let outside = r#"{"stft_conv.weight":{"dtype":"F32","shape":[9],"data_offsets":[0,36]},"lstm_cell.weight_ih":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#;
    let archive = files::wheel(&[("../../evil", b"x")]);
    let cases: [(&str, &[u8]); 14] = [
        ("empty.gguf", b""),
        ("short.gguf", b"GGUF"),
        ("text.gguf", b"This is a text, not a model, whatever its name says."),
        ("truncated.gguf", &good[..good.len() - 1]),
        ("cut-header.gguf", &good[..60]),
        ("counts.gguf", &counts),
        ("pairs.gguf", &pairs),
        ("vocabulary.bin", &vocabulary),
        ("cut.bin", &files::whisper()[..200]),
        ("cut.safetensors", &silero[..silero.len() / 2]),
        ("huge-header.safetensors", &[&u64::MAX.to_le_bytes()[..], b"{}"].concat()),
        ("outside.safetensors", &header(outside)),
        ("other.safetensors", &header("{}")),
        ("bomb.zip", &archive),
    ];
    for (name, bytes) in cases {
        let file = bench.put(name, bytes);
        let outcome = bench.models(["import", text(&file)]).run().code(2).says(name);
        assert_eq!(outcome.messages().lines().count(), 1, "{outcome}");
        assert!(outcome.stdout.is_empty(), "{outcome}");
        assert_eq!(bench.files(), Vec::<String>::new(), "{outcome}");
    }
    bench.models(["import", "/absent/x.gguf"]).run().code(2).says("/absent/x.gguf");
    let empty = bench.put("folder/x", "").with_file_name("");
    bench.models(["import", text(&empty)]).run().code(2).says("holds no model");
}

#[test]
fn a_fifo_does_not_hold_up_an_import() {
    let bench = Bench::new();
    let fifo = bench.path("fifo.gguf");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs").success());
    bench.models(["import", text(&fifo)]).run().code(2).says("not a file");
}

#[test]
fn a_store_that_cannot_be_made_is_one_message() {
    let bench = Bench::new();
    let file = bench.put("little.gguf", files::gguf(20));
    let vad = bench.put("vad.safetensors", files::silero());
    for (args, in_the_way) in [(["import", text(&file)], "a"), (["import", text(&vad)], "b")] {
        let file = bench.put(in_the_way, "a file where the store should be");
        let outcome = bench.models(args).env("HEADWATER_MODELS", file.join("store")).run().code(2);
        assert_eq!(outcome.messages().lines().count(), 1, "{outcome}");
    }
    let pull = bench.models(["pull", "--default"]).env("HEADWATER_MODELS", "/dev/null/store");
    let outcome = pull.run().code(2).says("/dev/null/store");
    assert_eq!(outcome.messages().lines().count(), 1, "{outcome}");
}
