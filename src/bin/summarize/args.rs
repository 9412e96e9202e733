use clap::Parser;
use cli::{Error, Exit, GeneralArgs, Program, Session, StreamArgs};
use llama::ModelArgs;

use crate::filter::SummarizeFilter;
use crate::plan::Plan;

/// Summarize texts with a small local model
///
/// Reads "text" and adds "summary", and "coverage": the share of the text that the model has read.
/// A text that exceeds the model's context is summarized part by part, and the parts' summaries
/// again; nothing is dropped. File operands are texts; JSON lines come from stdin or from files
/// named .jsonl.
#[derive(Debug, Parser)]
#[command(name = "summarize")]
pub struct Summarize {
    /// Words of a summary, at most
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u16).range(5..=2000))]
    pub words: u16,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub model: ModelArgs,

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
