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
use crate::folder::Folder;
use crate::format::Format;
use crate::listen::{Asked, Heard, Listener, Said};
use crate::output;
use crate::progress::Progress;
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
        let number = self.windows.fetch_add(1, Ordering::Relaxed);
        assert!((request.language, number) != ("bug", 1), "the second window panics");
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
            suspect: (request.samples[0] > 0.9).then(|| "repetition".to_owned()),
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
    let language = language.to_owned();
    let (translate, words, drop_suspect) = (false, true, false);
    Asked { language, translate, words, offset: 0, duration: None, drop_suspect }
}

/// What a listener hears of one channel.
fn hear_all(
    listener: &mut Listener,
    mut next: impl FnMut() -> Result<Option<Vec<f32>>, audio::Error>,
    asked: &Asked,
    cancel: &Cancel,
) -> Result<Heard, TranscribeError> {
    let next = || Ok(next()?.map(|block| vec![block]));
    listener.hear(next, (asked, false), &progress(), cancel)
}

fn progress() -> Progress {
    let (quiet, verbose, nice) = (true, 0, false);
    let never = cli::args::When::Never;
    Progress::new(&cli::GeneralArgs { quiet, verbose, color: never, progress: never, nice })
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
    hear_all(&mut listener, blocks(seconds, None), &asked("auto"), &Cancel::default())
        .expect("heard")
}

#[test]
fn a_panic_of_one_session_ends_the_recording_and_hangs_nobody() {
    let heard = std::panic::catch_unwind(|| {
        let (mut listener, _) = listener(3);
        hear_all(&mut listener, blocks(200, None), &asked("bug"), &Cancel::default())
    });
    assert!(heard.is_err());
}

#[test]
fn times_count_from_the_start_of_the_recording() {
    let heard = hear(1, 100);
    assert_eq!(heard.duration, 100.0);
    assert!(heard.segments.len() >= 4, "{heard:?}");
    assert_eq!(heard.tokens, 3 * heard.segments.len() as u64);
    assert_eq!(heard.segments[0].segment.start, 0.12, "rounded");
    assert_eq!(heard.segments[0].segment.confidence, 0.778);
    for pair in heard.segments.windows(2) {
        assert_eq!(
            pair[1].segment.start,
            ((pair[0].segment.end + 0.123_456) * 100.0).round() / 100.0
        );
        assert_eq!(pair[1].segment.words[0].start, pair[1].segment.start);
    }
    assert_eq!(heard.segments.last().map(|s| s.segment.end), Some(100.0));
}

#[test]
fn the_language_of_the_first_words_is_kept() {
    let heard = hear(1, 70);
    assert_eq!(heard.language, "de");
    let asked: Vec<&str> =
        heard.segments.iter().filter_map(|s| s.segment.text.split(' ').next()).collect();
    assert_eq!(asked[0], "auto");
    assert!(asked[1..].iter().all(|language| *language == "de"), "{asked:?}");
    assert_eq!(hear(1, 0).language, "", "nobody spoke");
}

