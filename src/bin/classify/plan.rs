use std::path::Path;
use std::sync::Arc;

use cli::{Bar, Error, Exit, Session};
use engine::{Cancel, Measure};
use llama::{Llama, LlamaEmbedder};
use modelstore::{Store, Task};

use crate::args::{Classify, MeasureArg};
use crate::calibrate::{self, CalibrationFile};
use crate::classifier::Classifier;
use crate::disagreements::Doubtful;
use crate::file;
use crate::filter::{ClassifyFilter, Way};
use crate::head::{Head, HeadClassifier};
use crate::labelled::{LabelledSet, Reading};
use crate::labels;
use crate::merge::merge;
use crate::multi::Multi;
use crate::train::{self, Training};
use crate::zero_shot::{LabelModel, Question, ZeroShot};

/// The language model, when none is asked for.
const LANGUAGE_MODEL: &str = "smollm2-135m";

/// The embedding model of a new head, when none is asked for.
const EMBEDDING_MODEL: &str = "all-minilm-l6-v2";

/// Does what the arguments ask for: everything that can fail is opened before the first record
/// is read.
pub(crate) fn run(mut args: Classify, session: &Session) -> Result<Exit, Error> {
    let output = args.output.clone();
    if let Some(path) = &output {
        let writes = args.train.is_some() || args.calibrate.is_some() || !args.merge.is_empty();
        if !writes {
            return Err(Error::usage("--output is for --train, --merge and --calibrate"));
        }
        if !args.stream.operands.is_empty() {
            return Err(Error::usage("--train, --merge and --calibrate take no other files"));
        }
        file::check_folder(path)?;
    }
    let done = match (&args.train, &args.calibrate, &output) {
        (Some(file), _, Some(path)) => run_training(&args, file, path, session),
        (_, Some(file), Some(path)) => run_calibration(&args, file, path, session),
        (_, _, Some(path)) => run_merge(&args, path, session),
        _ => return run_filter(&mut args, session),
    };
    match done {
        // Reading and asking end with an error when a signal comes; the signal is the status.
        Err(_) if session.stop.is_set() => Ok(Exit::Success),
        done => done,
    }
}

fn run_merge(args: &Classify, path: &Path, session: &Session) -> Result<Exit, Error> {
    let heads: Result<Vec<Head>, _> =
        args.merge.iter().map(|path| Head::load(path, &session.stop)).collect();
    let merged = merge(&heads?)?;
    file::write(path, &merged)?;
    Ok(Exit::Success)
}

fn run_training(
    args: &Classify,
    file: &Path,
    path: &Path,
    session: &Session,
) -> Result<Exit, Error> {
    let set = read_labelled(args, file, session)?;
    let embedder = embedder(args, EMBEDDING_MODEL)?;
    let training = Training { folds: args.folds.into(), seed: args.seed, workers: jobs(args) };
    let bar = bar(args, &set);
    let done = train::run(&set, &embedder, training, path, session, &|| bar.advance(1));
    bar.finish();
    done
}

fn run_calibration(
    args: &Classify,
    file: &Path,
    path: &Path,
    session: &Session,
) -> Result<Exit, Error> {
    let set = read_labelled(args, file, session)?;
    let classifier = classifier(args, session)?;
    let bar = bar(args, &set);
    let jobs = jobs(args);
    let done = calibrate::run(&set, &*classifier, jobs, path, session, &|| bar.advance(1));
    bar.finish();
    done
}

