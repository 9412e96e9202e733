use std::path::PathBuf;

use clap::Parser;
use cli::{Error, Exit, GeneralArgs, Program, Session, StreamArgs};
use store::NanoUsd;

use crate::filter::EscalateFilter;
use crate::plan::Plan;

/// Ask a bigger model about the few records that need it
///
/// Records for which --when holds (all, without it) are sent to a model with the question; "answer"
/// comes back. All other records pass untouched. With --all, one request holds everything that is
/// left, and one record with the answer is written at the end. Money is set aside before a call and
/// settled after it: --budget is never exceeded, also by several processes or after a crash.
#[derive(Debug, Parser)]
#[command(name = "escalate")]
pub struct Escalate {
    /// What to ask about each record, or about all of them
    #[arg(long, short = 'Q', value_name = "TEXT", required = true)]
    pub question: String,

    /// Ask only where this jq expression is true of the record
    #[arg(long, value_name = "EXPR")]
    pub when: Option<String>,

    /// One request about everything that is left; one answer
    #[arg(long)]
    pub all: bool,

    /// Who to ask: a provider's name, a URL up to /v1, or local:MODEL
    #[arg(long, value_name = "WHO", default_value = Plan::DEFAULT_TARGET, help_heading = "Provider")]
    pub to: String,

    /// Model to ask for [default: the provider's]
    #[arg(long, short, value_name = "NAME", help_heading = "Provider")]
    pub model: Option<String>,

    /// Environment variable that holds the key [default: the provider's]
    #[arg(long, value_name = "NAME", help_heading = "Provider", conflicts_with = "key_file")]
    pub key_env: Option<String>,

    /// File that holds the key
    #[arg(long, value_name = "FILE", help_heading = "Provider")]
    pub key_file: Option<PathBuf>,

    /// Providers and prices of your own, in TOML
    /// [default: providers.toml beside the configuration file]
    #[arg(long, value_name = "FILE", help_heading = "Provider")]
    pub providers: Option<PathBuf>,

    /// Tokens of an answer, at most
    #[arg(long, value_name = "N", default_value_t = 512, help_heading = "Provider",
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub max_tokens: u64,

    /// Attempts after failures that cost nothing
    #[arg(long, value_name = "N", default_value_t = 5, help_heading = "Provider",
          value_parser = clap::value_parser!(u32).range(1..=100))]
    pub attempts: u32,

    /// Dollars that this run may spend
    #[arg(long, value_name = "USD", value_parser = dollars, help_heading = "Money")]
    pub budget: Option<NanoUsd>,

    /// Dollars that may be spent in a day (UTC), by all runs together
    #[arg(long, value_name = "USD", value_parser = dollars, help_heading = "Money")]
    pub budget_day: Option<NanoUsd>,

    /// Dollars that may be spent in a month (UTC), by all runs together
    #[arg(long, value_name = "USD", value_parser = dollars, help_heading = "Money")]
    pub budget_month: Option<NanoUsd>,

    /// The model's price: dollars for a million tokens in, and out, as 0.15,0.60
    #[arg(long, value_name = "IN,OUT", help_heading = "Money")]
    pub price: Option<String>,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub stream: StreamArgs,
}

fn dollars(text: &str) -> Result<NanoUsd, String> {
    NanoUsd::parse_usd(text).ok_or_else(|| "not an amount in dollars, such as 0.50".to_owned())
}

impl Program for Escalate {
    const NAME: &'static str = "escalate";
    const EXAMPLES: &'static str = include_str!("examples.txt");

    fn general(&self) -> &GeneralArgs {
        &self.stream.general
    }

    fn run(self, session: &Session) -> Result<Exit, Error> {
        let plan = Plan::new(&self, session)?;
        cli::driver::run(EscalateFilter::new(plan), &self.stream, Plan::DEFAULT_JOBS, session)
    }
}
