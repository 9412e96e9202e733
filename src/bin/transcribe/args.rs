use clap::Parser;
use cli::{Error, Exit, GeneralArgs, Program, Session, StreamArgs};

use crate::filter::TranscribeFilter;
use crate::plan::Plan;

/// Turn speech in audio and video files into text
///
/// Reads the file named by "path" (or an operand, or stdin's bytes with '-') and adds "text",
/// "transcript" (language, duration, and segments with their times) and "confidence", the mean
/// probability of what was written. Silence is found first and left out; a recording without
/// speech gets an empty text. Doubtful segments stay, and say why under "suspect". A recording
/// that is cut off or damaged is transcribed as far as it goes: its "transcript" then has
/// "truncated" and "problem", and a warning says so.
#[derive(Debug, Parser)]
#[command(name = "transcribe")]
pub struct Transcribe {
    /// Model: a name in the store, or a whisper.cpp file
    #[arg(
        short,
        long,
        value_name = "NAME",
        default_value = "whisper-tiny.en",
        help_heading = "Model"
    )]
    pub model: String,

    /// Model that finds speech, or "none": silence is then transcribed too
    #[arg(long, value_name = "NAME", default_value = "silero-vad", help_heading = "Model")]
    pub vad: String,

    /// Parts of one recording transcribed at the same time
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Model", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub threads: u8,

    /// Compute at once, without taking turns with other headwater programs
    #[arg(long, help_heading = "Model")]
    pub no_jobserver: bool,

    /// Language that is spoken, as a code such as "de"; "auto" finds it out for each recording
    #[arg(short, long, value_name = "CODE", default_value = "auto")]
    pub language: String,

    /// Write English whatever is spoken
    #[arg(long)]
    pub translate: bool,

    /// Times of words too
    #[arg(long)]
    pub words: bool,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub cache: results::CacheArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub stream: StreamArgs,
}

impl Program for Transcribe {
    const NAME: &'static str = "transcribe";
    const EXAMPLES: &'static str = include_str!("examples.txt");

    fn general(&self) -> &GeneralArgs {
        &self.stream.general
    }

    fn run(self, session: &Session) -> Result<Exit, Error> {
        let plan = Plan::new(&self, session)?;
        let jobs = plan.jobs;
        cli::driver::run(TranscribeFilter::new(plan), &self.stream, jobs, session)
    }
}
