//! Valid files are described; damaged, truncated and lying ones are errors.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;
use crate::fixture::{Gguf, vad, whisper};

fn read(bytes: &[u8]) -> Result<Inspection, InspectError> {
    inspect_reader(Cursor::new(bytes))
}

#[test]
fn describes_gguf() {
    let bytes = Gguf::llama(10).bytes();
    let seen = read(&bytes).unwrap();
    assert_eq!(seen.format, Format::Gguf);
    assert_eq!(seen.architecture, "llama");
    assert_eq!(seen.name.as_deref(), Some("tiny"));
    assert_eq!((seen.context, seen.width), (Some(2048), Some(32)));
    assert_eq!((seen.parameters, seen.tensors), (640, 2));
    assert_eq!(seen.quantization, "F16");
    assert_eq!(seen.bytes, bytes.len() as u64);
}

#[test]
fn describes_whisper() {
    let seen = read(&whisper(51_864)).unwrap();
    assert_eq!(seen.format, Format::GgmlWhisper);
    assert_eq!(seen.multilingual, Some(false));
    assert_eq!(seen.tensors, 50);
    assert_eq!(read(&whisper(51_865)).unwrap().multilingual, Some(true));
}

#[test]
fn describes_vad() {
    let seen = read(&vad()).unwrap();
    assert_eq!(seen.format, Format::GgmlVad);
    assert_eq!(seen.name.as_deref(), Some("silero v6.2.3"));
}

#[test]
fn every_truncation_is_an_error() {
    for whole in [Gguf::llama(2).bytes(), vad()] {
        for n in 0..whole.len() {
            assert!(read(&whole[..n]).is_err(), "{n} of {} bytes", whole.len());
        }
    }
    let whole = whisper(51_864);
    for n in (0..whole.len()).step_by(997).chain(whole.len() - 40..whole.len()) {
        assert!(read(&whole[..n]).is_err(), "{n} of {} bytes", whole.len());
    }
}

#[test]
fn a_missing_byte_of_the_last_tensor_is_named() {
    let whole = Gguf::llama(2).bytes();
    let error = read(&whole[..whole.len() - 1]).unwrap_err().to_string();
    let expected = "truncated: tensor 'output.weight' needs 1 bytes more than the file has";
    assert_eq!(error, expected);
}

fn damaged(gguf: &Gguf) -> String {
    let error = read(&gguf.bytes()).unwrap_err();
    assert!(!matches!(error, InspectError::Io(_)), "{error}");
    error.to_string()
}

