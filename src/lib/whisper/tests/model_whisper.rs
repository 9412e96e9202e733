//! With the real small models: whisper-tiny.en and silero-vad.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use engine::{
    Cancel, Cancelled, DetectSpeech, Error, LANGUAGE_AUTO, Transcribe, TranscribeRequest,
    Transcript,
};
use headwater_whisper::{
    Decoding, LONGEST_CHUNK, Options, SAMPLE_RATE, Segmenter, SileroVad, WINDOW, Whisper,
};

#[expect(clippy::disallowed_methods, reason = "tests find models where the program would")]
fn model(file: &str) -> PathBuf {
    let set = |name: &str, below: &str| std::env::var_os(name).map(|v| Path::new(&v).join(below));
    let folders = [
        set("HEADWATER_MODELS", ""),
        set("XDG_DATA_HOME", "headwater/models"),
        set("HOME", ".local/share/headwater/models"),
    ];
    let found = folders.into_iter().flatten().map(|f| f.join(file)).find(|p| p.is_file());
    found.unwrap_or_else(|| panic!("{file} is missing: models pull whisper-tiny.en silero-vad"))
}

fn whisper() -> Whisper {
    Whisper::load(Options::new(model("whisper-tiny.en-q8_0.bin"))).unwrap()
}

fn vad() -> SileroVad {
    SileroVad::load(&model("silero-vad-6.2.bin"), 1).unwrap()
}

fn jfk() -> Vec<f32> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/data/speech/jfk.flac");
    let mut decoder = audio::Decoder::open(&path).unwrap();
    let mut samples = Vec::new();
    while let Some(block) = decoder.next_block().unwrap() {
        samples.extend(block);
    }
    samples
}

fn ask<'a>(samples: &'a [f32], language: &'a str) -> TranscribeRequest<'a> {
    TranscribeRequest { samples, language, translate: false, words: true }
}

