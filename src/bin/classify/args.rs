use std::path::PathBuf;

use clap::{ArgGroup, Parser, ValueEnum};
use cli::{Error, Exit, GeneralArgs, Program, Session, StreamArgs};
use llama::ModelArgs;
use records::Field;
use results::CacheArgs;

use crate::plan;

/// Give texts a label
///
/// Reads "text" and adds "label" and "scores" (a probability for each label). With --labels a
/// small language model decides without training (--examples shows it a few); with --head a head
/// does that --train fitted to records labelled before. "confidence" is added where it is
/// calibrated: always with a head, and with --labels after --calibrate. A text that exceeds the
/// model's context is read in parts, all of them, and "parts" says how many. An empty text is
/// "unsure".
#[derive(Debug, Parser)]
#[command(
    name = "classify",
    group = ArgGroup::new("way").required(true).args(["labels", "head", "train", "merge"]),
    // Short texts: many fit into one step, and their keys and values need little memory.
    mut_arg("parallel", |arg| arg.default_value("32")),
    mut_arg("kv_memory", |arg| arg.default_value("256")),
)]
pub struct Classify {
    /// The labels: separated by commas, or a file with one a line
    ///
    /// In a file a description may follow a label after a tab or ': '; lines that begin with '#'
    /// are left out. A file named .jsonl has records with "label" and "description".
    #[arg(long, value_name = "LABELS|FILE", help_heading = "Labels")]
    pub labels: Option<String>,

    /// With --labels: labelled records to show to the model before each text
    #[arg(long, value_name = "FILE", requires = "labels", help_heading = "Labels")]
    pub examples: Option<PathBuf>,

    /// With --labels: any number of labels for a text, as "labels"
    ///
    /// Each label is a choice of its own, between it and "not" it, and the text is read once for
    /// each. The model's leaning is taken away as with --prior.
    #[arg(long, requires = "labels", help_heading = "Labels",
          conflicts_with_all = ["calibrate", "calibration", "disagreements", "unsure_below", "examples", "prior"])]
    pub multi: bool,

    /// With --multi: give the labels of at least this probability
    #[arg(long, value_name = "P", default_value_t = 0.5, value_parser = probability, help_heading = "Labels")]
    pub threshold: f64,

    /// With --labels: how likely the model thinks a label of several tokens is
    #[arg(long, value_name = "MEASURE", default_value = "constrained", help_heading = "Labels")]
    pub measure: MeasureArg,

    /// With --labels: divide by what the model says of a text without content
    ///
    /// Small models lean to some labels whatever the text. With SmolLM2-135M this raised the
    /// accuracy on topics from 0.3 to 0.8 and changed nothing on sentiments; --calibrate does
    /// better where labelled records are at hand.
    #[arg(long, requires = "labels", help_heading = "Labels")]
    pub prior: bool,

    /// Use this head
    #[arg(long, value_name = "HEAD", help_heading = "Heads")]
    pub head: Option<PathBuf>,

    /// Fit a head to these labelled records ('-' is stdin), and say how good it is
    #[arg(long, value_name = "FILE", requires = "output", help_heading = "Heads")]
    pub train: Option<PathBuf>,

    /// Average heads trained on several machines, weighted by their numbers of records
    #[arg(long, value_name = "HEAD", num_args = 1.., requires = "output", help_heading = "Heads")]
    pub merge: Vec<PathBuf>,

    /// With --train: parts for cross-validation
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(2..=100), help_heading = "Heads")]
    pub folds: u16,

    /// With --train: decides which record is in which part
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Heads")]
    pub seed: u64,

    /// Fit a calibration to these labelled records ('-' is stdin), and print accuracy against
    /// coverage
    #[arg(long, value_name = "FILE", requires = "output", conflicts_with_all = ["train", "merge", "calibration", "disagreements"], help_heading = "Confidence")]
    pub calibrate: Option<PathBuf>,

    /// Use the calibration that --calibrate wrote for the same labels or head
    #[arg(long, value_name = "FILE", conflicts_with_all = ["train", "merge"], help_heading = "Confidence")]
    pub calibration: Option<PathBuf>,

    /// Say "unsure" when the confidence is below; without one, when the best score is
    #[arg(long, value_name = "P", value_parser = probability, help_heading = "Confidence")]
    pub unsure_below: Option<f64>,

    /// At the end of the input, write the N records in greatest doubt [default of N: 100]
    ///
    /// These are the ones to look at and label next. A record's doubt is 1 minus the probability
    /// of the label that it has under --label-field, or of the likeliest one where it has none.
    /// Its label stays as it is; "disagreement" holds the model's.
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "100",
          value_parser = clap::value_parser!(u32).range(1..=1_000_000), conflicts_with_all = ["train", "merge"], help_heading = "Confidence")]
    pub disagreements: Option<u32>,

    /// Field of the label in labelled records
    #[arg(long, value_name = "FIELD", default_value = "label", help_heading = "Input")]
    pub label_field: Field,

    /// What --train, --merge or --calibrate writes
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub model: ModelArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub cache: CacheArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub stream: StreamArgs,
}

/// `--measure`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MeasureArg {
    /// As if the model could say nothing but a label
    Constrained,
    /// The mean over the label's tokens
    PerToken,
}

fn probability(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(p) if (0.0..=1.0).contains(&p) => Ok(p),
        _ => Err("not a number from 0 to 1".into()),
    }
}

impl Program for Classify {
    const NAME: &'static str = "classify";
    const EXAMPLES: &'static str = include_str!("examples.txt");

    fn general(&self) -> &GeneralArgs {
        &self.stream.general
    }

    fn run(self, session: &Session) -> Result<Exit, Error> {
        plan::run(self, session)
    }
}
