use std::path::PathBuf;
use std::time::Duration;

use cli::{Error, Results, Session, Stop};
use engine::Cancel;
use modelstore::{ResolveError, Resolved, Store, Task};
use records::Field;
use whisper::{Options, Whisper};

use crate::args::Transcribe;
use crate::listen::Asked;

/// `--vad` with this name asks for no detector.
const NO_VAD: &str = "none";

/// Everything that is opened before the first recording is.
pub(crate) struct Plan {
    pub(crate) whisper: Whisper,
    /// The detector's file; each worker loads its own, it is small.
    pub(crate) vad: Option<PathBuf>,
    pub(crate) asked: Asked,
    pub(crate) threads: usize,
    pub(crate) jobs: usize,
    pub(crate) field: Field,
    pub(crate) result: String,
    pub(crate) timeout: Option<Duration>,
    pub(crate) cancel: Cancel,
    pub(crate) stop: Stop,
    /// Transcripts of earlier runs.
    pub(crate) results: Option<Results>,
}

impl Plan {
    pub(crate) fn new(args: &Transcribe, session: &Session) -> Result<Self, Error> {
        let store = Store::for_user(cli::env::models_folder()?, cli::env::catalogue_file())?;
        let vad = match args.vad.as_str() {
            NO_VAD => None,
            name => Some(resolve(&store, name, Task::Vad)?.path),
        };
        let whisper = load(&resolve(&store, &args.model, Task::Transcribe)?, !args.no_jobserver)?;
        let language = args.language.to_ascii_lowercase();
        whisper.check_language(&language).map_err(|e| multilingual(e.to_string(), &whisper))?;
        if args.translate && !whisper.is_multilingual() {
            let name = &whisper.model().name;
            let message = format!("{name} knows English only and cannot translate");
            return Err(multilingual(message, &whisper));
        }
        let results = args.cache.open(&[
            b"transcribe",
            env!("CARGO_PKG_VERSION").as_bytes(),
            whisper.model().sha256.as_bytes(),
            args.vad.as_bytes(),
            language.as_bytes(),
            &[args.translate.into(), args.words.into()],
            args.stream.result_or("text").as_bytes(),
        ])?;
        let threads = usize::from(args.threads);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            whisper,
            vad,
            asked: Asked { language, translate: args.translate, words: args.words },
            threads,
            jobs: (cores / threads).max(1),
            field: args.stream.field_or("path"),
            result: args.stream.result_or("text").to_owned(),
            timeout: args.stream.timeout,
            cancel: Cancel::on(session.stop.flag()),
            stop: session.stop.clone(),
            results,
        })
    }
}

fn resolve(store: &Store, name: &str, task: Task) -> Result<Resolved, ResolveError> {
    let file = store.resolve(name, task)?;
    if let Some(wanted) = &file.in_place_of {
        log::warn!("{wanted} is not here: {} is used in its place", file.name);
    }
    Ok(file)
}

fn load(file: &Resolved, jobserver: bool) -> Result<Whisper, engine::Error> {
    Whisper::load(Options {
        name: file.name.clone(),
        sha256: file.sha256.to_string(),
        jobserver,
        ..Options::new(&file.path)
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
