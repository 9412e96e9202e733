use std::path::{Path, PathBuf};
use std::time::Duration;

use cli::{Error, Results, Session, Stop};
use engine::Cancel;
use modelstore::{ResolveError, Resolved, Store, Task};
use records::{Field, content_id};
use whisper::{Options, Phrases, SAMPLE_RATE, Whisper};

use crate::args::{ChannelsArg, Transcribe};
use crate::calibrate;
use crate::command::{self, Command, DEFAULT_JUDGE, Judge};
use crate::detector::Detector;
use crate::folder::Folder;
use crate::format::Format;
use crate::listen::Asked;
use crate::progress::Progress;

/// `--vad` with this name asks for no detector.
const NO_VAD: &str = "none";
/// Threads that nobody asked for: each takes memory of its own, 70 MB with the smallest model.
const MOST_THREADS: usize = 4;
/// The largest vocabulary file that is read, in bytes.
const MAX_VOCABULARY: u64 = 1 << 16;

/// Everything that is opened before the first recording is.
pub(crate) struct Plan {
    pub(crate) whisper: Whisper,
    pub(crate) vad: Detector,
    pub(crate) asked: Asked,
    pub(crate) channels: audio::Channels,
    pub(crate) pcm: Option<audio::Pcm>,
    /// `--stream`.
    pub(crate) live: bool,
    pub(crate) spotting: Option<Spotting>,
    pub(crate) format: Format,
    pub(crate) folder: Option<Folder>,
    /// What is printed is the transcript in its form, in place of records.
    pub(crate) prints_document: bool,
    pub(crate) threads: usize,
    pub(crate) jobs: usize,
    pub(crate) field: Field,
    pub(crate) result: String,
    pub(crate) timeout: Option<Duration>,
    pub(crate) cancel: Cancel,
    pub(crate) stop: Stop,
    /// Transcripts of earlier runs.
    pub(crate) results: Option<Results>,
    pub(crate) progress: Progress,
}

/// `--commands`.
pub(crate) struct Spotting {
    pub(crate) commands: Vec<Command>,
    pub(crate) phrases: Phrases,
    pub(crate) judge: Judge,
    /// What a calibration is for.
    pub(crate) made_for: String,
    pub(crate) calibrate: bool,
}

