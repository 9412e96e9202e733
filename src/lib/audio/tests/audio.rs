//! Files of every supported kind, whole and cut, from files, pipes and FIFOs.

mod wav;

use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use headwater_audio::{BLOCK, Channels, Decoder, Error, Info, ReadAt};
use wav::{sine, wav};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/data/speech").join(name)
}

fn all(mut decoder: Decoder) -> Result<(Vec<f32>, Info), Error> {
    let mut samples = Vec::new();
    while let Some(block) = decoder.next_block()? {
        assert!(!block.is_empty() && block.len() <= BLOCK);
        samples.extend(block);
    }
    assert!(matches!(decoder.next_block(), Ok(None)), "stays at the end");
    Ok((samples, decoder.info().clone()))
}

fn bytes(input: Vec<u8>) -> Result<(Vec<f32>, Info), Error> {
    all(Decoder::from_reader(Box::new(Cursor::new(input)))?)
}

/// Normalised correlation at the best shift within `reach` samples.
fn likeness(a: &[f32], b: &[f32], reach: usize) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let norm = |a: &[f32]| dot(a, a).sqrt();
    (0..=reach)
        .flat_map(|k| [(&a[k..], b), (a, &b[k..])])
        .map(|(a, b)| {
            let n = a.len().min(b.len());
            dot(&a[..n], &b[..n]) / (norm(&a[..n]) * norm(&b[..n]) + 1e-9)
        })
        .fold(-1.0, f32::max)
}

#[test]
fn every_format_decodes_to_the_same_speech() {
    let (reference, _) = all(Decoder::open(&data("short.flac")).unwrap()).unwrap();
    assert_eq!(reference.len(), 3 * BLOCK);
    // (file, codec, rate, channels, least likeness: 8 kHz files lose the upper half)
    let cases = [
        ("short.mp3", "mp3", 44_100, 2, 0.95),
        ("short.ogg", "vorbis", 22_050, 1, 0.95),
        ("short.webm", "vorbis", 22_050, 1, 0.95),
        ("short.opus", "opus", 48_000, 1, 0.85),
        ("short-opus.webm", "opus", 48_000, 1, 0.85),
        ("short.m4a", "aac", 44_100, 1, 0.95),
        ("short-alac.m4a", "alac", 16_000, 1, 0.999),
        ("short-mulaw.wav", "pcm_mulaw", 8_000, 1, 0.95),
        ("short-adpcm.wav", "adpcm_ms", 8_000, 1, 0.95),
        ("short-ima.wav", "adpcm_ima_wav", 8_000, 1, 0.95),
        ("short.aiff", "pcm_s16be", 8_000, 1, 0.95),
        ("short.caf", "pcm_alaw", 8_000, 1, 0.95),
    ];
    for (name, codec, rate, channels, least) in cases {
        let (samples, info) = all(Decoder::open(&data(name)).unwrap()).expect(name);
        assert_eq!(
            (info.codec.as_str(), info.sample_rate, info.channels),
            (codec, rate, channels),
            "{name}"
        );
        let seconds = samples.len() as f64 / BLOCK as f64;
        assert!((seconds - 3.0).abs() < 0.12, "{name}: {seconds} s");
        if let Some(declared) = info.duration {
            assert!((declared - 3.0).abs() < 0.12, "{name}: says {declared} s");
        }
        let likeness = likeness(&reference, &samples, 1600);
        assert!(likeness > least, "{name}: {likeness}");
        // The same bytes through a pipe, which cannot seek.
        let (piped, _) = bytes(std::fs::read(data(name)).unwrap()).expect(name);
        assert_eq!(piped, samples, "{name} through a pipe");
    }
}

