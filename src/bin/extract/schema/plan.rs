use std::time::Duration;

use cli::{Error, Results, Session};
use engine::Cancel;
use modelstore::{ResolveError, Resolved, Store, Task};
use records::Field;

use super::filler::Filler;
use super::normal::Region;
use super::source::Schema;
use super::support::Policy;
use crate::args::Extract;
use crate::plan::Plan;

/// Used when no model is asked for, the first that is here: the smaller one finds the fields of
/// short texts, but mixes up those of longer ones.
const DEFAULT_MODELS: [&str; 2] = ["qwen2.5-coder-0.5b", "smollm2-135m"];

/// Everything that is opened before the first record is read.
pub(crate) struct SchemaPlan {
    /// How documents are read, whose text is filled in from.
    pub(crate) documents: Plan,
    pub(crate) filler: Filler,
    pub(crate) policy: Policy,
    pub(crate) region: Region,
    pub(crate) field: Field,
    /// Whether the field was asked for: then it must be there, whatever else is.
    pub(crate) field_given: bool,
    pub(crate) result: String,
    pub(crate) cancel: Cancel,
    pub(crate) timeout: Option<Duration>,
    pub(crate) jobs: usize,
    pub(crate) results: Option<Results>,
}

impl SchemaPlan {
    pub(crate) fn new(args: &Extract, schema: &str, session: &Session) -> Result<Self, Error> {
        let stream = &args.stream;
        let schema = Schema::of_argument(schema, &session.stop)?;
        let documents =
            Plan { field: Field::key("path"), result: "text".into(), ..Plan::new(args, session) };
        let store = Store::for_user(cli::env::models_folder()?, cli::env::catalogue_file())?
            .noting_in(cli::env::models_log());
        let file = model_file(args, &store)?;
        let result = stream.result_or("data").to_owned();
        let region = args.region.clone().unwrap_or_default();
        let settings = format!(
            "{} {:?} {:?} {result} {} {} {:?}",
            schema.source,
            args.unsupported,
            region.name,
            args.fields_per_request,
            args.model.context,
            documents.limits,
        );
        let version = env!("CARGO_PKG_VERSION");
        let weights = file.sha256.to_string();
        let scope = [
            session.program.as_bytes(),
            version.as_bytes(),
            weights.as_bytes(),
            settings.as_bytes(),
        ];
        let results = args.cache.open(&scope)?;
        let model = llama::Llama::load(args.model.options(&file))?;
        let fields = usize::from(args.fields_per_request);
        let filler = Filler::new(Box::new(model), schema, fields, args.model.parallel)?;
        Ok(Self {
            documents,
            filler,
            policy: args.unsupported,
            region,
            field: stream.field_or("text"),
            field_given: stream.field.is_some(),
            result,
            cancel: Cancel::on(session.stop.flag()),
            timeout: stream.timeout,
            // Twice what the engine takes: while it works on one half, the other is read.
            jobs: stream.jobs.map_or(2 * args.model.parallel, usize::from),
            results,
        })
    }
}

/// The file of the model asked for, or of the best one that is here.
fn model_file(args: &Extract, store: &Store) -> Result<Resolved, ResolveError> {
    let [best, rest @ ..] = DEFAULT_MODELS;
    if args.model.model.is_some() {
        return args.model.resolve(store, best, Task::Complete);
    }
    let mut found = args.model.resolve(store, best, Task::Complete);
    for name in rest {
        if matches!(found, Err(ResolveError::Missing(_)))
            && let Ok(other) = args.model.resolve(store, name, Task::Complete)
        {
            log::info!("{best} is not here: {name} is used, which finds less");
            found = Ok(other);
        }
    }
    found
}
