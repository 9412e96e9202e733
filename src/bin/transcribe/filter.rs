use std::path::Path;
use std::sync::{Mutex, PoisonError};

use cli::{Emit, Filter, Halt, Input, Operands, Origin, ResultKey, Results};
use engine::{Cancel, DetectSpeech as _, Error, LANGUAGE_AUTO, Transcribe, TranscribeRequest};
use records::{Code, ContentHasher, Failure, Record, Text, Usage};
use whisper::{SAMPLE_RATE, Session, Spotted, WINDOW};

use crate::calibrate::{self, Example};
use crate::command::{self, Verdict};
use crate::error::TranscribeError;
use crate::format::Format;
use crate::listen::{Heard, Listener, Stretch, round};
use crate::live::{self, Utterance};
use crate::output;
use crate::plan::{Plan, Spotting};
use crate::source::Source;

pub(crate) struct TranscribeFilter {
    plan: Plan,
    /// What `--calibrate` has seen so far.
    examples: Mutex<Vec<Example>>,
}

/// One worker: it transcribes, or it spots commands.
pub(crate) enum Worker {
    Listener(Listener),
    Spotter(Box<Session>),
}

impl TranscribeFilter {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan, examples: Mutex::default() }
    }

    fn make_worker(&self) -> Result<Worker, TranscribeError> {
        let plan = &self.plan;
        if plan.spotting.is_some() {
            return Ok(Worker::Spotter(Box::new(plan.whisper.session()?)));
        }
        let session = |_| Ok(Box::new(plan.whisper.session()?) as Box<dyn Transcribe>);
        let threads = if plan.live { 1 } else { plan.threads };
        let sessions = (0..threads).map(session).collect::<Result<_, Error>>()?;
        Ok(Worker::Listener(Listener::new(plan.vad.clone(), sessions)))
    }

    fn usage(&self, tokens: u64) -> Usage {
        let model = self.plan.whisper.model();
        Usage {
            model: Some(model.name.clone()),
            model_sha: Some(model.sha256.clone()).filter(|sha| !sha.is_empty()),
            tokens_out: Some(tokens),
            ..Usage::default()
        }
    }

    /// A whole recording, transcribed.
    fn transcribe(
        &self,
        listener: &mut Listener,
        (input, path): (&Input, Option<&Path>),
        out: &mut Emit<'_>,
    ) -> Result<(), Halt> {
        let plan = &self.plan;
        let cancel = plan.timeout.map_or_else(|| plan.cancel.clone(), |t| plan.cancel.within(t));
        let target = plan.folder.as_ref().map(|folder| folder.claim(path)).transpose()?;
        let source = Source::open(path, plan, &cancel)?;
        let decoder = source.decoder(plan.pcm.as_ref(), &cancel).map_err(TranscribeError::Audio)?;
        let mut decoder = decoder.with_channels(plan.channels);
        plan.progress.begin(decoder.info().duration);
        let split = plan.channels == audio::Channels::Split;
        let asked = (&plan.asked, split);
        let heard = listener.hear(|| decoder.next_blocks(), asked, &plan.progress, &cancel)?;
        let problem = output::problem(heard.cut_short.as_ref(), decoder.skipped_packets());
        warn(path, problem.as_deref());

        let mut record = input.record.clone();
        if !record.has("id") {
            record.set("id", &source.id().map_err(TranscribeError::Read)?);
        }
        output::write(&mut record, &heard, (problem.as_deref(), None), &plan.result);
        if plan.prints_document {
            record.set(&plan.result, &plan.format.render(&heard));
        }
        if let (Some(folder), Some(target)) = (&plan.folder, &target) {
            let text = match plan.format {
                Format::Jsonl => record.as_str().to_owned(),
                format => format.render(&heard),
            };
            folder.write(target, &format!("{text}\n"))?;
            record.set("output", &Text::from_os(target.as_os_str()));
        }
        Ok(out.record(record, self.usage(heard.tokens))?)
    }

    /// A stream: each utterance is a record.
    fn stream(
        &self,
        worker: &mut Worker,
        (input, path): (&Input, Option<&Path>),
        out: &mut Emit<'_>,
    ) -> Result<(), Halt> {
        let plan = &self.plan;
        let cancel = plan.timeout.map_or_else(|| plan.cancel.clone(), |t| plan.cancel.within(t));
        let source = Source::open(path, plan, &cancel)?;
        let decoder = source.decoder(plan.pcm.as_ref(), &cancel).map_err(TranscribeError::Audio)?;
        let decoder = decoder.with_channels(plan.channels).with_block(live::BLOCK);
        let mut language = plan.asked.language.clone();
        let say = |utterance: Utterance, out: &mut Emit<'_>| match worker {
            Worker::Listener(listener) => {
                self.write_utterance(listener, input, utterance, &mut language, out)
            }
            Worker::Spotter(session) => {
                let mut record = input.record.clone();
                name(&mut record, &utterance);
                let (from, samples) = (utterance.chunk.seconds(), &utterance.chunk.samples);
                record.set("start", &round(from, 100.0));
                record.set("end", &round(from + seconds(samples.len()), 100.0));
                self.spot(session, samples, record, &live::unhurried(), out)
            }
        };
        let problem = live::listen(decoder, (&plan.vad, &plan.asked), &plan.stop, out, say)?;
        warn(path, problem.map(|e| e.to_string()).as_deref());
        Ok(())
    }

    fn write_utterance(
        &self,
        listener: &mut Listener,
        input: &Input,
        utterance: Utterance,
        language: &mut String,
        out: &mut Emit<'_>,
    ) -> Result<(), Halt> {
        let plan = &self.plan;
        let split = plan.channels == audio::Channels::Split;
        let mut heard = Heard { language: language.clone(), ..Heard::default() };
        let mut record = input.record.clone();
        name(&mut record, &utterance);
        heard.duration = round(seconds(utterance.chunk.samples.len()), 100.0);
        let Utterance { number, lane, chunk } = utterance;
        let cancel = live::unhurried();
        for part in chunk.parts() {
            listener
                .write_down((lane, part), (&plan.asked, split), &cancel, &mut heard)
                .map_err(TranscribeError::Engine)?;
        }
        live::settled(language, &heard.language);
        // A cough is no utterance; a doubtful one that was left out is told of.
        if heard.segments.is_empty() && heard.dropped == 0 {
            return Ok(());
        }
        if heard.language == LANGUAGE_AUTO {
            heard.language.clear();
        }
        output::write(&mut record, &heard, (None, Some(number)), &plan.result);
        if plan.prints_document {
            record.set(&plan.result, &plan.format.render(&heard));
        }
        Ok(out.record(record, self.usage(heard.tokens))?)
    }

    /// A whole recording as one command.
    fn spot_recording(
        &self,
        session: &mut Session,
        (input, path): (&Input, Option<&Path>),
        out: &mut Emit<'_>,
    ) -> Result<(), Halt> {
        let plan = &self.plan;
        let cancel = plan.timeout.map_or_else(|| plan.cancel.clone(), |t| plan.cancel.within(t));
        let source = Source::open(path, plan, &cancel)?;
        let mut decoder =
            source.decoder(plan.pcm.as_ref(), &cancel).map_err(TranscribeError::Audio)?;
        let mut stretch = Stretch::new(&plan.asked);
        let mut samples = Vec::new();
        while let Some(block) = decoder.next_block().map_err(TranscribeError::Audio)? {
            let mut lanes = [block];
            let more = stretch.clip(&mut lanes);
            samples.append(&mut lanes[0]);
            if samples.len() > WINDOW {
                return Err(TranscribeError::TooLong.into());
            }
            if !more {
                break;
            }
        }
        let mut record = input.record.clone();
        if !record.has("id") {
            record.set("id", &source.id().map_err(TranscribeError::Read)?);
        }
        let spans = plan.vad.clone().detect(&samples).map_err(TranscribeError::Engine)?;
        // From the first word to the last, with a fifth of a second around them.
        let pad = SAMPLE_RATE / 5;
        let speech = match (spans.first(), spans.last()) {
            (Some(first), Some(last)) => {
                &samples[first.start.saturating_sub(pad)..(last.end + pad).min(samples.len())]
            }
            _ => &[],
        };
        self.spot(session, speech, record, &cancel, out)
    }

    /// Decides which command was said in some speech; none in silence. Of speech longer than the
    /// model takes at once, the part decides that is likeliest to be a command.
    fn spot(
        &self,
        session: &mut Session,
        samples: &[f32],
        mut record: Record,
        cancel: &Cancel,
        out: &mut Emit<'_>,
    ) -> Result<(), Halt> {
        let Some(spotting) = &self.plan.spotting else { return Ok(()) };
        let mut tokens = 0;
        let mut verdict: Option<Verdict> = None;
        for samples in whisper::parts(samples).into_iter().filter(|part| !part.is_empty()) {
            let language = self.plan.asked.language.as_str();
            let request = TranscribeRequest { samples, language, translate: false, words: false };
            let spotted: Spotted = session
                .spot(&request, &spotting.phrases, cancel)
                .map_err(TranscribeError::Engine)?;
            tokens += spotted.tokens as u64;
            let next = command::decide(&spotted, &spotting.judge);
            verdict = match (verdict, next) {
                (Some(before), Some(next)) => Some(before.or(next)),
                (before, next) => before.or(next),
            };
        }
        if spotting.calibrate {
            let Some(verdict) = verdict else { return Ok(()) };
            let label = label(&record, spotting)?;
            let example = Example { score: verdict.score, right: label == Some(verdict.best) };
            self.examples.lock().unwrap_or_else(PoisonError::into_inner).push(example);
            return Ok(());
        }
        command::write(&mut record, verdict.as_ref(), &spotting.commands, &self.plan.result);
        Ok(out.record(record, self.usage(tokens))?)
    }
}