#[test]
fn resampling_keeps_length_pitch_and_level() {
    for rate in [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 44_101, 48_000, 96_000, 384_000] {
        for seconds in [0.01, 0.5, 1.7] {
            let (out, _) = bytes(sine(rate, 440.0, seconds)).unwrap();
            let due = (f64::from(rate) * seconds).floor() * 16_000.0 / f64::from(rate);
            assert!((out.len() as f64 - due).abs() <= 2.0, "{rate} Hz: {} of {due}", out.len());
        }
        let (out, _) = bytes(sine(rate, 440.0, 1.0)).unwrap();
        let want: Vec<f32> = (0..out.len())
            .map(|i| {
                (i as f32 * 440.0 / 16_000.0 * std::f32::consts::TAU).sin() * 16_000.0 / 32_768.0
            })
            .collect();
        let middle = 2_000..14_000;
        let worst = out[middle.clone()]
            .iter()
            .zip(&want[middle])
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(worst < 2e-3, "{rate} Hz is off by {worst}: delay, pitch or level");
    }
}

#[test]
fn what_16_khz_cannot_hold_is_filtered_out() {
    let (out, _) = bytes(sine(48_000, 12_000.0, 1.0)).unwrap();
    let worst = out[2_000..14_000].iter().fold(0.0_f32, |m, x| m.max(x.abs()));
    assert!(worst < 1e-3, "aliased at {worst}");
}

#[test]
fn channels_are_averaged_and_odd_numbers_silenced() {
    let frames: Vec<i16> = (0..16_000).flat_map(|_| [16_384, 0]).collect();
    let (out, info) = bytes(wav(16_000, 2, 64_000, &frames)).unwrap();
    assert_eq!((out.len(), info.channels), (16_000, 2));
    assert!(out.iter().all(|x| (x - 0.25).abs() < 1e-3));

    let mut float = wav(16_000, 1, 16, &[]);
    float[20] = 3; // IEEE float
    float[28..34].copy_from_slice(&[0, 250, 0, 0, 4, 0]);
    float[34] = 32;
    for x in [f32::NAN, f32::INFINITY, 9.0, -0.5] {
        float.extend(x.to_le_bytes());
    }
    let (out, _) = bytes(float).unwrap();
    assert_eq!(out, [0.0, 0.0, 1.0, -0.5]);
}

#[test]
fn what_is_not_audio_is_told_apart() {
    let kind = |input: &[u8]| bytes(input.to_vec()).unwrap_err();
    assert!(matches!(kind(b""), Error::Empty));
    assert!(matches!(kind(b"x"), Error::NotAudio));
    assert!(matches!(kind(&b"The quick brown fox.\n".repeat(5000)), Error::NotAudio));
    assert!(matches!(kind(&[0u8; 100_000]), Error::NotAudio));
    assert!(matches!(kind(b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n"), Error::NotAudio));
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Decoder::open(folder.path()).unwrap_err(), Error::Unreadable(_)));
    let missing = folder.path().join("missing.wav");
    assert!(matches!(Decoder::open(&missing).unwrap_err(), Error::Unreadable(_)));
    let empty = folder.path().join("empty.wav");
    std::fs::write(&empty, b"").unwrap();
    assert!(matches!(Decoder::open(&empty).unwrap_err(), Error::Empty));
}

#[test]
fn a_cut_file_gives_what_it_has_and_then_says_so() {
    // (file, whether its header says how long it is)
    let cases = [
        ("short.flac", true),
        ("short.webm", true),
        ("short-mulaw.wav", true),
        ("short.aiff", true),
        ("short.mp3", true),
        ("short-faststart.m4a", true),
        ("short.ogg", false),
        ("short.opus", false),
    ];
    for (name, declares) in cases {
        let whole = std::fs::read(data(name)).unwrap();
        let cut = &whole[..whole.len() * 2 / 3];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, cut).unwrap();
        let piped = Decoder::from_reader(Box::new(Cursor::new(cut.to_vec())));
        for mut decoder in [Decoder::open(&path).expect(name), piped.expect(name)] {
            let (samples, error) = loop_to_error(&mut decoder);
            assert!(samples > BLOCK / 2 && samples < 3 * BLOCK, "{name}: {samples}");
            let Some(Error::Truncated { seconds, declared }) = error else {
                panic!("{name}: {error:?}")
            };
            assert!((seconds - samples as f64 / 16_000.0).abs() < 0.05, "{name}: {seconds}");
            assert_eq!(declared.is_some(), declares, "{name}");
            assert!(declared.is_none_or(|s| (s - 3.0).abs() < 0.1), "{name}: {declared:?}");
            assert!(matches!(decoder.next_block(), Ok(None)), "told once");
        }
        // What follows the sound is no part of it.
        if !name.ends_with("m4a") {
            let more = [&whole[..], b"something else"].concat();
            assert!(bytes(more).is_ok(), "{name} with more after it");
        }
    }
    // An MP4 with its index at the end is nothing without it.
    let mut whole = std::fs::read(data("short-alac.m4a")).unwrap();
    whole.truncate(whole.len() * 2 / 3);
    assert!(bytes(whole).is_err());
}

