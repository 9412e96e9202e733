//! `transcribe` as its users run it: forms of output, live streams, channels, ffmpeg.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Program, data, program};

fn transcribe() -> Program {
    program("transcribe")
}

fn speech(name: &str) -> Vec<u8> {
    fs::read(data("speech").join(name)).expect("a file of tests/data")
}

/// Three seconds of speech, 8 kHz, 16 bits, without a header.
fn raw() -> Vec<u8> {
    speech("short.wav")[44..].to_vec()
}

/// So many seconds of silence in the same form.
fn silence(seconds: usize) -> Vec<u8> {
    vec![0; seconds * 16_000]
}

fn wav(channels: u16, rate: u32, samples: impl IntoIterator<Item = i16>) -> Vec<u8> {
    let body: Vec<u8> = samples.into_iter().flat_map(i16::to_le_bytes).collect();
    let length = u32::try_from(body.len()).expect("short");
    let mut out = b"RIFF".to_vec();
    out.extend((length + 36).to_le_bytes());
    out.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    out.extend(channels.to_le_bytes());
    out.extend(rate.to_le_bytes());
    out.extend((rate * 2 * u32::from(channels)).to_le_bytes());
    out.extend((channels * 2).to_le_bytes());
    out.extend(b"\x10\0data");
    out.extend(length.to_le_bytes());
    out.extend(body);
    out
}

fn fifo(path: &Path) -> fs::File {
    let made = std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo runs");
    assert!(made.success());
    // Held open, so that opening it does not wait for the other end.
    fs::OpenOptions::new().read(true).write(true).open(path).expect("open")
}

fn text(record: &Value) -> String {
    record["text"].as_str().unwrap_or_else(|| panic!("no text: {record}")).to_lowercase()
}

#[test]
fn model_one_recording_is_printed_in_every_form() {
    let run = |form: &str, more: &[&str]| {
        let run = transcribe().args(["--format", form]).args(more).arg(data("speech/jfk.flac"));
        run.run().code(0).text().to_owned()
    };
    let txt = run("txt", &[]);
    assert!(txt.starts_with("And so my fellow Americans"), "{txt}");
    let srt = run("srt", &[]);
    let cue: Vec<&str> = srt.lines().take(3).collect();
    assert_eq!(cue[0], "1", "{srt}");
    let (start, end) = cue[1].split_once(" --> ").expect("two times");
    // Within the recording, which has 11 s.
    assert!(start.starts_with("00:00:00,") && ("00:00:01"..="00:00:11").contains(&end), "{srt}");
    assert!(cue[2].starts_with("And so my fellow"), "{srt}");
    let vtt = run("vtt", &["--words"]);
    assert!(vtt.starts_with("WEBVTT\n\n00:00:00.") && vtt.contains("<00:00:0"), "{vtt}");
    let tsv = run("tsv", &["--words"]);
    let rows: Vec<Vec<&str>> = tsv.lines().map(|l| l.split('\t').collect()).collect();
    assert_eq!(rows[0], ["start", "end", "text"]);
    assert!(rows.len() > 20 && rows.iter().all(|r| r.len() == 3), "{tsv}");
    let starts: Vec<u64> = rows[1..].iter().map(|r| r[0].parse().expect("a number")).collect();
    assert!(starts.is_sorted() && starts.iter().all(|ms| *ms < 11_000), "{tsv}");
}

#[test]
fn captions_of_several_recordings_need_a_folder() {
    let refused = |run: Program| run.run().code(2).says("-o");
    for form in ["srt", "vtt", "tsv"] {
        refused(transcribe().args(["--format", form, "a.wav", "b.wav"]));
        refused(transcribe().args(["--format", form]).arg(data("speech")));
        refused(transcribe().args(["--format", form]));
        refused(transcribe().args(["--format", form, "--stream", "-"]));
    }
    transcribe().args(["--stream", "-o", "out", "-"]).run().code(2).says("cannot be used with");
}

