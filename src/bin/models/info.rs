use std::fs;
use std::path::{Path, PathBuf};

use cli::Error;
use modelstore::inspect::inspect;
use modelstore::{Entry, Format, Inspection, Sha256, Tuning};
use serde::Serialize;

use crate::args::InfoArgs;
use crate::output::{Output, size};
use crate::plan::{Plan, unknown};
use crate::table::Table;

/// Everything that is known about a model.
#[derive(Serialize)]
struct Info<'a> {
    name: &'a str,
    here: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<PathBuf>,
    /// The file elsewhere that the store links to.
    #[serde(skip_serializing_if = "Option::is_none")]
    original: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<Sha256>,
    /// Where the file in the store came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalogue: Option<&'a Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<Header>,
    /// What `models tune` found out on this processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    tuned: Option<Tuning>,
}

/// What the file's header says.
#[derive(Serialize)]
struct Header {
    format: Format,
    architecture: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    parameters: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u64>,
    quantization: String,
    tensors: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    multilingual: Option<bool>,
    bytes: u64,
}

impl From<Inspection> for Header {
    fn from(header: Inspection) -> Self {
        Self {
            format: header.format,
            architecture: header.architecture,
            name: header.name,
            parameters: header.parameters,
            context: header.context,
            width: header.width,
            quantization: header.quantization,
            tensors: header.tensors,
            multilingual: header.multilingual,
            bytes: header.bytes,
        }
    }
}

pub(crate) fn run(args: &InfoArgs, plan: &Plan, out: &mut Output) -> Result<(), Error> {
    let entry = plan.store.catalogue().find(&args.model);
    let name = entry.map_or(args.model.as_str(), |e| e.name.as_str());
    let listed = plan.store.list()?.into_iter().find(|l| l.name == name);
    if entry.is_none() && listed.is_none() {
        return file(&args.model, out);
    }
    let path = listed.as_ref().filter(|l| l.bytes.is_some()).map(|l| l.path.clone());
    let header = path.as_deref().map(inspect).transpose();
    let (header, problem) = match header {
        Ok(header) => (header.map(Header::from), None),
        Err(e) => (None, Some(e.to_string())),
    };
    let sidecar = listed.as_ref().and_then(|l| l.sidecar.as_ref());
    show(
        &Info {
            name,
            here: path.is_some(),
            original: listed.as_ref().and_then(|l| fs::read_link(&l.path).ok()),
            sha256: sidecar.map(|s| s.sha256),
            from: sidecar.map(|s| s.source.clone()),
            path,
            catalogue: entry,
            header,
            tuned: listed.as_ref().and_then(|listed| plan.store.tuning(listed)),
        },
        out,
    )?;
    problem.map_or(Ok(()), |problem| out.unusable(name, &problem))
}

/// A file that is not in the store.
fn file(name: &str, out: &mut Output) -> Result<(), Error> {
    let path = Path::new(name);
    if !name.contains('/') && !path.exists() {
        return Err(unknown(name));
    }
    let header = inspect(path).map_err(|e| Error::setup(format!("{name}: {e}")))?;
    let info = Info {
        name,
        here: true,
        path: Some(path.to_owned()),
        original: None,
        sha256: None,
        from: None,
        catalogue: None,
        header: Some(header.into()),
        tuned: None,
    };
    show(&info, out)
}

fn show(info: &Info<'_>, out: &mut Output) -> Result<(), Error> {
    if out.is_json() {
        return out.json(info);
    }
    let mut table = Table::new(&[info.name, ""], &[]);
    for (key, value) in facts(info) {
        table.push(vec![format!("  {key}"), value]);
    }
    out.text(&table.lines(None).join("\n"))
}

fn facts(info: &Info<'_>) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(entry) = info.catalogue {
        facts.push(("description", entry.description.clone()));
        facts.push(("task", entry.task.to_string()));
        facts.push(("licence", entry.licence.clone()));
        if !entry.aliases.is_empty() {
            facts.push(("also", entry.aliases.join(", ")));
        }
        facts.push(("size", size(entry.bytes)));
        facts.push(("memory", size(entry.memory)));
        facts.extend(entry.sources.iter().map(|s| ("source", s.to_string())));
        if !entry.alternatives.is_empty() {
            facts.push(("instead", entry.alternatives.join(", ")));
        }
    }
    match &info.path {
        Some(path) => facts.push(("file", path.display().to_string())),
        None => facts.push(("file", format!("not here; get it with: models pull {}", info.name))),
    }
    facts.extend(info.original.iter().map(|o| ("linked to", o.display().to_string())));
    facts.extend(info.from.iter().map(|f| ("from", f.clone())));
    facts.extend(info.sha256.iter().map(|s| ("sha256", s.to_string())));
    if let Some(header) = &info.header {
        facts.push(("format", header.format.to_string()));
        facts.push(("architecture", header.architecture.clone()));
        facts.extend(header.name.iter().map(|n| ("own name", n.clone())));
        facts.push(("parameters", header.parameters.to_string()));
        facts.push(("weights", header.quantization.clone()));
        facts.extend(header.context.iter().map(|c| ("context", c.to_string())));
        facts.extend(header.width.iter().map(|w| ("width", w.to_string())));
    }
    if let Some(tuning) = &info.tuned {
        let best = tuning.chosen.as_ref().map_or("as downloaded", |chosen| &chosen.format);
        let gain = tuning.speed().gain_over(&tuning.measured.speed);
        facts.push(("tuned", format!("{best}, {gain:.1} times as fast on {}", tuning.cpu)));
    }
    facts
}