#[test]
fn channels_come_alone_when_asked_for() {
    let frames: Vec<i16> = (0..48_000).flat_map(|_| [16_384, 0, -8_192]).collect();
    let input = wav(48_000, 3, 288_000, &frames);
    let decoder = Decoder::from_reader(Box::new(Cursor::new(input))).unwrap();
    let mut decoder = decoder.with_channels(Channels::Split).with_block(4_000);
    let mut lengths = Vec::new();
    while let Some(lanes) = decoder.next_blocks().unwrap() {
        assert_eq!(lanes.len(), 3);
        lengths.push(lanes[0].len());
        for (lane, level) in lanes.iter().zip([0.5, 0.0, -0.25]) {
            assert_eq!(lane.len(), lanes[0].len());
            // The filter rings at the edges of the recording.
            let middle = &lane[lane.len() / 4..lane.len() / 2];
            assert!(middle.iter().all(|x| (x - level).abs() < 0.1), "{level}");
        }
    }
    assert_eq!(lengths, [4_000; 4]);
    let many = Decoder::from_reader(Box::new(Cursor::new(wav(16_000, 9, 1_800, &[7; 900]))));
    let outcome = many.unwrap().with_channels(Channels::Split).next_blocks();
    assert!(matches!(outcome, Err(Error::Unsupported(_))), "{outcome:?}");
}

#[test]
fn raw_samples_come_as_soon_as_they_are_there() {
    /// Gives a few odd bytes at a time, and counts them.
    struct Trickle(Cursor<Vec<u8>>, Arc<AtomicUsize>);
    impl Read for Trickle {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            let room = buf.len().min(333);
            self.0.read(&mut buf[..room]).inspect(|n| {
                self.1.fetch_add(*n, Ordering::Relaxed);
            })
        }
    }
    let samples: Vec<u8> = (0..16_000).flat_map(|i: i16| (i % 100 * 50).to_le_bytes()).collect();
    let read = Arc::new(AtomicUsize::new(0));
    // And half a frame at the end.
    let stream = Trickle(Cursor::new([&samples[..], &[9]].concat()), Arc::clone(&read));
    let pcm = "s16le:16000:1".parse().unwrap();
    let mut decoder = Decoder::raw(Box::new(stream), pcm).with_block(1_600);
    let first = decoder.next_block().unwrap().unwrap();
    assert_eq!(first.len(), 1_600);
    assert_eq!(first[7], 350.0 / 32_768.0);
    assert!(read.load(Ordering::Relaxed) < 3_200 + 333);
    let (samples, error) = loop_to_error(&mut decoder);
    assert_eq!(samples, 16_000 - 1_600);
    assert!(error.is_none(), "{error:?}");
    let empty = Decoder::raw(Box::new(std::io::empty()), "u8:8000:1".parse().unwrap()).next_block();
    assert!(matches!(empty, Err(Error::Empty)));
}

fn loop_to_error(decoder: &mut Decoder) -> (usize, Option<Error>) {
    let mut samples = 0;
    loop {
        match decoder.next_block() {
            Ok(Some(block)) => samples += block.len(),
            Ok(None) => return (samples, None),
            Err(e) => return (samples, Some(e)),
        }
    }
}

