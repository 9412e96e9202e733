use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use audio::ReadAt as _;
use engine::{
    Cancel, Error, LANGUAGE_AUTO, ModelInfo, Segment, Transcribe, TranscribeRequest, Transcript,
    Word,
};
use proptest::prelude::*;
use records::{Record, content_id};

use crate::detector::Detector;
use crate::error::TranscribeError;
use crate::listen::{Asked, Heard, Listener};
use crate::output;
use crate::source::{HashedFile, Source};

const RATE: usize = whisper::SAMPLE_RATE;

/// Says how loud a window is, and what it was asked for.
struct Echo {
    info: ModelInfo,
    windows: Arc<AtomicUsize>,
}

impl Transcribe for Echo {
    fn model(&self) -> &ModelInfo {
        &self.info
    }

    fn transcribe(
        &mut self,
        request: &TranscribeRequest<'_>,
        cancel: &Cancel,
    ) -> Result<Transcript, Error> {
        self.windows.fetch_add(1, Ordering::Relaxed);
        if let Some(reason) = cancel.reason() {
            return Err(Error::Cancelled(reason));
        }
        let end = request.samples.len() as f64 / RATE as f64;
        let text = format!("{} {:.1}", request.language, request.samples[0]);
        let word = Word { start: 0.123_456, end, word: text.clone(), confidence: 0.777_77 };
        let segment = Segment {
            start: 0.123_456,
            end,
            text,
            confidence: 0.777_77,
            no_speech: 0.0,
            mean_logprob: -0.1,
            suspect: None,
            words: if request.words { vec![word] } else { Vec::new() },
        };
        let language = if request.language == LANGUAGE_AUTO { "de" } else { request.language };
        Ok(Transcript { language: language.to_owned(), segments: vec![segment], tokens: 3 })
    }
}

fn listener(sessions: usize) -> (Listener, Arc<AtomicUsize>) {
    let windows = Arc::new(AtomicUsize::new(0));
    let echo = |_| {
        let info = ModelInfo::default();
        Box::new(Echo { info, windows: Arc::clone(&windows) }) as Box<dyn Transcribe>
    };
    (Listener::new(Detector::Everything, (0..sessions).map(echo).collect()), windows)
}

fn asked(language: &str) -> Asked {
    Asked { language: language.to_owned(), translate: false, words: true }
}

/// Blocks of one second, each louder than the last, and then `end`.
fn blocks(
    seconds: usize,
    end: Option<audio::Error>,
) -> impl FnMut() -> Result<Option<Vec<f32>>, audio::Error> {
    let mut at = 0;
    let mut end = end;
    move || {
        at += 1;
        if at <= seconds {
            return Ok(Some(vec![at as f32 / 1000.0; RATE]));
        }
        end.take().map_or(Ok(None), Err)
    }
}

fn hear(sessions: usize, seconds: usize) -> Heard {
    let (mut listener, _) = listener(sessions);
    listener.hear(blocks(seconds, None), &asked("auto"), &Cancel::default()).expect("heard")
}

#[test]
fn times_count_from_the_start_of_the_recording() {
    let heard = hear(1, 100);
    assert_eq!(heard.duration, 100.0);
    assert!(heard.segments.len() >= 4, "{heard:?}");
    assert_eq!(heard.tokens, 3 * heard.segments.len() as u64);
    assert_eq!(heard.segments[0].start, 0.12, "rounded");
    assert_eq!(heard.segments[0].confidence, 0.778);
    for pair in heard.segments.windows(2) {
        assert_eq!(pair[1].start, ((pair[0].end + 0.123_456) * 100.0).round() / 100.0);
        assert_eq!(pair[1].words[0].start, pair[1].start);
    }
    assert_eq!(heard.segments.last().map(|s| s.end), Some(100.0));
}

#[test]
fn the_language_of_the_first_words_is_kept() {
    let heard = hear(1, 70);
    assert_eq!(heard.language, "de");
    let asked: Vec<&str> = heard.segments.iter().filter_map(|s| s.text.split(' ').next()).collect();
    assert_eq!(asked[0], "auto");
    assert!(asked[1..].iter().all(|language| *language == "de"), "{asked:?}");
    assert_eq!(hear(1, 0).language, "", "nobody spoke");
}

#[test]
fn several_sessions_give_what_one_gives() {
    let times = |heard: Heard| -> Vec<(f64, f64)> {
        heard.segments.iter().map(|s| (s.start, s.end)).collect()
    };
    for seconds in [0, 1, 31, 100, 200] {
        let one = times(hear(1, seconds));
        assert_eq!(times(hear(3, seconds)), one);
        assert_eq!(times(hear(8, seconds)), one);
    }
}

