//! Whole conversions on disk: finding the source, writing the result.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::super::{Format, ImportError, Source, WeightType, convert, detect};
use super::samples::{WHISPER_TOKENIZER, safetensors, whisper};
use super::{bert, silero};

fn folder() -> TempDir {
    TempDir::new().expect("a temporary folder")
}

fn put(dir: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(&path, content).expect("a file");
    path
}

fn whisper_folder() -> TempDir {
    let dir = folder();
    put(dir.path(), "model.bin", whisper().bytes());
    put(dir.path(), "tokenizer.json", WHISPER_TOKENIZER);
    dir
}

fn bert_folder() -> TempDir {
    let dir = folder();
    put(dir.path(), "model.safetensors", safetensors(&bert::tensors()));
    put(dir.path(), "config.json", bert::CONFIG);
    put(dir.path(), "1_Pooling/config.json", bert::POOLING);
    put(dir.path(), "tokenizer.json", bert::TOKENIZER);
    dir
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a folder");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The error behind the name of the file.
fn reason(error: ImportError) -> ImportError {
    match error {
        ImportError::InFile { reason, .. } => *reason,
        other => other,
    }
}

#[test]
fn whisper_from_folder_or_file() {
    let dir = whisper_folder();
    let source = detect(dir.path()).expect("found");
    assert_eq!(source, detect(&dir.path().join("model.bin")).expect("found"));
    assert!(matches!(source, Source::Ct2Whisper { .. }));

    let target = folder();
    let out = target.path().join("tiny.bin");
    let converted = convert(&source, &out, WeightType::Q5_0).expect("converts");
    let content = fs::read(&out).expect("written");
    let sum: String = Sha256::digest(&content).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!((converted.bytes, converted.sha256), (content.len() as u64, sum));
    assert_eq!((converted.format, converted.tensors), (Format::GgmlWhisper, 50));
    assert_eq!(names(target.path()), ["tiny.bin"]);
}

#[test]
fn bert_without_a_card_is_named_after_its_folder() {
    let dir = bert_folder();
    let source = detect(dir.path()).expect("found");
    assert_eq!(source, Source::BertSafetensors { dir: dir.path().to_path_buf() });
    let target = folder();
    let out = target.path().join("sea.gguf");
    convert(&source, &out, WeightType::F16).expect("converts");
    assert_eq!(detect(&out).expect("found"), Source::Gguf(out.clone()));
    let name = dir.path().file_name().expect("a name").to_string_lossy().into_owned();
    let content = fs::read(&out).expect("written");
    assert!(content.windows(name.len()).any(|window| window == name.as_bytes()));
}

#[test]
fn silero_is_always_f16() {
    let dir = folder();
    let file = put(dir.path(), "vad.safetensors", safetensors(&silero::tensors()));
    put(dir.path(), "__init__.py", "");
    let source = detect(dir.path()).expect("found");
    assert_eq!(source, Source::SileroSafetensors { file });
    let out = dir.path().join("vad.bin");
    let error = convert(&source, &out, WeightType::Q8_0).expect_err("no such form");
    assert!(matches!(reason(error), ImportError::WeightType { .. }));
    let converted = convert(&source, &out, WeightType::F16).expect("converts");
    assert_eq!(converted.format, Format::GgmlVad);
    assert_eq!(detect(&out).expect("found"), Source::GgmlVad(out.clone()));
    let error = detect(dir.path()).expect_err("two models now");
    assert!(matches!(reason(error), ImportError::Unrecognised(_)));
}

#[test]
fn ready_files_need_no_conversion() {
    let dir = folder();
    let out = dir.path().join("out");
    let path = PathBuf::from("a");
    for source in [
        Source::Gguf(path.clone()),
        Source::GgmlWhisper(path.clone()),
        Source::GgmlVad(path.clone()),
    ] {
        let error = convert(&source, &out, WeightType::F16).expect_err("ready");
        assert!(error.to_string().contains("no conversion is needed"), "{error}");
        assert!(!out.exists());
    }
}

#[test]
fn a_failed_conversion_leaves_no_trace() {
    let dir = whisper_folder();
    let mut model = whisper();
    // Bad weights are noticed only while they are written.
    model.variable("decoder/layer_0/ffn/linear_1/bias").bytes.fill(0xff);
    put(dir.path(), "model.bin", model.bytes());
    let source = detect(dir.path()).expect("found");
    let target = folder();
    let out = put(target.path(), "tiny.bin", "what was there");
    let error = convert(&source, &out, WeightType::F16).expect_err("NaN");
    assert!(matches!(reason(error), ImportError::NotFinite(_)));
    assert_eq!(fs::read(&out).expect("still there"), b"what was there");
    assert_eq!(names(target.path()), ["tiny.bin"]);
}

#[test]
fn the_source_is_never_overwritten() {
    let dir = whisper_folder();
    let source = detect(dir.path()).expect("found");
    let out = dir.path().join("../").join(dir.path().file_name().expect("a name"));
    for name in ["model.bin", "tokenizer.json"] {
        let error = convert(&source, &out.join(name), WeightType::F16).expect_err("the source");
        assert!(matches!(reason(error), ImportError::OverwritesSource));
    }
    assert_eq!(fs::read(dir.path().join("model.bin")).expect("kept"), whisper().bytes());
}

#[test]
fn incomplete_folders_and_things_that_are_no_files() {
    let without = |dir: TempDir, name: &str| {
        fs::remove_file(dir.path().join(name)).expect("removed");
        let found = detect(dir.path());
        found.and_then(|source| convert(&source, &dir.path().join("out"), WeightType::F16))
    };
    assert!(without(whisper_folder(), "tokenizer.json").is_err());
    for name in ["config.json", "tokenizer.json", "1_Pooling/config.json"] {
        let error = without(bert_folder(), name).expect_err(name);
        assert!(matches!(error, ImportError::InFile { .. }), "{error}");
    }
    let empty = folder();
    assert!(detect(empty.path()).is_err());
    assert!(detect(&empty.path().join("missing")).is_err());
    assert!(detect(&put(empty.path(), "empty.bin", "")).is_err());
    let error = detect(Path::new("/dev/null")).expect_err("a device");
    assert!(error.to_string().contains("not a regular file"), "{error}");
}
