//! Bytes made to break decoders: whatever they are, there is an answer, soon and in little memory.

mod wav;

use std::io::Cursor;
use std::path::Path;

use headwater_audio::Decoder;
use proptest::prelude::*;
use wav::{sine, wav};

/// Decodes at most `limit` blocks; the outcome does not matter, only that there is one.
fn survive(input: Vec<u8>, limit: usize) {
    let Ok(mut decoder) = Decoder::from_reader(Box::new(Cursor::new(input))) else { return };
    for _ in 0..limit {
        match decoder.next_block() {
            Ok(Some(block)) => assert!(block.iter().all(|x| x.abs() <= 1.0)),
            Ok(None) | Err(_) => break,
        }
    }
    let _ = decoder.info();
}

/// Peak memory of this process so far, in MiB.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap_or("VmHWM: 0 kB");
    line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn file(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/data/speech");
    std::fs::read(folder.join(name)).unwrap()
}

const FILES: [&str; 13] = [
    "short.flac",
    "short.mp3",
    "short.ogg",
    "short.opus",
    "short.m4a",
    "short-alac.m4a",
    "short.webm",
    "short-opus.webm",
    "short-mulaw.wav",
    "short-adpcm.wav",
    "short-ima.wav",
    "short.aiff",
    "short.caf",
];

#[test]
fn lying_lengths_take_no_memory() {
    for data_bytes in [0, 1, 0x7FFF_FFFF, 0xFFFF_FFFE, u32::MAX] {
        for channels in [1, 2, 63, 1000, u16::MAX] {
            survive(wav(16_000, channels, data_bytes, &[1000; 500]), 100);
        }
    }
    // Every length field of every container, one after another, becomes the largest number.
    for name in FILES {
        let whole = file(name);
        for at in 0..whole.len().min(700) {
            let mut lying = whole.clone();
            let end = (at + 4).min(lying.len());
            lying[at..end].fill(0xFF);
            survive(lying, 4);
        }
    }
    assert!(peak_mib() < 400, "took {} MiB", peak_mib());
}

#[test]
fn every_truncation_of_the_header_is_survived() {
    for name in FILES {
        let whole = file(name);
        for len in (0..whole.len().min(1200)).step_by(3).chain([whole.len() / 2]) {
            survive(whole[..len].to_vec(), 8);
        }
    }
}

#[test]
fn odd_sample_rates_are_survived() {
    for rate in [1_000, 1_001, 15_999, 16_001, 44_099, 99_991, 191_999, 767_957] {
        survive(sine(rate, 100.0, 0.05), 4);
    }
    assert!(peak_mib() < 400, "took {} MiB", peak_mib());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    #[test]
    fn mutated_files_are_survived(
        which in 0..FILES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..24),
        in_header in any::<bool>(),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let mut input = file(FILES[which]);
        let reach = if in_header { input.len().min(600) } else { input.len() };
        for (at, value) in changes {
            input[at.index(reach)] = value;
        }
        if let Some(cut) = cut {
            input.truncate(cut.index(input.len()));
        }
        survive(input, 30);
    }

    #[test]
    fn arbitrary_bytes_behind_a_magic_are_survived(
        magic in prop::sample::select(vec![
            &b"RIFF\xff\xff\xff\xffWAVEfmt "[..], b"fLaC\0\0\0\x22", b"OggS\0\x02", b"ID3\x04\0\0",
            b"\xff\xfb\x90\x44", b"FORM\0\0\x10\0AIFFCOMM", b"caff\0\x01\0\0desc", b"\x1aE\xdf\xa3",
            b"\0\0\0\x20ftypM4A ", b"\xff\xf1\x50\x80",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..3000),
    ) {
        survive([magic, &rest].concat(), 30);
    }
}

#[test]
fn encrypted_sound_is_called_so() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/data/speech");
    let plain = std::fs::read(folder.join("short.m4a")).expect("a file of tests/data");
    let entry = plain.windows(4).position(|w| w == b"mp4a").expect("a description of samples");
    for kind in [b"drms", b"enca"] {
        let mut bytes = plain.clone();
        bytes[entry..entry + 4].copy_from_slice(kind);
        let error = Decoder::from_reader(Box::new(Cursor::new(bytes))).expect_err("encrypted");
        assert!(error.to_string().contains("encrypted (DRM)"), "{error}");
    }
}
