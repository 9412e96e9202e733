//! `transcribe` as its users run it.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Outcome, Program, data, program};

/// All hold the same three seconds of speech.
const SHORT: [&str; 15] = [
    "short.wav",
    "short-mulaw.wav",
    "short-adpcm.wav",
    "short-ima.wav",
    "short.aiff",
    "short.caf",
    "short.flac",
    "short.mp3",
    "short.ogg",
    "short.opus",
    "short.m4a",
    "short-alac.m4a",
    "short-faststart.m4a",
    "short.webm",
    "short-opus.webm",
];

/// What is said in them.
const SAID: &str = "and so my fellow americans";

/// Those that sound bad enough for the smallest model to mishear a word.
const LOSSY: [&str; 4] = ["short-adpcm.wav", "short.ogg", "short.opus", "short-opus.webm"];

fn speech(name: &str) -> Vec<u8> {
    std::fs::read(data("speech").join(name)).expect("a file of tests/data")
}

fn transcribe() -> Program {
    program("transcribe")
}

/// Lower-case words without punctuation.
fn words(record: &Value) -> Vec<String> {
    let text = record["text"].as_str().unwrap_or_else(|| panic!("no text: {record}"));
    let bare = |word: &str| -> String { word.chars().filter(|c| c.is_alphanumeric()).collect() };
    text.to_lowercase().split_whitespace().map(bare).collect()
}

/// A WAV file, 16 kHz mono.
fn wav(samples: impl IntoIterator<Item = i16>) -> Vec<u8> {
    let body: Vec<u8> = samples.into_iter().flat_map(i16::to_le_bytes).collect();
    let length = u32::try_from(body.len()).expect("short");
    let mut out = b"RIFF".to_vec();
    out.extend((length + 36).to_le_bytes());
    out.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    out.extend(16_000_u32.to_le_bytes());
    out.extend(32_000_u32.to_le_bytes());
    out.extend(b"\x02\0\x10\0data");
    out.extend(length.to_le_bytes());
    out.extend(body);
    out
}

/// Noise of a linear congruential generator, the same in every run.
fn noise(seconds: usize, loudness: i32) -> impl Iterator<Item = i16> {
    let mut state = 1_u32;
    (0..seconds * 16_000).map(move |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let sample = (i32::try_from(state >> 16).expect("16 bits") - 32_768) * loudness / 32_768;
        i16::try_from(sample).expect("loudness is at most 32767")
    })
}

fn fifo(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo runs");
    assert!(made.success());
}

/// A run, and how long it took.
fn timed(run: impl FnOnce() -> Outcome) -> (Duration, Outcome) {
    let begun = Instant::now();
    let outcome = run();
    (begun.elapsed(), outcome)
}

#[test]
fn model_every_format_gives_the_same_words() {
    let outcome = transcribe().arg(data("speech")).run().code(0);
    assert!(outcome.stderr.is_empty(), "{outcome}");
    let records = outcome.records();
    assert_eq!(records.len(), SHORT.len() + 1, "{outcome}");
    for record in &records {
        let path = record["path"].as_str().expect("a path");
        let duration = record["transcript"]["duration"].as_f64().expect("a duration");
        if path.ends_with("jfk.flac") {
            let text = words(record).join(" ");
            let said =
                "ask not what your country can do for you ask what you can do for your country";
            assert!(text.ends_with(said), "{record}");
            assert_eq!(duration, 11.0);
        } else {
            let said = words(record).join(" ");
            // In one of them the model hears "sold".
            let begin = if path.ends_with("short.ogg") { "and so" } else { "and so " };
            assert!(said.starts_with(begin) && said.contains(" fell"), "{record}");
            assert!(LOSSY.iter().any(|f| path.ends_with(f)) || said == SAID, "{record}");
            assert!((2.9..3.2).contains(&duration), "{record}");
        }
        let confidence = record["confidence"].as_f64().expect("a confidence");
        assert!((0.3..=1.0).contains(&confidence), "{record}");
        assert_eq!(record["transcript"]["language"], "en");
        let step = &record["via"][0];
        assert_eq!(step["model"], "whisper-tiny.en", "{record}");
        assert_eq!(step["model_sha"].as_str().map(str::len), Some(64), "{record}");
        assert!(step["tokens_out"].as_u64().is_some_and(|n| n > 3), "{record}");
    }
}