#[test]
fn a_wav_from_a_pipe_has_no_length_and_ends_well() {
    let mut endless = sine(16_000, 440.0, 2.0);
    endless[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    endless[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
    let (out, info) = bytes(endless).unwrap();
    assert_eq!(info.duration, None);
    assert!(out.len() > 2 * BLOCK - 2_000, "{}", out.len());
}

#[test]
fn damage_in_the_middle_is_skipped() {
    for name in ["short.mp3", "short.flac", "short.ogg"] {
        let mut damaged = std::fs::read(data(name)).unwrap();
        let middle = damaged.len() / 2;
        damaged[middle..middle + 600].fill(0xA5);
        let (samples, _) = bytes(damaged).expect(name);
        assert!(samples.len() > 2 * BLOCK, "{name}: {}", samples.len());
    }
}

#[test]
fn unknown_codecs_and_absurd_headers_are_named() {
    let mut odd = sine(16_000, 440.0, 0.5);
    odd[20..22].copy_from_slice(&0x0161u16.to_le_bytes()); // Windows Media Audio
    assert!(matches!(bytes(odd).unwrap_err(), Error::Unsupported(_)));
    for (rate, channels) in [(0, 1), (1, 1), (u32::MAX, 1), (16_000, 0), (16_000, 1000)] {
        let e = bytes(wav(rate, channels, 4_000, &[7; 2_000])).unwrap_err();
        let told = matches!(e, Error::Unsupported(_) | Error::Corrupt { .. });
        assert!(told, "{rate} Hz, {channels} channels: {e:?}");
    }
}

#[test]
fn mp4_without_its_index_is_damaged_not_unsupported() {
    for cut in [400, 10_000] {
        let mut half = std::fs::read(data("short.m4a")).unwrap();
        half.truncate(cut);
        let e = bytes(half).unwrap_err();
        assert!(matches!(e, Error::Corrupt { .. } | Error::Truncated { .. }), "{e:?}");
    }
}

#[test]
fn bytes_at_any_place_are_as_good_as_a_file() {
    struct Memory(Vec<u8>);
    impl ReadAt for Memory {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
            // Never much at a time, as a caller's own reader may do.
            let rest = usize::try_from(offset).ok().and_then(|at| self.0.get(at..));
            let n = rest.map_or(0, <[u8]>::len).min(buffer.len()).min(1000);
            buffer[..n].copy_from_slice(&rest.unwrap_or_default()[..n]);
            Ok(n)
        }
    }
    for name in ["short.m4a", "short.flac", "short.ogg", "short.wav"] {
        let memory = Memory(std::fs::read(data(name)).unwrap());
        let len = memory.0.len() as u64;
        let decoder = Decoder::from_bytes(Arc::new(memory), len).expect(name);
        assert_eq!(all(decoder).unwrap(), all(Decoder::open(&data(name)).unwrap()).unwrap());
    }
    assert!(matches!(Decoder::from_bytes(Arc::new(Memory(Vec::new())), 0), Err(Error::Empty)));
}

#[test]
fn a_reader_that_fails_is_unreadable() {
    struct Failing(Cursor<Vec<u8>>);
    impl Read for Failing {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(buf)? {
                0 => Err(std::io::ErrorKind::ConnectionReset.into()),
                n => Ok(n),
            }
        }
    }
    for name in ["short.flac", "short.mp3", "short.ogg", "short-mulaw.wav"] {
        let mut half = std::fs::read(data(name)).unwrap();
        half.truncate(half.len() / 2);
        let mut decoder = Decoder::from_reader(Box::new(Failing(Cursor::new(half)))).expect(name);
        let (samples, error) = loop_to_error(&mut decoder);
        assert!(samples > 0, "{name}");
        assert!(matches!(error, Some(Error::Unreadable(_))), "{name}: {error:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_fifo_is_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let (path, sound) = (fifo.clone(), std::fs::read(data("short.flac")).unwrap());
    let writer = std::thread::spawn(move || {
        let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        file.write_all(&sound).unwrap();
    });
    let (samples, _) = all(Decoder::open(&fifo).unwrap()).unwrap();
    writer.join().unwrap();
    assert_eq!(samples.len(), 3 * BLOCK);
}