#[test]
fn model_each_recording_gets_a_file_and_no_other_file_is_touched() {
    let memo = speech("short.wav");
    let run = transcribe().file("inbox/a/memo.wav", &memo).file("inbox/memo.wav", &memo);
    let run = run.file("inbox/memo.mp3", speech("short.mp3")).file("other.wav", &memo);
    let run = run.file("out/other.srt", "mine\n");
    let place = run.folder().to_owned();
    // Kept from the first run to the second.
    let keep = tempfile::tempdir().expect("a folder");
    let out = keep.path().join("out");
    let first = run.args(["--jobs", "1", "--format", "srt", "-o"]).arg(&out);
    let outcome = first.args(["inbox", "other.wav"]).run().code(1);
    drop(place);
    let records = outcome.records();
    assert_eq!(records.len(), 4, "{outcome}");
    let refused: Vec<&Value> = records.iter().filter(|r| r["error"].is_object()).collect();
    assert_eq!(refused.len(), 1, "memo.mp3 and memo.wav want the same file: {outcome}");
    assert_eq!(refused[0]["error"]["code"], "refused", "{outcome}");
    for name in ["a/memo.srt", "memo.srt", "other.srt"] {
        let srt = fs::read_to_string(out.join(name)).expect(name);
        assert!(srt.starts_with("1\n00:00:00,"), "{srt}");
        let listed = |r: &&Value| r["output"] == json!(out.join(name));
        assert_eq!(records.iter().filter(listed).count(), 1, "{name}: {outcome}");
    }

    let again = |force: &[&str]| {
        // In the order of names it was this one that came first.
        let run = transcribe().file("memo.mp3", speech("short.mp3"));
        let run = run.file("other.wav", speech("jfk.flac"));
        let run = run.args(["--format", "srt", "-o"]).arg(&out).args(force);
        run.args(["memo.mp3", "other.wav"]).run()
    };
    let outcome = again(&[]).code(1);
    assert!(outcome.records()[0]["error"].is_null(), "the same contents: {outcome}");
    let message = outcome.records()[1]["error"]["message"].to_string();
    assert!(message.contains("--force"), "{outcome}");
    again(&["--force"]).code(0);
    let srt = fs::read_to_string(out.join("other.srt")).expect("there");
    assert!(srt.contains("country"), "{srt}");

    let run = transcribe().file("memo.wav", &memo).args(["-o"]).arg(&out).arg("memo.wav");
    let record = run.run().code(0).record();
    let line = fs::read_to_string(out.join("memo.jsonl")).expect("there");
    let kept: Value = serde_json::from_str(&line).expect("a record");
    assert_eq!((&kept["text"], &kept["id"]), (&record["text"], &record["id"]));
}

#[test]
fn model_samples_without_a_header_are_what_they_are_said_to_be() {
    let expected = transcribe().args(["-r"]).arg(data("speech/short.wav")).run().code(0);
    let pcm = ["-r", "--pcm", "s16le:8000:1"];
    let by_stdin = transcribe().args(pcm).arg("-").stdin(raw()).run().code(0);
    let by_file = transcribe().file("x.raw", raw()).args(pcm).arg("x.raw").run().code(0);
    assert_eq!((by_stdin.text(), by_file.text()), (expected.text(), expected.text()));
    let empty = transcribe().args(pcm).arg("-").run().code(1);
    assert!(empty.messages().contains("empty input"), "{empty}");
    transcribe().args(["--pcm", "s16:8000:1", "-"]).run().code(2).says("s16le");
}