fn run_filter(args: &mut Classify, session: &Session) -> Result<Exit, Error> {
    let way = if args.multi {
        args.stream.result_key.get_or_insert_with(|| "labels".into());
        let labels = labels::parse(args.labels.as_deref().unwrap_or_default(), &session.stop)?;
        let model: Arc<dyn LabelModel> = Arc::new(language_model(args)?);
        let cancel = Cancel::on(session.stop.flag());
        let multi = Multi::new(&model, &labels, measure(args), &cancel)?;
        Way::Many { multi, threshold: args.threshold }
    } else {
        let classifier = classifier(args, session)?;
        let fitted = args.calibration.as_deref();
        let fitted = fitted.map(|path| CalibrationFile::load(path, &*classifier, &session.stop));
        let calibration = fitted.transpose()?.or_else(|| classifier.calibration().cloned());
        let doubtful = args.disagreements.map(|n| Doubtful::new(n as usize));
        Way::One { classifier, calibration, unsure_below: args.unsure_below, doubtful }
    };
    let result = args.stream.result_or("label").to_owned();
    let settings = format!("{} {result} {}", way.settings(), args.model.context);
    let version = env!("CARGO_PKG_VERSION");
    let scope = [session.program.as_bytes(), version.as_bytes(), settings.as_bytes()];
    let filter = ClassifyFilter {
        way,
        results: args.cache.open(&scope)?,
        field: args.stream.field_or("text"),
        label_field: args.label_field.clone(),
        result,
        cancel: Cancel::on(session.stop.flag()),
        timeout: args.stream.timeout,
    };
    cli::driver::run(filter, &args.stream, jobs(args), session)
}

/// The classifier that the arguments name.
fn classifier(args: &Classify, session: &Session) -> Result<Box<dyn Classifier>, Error> {
    if let Some(path) = &args.head {
        let head = Head::load(path, &session.stop)?;
        let embedder = embedder(args, &head.model.name)?;
        let (model, dimensions) =
            (engine::Embed::model(&embedder), engine::Embed::dimensions(&embedder));
        if let Some(reason) = head.mismatch(model, dimensions) {
            return Err(Error::setup(format!("{}: {reason}", path.display())));
        }
        return Ok(Box::new(HeadClassifier::new(head, Box::new(embedder))?));
    }
    let labels = labels::parse(args.labels.as_deref().unwrap_or_default(), &session.stop)?;
    let examples = match &args.examples {
        Some(path) => read_labelled(args, path, session)?.records,
        None => Vec::new(),
    };
    let question = Question { labels, examples, measure: measure(args), prior: args.prior };
    let cancel = Cancel::on(session.stop.flag());
    Ok(Box::new(ZeroShot::new(Arc::new(language_model(args)?), question, &cancel)?))
}

fn measure(args: &Classify) -> Measure {
    match args.measure {
        MeasureArg::Constrained => Measure::Constrained,
        MeasureArg::PerToken => Measure::PerToken,
    }
}

fn store() -> Result<Store, Error> {
    Ok(Store::for_user(cli::env::models_folder()?, cli::env::catalogue_file())?
        .noting_in(cli::env::models_log()))
}

fn language_model(args: &Classify) -> Result<Llama, Error> {
    let file = args.model.resolve(&store()?, LANGUAGE_MODEL, Task::Complete)?;
    Ok(Llama::load(args.model.options(&file))?)
}

fn embedder(args: &Classify, default: &str) -> Result<LlamaEmbedder, Error> {
    let file = args.model.resolve(&store()?, default, Task::Embed)?;
    Ok(LlamaEmbedder::load(args.model.options(&file))?)
}

fn read_labelled(args: &Classify, path: &Path, session: &Session) -> Result<LabelledSet, Error> {
    let reading = Reading {
        text: args.stream.field_or("text"),
        label: args.label_field.clone(),
        max_line: args.stream.max_line,
        stop: session.stop.clone(),
    };
    reading.file(path)
}

/// Records in work at the same time: twice what the engine takes. While it works on one half, the
/// other is read and written.
fn jobs(args: &Classify) -> usize {
    args.stream.jobs.map_or(2 * args.model.parallel, usize::from)
}

fn bar(args: &Classify, set: &LabelledSet) -> Bar {
    let template = "{bar:30} {pos} of {len} records, {per_sec}, {elapsed}";
    Bar::new(&args.stream.general, Some(set.records.len() as u64), template)
}
