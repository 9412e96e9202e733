//! Files that are not usable models.
#![allow(missing_docs)]

mod store;

use std::fs;

use engine::Error;
use headwater_llama::{Llama, LlamaEmbedder, Options};

fn refusal(options: Options) -> String {
    match Llama::load(options) {
        Err(error @ Error::Load { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn other_files_are_refused_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        Options::new(path)
    };
    assert!(refusal(Options::new(dir.path().join("none"))).contains("No such file"));
    assert!(refusal(Options::new(dir.path())).contains("not a regular file"));
    assert!(refusal(file("empty", b"")).ends_with("not a GGUF file"));
    assert!(refusal(file("text", b"hello, world")).ends_with("not a GGUF file"));
    assert!(refusal(file("cut", b"GGUF\x03\0\0\0")).contains("damaged GGUF header"));
    let mut lying = b"GGUF\x03\0\0\0".to_vec();
    lying.extend([0xff; 16]);
    assert!(refusal(file("lying", &lying)).contains("damaged GGUF header"));
}

/// A GGUF with text and number metadata and no tensors.
fn gguf(texts: &[(&str, &str)], numbers: &[(&str, u32)]) -> Vec<u8> {
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend(0_u64.to_le_bytes());
    bytes.extend(((texts.len() + numbers.len()) as u64).to_le_bytes());
    let text = |bytes: &mut Vec<u8>, text: &str| {
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text.as_bytes());
    };
    for (key, value) in texts {
        text(&mut bytes, key);
        bytes.extend(8_u32.to_le_bytes());
        text(&mut bytes, value);
    }
    for (key, value) in numbers {
        text(&mut bytes, key);
        bytes.extend(4_u32.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes
}

#[test]
fn headers_without_sense_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.gguf");
    let try_with = |texts: &[(&str, &str)], numbers: &[(&str, u32)]| {
        fs::write(&path, gguf(texts, numbers)).unwrap();
        refusal(Options::new(&path))
    };
    assert!(try_with(&[], &[]).contains("does not name an architecture"));
    assert!(
        try_with(&[], &[("general.architecture", 5)]).contains("does not name an architecture")
    );
    let arch = [("general.architecture", "teapot")];
    assert!(try_with(&arch, &[]).contains("not a language model"));
    let text = try_with(&arch, &[("teapot.context_length", 512)]);
    assert!(text.contains("teapot"), "{text}");
    let huge = [
        ("llama.context_length", 512),
        ("llama.block_count", u32::MAX),
        ("llama.embedding_length", u32::MAX),
        ("llama.attention.head_count", 0),
    ];
    let text = try_with(&[("general.architecture", "llama")], &huge);
    assert!(text.contains("MiB"), "{text}");
}

#[test]
fn model_a_truncated_file_is_refused() {
    let whole = store::model("SmolLM2-135M-Instruct.Q4_1.gguf", "smollm2-135m");
    let bytes = fs::read(whole).unwrap();
    let dir = tempfile::tempdir().unwrap();
    for part in [bytes.len() / 2, 1 << 20, 100] {
        let path = dir.path().join("cut.gguf");
        fs::write(&path, &bytes[..part]).unwrap();
        let text = refusal(Options::new(path));
        assert!(text.contains("cut.gguf"), "{text}");
    }
}

#[test]
fn model_the_wrong_kind_of_model_is_named() {
    let generator = store::model("SmolLM2-135M-Instruct.Q4_1.gguf", "smollm2-135m");
    let embedder = store::model("all-MiniLM-L6-v2-f16.gguf", "minilm");
    assert!(refusal(Options::new(embedder)).contains("embedding model"));
    let error = LlamaEmbedder::load(Options::new(&generator)).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("not an embedding model"), "{error}");
    let long = refusal(Options { context: 1 << 20, ..Options::new(&generator) });
    assert!(long.contains("trained for 8192"), "{long}");
    let small = refusal(Options { context: 8192, kv_bytes: 1 << 20, ..Options::new(&generator) });
    assert!(small.contains("the limit is 1 MiB"), "{small}");
}