#[test]
fn a_recording_that_breaks_off_is_kept_as_far_as_it_goes() {
    let cut = || audio::Error::Truncated { seconds: 40.0, declared: Some(90.0) };
    let (mut listener, _) = listener(1);
    let heard = listener.hear(blocks(40, Some(cut())), &asked("en"), &Cancel::default());
    let heard = heard.expect("heard");
    assert_eq!(heard.duration, 40.0);
    assert_eq!(heard.segments.last().map(|s| s.end), Some(40.0));
    let problem = output::problem(&heard, 2).expect("a problem");
    assert_eq!(problem, "the input ends after 40.0 s of 90.0 s; 2 damaged packets were left out");
    let mut record = Record::new();
    output::write(&mut record, &heard, Some(&problem), "text");
    let written: serde_json::Value = serde_json::from_str(record.as_str()).expect("JSON");
    assert_eq!(written["transcript"]["truncated"], true);
    assert_eq!(written["transcript"]["problem"], problem);

    let nothing = listener.hear(blocks(0, Some(cut())), &asked("en"), &Cancel::default());
    assert!(matches!(nothing, Err(TranscribeError::Audio(_))), "{nothing:?}");
    let broken = audio::Error::Unreadable(std::io::ErrorKind::Other.into());
    let broken = listener.hear(blocks(40, Some(broken)), &asked("en"), &Cancel::default());
    assert!(matches!(broken, Err(TranscribeError::Audio(_))), "it may be read another time");
}

#[test]
fn nothing_of_a_recording_that_was_given_up_gets_into_the_next() {
    let (mut listener, windows) = listener(1);
    let broken = audio::Error::Unreadable(std::io::ErrorKind::Other.into());
    listener.hear(blocks(20, Some(broken)), &asked("en"), &Cancel::default()).expect_err("broken");
    assert_eq!(windows.load(Ordering::Relaxed), 0);
    let heard = listener.hear(blocks(5, None), &asked("en"), &Cancel::default()).expect("heard");
    assert_eq!((heard.duration, heard.segments.len()), (5.0, 1));
    assert_eq!(heard.segments[0].end, 5.0);
}

#[test]
fn a_cancelled_recording_ends_at_once() {
    let cancel = Cancel::default();
    cancel.set();
    let (mut listener, windows) = listener(2);
    // An endless one.
    let heard = listener.hear(|| Ok(Some(vec![0.0; RATE])), &asked("en"), &cancel);
    assert!(matches!(heard, Err(TranscribeError::Engine(Error::Cancelled(_)))), "{heard:?}");
    assert_eq!(windows.load(Ordering::Relaxed), 0);
}

#[test]
fn confidence_is_weighted_by_time_and_absent_for_silence() {
    let mut segments = hear(1, 60).segments;
    segments.truncate(2);
    let mut set = |i: usize, (start, end): (f64, f64), confidence: f64| {
        segments[i] = Segment { start, end, confidence, ..segments[i].clone() };
    };
    set(0, (0.0, 3.0), 0.9);
    set(1, (3.0, 4.0), 0.5);
    assert_eq!(output::confidence(&segments), Some(0.8));
    assert_eq!(output::confidence(&[]), None);
    let mut record = Record::parse(br#"{"confidence":0.3,"n":1}"#).expect("a record");
    output::write(&mut record, &Heard::default(), None, "said");
    let silent = r#"{"n":1,"said":"","transcript":{"duration":0.0,"segments":[]}}"#;
    assert_eq!(record.as_str(), silent);
}

fn file(bytes: &[u8]) -> std::fs::File {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("written");
    file
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn however_a_file_is_read_its_id_is_that_of_all_its_bytes(
        len in 0usize..3 << 20,
        reads in prop::collection::vec((any::<prop::sample::Index>(), 1usize..100_000), 0..20),
    ) {
        let bytes: Vec<u8> = (0..len).map(|i| (i * 7 / 3 % 251) as u8).collect();
        let source = Source::File(Arc::new(HashedFile::new(file(&bytes))), len as u64);
        let Source::File(hashed, _) = &source else { unreachable!("made above") };
        for (at, size) in reads {
            let at = at.index(len + 10);
            let mut buffer = vec![0; size];
            let n = hashed.read_at(&mut buffer, at as u64).expect("read");
            let rest = &bytes[at.min(len)..];
            prop_assert!(n > 0 || rest.is_empty());
            prop_assert_eq!(&buffer[..n], &rest[..n]);
        }
        prop_assert_eq!(source.id().expect("an id"), content_id(&bytes));
        prop_assert!(source.id().is_err(), "an id is had once");
    }
}
