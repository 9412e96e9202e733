//! Files that lie: each gives an error, whatever it claims.

use std::io::Cursor;

use super::super::ct2::Ct2Model;
use super::super::safetensors::Safetensors;
use super::super::tokenizer::{WordPiece, whisper_tokens};
use super::super::{Format, ImportError, WeightType, convert_whisper, format};
use super::samples::{Ct2, WHISPER_TOKENIZER, whisper, with_header};

fn ct2_error(bytes: Vec<u8>) -> ImportError {
    Ct2Model::read(&mut Cursor::new(bytes)).expect_err("the file lies")
}

fn safetensors_error(header: &str, data: &[u8]) -> ImportError {
    Safetensors::read(&mut Cursor::new(with_header(header, data))).expect_err(header)
}

fn assert_malformed(error: &ImportError) {
    assert!(matches!(error, ImportError::Malformed { .. }), "{error:?}");
}

/// A file with one variable of the given shape and bytes.
fn one_variable(shape: &[u32], bytes: Vec<u8>) -> Ct2 {
    let mut model = whisper();
    model.variables.clear();
    model.aliases.clear();
    model.add("w", shape, 0, bytes);
    model
}

/// Where the number of variables is: version, "WhisperSpec" with its length and NUL, revision.
const COUNT_AT: usize = 4 + 2 + 12 + 4;

#[test]
fn ct2_cut_off_anywhere() {
    let bytes = one_variable(&[2], vec![0; 8]).bytes();
    assert!(Ct2Model::read(&mut Cursor::new(bytes.clone())).is_ok());
    for length in 0..bytes.len() {
        assert_malformed(&ct2_error(bytes[..length].to_vec()));
    }
}

#[test]
fn ct2_counts_and_lengths_beyond_the_file() {
    for count in [2, 1 << 16, u32::MAX] {
        let mut bytes = one_variable(&[2], vec![0; 8]).bytes();
        bytes[COUNT_AT..COUNT_AT + 4].copy_from_slice(&u32::to_le_bytes(count));
        assert_malformed(&ct2_error(bytes));
    }
    // 2^32 - 4 bytes as the shape says, of which 8 are there.
    let mut bytes = one_variable(&[(1 << 30) - 1], vec![0; 8]).bytes();
    let at = COUNT_AT + 4 + 2 + 2 + 1 + 4 + 1;
    bytes[at..at + 4].copy_from_slice(&(u32::MAX - 3).to_le_bytes());
    assert_malformed(&ct2_error(bytes));
}

#[test]
fn ct2_shapes_that_do_not_fit_their_bytes() {
    let max = u32::MAX;
    let shapes: [&[u32]; 5] = [&[3], &[], &[max; 8], &[1 << 31, 1 << 31, 4], &[1; 9]];
    for shape in shapes {
        assert_malformed(&ct2_error(one_variable(shape, vec![0; 8]).bytes()));
    }
}

#[test]
fn ct2_doubled_names_and_aliases_of_nothing() {
    let mut doubled = one_variable(&[1], vec![0; 4]);
    doubled.add("w", &[1], 0, vec![0; 4]);
    assert_malformed(&ct2_error(doubled.bytes()));
    let mut dangling = one_variable(&[1], vec![0; 4]);
    dangling.aliases.push(("a".to_owned(), "b".to_owned()));
    assert_malformed(&ct2_error(dangling.bytes()));
}

#[test]
fn ct2_of_other_versions_kinds_and_types() {
    let mut other = [whisper(), whisper(), whisper(), whisper()];
    other[0].version = 3;
    other[1].version = 7;
    other[2].spec = "TransformerSpec".to_owned();
    other[3].variables[0].dtype = 6;
    for model in other {
        let error = ct2_error(model.bytes());
        assert!(matches!(error, ImportError::Unsupported(_)), "{error:?}");
    }
}

#[test]
fn whisper_sizes_that_contradict_each_other() {
    let convert = |model: &Ct2| {
        let mut source = Cursor::new(model.bytes());
        let tokenizer = WHISPER_TOKENIZER.as_bytes();
        convert_whisper(&mut source, tokenizer, &mut Vec::new(), WeightType::F16)
    };
    assert!(convert(&whisper()).is_ok());
    for heads in [[0, 0], [5, 0], [0xff, 0xff]] {
        let mut model = whisper();
        model.variable("encoder/num_heads").bytes = heads.to_vec();
        assert!(convert(&model).is_err(), "{heads:?}");
    }
    for (name, shape) in [
        ("decoder/embeddings/weight", vec![0, 32]),
        ("decoder/embeddings/weight", vec![2, 32]),
        ("encoder/conv1/weight", vec![32, 257, 3]),
        ("encoder/position_encodings/encodings", vec![5, 64]),
        ("encoder/position_encodings/encodings", vec![160]),
    ] {
        let mut model = whisper();
        let variable = model.variable(name);
        variable.bytes = vec![0; shape.iter().product::<u32>() as usize * 2];
        variable.shape = shape;
        assert!(convert(&model).is_err(), "{name} {:?}", model.variable(name).shape);
    }
}

#[test]
fn safetensors_headers() {
    for (length, rest) in [(u64::MAX, 2), (1 << 40, 2), (3, 2), (17 << 20, 64)] {
        let bytes = [&length.to_le_bytes()[..], &vec![b' '; rest]].concat();
        let error = Safetensors::read(&mut Cursor::new(bytes)).expect_err("a lying length");
        assert_malformed(&error);
    }
    let error = Safetensors::read(&mut Cursor::new(vec![0; 7])).expect_err("too short");
    assert_malformed(&error);
    let deep = "[".repeat(100_000);
    for header in ["", "[]", "{\"a\": 1}", "{\"a\": {\"dtype\": \"F32\"}}", &deep] {
        assert_malformed(&safetensors_error(header, &[]));
    }
}