#[test]
fn several_sessions_give_what_one_gives() {
    let times = |heard: Heard| -> Vec<(f64, f64)> {
        heard.segments.iter().map(|s| (s.segment.start, s.segment.end)).collect()
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
    let heard = hear_all(&mut listener, blocks(40, Some(cut())), &asked("en"), &Cancel::default());
    let heard = heard.expect("heard");
    assert_eq!(heard.duration, 40.0);
    assert_eq!(heard.segments.last().map(|s| s.segment.end), Some(40.0));
    let problem = output::problem(heard.cut_short.as_ref(), 2).expect("a problem");
    assert_eq!(problem, "the input ends after 40.0 s of 90.0 s; 2 damaged packets were left out");
    let mut record = Record::new();
    output::write(&mut record, &heard, (Some(&problem), None), "text");
    let written: serde_json::Value = serde_json::from_str(record.as_str()).expect("JSON");
    assert_eq!(written["transcript"]["truncated"], true);
    assert_eq!(written["transcript"]["problem"], problem);

    let nothing = hear_all(&mut listener, blocks(0, Some(cut())), &asked("en"), &Cancel::default());
    assert!(matches!(nothing, Err(TranscribeError::Audio(_))), "{nothing:?}");
    let broken = audio::Error::Unreadable(std::io::ErrorKind::Other.into());
    let broken =
        hear_all(&mut listener, blocks(40, Some(broken)), &asked("en"), &Cancel::default());
    assert!(matches!(broken, Err(TranscribeError::Audio(_))), "it may be read another time");
}

#[test]
fn nothing_of_a_recording_that_was_given_up_gets_into_the_next() {
    let (mut listener, windows) = listener(1);
    let broken = audio::Error::Unreadable(std::io::ErrorKind::Other.into());
    hear_all(&mut listener, blocks(20, Some(broken)), &asked("en"), &Cancel::default())
        .expect_err("broken");
    assert_eq!(windows.load(Ordering::Relaxed), 0);
    let heard =
        hear_all(&mut listener, blocks(5, None), &asked("en"), &Cancel::default()).expect("heard");
    assert_eq!((heard.duration, heard.segments.len()), (5.0, 1));
    assert_eq!(heard.segments[0].segment.end, 5.0);
}

#[test]
fn a_cancelled_recording_ends_at_once() {
    let cancel = Cancel::default();
    cancel.set();
    let (mut listener, windows) = listener(2);
    // An endless one.
    let heard = hear_all(&mut listener, || Ok(Some(vec![0.0; RATE])), &asked("en"), &cancel);
    assert!(matches!(heard, Err(TranscribeError::Engine(Error::Cancelled(_)))), "{heard:?}");
    assert_eq!(windows.load(Ordering::Relaxed), 0);
}

#[test]
fn confidence_is_weighted_by_time_and_absent_for_silence() {
    let mut segments = hear(1, 60).segments;
    segments.truncate(2);
    let mut set = |i: usize, (start, end): (f64, f64), confidence: f64| {
        segments[i].segment = Segment { start, end, confidence, ..segments[i].segment.clone() };
    };
    set(0, (0.0, 3.0), 0.9);
    set(1, (3.0, 4.0), 0.5);
    assert_eq!(output::confidence(&segments), Some(0.8));
    assert_eq!(output::confidence(&[]), None);
    let mut record = Record::parse(br#"{"confidence":0.3,"n":1}"#).expect("a record");
    output::write(&mut record, &Heard::default(), (None, None), "said");
    let silent = r#"{"n":1,"said":"","transcript":{"duration":0.0,"segments":[]}}"#;
    assert_eq!(record.as_str(), silent);
}

#[test]
fn a_stretch_is_cut_out_and_its_times_stay() {
    let (mut listener, _) = listener(1);
    for (offset, duration, first, seconds) in
        [(3 * RATE, 4 * RATE, "0.0", 4.0), (RATE / 2, RATE, "0.0", 1.0), (20 * RATE, RATE, "", 0.0)]
    {
        let (offset, duration) = (offset as u64, Some(duration as u64));
        let asked = Asked { offset, duration, ..asked("en") };
        // Endless where it ends by itself.
        let heard = hear_all(&mut listener, blocks(10, None), &asked, &Cancel::default());
        let heard = heard.expect("heard");
        assert_eq!(heard.duration, seconds, "{offset}");
        assert!(heard.cut_short.is_none());
        let from = offset as f64 / RATE as f64;
        let said = heard.segments.first();
        assert_eq!(said.is_some(), !first.is_empty());
        if let Some(said) = said {
            assert!((said.segment.start - from - 0.123_456).abs() < 0.006, "{said:?}");
            assert!((said.segment.end - from - seconds).abs() < 0.006, "{said:?}");
        }
    }
}

#[test]
fn doubtful_segments_are_dropped_only_when_asked_and_counted() {
    let (mut listener, _) = listener(1);
    let loud = || {
        let mut left = 2;
        move || {
            left -= 1;
            Ok((left >= 0).then(|| vec![0.95; RATE]))
        }
    };
    let kept = hear_all(&mut listener, loud(), &asked("en"), &Cancel::default()).expect("heard");
    assert_eq!((kept.segments.len(), kept.dropped), (1, 0));
    let asked = Asked { drop_suspect: true, ..asked("en") };
    let heard = hear_all(&mut listener, loud(), &asked, &Cancel::default()).expect("heard");
    assert_eq!((heard.segments.len(), heard.dropped), (0, 1));
    let mut record = Record::new();
    output::write(&mut record, &heard, (None, None), "text");
    assert!(record.as_str().contains(r#""dropped":1"#), "{}", record.as_str());
}

fn said(start: f64, end: f64, text: &str, speaker: Option<usize>) -> Said {
    let words = text.split(' ').zip(0..).map(|(word, n)| Word {
        start: start + f64::from(n) * 0.25,
        end: start + f64::from(n) * 0.25 + 0.2,
        word: word.to_owned(),
        confidence: 0.9,
    });
    let segment = Segment {
        start,
        end,
        text: text.to_owned(),
        confidence: 0.9,
        no_speech: 0.0,
        mean_logprob: -0.1,
        suspect: None,
        words: words.collect(),
    };
    Said { segment, speaker }
}

#[test]
fn captions_and_tables_are_what_players_and_sheets_read() {
    let segments =
        vec![said(0.5, 1.5, "a --> b", None), said(3_661.25, 3_661.25, "x <i>\t&\n\ny", None)];
    let mut heard = Heard { segments, ..Heard::default() };
    heard.segments[1].segment.words.clear();
    assert_eq!(Format::Txt.render(&heard), "a --> b\nx <i> & y");
    let srt = "1\n00:00:00,500 --> 00:00:01,500\na -> b\n\n\
        2\n01:01:01,250 --> 01:01:01,350\nx <i> & y";
    assert_eq!(Format::Srt.render(&heard), srt);
    let vtt = "WEBVTT\n\n00:00:00.500 --> 00:00:01.500\n\
        a <00:00:00.750>--&gt; <00:00:01.000>b\n\n\
        01:01:01.250 --> 01:01:01.350\nx &lt;i&gt; &amp; y";
    assert_eq!(Format::Vtt.render(&heard), vtt);
    let tsv = "start\tend\ttext\n500\t700\ta\n750\t950\t-->\n1000\t1200\tb\n\
        3661250\t3661250\tx <i> & y";
    assert_eq!(Format::Tsv.render(&heard), tsv);
    heard.segments[1].speaker = Some(2);
    assert!(Format::Txt.render(&heard).ends_with("\nSpeaker 2: x <i> & y"));
    assert!(Format::Vtt.render(&heard).contains("<v Speaker 2>x"));
    assert!(Format::Tsv.render(&heard).starts_with("start\tend\tspeaker\ttext\n"));
    assert_eq!(Format::Vtt.render(&Heard::default()), "WEBVTT");
}

#[test]
fn turns_are_lines() {
    let turns = [
        said(0.0, 1.0, "Hello.", Some(1)),
        said(1.0, 2.0, "Anna here.", Some(1)),
        said(2.0, 3.0, "Hi.", Some(2)),
    ];
    assert_eq!(output::text(&turns), "Speaker 1: Hello. Anna here.\nSpeaker 2: Hi.");
}

#[test]
fn a_file_belongs_to_one_recording_and_others_are_kept() {
    let place = tempfile::tempdir().expect("a folder");
    let inbox = place.path().join("inbox");
    std::fs::create_dir_all(inbox.join("a")).expect("made");
    let out = place.path().join("out");
    let folder = |force| Folder::new(out.clone(), "srt", force, std::slice::from_ref(&inbox));
    let files = folder(false);
    let claim = |path: &std::path::Path| files.claim(Some(path));
    assert_eq!(claim(&inbox.join("a/memo.wav")).expect("free"), out.join("a/memo.srt"));
    assert_eq!(claim(&inbox.join("memo.wav")).expect("free"), out.join("memo.srt"));
    claim(&inbox.join("memo.wav")).expect("the same recording");
    let other = claim(&inbox.join("memo.mp3")).expect_err("two in one");
    assert_eq!(other.code, records::Code::Refused);
    assert_eq!(claim(std::path::Path::new("/x/y.tar.gz")).expect("free"), out.join("y.tar.srt"));
    assert_eq!(claim(std::path::Path::new("../../z.wav")).expect("free"), out.join("z.srt"));
    claim(&inbox.join("../b/../../up.wav")).expect("stays inside");
    for nameless in ["/", "..", "a/.."] {
        assert!(claim(std::path::Path::new(nameless)).is_err(), "{nameless}");
    }
    assert_eq!(files.claim(None).expect("free"), out.join("stdin.srt"));

    let target = out.join("deep/memo.srt");
    files.write(&target, "one\n").expect("written");
    files.write(&target, "one\n").expect("the same");
    files.write(&target, "two\n").expect_err("another one");
    assert_eq!(std::fs::read_to_string(&target).expect("there"), "one\n");
    folder(true).write(&target, "two\n").expect("replaced");
    assert_eq!(std::fs::read_to_string(&target).expect("there"), "two\n");
    let left = std::fs::read_dir(out.join("deep")).expect("a folder").count();
    assert_eq!(left, 1, "no temporary file is left");
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
