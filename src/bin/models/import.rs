use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cli::Error;
use modelstore::import::{self, Source, WeightType};
use modelstore::inspect::{InspectError, inspect};
use modelstore::store::suggest_name;
use modelstore::{AddOptions, Added, Format, Keep, Sha256, StoreError};
use serde::Serialize;

use crate::args::ImportArgs;
use crate::bar::Bytes;
use crate::output::{Output, Row, size};
use crate::plan::Plan;

/// A model that was taken in.
#[derive(Serialize)]
struct Imported {
    name: String,
    path: PathBuf,
    format: Format,
    bytes: u64,
    sha256: Sha256,
    /// It is the catalogue's file of that name.
    known: bool,
    linked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    converted_to: Option<String>,
}

impl Row for Imported {
    fn line(&self) -> String {
        let what = match (&self.converted_to, self.linked) {
            (Some(weights), _) => format!(", converted to {weights}"),
            (None, true) => ", linked".into(),
            (None, false) => String::new(),
        };
        format!("{} is here now ({}{what})", self.name, size(self.bytes))
    }
}

/// What is to be done with what the user named.
enum Work {
    /// The engines read it as it is.
    Take(PathBuf),
    Convert(Source),
}

pub(crate) fn run(args: &ImportArgs, plan: &Plan, out: &mut Output) -> Result<(), Error> {
    if let Some(labels) = &args.labels {
        return classifier(labels, args, plan, out);
    }
    let (added, converted_to) = match recognise(&args.from)? {
        Work::Take(file) => {
            if args.weights.is_some() {
                return Err(Error::usage(
                    "--type is for models that are converted; this one is not",
                ));
            }
            let keep = if args.link { Keep::Link } else { Keep::Copy };
            let options =
                AddOptions { name: args.name.clone(), suggested: None, keep, source: None };
            (add(&file, &options, plan), None)
        }
        Work::Convert(source) => {
            if args.link {
                return Err(Error::usage(
                    "--link is for files that are used as they are; this one is converted",
                ));
            }
            let weights = args.weights.unwrap_or(WeightType::F16);
            (convert(&source, weights, args, plan)?, Some(weights.to_string()))
        }
    };
    tell(added, converted_to, out)
}

fn tell(
    added: Result<Added, StoreError>,
    converted_to: Option<String>,
    out: &mut Output,
) -> Result<(), Error> {
    let added = match added {
        Err(StoreError::Stopped) => return Ok(()),
        added => added?,
    };
    out.row(&Imported {
        linked: added.path.is_symlink(),
        name: added.name,
        path: added.path,
        format: added.inspection.format,
        bytes: added.inspection.bytes,
        sha256: added.sha256,
        known: added.known,
        converted_to,
    })
}

/// Tells by the content what it is.
fn recognise(from: &Path) -> Result<Work, Error> {
    let about =
        |problem: &dyn std::fmt::Display| Error::setup(format!("{}: {problem}", from.display()));
    if fs::metadata(from).map_err(|e| about(&e))?.is_dir() {
        return detect(from);
    }
    match inspect(from) {
        Ok(_) => Ok(Work::Take(from.to_owned())),
        // No format that engines read; perhaps one that is converted.
        Err(InspectError::Unknown("")) if from.extension().is_some_and(|e| e == "onnx") => {
            Err(Error::usage("an ONNX classifier needs its labels: --labels FILE"))
        }
        Err(InspectError::Unknown("")) => detect(from),
        Err(e) => Err(about(&e)),
    }
}

fn detect(from: &Path) -> Result<Work, Error> {
    Ok(match import::detect(from)? {
        Source::Gguf(file) | Source::GgmlWhisper(file) | Source::GgmlVad(file) => Work::Take(file),
        source => Work::Convert(source),
    })
}

fn add(file: &Path, options: &AddOptions, plan: &Plan) -> Result<Added, StoreError> {
    let total = fs::metadata(file).ok().map(|m| m.len());
    let mut bytes = Bytes::new(&plan.general, &file.display().to_string(), total);
    plan.store.add_file(file, options, &plan.stop, &mut |n| bytes.set(n))
}

