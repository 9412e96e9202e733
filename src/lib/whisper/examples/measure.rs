//! Word error rate and speed over a folder of clips with a manifest.
//!
//! usage: measure MODEL MANIFEST.jsonl full|cut SESSIONS [VAD]
#![expect(clippy::print_stdout, reason = "a measuring tool prints its figures")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use engine::{Cancel, Transcribe, TranscribeRequest};
use headwater_whisper::{Decoding, Options, Whisper};

type Failure = Box<dyn std::error::Error + Send + Sync>;

struct Clip {
    name: String,
    samples: Vec<f32>,
    text: String,
}

fn words(text: &str) -> Vec<String> {
    let keep = |c: char| c.is_alphanumeric() || c == '\'' || c.is_whitespace();
    let text: String = text.to_lowercase().chars().map(|c| if keep(c) { c } else { ' ' }).collect();
    text.split_whitespace().map(str::to_owned).collect()
}

fn distance(a: &[String], b: &[String]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// The value of a string key in a flat JSON object.
fn value(line: &str, key: &str) -> Option<String> {
    let rest = line.split_once(&format!("\"{key}\": \""))?.1;
    Some(rest.split("\", \"").next()?.trim_end_matches(['"', '}']).replace("\\n", " "))
}

fn clips(manifest: &Path) -> Result<Vec<Clip>, Failure> {
    let folder = manifest.parent().unwrap_or(Path::new("."));
    let mut clips = Vec::new();
    for line in std::fs::read_to_string(manifest)?.lines() {
        let (Some(path), Some(text)) = (value(line, "path"), value(line, "text")) else { continue };
        let mut decoder = audio::Decoder::open(&folder.join(&path))?;
        let mut samples = Vec::new();
        while let Some(block) = decoder.next_block()? {
            samples.extend(block);
        }
        if samples.len() <= headwater_whisper::WINDOW {
            clips.push(Clip { name: path, samples, text });
        }
    }
    Ok(clips)
}

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().collect();
    let [_, model, manifest, context, sessions] = args.as_slice() else {
        return Err("usage: measure MODEL MANIFEST.jsonl full|cut|cut-beam SESSIONS".into());
    };
    let mut options = Options::new(PathBuf::from(model));
    options.cut_context = context.starts_with("cut");
    if context.ends_with("beam") {
        options.decoding = Decoding::Beam(5);
    }
    let whisper = Whisper::load(options)?;
    let clips = clips(Path::new(manifest))?;
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    let work = || -> Result<(usize, usize), Failure> {
        let mut session = whisper.session()?;
        let (mut wrong, mut all) = (0, 0);
        while let Some(clip) = clips.get(next.fetch_add(1, Ordering::Relaxed)) {
            let request = TranscribeRequest {
                samples: &clip.samples,
                language: "en",
                translate: false,
                words: false,
            };
            let said = session.transcribe(&request, &Cancel::default())?;
            let text: Vec<String> = said.segments.iter().map(|s| s.text.clone()).collect();
            let (want, got) = (words(&clip.text), words(&text.join(" ")));
            let errors = distance(&want, &got);
            if errors > 0 {
                println!("{errors}/{} {} {}", want.len(), clip.name, got.join(" "));
            }
            wrong += errors;
            all += want.len();
        }
        Ok((wrong, all))
    };
    let counts: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..sessions.parse().unwrap_or(1)).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|t| t.join().ok()).collect()
    });
    let seconds = begun.elapsed().as_secs_f64();
    let (mut wrong, mut all) = (0, 0);
    for count in counts {
        let (w, a) = count?;
        (wrong, all) = (wrong + w, all + a);
    }
    let spoken: usize = clips.iter().map(|c| c.samples.len()).sum();
    println!(
        "{} clips, {:.1} s of sound: WER {:.2} % ({wrong}/{all}), {seconds:.1} s, {:.2} s a clip",
        clips.len(),
        spoken as f64 / 16_000.0,
        100.0 * wrong as f64 / all as f64,
        seconds / clips.len() as f64,
    );
    Ok(())
}