#[test]
fn model_utterances_are_written_as_they_end_and_the_last_one_on_an_interrupt() {
    let run = transcribe().args(["--stream", "--pcm", "s16le:8000:1", "mic"]);
    let mut mic = fifo(&run.folder().join("mic"));
    let running = run.within(Duration::from_secs(60)).start();
    mic.write_all(&[silence(2), raw(), silence(2)].concat()).expect("it listens");
    // The microphone is still open.
    let first: Value = serde_json::from_str(&running.line()).expect("a record");
    assert!(text(&first).contains("my fellow america"), "{first}");
    let transcript = &first["transcript"];
    assert_eq!(transcript["utterance"], 1, "{first}");
    let start = transcript["segments"][0]["start"].as_f64().expect("a time");
    assert!((1.5..3.0).contains(&start), "{first}");
    assert_eq!(first["id"].as_str().map(str::len), Some(32), "{first}");

    // No silence follows: only the end of the run ends this one.
    mic.write_all(&raw()).expect("it listens");
    std::thread::sleep(Duration::from_millis(1000));
    running.signal("INT");
    let (status, lines, messages) = running.end();
    assert_eq!((status, lines.len()), (130, 1), "{lines:?} {messages}");
    let last: Value = serde_json::from_str(&lines[0]).expect("a record");
    assert_eq!(last["transcript"]["utterance"], 2, "{last}");
    assert!(text(&last).starts_with("and so"), "{last}");
}

#[test]
fn model_a_stream_that_ends_is_heard_to_its_end() {
    let sound = [raw(), silence(2), raw()].concat();
    let run = |more: &[&str]| {
        let run = transcribe().args(["--stream", "--pcm", "s16le:8000:1", "--no-via"]).args(more);
        run.arg("-").stdin(sound.clone()).run().code(0)
    };
    let records = run(&[]).records();
    assert_eq!(records.len(), 2, "{records:?}");
    let start = records[1]["transcript"]["segments"][0]["start"].as_f64().expect("a time");
    assert!((4.5..6.5).contains(&start), "{records:?}");
    assert_eq!(run(&["--jobs", "4"]).records(), records);
    let plain = run(&["-r"]);
    assert_eq!(plain.text().lines().count(), 2, "{plain}");
    // A container is a stream too, and so are several.
    let outcome = transcribe().arg("--stream").arg(data("speech/short.mp3"));
    assert!(text(&outcome.run().code(0).record()).contains("fellow"));
    let bad = transcribe().args(["--stream", "-"]).stdin("no sound").run().code(1);
    assert_eq!(bad.error_code(), "unsupported");
    let quiet = transcribe().args(["--stream", "--pcm", "s16le:8000:1", "-"]).stdin(silence(20));
    assert!(quiet.run().code(0).stdout.is_empty());
}

#[test]
fn model_memory_does_not_grow_with_the_recording() {
    let peak = |minutes: usize| {
        let run = transcribe().args(["--pcm", "s16le:8000:1", "--no-cache", "long"]);
        let mut long = fifo(&run.folder().join("long"));
        let running = run.within(Duration::from_secs(100)).start();
        long.write_all(&raw()).expect("it listens");
        for _ in 0..minutes {
            long.write_all(&silence(60)).expect("it listens");
        }
        // All but what a pipe holds is read by now.
        let status = fs::read_to_string(format!("/proc/{}/status", running.id())).expect("runs");
        let line = status.lines().find(|l| l.starts_with("VmHWM:")).expect("its peak");
        let kib: u64 = line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("KiB");
        drop(long);
        let (code, lines, messages) = running.end();
        assert_eq!((code, lines.len()), (0, 1), "{messages}");
        kib / 1024
    };
    let (short, long) = (peak(2), peak(40));
    assert!(long < short + 16, "{long} MiB for 40 minutes, {short} MiB for 2");
}

