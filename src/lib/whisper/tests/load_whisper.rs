//! Files that are not models are refused with a reason before C++ sees them.

use std::path::Path;

use engine::Error;
use headwater_whisper::{Options, SileroVad, Whisper};

fn refusals(path: &Path) -> [String; 2] {
    let reason = |e: Error| match e {
        Error::Load { path: told, reason } => {
            assert_eq!(told, path);
            reason
        }
        other => panic!("{other:?}"),
    };
    [
        reason(Whisper::load(Options::new(path)).expect_err("not a model")),
        reason(SileroVad::load(path, 1).expect_err("not a model")),
    ]
}

#[test]
fn missing_empty_and_foreign_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.bin");
    assert!(refusals(&path).iter().all(|r| r.contains("No such file")));
    assert!(refusals(folder.path()).iter().all(|r| r.contains("regular file")));
    let gguf = b"GGUF\x03\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff";
    for bytes in [&b""[..], b"lm", b"lmgg", b"plain text, not a model", gguf] {
        std::fs::write(&path, bytes).unwrap();
        for reason in refusals(&path) {
            assert!(reason.contains("not a") || reason.contains("cut short"), "{reason}");
        }
    }
}

/// A file with a vocabulary of which the first token is `first`, and no tensors.
fn whole(header: &[i32], first: &[u8]) -> Vec<u8> {
    let mut bytes = 0x6767_6d6c_i32.to_le_bytes().to_vec();
    header.iter().for_each(|x| bytes.extend(x.to_le_bytes()));
    bytes.resize(bytes.len() + 80 * 201 * 4, 0);
    bytes.extend(50_257_i32.to_le_bytes());
    for token in std::iter::once(first).chain(std::iter::repeat_n(&b"word"[..], 50_256)) {
        bytes.extend((token.len() as i32).to_le_bytes());
        bytes.extend(token);
    }
    bytes
}

#[test]
fn lying_headers_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.bin");
    let good = [51_864, 1500, 384, 6, 4, 448, 384, 6, 4, 80, 1, 80, 201];
    for (at, lie) in (0..good.len()).flat_map(|at| [0, -1, i32::MAX, 1 << 20].map(|l| (at, l))) {
        let mut header = good;
        header[at] = lie;
        let mut bytes = 0x6767_6d6c_i32.to_le_bytes().to_vec();
        header.iter().for_each(|x| bytes.extend(x.to_le_bytes()));
        std::fs::write(&path, &bytes).unwrap();
        assert!(Whisper::load(Options::new(&path)).is_err(), "{lie} at {at}");
    }
    // Weights of 32 bits, of which whisper.cpp's convolutions know nothing.
    let mut header = good;
    header[10] = 0;
    std::fs::write(&path, whole(&header, b" ")).unwrap();
    assert!(refusals(&path)[0].contains("32 bits"), "{:?}", refusals(&path));
    // A vocabulary in which whisper.cpp would look for a space in vain.
    std::fs::write(&path, whole(&good, b"x")).unwrap();
    assert!(refusals(&path)[0].contains("without a space"), "{:?}", refusals(&path));
    std::fs::write(&path, whole(&good, b" ")).unwrap();
    assert!(refusals(&path)[0].contains("0 of 167 tensors"), "{:?}", refusals(&path));
    let mut bytes = 0x6767_6d6c_i32.to_le_bytes().to_vec();
    bytes.extend(i32::MAX.to_le_bytes());
    std::fs::write(&path, &bytes).unwrap();
    assert!(SileroVad::load(&path, 1).is_err());
}