impl Plan {
    pub(crate) fn new(args: &Transcribe, session: &Session) -> Result<Self, Error> {
        check_output(args)?;
        let store = Store::for_user(cli::env::models_folder()?, cli::env::catalogue_file())?
            .noting_in(cli::env::models_log());
        let vad = detector(&store, &args.vad)?;
        let prompt = prompt(args)?;
        let file = resolve(&store, &args.model, Task::Transcribe)?;
        whisper::give_back_large_blocks();
        let whisper = load(&file, args, &prompt)?;
        let language = args.language.to_ascii_lowercase();
        whisper.check_language(&language).map_err(|e| multilingual(e.to_string(), &whisper))?;
        if args.translate && !whisper.is_multilingual() {
            let name = &whisper.model().name;
            let message = format!("{name} knows English only and cannot translate");
            return Err(multilingual(message, &whisper));
        }
        let spotting = spotting(args, &whisper)?;
        let samples = |d: Duration| (d.as_secs_f64() * SAMPLE_RATE as f64) as u64;
        let asked = Asked {
            language,
            translate: args.translate,
            words: args.words,
            offset: args.offset.map_or(0, samples),
            duration: args.duration.map(samples),
            drop_suspect: args.drop_suspect,
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = threads(args, cores);
        let extension = args.format.extension();
        let operands = &args.records.operands;
        let folder = |path: &PathBuf| Folder::new(path.clone(), extension, args.force, operands);
        let default_result = if spotting.is_some() { "command" } else { "text" };
        let mut plan = Self {
            vad,
            channels: match args.channels {
                ChannelsArg::Mix => audio::Channels::Mix,
                ChannelsArg::Split => audio::Channels::Split,
            },
            pcm: args.pcm.clone(),
            live: args.stream,
            spotting,
            format: args.format,
            folder: args.output.as_ref().map(folder),
            prints_document: args.format != Format::Jsonl && args.output.is_none(),
            threads,
            jobs: if args.stream { 1 } else { (cores / threads).max(1) },
            field: args.records.field_or("path"),
            result: args.records.result_or(default_result).to_owned(),
            timeout: args.records.timeout,
            cancel: Cancel::on(session.stop.flag()),
            stop: session.stop.clone(),
            results: None,
            progress: Progress::new(&args.records.general),
            asked,
            whisper,
        };
        plan.results = plan.open_results(args, &prompt)?;
        Ok(plan)
    }

    pub(crate) fn is_spotting(&self) -> bool {
        self.spotting.is_some()
    }

    /// Results of earlier runs, where one record is all that a recording gives.
    fn open_results(&self, args: &Transcribe, prompt: &str) -> Result<Option<Results>, Error> {
        let calibrates = self.spotting.as_ref().is_some_and(|s| s.calibrate);
        if self.live || calibrates || self.folder.is_some() {
            return Ok(None);
        }
        let Asked { language, translate, words, offset, duration, drop_suspect } = &self.asked;
        let settings = format!(
            "{translate} {words} {offset} {duration:?} {drop_suspect} {:?} {:?} {:?}",
            self.channels, self.pcm, self.format
        );
        let spotting = self.spotting.as_ref().map(|s| format!("{} {:?}", s.made_for, s.judge));
        let entries = args.commands.as_ref().and_then(|path| std::fs::read(path).ok());
        args.cache.open(&[
            b"transcribe",
            env!("CARGO_PKG_VERSION").as_bytes(),
            self.whisper.model().sha256.as_bytes(),
            args.vad.as_bytes(),
            language.as_bytes(),
            settings.as_bytes(),
            prompt.as_bytes(),
            spotting.unwrap_or_default().as_bytes(),
            &entries.unwrap_or_default(),
            self.result.as_bytes(),
        ])
    }
}

/// Parts of one recording that are transcribed at the same time. Recordings side by side need less
/// waiting for each other, so several threads are taken only where fewer are named than cores, and
/// no more than [`MOST_THREADS`].
fn threads(args: &Transcribe, cores: usize) -> usize {
    let operands = &args.records.operands;
    match args.threads {
        Some(threads) => threads.into(),
        None if operands.is_empty() || operands.iter().any(|operand| operand.is_dir()) => 1,
        None => (cores / operands.len()).clamp(1, MOST_THREADS),
    }
}

/// Captions and tables are of one recording, and of a whole one.
fn check_output(args: &Transcribe) -> Result<(), Error> {
    if args.format.can_be_joined() || args.output.is_some() {
        return Ok(());
    }
    let form = args.format.extension();
    let one = match args.records.operands.as_slice() {
        [operand] => !operand.is_dir(),
        _ => false,
    };
    if one && !args.stream {
        return Ok(());
    }
    let why = if args.stream { "a stream's utterances" } else { "several recordings" };
    let error = Error::usage(format!("{why} cannot be written as one {form}"));
    Err(error.hint("name one recording, or a folder for the files with -o"))
}

/// What the model is told before each window.
fn prompt(args: &Transcribe) -> Result<String, Error> {
    let mut prompt = args.prompt.clone().unwrap_or_default();
    let Some(path) = &args.vocabulary else { return Ok(prompt) };
    let fail = |e: String| Error::setup(format!("{}: {e}", path.display()));
    let len = std::fs::metadata(path).map_err(|e| fail(e.to_string()))?.len();
    if len > MAX_VOCABULARY {
        return Err(fail(format!("over {MAX_VOCABULARY} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|e| fail(e.to_string()))?;
    let words: Vec<&str> = text.lines().map(str::trim).filter(|w| !w.is_empty()).collect();
    if !words.is_empty() {
        let gap = if prompt.is_empty() { "" } else { " " };
        // The form in which transcripts of talks list what they are about.
        prompt.push_str(&format!("{gap}Glossary: {}.", words.join(", ")));
    }
    Ok(prompt)
}

fn spotting(args: &Transcribe, whisper: &Whisper) -> Result<Option<Spotting>, Error> {
    let Some(path) = &args.commands else { return Ok(None) };
    let commands = command::read(path)?;
    let texts: Vec<String> = commands.iter().map(|c| c.phrase.clone()).collect();
    let phrases =
        whisper.phrases(&texts).map_err(|e| Error::setup(format!("{}: {e}", path.display())))?;
    let list = format!("{}\n{}", whisper.model().sha256, texts.join("\n"));
    let made_for = content_id(list.as_bytes());
    let judge = match &args.calibration {
        Some(file) => calibrate::load(file, &made_for)?,
        None => DEFAULT_JUDGE,
    };
    Ok(Some(Spotting { commands, phrases, judge, made_for, calibrate: args.calibrate }))
}

/// The detector of speech called `name`.
fn detector(store: &Store, name: &str) -> Result<Detector, Error> {
    if name == NO_VAD {
        return Ok(Detector::Everything);
    }
    let file = resolve(store, name, Task::Vad)?;
    Detector::load(&file.path).map_err(|e| Error::setup(e.to_string()))
}

fn resolve(store: &Store, name: &str, task: Task) -> Result<Resolved, ResolveError> {
    let file = store.resolve(name, task)?;
    if let Some(wanted) = &file.in_place_of {
        log::warn!("{wanted} is not here: {} is used in its place", file.name);
    }
    Ok(file)
}

fn load(file: &Resolved, args: &Transcribe, prompt: &str) -> Result<Whisper, engine::Error> {
    let path: &Path = &file.path;
    Whisper::load(Options {
        longest: whisper::LONGEST_CHUNK,
        name: file.name.clone(),
        sha256: file.sha256.to_string(),
        prompt: prompt.to_owned(),
        jobserver: !args.no_jobserver,
        ..Options::new(path)
    })
}

fn multilingual(message: String, whisper: &Whisper) -> Error {
    let error = Error::setup(message);
    if whisper.is_multilingual() {
        error.hint("codes are those of ISO 639-1, such as 'de'; 'auto' finds the language out")
    } else {
        error.hint("models whose names do not end in .en know other languages; see: models list")
    }
}
