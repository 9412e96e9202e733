use std::path::PathBuf;

use clap::Parser;
use cli::{Error, Exit, GeneralArgs, Program, Session, StreamArgs};
use llama::ModelArgs;
use records::Field;
use results::CacheArgs;

use crate::filter::SummarizeFilter;
use crate::plan::Plan;
use crate::prompt::language;
use crate::style::Style;

/// Summarize texts with a small local model, or with none
///
/// Reads "text" and adds "summary"; "coverage": the share of the text that was read; "evidence":
/// for each sentence of the summary where in the text its source stands, in bytes, and how much
/// of it ("score"); and "confidence": the share of the model's sentences that stood.
///
/// A sentence stands when its evidence has at least a third of its words, by weight, and the text
/// has all its numbers and names. One with a number or name that the text does not have is
/// replaced by the text's own sentence, and "unsupported" lists them in its evidence. What says
/// something false with words of the text is not noticed: the confidence is a count, not a
/// calibrated probability.
///
/// A text that exceeds the model's context is summarized part by part, and the parts' summaries
/// again; nothing is dropped. With --extractive the summary is the text's most central sentences,
/// chosen without a generator. File operands are texts; JSON lines come from stdin or from files
/// named .jsonl.
#[derive(Debug, Parser)]
#[command(name = "summarize")]
pub struct Summarize {
    /// Words of a summary, at most [default: 60]
    #[arg(long, visible_alias = "words", value_name = "WORDS", value_parser = clap::value_parser!(u16).range(5..=2000))]
    pub length: Option<u16>,

    /// Form of a summary: sentences, a list of points, or one line [default: sentence]
    #[arg(long, value_name = "STYLE", value_enum, hide_possible_values = false)]
    pub style: Option<Style>,

    /// Language of the summary: a name, or a code such as de [default: as the model sees fit,
    /// mostly the text's]. Names are not checked against the text then
    #[arg(long, value_name = "LANGUAGE", value_parser = language, conflicts_with = "extractive")]
    pub lang: Option<String>,

    /// What to tell the model: a text, with TOML parameters before it between two lines '+++':
    /// words, style, lang, temperature, description. Flags win over them
    #[arg(long, value_name = "FILE", conflicts_with = "extractive")]
    pub prompt: Option<PathBuf>,

    /// Choose sentences of the text (LexRank), without a generator
    #[arg(short, long, conflicts_with = "model")]
    pub extractive: bool,

    /// With --extractive: so many sentences, whatever their words
    #[arg(long, value_name = "N", requires = "extractive", conflicts_with = "length", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub sentences: Option<u16>,

    /// With --extractive: model that tells which sentences mean the same: a name in the store, a
    /// GGUF file, or 'none' [default: all-minilm-l6-v2 if it is in the store]
    #[arg(long, value_name = "NAME", requires = "extractive")]
    pub embedder: Option<String>,

    /// One summary over all records, after the last
    #[arg(long)]
    pub all: bool,

    /// One summary over all records with the same value of FIELD, after the last. Their texts
    /// wait in a temporary file; those of one group must fit in memory
    #[arg(long, value_name = "FIELD", conflicts_with = "all")]
    pub group_by: Option<Field>,

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

impl Program for Summarize {
    const NAME: &'static str = "summarize";
    const EXAMPLES: &'static str = include_str!("examples.txt");

    fn general(&self) -> &GeneralArgs {
        &self.stream.general
    }

    fn run(self, session: &Session) -> Result<Exit, Error> {
        let plan = Plan::new(&self, session)?;
        let jobs = plan.jobs;
        cli::driver::run(SummarizeFilter::new(plan), &self.stream, jobs, session)
    }
}