/// An ONNX classifier and its labels, in one file.
fn classifier(
    labels: &Path,
    args: &ImportArgs,
    plan: &Plan,
    out: &mut Output,
) -> Result<(), Error> {
    let about = |path: &Path, problem: &dyn std::fmt::Display| {
        Error::setup(format!("{}: {problem}", path.display()))
    };
    let text = fs::read_to_string(labels).map_err(|e| about(labels, &e))?;
    let labels = bundle::labels(&text).map_err(|e| about(labels, &e))?;
    let graph = fs::read(&args.from).map_err(|e| about(&args.from, &e))?;
    // The first field of an ONNX file is its version, a number.
    if !graph.starts_with(&[8]) {
        return Err(about(&args.from, &"no ONNX file"));
    }
    let header = bundle::Header {
        kind: bundle::Kind::Labels,
        graphs: vec![bundle::Graph { name: "classifier".into(), bytes: 0 }],
        labels,
        scale: args.scale.scale(),
    };
    let dir = plan.store.dir();
    fs::create_dir_all(dir).map_err(|e| about(dir, &e))?;
    clear_abandoned(dir);
    let scratch = tempfile::Builder::new().prefix(".import-").tempdir_in(dir);
    let scratch = scratch.map_err(|e| about(dir, &e))?;
    let model = scratch.path().join("model");
    let mut file = fs::File::create_new(&model).map_err(|e| about(&model, &e))?;
    bundle::write(header, &[graph], &mut file).map_err(|e| about(&model, &e))?;
    file.sync_all().map_err(|e| about(&model, &e))?;
    let original = fs::canonicalize(&args.from).unwrap_or_else(|_| args.from.clone());
    let options = AddOptions {
        name: args.name.clone(),
        suggested: Some(suggest_name(&args.from)),
        keep: Keep::Move,
        source: Some(original.display().to_string()),
    };
    tell(add(&model, &options, plan), None, out)
}

/// Converts into a folder beside the store's files, from where the result is moved to its place.
fn convert(
    source: &Source,
    weights: WeightType,
    args: &ImportArgs,
    plan: &Plan,
) -> Result<Result<Added, StoreError>, Error> {
    let dir = plan.store.dir();
    let at = |e: std::io::Error| Error::setup(format!("{}: {e}", dir.display()));
    fs::create_dir_all(dir).map_err(at)?;
    clear_abandoned(dir);
    let scratch = tempfile::Builder::new().prefix(".import-").tempdir_in(dir).map_err(at)?;
    let model = scratch.path().join("model");
    log::info!("converting {} to {weights}", args.from.display());
    import::convert(source, &model, weights)?;
    let original = fs::canonicalize(&args.from).unwrap_or_else(|_| args.from.clone());
    let options = AddOptions {
        name: args.name.clone(),
        suggested: Some(suggested(source, weights)),
        keep: Keep::Move,
        source: Some(original.display().to_string()),
    };
    Ok(add(&model, &options, plan))
}

/// Removes what imports left that were killed while converting, a day ago or longer.
fn clear_abandoned(dir: &Path) {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    for item in fs::read_dir(dir).into_iter().flatten().flatten() {
        let is_scratch = item.file_name().to_string_lossy().starts_with(".import-");
        let age = item.metadata().and_then(|m| m.modified()).map(|t| t.elapsed());
        if is_scratch
            && matches!(age, Ok(Ok(age)) if age > DAY)
            && let Err(e) = fs::remove_dir_all(item.path())
        {
            log::debug!("cannot remove {}: {e}", item.path().display());
        }
    }
}

/// A name made of the folder's, since the files in it are all called alike; Silero's is one file.
fn suggested(source: &Source, weights: WeightType) -> String {
    let whole = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let base = match source {
        Source::Ct2Whisper { model, .. } | Source::WhisperSafetensors { model, .. } => {
            whole(model).parent().map(Path::to_owned)
        }
        Source::BertSafetensors { dir } => Some(whole(dir)),
        Source::SileroSafetensors { file } | Source::Gguf(file) => Some(file.with_extension("")),
        Source::GgmlWhisper(file) | Source::GgmlVad(file) => Some(file.with_extension("")),
    };
    let name = base.as_deref().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    // The extension is what a name is made without.
    suggest_name(Path::new(&format!("{name}-{weights}.model")))
}
