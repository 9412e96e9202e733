use std::time::Duration;

use cli::{Error, Session};
use engine::{Cancel, Complete};
use records::Field;

use crate::args::Summarize;
use crate::condense::Settings;

/// Used when no model is asked for.
const DEFAULT_MODEL: &str = "smollm2-135m";

/// Everything that is opened before the first record is read.
pub(crate) struct Plan {
    pub(crate) model: Box<dyn Complete>,
    pub(crate) settings: Settings,
    pub(crate) field: Field,
    pub(crate) result: String,
    pub(crate) cancel: Cancel,
    pub(crate) timeout: Option<Duration>,
    pub(crate) jobs: usize,
}

impl Plan {
    pub(crate) fn new(args: &Summarize, session: &Session) -> Result<Self, Error> {
        let stream = &args.stream;
        let jobs = stream.jobs.map_or(args.model.parallel, usize::from);
        let store =
            modelstore::Store::for_user(cli::env::models_folder()?, cli::env::catalogue_file())?;
        let file = args.model.resolve(&store, DEFAULT_MODEL, modelstore::Task::Complete)?;
        let model = llama::Llama::load(args.model.options(&file))?;
        Ok(Self {
            model: Box::new(model),
            settings: Settings { words: args.words.into(), parallel: args.model.parallel },
            field: stream.field_or("text"),
            result: stream.result_or("summary").to_owned(),
            cancel: Cancel::on(session.stop.flag()),
            timeout: stream.timeout,
            jobs,
        })
    }
}
