//! `transcribe` and recordings that few programs make: heard all the same, or refused with a
//! reason.

use std::fs;

use serde_json::Value;
use testkit::{Program, data, program};

fn transcribe() -> Program {
    program("transcribe").arg("--no-via")
}

fn speech(name: &str) -> Vec<u8> {
    fs::read(data("speech").join(name)).expect("a file of tests/data")
}

/// Three seconds of speech, 8 kHz.
fn samples() -> Vec<i16> {
    let bytes = speech("short.wav");
    bytes[44..].chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// A WAV file: format 1 is whole numbers, 3 is floats; `length` is what the header says.
fn wav(
    (format, bits): (u16, u16),
    (channels, rate): (u16, u32),
    body: &[u8],
    length: u32,
) -> Vec<u8> {
    let frame = channels * bits / 8;
    let mut out = b"RIFF".to_vec();
    out.extend(length.saturating_add(36).to_le_bytes());
    out.extend(b"WAVEfmt \x10\0\0\0");
    out.extend(format.to_le_bytes());
    out.extend(channels.to_le_bytes());
    out.extend(rate.to_le_bytes());
    out.extend((rate * u32::from(frame)).to_le_bytes());
    out.extend(frame.to_le_bytes());
    out.extend(bits.to_le_bytes());
    out.extend(b"data");
    out.extend(length.to_le_bytes());
    out.extend(body);
    out
}

/// Each sample so many times: as many channels, or as many times the rate.
fn repeated(times: usize) -> Vec<u8> {
    samples()
        .into_iter()
        .flat_map(|x| std::iter::repeat_n(x.to_le_bytes(), times))
        .flatten()
        .collect()
}

/// Each sample as a float, and what some of them are.
fn floats(odd: impl Fn(usize) -> Option<f32>) -> Vec<u8> {
    let sample = |(at, x): (usize, i16)| odd(at).unwrap_or(f32::from(x) / 32_768.0).to_le_bytes();
    samples().into_iter().enumerate().flat_map(sample).collect()
}

fn length(body: &[u8]) -> u32 {
    u32::try_from(body.len()).expect("short")
}

fn text(record: &Value) -> String {
    record["text"].as_str().unwrap_or_else(|| panic!("no text: {record}")).to_lowercase()
}

#[test]
fn model_odd_channels_rates_and_samples_are_heard() {
    let eight = repeated(8);
    let fast = repeated(24);
    let holes = floats(|at| (at % 4000 == 7).then_some(f32::NAN));
    let spikes = floats(|at| (at == 100).then_some(f32::INFINITY));
    let files = [
        ("eight.wav", wav((1, 16), (8, 8000), &eight, length(&eight))),
        ("fast.wav", wav((1, 16), (1, 192_000), &fast, length(&fast))),
        ("holes.wav", wav((3, 32), (1, 8000), &holes, length(&holes))),
        ("spikes.wav", wav((3, 32), (1, 8000), &spikes, length(&spikes))),
    ];
    let mut run = transcribe();
    for (name, bytes) in &files {
        run = run.file(name, bytes).arg(name);
    }
    let outcome = run.run().code(0);
    for (record, (name, _)) in outcome.records().iter().zip(&files) {
        assert!(text(record).starts_with("and so my fellow"), "{name}: {outcome}");
        assert_eq!(record["transcript"]["duration"], 3.0, "{name}: {outcome}");
        // No number that JSON does not have.
        assert!(record["confidence"].as_f64().is_some_and(|c| c > 0.3), "{name}: {outcome}");
    }

    let nothing = floats(|_| Some(f32::NAN));
    let nothing = wav((3, 32), (1, 8000), &nothing, length(&nothing));
    let record = transcribe().arg("-").stdin(nothing).run().code(0).record();
    assert_eq!(text(&record), "", "{record}");
}

#[test]
fn model_a_header_that_lies_about_length_takes_nothing_away() {
    let body = repeated(1);
    // As programs leave it that write to a pipe, or are killed.
    for claimed in [0, u32::MAX, 0x7fff_ffff] {
        let record = transcribe().arg("-").stdin(wav((1, 16), (1, 8000), &body, claimed)).run();
        let record = record.code(0).record();
        assert!(text(&record).starts_with("and so my fellow"), "{claimed}: {record}");
    }
    // Four gigabytes, of which the first seconds are asked for; the rest is a hole.
    let run = transcribe().file("huge.wav", wav((1, 16), (1, 8000), &body, u32::MAX - 36));
    let file = fs::OpenOptions::new().write(true).open(run.folder().join("huge.wav"));
    file.and_then(|file| file.set_len(4 << 30)).expect("a sparse file");
    let record = run.args(["--duration", "3", "huge.wav"]).run().code(0).record();
    assert!(text(&record).starts_with("and so my fellow"), "{record}");
}

#[test]
fn model_films_without_sound_and_locked_music_say_what_they_are() {
    let plain = speech("short.m4a");
    let entry = plain.windows(4).position(|w| w == b"mp4a").expect("a description of samples");
    let locked = [&plain[..entry], b"drms", &plain[entry + 4..]].concat();
    let run = transcribe().arg(data("video/silent-film.mp4")).file("locked.m4a", locked);
    let outcome = run.arg("locked.m4a").run().code(1);
    let [film, locked] = &outcome.records()[..] else { panic!("{outcome}") };
    let says = |record: &Value, what: &str| {
        assert_eq!(record["error"]["code"], "unsupported", "{outcome}");
        let message = record["error"]["message"].as_str().expect("a message");
        assert!(message.contains(what), "{outcome}");
    };
    says(film, "no audio track");
    says(locked, "encrypted (DRM)");
}