/// Noise without a random number generator: a linear congruence.
fn noise(len: usize, level: f32) -> Vec<f32> {
    let mut x = 1u32;
    let next = || {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (x >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(len).map(|s| s * level).collect()
}

#[test]
fn model_writes_down_speech_with_times() {
    let samples = jfk();
    let seconds = samples.len() as f64 / SAMPLE_RATE as f64;
    let whisper = whisper();
    let mut session = whisper.session().unwrap();
    let said = session.transcribe(&ask(&samples, LANGUAGE_AUTO), &Cancel::default()).unwrap();
    let text: Vec<&str> = said.segments.iter().map(|s| s.text.as_str()).collect();
    let text = text.join(" ").to_lowercase();
    assert!(text.contains("ask not what your country can do for you"), "{text}");
    assert_eq!(said.language, "en");
    assert!(said.tokens > 20);
    let mut before = 0.0;
    for segment in &said.segments {
        assert_eq!(segment.text, segment.text.trim());
        assert!(segment.start >= before && segment.end > segment.start && segment.end <= seconds);
        assert!(segment.confidence > 0.5 && segment.confidence <= 1.0);
        assert_eq!(segment.suspect, None);
        let words: Vec<&str> = segment.words.iter().map(|w| w.word.as_str()).collect();
        assert_eq!(words.join(" "), segment.text);
        assert!(segment.words.iter().all(|w| w.start <= w.end && w.end <= seconds));
        before = segment.end;
    }
    // Nothing is remembered, and two sessions share the model.
    let mut other = whisper.session().unwrap();
    let again = other.transcribe(&ask(&samples, "en"), &Cancel::default()).unwrap();
    assert_eq!(again, said);
    assert_eq!(session.transcribe(&ask(&samples, "en"), &Cancel::default()).unwrap(), said);
}

#[test]
fn model_of_fewer_positions_writes_the_same() {
    let samples = jfk();
    let path = model("whisper-tiny.en-q8_0.bin");
    let short = Options { longest: samples.len() + 1, ..Options::new(&path) };
    let short = Whisper::load(short).unwrap();
    let go = |whisper: &Whisper, samples: &[f32]| {
        let mut session = whisper.session().unwrap();
        session.transcribe(&ask(samples, "en"), &Cancel::default())
    };
    assert_eq!(go(&short, &samples).unwrap(), go(&whisper(), &samples).unwrap());
    assert_eq!(short.model(), whisper().model());
    // Short enough that the decoder, too, gets fewer.
    let least = Options { longest: LONGEST_CHUNK, ..Options::new(&path) };
    let least = Whisper::load(least).unwrap();
    let part = &samples[..10 * SAMPLE_RATE];
    assert_eq!(go(&least, part).unwrap(), go(&whisper(), part).unwrap());
    assert_eq!(least.model(), whisper().model());
    let longer = vec![0.0; samples.len() + 2];
    let refused = go(&short, &longer).unwrap_err();
    assert!(matches!(refused, Error::TooLong { .. }), "{refused:?}");
}

#[test]
fn model_looks_again_with_beams_where_it_is_in_doubt() {
    let clear = jfk();
    let hum = noise(clear.len(), 0.12);
    let unclear: Vec<f32> = clear.iter().zip(hum).map(|(s, n)| s * 0.6 + n).collect();
    let load = |decoding| {
        Whisper::load(Options { decoding, ..Options::new(model("whisper-tiny.en-q8_0.bin")) })
    };
    let free = Cancel::default();
    let least = |said: &Transcript| said.segments.iter().map(|s| s.confidence).fold(1.0, f64::min);
    let mut greedy = load(Decoding::Greedy).unwrap().session().unwrap();
    let first = greedy.transcribe(&ask(&unclear, "en"), &free).unwrap();
    assert!(least(&first) < 0.7, "not unclear enough for this test: {first:?}");
    let mut session = load(Decoding::BeamInDoubt(3)).unwrap().session().unwrap();
    let second = session.transcribe(&ask(&unclear, "en"), &free).unwrap();
    assert!(second == first || mean(&second) > mean(&first), "{first:?} {second:?}");
    // The session goes on as if nothing had been, and what is clear is not looked at again.
    let clearly = greedy.transcribe(&ask(&clear, "en"), &free).unwrap();
    assert_eq!(session.transcribe(&ask(&clear, "en"), &free).unwrap(), clearly);
    assert_eq!(session.transcribe(&ask(&unclear, "en"), &free).unwrap(), second);
}

fn mean(said: &Transcript) -> f64 {
    let weighed = said.segments.iter().map(|s| (s.text.len() as f64, s.confidence));
    let (length, sum) = weighed.fold((0.0, 0.0), |(n, sum), (len, c)| (n + len, sum + len * c));
    sum / f64::max(length, 1.0)
}

#[test]
fn model_answers_requests_it_cannot_fulfil() {
    let samples = vec![0.0; WINDOW + 1];
    let mut session = whisper().session().unwrap();
    let mut go = |samples: &[f32], language: &str, cancel: &Cancel| {
        session.transcribe(&ask(samples, language), cancel)
    };
    let free = Cancel::default();
    assert!(matches!(go(&samples, "en", &free), Err(Error::TooLong { .. })));
    let german = go(&samples[..SAMPLE_RATE], "de", &free).unwrap_err().to_string();
    assert!(german.contains("English only"), "{german}");
    for short in [0, 1, 1599] {
        assert!(go(&samples[..short], "en", &free).unwrap().segments.is_empty());
    }
    let stopped = Cancel::default();
    stopped.set();
    let outcome = go(&samples[..SAMPLE_RATE], "en", &stopped);
    assert!(matches!(outcome, Err(Error::Cancelled(Cancelled::Stopping))));
    let begun = Instant::now();
    let late = Cancel::default().within(Duration::from_millis(30));
    let outcome = go(&noise(WINDOW, 0.3), "en", &late);
    assert!(matches!(outcome, Err(Error::Cancelled(Cancelled::Timeout))), "{outcome:?}");
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn model_finds_speech_and_leaves_silence_and_noise() {
    let mut vad = vad();
    assert!(vad.detect(&[]).unwrap().is_empty());
    assert!(vad.detect(&vec![0.0; 10 * SAMPLE_RATE]).unwrap().is_empty());
    assert!(vad.detect(&noise(10 * SAMPLE_RATE, 0.1)).unwrap().is_empty());
    let mut stream = vec![0.0; 40 * SAMPLE_RATE];
    let samples = jfk();
    stream.extend(&samples);
    stream.extend(noise(20 * SAMPLE_RATE, 0.01));
    let mut segmenter = Segmenter::new(vad);
    let mut chunks = Vec::new();
    for block in stream.chunks(SAMPLE_RATE) {
        chunks.extend(segmenter.push(block).unwrap());
    }
    chunks.extend(segmenter.finish().unwrap());
    let total: usize = chunks.iter().map(|c| c.samples.len()).sum();
    assert!(total > 8 * SAMPLE_RATE && total <= 12 * SAMPLE_RATE, "{total}");
    let (first, last) = (&chunks[0], chunks.last().unwrap());
    assert!((40.0..41.0).contains(&first.seconds()), "{}", first.seconds());
    assert!(last.seconds() + last.samples.len() as f64 / 16_000.0 < 51.6);
}

#[test]
fn model_cut_short_or_changed_is_refused() {
    let whole = std::fs::read(model("whisper-tiny.en-q8_0.bin")).unwrap();
    let vad = std::fs::read(model("silero-vad-6.2.bin")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.bin");
    for len in [4, 60, 70_000, 500_000, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..len]).unwrap();
        assert!(Whisper::load(Options::new(&path)).is_err(), "{len} bytes");
    }
    for len in [8, 40, 200, vad.len() / 2, vad.len() - 1] {
        std::fs::write(&path, &vad[..len]).unwrap();
        assert!(SileroVad::load(&path, 1).is_err(), "{len} bytes");
    }
    std::fs::write(&path, &vad).unwrap();
    assert!(Whisper::load(Options::new(&path)).is_err());
    std::fs::write(&path, &whole).unwrap();
    assert!(SileroVad::load(&path, 1).is_err());
}