#[test]
fn lying_counts_are_refused_without_allocating() {
    for at in [8, 16] {
        let mut bytes = Gguf::llama(2).bytes();
        bytes[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(matches!(read(&bytes), Err(InspectError::Damaged(_))), "count at {at}");
    }
    // Length of the first key.
    let mut bytes = Gguf::llama(2).bytes();
    bytes[24..32].copy_from_slice(&(u64::MAX / 2).to_le_bytes());
    assert!(matches!(read(&bytes), Err(InspectError::Damaged(_))));
    for (kind, count) in [(4, u64::MAX), (8, u64::MAX / 2), (8, 1 << 40), (10, 1 << 61)] {
        let mut gguf = Gguf::llama(2);
        gguf.array("x", kind, count, &[]);
        damaged(&gguf);
    }
}

#[test]
fn nested_arrays_and_unknown_types_are_unsupported() {
    for kind in [9, 13, 77] {
        let mut gguf = Gguf::llama(2);
        gguf.array("x", kind, 1, &[0; 64]);
        assert!(damaged(&gguf).starts_with("unsupported"));
    }
    let mut gguf = Gguf::llama(2);
    gguf.tensors[0].2 = 4000;
    assert!(damaged(&gguf).contains("unknown type 4000"));
}

#[test]
fn impossible_tensors_are_refused() {
    type Change = fn(&mut Gguf);
    let changes: [(Change, &str); 9] = [
        (|g| g.tensors[0].1 = vec![u64::MAX, 32], "blocks|large"),
        (|g| g.tensors[0].1 = vec![1 << 40, 1 << 40], "large"),
        (|g| g.tensors[0].1 = vec![32, 0], "empty"),
        (|g| g.tensors[0].1 = vec![32; 5], "dimensions"),
        (|g| g.tensors[1].3 = 0, "overlaps"),
        (|g| g.tensors[1].3 = 1 << 62, "truncated"),
        (|g| g.tensors[1].3 = u64::MAX - 31, "truncated"),
        (|g| g.tensors[1].3 = 1, "not aligned"),
        (|g| g.tensors[1].0 = g.tensors[0].0.clone(), "one name"),
    ];
    for (change, word) in changes {
        let mut gguf = Gguf::llama(16);
        change(&mut gguf);
        let error = damaged(&gguf);
        assert!(word.split('|').any(|w| error.contains(w)), "{word}: {error}");
    }
}

#[test]
fn odd_alignments_are_refused() {
    for alignment in [0, 3, 1 << 31] {
        let mut gguf = Gguf::llama(2);
        gguf.number("general.alignment", alignment);
        assert!(damaged(&gguf).contains("alignment"));
    }
    let mut gguf = Gguf::llama(2);
    gguf.text("general.name", "again");
    assert!(damaged(&gguf).contains("twice"));
}

#[test]
fn other_versions_are_named() {
    let mut bytes = Gguf::llama(2).bytes();
    bytes[4] = 1;
    assert!(read(&bytes).unwrap_err().to_string().contains("version 1"));
    bytes[4..8].copy_from_slice(&3u32.to_be_bytes());
    assert!(read(&bytes).unwrap_err().to_string().contains("big-endian"));
}

#[test]
fn whisper_headers_have_to_fit_the_tensors() {
    // Vocabulary, context, width, heads, layers, mel bands.
    for (word, value) in [
        (0, i32::MAX),
        (0, 51_866),
        (1, 1 << 20),
        (2, 1024),
        (3, 0),
        (4, 2),
        (4, -1),
        (6, 2048),
        (9, 128),
    ] {
        let mut bytes = whisper(51_864);
        let at = 4 + 4 * word;
        bytes[at..at + 4].copy_from_slice(&i32::to_le_bytes(value));
        assert!(matches!(read(&bytes), Err(InspectError::Damaged(_))), "word {word} = {value}");
    }
}

#[test]
fn mislabelled_files_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.bin");
    std::fs::write(&path, vad()).unwrap();
    let error = check(&path, Format::GgmlWhisper).unwrap_err().to_string();
    assert_eq!(error, "a ggml-vad file, where ggml-whisper is due");
    std::fs::write(&path, b"PK\x03\x04 and so on").unwrap();
    assert!(inspect(&path).unwrap_err().to_string().contains("PyTorch"));
    std::fs::write(&path, b"").unwrap();
    assert!(matches!(inspect(&path), Err(InspectError::Unknown(_))));
    assert!(matches!(inspect(dir.path()), Err(InspectError::NotAFile)));
    assert!(matches!(inspect(&dir.path().join("absent")), Err(InspectError::Io(_))));
}

#[test]
fn a_fifo_does_not_block() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    assert!(matches!(inspect(&path), Err(InspectError::NotAFile)));
}

proptest! {
    #[test]
    fn any_bytes_end_without_a_panic(
        magic in prop_oneof![Just(*b"GGUF"), Just(*b"lmgg"), any::<[u8; 4]>()],
        rest in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let _ = read(&[magic.as_slice(), &rest].concat());
    }

    #[test]
    fn a_changed_word_never_panics_and_never_reaches_outside(
        which in 0..3usize,
        at in any::<prop::sample::Index>(),
        word in prop_oneof![any::<u32>(), Just(0), Just(u32::MAX), 0..100u32],
    ) {
        let mut bytes = match which {
            0 => Gguf::llama(4).bytes(),
            1 => vad(),
            _ => whisper(51_864),
        };
        let header = bytes.len().min(1500);
        let at = at.index(header - 4);
        bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
        if let Ok(seen) = read(&bytes) {
            // Every weight takes at least two bytes in these files (f16), or a quarter bit.
            prop_assert!(seen.parameters / 8 <= bytes.len() as u64);
        }
    }
}