#[test]
fn model_noise_and_music_have_no_words() {
    let rate = 16_000;
    let mut state = 1_u32;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 16) / 32_768.0 - 1.0
    };
    let seconds = 120;
    let mut red = 0.0;
    let brown: Vec<i16> = (0..seconds * rate)
        .map(|_| {
            red = 0.98 * red + 0.02 * noise();
            (red * 30_000.0) as i16
        })
        .collect();
    // Chords that die away, three times in two seconds, over a drum.
    let chord = [[261.6, 329.6, 392.0], [293.7, 349.2, 440.0], [246.9, 293.7, 392.0]];
    let music: Vec<i16> = (0..seconds * rate)
        .map(|i| {
            let (beat, at) = (i / (rate * 2 / 3), (i % (rate * 2 / 3)) as f64 / rate as f64);
            let tones = chord[beat % 3].iter();
            let tone: f64 = tones.map(|hz| (at * hz * std::f64::consts::TAU).sin()).sum();
            let drum = (at * 60.0 * std::f64::consts::TAU).sin() * (-at * 20.0).exp();
            ((tone * (-at * 4.0).exp() * 0.25 + drum * 0.3) * 20_000.0) as i16
        })
        .collect();
    let sweep: Vec<i16> = (0..seconds * rate)
        .map(|i| {
            let at = i as f64 / rate as f64 % 10.0;
            ((at * (100.0 + 150.0 * at) * std::f64::consts::TAU).sin() * 12_000.0) as i16
        })
        .collect();
    for (name, samples) in [("brown", brown), ("music", music), ("sweep", sweep)] {
        let sound = wav(1, 16_000, samples);
        let run = transcribe().args(["--drop-suspect", "-"]).stdin(sound.clone());
        let outcome = run.run().code(0);
        assert_eq!(text(&outcome.record()), "", "{name}: {outcome}");
        // What is not dropped says that it is not to be trusted.
        let record = transcribe().arg("-").stdin(sound).run().code(0).record();
        let segments = record["transcript"]["segments"].as_array().expect("segments");
        assert!(segments.iter().all(|s| s["suspect"].is_string()), "{name}: {record}");
    }
}

#[test]
fn model_each_side_of_a_call_is_a_speaker() {
    let one: Vec<i16> = raw().chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
    // The left side speaks first, the right one four seconds later.
    let pause = 4 * 8_000;
    let at = |i: usize| one.get(i).copied().unwrap_or(0);
    let frames = (0..pause + one.len()).flat_map(|i| [at(i), i.checked_sub(pause).map_or(0, at)]);
    let call = wav(2, 8_000, frames);
    let run = transcribe().args(["--channels", "split", "-"]).stdin(call.clone()).run().code(0);
    let record = run.record();
    let segments = record["transcript"]["segments"].as_array().expect("segments");
    let speakers: Vec<_> = segments.iter().map(|s| s["speaker"].as_u64()).collect();
    assert_eq!(speakers, [Some(1), Some(2)], "{record}");
    let starts: Vec<_> = segments.iter().map(|s| s["start"].as_f64().expect("a time")).collect();
    assert!(starts[0] < 2.0 && starts[1] > 3.5, "{record}");
    assert!(text(&record).contains("\nspeaker 2: and so"), "{record}");
    let live = transcribe().args(["--channels", "split", "--stream", "-"]).stdin(call);
    let heard: Vec<Value> = live.run().code(0).records();
    let speakers: Vec<_> =
        heard.iter().map(|r| r["transcript"]["segments"][0]["speaker"].as_u64()).collect();
    assert_eq!(speakers, [Some(1), Some(2)], "{heard:?}");
}

#[test]
fn model_a_part_of_a_recording_keeps_its_times() {
    let run = |arguments: &[&str]| {
        transcribe().args(arguments).arg(data("speech/jfk.flac")).run().code(0).record()
    };
    let part = run(&["--offset", "7.5", "--duration", "2"]);
    assert_eq!(part["transcript"]["duration"], 2.0, "{part}");
    let segments = part["transcript"]["segments"].as_array().expect("segments");
    let time = |s: &Value, key: &str| s[key].as_f64().expect("a time");
    let within = |s: &Value| time(s, "start") >= 7.5 && time(s, "end") <= 9.5;
    assert!(!segments.is_empty() && segments.iter().all(within), "{part}");
    let beyond = run(&["--offset", "60"]);
    assert_eq!((text(&beyond), &beyond["transcript"]["duration"]), (String::new(), &json!(0.0)));
    transcribe().args(["--offset", "-1", "x"]).run().code(2);
}