#[test]
fn model_stdin_gives_what_the_file_gives() {
    for name in ["short.wav", "short.mp3", "short.ogg", "short.webm", "short.m4a", "short.caf"] {
        // What follows the sound counts too: bytes are bytes.
        for more in [&b""[..], b"something else"] {
            // CAF's last chunk has no length of its own to end it.
            if name == "short.caf" && !more.is_empty() {
                continue;
            }
            let bytes = [&speech(name)[..], more].concat();
            let by_path = transcribe().file("f", &bytes).args(["--no-via", "f"]).run().code(0);
            let by_stdin = transcribe().stdin(bytes).args(["--no-via", "-"]).run().code(0);
            let (mut by_path, by_stdin) = (by_path.record(), by_stdin.record());
            by_path.as_object_mut().expect("an object").shift_remove("path");
            assert_eq!(by_path, by_stdin, "{name}");
            assert_eq!(by_stdin["id"].as_str().map(str::len), Some(32), "{name}");
        }
    }
}

#[test]
fn model_plain_output_is_the_words() {
    let outcome = transcribe().args(["-r", "-"]).stdin(speech("jfk.flac")).run().code(0);
    assert_eq!(outcome.text().lines().count(), 1, "{outcome}");
    assert!(outcome.text().contains("ask what you can do for your country"), "{outcome}");
}

#[test]
fn model_times_grow_and_stay_within_the_recording() {
    let sound: Vec<i16> = speech("short.wav")[44..]
        .chunks_exact(2)
        // 8 to 16 kHz, the plainest way.
        .flat_map(|b| [i16::from_le_bytes([b[0], b[1]]); 2])
        .collect();
    // Speech at 0, 5 and 10 s.
    let pause = || noise(2, 30);
    let parts = [sound.clone(), pause().collect(), sound.clone(), pause().collect(), sound];
    let outcome =
        transcribe().args(["--words", "-"]).stdin(wav(parts.into_iter().flatten())).run().code(0);
    let record = outcome.record();
    let duration = record["transcript"]["duration"].as_f64().expect("a duration");
    assert!((12.9..13.1).contains(&duration), "{outcome}");
    let segments = record["transcript"]["segments"].as_array().expect("segments");
    let time = |of: &Value, key: &str| of[key].as_f64().unwrap_or_else(|| panic!("{key}: {of}"));
    let (mut last, mut spoken) = (0.0, Vec::new());
    for segment in segments {
        let (start, end) = (time(segment, "start"), time(segment, "end"));
        assert!(last <= start && start <= end && end <= duration, "{outcome}");
        last = start;
        let words = segment["words"].as_array().expect("words");
        let texts: Vec<_> = words.iter().filter_map(|w| w["word"].as_str()).collect();
        assert_eq!(texts.join(" "), segment["text"].as_str().expect("text"), "{outcome}");
        let mut last_word = start - 0.5;
        for word in words {
            assert!(
                last_word <= time(word, "start") && time(word, "end") <= end + 0.5,
                "{outcome}"
            );
            last_word = time(word, "start");
            spoken.push((time(word, "start"), word["word"].as_str().unwrap_or_default()));
        }
    }
    let fellows: Vec<f64> =
        spoken.iter().filter(|(_, w)| w.to_lowercase() == "fellow").map(|(at, _)| *at).collect();
    assert_eq!(fellows.len(), 3, "{outcome}");
    for (at, from) in fellows.iter().zip([0.0, 5.0, 10.0]) {
        assert!((from..from + 3.0).contains(at), "{at} is not within {from} s: {outcome}");
    }
}

#[test]
fn model_silence_and_noise_have_no_words() {
    let quiet = [
        ("silence.wav", wav(std::iter::repeat_n(0, 16_000 * 40))),
        ("hiss.wav", wav(noise(40, 300))),
        ("loud.wav", wav(noise(10, 20_000))),
        ("short.wav", wav(noise(1, 10).take(200))),
        ("none.wav", wav([])),
    ];
    let mut run = transcribe().arg("--no-via");
    for (name, bytes) in &quiet {
        run = run.file(name, bytes).arg(name);
    }
    let outcome = run.run().code(0);
    assert!(outcome.stderr.is_empty(), "{outcome}");
    for (record, (name, _)) in outcome.records().iter().zip(&quiet) {
        assert_eq!((&record["path"], &record["text"]), (&json!(name), &json!("")), "{outcome}");
        assert!(record["confidence"].is_null(), "{outcome}");
        assert_eq!(record["transcript"]["segments"], json!([]), "{outcome}");
    }
    assert_eq!(outcome.records()[0]["transcript"]["duration"], 40.0);
}