/// The place of the right command of a labelled record; nothing where it is null.
fn label(record: &Record, spotting: &Spotting) -> Result<Option<usize>, Failure> {
    let fail = |why: &str| Failure::new(Code::MissingField, why);
    if !record.has("command") {
        return Err(fail("no \"command\" to calibrate by: a phrase, or null for none of them"));
    }
    let label: Option<Option<String>> =
        record.get("command").map_err(|e| Failure::new(Code::MissingField, e))?;
    let Some(label) = label.flatten() else { return Ok(None) };
    let same = |c: &command::Command| c.phrase.eq_ignore_ascii_case(label.trim());
    let place = spotting.commands.iter().position(same);
    place.map(Some).ok_or_else(|| fail("its \"command\" is not one of the phrases"))
}

/// An id for a record that is one of several made from the same input.
fn name(record: &mut Record, utterance: &Utterance) {
    let id = match record.get::<String>("id") {
        Ok(Some(given)) => format!("{given}/{}", utterance.number),
        _ => utterance.id(),
    };
    record.set("id", &id);
}

fn seconds(samples: usize) -> f64 {
    samples as f64 / SAMPLE_RATE as f64
}

fn warn(path: Option<&Path>, problem: Option<&str>) {
    if let Some(problem) = problem {
        let name = path.map_or_else(|| "stdin".into(), Path::to_string_lossy);
        log::warn!("{name}: {problem}");
    }
}

