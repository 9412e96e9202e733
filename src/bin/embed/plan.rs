use std::time::Duration;

use cli::{Error, Results, Session};
use engine::Cancel;
use modelstore::{Store, Task};
use records::Field;

use crate::args::Embed;

/// Used when no model is asked for.
const DEFAULT_MODEL: &str = "all-minilm-l6-v2";

/// Records in work for each thread that computes: with texts of a sentence, enough to fill a step
/// while the next one is read.
const RECORDS_PER_THREAD: usize = 32;

/// Everything that is opened before the first record is read.
pub(crate) struct Plan {
    pub(crate) model: Box<dyn engine::Embed>,
    pub(crate) binary: bool,
    pub(crate) field: Field,
    pub(crate) result: String,
    pub(crate) cancel: Cancel,
    pub(crate) timeout: Option<Duration>,
    pub(crate) jobs: usize,
    pub(crate) results: Option<Results>,
}

impl Plan {
    pub(crate) fn new(args: &Embed, session: &Session) -> Result<Self, Error> {
        let stream = &args.stream;
        let store = Store::for_user(cli::env::models_folder()?, cli::env::catalogue_file())?
            .noting_in(cli::env::models_log());
        let file = args.model.resolve(&store, DEFAULT_MODEL, Task::Embed)?;
        let result = stream.result_or("embedding").to_owned();
        let settings = format!("{} {} {result}", args.binary, args.model.context);
        let (version, weights) = (env!("CARGO_PKG_VERSION"), file.sha256.to_string());
        let scope = [session.program, version, &weights, &settings].map(str::as_bytes);
        let results = args.cache.open(&scope)?;
        let options = args.model.options(&file);
        let jobs = (options.contexts * RECORDS_PER_THREAD).min(1024);
        let model = llama::LlamaEmbedder::load(options)?;
        Ok(Self {
            model: Box::new(model),
            binary: args.binary,
            field: stream.field_or("text"),
            result,
            cancel: Cancel::on(session.stop.flag()),
            timeout: stream.timeout,
            jobs: stream.jobs.map_or(jobs, usize::from),
            results,
        })
    }
}