#[test]
fn model_a_prompt_and_a_vocabulary_reach_the_model() {
    let run = |sound: &str, arguments: &[&str]| {
        let run = transcribe().file("words.txt", "AMERICANS\n\nfellow AMERICANS\n");
        run.args(arguments).args(["-r"]).arg(data("speech").join(sound)).run()
    };
    // It is written as the prompt is.
    let lower = ["--prompt", "so my friends we asked him what he could do"];
    let (plain, prompted) = (run("jfk.flac", &[]).code(0), run("jfk.flac", &lower).code(0));
    assert!(plain.text().contains("And so my fellow Americans"), "{plain}");
    assert!(plain.text().contains(['.', ',']), "{plain}");
    assert!(prompted.text().contains("and so my fellow"), "{prompted}");
    assert!(!prompted.text().contains(['.', ',']), "{prompted}");
    // Short clips loop with prompts such as this one; the words are found all the same.
    let shouted = ["--prompt", "MY FELLOW AMERICANS, ASK NOT WHAT YOUR COUNTRY CAN DO."];
    let run = |arguments: &[&str]| run("short.flac", arguments);
    let text = run(&shouted).code(0).text().to_lowercase();
    assert_eq!(text.trim(), "and so my fellow americans.");
    assert!(run(&["--vocabulary", "words.txt"]).code(0).text().to_lowercase().contains("fellow"));
    run(&["--prompt", &"word ".repeat(400)]).code(2).says("tokens");
    run(&["--vocabulary", "missing.txt"]).code(2).says("missing.txt");
}

/// Stands in for ffmpeg.
fn fake_ffmpeg(run: Program, script: &str) -> Program {
    let run = run.file("bin/ffmpeg", format!("#!/bin/sh\n{script}\n"));
    let path = run.folder().join("bin/ffmpeg");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("made a program");
    let path = format!("{}:/usr/bin:/bin", run.folder().join("bin").display());
    run.env("PATH", path)
}

#[test]
fn model_ffmpeg_decodes_what_is_not_known_here() {
    let strange = b"\0\x01strange container".repeat(50);
    let run = || {
        let run = transcribe().file("short.wav", speech("short.wav")).file("-x.mp3", &strange);
        // What it is given comes on stdin, whatever its name.
        let script = "printf '%s ' \"$@\" > arguments; cat > given; cat short.wav";
        fake_ffmpeg(run, script).args(["--no-cache", "--no-via"])
    };
    let by_path = run().args(["--", "-x.mp3"]);
    let folder = by_path.folder().to_owned();
    let record = by_path.run().code(0).record();
    assert!(text(&record).contains("fellow") && !folder.exists(), "{record}");
    let by_stdin = run().arg("-").stdin(strange.clone()).run().code(0).record();
    assert_eq!(by_stdin["text"], record["text"]);
    assert_eq!(by_stdin["id"], record["id"], "of all bytes that came");

    // One that fails leaves the reason that was there before.
    let failing = || transcribe().file("x.wma", &strange).args(["--no-cache", "x.wma"]);
    let outcome = fake_ffmpeg(failing(), "echo it is broken >&2; exit 1").run().code(1);
    assert_eq!(outcome.error_code(), "unsupported");
    let none = failing().env("PATH", "/nowhere").run().code(1);
    assert_eq!(none.error_code(), "unsupported");
}

#[test]
fn model_ffmpeg_ends_when_its_record_does() {
    let run = transcribe().file("x.wma", b"\0\x01strange container".repeat(50));
    let keep = tempfile::tempdir().expect("a folder");
    let pid = keep.path().join("pid");
    let script = format!("echo $$ > {}; exec sleep 100", pid.display());
    let run = fake_ffmpeg(run, &script).args(["--timeout", "2", "x.wma"]);
    let outcome = run.within(Duration::from_secs(30)).run().code(1);
    assert_eq!(outcome.error_code(), "timeout");
    let pid = fs::read_to_string(pid).expect("it ran").trim().to_owned();
    assert!(!Path::new("/proc").join(pid).exists(), "it still runs");
}

#[test]
fn model_without_a_detector_everything_is_heard() {
    let outcome =
        transcribe().args(["--vad", "none"]).arg(data("speech/jfk.flac")).run().code(0).record();
    assert!(text(&outcome).contains("ask not what your country"), "{outcome}");
}
