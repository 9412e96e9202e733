use std::time::Duration;

use cli::{Error, Results, Session};
use engine::{Cancel, Complete, Embed, ModelInfo};
use modelstore::{Store, Task};
use records::Field;

use crate::args::Summarize;
use crate::condense::Settings;
use crate::extractive::Length;
use crate::groups::Groups;
use crate::prompt::{Wording, language};
use crate::prompt_file::PromptFile;
use crate::style::Style;

/// Used when no model is asked for.
const DEFAULT_MODEL: &str = "smollm2-135m";

/// Used for --extractive when none is asked for.
const DEFAULT_EMBEDDER: &str = "all-minilm-l6-v2";

/// Words of a summary when nothing is said.
const DEFAULT_WORDS: u16 = 60;

/// Where summaries come from.
pub(crate) enum Method {
    /// A model writes them.
    Generate { model: Box<dyn Complete>, settings: Settings },
    /// They are sentences of the text.
    Extract { embedder: Option<Box<dyn Embed>>, length: Length, style: Style },
}

/// What is summarized together.
pub(crate) enum Together {
    /// Each record by itself.
    One,
    /// All records.
    All(Groups),
    /// Records that have the same value there.
    By(Field, Groups),
}

/// Everything that is opened before the first record is read.
pub(crate) struct Plan {
    pub(crate) method: Method,
    pub(crate) together: Together,
    pub(crate) field: Field,
    pub(crate) result: String,
    pub(crate) cancel: Cancel,
    pub(crate) timeout: Option<Duration>,
    pub(crate) jobs: usize,
    /// Summaries of earlier runs.
    pub(crate) results: Option<Results>,
}

impl Plan {
    pub(crate) fn new(args: &Summarize, session: &Session) -> Result<Self, Error> {
        let stream = &args.stream;
        let prompt = args.prompt.as_deref().map(PromptFile::read).transpose()?;
        let groups = || Groups::new().map_err(|e| Error::setup(format!("temporary file: {e}")));
        let together = match &args.group_by {
            Some(field) => Together::By(field.clone(), groups()?),
            None if args.all => Together::All(groups()?),
            None => Together::One,
        };
        let store = Store::for_user(cli::env::models_folder()?, cli::env::catalogue_file())?
            .noting_in(cli::env::models_log());
        // Everything besides the model that a summary depends on.
        let asked = format!(
            "{:?}",
            (
                (args.length, args.style, &args.lang, args.extractive, args.sentences),
                (args.model.context, &prompt, stream.result_or("summary")),
            )
        );
        let method = if args.extractive {
            extract(args, &store)?
        } else {
            generate(args, prompt.unwrap_or_default(), &store)?
        };
        let sha = method.model().map_or("", |model| model.sha256.as_str());
        let scope = ["summarize", env!("CARGO_PKG_VERSION"), sha, &asked].map(str::as_bytes);
        let results = args.cache.open(&scope)?;
        Ok(Self {
            method,
            together,
            field: stream.field_or("text"),
            result: stream.result_or("summary").to_owned(),
            cancel: Cancel::on(session.stop.flag()),
            timeout: stream.timeout,
            jobs: stream.jobs.map_or(args.model.parallel, usize::from),
            results,
        })
    }
}

fn generate(args: &Summarize, prompt: PromptFile, store: &Store) -> Result<Method, Error> {
    let file = args.model.resolve(store, DEFAULT_MODEL, Task::Complete)?;
    let model = llama::Llama::load(args.model.options(&file))?;
    let theirs = prompt.lang.as_deref().map(language).transpose();
    let theirs = theirs.map_err(|e| Error::setup(format!("lang of the prompt file: {e}")))?;
    let settings = Settings {
        words: args.length.or(prompt.words).unwrap_or(DEFAULT_WORDS).into(),
        parallel: args.model.parallel,
        wording: Wording {
            style: args.style.or(prompt.style).unwrap_or_default(),
            language: args.lang.clone().or(theirs),
            instruction: Some(prompt.instruction).filter(|text| !text.is_empty()),
        },
        temperature: prompt.temperature.unwrap_or(0.0),
    };
    Ok(Method::Generate { model: Box::new(model), settings })
}

fn extract(args: &Summarize, store: &Store) -> Result<Method, Error> {
    let file = match args.embedder.as_deref() {
        Some("none") => None,
        Some(name) => Some(store.resolve(name, Task::Embed)?),
        None => match store.resolve(DEFAULT_EMBEDDER, Task::Embed) {
            Ok(file) => Some(file),
            Err(missing) => {
                log::info!("sentences are compared by their words alone: {missing}");
                None
            }
        },
    };
    // --context is a generator's; sentences are short.
    let options = |file| llama::Options { context: 0, ..args.model.options(&file) };
    let embedder = file.map(|file| llama::LlamaEmbedder::load(options(file))).transpose()?;
    let style = args.style.unwrap_or_default();
    let words = Length::Words(args.length.unwrap_or(DEFAULT_WORDS).into());
    let length = match (style, args.sentences) {
        (Style::Headline, _) => Length::Sentences(1),
        (_, sentences) => sentences.map_or(words, |n| Length::Sentences(n.into())),
    };
    let embedder = embedder.map(|embedder| Box::new(embedder) as Box<dyn Embed>);
    Ok(Method::Extract { embedder, length, style })
}

impl Method {
    /// The model that takes part, if any.
    pub(crate) fn model(&self) -> Option<&ModelInfo> {
        match self {
            Self::Generate { model, .. } => Some(model.model()),
            Self::Extract { embedder, .. } => embedder.as_ref().map(|embedder| embedder.model()),
        }
    }
}