/// A header entry.
fn entry(name: &str, dtype: &str, shape: &str, begin: u64, end: u64) -> String {
    format!(
        r#""{name}": {{"dtype": "{dtype}", "shape": {shape}, "data_offsets": [{begin}, {end}]}}"#
    )
}

#[test]
fn safetensors_layouts() {
    let two = |a: String, b: String| format!("{{{a}, {b}}}");
    let first = || entry("a", "F32", "[2]", 0, 8);
    let overflow = "[4294967296, 4294967296, 4]";
    for header in [
        // Overlap, gap, reversed, out of range, not covered, the same bytes twice.
        two(first(), entry("b", "F32", "[2]", 4, 12)),
        two(entry("a", "F32", "[1]", 0, 4), entry("b", "F32", "[2]", 8, 16)),
        two(first(), entry("b", "F32", "[2]", 16, 8)),
        two(first(), entry("b", "F32", "[4]", 8, 24)),
        format!("{{{}}}", first()),
        two(first(), entry("b", "F32", "[2]", 0, 8)),
        // Lengths that are not the shape's, a product of 0 modulo 2^64, unknown types.
        two(first(), entry("b", "F32", "[3]", 8, 16)),
        two(first(), entry("b", "F16", "[2]", 8, 16)),
        two(first(), entry("b", "F32", overflow, 8, 16)),
        two(first(), entry("b", "F7", "[2]", 8, 16)),
        two(first(), entry("b", "F32", "[1,1,1,1,1,1,1,1,2]", 8, 16)),
        two(first(), entry("b", "F32", "[-2]", 8, 16)),
        // The name twice.
        two(first(), entry("a", "F32", "[2]", 8, 16)),
        format!("{{{}}}", entry("a", "F32", "[2]", u64::MAX - 7, u64::MAX)),
    ] {
        assert_malformed(&safetensors_error(&header, &[0; 16]));
    }
    let good = two(first(), entry("b", "F32", "[2]", 8, 16));
    assert!(Safetensors::read(&mut Cursor::new(with_header(&good, &[0; 16]))).is_ok());
}

#[test]
fn whisper_vocabularies() {
    for vocab in [
        r#"{"a": 0}"#,
        r#"{"a": 0, "b": 2, "<|endoftext|>": 3}"#,
        r#"{"a": 0, "b": 0, "<|endoftext|>": 2}"#,
        r#"{"a": 0, "b": 0, "<|endoftext|>": 1}"#,
        r#"{"a": 0, "<|endoftext|>": 4294967295}"#,
        r#"{"€": 0, "<|endoftext|>": 1}"#,
        r#"{"a": -1, "<|endoftext|>": 0}"#,
        r#"[["a", 0]]"#,
    ] {
        let file = format!(r#"{{"model": {{"vocab": {vocab}}}}}"#);
        assert_malformed(&whisper_tokens(file.as_bytes()).expect_err(vocab));
    }
    assert_malformed(&whisper_tokens(&b"{}"[..]).expect_err("no model"));
    let endless = std::io::repeat(b' ');
    let error = whisper_tokens(endless).expect_err("too large");
    assert!(matches!(error, ImportError::Unsupported(_)), "{error}");
}

#[test]
fn bert_vocabularies() {
    let special = r#""[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3"#;
    for (vocab, size) in [
        (format!("{{{special}}}"), 4),
        (format!(r#"{{{special}, "[MASK]": 5}}"#), 5),
        (format!(r#"{{{special}, "[MASK]": 3}}"#), 5),
        (format!(r#"{{{special}, "[MASK]": 4}}"#), 6),
        (format!(r#"{{{special}, "[MASK]": 4}}"#), u32::MAX),
    ] {
        let file = format!(r#"{{"model": {{"vocab": {vocab}}}}}"#);
        assert_malformed(&WordPiece::read(file.as_bytes(), size).expect_err(&vocab));
    }
    let unigram = r#"{"model": {"type": "Unigram", "vocab": {}}}"#;
    let error = WordPiece::read(unigram.as_bytes(), 0).expect_err("another tokenizer");
    assert!(matches!(error, ImportError::Unsupported(_)), "{error}");
}

#[test]
fn formats_by_content() {
    let kind = |bytes: &[u8]| format(&mut Cursor::new(bytes.to_vec()));
    let ggml = |numbers: [u32; 11]| {
        let header = [0x6767_6d6c].into_iter().chain(numbers);
        header.flat_map(u32::to_le_bytes).collect::<Vec<u8>>()
    };
    let whisper_file = ggml([51_864, 1500, 384, 6, 4, 448, 384, 6, 4, 80, 1]);
    assert_eq!(kind(b"GGUF\x03\0\0\0").expect("GGUF"), Format::Gguf);
    assert_eq!(kind(&whisper_file).expect("Whisper"), Format::GgmlWhisper);
    assert_eq!(kind(&whisper().bytes()).expect("CTranslate2"), Format::Ct2Whisper);
    assert_malformed(&kind(&whisper_file[..40]).expect_err("cut off"));
    let safetensors = with_header(&format!("{{{}}}", entry("a", "F32", "[2]", 0, 8)), &[0; 8]);
    let old_llama = ggml([32_000, 4096, 256, 32, 32, 128, 2, 0, 0, 0, 0]);
    for other in [&b""[..], b"{}", b"\x04\0\0\0junk", b"lmg", &old_llama, &safetensors] {
        let error = kind(other).expect_err("not a model");
        assert!(matches!(error, ImportError::Unrecognised(_)), "{error}");
    }
}