#[test]
fn model_each_bad_file_fails_alone() {
    let good = speech("short.wav");
    let run = transcribe()
        .file("good.wav", &good)
        .file("empty.wav", b"")
        .file("text.wav", b"These are words, but not sound.\n".repeat(100))
        .file("head.wav", &good[..40])
        .file("head.flac", &speech("short.flac")[..30])
        .file("picture.png", [b"\x89PNG\r\n\x1a\n".as_slice(), &[0; 5000]].concat())
        .file("zeros.mp3", vec![0; 50_000])
        .file("folder/inner.txt", b"no sound");
    fifo(&run.folder().join("fifo"));
    let names = [
        ("good.wav", None),
        ("empty.wav", Some("unsupported")),
        ("text.wav", Some("unsupported")),
        ("head.wav", Some("unreadable")),
        ("head.flac", Some("unreadable")),
        ("picture.png", Some("unsupported")),
        ("zeros.mp3", Some("unsupported")),
        ("folder", Some("unsupported")),
        ("missing.wav", Some("unreadable")),
        ("fifo", Some("timeout")),
        ("good.wav", None),
    ];
    let input: String =
        names.iter().map(|(name, _)| format!("{{\"path\":\"{name}\"}}\n")).collect();
    let outcome = run.args(["--timeout", "10", "--jobs", "4"]).stdin(input).run().code(1);
    let records = outcome.records();
    assert_eq!(records.len(), names.len(), "{outcome}");
    for (record, (name, code)) in records.iter().zip(names) {
        assert_eq!(record["path"], name, "{outcome}");
        assert_eq!(record["error"]["code"].as_str(), code, "{name}: {outcome}");
        assert_eq!(record["text"].is_string(), code.is_none(), "{name}: {outcome}");
    }
    assert!(outcome.messages().contains("9 of 11 records failed"), "{outcome}");
}

#[test]
fn model_a_fifo_without_a_writer_takes_no_longer_than_allowed() {
    let run = transcribe().args(["--timeout", "1", "fifo"]);
    fifo(&run.folder().join("fifo"));
    let (took, outcome) = timed(|| run.run().code(1));
    assert_eq!(outcome.error_code(), "timeout");
    assert!(took < Duration::from_secs(8), "{took:?}");
}

#[test]
fn model_bytes_on_stdin_that_are_no_sound_fail_with_a_reason() {
    let run = |bytes: &[u8]| transcribe().arg("-").stdin(bytes).run().code(1);
    assert_eq!(run(b"").error_code(), "unsupported");
    assert_eq!(run(b"plain text\n").error_code(), "unsupported");
    assert_eq!(run(&speech("short.m4a")[..400]).error_code(), "unreadable");
    assert!(run(b"").record()["error"]["message"].as_str().is_some_and(|m| m.contains("empty")));
}

#[test]
fn model_a_truncated_recording_is_kept_as_far_as_it_goes_and_says_so() {
    let names = ["jfk.flac", "short.wav", "short.mp3", "short.ogg", "short.opus"];
    for name in names.into_iter().chain(["short-faststart.m4a"]) {
        let whole = speech(name);
        let cut = &whole[..whole.len() * 2 / 3];
        for operand in ["cut", "-"] {
            let run = transcribe().file("cut", cut).stdin(cut).arg(operand);
            let outcome = run.run().code(0).says("the input ends after");
            let record = outcome.record();
            assert_eq!(record["transcript"]["truncated"], true, "{outcome}");
            let problem = record["transcript"]["problem"].as_str().expect("a problem");
            assert!(problem.contains("the input ends after"), "{outcome}");
            // What the lossy codecs leave of two seconds is heard in different ways after that.
            let heard = if name.ends_with(".flac") || name.ends_with(".wav") {
                "and so my fellow"
            } else {
                "and so"
            };
            assert!(words(&record).join(" ").starts_with(heard), "{outcome}");
            assert!(record["error"].is_null(), "{outcome}");
        }
    }
    let whole = transcribe().arg(data("speech/jfk.flac")).run().code(0).record();
    assert!(whole["transcript"]["truncated"].is_null() && whole["transcript"]["problem"].is_null());
}

#[test]
fn model_order_is_kept_and_workers_do_not_change_words() {
    let paths: Vec<_> = ["jfk.flac", "short.wav", "short.mp3", "short.ogg", "short.m4a"]
        .iter()
        .map(|name| data("speech").join(name))
        .collect();
    let run = |jobs: &[&str]| {
        transcribe().args(jobs).arg("--no-via").args(&paths).run().code(0).text().to_owned()
    };
    let one = run(&["--jobs", "1"]);
    assert_eq!(one.lines().count(), paths.len());
    assert_eq!(run(&["--jobs", "4"]), one);
    assert_eq!(run(&["--jobs", "2", "--threads", "3"]), one);
}

