use clap::Parser;
use cli::{Error, Exit, GeneralArgs, Program, Session, StreamArgs};
use llama::ModelArgs;
use results::CacheArgs;

use crate::filter::EmbedFilter;
use crate::plan::Plan;

/// Turn texts into vectors that are near where the meanings are
///
/// Reads "text" and adds "embedding": an array of numbers of unit length, which `dedupe
/// --near=meaning`, clustering and your own tools read. A text that exceeds the model's context
/// is embedded in parts, their mean is taken, and "embedding_chunks" says how many there were.
/// File operands are texts; JSON lines come from stdin or from files named .jsonl.
#[derive(Debug, Parser)]
#[command(
    name = "embed",
    // An embedder keeps nothing from token to token, and its texts are batched by their length.
    mut_arg("parallel", |arg| arg.hide(true)),
    mut_arg("kv_memory", |arg| arg.hide(true)),
    mut_arg("model", |arg| arg.help("Model: a name in the store, or a GGUF file [default: all-minilm-l6-v2]")),
    mut_arg("context", |arg| arg.help("Tokens of the longest text that is embedded in one piece; 0: the model's own")),
)]
pub struct Embed {
    /// Write base64 of little-endian 16-bit floats instead of an array: a quarter of the size
    #[arg(long, help_heading = "Output")]
    pub binary: bool,

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

impl Program for Embed {
    const NAME: &'static str = "embed";
    const EXAMPLES: &'static str = include_str!("examples.txt");

    fn general(&self) -> &GeneralArgs {
        &self.stream.general
    }

    fn run(self, session: &Session) -> Result<Exit, Error> {
        let plan = Plan::new(&self, session)?;
        let jobs = plan.jobs;
        cli::driver::run(EmbedFilter::new(plan), &self.stream, jobs, session)
    }
}