impl Filter for TranscribeFilter {
    type Worker = Worker;

    const RESULT: &'static str = "text";
    const FIELD: &'static str = "path";
    const OPERANDS: Operands = Operands::Files;

    fn kept(&self, input: &Input) -> Option<(&Results, ResultKey)> {
        let results = self.plan.results.as_ref()?;
        // What comes through a pipe can be read only once.
        if input.origin == Origin::Stdin {
            return None;
        }
        let path = self.plan.field.text(&input.record).ok()?;
        let path = Path::new(path.as_os());
        // Looked at before it is opened: opening a pipe waits for its writer.
        if !std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
            return None;
        }
        let file = std::fs::File::open(path).ok()?;
        let id = ContentHasher::new(file).finish().ok()?;
        Some((results, results.key(&[id.as_bytes()])))
    }

    fn worker(&self) -> Result<Worker, Failure> {
        Ok(self.make_worker()?)
    }

    fn apply(&self, worker: &mut Worker, input: &Input, out: &mut Emit<'_>) -> Result<(), Halt> {
        let plan = &self.plan;
        let path = match (input.origin, plan.field.text(&input.record)) {
            (Origin::Stdin, _) => None,
            (_, Ok(path)) => Some(path),
            (_, Err(e)) => return Err(Failure::new(Code::MissingField, e).into()),
        };
        let recording = (input, path.as_ref().map(Text::as_os).map(Path::new));
        match worker {
            worker if plan.live => self.stream(worker, recording, out),
            Worker::Listener(listener) => self.transcribe(listener, recording, out),
            Worker::Spotter(session) => self.spot_recording(session, recording, out),
        }
    }

    fn finish(&self, out: &mut Emit<'_>) -> Result<(), Halt> {
        self.plan.progress.finish();
        let Some(spotting) = self.plan.spotting.as_ref().filter(|s| s.calibrate) else {
            return Ok(());
        };
        let examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
        let record = calibrate::fit(&examples, &spotting.made_for)
            .map_err(|e| Failure::new(Code::Refused, e))?;
        // As it is: a file to be read by --calibration, not a record of a recording.
        Ok(out.pass(record)?)
    }
}