#[test]
fn model_two_recordings_are_in_work_at_the_same_time() {
    // The first one's bytes come only when the second is done: with one worker that hangs.
    let run = transcribe().args(["--jobs", "2", "--unordered", "--no-via", "slow", "fast.wav"]);
    let run = run.file("fast.wav", speech("short.wav")).within(Duration::from_secs(60));
    let slow = run.folder().join("slow");
    fifo(&slow);
    // Held open, so that it has a writer that says nothing.
    let mut writer = std::fs::OpenOptions::new().read(true).write(true).open(&slow).expect("open");
    let running = run.start();
    let first: Value = serde_json::from_str(&running.line()).expect("a record");
    assert_eq!(first["path"], "fast.wav");
    std::io::Write::write_all(&mut writer, &speech("short.mp3")).expect("written");
    drop(writer);
    let second: Value = serde_json::from_str(&running.line()).expect("a record");
    assert_eq!(second["path"], "slow");
    assert_eq!(words(&second)[..2], ["and", "so"]);
    assert_eq!(running.end().0, 0);
}

#[test]
fn model_a_pipe_that_says_nothing_times_out() {
    let run = transcribe().args(["--timeout", "1", "--jobs", "1", "-"]);
    let running = run.within(Duration::from_secs(30)).start();
    let record: Value = serde_json::from_str(&running.line()).expect("a record");
    assert_eq!(record["error"]["code"], "timeout", "{record}");
    assert_eq!(running.end().0, 1);
}

#[test]
fn model_a_long_recording_times_out() {
    // Minutes of speech, none of which fits into a tenth of a second.
    let sound = speech("short.wav")[44..].to_vec().repeat(60);
    let samples = sound.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]]));
    let run = transcribe().args(["--timeout", "0.1", "-"]).stdin(wav(samples));
    let (took, outcome) = timed(|| run.run().code(1));
    assert_eq!(outcome.error_code(), "timeout");
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn model_languages_that_the_model_lacks_are_a_setup_error() {
    for arguments in [&["--language", "de"][..], &["--language", "xx"], &["--translate"]] {
        let outcome = transcribe().args(arguments).arg(data("speech/short.wav")).run().code(2);
        assert!(outcome.stdout.is_empty(), "{outcome}");
        assert!(outcome.messages().contains("whisper-tiny.en knows English only"), "{outcome}");
    }
    let english = transcribe().args(["--language", "EN"]).arg(data("speech/short.wav"));
    assert_eq!(english.run().code(0).record()["transcript"]["language"], "en");
}

#[test]
fn a_missing_model_names_the_command_that_gets_it() {
    let run = || transcribe().env("HEADWATER_MODELS", "empty");
    run().run().code(2).says("models pull silero-vad");
    run().args(["--vad", "none"]).run().code(2).says("models pull whisper-tiny.en");
    run().args(["--vad", "none", "--model", "nonsense"]).run().code(2).says("nonsense");
    let run = run().file("bad.bin", b"not a model").args(["--vad", "none", "--model", "bad.bin"]);
    run.run().code(2).says("bad.bin");
}

#[test]
fn model_an_interrupt_ends_a_recording_quickly() {
    let sound = speech("short.wav")[44..].to_vec().repeat(400);
    let samples = sound.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]]));
    let run = transcribe().args(["--jobs", "1", "short.wav", "long.wav"]);
    let run = run.file("short.wav", speech("short.wav")).file("long.wav", wav(samples));
    let running = run.start();
    let first: Value = serde_json::from_str(&running.line()).expect("a record");
    assert_eq!(first["path"], "short.wav");
    std::thread::sleep(Duration::from_millis(700));
    running.signal("INT");
    let begun = Instant::now();
    let (status, lines, messages) = running.end();
    assert_eq!((status, lines.len()), (130, 0), "{messages}");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[test]
fn model_what_the_user_wrote_stays_and_other_fields_can_be_read() {
    let path = data("speech/short.wav");
    let line = json!({"file": {"name": path}, "n": 12_345, "id": "mine", "confidence": 0.1});
    let run =
        transcribe().args(["--field", "file.name", "--as", "said"]).stdin(format!("{line}\n"));
    let record = run.run().code(0).record();
    assert_eq!((&record["id"], &record["n"]), (&json!("mine"), &json!(12_345)));
    assert!(record["said"].as_str().is_some_and(|text| text.contains("fellow")), "{record}");
    assert!(record["text"].is_null() && record["confidence"] != 0.1, "{record}");
}
